//! The bodies of `docs/http.md`, word for word: what is written and what OpenAPI describes is one
//! type.

mod live;
mod settings;
mod stored;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use stock_up_core::Decimal;

pub(super) use live::{FeedAnswer, FollowedAnswer, RowAnswer, SymbolsAnswer};
pub(super) use settings::{SettingsAnswer, SettingsChange};
pub(super) use stored::{GapAnswer, GapsAnswer, SeriesAnswer, TradesAnswer};

/// A value that is written as the text it displays: exact decimals and durations.
#[derive(Debug, Clone)]
pub(super) struct Text<T>(T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn plain(price: Decimal) -> Text<Decimal> {
    Text(price.normalized())
}

/// The token of the server.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Login")]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    pub(super) token: String,
}

/// Rules and alerts, of which there are none.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Rules")]
pub(super) struct RulesAnswer {
    pub(super) rules: [(); 0],
}

/// See [`RulesAnswer`].
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Alerts")]
pub(super) struct AlertsAnswer {
    pub(super) alerts: [(); 0],
}
