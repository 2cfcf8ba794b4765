//! Part `stack`: collect and analyze as processes of their own, a real broker between them, a real
//! `InfluxDB` behind them, all on the same cores.
//!
//! - `rate`: a served tape as fast as it goes, until the database holds every point;
//! - `delay`: from the frame that lets a grid time pass to the database's answer;
//! - what both processes cost at 5,000 symbols.
//!
//! The servers are those of `cargo xtask services up`; without them the part is skipped.
//! `STOCK_UP_BENCH_TRANSPORT=stream` measures one transport alone.

mod delay;
mod rate;
mod relay;
mod roles;
mod transport;

use anyhow::ensure;

use crate::row::Row;
use transport::Transport;

pub(crate) fn run() -> anyhow::Result<Vec<Row>> {
    let Some(mut transports) = Transport::all()? else {
        return Ok(Vec::new());
    };
    if let Ok(wanted) = std::env::var("STOCK_UP_BENCH_TRANSPORT") {
        transports.retain(|transport| transport.name == wanted);
        ensure!(!transports.is_empty(), "`{wanted}` is no transport");
    }
    let mut rows = Vec::new();
    for transport in &transports {
        tell(rate::measure(transport)?, &mut rows);
    }
    for transport in &transports {
        for row in delay::measure(transport)? {
            tell(row, &mut rows);
        }
        tell(delay::processor(transport)?, &mut rows);
    }
    Ok(rows)
}

/// Shows a figure as soon as it is there: all of them take ten minutes.
fn tell(row: Row, rows: &mut Vec<Row>) {
    eprintln!("    {}: {}", row.name, row.ours);
    rows.push(row);
}
