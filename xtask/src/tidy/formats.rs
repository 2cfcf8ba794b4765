//! Every page in `docs/formats` describes the version that the code writes.

use super::tree::{File, Finding, Tree};

const FOLDER: &str = "docs/formats/";
/// How a page says its version, at the start of a line.
const MARK: &str = "Current version: ";

/// A page, the crate that writes the format, and the name of its version there.
struct Format {
    page: &'static str,
    crate_folder: &'static str,
    constant: &'static str,
}

const FORMATS: [Format; 7] = [
    Format {
        page: "log",
        crate_folder: "crates/log/",
        constant: "FORMAT_VERSION",
    },
    Format {
        page: "record",
        crate_folder: "crates/core/",
        constant: "RECORD_FORMAT",
    },
    Format {
        page: "checkpoint",
        crate_folder: "crates/core/",
        constant: "CHECKPOINT_FORMAT",
    },
    Format {
        page: "store",
        crate_folder: "crates/io/",
        constant: "STORE_FORMAT",
    },
    Format {
        page: "queue",
        crate_folder: "crates/io/",
        constant: "QUEUE_FORMAT",
    },
    Format {
        page: "influxdb",
        crate_folder: "crates/io/",
        constant: "INFLUX_FORMAT",
    },
    Format {
        page: "shared-checkpoint",
        crate_folder: "crates/io/",
        constant: "SHARED_CHECKPOINT_FORMAT",
    },
];

/// Pages without a version, without a row above, or of another version than the code.
pub(super) fn versions(tree: &Tree) -> Vec<Finding> {
    let pages = tree
        .files
        .iter()
        .filter(|file| file.path.starts_with(FOLDER));
    pages.filter_map(|page| page_finding(tree, page)).collect()
}

fn page_finding(tree: &Tree, page: &File) -> Option<Finding> {
    let name = page.path.trim_start_matches(FOLDER).trim_end_matches(".md");
    if name == "README" {
        return None;
    }
    let Some(format) = FORMATS.iter().find(|format| format.page == name) else {
        let what = "no constant is known for this format: add it to `xtask/src/tidy/formats.rs`";
        return Some(page.finding(0, what));
    };
    let described = page
        .lines()
        .find_map(|(at, line)| Some((at, line.strip_prefix(MARK)?)));
    let Some((at, described)) = described else {
        return Some(page.finding(0, format!("the page has no line `{MARK}N`")));
    };
    let mut sources = tree
        .files
        .iter()
        .filter(|file| file.path.starts_with(format.crate_folder));
    let written = sources.find_map(|file| Some((file, constant(file, format.constant)?)));
    let Some((source, written)) = written else {
        let what = format!("`{}` defines no `{}`", format.crate_folder, format.constant);
        return Some(page.finding(at, what));
    };
    let described = described.trim_end_matches('.').trim();
    let what = format!(
        "version {described}, but `{}` writes {written}",
        source.path
    );
    (described != written).then(|| page.finding(at, what))
}

/// The number that a line such as `pub const NAME: u32 = 3;` defines.
fn constant<'a>(file: &'a File, name: &str) -> Option<&'a str> {
    let start = format!("const {name}: ");
    let (_, number) = file.text.lines().find_map(|line| line.split_once(&start))?;
    number.split_once(" = ")?.1.strip_suffix(';')
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::*;

    const CODE: (&str, &str) = (
        "crates/log/src/frame.rs",
        "pub const FORMAT_VERSION: u16 = 2;\n",
    );

    #[test]
    fn a_page_of_another_version_is_found() {
        check(
            versions,
            &[("docs/formats/log.md", "Current version: 2\n"), CODE],
            &[],
        );
        check(
            versions,
            &[("docs/formats/log.md", "Current version: 1\n"), CODE],
            &["docs/formats/log.md:1: version 1, but `crates/log/src/frame.rs` writes 2"],
        );
    }

    #[test]
    fn a_page_that_cannot_be_compared_is_found() {
        check(
            versions,
            &[("docs/formats/log.md", "Version two.\n"), CODE],
            &["docs/formats/log.md: the page has no line `Current version: N`"],
        );
        check(
            versions,
            &[("docs/formats/log.md", "Current version: 1\n")],
            &["docs/formats/log.md:1: `crates/log/` defines no `FORMAT_VERSION`"],
        );
        let what = "no constant is known for this format: add it to `xtask/src/tidy/formats.rs`";
        let expected = format!("docs/formats/moon.md: {what}");
        check(versions, &[("docs/formats/moon.md", "\n")], &[&expected]);
    }
}
