//! The crate graph: who may know whom.

use serde_json::Value;

use super::tree::Finding;

/// Each crate and the crates of ours that it may depend on.
///
/// Invariant: `core` and `log` know nobody, so each can be understood, tested and published alone.
const MAY_KNOW: [(&str, &[&str]); 4] = [
    ("stock-up-core", &[]),
    ("stock-up-log", &[]),
    ("stock-up-io", &["stock-up-core", "stock-up-log"]),
    (
        "stock-up",
        &["stock-up-core", "stock-up-log", "stock-up-io"],
    ),
];

/// What would bring a clock, a socket or a scheduler into the crates that have none.
const IMPURE: [&str; 5] = ["tokio", "futures", "reqwest", "rusqlite", "rand"];
const PURE: [&str; 2] = ["stock-up-core", "stock-up-log"];

/// Dependencies that the graph does not allow.
pub(super) fn strangers(metadata: &Value) -> Vec<Finding> {
    let packages = list(&metadata["packages"]);
    let ours: Vec<&str> = packages
        .iter()
        .map(|package| text(&package["name"]))
        .collect();
    let mut findings = Vec::new();
    for (name, may_know) in MAY_KNOW {
        let Some(package) = packages
            .iter()
            .find(|package| text(&package["name"]) == name)
        else {
            findings.push(finding(
                name,
                "is gone from the workspace: change the crate graph here",
            ));
            continue;
        };
        for dependency in list(&package["dependencies"]) {
            let other = text(&dependency["name"]);
            if ours.contains(&other) && !may_know.contains(&other) {
                findings.push(finding(name, &format!("must not know `{other}`")));
            }
            // A test may use what it likes; what is shipped may not.
            let shipped = dependency["kind"].is_null();
            if shipped && PURE.contains(&name) && IMPURE.contains(&other) {
                findings.push(finding(
                    name,
                    &format!("must stay pure, and `{other}` is not"),
                ));
            }
        }
    }
    findings
}

fn finding(name: &str, what: &str) -> Finding {
    Finding {
        path: "Cargo.toml".into(),
        line: 0,
        what: format!("`{name}` {what}"),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dependency_against_the_flow_is_found() {
        let on = |name| json!({"name": name, "kind": null});
        let metadata = json!({"packages": [
            {"name": "stock-up-core", "dependencies": [on("thiserror"), on("tokio")]},
            {"name": "stock-up-log", "dependencies": [on("stock-up-core")]},
            {"name": "stock-up-io", "dependencies": [on("stock-up-core"), on("tokio")]},
        ]});
        let found: Vec<String> = strangers(&metadata)
            .iter()
            .map(ToString::to_string)
            .collect();
        let expected = [
            "Cargo.toml: `stock-up-core` must stay pure, and `tokio` is not",
            "Cargo.toml: `stock-up-log` must not know `stock-up-core`",
            "Cargo.toml: `stock-up` is gone from the workspace: change the crate graph here",
        ];
        assert_eq!(found, expected);
    }
}
