//! How a file looks: its header, its white space, its width.

use super::tree::{File, Finding, Tree};

const RUST_COLUMNS_MAX: usize = 100;
const TYPESCRIPT_COLUMNS_MAX: usize = 120;
/// A header shorter than this says nothing.
const HEADER_MIN: usize = 15;

/// Each source opens with a sentence that says what it is.
pub(super) fn headers(tree: &Tree) -> Vec<Finding> {
    let sources = tree
        .files
        .iter()
        .filter(|file| file.ends_with(&["rs", "ts"]));
    sources.filter_map(header_finding).collect()
}

fn header_finding(file: &File) -> Option<Finding> {
    let marker = if file.ends_with(&["rs"]) { "//!" } else { "/" };
    let what = format!("the file does not open with a header (`{marker}…`) that says what it is");
    if !file.text.starts_with(marker) {
        return Some(file.finding(1, what));
    }
    let comment = file
        .text
        .lines()
        .take_while(|line| line.starts_with(['/', '*', ' ']));
    let words: usize = comment
        .map(|line| line.trim_matches(['/', '*', '!', ' ']).len())
        .sum();
    (words < HEADER_MIN).then(|| file.finding(1, what))
}

/// No tabs, no blanks at the end of a line, one newline at the end of the file.
pub(super) fn whitespace(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for (number, line) in file.lines() {
            if line.contains('\t') {
                findings.push(file.finding(number, "a tab: indent with spaces"));
            }
            if line.ends_with([' ', '\r']) {
                findings.push(file.finding(number, "white space at the end of the line"));
            }
        }
        let whole = file.text.is_empty() || file.text.ends_with('\n');
        if !whole || file.text.ends_with("\n\n") {
            findings.push(file.finding(0, "the file does not end with exactly one newline"));
        }
    }
    findings
}

/// The width that the formatter of each language is set to; texts, links and quoted messages
/// cannot be broken.
pub(super) fn columns(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        let most = match file {
            file if file.ends_with(&["rs"]) => RUST_COLUMNS_MAX,
            file if file.ends_with(&["ts"]) => TYPESCRIPT_COLUMNS_MAX,
            _ => continue,
        };
        for (number, line) in file.lines() {
            let width = line.chars().count();
            if width > most && !line.contains("://") && !line.contains(['"', '`', '\'', '\\']) {
                findings.push(file.finding(number, format!("{width} columns, at most {most}")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::*;

    #[test]
    fn a_source_without_a_header_is_found() {
        check(
            headers,
            &[("a.rs", "//! What this file is for.\nfn a() {}\n")],
            &[],
        );
        check(headers, &[("a.ts", "/** What this file is for. */\n")], &[]);
        check(
            headers,
            &[("a.ts", "/*\n * What this file is for.\n */\n")],
            &[],
        );
        let rust = "a.rs:1: the file does not open with a header (`//!…`) that says what it is";
        check(headers, &[("a.rs", "use std::fs;\n")], &[rust]);
        check(
            headers,
            &[("a.rs", "//! Trade.\nuse a_long::enough::path;\n")],
            &[rust],
        );
        let typescript = "a.ts:1: the file does not open with a header (`/…`) that says what it is";
        check(headers, &[("a.ts", "import x from 'x'\n")], &[typescript]);
    }

    #[test]
    fn stray_white_space_is_found() {
        check(whitespace, &[("a.md", "fine\n")], &[]);
        check(
            whitespace,
            &[("a.md", "\tx\n")],
            &["a.md:1: a tab: indent with spaces"],
        );
        check(
            whitespace,
            &[("a.md", "x \n")],
            &["a.md:1: white space at the end of the line"],
        );
        let newline = "a.md: the file does not end with exactly one newline";
        check(whitespace, &[("a.md", "x")], &[newline]);
        check(whitespace, &[("a.md", "x\n\n")], &[newline]);
    }

    #[test]
    fn long_lines_are_found_unless_they_cannot_be_broken() {
        let long = "x".repeat(101);
        check(
            columns,
            &[("a.rs", &long)],
            &["a.rs:1: 101 columns, at most 100"],
        );
        check(columns, &[("a.rs", &"é".repeat(100))], &[]);
        check(columns, &[("a.rs", &format!("// https://{long}"))], &[]);
        check(columns, &[("a.md", &long)], &[]);
    }
}
