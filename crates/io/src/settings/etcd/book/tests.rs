//! What follows from keys, without a server.

use super::*;

fn text(text: &str) -> Value {
    Value::of(text.as_bytes())
}

fn listing(revision: i64, values: &[(Key, &str, i64)]) -> Listing {
    let held = |(key, value, revision): &(Key, &str, i64)| {
        let (value, revision) = (text(value), *revision);
        (*key, Held { value, revision })
    };
    Listing {
        cluster: 1,
        revision,
        values: values.iter().map(held).collect(),
        unknown: Vec::new(),
    }
}

fn book() -> Book {
    let defaults = Settings {
        subscriptions: vec!["DEFAULT".to_owned()],
        ..Settings::default()
    };
    Book::new(defaults, LogKeys::Both)
}

#[track_caller]
fn follows(book: &mut Book, subscriptions: &str, windows: &str, refused: Option<&str>) {
    let Settled {
        settings,
        refused: found,
    } = book.settle();
    let texts = (
        settings.text(Field::Subscriptions),
        settings.text(Field::Windows),
    );
    assert_eq!(texts, (subscriptions.to_owned(), windows.to_owned()));
    assert_eq!(found.as_deref(), refused);
}

#[test]
fn an_absent_key_has_its_default_and_a_deleted_one_goes_back_to_it() {
    let mut book = book();
    follows(&mut book, "DEFAULT", "60s", None);
    book.list(listing(5, &[(Key::Subscriptions, " SPY, IBM", 3)]));
    follows(&mut book, "SPY,IBM", "60s", None);
    book.event("stock-analyzer/windows", Some(text("5m,60s")), 6);
    follows(&mut book, "SPY,IBM", "60s,300s", None);
    book.event("stock-query/subscriptions", None, 7);
    follows(&mut book, "DEFAULT", "60s,300s", None);
    book.list(listing(9, &[]));
    follows(&mut book, "DEFAULT", "60s", None);
    book.list(listing(10, &[(Key::Subscriptions, "", 10)]));
    follows(&mut book, "", "60s", None);
}

#[test]
fn a_bad_value_is_refused_by_itself_and_the_value_before_stays() {
    let mut book = book();
    book.list(listing(4, &[(Key::Windows, "10s", 2)]));
    follows(&mut book, "DEFAULT", "10s", None);
    book.event("stock-analyzer/windows", Some(text("10")), 5);
    book.event("stock-query/subscriptions", Some(text("SPY")), 6);
    let why = "etcd key `stock-analyzer/windows`, revision 5: windows: `10` has no unit; expected \
               a duration like \"60s\"; the value before stays";
    follows(&mut book, "SPY", "10s", Some(why));
    book.event("stock-analyzer/windows", Some(text("20s")), 7);
    follows(&mut book, "SPY", "20s", None);
    book.event("stock-analyzer/windows", Some(Value::of(b"\xff")), 8);
    let why = "etcd key `stock-analyzer/windows`, revision 8: the value is not UTF-8; the value \
               before stays";
    follows(&mut book, "SPY", "20s", Some(why));
    book.event(
        "stock-analyzer/windows",
        Some(Value::of(&vec![b'1'; (1 << 20) + 1])),
        9,
    );
    let why = "etcd key `stock-analyzer/windows`, revision 9: the value is larger than 1 MiB; the \
               value before stays";
    follows(&mut book, "SPY", "20s", Some(why));
}

#[test]
fn a_name_that_means_nothing_is_told() {
    let mut book = book();
    let mut found = listing(4, &[]);
    found.unknown.push(("stock-query/".to_owned(), 3));
    book.list(found);
    let why = "etcd key `stock-query/`, revision 3: there is no such setting";
    follows(&mut book, "DEFAULT", "60s", Some(why));
    book.event("stock-query/", None, 5);
    follows(&mut book, "DEFAULT", "60s", None);
}

#[test]
fn a_watch_tells_nothing_new_of_what_was_listed_after() {
    let mut book = book();
    book.list(listing(8, &[(Key::Windows, "10s", 8)]));
    // Put and deleted before the listing, but told after it.
    book.event("stock-query/subscriptions", Some(text("OLD")), 6);
    book.event("stock-analyzer/windows", Some(text("5s")), 7);
    follows(&mut book, "DEFAULT", "10s", None);
}

#[test]
fn an_etcd_that_lost_its_data_takes_nothing_from_us() {
    let mut first = book();
    first.list(listing(
        40,
        &[(Key::Windows, "10s", 12), (Key::Subscriptions, "SPY", 40)],
    ));
    first.settle();
    // As after a restart of ours, with what was written down.
    let mut book = book();
    book.restore(first.kept());
    book.list(listing(1, &[]));
    follows(&mut book, "SPY", "10s", None);
    let lost = book.lost().unwrap();
    assert!(lost.contains("its revision was 40 and is 1"), "{lost}");
    assert!(lost.contains("stock-query/subscriptions"), "{lost}");
    // Set again, one after the other; a deletion counts again.
    book.event("stock-query/subscriptions", Some(text("IBM")), 2);
    book.list(listing(3, &[(Key::Subscriptions, "IBM", 2)]));
    follows(&mut book, "IBM", "10s", None);
    book.event("stock-analyzer/windows", Some(text("20s")), 4);
    book.event("stock-analyzer/windows", None, 5);
    follows(&mut book, "IBM", "60s", None);
    book.list(listing(6, &[(Key::Subscriptions, "IBM", 2)]));
    assert_eq!(book.lost(), None);
}

#[test]
fn of_two_log_levels_the_one_that_logs_more_counts() {
    let level = |keys: LogKeys, collect: &str, analyze: &str| {
        let mut book = Book::new(Settings::default(), keys);
        let values = [
            (Key::CollectLogLevel, collect, 1),
            (Key::AnalyzeLogLevel, analyze, 1),
        ];
        book.list(listing(2, &values));
        book.settle().settings.log_level
    };
    assert_eq!(level(LogKeys::Both, "ERROR", "debug"), LogLevel::Debug);
    assert_eq!(level(LogKeys::Both, "ERROR", "warning"), LogLevel::Warn);
    assert_eq!(level(LogKeys::Collect, "ERROR", "debug"), LogLevel::Error);
    assert_eq!(level(LogKeys::Analyze, "ERROR", "debug"), LogLevel::Debug);
}

#[test]
fn a_change_puts_what_differs_and_mends_what_is_broken() {
    let mut book = book();
    book.list(listing(
        8,
        &[(Key::Windows, "ten", 3), (Key::Revise, "30s", 4)],
    ));
    book.settle();
    let wanted = Settings {
        revise: None,
        log_level: LogLevel::Debug,
        ..book.settings()
    };
    let put = |text: &str| Some(text.to_owned());
    assert_eq!(
        book.changes(&wanted),
        [
            (Key::CollectLogLevel, put("debug")),
            (Key::Windows, put("60s")),
            (Key::Revise, None),
        ]
    );
    let revisions: Vec<_> = book.revisions().into_iter().filter(|r| r.1 > 0).collect();
    assert_eq!(revisions, [(Key::Windows, 3), (Key::Revise, 4)]);
}
