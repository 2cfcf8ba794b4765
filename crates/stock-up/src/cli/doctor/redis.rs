//! Redis: whether it is there, lets us in, and keeps what it is given.

use super::Findings;
use crate::analyze::Sharer;
use crate::config::Config;
use crate::failure::Outcome;

/// Asks the server about itself; claims nothing, because that would end a running analyzer.
pub(super) fn look_at_redis(config: &Config, findings: &mut Findings) -> Outcome {
    if !config.redis.is_on() {
        return Ok(());
    }
    match Sharer::probe(config) {
        Err(failure) => findings.bad("redis", &failure.error, failure.kind)?,
        Ok(warnings) if warnings.is_empty() => {
            findings.good("redis", "keeps checkpoints, and writes each change down")?;
        }
        Ok(warnings) => {
            let found = format_args!("keeps checkpoints; {}", warnings.join("; "));
            findings.good("redis", found)?;
        }
    }
    Ok(())
}
