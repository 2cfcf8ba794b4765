//! What is on disk, opened in the right order.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use stock_up_io::settings::{Missing, Settings, SettingsHandle, durable};
use stock_up_io::store::{Gap, GapFilter, Store, StoreReader};
use stock_up_log::{Log, Options, Writer};

use crate::cli::{Roles, RunArgs};
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::publish::LogNews;
use crate::settings_source::{self, SettingsSource};
use crate::venue::Source;

/// What `collect` keeps on disk.
pub(super) struct Spool {
    pub(super) dir: DataDir,
    pub(super) log: Log,
    pub(super) news: Arc<LogNews>,
    pub(super) writer: Writer,
    pub(super) settings: (SettingsHandle, SettingsSource),
}

/// What is on disk when all roles share a log, opened and in step.
pub(super) struct Parts {
    pub(super) spool: Spool,
    pub(super) store: Store,
    /// The gap that was open when the store was saved.
    pub(super) open_gap: Option<Gap>,
}

impl Spool {
    pub(super) fn open(config: &Config, args: &RunArgs) -> Outcome<Self> {
        let venue = Source::venue(config.venue.kind);
        let path = config.data_dir_for(venue.name).map_err(Failure::usage)?;
        let dir = DataDir::open_or_create(&path, venue.name, venue.simulated)?;
        let news = Arc::new(LogNews::default());
        let told = Arc::clone(&news);
        let options = Options {
            segment_bytes: config.log.segment_bytes.0,
            // What a full device makes us lose is noted when there is room again.
            reserve_bytes: 0,
            on_durable: Some(Arc::new(move |end| told.durable(end))),
            ..Options::new(dir.source_id()?)
        };
        // Order matters: the lock of the log is that of the whole directory.
        let (log, writer) = Log::open(dir.log(), options).map_err(Failure::data_dir)?;
        let cut = log.report().torn_bytes;
        if cut > 0 {
            tracing::warn!(
                bytes = cut,
                "the end of the log was cut off in the middle of a write, and dropped"
            );
        }
        let settings = settings_of(config, args, dir.path())?;
        tracing::info!(dir = %dir.path().display(), venue = venue.name, "data directory open");
        Ok(Self {
            dir,
            log,
            news,
            writer,
            settings,
        })
    }
}

impl Parts {
    pub(super) fn open(config: &Config, args: &RunArgs) -> Outcome<Self> {
        let spool = Spool::open(config, args)?;
        let store = Store::open(spool.dir.path()).map_err(Failure::data_dir)?;
        let open_gap = open_gap(&spool.dir).map_err(Failure::data_dir)?;
        Ok(Self {
            spool,
            store,
            open_gap,
        })
    }
}

fn open_gap(dir: &DataDir) -> anyhow::Result<Option<Gap>> {
    let gaps = StoreReader::open(dir.path())?.gaps(&GapFilter::default())?;
    Ok(gaps.into_iter().next_back().filter(|gap| gap.to.is_none()))
}

/// Opens the settings; `--symbols` replaces the subscriptions in their file.
pub(super) fn settings_of(
    config: &Config,
    args: &RunArgs,
    dir: &Path,
) -> Outcome<(SettingsHandle, SettingsSource)> {
    if config.etcd.is_on() && args.symbols.is_some() {
        return Err(Failure::usage(anyhow!(
            "--symbols: the settings come from etcd, for everybody; \
             use `stock-up settings set subscriptions=SPY,IBM`"
        )));
    }
    let place = (dir, Roles::of(args));
    let fresh = settings_source::defaults(config, place.1);
    let fresh = Missing::Create(Box::new(fresh));
    let (handle, watcher) = settings_source::open(config, place, fresh)?;
    let Some(symbols) = &args.symbols else {
        return Ok((handle, watcher));
    };
    let wanted = Settings {
        subscriptions: symbols.0.clone(),
        ..Settings::clone(&handle.current().settings)
    };
    if *handle.current().settings == wanted {
        return Ok((handle, watcher));
    }
    drop((handle, watcher));
    let file = settings_source::file_path(config, dir);
    durable::replace(&file, wanted.to_toml().as_bytes())
        .with_context(|| format!("cannot write the settings `{}`", file.display()))
        .map_err(Failure::usage)?;
    settings_source::open(config, place, Missing::Refuse)
}
