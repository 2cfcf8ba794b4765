//! What clippy cannot see: the house rules, as functions over the tree of sources.
//!
//! Each check is one function that takes the tree and returns findings, and has a test in which it
//! finds something.
//! All of them run over the real tree in `cargo test -p xtask` too.

mod formats;
mod graph;
mod links;
mod size;
mod text;
mod tree;
mod words;

use anyhow::bail;

use crate::workspace;
use tree::{Finding, Tree};

/// Every check over the sources.
const CHECKS: [fn(&Tree) -> Vec<Finding>; 10] = [
    text::headers,
    text::whitespace,
    text::columns,
    size::budgets,
    size::packages,
    words::banned,
    words::unnumbered_todos,
    words::switched_off_tests,
    formats::versions,
    links::broken,
];

/// Prints what is near its budget, and fails with every finding.
pub(crate) fn run() -> anyhow::Result<()> {
    let tree = Tree::read(workspace::root())?;
    for note in size::notes(&tree) {
        println!("note: {note}");
    }
    let findings = findings(&tree)?;
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} things are not tidy", findings.len());
    }
    println!("{} files are tidy", tree.files.len());
    Ok(())
}

fn findings(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let mut findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check(tree)).collect();
    findings.extend(words::machine_paths(tree, workspace::root()));
    findings.extend(graph::strangers(&workspace::metadata()?));
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        let tree = Tree::read(workspace::root()).expect("the tree is readable");
        let findings = findings(&tree).expect("cargo knows the workspace");
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "not tidy:\n{}", lines.join("\n"));
    }
}
