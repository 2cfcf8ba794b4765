//! Connecting, subscribing, coming back.

use std::time::Duration;

use stock_up_core::GapCause;
use stock_up_io::feed::tape_venue::{TapePhase, TapeVenueSettings};
use stock_up_io::feed::{FeedSettings, FeedSignal, Finnhub, Secret, VenueErrorKind};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::stage::{
    Ear, Stage, TOKEN, is_connected, is_disconnected, is_refused, is_subscribed, list,
    quick_settings, tape_text, tape_trades, venue_settings,
};

#[tokio::test]
async fn every_trade_of_the_tape_comes_in_its_order() {
    let text = tape_text(20_000);
    let stage = Stage::open(&text, venue_settings(&[])).await;
    let mut ear = stage.listen(&["SPY", "IBM"]);
    ear.until(is_subscribed).await;
    assert!(matches!(
        ear.story[..2],
        [FeedSignal::Connecting, FeedSignal::Connected { .. }]
    ));
    ear.trades(20_000).await;
    stage.until(|status| status.phase == TapePhase::Ended).await;
    let ear = ear.stop().await;
    assert_eq!(ear.trades, tape_trades(&text));
    assert_eq!((ear.report.frames, ear.report.trades), (800, 20_000));
    assert!(ear.report.bad.is_empty());
}

#[tokio::test]
async fn only_what_is_wanted_comes_and_the_wish_may_change() {
    let text = tape_text(4_000);
    let settings = TapeVenueSettings {
        speed: "1".parse().unwrap(),
        ..venue_settings(&[])
    };
    let stage = Stage::open(&text, settings).await;
    let mut ear = stage.listen(&["SPY"]);
    ear.trades(50).await;
    assert!(ear.trades.iter().all(|trade| trade.starts_with("SPY ")));
    ear.wishes.send(list(&["IBM"])).unwrap();
    let gone = ear
        .until(|signal| matches!(signal, FeedSignal::Unsubscribed { .. }))
        .await;
    assert!(matches!(gone, FeedSignal::Unsubscribed { symbols, .. } if symbols == ["SPY"]));
    let come = ear.until(is_subscribed).await;
    assert!(matches!(come, FeedSignal::Subscribed { symbols, .. } if symbols == ["IBM"]));
    let before = ear.trades.len();
    ear.trades(before + 50).await;
    assert!(
        ear.trades[before..]
            .iter()
            .all(|trade| trade.starts_with("IBM "))
    );
    stage.until(|status| status.subscriptions == 1).await;
    assert!(!ear.story.iter().any(is_disconnected));
}

#[tokio::test]
async fn it_comes_back_after_every_kind_of_end_and_misses_nothing_that_waited() {
    let faults = [
        "drop@1000",
        "reset@2000",
        "close:1000@3000",
        "close:1001@4000",
        "close:1006@5000",
        "close:1008@6000",
        "close:1011@7000",
        "close:1012@8000",
        "close:1013@9000",
    ];
    let text = tape_text(10_000);
    let stage = Stage::open(&text, venue_settings(&faults)).await;
    let mut ear = stage.listen(&["SPY", "IBM"]);
    let mut details = Vec::new();
    for _ in faults {
        match ear.until(is_disconnected).await {
            FeedSignal::Disconnected {
                heard_ts,
                cause,
                detail,
            } => {
                assert!(heard_ts > 0);
                assert_eq!(cause, GapCause::Disconnected);
                details.push(detail);
            }
            other => panic!("{other:?}"),
        }
        let again = ear.until(is_subscribed).await;
        assert!(
            matches!(again, FeedSignal::Subscribed { symbols, .. } if symbols == ["SPY", "IBM"])
        );
    }
    assert!(details[0].contains("without a close frame"), "{details:?}");
    assert!(details[5].contains("1008 on demand"), "{details:?}");
    let all = tape_trades(&text);
    ear.last_trade(&all[9_999]).await;
    // A reset throws away what was on its way; all else arrives, in order.
    let before = ear.trades.iter().take_while(|trade| **trade < all[2_000]);
    let before = before.count();
    assert_eq!(ear.trades[..before], all[..before]);
    assert!((1_000..=2_000).contains(&before), "{before}");
    assert_eq!(ear.trades[before..], all[2_000..]);
}

#[tokio::test]
async fn the_first_try_is_repeated_until_somebody_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    drop(listener);
    let finnhub = Finnhub::new(&address, Secret::new(TOKEN)).unwrap();
    let mut ear = Ear::open(finnhub, quick_settings(), &["SPY"]);
    for _ in 0..5 {
        let signal = ear.until(|signal| *signal != FeedSignal::Connecting).await;
        let FeedSignal::Unreachable { reason, retry_in } = signal else {
            panic!("{signal:?}");
        };
        assert!(reason.starts_with("cannot connect:"), "{reason}");
        assert!(retry_in <= Duration::from_millis(20));
    }
    ear.stop().await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    let finnhub = Finnhub::new(&address, Secret::new(TOKEN)).unwrap();
    let settings = FeedSettings {
        connect_timeout: Duration::from_millis(50),
        ..quick_settings()
    };
    let mut ear = Ear::open(finnhub, settings, &[]);
    let signal = ear.until(|signal| *signal != FeedSignal::Connecting).await;
    let FeedSignal::Unreachable { reason, .. } = signal else {
        panic!("{signal:?}");
    };
    assert_eq!(reason, "no connection within 50ms");
}

#[tokio::test]
async fn a_bad_key_is_not_hammered() {
    let stage = Stage::open(
        &tape_text(10),
        TapeVenueSettings {
            token: Some(Secret::new("another")),
            ..venue_settings(&[])
        },
    )
    .await;
    let started = Instant::now();
    let mut ear = stage.listen(&["SPY"]);
    for _ in 0..2 {
        let FeedSignal::Refused { reason, retry_in } = ear.until(is_refused).await else {
            panic!("refused");
        };
        let expect = "the venue answered 401 Unauthorized to the handshake: the token is missing \
                      or wrong";
        assert_eq!(reason, expect);
        assert!(retry_in >= Duration::from_millis(400));
    }
    assert!(started.elapsed() >= Duration::from_millis(400));
    assert_eq!(stage.control.status().borrow().tries, 2);
}

#[tokio::test]
async fn every_answer_to_the_handshake_is_understood() {
    for (fault, expect, long) in [
        (
            "refuse:403",
            "403 Forbidden to the handshake: the token may not",
            true,
        ),
        ("refuse:404", "404 Not Found to the handshake: check", true),
        (
            "refuse:302",
            "302 Found to the handshake: redirects are not followed",
            true,
        ),
        (
            "refuse:200",
            "200 OK to the handshake: an ordinary page",
            false,
        ),
        ("refuse:502", "502 Bad Gateway to the handshake", false),
        ("refuse:524", "524", false),
    ] {
        let stage = Stage::open(&tape_text(10), venue_settings(&[fault])).await;
        let mut ear = stage.listen(&["SPY"]);
        let FeedSignal::Refused { reason, retry_in } = ear.until(is_refused).await else {
            panic!("refused");
        };
        assert!(reason.contains(expect), "{fault}: {reason}");
        assert_eq!(
            retry_in >= Duration::from_millis(400),
            long,
            "{fault}: {retry_in:?}"
        );
        ear.until(is_connected).await;
    }
}

#[tokio::test]
async fn too_many_tries_wait_as_long_as_the_venue_asks() {
    let stage = Stage::open(&tape_text(10), venue_settings(&["refuse:429,retry=1"])).await;
    let mut ear = stage.listen(&["SPY"]);
    let FeedSignal::Refused { reason, retry_in } = ear.until(is_refused).await else {
        panic!("refused");
    };
    assert!(
        reason.contains("429 Too Many Requests to the handshake: too many tries"),
        "{reason}"
    );
    assert!(retry_in >= Duration::from_secs(1));
    let refused = Instant::now();
    ear.until(is_connected).await;
    assert!(refused.elapsed() >= Duration::from_secs(1));
    assert_eq!(stage.control.status().borrow().tries, 2);
}

#[tokio::test]
async fn one_symbol_too_many_is_the_venues_to_refuse_or_ours() {
    let symbols: Vec<String> = (0..51).map(|number| format!("S{number}")).collect();
    let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
    // Ours, when the limit is known.
    let stage = Stage::open(&tape_text(10), venue_settings(&[])).await;
    let mut ear = stage.listen(&symbols);
    let FeedSignal::RefusedSymbols(refused) = ear.next().await else {
        panic!("refused symbols");
    };
    assert_eq!(refused[0].symbol, "S50");
    assert_eq!(
        refused[0].reason,
        "the venue takes 50 symbols; unsubscribe another"
    );
    stage.until(|status| status.subscriptions == 50).await;
    drop(ear);
    // The venue's, when we believe in a higher one.
    let stage = Stage::open(&tape_text(10), venue_settings(&[])).await;
    let finnhub = stage.finnhub().with_max_symbols(100);
    let mut ear = Ear::open(finnhub, quick_settings(), &symbols);
    let complaint = ear
        .until(|signal| matches!(signal, FeedSignal::VenueError(_)))
        .await;
    let FeedSignal::VenueError(error) = complaint else {
        panic!("{complaint:?}");
    };
    assert_eq!(error.kind, VenueErrorKind::TooManySymbols);
    assert_eq!(error.text, "Subscribing to too many symbols");
    stage.until(|status| status.subscriptions == 50).await;
    assert!(!ear.story.iter().any(is_disconnected));
}

#[tokio::test]
async fn a_second_connection_with_one_token_costs_both() {
    let stage = Stage::open(&tape_text(10), venue_settings(&[])).await;
    let mut first = stage.listen(&["SPY"]);
    first.until(is_subscribed).await;
    stage.until(|status| status.subscriptions == 1).await;
    let mut second = stage.listen(&["SPY"]);
    first.until(is_disconnected).await;
    second.until(is_disconnected).await;
    assert!(stage.control.status().borrow().tries >= 2);
}

#[tokio::test]
async fn a_wish_may_change_while_there_is_no_connection() {
    let stage = Stage::open(&tape_text(10), venue_settings(&["refuse:401"])).await;
    let mut ear = stage.listen(&["SPY", "IBM"]);
    ear.until(is_refused).await;
    ear.wishes.send(list(&["IBM", "BAC"])).unwrap();
    let gone = ear.next().await;
    assert!(matches!(gone, FeedSignal::Unsubscribed { symbols, .. } if symbols == ["SPY"]));
    let come = ear.until(is_subscribed).await;
    assert!(matches!(come, FeedSignal::Subscribed { symbols, .. } if symbols == ["IBM", "BAC"]));
}

#[tokio::test]
async fn a_plain_way_to_another_machine_is_refused() {
    let finnhub = Finnhub::new("ws://192.0.2.1", Secret::new(TOKEN)).unwrap();
    let clock = stock_up_io::clock::Clock::system();
    let error = stock_up_io::feed::Feed::new(finnhub, quick_settings(), clock).expect_err("plain");
    assert!(
        error
            .to_string()
            .starts_with("`ws://192.0.2.1` is not encrypted"),
        "{error}"
    );
}
