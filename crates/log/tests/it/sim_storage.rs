//! Storage in memory that crashes, fails and fills up on demand.
//!
//! Two states are kept: what programs see (live) and what is certain to survive (durable), with the
//! operations between the two. At a power loss any subset of those operations survives: writes are
//! split into sectors or smaller pieces, names come and go independently, a file may have its new
//! length without its new bytes, and bytes that were never written may be zeros or garbage.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use stock_up_log::{Access, Storage, StorageFile};

use crate::rng::Rng;
use crate::sim_file::{Change, FileState};

pub(crate) type Image = BTreeMap<String, Vec<u8>>;

#[derive(Debug, Clone)]
pub(crate) struct SimStorage {
    path: PathBuf,
    disk: Arc<Mutex<Disk>>,
}

/// What is to go wrong, and what has been counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// The power goes at the operation after so many changes.
    pub(crate) crash_after: Option<u64>,
    /// The file sync after so many fails with EIO.
    pub(crate) fail_sync_after: Option<u64>,
    /// The making of a file fails with EMFILE.
    pub(crate) fail_create: bool,
    /// So many more bytes fit.
    pub(crate) free_bytes: Option<u64>,
    /// File writes and syncs seen.
    pub(crate) writes: u64,
    pub(crate) syncs: u64,
}

#[derive(Debug, Default)]
struct Disk {
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    name_changes: Vec<(String, Option<usize>)>,
    files: Vec<FileState>,
    plan: Plan,
    crashed: bool,
    /// Grows at each power loss; handles from before are dead.
    boot: u64,
    sync_noise: u64,
}

impl SimStorage {
    pub(crate) fn new() -> Self {
        SimStorage {
            path: PathBuf::from("sim"),
            disk: Arc::default(),
        }
    }

    pub(crate) fn from_image(image: &Image) -> Self {
        let storage = Self::new();
        {
            let mut disk = storage.disk();
            for (name, bytes) in image {
                let inode = disk.files.len();
                let (live, durable) = (bytes.clone(), bytes.clone());
                disk.files.push(FileState {
                    live,
                    durable,
                    changes: Vec::new(),
                });
                disk.names.insert(name.clone(), inode);
            }
            disk.durable_names = disk.names.clone();
        }
        storage
    }

    /// What programs see.
    pub(crate) fn image(&self) -> Image {
        let disk = self.disk();
        let file = |inode: &usize| disk.files[*inode].live.clone();
        disk.names
            .iter()
            .map(|(name, inode)| (name.clone(), file(inode)))
            .collect()
    }

    pub(crate) fn shared(&self) -> Arc<dyn Storage> {
        Arc::new(self.clone())
    }

    pub(crate) fn plan(&self, change: impl FnOnce(&mut Plan)) -> Plan {
        let mut disk = self.disk();
        change(&mut disk.plan);
        disk.plan.clone()
    }

    pub(crate) fn has_crashed(&self) -> bool {
        self.disk().crashed
    }

    /// Takes the power away and gives it back.
    pub(crate) fn lose_power(&self, rng: &mut Rng) {
        let mut disk = self.disk();
        let changes = std::mem::take(&mut disk.name_changes);
        for (name, inode) in changes {
            if rng.one_in(2) {
                continue;
            }
            match inode {
                Some(inode) => disk.durable_names.insert(name, inode),
                None => disk.durable_names.remove(&name),
            };
        }
        disk.names = disk.durable_names.clone();
        for file in &mut disk.files {
            file.lose_power(rng);
        }
        disk.crashed = false;
        disk.plan = Plan::default();
        disk.boot += 1;
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk
            .lock()
            .expect("no test panics while it holds the disk")
    }
}

impl Disk {
    fn alive(&self) -> io::Result<()> {
        if self.crashed {
            Err(io::Error::other("the power is off"))
        } else {
            Ok(())
        }
    }

    /// Counts a change; the power may go in the middle of it, so the caller records it either way.
    fn change(&mut self) -> io::Result<()> {
        self.alive()?;
        match &mut self.plan.crash_after {
            Some(0) => self.crashed = true,
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(())
    }
}

fn no_such_file() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Storage for SimStorage {
    fn path(&self) -> &Path {
        &self.path
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let disk = self.disk();
        disk.alive()?;
        Ok(disk.names.keys().cloned().collect())
    }

    fn open(&self, name: &str, access: Access) -> io::Result<Arc<dyn StorageFile>> {
        let mut disk = self.disk();
        disk.alive()?;
        let inode = if access == Access::Create {
            if disk.plan.fail_create {
                return Err(io::Error::from_raw_os_error(24));
            }
            if disk.names.contains_key(name) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            disk.change()?;
            disk.files.push(FileState::default());
            let inode = disk.files.len() - 1;
            disk.names.insert(name.to_owned(), inode);
            disk.name_changes.push((name.to_owned(), Some(inode)));
            disk.alive()?;
            inode
        } else {
            *disk.names.get(name).ok_or_else(no_such_file)?
        };
        let boot = disk.boot;
        Ok(Arc::new(SimFile {
            disk: Arc::clone(&self.disk),
            inode,
            boot,
        }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.change()?;
        let inode = disk.names.remove(name).ok_or_else(no_such_file)?;
        disk.name_changes.push((name.to_owned(), None));
        let size = disk.files[inode].live.len() as u64;
        if let Some(free) = &mut disk.plan.free_bytes {
            *free += size;
        }
        disk.alive()
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut disk = self.disk();
        disk.change()?;
        disk.alive()?;
        disk.name_changes.clear();
        disk.durable_names = disk.names.clone();
        Ok(())
    }
}

#[derive(Debug)]
struct SimFile {
    disk: Arc<Mutex<Disk>>,
    inode: usize,
    boot: u64,
}

impl SimFile {
    fn disk(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let disk = self
            .disk
            .lock()
            .expect("no test panics while it holds the disk");
        disk.alive()?;
        if disk.boot != self.boot {
            return Err(io::Error::other("a handle from before the power went"));
        }
        Ok(disk)
    }
}

impl StorageFile for SimFile {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let disk = self.disk()?;
        let live = &disk.files[self.inode].live;
        let from = usize::try_from(offset)
            .expect("small files")
            .min(live.len());
        let read = into.len().min(live.len() - from);
        into[..read].copy_from_slice(&live[from..from + read]);
        Ok(read)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk()?;
        disk.change()?;
        disk.plan.writes += 1;
        let from = usize::try_from(offset).expect("small files");
        let size = disk.files[self.inode].live.len();
        let mut fits = bytes.len();
        if let Some(free) = &mut disk.plan.free_bytes {
            let room = size.saturating_sub(from) + usize::try_from(*free).unwrap_or(usize::MAX);
            fits = fits.min(room);
            *free -= (from + fits).saturating_sub(size) as u64;
        }
        let written = &bytes[..fits];
        let file = &mut disk.files[self.inode];
        if file.live.len() < from + fits {
            file.live.resize(from + fits, 0);
        }
        file.live[from..from + fits].copy_from_slice(written);
        file.changes.push(Change::Write(from, written.to_vec()));
        disk.alive()?;
        if fits < bytes.len() {
            Err(io::Error::from_raw_os_error(28))
        } else {
            Ok(())
        }
    }

    fn sync(&self) -> io::Result<()> {
        let mut disk = self.disk()?;
        disk.change()?;
        disk.alive()?;
        disk.plan.syncs += 1;
        disk.sync_noise += 1;
        let mut rng = Rng::new(disk.sync_noise);
        match &mut disk.plan.fail_sync_after {
            Some(0) => {
                disk.plan.fail_sync_after = None;
                disk.files[self.inode].fail_sync(&mut rng);
                return Err(io::Error::from_raw_os_error(5));
            }
            Some(left) => *left -= 1,
            None => {}
        }
        let file = &mut disk.files[self.inode];
        // What an earlier failed sync has dropped is not among the changes and stays lost.
        for change in std::mem::take(&mut file.changes) {
            file.make_durable(change, 0);
        }
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.disk()?.files[self.inode].live.len() as u64)
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        {
            let mut disk = self.disk()?;
            disk.change()?;
            let size = usize::try_from(size).expect("small files");
            let file = &mut disk.files[self.inode];
            let freed = file.live.len().saturating_sub(size);
            file.live.truncate(size);
            file.changes.push(Change::Truncate(size));
            if let Some(free) = &mut disk.plan.free_bytes {
                *free += freed as u64;
            }
            disk.alive()?;
        }
        self.sync()
    }
}
