//! `settings`: what can be changed while stock-up runs, in its file or in etcd.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use stock_up_io::clock::Clock;
use stock_up_io::settings::{
    Field, Missing, Settings, SettingsFileError, SettingsHandle, SettingsState,
};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Roles;
use super::check::venue_name;
use super::value::shown_time;
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::settings_source::{self, SettingsSource};

/// How long a connection may take before a change is written.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// How long to wait between two tries to write.
const TRY_EVERY: Duration = Duration::from_millis(100);

const EXAMPLES: &str = "\
Examples:
  stock-up settings get
  stock-up settings get subscriptions
  stock-up settings set subscriptions=SPY,IBM windows=60s,5m
  stock-up settings set revise=
  CONFIG_HOST=etcd stock-up settings watch

The settings: subscriptions, windows, grid, lateness, revise, conditions, log_level.

Exit codes: 0 done, 1 failure, 2 a value cannot be used and nothing was changed, 4 etcd refuses us.";

/// Shows and changes what can be changed while stock-up runs
///
/// In the settings file of the data directory, or in etcd where the configuration names it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SettingsArgs {
    /// Configuration file
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Data directory, whose settings file is meant
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Prints the settings, or the value of one
    Get {
        /// Which one
        #[arg(value_name = "KEY")]
        key: Option<String>,
    },
    /// Changes settings, all together or none, and shows what changed
    Set {
        /// New values; lists with commas
        #[arg(value_name = "KEY=VALUE", required = true)]
        values: Vec<String>,
    },
    /// Prints the settings, then each change, until it is stopped
    Watch,
}

/// The settings, followed in the background.
struct Followed {
    runtime: Runtime,
    handle: SettingsHandle,
    /// Ends with the last handle.
    following: JoinSet<()>,
}

/// Does `settings`.
pub(super) fn settings(args: SettingsArgs) -> Outcome {
    let mut config = Config::load(args.config.as_deref())?;
    if let Some(dir) = args.data_dir {
        config.data_dir = dir;
    }
    match args.action {
        Action::Get { key } => get(&config, key.as_deref()),
        Action::Set { values } => set(&config, &values),
        Action::Watch => watch(&config),
    }
}

fn open(config: &Config) -> Outcome<(SettingsHandle, SettingsSource)> {
    let dir = config.data_dir_for(venue_name(config));
    let dir = dir.map_err(Failure::usage)?;
    if !config.etcd.is_on() {
        return settings_source::open(config, (&dir, Roles::ALL), Missing::Refuse);
    }
    settings_source::open_shared(config)
}

impl Followed {
    fn start(config: &Config) -> Outcome<Self> {
        let (handle, source) = open(config)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut following = JoinSet::new();
        following.spawn_on(source.run(), runtime.handle());
        Ok(Self {
            runtime,
            handle,
            following,
        })
    }

    /// Ends following, so that nothing is left half done.
    fn end(self) {
        let Self {
            runtime,
            handle,
            mut following,
        } = self;
        drop(handle);
        runtime.block_on(async { while following.join_next().await.is_some() {} });
    }
}

fn get(config: &Config, key: Option<&str>) -> Outcome {
    let field = key.map(Field::named).transpose();
    let field = field.map_err(|why| Failure::usage(anyhow!(why)))?;
    let (handle, _source) = open(config)?;
    let state = handle.current();
    let mut out = io::stdout().lock();
    match field {
        Some(field) => writeln!(out, "{}", state.settings.text(field))?,
        None => write_all(&state.settings, &mut out)?,
    }
    warn_of(&state);
    Ok(())
}

fn write_all(settings: &Settings, out: &mut impl Write) -> io::Result<()> {
    for field in Field::ALL {
        writeln!(out, "{} = {}", field.name(), settings.text(field))?;
    }
    Ok(())
}

/// What is not in force, on standard error: it is no part of the settings.
fn warn_of(state: &SettingsState) {
    let warnings = state.refused.iter().chain(&state.cut_off);
    for warning in warnings {
        // Nobody may be listening, which changes nothing.
        drop(writeln!(io::stderr().lock(), "warning: {warning}"));
    }
}

fn set(config: &Config, values: &[String]) -> Outcome {
    // Everything is looked at before anything is touched.
    let values = values.iter().map(|value| read(value));
    let values: Vec<_> = values
        .collect::<anyhow::Result<_>>()
        .map_err(Failure::usage)?;
    let followed = Followed::start(config)?;
    let before = followed.handle.current();
    let mut wanted = Settings::clone(&before.settings);
    for (field, text) in &values {
        let changed = wanted.with(*field, text);
        wanted = changed.map_err(|why| Failure::usage(anyhow!("{why}; nothing was changed")))?;
    }
    let written = followed.runtime.block_on(write(&followed.handle, &wanted));
    let written = written?;
    let mut out = io::stdout().lock();
    let changes = differences(&before.settings, &written.settings);
    if changes.is_empty() {
        writeln!(out, "nothing to change")?;
    }
    for change in changes {
        writeln!(out, "{change}")?;
    }
    drop(out);
    followed.end();
    Ok(())
}

fn read(value: &str) -> anyhow::Result<(Field, &str)> {
    let (name, text) = value
        .split_once('=')
        .with_context(|| format!("`{value}` is no KEY=VALUE, such as lateness=2s"))?;
    let field = Field::named(name.trim()).map_err(|why| anyhow!(why))?;
    // A value must be good by itself; whether it goes with the others is seen later.
    Settings::default().with(field, text)?;
    Ok((field, text))
}

/// Writes the settings; a source that is still connecting is waited for.
async fn write(handle: &SettingsHandle, wanted: &Settings) -> Outcome<SettingsState> {
    let tries = async {
        loop {
            let revision = handle.current().revision;
            match handle.write(revision, wanted.clone()).await {
                Err(SettingsFileError::Remote { .. }) if handle.current().cut_off.is_none() => {
                    tokio::time::sleep(TRY_EVERY).await;
                }
                written => return written,
            }
        }
    };
    let written = timeout(CONNECT_TIME, tries).await;
    let written = written.context("the settings were not written in time")?;
    Ok(written?)
}

fn differences(before: &Settings, after: &Settings) -> Vec<String> {
    let texts = |field| (before.text(field), after.text(field));
    let all = Field::ALL.into_iter().map(|field| (field, texts(field)));
    let changed = all.filter(|(_, (before, after))| before != after);
    changed
        .map(|(field, (before, after))| {
            let shown = |text: String| {
                if text.is_empty() {
                    "(none)".into()
                } else {
                    text
                }
            };
            format!("{}: {} -> {}", field.name(), shown(before), shown(after))
        })
        .collect()
}

fn watch(config: &Config) -> Outcome {
    let followed = Followed::start(config)?;
    let clock = Clock::system();
    let mut states = followed.handle.watch();
    let mut held = states.borrow_and_update().clone();
    write_all(&held.settings, &mut io::stdout().lock())?;
    warn_of(&held);
    followed.runtime.block_on(async {
        loop {
            let stopped = tokio::signal::ctrl_c();
            tokio::select! {
                changed = states.changed() => if changed.is_err() {
                    return Err(anyhow!("the settings are no longer followed").into());
                },
                _ = stopped => return Ok(()),
            }
            let state = states.borrow_and_update().clone();
            let now = shown_time(clock.now());
            let mut out = io::stdout().lock();
            for change in differences(&held.settings, &state.settings) {
                writeln!(out, "{now} {change}")?;
            }
            if state.refused != held.refused || state.cut_off != held.cut_off {
                warn_of(&state);
            }
            out.flush()?;
            held = state;
        }
    })
}
