//! `check`: the configuration and the settings, without network and without starting anything.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use stock_up_io::settings::Settings;

use crate::analyze::Sharer;
use crate::config::{Config, VenueKind};
use crate::failure::{Failure, Outcome};
use crate::serve::Exposure;
use crate::settings_source;
use crate::sink::Targets;

const EXAMPLES: &str = "\
Examples:
  stock-up check
  stock-up check stock-up.toml";

/// Checks the configuration and the settings, without network
///
/// Without a file: the defaults with what the environment says.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CheckArgs {
    /// Configuration file
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Does `check`.
pub(super) fn check(args: &CheckArgs) -> Outcome {
    let config = Config::load(args.file.as_deref())?;
    check_serve(&config)?;
    config.venue_token().map_err(Failure::usage)?;
    let venue = venue_name(&config);
    let dir = config.data_dir_for(venue).map_err(Failure::usage)?;
    settings_source::check_etcd(&config).map_err(Failure::usage)?;
    Sharer::check_config(&config).map_err(Failure::usage)?;
    Targets::new(&config, &dir).map_err(Failure::usage)?;
    let settings = settings_source::file_path(&config, &dir);
    let found = read_settings(&settings).map_err(Failure::usage)?;

    let mut out = io::stdout().lock();
    match &args.file {
        Some(file) => writeln!(out, "configuration `{}`: good", file.display())?,
        None => writeln!(
            out,
            "configuration: no file given; defaults and environment are good"
        )?,
    }
    writeln!(out, "venue: {venue}")?;
    writeln!(out, "data directory: {}", dir.display())?;
    writeln!(out, "page and API: {}", config.serve.listen)?;
    match found {
        _ if config.etcd.is_on() => writeln!(
            out,
            "settings: in etcd; `doctor` looks at {}",
            config.etcd.endpoints.join(", ")
        )?,
        Some(found) => writeln!(
            out,
            "settings `{}`: good; {} symbols, windows {}",
            settings.display(),
            found.subscriptions.len(),
            found
                .windows
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        )?,
        None => writeln!(
            out,
            "settings `{}`: none yet; `run` writes them",
            settings.display()
        )?,
    }
    Ok(out.flush()?)
}

/// Name of the venue that is configured.
pub(super) fn venue_name(config: &Config) -> &'static str {
    match config.venue.kind {
        VenueKind::Finnhub => "finnhub",
        VenueKind::Auto | VenueKind::Demo => stock_up_io::feed::demo::NAME,
    }
}

/// Whether the server may listen where it shall.
fn check_serve(config: &Config) -> Outcome {
    let serve = &config.serve;
    let is_set = |path: &Path| !path.as_os_str().is_empty();
    let exposure = Exposure {
        listen: serve.listen,
        has_token: is_set(&serve.token_file),
        has_tls: is_set(&serve.tls_cert),
        insecure: serve.insecure,
    };
    exposure.check().map_err(Failure::usage)?;
    if is_set(&serve.token_file) {
        let token = crate::config::secret_from_file(&serve.token_file);
        token
            .context("[serve] token_file")
            .map_err(Failure::usage)?;
    }
    if is_set(&serve.tls_cert) {
        let acceptor = stock_up_io::feed::acceptor(&serve.tls_cert, &serve.tls_key);
        acceptor
            .context("[serve] tls_cert")
            .map_err(Failure::usage)?;
    }
    Ok(())
}

fn read_settings(file: &Path) -> anyhow::Result<Option<Settings>> {
    let shown = file.display();
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context(format!("cannot read the settings `{shown}`")),
    };
    let settings = Settings::from_toml(&text);
    settings
        .map(Some)
        .with_context(|| format!("settings `{shown}`"))
}
