//! The keys, and what etcd holds for one.

use super::super::field::Field;

/// Folders of the seed system: one for each of its services.
pub(super) const FOLDERS: [&str; 2] = ["stock-query/", "stock-analyzer/"];

/// Longest value that is looked at, in bytes.
const MAX_VALUE_BYTES: usize = 1 << 20;

/// A key of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// How much role collect logs.
    CollectLogLevel,
    /// Symbols to follow.
    Subscriptions,
    /// How much the other roles log.
    AnalyzeLogLevel,
    /// Lengths of the sliding windows.
    Windows,
    /// Distance of the grid times.
    Grid,
    /// How long a point waits for trades that are under way.
    Lateness,
    /// How far back points are emitted again.
    Revise,
    /// Which trades may move which numbers.
    Conditions,
}

impl Key {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::CollectLogLevel,
        Self::Subscriptions,
        Self::AnalyzeLogLevel,
        Self::Windows,
        Self::Grid,
        Self::Lateness,
        Self::Revise,
        Self::Conditions,
    ];

    /// The key, without the prefix that the configuration may put before it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CollectLogLevel => "stock-query/log-level",
            Self::Subscriptions => "stock-query/subscriptions",
            Self::AnalyzeLogLevel => "stock-analyzer/log-level",
            Self::Windows => "stock-analyzer/windows",
            Self::Grid => "stock-analyzer/grid",
            Self::Lateness => "stock-analyzer/lateness",
            Self::Revise => "stock-analyzer/revise",
            Self::Conditions => "stock-analyzer/conditions",
        }
    }

    /// The key of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// The setting that it holds.
    pub(super) const fn field(self) -> Field {
        match self {
            Self::CollectLogLevel | Self::AnalyzeLogLevel => Field::LogLevel,
            Self::Subscriptions => Field::Subscriptions,
            Self::Windows => Field::Windows,
            Self::Grid => Field::Grid,
            Self::Lateness => Field::Lateness,
            Self::Revise => Field::Revise,
            Self::Conditions => Field::Conditions,
        }
    }
}

/// The bytes of a key, as far as they are of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    /// Why it cannot be a setting.
    Unusable(&'static str),
}

impl Value {
    pub(super) fn of(bytes: &[u8]) -> Self {
        if bytes.len() > MAX_VALUE_BYTES {
            return Self::Unusable("the value is larger than 1 MiB");
        }
        let text = std::str::from_utf8(bytes);
        text.map_or(Self::Unusable("the value is not UTF-8"), |text| {
            Self::Text(text.to_owned())
        })
    }
}

/// A value and when it was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) value: Value,
    /// The store's revision at which it was put; 0 if etcd has lost it and we keep it.
    pub(super) revision: i64,
}

/// Everything of ours that etcd holds at one revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// Names the cluster.
    pub(super) cluster: u64,
    /// The store's revision.
    pub(super) revision: i64,
    pub(super) values: Vec<(Key, Held)>,
    /// Names in our folders that mean nothing, with their revisions; a bounded number of them.
    pub(super) unknown: Vec<(String, i64)>,
}
