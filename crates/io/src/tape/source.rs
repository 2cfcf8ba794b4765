//! Where the bytes come from: a file, standard input, either of them gzipped.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::error::TapeError;

/// The first bytes of every gzip file; its name says nothing.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

const GZIP_BUFFER_BYTES: usize = 128 << 10;

/// The bytes of a tape, and how many of them were taken.
pub(super) struct Source {
    pub(super) name: String,
    pub(super) bytes: Box<dyn Read + Send>,
    pub(super) taken: Arc<AtomicU64>,
    pub(super) total: Option<u64>,
}

impl Source {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(path: &Path) -> Result<Self, TapeError> {
        if path.as_os_str() == "-" {
            return Self::new("standard input".to_owned(), io::stdin(), None);
        }
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|source| TapeError::Open {
            file: name.clone(),
            source,
        })?;
        if metadata.is_dir() {
            return Err(TapeError::Directory { file: name });
        }
        // A pipe or device has no length.
        let total = metadata.is_file().then_some(metadata.len());
        Self::new(name, file, total)
    }

    pub(super) fn new(
        name: String,
        bytes: impl Read + Send + 'static,
        total: Option<u64>,
    ) -> Result<Self, TapeError> {
        let taken = Arc::new(AtomicU64::new(0));
        let mut counted = Counted {
            bytes,
            taken: Arc::clone(&taken),
        };
        let mut head = Vec::new();
        (&mut counted)
            .take(2)
            .read_to_end(&mut head)
            .map_err(|source| TapeError::Read {
                file: name.clone(),
                line: 0,
                source,
            })?;
        let is_gzip = head == GZIP_MAGIC;
        let whole = Cursor::new(head).chain(counted);
        let bytes: Box<dyn Read + Send> = if is_gzip {
            let buffered = BufReader::with_capacity(GZIP_BUFFER_BYTES, whole);
            Box::new(MultiGzDecoder::new(buffered))
        } else {
            Box::new(whole)
        };
        Ok(Self {
            name,
            bytes,
            taken,
            total,
        })
    }
}

/// Counts what is read.
struct Counted<R> {
    bytes: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(out)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
