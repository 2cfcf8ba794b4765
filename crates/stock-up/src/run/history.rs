//! What role serve reads on request: the store, what is not in it yet, and the trades of the log.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use anyhow::Context;
use stock_up_core::record::codec;
use stock_up_core::{Span, TradeBatch};
use stock_up_io::store::{Gap, ReaderPool};
use stock_up_log::Log;

use crate::analyze::Recent;
use crate::hub::{Hub, Row};
use crate::serve::{
    GapQuery, History, SeriesPage, SeriesQuery, TradeRow, TradeSource, TradesPage, TradesQuery,
};

/// The stored series and gaps, up to the newest point.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) readers: ReaderPool,
    pub(crate) recent: Arc<Recent>,
}

impl History for Stored {
    fn series(&self, query: &SeriesQuery) -> anyhow::Result<SeriesPage> {
        let SeriesQuery {
            symbol,
            window,
            from,
            to,
            step,
            limit,
        } = query;
        // Order matters: what is saved between the two reads is found twice, and never missed.
        let recent = self.recent.select(|row| {
            let is_within = (*from..=*to).contains(&row.point.time);
            *row.symbol == **symbol && row.point.window == *window && is_within
        });
        let stored = self.readers.series(query)?;
        let mut rows: BTreeMap<i64, Row> = BTreeMap::new();
        for row in stored.rows {
            rows.insert(bucket(row.point.time, *step), row);
        }
        for row in recent {
            let place = bucket(row.point.time, *step);
            match rows.get_mut(&place) {
                Some(held) if held.point.time <= row.point.time => *held = thinned(held, &row),
                Some(_) => {}
                None => drop(rows.insert(place, Row::clone(&row))),
            }
        }
        let surplus = rows.len().saturating_sub(*limit);
        let truncated = stored.truncated || surplus > 0;
        Ok(SeriesPage {
            rows: rows.into_values().skip(surplus).collect(),
            truncated,
        })
    }

    fn gaps(&self, query: &GapQuery) -> anyhow::Result<Vec<Gap>> {
        // Order matters, as above.
        let recent = self.recent.gaps();
        let stored = self.readers.gaps(query)?;
        let mut gaps: BTreeMap<u64, Gap> = stored.into_iter().map(|gap| (gap.id, gap)).collect();
        for gap in recent {
            gaps.remove(&gap.id);
            if concerns(&gap, query) {
                gaps.insert(gap.id, gap);
            }
        }
        Ok(gaps.into_values().collect())
    }

    fn knows(&self, symbol: &str) -> anyhow::Result<bool> {
        self.readers.knows(symbol)
    }
}

/// Whether a gap is one of those asked for, as the store decides.
fn concerns(gap: &Gap, query: &GapQuery) -> bool {
    let ends_after = |from| gap.to.is_none_or(|to| to >= from);
    let symbol = query.symbol.as_ref();
    query.from.is_none_or(ends_after)
        && query.to.is_none_or(|to| gap.from <= to)
        && symbol.is_none_or(|symbol| gap.symbols.is_empty() || gap.symbols.contains(symbol))
}

/// The end of the step that a time belongs to, as the store thins.
fn bucket(time: i64, step: Span) -> i64 {
    let step = step.ns().max(1);
    time.saturating_add(step - 1).div_euclid(step)
}

/// The later of two points of one step, with the worse trust of both.
fn thinned(held: &Row, later: &Row) -> Row {
    let mut row = later.clone();
    if held.point.time != later.point.time {
        row.point.status = held.point.status.max(later.point.status);
        row.point.coverage = held.point.coverage.min(later.point.coverage);
    }
    row
}

/// How far back the first look for the newest trades goes: a minute.
const FIRST_LOOK_BACK: i64 = 60_000_000_000;

/// A look that went back so far found all that there is: two years.
const LAST_LOOK_BACK: i64 = 63_072_000_000_000_000;

/// No trades: the log is in another process.
#[derive(Debug)]
pub(super) struct NoTrades;

impl TradeSource for NoTrades {
    fn trades(&self, _query: &TradesQuery) -> anyhow::Result<TradesPage> {
        Ok(TradesPage::default())
    }
}

/// The trades of the log.
#[derive(Debug)]
pub(super) struct LogTrades {
    pub(super) log: Log,
    /// Knows the log's time.
    pub(super) hub: Hub,
}

impl TradeSource for LogTrades {
    /// Without a start, looks back step by step: the newest trades are near the end of the log.
    fn trades(&self, query: &TradesQuery) -> anyhow::Result<TradesPage> {
        if query.from.is_some() {
            return self.trades_since(query);
        }
        let Some(newest) = query.to.or(self.hub.time()) else {
            return Ok(TradesPage::default());
        };
        let mut back = FIRST_LOOK_BACK;
        loop {
            let from = newest.checked_sub(back);
            let page = self.trades_since(&TradesQuery {
                from,
                ..query.clone()
            })?;
            if page.truncated || page.trades.len() >= query.limit || back > LAST_LOOK_BACK {
                return Ok(page);
            }
            back *= 8;
        }
    }
}

impl LogTrades {
    fn trades_since(&self, query: &TradesQuery) -> anyhow::Result<TradesPage> {
        // The log's time is never behind that of its trades, so what is earlier cannot hold them.
        let mut reader = match query.from {
            Some(from) => self.log.reader_at_time(from)?,
            None => self.log.reader(self.log.first_seq())?,
        };
        let mut page = TradesPage::default();
        let mut newest = VecDeque::new();
        let mut batch = TradeBatch::default();
        while let Some(frame) = reader.next_frame()? {
            let seq = frame.seq;
            let read = codec::decode_into(frame.payload, &mut batch);
            if read
                .with_context(|| format!("record {seq} of the log"))?
                .is_none()
            {
                take(&batch, seq, query, &mut newest);
            }
            while newest.len() > query.limit {
                newest.pop_front();
                page.truncated = true;
            }
        }
        page.trades = newest.into();
        Ok(page)
    }
}

fn take(batch: &TradeBatch, seq: u64, query: &TradesQuery, found: &mut VecDeque<TradeRow>) {
    let Some(symbol) = batch.names.find(&query.symbol) else {
        return;
    };
    let (from, to) = (query.from.unwrap_or(i64::MIN), query.to.unwrap_or(i64::MAX));
    for (seq, trade) in (seq..).zip(&batch.trades) {
        if trade.symbol == symbol && (from..=to).contains(&trade.ts_event) {
            found.push_back(TradeRow {
                ts_event: trade.ts_event,
                ts_recv: batch.ts_recv,
                seq,
                price: trade.price,
                size: trade.size,
                conditions: batch.names.get(trade.conditions).to_owned(),
            });
        }
    }
}
