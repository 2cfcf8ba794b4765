//! The dashboards of `deploy/grafana`: what they ask is asked of a real `InfluxDB`, and what they
//! show of the program exists.
//!
//! Grafana itself is not here: these tests fill its macros as it does and look at the answers.

mod board;
mod influxdb;
mod names;
mod points;

use board::{Board, Query};
use influxdb::Database;
use points::{GRID_MS, SYMBOLS, WINDOWS};

const INFLUXDB: &str = "STOCK_UP_TEST_INFLUXDB";

/// How a query of the layout `seed` ends, as the seed's own dashboard asked.
const SEED_MEASUREMENTS: [&str; 7] = [
    "transactions",
    "volume",
    "last_price",
    "min_price",
    "max_price",
    "avg_price_trans",
    "avg_price_volume",
];

/// Fills the macros and variables of Grafana in `query`.
fn filled(query: &str, symbol: &str, window: &str) -> String {
    let (from, to) = points::range_ms();
    let time = format!("time >= {from}ms and time <= {to}ms");
    let query = query
        .replace("$timeFilter", &time)
        .replace("$__interval", &format!("{GRID_MS}ms"));
    let variables = [("${symbol:regex}", symbol), ("${window:regex}", window)];
    let fill = |with: [&str; 2]| {
        let pairs = variables.iter().zip(with);
        pairs.fold(query.clone(), |text, ((name, _), value)| {
            text.replace(name, value)
        })
    };
    // What stays is the end of a regular expression, or a macro that this test does not know.
    let known = fill(["", ""]);
    assert!(
        !known.replace("$/", "").contains('$'),
        "not filled: {known}"
    );
    fill(variables.map(|(_, value)| value))
}

/// As Grafana escapes a value for a regular expression.
fn escaped(value: &str) -> String {
    let escape = |c: char| match c {
        '\\' | '^' | '$' | '*' | '+' | '?' | '.' | '(' | ')' | '|' | '[' | ']' | '{' | '}'
        | '/' => vec!['\\', c],
        c => vec![c],
    };
    value.chars().flat_map(escape).collect()
}

/// A database with the points in both layouts, or nothing, loudly.
fn database(test: &str) -> Option<Database> {
    let database = Database::create(&crate::needs::server(INFLUXDB, test)?, test);
    database.write("ns", &points::wide());
    database.write("ms", &points::seed());
    Some(database)
}

#[test]
fn every_panel_of_stocks_shows_the_points() {
    let Some(database) = database("grafana_stocks") else {
        return;
    };
    let board = Board::read("stocks");
    let queries = board.panel_queries();
    assert!(queries.len() >= 12, "{} queries", queries.len());
    for query in &queries {
        for symbol in SYMBOLS {
            for window in WINDOWS {
                check_wide(&database, query, symbol, window);
            }
        }
    }
}

/// Each column of the query gives each point of the window, and no other.
#[track_caller]
fn check_wide(database: &Database, query: &Query, symbol: &str, window: u32) {
    let text = filled(&query.text, &escaped(symbol), &format!("{window}s"));
    let series = database.query(&text);
    let at = format!("{} ({symbol}, {window}s): {text}", query.place);
    assert_eq!(series.len(), 1, "{at}");
    let fields = query.fields();
    assert!(!fields.is_empty(), "{at}");
    for (column, field) in fields.iter().enumerate() {
        let shown = series[0].column(column);
        let expected = points::values(symbol, window, field);
        assert!(expected.iter().any(|(_, value)| !value.is_null()), "{at}");
        influxdb::assert_same(&shown, &expected, &at);
    }
}

#[test]
fn every_panel_of_the_seed_layout_shows_the_points() {
    let Some(database) = database("grafana_seed") else {
        return;
    };
    let queries = Board::read("stocks-seed").panel_queries();
    let mut seen: Vec<String> = Vec::new();
    let all = format!("({})", SYMBOLS.map(escaped).join("|"));
    for query in &queries {
        let measurement = query.measurement();
        assert!(query.text.contains(r#"mean("value")"#), "{}", query.place);
        assert!(query.text.contains("time($__interval)"), "{}", query.place);
        let mut series = database.query(&filled(&query.text, &all, ""));
        series.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        let mut symbols = SYMBOLS.to_vec();
        symbols.sort_unstable();
        assert_eq!(series.len(), symbols.len(), "{}", query.place);
        for (one, symbol) in series.iter().zip(symbols) {
            assert_eq!(one.symbol.as_deref(), Some(symbol), "{}", query.place);
            let expected = points::values(symbol, WINDOWS[0], &measurement);
            influxdb::assert_same(&one.column(0), &expected, &query.place);
        }
        seen.push(measurement);
    }
    seen.sort_unstable();
    let mut expected = SEED_MEASUREMENTS.to_vec();
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

#[test]
fn the_variables_offer_what_is_stored() {
    let Some(database) = database("grafana_variables") else {
        return;
    };
    let mut symbols = SYMBOLS.map(str::to_owned).to_vec();
    symbols.sort();
    for name in ["stocks", "stocks-seed"] {
        let query = Board::read(name).variable("symbol");
        assert_eq!(database.tags(&filled(&query, "", "")), symbols, "{query}");
    }
    let query = Board::read("stocks").variable("window");
    let mut windows = WINDOWS.map(|seconds| format!("{seconds}s")).to_vec();
    windows.sort();
    for symbol in SYMBOLS {
        let query = filled(&query, &escaped(symbol), "");
        assert_eq!(database.tags(&query), windows, "{query}");
    }
}

#[test]
fn a_gap_is_annotated_where_it_is() {
    let Some(database) = database("grafana_gaps") else {
        return;
    };
    let query = Board::read("stocks").annotation("Gaps");
    let series = database.query(&filled(&query, &escaped(SYMBOLS[1]), "60s"));
    let times: Vec<i64> = series[0].column(0).iter().map(|(time, _)| *time).collect();
    assert_eq!(times, points::gap_times_ms());
    // The other symbol was observed throughout.
    let series = database.query(&filled(&query, &escaped(SYMBOLS[0]), "60s"));
    assert!(series.is_empty(), "{}", series.len());
}
