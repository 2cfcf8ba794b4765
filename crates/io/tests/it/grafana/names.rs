//! What needs no server: the form of the dashboards, and that they show metrics which exist.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::board::{Board, NAMES, deploy};

/// Columns of Grafana's grid.
const WIDTH: u64 = 24;

#[test]
fn dashboards_are_well_formed() {
    let mut uids = BTreeSet::new();
    for name in NAMES {
        let board = Board::read(name);
        assert!(uids.insert(board.0["uid"].to_string()), "{name}");
        // Imported elsewhere, it asks whatever data source is chosen there.
        let source = &board.0["templating"]["list"][0];
        assert_eq!(source["type"], "datasource", "{name}");
        let mut ids = BTreeSet::new();
        let mut cells = BTreeSet::new();
        for panel in board.panels() {
            let at = format!("{name}: {}", panel["title"]);
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{at}");
            assert!(!panel["description"].as_str().unwrap().is_empty(), "{at}");
            check_sources(panel, &at);
            for cell in cells_of(panel) {
                assert!(cell.0 < WIDTH, "{at} is too wide");
                assert!(cells.insert(cell), "{at} lies over another panel");
            }
        }
    }
}

fn check_sources(panel: &Value, at: &str) {
    assert_eq!(panel["datasource"]["uid"], "${datasource}", "{at}");
    let mut letters = BTreeSet::new();
    for target in panel["targets"].as_array().unwrap() {
        assert_eq!(target["datasource"], panel["datasource"], "{at}");
        assert!(letters.insert(target["refId"].to_string()), "{at}");
    }
}

fn cells_of(panel: &Value) -> Vec<(u64, u64)> {
    let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
    let columns = at("x")..at("x") + at("w");
    let rows = at("y")..at("y") + at("h");
    columns
        .flat_map(|x| rows.clone().map(move |y| (x, y)))
        .collect()
}

#[test]
fn every_dashboard_file_is_known() {
    let files = std::fs::read_dir(deploy().join("dashboards")).unwrap();
    let mut found: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let mut known = NAMES.map(|name| format!("{name}.json")).to_vec();
    known.sort();
    assert_eq!(found, known);
}

/// What `docs/metrics.md` declares, which is generated from the code: kind and labels by name.
fn documented() -> BTreeMap<String, (String, Vec<String>)> {
    let page = std::fs::read_to_string(deploy().join("../../docs/metrics.md")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.trim_end_matches('`').to_owned();
        let kind = cells.next()?.to_owned();
        let labels = cells
            .next()?
            .split(", ")
            .map(|label| label.trim_matches('`').to_owned());
        Some((name, (kind, labels.collect())))
    });
    rows.collect()
}

/// The names of our metrics in an expression, each with what follows it.
fn mentions(expression: &str) -> Vec<(String, &str)> {
    let starts = expression
        .match_indices("stock_up_")
        .map(|(start, _)| start);
    let mention = |start: usize| {
        let rest = &expression[start..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
        (name.to_owned(), rest)
    };
    starts.map(mention).collect()
}

#[test]
fn the_pipeline_shows_metrics_that_exist() {
    let documented = documented();
    assert!(documented.len() > 20, "{}", documented.len());
    let mut shown = BTreeSet::new();
    for query in Board::read("pipeline").panel_queries() {
        for (name, rest) in mentions(&query.text) {
            let base = name.strip_suffix("_bucket").unwrap_or(&name).to_owned();
            let Some((kind, labels)) = documented.get(&base) else {
                panic!("{}: `{name}` is not in docs/metrics.md", query.place);
            };
            assert_eq!(kind == "histogram", base != name, "{}", query.place);
            assert!(rest.starts_with("{job=~\"$job\"}"), "{}", query.place);
            check_grouping(&query.text, labels, &query.place);
            // A counter is shown as it moves, except where sums of counters are compared.
            let moves = query.text.contains("rate(") || query.text.contains("increase(");
            let compared = query.place.contains("Conservation");
            assert!(kind != "counter" || moves || compared, "{}", query.place);
            shown.insert(base);
        }
    }
    assert!(shown.len() > 20, "{}", shown.len());
}

fn check_grouping(expression: &str, labels: &[String], place: &str) {
    for (_, rest) in expression
        .match_indices(" by (")
        .map(|(at, by)| (at, &expression[at + by.len()..]))
    {
        let (label, _) = rest.split_once(')').unwrap();
        let known = label == "le" || labels.iter().any(|one| one == label);
        assert!(known, "{place}: `{label}` is no label");
    }
}
