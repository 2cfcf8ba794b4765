//! The reserve: a small file of zeros that is given up when the device is full, so that the last
//! record, the one that says that records are missing, can still be written.

use std::io;

use crate::error::Error;
use crate::shared::Shared;
use crate::storage::{Access, Storage, StorageFile};

const RESERVE_FILE: &str = "RESERVE";
static PART: [u8; 64 * 1024] = [0; 64 * 1024];

/// Gives the reserve up; `false` if there was none.
pub(crate) fn release(shared: &Shared) -> Result<bool, Error> {
    let storage = &*shared.storage;
    match storage.remove(RESERVE_FILE) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::io("remove", &shared.path_of(RESERVE_FILE), error)),
    }
    storage
        .sync_dir()
        .map_err(|source| Error::io("sync", storage.path(), source))?;
    Ok(true)
}

/// Brings the reserve to its size; `false` if the device is too full for it, which is not an error.
pub(crate) fn fill(shared: &Shared) -> Result<bool, Error> {
    let storage = &*shared.storage;
    match try_fill(storage, shared.options.reserve_bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::StorageFull => {
            // A part of a reserve would take the space that is left.
            remove_part(shared)?;
            Ok(false)
        }
        Err(error) => Err(Error::io("fill", &shared.path_of(RESERVE_FILE), error)),
    }
}

fn remove_part(shared: &Shared) -> Result<(), Error> {
    match shared.storage.remove(RESERVE_FILE) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", &shared.path_of(RESERVE_FILE), error))
        }
        _ => Ok(()),
    }
}

fn try_fill(storage: &dyn Storage, wanted: u64) -> io::Result<()> {
    if wanted == 0 {
        return Ok(());
    }
    let file = open(storage)?;
    let mut size = file.size()?;
    if size >= wanted {
        return Ok(());
    }
    while size < wanted {
        let bytes = usize::try_from(wanted - size)
            .unwrap_or(PART.len())
            .min(PART.len());
        file.write_at(size, PART.get(..bytes).unwrap_or(&PART))?;
        size += bytes as u64;
    }
    file.sync()
}

fn open(storage: &dyn Storage) -> io::Result<std::sync::Arc<dyn StorageFile>> {
    match storage.open(RESERVE_FILE, Access::Write) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            storage.open(RESERVE_FILE, Access::Create)
        }
        opened => opened,
    }
}
