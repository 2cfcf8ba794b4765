//! The page's tests in a real Chromium: against the mock, and against the real binary.
//!
//! The tests start the binary themselves, on free ports and in folders of their own, because some
//! of them kill it and start it again.

use crate::transcript::Transcript;
use crate::{setup, shell, web, workspace};

/// Builds what is tested and runs every page test there is.
pub(crate) fn test() -> anyhow::Result<Transcript> {
    let chromium = setup::chromium()?;
    web::install()?;
    web::build()?;
    let binary = workspace::build_for_tests()?;

    let mut tests = web::npm(&["run", "test:page"]);
    tests.env("STOCK_UP_BIN", binary);
    tests.env("STOCK_UP_CHROMIUM", chromium);
    shell::record(tests)
}
