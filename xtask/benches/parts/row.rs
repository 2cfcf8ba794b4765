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
}

impl Row {
    pub(crate) fn to_json(&self) -> Value {
        let Target::AtMost(bound) = self.target;
        json!({
            "name": self.name,
            "ours": self.ours,
            "peer": self.peer,
            "ratio": self.ratio,
            "at_most": bound,
        })
    }
}
