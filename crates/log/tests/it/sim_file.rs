//! A simulated file: what programs see, what is durable, and what a power loss makes of it.

use crate::rng::Rng;

#[derive(Debug, Default)]
pub(crate) struct FileState {
    /// What programs see.
    pub(crate) live: Vec<u8>,
    /// What is certain to survive.
    pub(crate) durable: Vec<u8>,
    /// What lies between the two.
    pub(crate) changes: Vec<Change>,
}

#[derive(Debug)]
pub(crate) enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl FileState {
    pub(crate) fn lose_power(&mut self, rng: &mut Rng) {
        let loss = Loss::draw(rng);
        let whole = self.live.len();
        for change in std::mem::take(&mut self.changes) {
            match change {
                Change::Truncate(_) if rng.one_in(2) => {}
                Change::Write(offset, bytes) => self.write_some(offset, &bytes, &loss, rng),
                Change::Truncate(size) => self.durable.truncate(size),
            }
        }
        if rng.one_in(2) && self.durable.len() < whole {
            self.durable.resize(whole, loss.filler);
        }
        self.live = self.durable.clone();
    }

    fn write_some(&mut self, offset: usize, bytes: &[u8], loss: &Loss, rng: &mut Rng) {
        for (from, piece) in pieces(offset, bytes, loss.unit) {
            if rng.below(10) < loss.survivors_in_ten {
                self.make_durable(Change::Write(from, piece.to_vec()), loss.filler);
            }
        }
    }

    /// Applies a change; what lies between the old end and the change becomes `filler`.
    pub(crate) fn make_durable(&mut self, change: Change, filler: u8) {
        match change {
            Change::Truncate(size) => self.durable.truncate(size),
            Change::Write(from, bytes) => {
                let end = self.durable.len().max(from + bytes.len());
                self.durable.resize(end, filler);
                self.durable[from..from + bytes.len()].copy_from_slice(&bytes);
            }
        }
    }

    /// A failed sync: some of it is written, all of it counts as written.
    pub(crate) fn fail_sync(&mut self, rng: &mut Rng) {
        let live = self.live.clone();
        self.lose_power(rng);
        self.live = live;
    }
}

/// How a file loses what was not synced.
#[derive(Debug)]
struct Loss {
    survivors_in_ten: u64,
    /// Bytes that survive or vanish together.
    unit: usize,
    /// What is read where nothing was written.
    filler: u8,
}

impl Loss {
    fn draw(rng: &mut Rng) -> Self {
        Loss {
            survivors_in_ten: 1 + rng.below(9),
            unit: if rng.one_in(3) {
                1 + rng.index(64)
            } else {
                512
            },
            filler: if rng.one_in(8) { rng.bytes(1)[0] } else { 0 },
        }
    }
}

/// Splits a write at multiples of `unit` in the file.
fn pieces(offset: usize, bytes: &[u8], unit: usize) -> Vec<(usize, &[u8])> {
    let mut pieces = Vec::new();
    let mut from = 0;
    while from < bytes.len() {
        let end = ((offset + from) / unit + 1) * unit - offset;
        let end = end.min(bytes.len());
        pieces.push((offset + from, &bytes[from..end]));
        from = end;
    }
    pieces
}
