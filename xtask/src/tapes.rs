//! The gate of the tests over recorded trades.
//!
//! The recordings are large and not ours to publish, so they lie beside the checkout, not in it.
//! Tests find them through `STOCK_UP_TAPES`; without it they skip themselves loudly, and
//! `STOCK_UP_REQUIRE_TAPES=1` turns each such skip into a failure.

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::workspace;

/// Where the recordings are looked for when nobody says.
const BESIDE: &str = "../shared/data";

/// The folder of the recorded trades as an absolute path (tests start in their crate's folder), or
/// none.
pub(crate) fn locate() -> anyhow::Result<Option<PathBuf>> {
    let named = std::env::var_os("STOCK_UP_TAPES").filter(|value| !value.is_empty());
    let required = std::env::var("STOCK_UP_REQUIRE_TAPES").is_ok_and(|value| value == "1");
    choose(workspace::root(), named.as_deref().map(Path::new), required)
}

fn choose(root: &Path, named: Option<&Path>, required: bool) -> anyhow::Result<Option<PathBuf>> {
    if let Some(named) = named {
        return match root.join(named).canonicalize() {
            Ok(folder) if folder.is_dir() => Ok(Some(folder)),
            _ => bail!(
                "`STOCK_UP_TAPES` is `{}`, which is not a folder; unset it to skip those tests",
                named.display()
            ),
        };
    }
    match root.join(BESIDE).canonicalize() {
        Ok(folder) if folder.is_dir() => Ok(Some(folder)),
        _ if required => bail!(
            "`STOCK_UP_REQUIRE_TAPES` is set but there are no recorded trades in `{BESIDE}`; \
             set `STOCK_UP_TAPES` to their folder"
        ),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_is_a_skip_unless_it_was_asked_for() {
        let nowhere = Path::new("/nonexistent/checkout");
        assert!(choose(nowhere, None, false).expect("a skip").is_none());
        let required = choose(nowhere, None, true).expect_err("required");
        assert!(
            required.to_string().contains("STOCK_UP_REQUIRE_TAPES"),
            "{required}"
        );
        let named = choose(nowhere, Some(Path::new("x")), false).expect_err("named wrongly");
        assert!(
            named.to_string().contains("`x`, which is not a folder"),
            "{named}"
        );
    }

    #[test]
    fn a_named_folder_becomes_absolute() {
        let found = choose(workspace::root(), Some(Path::new("xtask")), true).expect("it exists");
        assert!(found.expect("found").is_absolute());
    }
}
