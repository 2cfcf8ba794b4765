//! Words that do not belong into the tree: markers, praise, filler, private paths, tests that are
//! switched off.

use std::path::Path;

use super::tree::{File, Finding, Tree};

/// This file has to name what it looks for.
const SELF: &str = "xtask/src/tidy/words.rs";

/// What is not said, and what to do instead.
const BANNED: [(&str, &str); 18] = [
    ("fixme", "mend it, or write an issue"),
    ("hack", "say what is unusual and why it is needed"),
    ("xxx:", "mend it, or write an issue"),
    ("used to be", "describe what is; history is in git"),
    ("formerly", "describe what is; history is in git"),
    ("for some reason", "find the reason"),
    ("obviously", "leave it out"),
    ("simply", "leave it out"),
    ("of course", "leave it out"),
    ("please note", "leave it out"),
    ("blazing", "give the figure"),
    ("world-class", "give the figure"),
    ("seamless", "say what happens"),
    ("leverage", "say `use`"),
    ("utilize", "say `use`"),
    ("whitelist", "say `allow list`"),
    ("blacklist", "say `deny list`"),
    ("sanity check", "say what is checked"),
];

/// Paths that exist on one machine only.
const HOMES: [&str; 3] = ["/home/", "/Users/", "/root/"];

/// Banned words, as whole words in any case, and lines drawn with comment signs.
pub(super) fn banned(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, number, line) in lines(tree) {
        let lower = line.to_lowercase();
        for (word, instead) in BANNED {
            if has_word(&lower, word) {
                findings.push(file.finding(number, format!("`{word}`: {instead}")));
            }
        }
        let drawn = line
            .trim_start()
            .strip_prefix("//")
            .map(|rest| rest.trim_matches(' '));
        if drawn.is_some_and(|rest| {
            ["====", "----", "****", "####"]
                .iter()
                .any(|d| rest.contains(d))
        }) && !line.trim_start().starts_with("///")
            && !line.trim_start().starts_with("//!")
        {
            findings.push(file.finding(number, "a decoration: a blank line separates as well"));
        }
    }
    findings
}

/// Work that is left names its issue: `TODO(#12): …`.
pub(super) fn unnumbered_todos(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, number, line) in
        lines(tree).filter(|(file, ..)| file.ends_with(&["rs", "ts", "css"]))
    {
        let numbered = |rest: &str| {
            let number = rest
                .strip_prefix("(#")
                .and_then(|rest| rest.split_once(')'));
            number.is_some_and(|(text, _)| text.parse::<u32>().is_ok())
        };
        if line.split("TODO").skip(1).any(|rest| !numbered(rest)) {
            findings.push(file.finding(number, "TODO without its issue: `TODO(#12): …`"));
        }
    }
    findings
}

/// A test that is switched off looks like one that passes.
pub(super) fn switched_off_tests(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, number, line) in lines(tree) {
        let code = line.trim_start();
        if file.ends_with(&["rs"])
            && (code.starts_with("#[ignore") || code.contains("should_panic"))
        {
            let what = "a test that is ignored or must panic: skip it loudly, assert the error";
            findings.push(file.finding(number, what));
        }
        if file.ends_with(&["ts"])
            && [".only(", "xit(", "test.fixme("]
                .iter()
                .any(|w| code.contains(w))
        {
            findings.push(file.finding(number, "a test that switches others or itself off"));
        }
    }
    findings
}

/// Paths of somebody's machine: home folders, and the place of this very checkout.
pub(super) fn machine_paths(tree: &Tree, root: &Path) -> Vec<Finding> {
    let root = root.to_string_lossy();
    let here = root.matches('/').count() > 1;
    let mut findings = Vec::new();
    for (file, number, line) in lines(tree) {
        if HOMES.iter().any(|home| line.contains(home)) || (here && line.contains(&*root)) {
            findings.push(file.finding(number, "a path of one machine"));
        }
    }
    findings
}

fn lines(tree: &Tree) -> impl Iterator<Item = (&File, usize, &str)> {
    let files = tree.files.iter().filter(|file| file.path != SELF);
    files.flat_map(|file| file.lines().map(move |(number, line)| (file, number, line)))
}

/// Whether `word` stands in `text` with no letter or digit on either side.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !letter(before) && !letter(after)
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::*;

    #[test]
    fn banned_words_are_found_as_whole_words() {
        check(
            banned,
            &[("a.md", "Simply run it.\n")],
            &["a.md:1: `simply`: leave it out"],
        );
        check(banned, &[("a.rs", "// hackney carriages\n")], &[]);
        let drawn = "a.rs:1: a decoration: a blank line separates as well";
        check(banned, &[("a.rs", "// ======== tests\n")], &[drawn]);
    }

    #[test]
    fn work_without_an_issue_is_found() {
        check(unnumbered_todos, &[("a.rs", "// TODO(#12): later\n")], &[]);
        let todo = "a.rs:1: TODO without its issue: `TODO(#12): …`";
        check(unnumbered_todos, &[("a.rs", "// TODO: later\n")], &[todo]);
        check(
            unnumbered_todos,
            &[("a.rs", "// TODO(me): later\n")],
            &[todo],
        );
    }

    #[test]
    fn tests_that_do_not_run_are_found() {
        let rust = "a.rs:1: a test that is ignored or must panic: skip it loudly, assert the error";
        check(
            switched_off_tests,
            &[("a.rs", "    #[ignore = \"slow\"]\n")],
            &[rust],
        );
        let page = "a.spec.ts:1: a test that switches others or itself off";
        check(
            switched_off_tests,
            &[("a.spec.ts", "test.only('x', f)\n")],
            &[page],
        );
    }

    #[test]
    fn private_paths_are_found() {
        let tree = Tree::of(&[
            ("a.md", "in /home/me/x\n"),
            ("b.md", "in /src/here/x\n"),
            ("c.md", "/\n"),
        ]);
        let found = machine_paths(&tree, Path::new("/src/here"));
        let found: Vec<&str> = found.iter().map(|finding| finding.path.as_str()).collect();
        assert_eq!(found, ["a.md", "b.md"]);
        assert_eq!(machine_paths(&tree, Path::new("/")).len(), 1);
    }
}
