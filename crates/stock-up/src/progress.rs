//! A bar on standard error for work that takes long; nothing in a pipe.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Times per second that the bar is drawn.
const DRAWS_PER_SECOND: u8 = 8;

const BYTES: &str = "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
const BYTES_WITHOUT_END: &str = "{spinner} {bytes}, {bytes_per_sec}";
const RECORDS: &str = "{bar:40} {human_pos} of {human_len} records, {eta} left";

/// Whether a bar may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bar {
    /// If standard error is a terminal.
    Allowed,
    /// Rows go to the same terminal, and a bar between them would spoil both.
    Hidden,
}

/// Shows how far long work has come; gone when dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

/// Tells a [`Progress`] how far it is, also from another thread.
#[derive(Debug, Clone)]
pub(crate) struct Meter(ProgressBar);

impl Progress {
    /// Work on `total` bytes, or on a stream whose end nobody knows.
    pub(crate) fn of_bytes(total: Option<u64>, bar: Bar) -> Self {
        let template = total.map_or(BYTES_WITHOUT_END, |_| BYTES);
        Self::new(total, template, bar)
    }

    /// Work on `total` records.
    pub(crate) fn of_records(total: u64, bar: Bar) -> Self {
        Self::new(Some(total), RECORDS, bar)
    }

    pub(crate) fn meter(&self) -> Meter {
        Meter(self.0.clone())
    }

    fn new(total: Option<u64>, template: &str, bar: Bar) -> Self {
        let bar = ProgressBar::with_draw_target(total, target(bar));
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.expect("the templates above are sound"));
        if total.is_none() {
            bar.enable_steady_tick(Duration::from_secs(1) / u32::from(DRAWS_PER_SECOND));
        }
        Self(bar)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Meter {
    /// So much is done.
    pub(crate) fn set(&self, done: u64) {
        self.0.set_position(done);
    }
}

fn target(bar: Bar) -> ProgressDrawTarget {
    if bar == Bar::Allowed && io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND)
    } else {
        ProgressDrawTarget::hidden()
    }
}
