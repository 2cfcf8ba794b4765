//! etcd: whether it is there, lets us in, and holds settings that can be used.

use super::Findings;
use crate::config::Config;
use crate::failure::Outcome;
use crate::settings_source;

/// Reads the settings as `run` does, without keeping anything of them.
pub(super) fn look_at_etcd(config: &Config, findings: &mut Findings) -> Outcome {
    if !config.etcd.is_on() {
        return Ok(());
    }
    let handle = match settings_source::open_shared(config) {
        Ok((handle, _source)) => handle,
        Err(failure) => return Ok(findings.bad("etcd", &failure.error, failure.kind)?),
    };
    let state = handle.current();
    if let Some(refused) = state.refused {
        let error = anyhow::anyhow!("{refused}; put a value that can be used");
        return Ok(findings.bad("etcd", &error, crate::failure::Kind::Failed)?);
    }
    let symbols = state.settings.subscriptions.len();
    let found = format_args!("{} lets us in; {symbols} symbols", state.source);
    Ok(findings.good("etcd", found)?)
}
