//! A dashboard file, as far as the tests look into it.

use std::path::PathBuf;

use serde_json::Value;

/// The files that Grafana is given.
pub(crate) const NAMES: [&str; 4] = ["stocks", "stocks-seed", "stocks-embedded", "pipeline"];

pub(crate) fn deploy() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/grafana"))
}

pub(crate) struct Board(pub(crate) Value);

/// What a panel asks.
pub(crate) struct Query {
    /// Board, panel and letter, for messages.
    pub(crate) place: String,
    pub(crate) text: String,
}

impl Board {
    pub(crate) fn read(name: &str) -> Self {
        let path = deploy().join(format!("dashboards/{name}.json"));
        let text = std::fs::read_to_string(&path).unwrap();
        Self(serde_json::from_str(&text).unwrap())
    }

    pub(crate) fn panels(&self) -> &[Value] {
        self.0["panels"].as_array().unwrap()
    }

    /// All queries of all panels.
    pub(crate) fn panel_queries(&self) -> Vec<Query> {
        let mut queries = Vec::new();
        for panel in self.panels() {
            for target in panel["targets"].as_array().unwrap() {
                let text = target["query"].as_str().or(target["expr"].as_str());
                queries.push(Query {
                    place: format!(
                        "{}: {} {}",
                        self.0["title"], panel["title"], target["refId"]
                    ),
                    text: text.unwrap().to_owned(),
                });
            }
        }
        queries
    }

    /// The query that fills a variable.
    pub(crate) fn variable(&self, name: &str) -> String {
        let variables = &self.0["templating"]["list"];
        named(variables, name)["query"].as_str().unwrap().to_owned()
    }

    /// The query behind an annotation.
    pub(crate) fn annotation(&self, name: &str) -> String {
        let annotations = &self.0["annotations"]["list"];
        named(annotations, name)["target"]["query"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

fn named<'list>(list: &'list Value, name: &str) -> &'list Value {
    let found = list
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == name);
    found.unwrap_or_else(|| panic!("no `{name}`"))
}

impl Query {
    /// The fields that it selects, in the order of its columns: what stands in `f("field") AS`.
    pub(crate) fn fields(&self) -> Vec<String> {
        let calls = self.text.split("(\"").skip(1);
        let fields = calls.filter_map(|call| call.split_once("\") AS").map(|(field, _)| field));
        fields.map(str::to_owned).collect()
    }

    pub(crate) fn measurement(&self) -> String {
        let (_, rest) = self.text.split_once("FROM \"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }
}
