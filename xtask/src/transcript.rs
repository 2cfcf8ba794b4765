//! What the test runners said: how many tests passed, which failed, and which were skipped and why.
//!
//! A test of ours that cannot run writes one line `SKIPPED <name>: <why>` to the standard error
//! stream itself, which the test harness does not capture.
//! So it is seen at once, and counted here: a skip never looks like a pass.

/// Counts of one step, or of several added up.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    pub(crate) passed: usize,
    /// What names those that failed, and test programs that ended early.
    pub(crate) failed: Vec<String>,
    pub(crate) skipped: Vec<String>,
}

impl Transcript {
    /// Takes in one line of a runner's output.
    pub(crate) fn line(&mut self, line: &str) {
        let line = plain(line);
        let line = line.trim();
        if let Some(skip) = line.strip_prefix("SKIPPED ") {
            self.skipped.push(skip.to_owned());
        } else if let Some(name) = failed(line) {
            self.failed.push(name.to_owned());
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += number_before(counts, " passed").unwrap_or(0);
            self.skip_unnamed(number_before(counts, " ignored"), "marked as ignored");
        } else if let Some(counts) = line.strip_prefix("Tests ") {
            // Vitest: `Tests  12 passed | 1 skipped (13)`.
            self.passed += number_before(counts, " passed").unwrap_or(0);
            self.skip_unnamed(number_before(counts, " skipped"), "skipped in web");
        } else if let Some(count) = line.strip_prefix("# pass ") {
            // The runner of Node.js: `# pass 12`.
            self.passed += count.parse().unwrap_or(0);
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            // Playwright: `12 passed (3.4s)` and `1 skipped`, each alone on its line.
            if line.contains(" passed (") {
                self.passed += number_before(line, " passed").unwrap_or(0);
            } else if line.ends_with(" skipped") {
                self.skip_unnamed(number_before(line, " skipped"), "skipped on the page");
            }
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.skipped.extend(other.skipped);
    }

    fn skip_unnamed(&mut self, count: Option<usize>, why: &str) {
        if let Some(count) = count.filter(|count| *count > 0) {
            self.skipped.push(format!("{count} tests: {why}"));
        }
    }
}

/// The test that `line` reports as failed.
fn failed(line: &str) -> Option<&str> {
    // The harness of Rust: `test sink::retries ... FAILED`.
    let of_rust = line.strip_prefix("test ");
    if let Some(name) = of_rust.and_then(|rest| rest.strip_suffix(" ... FAILED")) {
        return Some(name);
    }
    // A test program of Rust as a whole, also when it ended early; Playwright; Vitest, also for a
    // file that cannot be loaded; the runner of Node.js. Each says more than the name, which helps.
    [
        "error: test failed, to rerun pass ",
        "✘ ",
        "FAIL ",
        "not ok ",
    ]
    .iter()
    .find_map(|mark| line.strip_prefix(mark))
    .map(str::trim_start)
}

/// The last number that stands right before `word`.
fn number_before(text: &str, word: &str) -> Option<usize> {
    let before = text
        .split(word)
        .next()
        .filter(|before| before.len() < text.len())?;
    before
        .rsplit(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// The line without terminal colours.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            // An escape sequence ends with its first letter.
            rest.find(char::is_ascii_alphabetic);
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_are_named() {
        let mut transcript = Transcript::default();
        for line in [
            "test sink::retries ... FAILED",
            "test sink::answers ... ok",
            "  \u{1b}[31m✘\u{1b}[39m   4 [mock] › live.spec.ts:6:1 › numbers move (30.1s)",
            " FAIL  test/unit/spans.test.ts > a line breaks",
            "error: test failed, to rerun pass `-p stock-up-io --test it`",
            "not ok 3 - every panel has a query",
            "test result: FAILED. 1 passed; 1 failed; 0 ignored",
        ] {
            transcript.line(line);
        }
        let names = [
            "sink::retries",
            "4 [mock] › live.spec.ts:6:1 › numbers move (30.1s)",
            "test/unit/spans.test.ts > a line breaks",
            "`-p stock-up-io --test it`",
            "3 - every panel has a query",
        ];
        assert_eq!(transcript.failed, names);
        assert_eq!(transcript.passed, 1);
    }

    #[track_caller]
    fn check(line: &str, passed: usize, skipped: &[&str]) {
        let mut transcript = Transcript::default();
        transcript.line(line);
        assert_eq!(transcript.passed, passed, "{line}");
        assert_eq!(transcript.skipped, skipped, "{line}");
    }

    #[test]
    fn every_runner_is_counted() {
        check(
            "test result: ok. 17 passed; 0 failed; 0 ignored; 0 measured",
            17,
            &[],
        );
        check(
            "test result: ok. 1 passed; 0 failed; 2 ignored",
            1,
            &["2 tests: marked as ignored"],
        );
        check(
            "\u{1b}[2m Tests \u{1b}[22m \u{1b}[1m12 passed\u{1b}[22m (12)",
            12,
            &[],
        );
        check(
            "Tests  12 passed | 3 skipped (15)",
            12,
            &["3 tests: skipped in web"],
        );
        check("  4 passed (2.1s)", 4, &[]);
        check("  1 skipped", 0, &["1 tests: skipped on the page"]);
        check("# pass 14", 14, &[]);
        check("SKIPPED spy_day: no tapes", 0, &["spy_day: no tapes"]);
        check("   Compiling 12 passed crates", 0, &[]);
    }
}
