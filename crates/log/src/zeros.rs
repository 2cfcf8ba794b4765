//! Zeros in files: they hold space for what will be written there.

use std::io;

use crate::storage::StorageFile;

/// So many are written or read at once.
const PART_BYTES: usize = 64 * 1024;
static PART: [u8; PART_BYTES] = [0; PART_BYTES];

/// Writes zeros from `from` up to `to`.
pub(crate) fn write(file: &dyn StorageFile, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    while at < to {
        let part = part_of(to - at);
        file.write_at(at, PART.get(..part).unwrap_or(&PART))?;
        at += part as u64;
    }
    Ok(())
}

/// Where the last byte that is not zero ends, of those from `from` up to `to`; `from` if there is
/// none.
pub(crate) fn begin(file: &dyn StorageFile, from: u64, to: u64) -> io::Result<u64> {
    let mut part = vec![0; part_of(to.saturating_sub(from))];
    let (mut at, mut begin) = (from, from);
    while at < to {
        let into = part.get_mut(..part_of(to - at)).unwrap_or_default();
        let read = file.read_at(at, into)?;
        let bytes = into.get(..read).unwrap_or_default();
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            begin = at + last as u64 + 1;
        }
        if read == 0 {
            break;
        }
        at += read as u64;
    }
    Ok(begin)
}

fn part_of(left: u64) -> usize {
    usize::try_from(left).map_or(PART_BYTES, |left| left.min(PART_BYTES))
}
