//! Where a command writes: standard output, or a file that is there whole or not at all.
//!
//! A file is written beside its place under another name, and renamed when everything is in it. A
//! command that fails or is killed leaves the earlier file as it was.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, anyhow};

use crate::failure::{Failure, Outcome};
use crate::progress::Bar;

/// The output of a command.
#[derive(Debug)]
pub(super) enum Output {
    Stdout(io::Stdout),
    /// A pipe or device, which cannot be renamed.
    Device(File),
    File(NewFile),
}

/// A file on its way to its name.
#[derive(Debug)]
pub(super) struct NewFile {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
}

impl Output {
    /// Standard output for no path and for `-`.
    pub(super) fn open(path: Option<&Path>) -> Outcome<Self> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            return Ok(Self::Stdout(io::stdout()));
        };
        let shown = path.display();
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                let error = anyhow!("output `{shown}` is a directory; name a file");
                Err(Failure::usage(error))
            }
            Ok(found) if !found.is_file() => {
                let file = File::options().write(true).open(path);
                Ok(Self::Device(
                    file.with_context(|| format!("cannot open `{shown}`"))?,
                ))
            }
            _ => NewFile::create(path).map(Self::File),
        }
    }

    /// Whether progress may be shown while this is written.
    pub(super) fn bar(&self) -> Bar {
        match self {
            Self::Stdout(out) if out.is_terminal() => Bar::Hidden,
            _ => Bar::Allowed,
        }
    }

    /// Everything is written: the file gets its name.
    pub(super) fn finish(mut self) -> Outcome {
        self.flush()?;
        match self {
            Self::Stdout(_) | Self::Device(_) => Ok(()),
            Self::File(file) => file.rename(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.lock().write_all(bytes),
            Self::Device(file) => file.write_all(bytes),
            Self::File(new) => new.file.write_all(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.lock().flush(),
            Self::Device(file) => file.flush(),
            Self::File(new) => new.file.flush(),
        }
    }
}

impl NewFile {
    fn create(path: &Path) -> Outcome<Self> {
        // What a link points to is replaced, not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let Some(name) = path.file_name() else {
            let shown = path.display();
            return Err(Failure::usage(anyhow!(
                "output `{shown}` has no file name; name a file"
            )));
        };
        let mut partial = OsString::from(name);
        partial.push(format!(".{}.partial", process::id()));
        let temporary = path.with_file_name(partial);
        let file = File::create(&temporary);
        let file = file.with_context(|| format!("cannot write output `{}`", path.display()))?;
        Ok(Self {
            file,
            temporary,
            path,
        })
    }

    /// Order matters: the bytes are synced before they get the name, the folder after.
    #[expect(
        clippy::disallowed_methods,
        reason = "the folder is synced right below"
    )]
    fn rename(self) -> Outcome {
        let rename = || -> io::Result<()> {
            self.file.sync_all()?;
            fs::rename(&self.temporary, &self.path)?;
            let folder = self
                .path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        Ok(rename().with_context(|| format!("cannot write output `{}`", self.path.display()))?)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After the rename there is nothing of that name.
        drop(fs::remove_file(&self.temporary));
    }
}
