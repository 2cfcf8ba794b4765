//! Section `[influxdb]`: the database of a team that points are also written to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use stock_up_core::Span;
use stock_up_io::feed::Secret;
use stock_up_io::sink::InfluxSettings;
use stock_up_io::sink::influx::{Api, Create, Layout, is_local};
use stock_up_io::text::VolumeField;

use super::{duration, form, secret_from_file, seed};

/// The file beside the log in which lines are kept that the database will never take.
const DEAD_LETTERS: &str = "influxdb.dead.jsonl";

/// Most lines of a request; 1.x takes 25 MB by default.
const MAX_BATCH_LINES: usize = 50_000;

/// 1.x and 2.x create nothing that keeps points for less, and 2.x calls that an error of its own,
/// which would be tried again for ever.
const MIN_RETENTION: Span = Span::from_secs(3_600);

/// The port where the environment of the seed system names none.
const SEED_PORT: &str = "8086";

/// An `InfluxDB` of a team.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct InfluxdbConfig {
    /// Empty: none.
    pub(crate) url: String,
    /// 1, 2 or 3.
    pub(crate) version: u8,
    /// 1.x and 3.x.
    pub(crate) database: String,
    /// 1.x; empty: the database's default one.
    pub(crate) retention_policy: String,
    /// 1.x.
    pub(crate) user: String,
    pub(crate) password_file: PathBuf,
    #[serde(skip_serializing, deserialize_with = "form::secret")]
    pub(crate) password: Secret,
    /// 2.x.
    pub(crate) org: String,
    pub(crate) bucket: String,
    /// 2.x and 3.x.
    pub(crate) token_file: PathBuf,
    #[serde(skip_serializing, deserialize_with = "form::secret")]
    pub(crate) token: Secret,
    pub(crate) layout: LayoutName,
    /// The window that the layout `seed` writes.
    #[serde(with = "form::span")]
    pub(crate) window: Span,
    /// The type of volumes in the layout `seed`.
    pub(crate) volume: VolumeName,
    /// Lines of one request.
    pub(crate) batch_points: usize,
    /// The longest that a point waits for company.
    #[serde(with = "form::span")]
    pub(crate) batch_wait: Span,
    #[serde(with = "form::span")]
    pub(crate) timeout: Span,
    pub(crate) gzip: bool,
    pub(crate) ca_file: PathBuf,
    /// Create the database.
    pub(crate) create: bool,
    /// How long the database that is created keeps points; `0s`: for ever.
    #[serde(with = "form::span")]
    pub(crate) retention: Span,
}

/// As [`Layout`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LayoutName {
    Wide,
    Seed,
}

/// As [`VolumeField`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VolumeName {
    Integer,
    Float,
}

impl Default for InfluxdbConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            version: 1,
            database: "stocks".to_owned(),
            retention_policy: String::new(),
            user: String::new(),
            password_file: PathBuf::new(),
            password: Secret::default(),
            org: String::new(),
            bucket: "stocks".to_owned(),
            token_file: PathBuf::new(),
            token: Secret::default(),
            layout: LayoutName::Wide,
            window: Span::from_secs(60),
            volume: VolumeName::Integer,
            batch_points: 5_000,
            batch_wait: Span::from_ns(5_000_000),
            timeout: Span::from_secs(10),
            gzip: true,
            ca_file: PathBuf::new(),
            create: false,
            retention: Span::from_secs(30 * 86_400),
        }
    }
}

impl InfluxdbConfig {
    /// Whether there is one.
    pub(crate) fn is_on(&self) -> bool {
        !self.url.is_empty()
    }

    /// Takes the seed's variables, unless the section names a database of its own. Their presence
    /// means its measurements, which its dashboards read.
    pub(super) fn apply_seed(&mut self, environment: &[(String, String)]) {
        let get = |name| seed::variable(environment, name);
        let Some(host) = get("INFLUXDB_HOST").filter(|_| !self.is_on()) else {
            return;
        };
        let port = get("INFLUXDB_PORT").unwrap_or(SEED_PORT);
        self.url = format!("http://{host}:{port}");
        (self.version, self.layout) = (1, LayoutName::Seed);
        if let Some(user) = get("INFLUXDB_USER").filter(|_| self.user.is_empty()) {
            user.clone_into(&mut self.user);
        }
        let has_password = !self.password.is_empty() || !self.password_file.as_os_str().is_empty();
        if let Some(password) = get("INFLUXDB_PASSWORD").filter(|_| !has_password) {
            self.password = Secret::new(password);
        }
        if let Some(database) = get("INFLUXDB_DB_NAME") {
            database.clone_into(&mut self.database);
        }
    }

    /// Whether the values go together.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if !self.is_on() {
            return Ok(());
        }
        let needs = |name: &str, value: &str| match value {
            "" => bail!("[influxdb] version = {} needs {name}", self.version),
            _ => Ok(()),
        };
        match self.version {
            1 | 3 => needs("database", &self.database)?,
            2 => {
                needs("org", &self.org)?;
                needs("bucket", &self.bucket)?;
            }
            other => bail!("[influxdb] version {other} is not known; write 1, 2 or 3"),
        }
        if !(1..=MAX_BATCH_LINES).contains(&self.batch_points) {
            bail!(
                "[influxdb] batch_points {} is outside 1 to {MAX_BATCH_LINES}",
                self.batch_points
            );
        }
        if self.batch_wait > Span::from_secs(10) {
            bail!("[influxdb] batch_wait `{}` is above 10s", self.batch_wait);
        }
        if self.timeout < Span::from_secs(1) || self.timeout > Span::from_secs(300) {
            bail!(
                "[influxdb] timeout `{}` is outside 1s to 300s",
                self.timeout
            );
        }
        if self.create && self.retention > Span::ZERO && self.retention < MIN_RETENTION {
            bail!(
                "[influxdb] retention `{}` is below {MIN_RETENTION}, the least that InfluxDB takes; \
                 `0s` keeps points for ever",
                self.retention
            );
        }
        let both =
            |file: &Path, secret: &Secret| !file.as_os_str().is_empty() && !secret.is_empty();
        if both(&self.password_file, &self.password) || both(&self.token_file, &self.token) {
            bail!("[influxdb] a secret and its file are both set; keep one");
        }
        Ok(())
    }

    /// What the sink works with; its file is in the data directory `dir`.
    ///
    /// # Errors
    /// A file with a secret that cannot be used.
    pub(crate) fn settings(&self, dir: &Path) -> anyhow::Result<InfluxSettings> {
        let secret = |file: &Path, given: &Secret, key: &'static str| {
            if file.as_os_str().is_empty() {
                return Ok(given.clone());
            }
            secret_from_file(file).context(key)
        };
        let token = || secret(&self.token_file, &self.token, "[influxdb] token_file");
        let api = match self.version {
            1 => Api::V1 {
                database: self.database.clone(),
                retention_policy: self.retention_policy.clone(),
                user: self.user.clone(),
                password: secret(
                    &self.password_file,
                    &self.password,
                    "[influxdb] password_file",
                )?,
            },
            2 => Api::V2 {
                org: self.org.clone(),
                bucket: self.bucket.clone(),
                token: token()?,
            },
            _ => Api::V3 {
                database: self.database.clone(),
                token: token()?,
            },
        };
        let layout = match self.layout {
            LayoutName::Wide => Layout::Wide,
            LayoutName::Seed => Layout::Seed {
                window: self.window,
                volume: match self.volume {
                    VolumeName::Integer => VolumeField::Integer,
                    VolumeName::Float => VolumeField::Float,
                },
            },
        };
        Ok(InfluxSettings {
            url: self.url.clone(),
            api,
            layout,
            batch_lines: self.batch_points,
            // Between two programs of one machine it costs more than it saves.
            gzip: self.gzip && !is_local(&self.url),
            timeout: duration(self.timeout),
            ca_file: Some(self.ca_file.clone()).filter(|file| !file.as_os_str().is_empty()),
            create: self.create.then(|| Create {
                retention: Some(self.retention).filter(|kept| *kept > Span::ZERO),
            }),
            dead_letters: dir.join(DEAD_LETTERS),
        })
    }

    /// The longest that a point waits for company.
    pub(crate) fn batch_wait(&self) -> Duration {
        duration(self.batch_wait)
    }
}
