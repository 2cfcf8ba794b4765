//! The sources as a list of texts, so that a check can be tested without a disk.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// Folders that hold nothing written by hand.
const FOREIGN: [&str; 8] = [
    ".cache",
    ".git",
    "dist",
    "node_modules",
    "playwright-report",
    "target",
    "test-results",
    "testdata",
];
/// Endings of the files that are read; all others are data.
const TEXTS: [&str; 12] = [
    "css", "html", "js", "json", "md", "rs", "sh", "svg", "toml", "ts", "yaml", "yml",
];
/// Files that a program writes.
const WRITTEN: [&str; 2] = ["package-lock.json", "openapi.json"];

/// A text file of the checkout.
#[derive(Debug)]
pub(super) struct File {
    /// Relative to the root, with `/` on every system.
    pub(super) path: String,
    pub(super) text: String,
}

/// All text files, in the order of their paths.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) files: Vec<File>,
    /// Paths of all files, the unread ones too: what a link may point at.
    pub(super) paths: Vec<String>,
}

/// Something that is not as it should be.
#[derive(Debug, PartialEq)]
pub(super) struct Finding {
    pub(super) path: String,
    /// From 1 on; 0 stands for the file as a whole.
    pub(super) line: usize,
    pub(super) what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.what),
            line => write!(out, "{}:{line}: {}", self.path, self.what),
        }
    }
}

impl File {
    pub(super) fn ends_with(&self, endings: &[&str]) -> bool {
        ending(&self.path).is_some_and(|ending| endings.contains(&ending))
    }

    /// Whether the whole file is tests.
    pub(super) fn is_test(&self) -> bool {
        let path = &self.path;
        path.contains("/tests/")
            || [".test.ts", ".spec.ts", "/tests.rs", "_tests.rs"]
                .iter()
                .any(|end| path.ends_with(end))
    }

    /// Lines with their numbers.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }

    pub(super) fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            what: what.into(),
        }
    }
}

impl Tree {
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut tree = Self {
            files: Vec::new(),
            paths: Vec::new(),
        };
        tree.read_folder(root, "")?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        tree.paths.sort();
        Ok(tree)
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> anyhow::Result<()> {
        let unreadable = || format!("`{}` can't be read", folder.display());
        for entry in fs::read_dir(folder).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            if !entry.file_type().with_context(unreadable)?.is_dir() {
                self.read_file(&entry.path(), path)?;
            } else if !FOREIGN.contains(&name.as_str()) {
                self.read_folder(&entry.path(), &format!("{path}/"))?;
            }
        }
        Ok(())
    }

    fn read_file(&mut self, file: &Path, path: String) -> anyhow::Result<()> {
        let is_text = ending(&path).is_some_and(|ending| TEXTS.contains(&ending));
        if is_text && !WRITTEN.iter().any(|name| path.ends_with(name)) {
            let text = fs::read_to_string(file);
            let text = text.with_context(|| format!("`{path}` is not readable text"))?;
            self.files.push(File {
                path: path.clone(),
                text,
            });
        }
        self.paths.push(path);
        Ok(())
    }

    /// The file at `path`, if it is there.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// A tree of texts for a test.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files: Vec<File> = files
            .iter()
            .map(|(path, text)| File {
                path: (*path).into(),
                text: (*text).into(),
            })
            .collect();
        let paths = files.iter().map(|file| file.path.clone()).collect();
        Self { files, paths }
    }
}

fn ending(path: &str) -> Option<&str> {
    path.rsplit_once('.').map(|(_, ending)| ending)
}

/// What a check finds in a tree of texts, as printed.
#[cfg(test)]
#[track_caller]
pub(super) fn check(find: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)], expected: &[&str]) {
    let found: Vec<String> = find(&Tree::of(files))
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(found, expected);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_read_without_what_others_wrote() {
        let tree = Tree::read(crate::workspace::root()).expect("the tree is readable");
        assert!(tree.file("xtask/src/tidy/tree.rs").is_some());
        assert!(!tree.paths.iter().any(|path| path.contains("node_modules/")));
    }

    #[test]
    fn files_of_tests_are_told_by_their_place() {
        let tree = Tree::of(&[("crates/log/tests/it/main.rs", ""), ("a/b.rs", "")]);
        assert!(tree.files[0].is_test());
        assert!(!tree.files[1].is_test());
    }
}
