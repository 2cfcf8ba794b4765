//! Publishing again: puts back the note of how far the log was published, while nobody publishes.

use anyhow::{Context, anyhow, bail};
use stock_up_core::Record;
use stock_up_core::TradeBatch;
use stock_up_core::partition::{Piece, Splitter};
use stock_up_core::record::codec;
use stock_up_log::Log;

use super::state::{Found, Published, StateFile};
use crate::collect::Known;

/// From where on a log is to be published again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// From the oldest record whose number the readers of the queue can follow.
    Oldest,
    /// From this record of the log.
    Record(u64),
    /// From the oldest record that the log holds, into a queue that is new for all who read it:
    /// their numbers begin anew.
    NewQueue,
}

/// What publishing does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Next {
    /// The first record that is published.
    pub(crate) from: u64,
    /// The first record that was not published before; none was, if it is `from`.
    pub(crate) before: u64,
}

/// Notes that `log` is to be published again. Whoever calls holds the lock of the log.
///
/// # Errors
/// If that cannot be done so that readers of the queue find every number that they wait for.
pub(crate) fn publish_again(file: &StateFile, log: &Log, from: From) -> anyhow::Result<Next> {
    let first = log.first_seq();
    let anew = |before| {
        file.remove()?;
        let from = first;
        Ok(Next { from, before })
    };
    let published = match file.find()? {
        Found::Nothing => {
            return Ok(Next {
                from: first,
                before: first,
            });
        }
        Found::Damaged(_) if from == From::NewQueue || (from == From::Oldest && first == 0) => {
            return anew(log.durable_end());
        }
        Found::Damaged(error) => return Err(error),
        Found::Published(published) => published,
    };
    let before = published.position;
    let wanted = match from {
        From::NewQueue => return anew(before),
        From::Oldest => first,
        From::Record(wanted) => wanted,
    };
    if wanted < first {
        bail!("record {wanted} was removed from the log, which begins at record {first}");
    }
    if wanted > before {
        bail!("record {wanted} was not published yet, only what is before record {before}");
    }
    if wanted == published.base {
        return anew(before);
    }
    let from = first_of(log, wanted)?;
    file.save(&moved(*published, log, from)?)?;
    Ok(Next { from, before })
}

/// The first number of the record that holds `seq`.
fn first_of(log: &Log, seq: u64) -> anyhow::Result<u64> {
    let mut reader = log.reader(seq)?;
    Ok(reader.next_frame()?.map_or(seq, |frame| frame.seq))
}

/// What was published, put back to record `from`.
fn moved(published: Published, log: &Log, from: u64) -> anyhow::Result<Published> {
    let Published {
        base,
        splitter,
        known,
        ..
    } = published;
    let mut splitter = splitter.ok_or_else(|| anyhow!("it is not known how the log is split"))?;
    if splitter.partitions() == 1 {
        splitter.seek(from - base);
        let splitter = Some(splitter);
        return Ok(Published {
            position: from,
            base,
            known,
            splitter,
        });
    }
    if log.first_seq() > base {
        bail!(
            "the numbers of several partitions follow from the whole log, and its start was \
             removed; set up a new queue, give the analyzers empty data directories, and use \
             --new-queue"
        );
    }
    // As publishing itself came there.
    let mut splitter = Splitter::new(splitter.partitions());
    let mut known = Known::default();
    let mut reader = log.reader(base)?;
    let (mut batch, mut pieces) = (TradeBatch::default(), Vec::<Piece>::new());
    while let Some(frame) = reader.next_frame()?.filter(|frame| frame.seq < from) {
        let seq = frame.seq;
        let record: Option<Record> = codec::decode_into(frame.payload, &mut batch)
            .with_context(|| format!("record {seq} of the log"))?;
        pass(
            record.as_ref(),
            &batch,
            (&mut splitter, &mut known),
            &mut pieces,
        );
        pieces.clear();
    }
    let splitter = Some(splitter);
    Ok(Published {
        position: from,
        base,
        known,
        splitter,
    })
}

/// Follows the log by its next record: the trades of `batch` if it is `None`.
pub(super) fn pass(
    record: Option<&Record>,
    batch: &TradeBatch,
    (splitter, known): (&mut Splitter, &mut Known),
    pieces: &mut Vec<Piece>,
) {
    if let Some(record) = record {
        known.note(record);
        splitter.split(record, pieces);
    } else {
        let newest = batch.trades.iter().map(|trade| trade.ts_event).max();
        known.note_trades(batch.ts_recv, newest);
        splitter.split_trades(batch, pieces);
    }
}

#[cfg(test)]
mod tests {
    use stock_up_core::{Decimal, FeedChange, FeedEvent};
    use stock_up_log::Options;

    use super::*;

    fn batch(at: i64) -> Record {
        let mut batch = TradeBatch::default();
        let one = Decimal::new(1, 0).expect("one is in range");
        for symbol in ["SPY", "IBM", "BAC"] {
            batch.push(symbol, at, (one, one), "");
        }
        Record::Trades(batch)
    }

    /// A log of a few records, published to its end in `partitions`.
    fn published(partitions: u32) -> (tempfile::TempDir, Log, StateFile, Vec<u64>) {
        let dir = tempfile::tempdir().expect("a folder");
        let options = Options::new([7; 16]);
        let (log, mut writer) = Log::open(dir.path().join("log"), options).expect("a log");
        let file = StateFile::of(dir.path());
        let mut state = file.load(0).expect("nothing is kept yet");
        let mut splitter = Splitter::new(partitions);
        let (mut seqs, mut pieces) = (Vec::new(), Vec::new());
        let subscribed = FeedEvent::Subscribed(vec!["SPY".into()]);
        let feed = Record::Feed(FeedChange {
            at: 5,
            ts_recv: 5,
            event: subscribed,
        });
        for record in [feed, batch(10), batch(20), batch(2_000_000_000)] {
            seqs.push(state.position);
            let mut bytes = Vec::new();
            codec::encode(&record, &mut bytes);
            writer
                .append(5, record.count(), &bytes)
                .expect("it is written");
            state.known.note(&record);
            splitter.split(&record, &mut pieces);
            state.position += u64::from(record.count());
        }
        writer.commit().expect("it is durable");
        state.splitter = Some(splitter);
        file.save(&state).expect("it is kept");
        (dir, log, file, seqs)
    }

    #[test]
    fn all_is_published_again_as_if_it_never_had_been() {
        let (_dir, log, file, _) = published(3);
        let end = log.durable_end();
        let next = publish_again(&file, &log, From::Oldest).expect("it can be");
        assert_eq!(
            next,
            Next {
                from: 0,
                before: end
            }
        );
        let state = file.load(0).expect("nothing is kept");
        assert_eq!((state.position, state.splitter), (0, None));
    }

    #[test]
    fn from_a_record_on_the_numbers_are_those_of_the_first_time() {
        for partitions in [1, 4] {
            let (_dir, log, file, seqs) = published(partitions);
            // A number in the middle of a record means that record.
            let wanted = From::Record(seqs[2] + 1);
            let next = publish_again(&file, &log, wanted).expect("it can be");
            assert_eq!(next.from, seqs[2]);
            let mut state = file.load(0).expect("it is kept");
            let mut again = state.splitter.take().expect("it is split");
            let mut whole = Splitter::new(partitions);
            let (mut first, mut second) = (Vec::new(), Vec::new());
            let subscribed = FeedEvent::Subscribed(vec!["SPY".into()]);
            let feed = Record::Feed(FeedChange {
                at: 5,
                ts_recv: 5,
                event: subscribed,
            });
            whole.split(&feed, &mut first);
            whole.split(&batch(10), &mut first);
            first.clear();
            whole.split(&batch(20), &mut first);
            again.split(&batch(20), &mut second);
            assert_eq!(first, second, "{partitions} partitions");
        }
    }

    #[test]
    fn what_cannot_be_published_again_is_refused() {
        let (_dir, log, file, _) = published(2);
        let end = log.durable_end();
        let beyond = publish_again(&file, &log, From::Record(end + 1));
        let told = beyond.expect_err("it is not there").to_string();
        assert!(told.contains("was not published yet"), "{told}");
        let next = publish_again(&file, &log, From::NewQueue).expect("it can be");
        assert_eq!(
            next,
            Next {
                from: 0,
                before: end
            }
        );
        let next = publish_again(&file, &log, From::Oldest).expect("nothing is left to do");
        assert_eq!(next, Next { from: 0, before: 0 });
    }
}
