//! `InfluxDB`: whether it is there, lets us write, and has the database.

use std::path::Path;

use stock_up_io::sink::SinkError;

use super::Findings;
use crate::config::Config;
use crate::failure::{Kind, Outcome};
use crate::sink::Influxdb;

/// Asks for the version and writes nothing, as the running program would.
pub(super) fn look_at_influxdb(config: &Config, dir: &Path, findings: &mut Findings) -> Outcome {
    let influxdb = match Influxdb::new(config, dir) {
        Ok(Some(influxdb)) => influxdb,
        Ok(None) => return Ok(()),
        Err(error) => return Ok(findings.bad("influxdb", &error, Kind::Failed)?),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (url, creates) = (&config.influxdb.url, config.influxdb.create);
    match runtime.block_on(influxdb.probe()) {
        Ok(version) => {
            findings.good(
                "influxdb",
                format_args!("{url} takes points; version {version}"),
            )?;
        }
        // An organisation that is missing is nothing that `run` creates.
        Err(SinkError::Misconfigured { reason }) if creates && reason.contains("create = true") => {
            let found = format_args!("{url} answers; the database is created by `run`");
            findings.good("influxdb", found)?;
        }
        Err(error) => {
            let kind = match error {
                SinkError::Refused { .. } => Kind::Auth,
                _ => Kind::Failed,
            };
            findings.bad("influxdb", &error.into(), kind)?;
        }
    }
    Ok(())
}
