//! Configuration: what needs a restart to change.
//!
//! Precedence: the command line, then `STOCK_UP__…` variables, then the variables of the seed
//! system, then the file, then the defaults. What can change while running is in the settings file
//! instead.

mod etcd;
mod form;
mod influxdb;
mod layers;
mod queue;
mod redis;
mod seed;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};
use stock_up_core::Span;
use stock_up_io::feed::{Secret, finnhub};
use stock_up_io::store::RetentionPolicy;

pub(crate) use etcd::EtcdConfig;
pub(crate) use form::{ByteSize, duration, secret_from_file};
pub(crate) use influxdb::InfluxdbConfig;
pub(crate) use queue::{Foreign, QueueConfig, QueueKind};
pub(crate) use redis::RedisConfig;

use crate::cli::{RunArgs, VenueName};
use crate::failure::{Failure, Outcome};

/// The complete default, with a comment on each key.
pub(crate) const DEFAULT_TOML: &str = include_str!("../../stock-up.toml");

/// Everything that is fixed at the start.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Where log, store and settings are; empty: a folder of the user, per venue.
    pub(crate) data_dir: PathBuf,
    /// The settings file; empty: `settings.toml` in the data directory.
    pub(crate) settings_file: PathBuf,
    pub(crate) venue: VenueConfig,
    pub(crate) log: LogConfig,
    pub(crate) store: StoreConfig,
    pub(crate) serve: ServeConfig,
    pub(crate) influxdb: InfluxdbConfig,
    pub(crate) etcd: EtcdConfig,
    pub(crate) redis: RedisConfig,
    pub(crate) queue: QueueConfig,
}

/// Where trades come from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct VenueConfig {
    /// Which one; `auto`: Finnhub when there is a token, else the simulated market.
    #[serde(rename = "type")]
    pub(crate) kind: VenueKind,
    /// Host, or address with scheme.
    pub(crate) server: String,
    /// A file with the token.
    pub(crate) token_file: PathBuf,
    /// The token itself; better kept in a file.
    #[serde(skip_serializing, deserialize_with = "form::secret")]
    pub(crate) token: Secret,
    /// More certificate authorities, as PEM.
    pub(crate) ca_file: PathBuf,
    /// Allow an unencrypted connection to other machines.
    pub(crate) allow_plain: bool,
    /// Most symbols that the venue lets us observe.
    pub(crate) max_symbols: usize,
    /// What to do with frames that come again byte for byte.
    pub(crate) duplicate_frames: DuplicateFrames,
    /// A connection without any sign of life for so long is dead.
    #[serde(with = "form::span")]
    pub(crate) silence: Span,
    /// No trade for so long is told as stale; `0s` never is.
    #[serde(with = "form::span")]
    pub(crate) stale_after: Span,
}

/// Which venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VenueKind {
    Auto,
    Demo,
    Finnhub,
}

/// As [`stock_up_io::feed::DuplicateFrames`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DuplicateFrames {
    Keep,
    Collapse,
}

/// How the log is written and kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogConfig {
    /// The longest that a record waits for company before it is synced.
    #[serde(with = "form::span")]
    pub(crate) commit_latency: Span,
    /// So many bytes need not wait.
    pub(crate) commit_bytes: ByteSize,
    /// A segment is closed at this size.
    pub(crate) segment_bytes: ByteSize,
    /// The log keeps at most so much; `0B`: no bound.
    pub(crate) retain_bytes: ByteSize,
    /// The log keeps at most so long, by its own time; `0s`: no bound.
    #[serde(with = "form::span")]
    pub(crate) retain_age: Span,
}

/// How long the store keeps series.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StoreConfig {
    /// Every point, with every revision.
    #[serde(with = "form::span")]
    pub(crate) full: Span,
    /// Distance of the points that are kept after that.
    #[serde(with = "form::span")]
    pub(crate) coarse_step: Span,
    /// How long those are kept.
    #[serde(with = "form::span")]
    pub(crate) coarse: Span,
}

/// The page and the API.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServeConfig {
    /// Address and port.
    pub(crate) listen: SocketAddr,
    /// A file with the token that clients must show.
    pub(crate) token_file: PathBuf,
    /// Certificate chain, as PEM.
    pub(crate) tls_cert: PathBuf,
    /// Its key, as PEM.
    pub(crate) tls_key: PathBuf,
    /// Names under which the server is reached, besides localhost and its own address.
    pub(crate) hosts: Vec<String>,
    /// Listen to other machines without token or TLS: the network is trusted.
    pub(crate) insecure: bool,
}

impl Default for VenueConfig {
    fn default() -> Self {
        Self {
            kind: VenueKind::Auto,
            server: finnhub::DEFAULT_SERVER.to_owned(),
            token_file: PathBuf::new(),
            token: Secret::default(),
            ca_file: PathBuf::new(),
            allow_plain: false,
            max_symbols: finnhub::DEFAULT_MAX_SYMBOLS,
            duplicate_frames: DuplicateFrames::Keep,
            silence: Span::from_secs(10),
            stale_after: Span::ZERO,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            commit_latency: Span::from_ns(2_000_000),
            commit_bytes: ByteSize(1 << 20),
            segment_bytes: ByteSize(64 << 20),
            retain_bytes: ByteSize(16 << 30),
            retain_age: Span::from_secs(30 * 86_400),
        }
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        let RetentionPolicy {
            full,
            coarse_step,
            coarse,
        } = RetentionPolicy::default();
        Self {
            full,
            coarse_step,
            coarse,
        }
    }
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            token_file: PathBuf::new(),
            tls_cert: PathBuf::new(),
            tls_key: PathBuf::new(),
            hosts: Vec::new(),
            insecure: false,
        }
    }
}

impl Config {
    /// The configuration of `stock-up run`, from all its sources.
    ///
    /// # Errors
    /// What is wrong, where, and what to do; a usage failure.
    pub(crate) fn for_run(args: &RunArgs) -> Outcome<Self> {
        let mut config = Self::load(args.config.as_deref())?;
        config.apply(args);
        config.checked().map_err(Failure::usage)
    }

    /// The configuration from `file` (or the defaults) and the environment.
    ///
    /// # Errors
    /// As [`Config::for_run`].
    pub(crate) fn load(file: Option<&Path>) -> Outcome<Self> {
        let environment: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::from_sources(file, &environment).map_err(Failure::usage)
    }

    fn from_sources(file: Option<&Path>, environment: &[(String, String)]) -> anyhow::Result<Self> {
        let mut config = layers::read(file, environment)?;
        seed::apply(&mut config.venue, environment, file.is_some())?;
        config.influxdb.apply_seed(environment);
        config
            .etcd
            .apply_seed(seed::variable(environment, "CONFIG_HOST"));
        config.queue.apply_seed(environment)?;
        config.checked()
    }

    fn apply(&mut self, args: &RunArgs) {
        if let Some(dir) = &args.data_dir {
            self.data_dir.clone_from(dir);
        }
        if let Some(listen) = args.listen {
            self.serve.listen = listen;
        }
        if let Some(venue) = args.venue {
            self.venue.kind = match venue {
                VenueName::Demo => VenueKind::Demo,
                VenueName::Finnhub => VenueKind::Finnhub,
            };
        }
        for (given, place) in [
            (&args.token_file, &mut self.serve.token_file),
            (&args.tls_cert, &mut self.serve.tls_cert),
            (&args.tls_key, &mut self.serve.tls_key),
        ] {
            if let Some(path) = given {
                place.clone_from(path);
            }
        }
        self.serve.insecure |= args.insecure;
    }

    /// The same configuration, once its values go together.
    fn checked(self) -> anyhow::Result<Self> {
        self.retention().validated().context("[store]")?;
        if self.log.commit_latency > Span::from_secs(1) {
            bail!(
                "[log] commit_latency `{}` is above 1s",
                self.log.commit_latency
            );
        }
        if self.log.segment_bytes.0 < 1 << 20 {
            bail!(
                "[log] segment_bytes `{}` is below 1MiB",
                self.log.segment_bytes
            );
        }
        let retained = self.log.retain_bytes.0;
        if retained != 0 && retained < 4 * self.log.segment_bytes.0 {
            bail!(
                "[log] retain_bytes `{}` is below four segments",
                self.log.retain_bytes
            );
        }
        if self.venue.silence < Span::from_secs(2) {
            bail!(
                "[venue] silence `{}` is below 2s; pings go every second",
                self.venue.silence
            );
        }
        if self.serve.tls_cert.as_os_str().is_empty() != self.serve.tls_key.as_os_str().is_empty() {
            bail!("[serve] tls_cert and tls_key belong together; set both or none");
        }
        self.queue.check()?;
        let has = |path: &Path| !path.as_os_str().is_empty();
        if has(&self.venue.token_file) && !self.venue.token.is_empty() {
            bail!("[venue] token and token_file are both set; keep one");
        }
        self.influxdb.check()?;
        self.etcd.check()?;
        self.redis.check()?;
        Ok(self)
    }

    pub(crate) fn retention(&self) -> RetentionPolicy {
        let StoreConfig {
            full,
            coarse_step,
            coarse,
        } = self.store;
        RetentionPolicy {
            full,
            coarse_step,
            coarse,
        }
    }

    /// The venue's token, from wherever it is kept; empty if nowhere.
    ///
    /// # Errors
    /// A token file that cannot be used.
    pub(crate) fn venue_token(&self) -> anyhow::Result<Secret> {
        if self.venue.token_file.as_os_str().is_empty() {
            return Ok(self.venue.token.clone());
        }
        secret_from_file(&self.venue.token_file).context("[venue] token_file")
    }

    /// Where log, store and settings are, for a venue of this name.
    ///
    /// # Errors
    /// If no place is set and the user has no home.
    pub(crate) fn data_dir_for(&self, venue: &str) -> anyhow::Result<PathBuf> {
        if !self.data_dir.as_os_str().is_empty() {
            return Ok(self.data_dir.clone());
        }
        let base = std::env::var_os("XDG_DATA_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::home_dir().map(|home| home.join(".local").join("share")));
        let base = base.ok_or_else(|| anyhow!("there is no home folder; give --data-dir"))?;
        Ok(base.join("stock-up").join(venue))
    }
}

#[cfg(test)]
mod tests;
