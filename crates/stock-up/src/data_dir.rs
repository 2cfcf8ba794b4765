//! The data directory: the log, the store beside it, and a note of where its trades come from.
//!
//! ```text
//! DIR/source.toml    which venue, simulated or not, and the id of the log
//! DIR/log/           segments, see docs/formats/log.md; its LOCK is that of the whole directory
//! DIR/store.sqlite   series, gaps, checkpoints, see docs/formats/store.md
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};
use stock_up_io::settings::durable;
use stock_up_log::SourceId;

use crate::failure::{Failure, Outcome};

const SOURCE_FILE: &str = "source.toml";

/// Where the trades of a data directory come from; written once, when it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// Name of the venue.
    pub(crate) venue: String,
    /// The market is simulated; simulated and real trades are never mixed.
    pub(crate) simulated: bool,
    /// Names this log for ever: 32 hexadecimal digits.
    pub(crate) id: String,
}

/// A data directory whose place is known to be usable.
#[derive(Debug, Clone)]
pub(crate) struct DataDir {
    path: PathBuf,
    source: Source,
}

impl DataDir {
    /// Opens the directory for `venue`, making it if there is none.
    ///
    /// # Errors
    /// If it cannot be made or read, is a file, or holds another venue's trades.
    pub(crate) fn open_or_create(path: &Path, venue: &str, simulated: bool) -> Outcome<Self> {
        if !path.join(SOURCE_FILE).exists() {
            create(path, venue, simulated).map_err(Failure::data_dir)?;
        }
        let dir = Self::open(path)?;
        let held = &dir.source;
        if held.venue != venue || held.simulated != simulated {
            return Err(Failure::data_dir(anyhow!(
                "data directory `{}` holds trades of venue `{}`, not of `{venue}`; \
                 give another one with --data-dir",
                path.display(),
                held.venue,
            )));
        }
        Ok(dir)
    }

    /// Opens the folder of a partition that comes from the log `source`, by a queue.
    ///
    /// # Errors
    /// As [`DataDir::open`]; also if it holds another log's trades.
    pub(crate) fn of_partition(path: &Path, source: [u8; 16]) -> Outcome<Self> {
        let id = format!("{:032x}", u128::from_be_bytes(source));
        let file = path.join(SOURCE_FILE);
        if !file.exists() {
            let source = Source {
                venue: "queue".to_owned(),
                simulated: false,
                id: id.clone(),
            };
            write_source(path, &source).map_err(Failure::data_dir)?;
        }
        let dir = Self::open(path)?;
        if dir.source.id != id {
            return Err(Failure::data_dir(anyhow!(
                "`{}` holds the state of another log; give an empty data directory",
                path.display()
            )));
        }
        Ok(dir)
    }

    /// Opens a directory that exists.
    ///
    /// # Errors
    /// If it is missing, unreadable, or no data directory.
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let source = read_source(path).map_err(Failure::data_dir)?;
        Ok(Self {
            path: path.to_owned(),
            source,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the log.
    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Names a partition of this log wherever its state is kept.
    pub(crate) fn partition_name(&self, partition: u32) -> String {
        format!("{}/{partition}", self.source.id)
    }

    /// The id of the log, as its segments carry it.
    pub(crate) fn source_id(&self) -> Outcome<SourceId> {
        let id = u128::from_str_radix(&self.source.id, 16).map_err(|_| {
            let file = self.path.join(SOURCE_FILE);
            Failure::data_dir(anyhow!(
                "`{}` has no valid `id`; restore it",
                file.display()
            ))
        })?;
        Ok(id.to_be_bytes())
    }
}

fn read_source(path: &Path) -> anyhow::Result<Source> {
    let shown = path.display();
    if !path.exists() {
        bail!("data directory `{shown}` does not exist; `stock-up run` makes one");
    }
    if !path.is_dir() {
        bail!("data directory `{shown}` is not a directory");
    }
    let file = path.join(SOURCE_FILE);
    if !file.exists() {
        bail!("`{shown}` is no data directory: it has no `{SOURCE_FILE}`");
    }
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
    toml::from_str(&text).with_context(|| format!("`{}` is damaged", file.display()))
}

/// Makes the directory; a crash on the way leaves nothing or all of it.
fn create(path: &Path, venue: &str, simulated: bool) -> anyhow::Result<()> {
    let shown = path.display();
    if path.exists() && !path.is_dir() {
        bail!("data directory `{shown}` is a file; give a directory");
    }
    fs::create_dir_all(path.join("log"))
        .with_context(|| format!("cannot make data directory `{shown}`"))?;
    let foreign = fs::read_dir(path)?.filter_map(Result::ok).find(|entry| {
        let name = entry.file_name();
        name != "log" && name != "settings.toml" && !name.to_string_lossy().contains(".tmp")
    });
    if let Some(entry) = foreign {
        bail!(
            "`{shown}` is not empty (it holds `{}`) and no data directory; give an empty one",
            entry.file_name().display()
        );
    }
    let mut id = [0_u8; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut id)
        .map_err(|_| anyhow!("the system gives no random numbers"))?;
    let id = format!("{:032x}", u128::from_be_bytes(id));
    let source = Source {
        venue: venue.to_owned(),
        simulated,
        id,
    };
    write_source(path, &source)
}

fn write_source(path: &Path, source: &Source) -> anyhow::Result<()> {
    let text = toml::to_string(source)?;
    durable::replace(&path.join(SOURCE_FILE), text.as_bytes())
        .with_context(|| format!("cannot write to data directory `{}`", path.display()))
}
