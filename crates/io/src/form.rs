//! How values are written in files: durations as text, secrets in a type that does not show them.

use std::fmt;
use std::time::Duration;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use stock_up_core::Span;

use crate::feed::Secret;

/// A span for timers.
pub fn duration(span: Span) -> Duration {
    Duration::from_nanos(span.ns().unsigned_abs())
}

/// Reads a secret that is written in a file among other values.
pub fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    String::deserialize(from).map(|text| Secret::new(&text))
}

/// A duration as text: `"60s"`.
#[derive(Debug)]
pub(crate) struct SpanText(pub(crate) Span);

impl<'de> Deserialize<'de> for SpanText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = SpanText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration like \"60s\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<SpanText, E> {
                Span::parse(text).map(SpanText).map_err(E::custom)
            }
        }
        from.deserialize_str(Text)
    }
}

/// For `Span`.
pub mod span {
    use super::{Deserialize, Deserializer, Span, SpanText};

    /// Writes it as text.
    pub fn serialize<S: serde::Serializer>(span: &Span, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(span)
    }

    /// Reads it from text.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
        SpanText::deserialize(from).map(|text| text.0)
    }
}

/// For `Option<Span>`.
pub mod optional_span {
    use super::{Deserialize, Deserializer, Span, SpanText};

    /// Writes it as text, or as nothing.
    pub fn serialize<S: serde::Serializer>(span: &Option<Span>, to: S) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => to.collect_str(span),
            None => to.serialize_none(),
        }
    }

    /// Reads it from text, where there is one.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Span>, D::Error> {
        Ok(Option::<SpanText>::deserialize(from)?.map(|text| text.0))
    }
}
