//! Records of the log as messages: what is sent and confirmed together.

use stock_up_core::Record;
use stock_up_core::partition::Piece;
use stock_up_io::queue::Outgoing;
use stock_up_io::queue::message::{self, Header};

/// A message is closed at about so many bytes: brokers take at least a megabyte.
const MESSAGE_BYTES: usize = 256 << 10;

/// A group is closed at about so many bytes; it is held until it is confirmed.
pub(super) const GROUP_BYTES: usize = 2 << 20;

/// About what a trade takes in a message.
const TRADE_BYTES: usize = 16;

/// About what any other record takes, and what a message takes besides.
const OTHER_BYTES: usize = 64;

/// Messages that are being filled, one for each partition.
#[derive(Debug)]
pub(super) struct Group {
    source: [u8; 16],
    open: Vec<Filling>,
    closed: Vec<Outgoing>,
    bytes: usize,
}

/// A message that is being filled.
#[derive(Debug, Default)]
struct Filling {
    first_seq: u64,
    next_seq: u64,
    records: Vec<Record>,
    bytes: usize,
}

impl Group {
    pub(super) fn new(source: [u8; 16], partitions: u32) -> Self {
        Self {
            source,
            open: (0..partitions).map(|_| Filling::default()).collect(),
            closed: Vec::new(),
            bytes: 0,
        }
    }

    /// Adds records of partitions, in order.
    pub(super) fn add(&mut self, pieces: impl Iterator<Item = Piece>) {
        for piece in pieces {
            let Some(filling) = self.open.get_mut(piece.partition as usize) else {
                continue;
            };
            if filling.records.is_empty() {
                filling.first_seq = piece.first_seq;
            }
            filling.next_seq = piece.first_seq + u64::from(piece.record.count());
            let bytes = match &piece.record {
                Record::Trades(batch) => OTHER_BYTES + TRADE_BYTES * batch.trades.len(),
                _ => OTHER_BYTES,
            };
            filling.records.push(piece.record);
            filling.bytes += bytes;
            self.bytes += bytes;
            if filling.bytes >= MESSAGE_BYTES {
                self.close(piece.partition);
            }
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= GROUP_BYTES
    }

    /// All messages; the group is empty again.
    pub(super) fn take(&mut self) -> Vec<Outgoing> {
        for partition in 0..u32::try_from(self.open.len()).unwrap_or_default() {
            self.close(partition);
        }
        self.bytes = 0;
        std::mem::take(&mut self.closed)
    }

    fn close(&mut self, partition: u32) {
        let partitions = u32::try_from(self.open.len()).unwrap_or_default();
        let Some(filling) = self.open.get_mut(partition as usize) else {
            return;
        };
        if filling.records.is_empty() {
            return;
        }
        let filled = std::mem::take(filling);
        let header = Header {
            source: self.source,
            partition,
            partitions,
            first_seq: filled.first_seq,
        };
        self.closed.push(Outgoing {
            partition,
            first_seq: filled.first_seq,
            end_seq: filled.next_seq,
            key: only_symbol(&filled.records),
            payload: message::encode(&header, &filled.records),
        });
    }
}

/// The symbol of all trades, if it is one alone.
fn only_symbol(records: &[Record]) -> Option<String> {
    let mut symbol: Option<&str> = None;
    for record in records {
        let Record::Trades(batch) = record else {
            continue;
        };
        for trade in &batch.trades {
            let name = batch.names.get(trade.symbol);
            if *symbol.get_or_insert(name) != name {
                return None;
            }
        }
    }
    symbol.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use stock_up_core::partition::Splitter;
    use stock_up_core::{Decimal, TradeBatch};

    use super::*;

    fn trades(symbols: &[&str]) -> Record {
        let mut batch = TradeBatch::default();
        for symbol in symbols {
            let one = Decimal::new(1, 0).expect("one is in range");
            batch.push(symbol, 5, (one, one), "");
        }
        Record::Trades(batch)
    }

    #[test]
    fn a_group_has_a_message_for_each_partition_that_has_something_to_say() {
        let mut splitter = Splitter::new(4);
        let mut group = Group::new([7; 16], 4);
        let mut pieces = Vec::new();
        splitter.split(&trades(&["SPY", "SPY"]), &mut pieces);
        group.add(pieces.drain(..));
        let messages = group.take();
        let with_key: Vec<_> = messages.iter().filter_map(|m| m.key.as_deref()).collect();
        assert_eq!(with_key, ["SPY"], "one message is of one symbol");
        assert_eq!(messages.len(), 4, "the others are told the time");
        for message in messages {
            let batch = message::decode(&message.payload).expect("it is one of ours");
            assert_eq!(batch.header.partition, message.partition);
            let count: u64 = batch.records.iter().map(|r| u64::from(r.count())).sum();
            assert_eq!(message.end_seq - message.first_seq, count);
        }
        assert!(group.take().is_empty());
    }

    #[test]
    fn a_message_does_not_grow_without_bound() {
        let mut splitter = Splitter::new(1);
        let mut group = Group::new([7; 16], 1);
        let batch = trades(&vec!["SPY"; 1_000]);
        let mut pieces = Vec::new();
        while !group.is_full() {
            splitter.split(&batch, &mut pieces);
            group.add(pieces.drain(..));
        }
        let messages = group.take();
        assert!(messages.len() > 4);
        assert!(messages.iter().all(|m| m.payload.len() < 2 * MESSAGE_BYTES));
        let follow = |pair: &[Outgoing]| pair[0].end_seq == pair[1].first_seq;
        assert!(messages.windows(2).all(follow), "without a hole");
    }
}
