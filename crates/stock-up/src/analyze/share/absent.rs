//! In the place of shared checkpoints, where the program is built without Redis.

use stock_up_io::checkpoint::SharedCheckpoint;
use stock_up_io::store::Store;

use crate::config::Config;
use crate::failure::{Failure, Outcome, built_without};
use crate::telemetry::Telemetry;

/// Nobody waits for what is never there.
#[derive(Debug, Default)]
pub(crate) struct Patience(());

/// There is none: checking the configuration refuses Redis.
#[derive(Debug)]
pub(crate) enum Sharer {}

impl Sharer {
    /// Nothing is shared.
    pub(crate) fn begin(
        (config, _, _): (&Config, &Telemetry, &Patience),
        _: String,
        _: &mut Store,
        _: Option<u64>,
    ) -> Outcome<Option<Self>> {
        Self::check_config(config).map_err(Failure::usage)?;
        Ok(None)
    }

    /// Refuses Redis.
    pub(crate) fn check_config(config: &Config) -> anyhow::Result<()> {
        if config.redis.is_on() {
            return Err(built_without("Redis"));
        }
        Ok(())
    }

    /// Refuses Redis.
    pub(crate) fn probe(_: &Config) -> Outcome<Vec<String>> {
        Err(Failure::usage(built_without("Redis")))
    }

    pub(crate) fn offer(&self, _: SharedCheckpoint) -> anyhow::Result<()> {
        match *self {}
    }

    pub(crate) fn check(&self) -> anyhow::Result<()> {
        match *self {}
    }

    pub(crate) fn finish(self) -> anyhow::Result<()> {
        match self {}
    }
}
