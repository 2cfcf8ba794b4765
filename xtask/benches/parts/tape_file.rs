//! The market as a trade file.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use crate::tape::{Tape, name};

const BUFFER_BYTES: usize = 1 << 20;

/// Below this many shares a trade is an odd lot, which its conditions say.
const ROUND_LOT: u32 = 100;

/// Writes a tape of `trades` trades over `symbols` symbols.
pub(crate) fn write(path: &Path, symbols: u32, trades: usize) -> anyhow::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?);
    writeln!(out, "timestamp_ns,symbol,price,size,conditions")?;
    let names: Vec<String> = (0..symbols).map(name).collect();
    for print in Tape::new(symbols).take(trades) {
        writeln!(
            out,
            "{}000000,{},{}.{:02},{},{}",
            print.time_ms,
            names[print.symbol as usize],
            print.cents / 100,
            print.cents % 100,
            print.size,
            if print.size < ROUND_LOT { "I" } else { "" },
        )?;
    }
    Ok(out.flush()?)
}
