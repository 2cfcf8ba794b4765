//! A folder for what a part writes, on the disk that holds the build; gone when the part ends.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use anyhow::Context as _;

/// A folder of our own.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(part: &str) -> anyhow::Result<Self> {
        // Beside the program itself: `/tmp` may lie in memory, where a sync costs nothing.
        let program = env::current_exe()?;
        let beside = program.parent().context("the program lies in a folder")?;
        let path = beside.join(format!("bench-{part}-{}", process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("`{}` could not be removed: {error}", self.0.display());
        }
    }
}
