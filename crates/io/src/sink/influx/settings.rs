//! How to reach an `InfluxDB`, and what to write there.

use std::path::PathBuf;
use std::time::Duration;

use stock_up_core::Span;

use crate::feed::Secret;
use crate::text::VolumeField;

/// Everything about one `InfluxDB`.
#[derive(Debug, Clone)]
pub struct InfluxSettings {
    /// Scheme, host and port, perhaps a path before that of the API.
    pub url: String,
    /// Which API, with what belongs to it.
    pub api: Api,
    /// What a point looks like.
    pub layout: Layout,
    /// Lines of one request at most.
    pub batch_lines: usize,
    /// Compress requests.
    pub gzip: bool,
    /// The longest that one request may take.
    pub timeout: Duration,
    /// More certificate authorities, as PEM.
    pub ca_file: Option<PathBuf>,
    /// Create the database at the start.
    pub create: Option<Create>,
    /// Where lines are kept that the server will never take.
    pub dead_letters: PathBuf,
}

/// Which API of `InfluxDB`.
#[derive(Debug, Clone)]
pub enum Api {
    /// 1.x.
    V1 {
        /// Name of the database.
        database: String,
        /// Its retention policy; empty for its default one.
        retention_policy: String,
        /// Empty where the server asks for none.
        user: String,
        /// The user's password.
        password: Secret,
    },
    /// 2.x.
    V2 {
        /// Name of the organisation.
        org: String,
        /// Name of the bucket.
        bucket: String,
        /// Empty where the server asks for none.
        token: Secret,
    },
    /// 3.x, which writes as 2.x does.
    V3 {
        /// Name of the database.
        database: String,
        /// Empty where the server asks for none.
        token: Secret,
    },
}

/// What a point looks like in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One line with all fields.
    Wide,
    /// A measurement for each field, as the seed system wrote them. They know no window.
    Seed {
        /// The one window that is written.
        window: Span,
        /// The type of volumes.
        volume: VolumeField,
    },
}

/// How the database is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Create {
    /// How long it keeps points; `None`: for ever.
    pub retention: Option<Span>,
}

impl Api {
    /// What is masked in every text that comes from outside.
    pub(super) fn secret(&self) -> &Secret {
        match self {
            Self::V1 { password, .. } => password,
            Self::V2 { token, .. } | Self::V3 { token, .. } => token,
        }
    }

    /// The database or bucket.
    pub fn target(&self) -> &str {
        match self {
            Self::V1 { database, .. } | Self::V3 { database, .. } => database,
            Self::V2 { bucket, .. } => bucket,
        }
    }
}

impl Layout {
    pub(super) fn lines_per_point(self) -> usize {
        match self {
            Self::Wide => 1,
            Self::Seed { .. } => 7,
        }
    }

    /// The precision of its times, as the API names it.
    pub(super) fn precision(self, api: &Api) -> &'static str {
        match (self, api) {
            (Self::Seed { .. }, _) => "ms",
            (Self::Wide, Api::V1 { .. }) => "n",
            (Self::Wide, _) => "ns",
        }
    }
}
