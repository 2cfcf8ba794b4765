//! The storage seam: the few things the log asks of a folder of files.
//!
//! [`DirStorage`] is the real one. The crash tests bring another, in which any subset of what was
//! not synced may survive; the contracts below are what both must keep.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder of files.
pub trait Storage: Debug + Send + Sync {
    /// Where it is, for messages.
    fn path(&self) -> &Path;
    /// The names of all files, in any order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Opens a file, see [`Access`]. A new name is durable only after [`Storage::sync_dir`].
    fn open(&self, name: &str, access: Access) -> io::Result<Arc<dyn StorageFile>>;
    /// Removes a file. Durable only after [`Storage::sync_dir`]; open handles stay readable.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes new and removed names durable.
    fn sync_dir(&self) -> io::Result<()>;
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// An existing file, to read.
    Read,
    /// An existing file, to read and write.
    Write,
    /// A new file, to read and write; an error if the name exists.
    Create,
}

/// A file of a [`Storage`].
pub trait StorageFile: Debug + Send + Sync {
    /// Reads at a place; fewer bytes than asked for only at the end of the file.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize>;
    /// Writes all of `bytes` at a place. Durable only after [`StorageFile::sync`].
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes all that was written durable.
    fn sync(&self) -> io::Result<()>;
    /// Current length in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Shortens the file and makes that durable before it returns.
    fn truncate(&self, size: u64) -> io::Result<()>;
}

/// A folder of the file system.
#[derive(Debug)]
pub struct DirStorage {
    path: PathBuf,
}

impl DirStorage {
    /// The folder at `path`, which exists.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        DirStorage { path: path.into() }
    }
}

impl Storage for DirStorage {
    fn path(&self) -> &Path {
        &self.path
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            // Names that are not Unicode are not ours.
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn open(&self, name: &str, access: Access) -> io::Result<Arc<dyn StorageFile>> {
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(access != Access::Read)
            .create_new(access == Access::Create);
        Ok(Arc::new(DirFile(options.open(self.path.join(name))?)))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

#[derive(Debug)]
struct DirFile(File);

impl StorageFile for DirFile {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, offset + done as u64) {
                Ok(0) => break,
                Ok(bytes) => done += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.0.set_len(size)?;
        self.0.sync_all()
    }
}
