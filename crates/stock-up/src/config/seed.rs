//! The environment of the seed system, which its users keep.

use anyhow::bail;
use stock_up_io::feed::Secret;

use super::{VenueConfig, VenueKind};

/// Takes the seed's variables where nothing newer is set.
///
/// # Errors
/// A venue that needs a token, without one.
pub(super) fn apply(
    venue: &mut VenueConfig,
    environment: &[(String, String)],
    has_file: bool,
) -> anyhow::Result<()> {
    let get = |name: &str| variable(environment, name);
    let defaults = VenueConfig::default();
    if let Some(server) = get("QUOTE_SERVER").filter(|_| venue.server == defaults.server) {
        server.clone_into(&mut venue.server);
        if venue.kind == VenueKind::Auto {
            venue.kind = VenueKind::Finnhub;
        }
    }
    let has_token = !venue.token.is_empty() || !venue.token_file.as_os_str().is_empty();
    if let Some(token) = get("QUOTE_API_TOKEN").filter(|_| !has_token) {
        venue.token = Secret::new(token);
    }
    let has_token = has_token || !venue.token.is_empty();
    if venue.kind == VenueKind::Auto {
        venue.kind = if has_token {
            VenueKind::Finnhub
        } else {
            VenueKind::Demo
        };
    }
    if venue.kind == VenueKind::Finnhub && !has_token {
        let place = if has_file {
            "[venue] token_file"
        } else {
            "QUOTE_API_TOKEN"
        };
        bail!(
            "venue `finnhub` needs a token; set `{place}`, or `type = \"demo\"` for a simulated market"
        );
    }
    Ok(())
}

/// A variable that is set to something.
pub(super) fn variable<'a>(environment: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = environment.iter().find(|(key, _)| key == name);
    found
        .map(|(_, value)| value.trim())
        .filter(|value| !value.is_empty())
}
