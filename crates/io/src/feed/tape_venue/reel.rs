//! Several tapes as one, in the order of time.

use stock_up_core::{Trade, TradeBatch};

use super::TapeVenueError;
use crate::tape::TapeReader;

/// What a millisecond is in ns.
const MILLISECOND: i64 = 1_000_000;

/// Tapes merged by time; equal times in the order of the tapes, and each tape in its own order.
#[derive(Debug)]
pub(super) struct Reel {
    tapes: Vec<Tape>,
    truncate_time: bool,
}

/// A tape, a batch of it read ahead.
#[derive(Debug)]
struct Tape {
    reader: TapeReader,
    batch: TradeBatch,
    at: usize,
}

/// The next trade, with its texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReelTrade<'a> {
    pub(super) symbol: &'a str,
    pub(super) conditions: &'a str,
    pub(super) trade: &'a Trade,
}

impl Reel {
    pub(super) fn new(
        readers: Vec<TapeReader>,
        truncate_time: bool,
    ) -> Result<Self, TapeVenueError> {
        let mut reel = Self {
            tapes: Vec::new(),
            truncate_time,
        };
        for reader in readers {
            let mut tape = Tape {
                reader,
                batch: TradeBatch::default(),
                at: 0,
            };
            if tape.refill()? {
                reel.tapes.push(tape);
            }
        }
        match reel.first()? {
            Some(_) => Ok(reel),
            None => Err(TapeVenueError::Empty),
        }
    }

    /// The next trade, if there is one.
    pub(super) fn first(&self) -> Result<Option<ReelTrade<'_>>, TapeVenueError> {
        let heads = self.tapes.iter().filter_map(Tape::head);
        let Some((tape, trade)) = heads.min_by_key(|(_, trade)| trade.ts_event) else {
            return Ok(None);
        };
        if !self.truncate_time && trade.ts_event % MILLISECOND != 0 {
            return Err(TapeVenueError::FineTime {
                file: tape.reader.name().to_owned(),
                line: tape.reader.line(),
                ts_event: trade.ts_event,
            });
        }
        Ok(Some(ReelTrade {
            symbol: tape.batch.names.get(trade.symbol),
            conditions: tape.batch.names.get(trade.conditions),
            trade,
        }))
    }

    /// Moves on behind the next trade.
    pub(super) fn advance(&mut self) -> Result<(), TapeVenueError> {
        let heads = self.tapes.iter().zip(0..);
        let heads = heads.filter_map(|(tape, index)| Some((index, tape.head()?.1.ts_event)));
        let Some((index, _)) = heads.min_by_key(|(_, time)| *time) else {
            return Ok(());
        };
        let tape: &mut Tape = &mut self.tapes[index];
        tape.at += 1;
        if tape.at == tape.batch.trades.len() && !tape.refill()? {
            self.tapes.remove(index);
        }
        Ok(())
    }
}

impl Tape {
    fn head(&self) -> Option<(&Self, &Trade)> {
        self.batch.trades.get(self.at).map(|trade| (self, trade))
    }

    /// Reads the next batch; false at the end.
    fn refill(&mut self) -> Result<bool, TapeVenueError> {
        self.at = 0;
        Ok(self.reader.next_batch(&mut self.batch)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tape(rows: &str) -> TapeReader {
        let text = format!("timestamp_ns,symbol,price,size\n{rows}");
        TapeReader::from_bytes("test", std::io::Cursor::new(text)).unwrap()
    }

    fn order(mut reel: Reel) -> String {
        let mut order = String::new();
        while let Some(next) = reel.first().unwrap() {
            order.push_str(next.symbol);
            reel.advance().unwrap();
        }
        order
    }

    #[test]
    fn tapes_are_merged_by_time_and_keep_their_order() {
        let one = "1000000,A,1,1\n3000000,B,1,1\n2000000,C,1,1\n";
        let two = "1000000,D,1,1\n2000000,E,1,1\n9000000,F,1,1\n";
        let reel = Reel::new(vec![tape(one), tape(""), tape(two)], false).unwrap();
        assert_eq!(order(reel), "ADEBCF");
    }

    #[test]
    fn times_that_do_not_fit_are_refused_or_cut() {
        let fine = "1000001,A,1,1\n";
        let error = Reel::new(vec![tape(fine)], false).expect_err("fine time");
        assert!(
            error.to_string().contains("time 1000001 has a part below"),
            "{error}"
        );
        assert_eq!(order(Reel::new(vec![tape(fine)], true).unwrap()), "A");
        let empty = Reel::new(vec![tape("")], false).expect_err("no trade");
        assert_eq!(empty.to_string(), "the tapes hold no trade");
    }
}
