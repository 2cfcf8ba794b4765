//! How those values of core that only settings have are written in TOML and JSON.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use stock_up_core::Span;

use crate::form::SpanText;

/// For `Vec<Span>`.
pub(super) mod spans {
    use super::{Deserializer, Span, SpanList};

    pub(in super::super) fn serialize<S: serde::Serializer>(
        spans: &[Span],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(spans.iter().map(Span::to_string))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Span>, D::Error> {
        deserializer.deserialize_seq(SpanList)
    }
}

struct SpanList;

impl<'de> Visitor<'de> for SpanList {
    type Value = Vec<Span>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of durations like [\"60s\", \"5m\"]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Span>, A::Error> {
        let mut spans = Vec::new();
        while let Some(SpanText(span)) = items.next_element()? {
            spans.push(span);
        }
        Ok(spans)
    }
}

/// For `Conditions`.
pub(super) mod conditions {
    use super::{Deserialize, Deserializer, Error};
    use stock_up_core::Conditions;

    pub(in super::super) fn name(conditions: Conditions) -> &'static str {
        match conditions {
            Conditions::All => "all",
            Conditions::Sip => "sip",
        }
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde gives the field by reference"
    )]
    pub(in super::super) fn serialize<S: serde::Serializer>(
        conditions: &Conditions,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(name(*conditions))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Conditions, D::Error> {
        let text = String::deserialize(deserializer)?;
        [Conditions::All, Conditions::Sip]
            .into_iter()
            .find(|known| name(*known) == text)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is neither \"all\" nor \"sip\"")))
    }
}
