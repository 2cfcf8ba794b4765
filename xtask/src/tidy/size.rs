//! Size budgets: a file that needs scrolling to be understood wants to be two.

use super::tree::{File, Finding, Tree};

const LINES_MAX: usize = 600;
const TEST_LINES_MAX: usize = 900;
/// From here on a file is worth a second look.
const LINES_NOTED: usize = 400;
/// Tests beside the code move to their own file when they are longer than this.
const INLINE_TESTS_NOTED: usize = 150;

/// Packages that one builds, and has to trust, for everything in the workspace.
///
/// The clients of Kafka, RabbitMQ, etcd and Redis bring a third of them; the embedded default is
/// built without those.
const PACKAGES_MAX: usize = 400;

/// More packages in the lock than the budget allows.
pub(super) fn packages(tree: &Tree) -> Vec<Finding> {
    let over = |lock: &File| {
        let packages = lock
            .text
            .lines()
            .filter(|line| *line == "[[package]]")
            .count();
        let what = format!("{packages} packages, at most {PACKAGES_MAX}: which one is not needed?");
        (packages > PACKAGES_MAX).then(|| lock.finding(0, what))
    };
    tree.file("Cargo.lock").and_then(over).into_iter().collect()
}

/// Files over their budget.
pub(super) fn budgets(tree: &Tree) -> Vec<Finding> {
    let over = |file: &File| {
        let max = if file.is_test() {
            TEST_LINES_MAX
        } else {
            LINES_MAX
        };
        let lines = file.text.lines().count();
        (lines > max).then(|| file.finding(0, format!("{lines} lines, at most {max}: split it")))
    };
    sources(tree).filter_map(over).collect()
}

/// Files that come near their budget.
pub(super) fn notes(tree: &Tree) -> Vec<String> {
    let mut notes = Vec::new();
    for file in sources(tree).filter(|file| !file.is_test()) {
        let lines = file.text.lines().count();
        if lines > LINES_NOTED {
            notes.push(format!("{} has {lines} lines: is it two files?", file.path));
        }
        let tests = inline_test_lines(&file.text);
        if tests > INLINE_TESTS_NOTED {
            notes.push(format!(
                "{} has {tests} lines of tests: move them out",
                file.path
            ));
        }
    }
    notes
}

fn sources(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files
        .iter()
        .filter(|file| file.ends_with(&["rs", "ts", "css"]))
}

/// How long the `mod tests` at the end of a file is.
fn inline_test_lines(text: &str) -> usize {
    text.lines()
        .skip_while(|line| *line != "mod tests {")
        .count()
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::*;

    #[test]
    fn long_files_are_found() {
        let long = "\n".repeat(601);
        check(
            budgets,
            &[("a.rs", &long)],
            &["a.rs: 601 lines, at most 600: split it"],
        );
        check(budgets, &[("crates/a/tests/it/main.rs", &long)], &[]);
        check(budgets, &[("a.rs", &"\n".repeat(600))], &[]);
    }

    #[test]
    fn too_many_packages_are_found() {
        let over = "Cargo.lock: 401 packages, at most 400: which one is not needed?";
        check(
            packages,
            &[("Cargo.lock", &"[[package]]\n".repeat(401))],
            &[over],
        );
        check(
            packages,
            &[("Cargo.lock", &"[[package]]\n".repeat(400))],
            &[],
        );
    }

    #[test]
    fn files_near_their_budget_are_noted() {
        let code = "\n".repeat(401);
        let tests = format!("mod tests {{\n{}}}\n", "\n".repeat(150));
        let notes = notes(&Tree::of(&[("a.rs", &code), ("b.rs", &tests)]));
        assert_eq!(notes[0], "a.rs has 401 lines: is it two files?");
        assert_eq!(notes[1], "b.rs has 152 lines of tests: move them out");
    }
}
