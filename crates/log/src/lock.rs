//! The lock on a folder: one writing process at a time.
//!
//! An advisory lock of the operating system on the file `LOCK`, so it vanishes with the process
//! however that ends. The process id inside is for the message only; the file is never removed,
//! because a removed lock file could be locked by two processes at once.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use crate::error::Error;

const LOCK_FILE: &str = "LOCK";

/// Holds a folder until it is dropped.
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

impl DirLock {
    /// Locks `dir`, or says which process holds it.
    pub fn acquire(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(LOCK_FILE);
        let io = |operation| {
            let path = path.as_path();
            move |source| Error::io(operation, path, source)
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(io("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(dir, &mut file)),
            Err(TryLockError::Error(source)) => return Err(io("lock")(source)),
        }
        // The id only serves the message, so a full device does not keep a log from being opened.
        write_process_id(&mut file).ok();
        Ok(DirLock { _file: file })
    }
}

fn write_process_id(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn locked(dir: &Path, file: &mut File) -> Error {
    let mut text = String::new();
    let holder = match file.take(32).read_to_string(&mut text) {
        Ok(_) if text.trim().parse::<u32>().is_ok() => text.trim().to_owned(),
        _ => "unknown".to_owned(),
    };
    Error::Locked {
        path: dir.to_owned(),
        holder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_lock_names_the_holder_and_works_after_the_first_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let first = DirLock::acquire(dir.path()).unwrap();
        let error = DirLock::acquire(dir.path()).expect_err("locked");
        let (path, pid) = (dir.path().display(), std::process::id());
        let text = format!("data directory `{path}` is locked by process {pid}");
        assert_eq!(error.to_string(), text);
        drop(first);
        DirLock::acquire(dir.path()).unwrap();
    }
}
