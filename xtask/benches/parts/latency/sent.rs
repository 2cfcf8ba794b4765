//! Which frame went out when, and how a row names the newest frame in it.
//!
//! A price says the frame that it came with: its third and fourth decimal count the frames, modulo
//! a hundred. A row is far younger than a hundred frames, so the last frame with that number is
//! meant.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Frames until a number comes again.
const NUMBERS: usize = 100;

/// When each frame was given to the socket.
#[derive(Debug, Default)]
pub(crate) struct Sent(Mutex<Vec<Instant>>);

impl Sent {
    /// Notes that the next frame goes out now.
    pub(super) fn push(&self, now: Instant) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(now);
    }

    /// When the first frame after a moment went out.
    pub(crate) fn first_after(&self, moment: Instant) -> Option<Instant> {
        let frames = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        frames
            .get(frames.partition_point(|sent| *sent <= moment))
            .copied()
    }

    /// When the newest frame went out that has this price, seen at `now`.
    pub(super) fn of(&self, price: &str, now: Instant) -> Option<Instant> {
        let frames = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = number_of(price)?;
        let known = frames.partition_point(|sent| *sent <= now);
        let last = known.checked_sub(1)?;
        let back = (last + NUMBERS - number) % NUMBERS;
        frames.get(last.checked_sub(back)?).copied()
    }
}

/// The part of a price that names frame `frame`, in hundredths of a cent.
pub(super) fn mark(frame: usize) -> usize {
    frame % NUMBERS
}

/// The frame's number in a price, whose trailing zeros are left out.
fn number_of(price: &str) -> Option<usize> {
    let decimals = price.split_once('.').map_or("", |(_, decimals)| decimals);
    format!("{decimals:0<4}").get(2..4)?.parse().ok()
}
