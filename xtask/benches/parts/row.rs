//! A figure on its way to the table of `cargo xtask bench`.

use serde_json::{Value, json};

/// One measured figure.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Our figure with its unit.
    pub(crate) ours: String,
    /// The peer's figure from the same run, or `-` where the target is absolute.
    pub(crate) peer: String,
    /// What is compared with the target: ours to the peer's, or ours itself.
    pub(crate) ratio: f64,
    pub(crate) target: Target,
}

/// What a ratio must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Row {
    /// A figure without a peer: it is itself what the target speaks of.
    pub(crate) fn alone(
        name: impl Into<String>,
        ours: String,
        figure: f64,
        target: Target,
    ) -> Self {
        Self {
            name: name.into(),
            ours,
            peer: "-".to_owned(),
            ratio: figure,
            target,
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let (bound, key) = match self.target {
            Target::AtMost(bound) => (bound, "at_most"),
            Target::AtLeast(bound) => (bound, "at_least"),
        };
        json!({
            "name": self.name,
            "ours": self.ours,
            "peer": self.peer,
            "ratio": self.ratio,
            key: bound,
        })
    }
}
