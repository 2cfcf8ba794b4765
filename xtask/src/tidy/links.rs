//! Links between documents: each relative one points at a file that exists.

use super::tree::{File, Finding, Tree};

/// Relative links of markdown files that lead nowhere.
pub(super) fn broken(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.ends_with(&["md"])) {
        for (number, line) in file.lines() {
            for target in targets(line).filter(|target| !exists(tree, file, target)) {
                findings.push(file.finding(number, format!("`{target}` does not exist")));
            }
        }
    }
    findings
}

/// What the line links to inside the checkout, without the part after `#`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let ends = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'));
    let paths = ends.map(|(target, _)| target.split('#').next().unwrap_or(target));
    paths.filter(|path| !path.is_empty() && !path.contains("://") && !path.contains(' '))
}

fn exists(tree: &Tree, from: &File, target: &str) -> bool {
    let folder = from.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    let path = parts.join("/");
    let folder = format!("{path}/");
    tree.paths
        .iter()
        .any(|known| *known == path || known.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::*;

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let there = ("docs/windows.md", "\n");
        check(
            broken,
            &[
                ("README.md", "[w](docs/windows.md#late) [d](docs/)\n"),
                there,
            ],
            &[],
        );
        check(
            broken,
            &[
                ("docs/a.md", "[w](windows.md), [r](../docs/windows.md)\n"),
                there,
            ],
            &[],
        );
        check(
            broken,
            &[("a.md", "[x](https://example.com) [y](#here)\n")],
            &[],
        );
        check(
            broken,
            &[("a.md", "[x](b.md)\n")],
            &["a.md:1: `b.md` does not exist"],
        );
    }
}
