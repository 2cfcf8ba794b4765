//! Where analysis gets its records: the log beside it, or one partition of a queue.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::Context;
use stock_up_core::record::codec;
use stock_up_core::{Record, TradeBatch};
use stock_up_io::queue::Place;
use stock_up_log::{Error, Log, Reader, Retention};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;

use super::LogRetention;
use crate::follow::Origin;

/// The records that come next.
#[derive(Debug)]
pub(crate) enum Input {
    /// The log on this machine.
    Log {
        log: Log,
        reader: Reader,
        retention: LogRetention,
    },
    /// A partition of a queue.
    Queue(Partition),
}

/// A record and its first number.
pub(super) struct Next {
    pub(super) seq: u64,
    /// `None`: trades, in the batch that was lent.
    pub(super) record: Option<Record>,
}

impl Input {
    /// The log from `position` on.
    ///
    /// # Errors
    /// If the log does not hold it any more.
    pub(crate) fn log(log: Log, position: u64, retention: LogRetention) -> Result<Self, Error> {
        let reader = log.reader(position)?;
        Ok(Self::Log {
            log,
            reader,
            retention,
        })
    }

    /// The next record, if there is one now.
    pub(super) fn next(&mut self, batch: &mut TradeBatch) -> anyhow::Result<Option<Next>> {
        match self {
            Self::Log { reader, .. } => {
                let Some(frame) = reader.next_frame()? else {
                    return Ok(None);
                };
                let seq = frame.seq;
                let record = codec::decode_into(frame.payload, batch)
                    .with_context(|| format!("record {seq} of the log"))?;
                Ok(Some(Next { seq, record }))
            }
            Self::Queue(partition) => Ok(partition.next(batch)),
        }
    }

    /// Waits a little for more after `position`.
    pub(super) fn wait(&self, position: u64, longest: Duration) -> anyhow::Result<()> {
        match self {
            Self::Log { log, .. } => match log.wait_for(position, longest) {
                Ok(_) => Ok(()),
                // Nobody writes for now: `collect` ends, or waits for room on the device.
                Err(Error::Closed | Error::NoSpace(_)) => {
                    std::thread::park_timeout(longest);
                    Ok(())
                }
                Err(error) => Err(error.into()),
            },
            // Whoever delivers wakes us.
            Self::Queue(_) => {
                std::thread::park_timeout(longest);
                Ok(())
            }
        }
    }

    /// The durable end of the log, where it is here.
    pub(super) fn durable_end(&self) -> Option<u64> {
        match self {
            Self::Log { log, .. } => Some(log.durable_end()),
            Self::Queue(_) => None,
        }
    }

    /// How many records are known to wait after `position`.
    pub(super) fn lag(&self, position: u64) -> u64 {
        match self {
            Self::Log { log, .. } => log.durable_end().saturating_sub(position),
            Self::Queue(partition) => partition.end.saturating_sub(position),
        }
    }

    /// Size of the log, where it is ours.
    pub(super) fn log_bytes(&self) -> Option<u64> {
        match self {
            Self::Log { log, .. } => Some(log.bytes()),
            Self::Queue(_) => None,
        }
    }

    /// Lets go of what is not needed any more.
    pub(super) fn retain(&self, now: Option<i64>) -> Result<(), Error> {
        let Self::Log { log, retention, .. } = self else {
            return Ok(());
        };
        let LogRetention { max_bytes, max_age } = *retention;
        let min_time = now.zip(max_age).map(|(now, age)| now.saturating_sub(age));
        match log.retain(&Retention {
            max_bytes,
            min_time,
        }) {
            // A log that cannot write for now is tidied up later.
            Ok(_) | Err(Error::Closed | Error::NoSpace(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether saving is due because the queue gives no more until it hears what is saved.
    pub(super) fn awaits_saving(&self) -> bool {
        match self {
            Self::Log { .. } => false,
            Self::Queue(partition) => partition
                .most_unsaved
                .is_some_and(|most| partition.unsaved >= most),
        }
    }

    /// What a saved state says of its input, before the analyzer's own bytes.
    pub(super) fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Log { .. } => None,
            Self::Queue(partition) => Some(&partition.origin),
        }
    }

    /// Whom to tell how far a partition was read, once that is saved. The messages that wait for it
    /// are counted anew: if saving is busy, it is tried again after as many.
    pub(super) fn begin_saving(&mut self) -> Option<Saved> {
        match self {
            Self::Log { .. } => None,
            Self::Queue(partition) => {
                partition.unsaved = 0;
                Some(Saved {
                    done: partition.done,
                    tell: partition.saved.clone(),
                })
            }
        }
    }
}

/// A message of a partition, read and checked.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) first_seq: u64,
    pub(crate) records: Vec<Record>,
    /// Where the queue goes on after it.
    pub(crate) done: Done,
}

/// How far a partition was read, for the consumer that delivered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) partition: u32,
    /// Which consumer: places of an earlier one mean nothing to a later one.
    pub(crate) consumer: u64,
    pub(crate) place: Place,
}

/// Tells the consumer of a queue what it need not deliver again.
#[derive(Debug)]
pub(crate) struct Saved {
    done: Done,
    tell: mpsc::Sender<Done>,
}

impl Saved {
    pub(super) fn tell(&self) {
        // Without room for it, the next one says it as well.
        self.tell.try_send(self.done).unwrap_or(());
    }
}

/// The messages of one partition, as they are delivered.
#[derive(Debug)]
pub(crate) struct Partition {
    deliveries: mpsc::Receiver<Delivery>,
    /// What is left of the message at hand.
    records: VecDeque<Record>,
    next_seq: u64,
    /// The number after the last record that was delivered.
    end: u64,
    /// Every record before this was handed out.
    done: Done,
    /// The same once the message at hand is used up.
    then: Done,
    origin: Origin,
    saved: mpsc::Sender<Done>,
    /// Messages since saving was last tried.
    unsaved: u32,
    /// So many are reason enough to save.
    most_unsaved: Option<u32>,
}

impl Partition {
    pub(crate) fn new(
        origin: Origin,
        deliveries: mpsc::Receiver<Delivery>,
        saved: mpsc::Sender<Done>,
        most_unsaved: Option<u32>,
    ) -> Self {
        let done = Done {
            partition: origin.partition,
            consumer: 0,
            place: origin.place,
        };
        Self {
            saved,
            deliveries,
            records: VecDeque::new(),
            next_seq: 0,
            end: 0,
            done,
            then: done,
            origin,
            unsaved: 0,
            most_unsaved,
        }
    }

    fn next(&mut self, batch: &mut TradeBatch) -> Option<Next> {
        if self.records.is_empty() {
            let delivery = match self.deliveries.try_recv() {
                Ok(delivery) => delivery,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return None,
            };
            self.next_seq = delivery.first_seq;
            self.records = delivery.records.into();
            self.then = delivery.done;
            self.unsaved += 1;
            let count: u64 = self.records.iter().map(|r| u64::from(r.count())).sum();
            self.end = self.end.max(delivery.first_seq + count);
        }
        let record = self.records.pop_front()?;
        let seq = self.next_seq;
        self.next_seq += u64::from(record.count());
        if self.records.is_empty() {
            self.done = self.then;
            self.origin.place = self.done.place;
        }
        if let Record::Feed(change) = &record {
            self.origin.feed.note(change);
        }
        let record = match record {
            Record::Trades(trades) => {
                *batch = trades;
                None
            }
            record => Some(record),
        };
        Some(Next { seq, record })
    }
}

#[cfg(test)]
mod tests {
    use stock_up_core::Tick;

    use super::*;
    use crate::follow::FeedNotes;

    const MESSAGES: u32 = 3;

    fn tick(first_seq: u64) -> Delivery {
        let record = Record::Tick(Tick { time: 5, heard: 5 });
        Delivery {
            first_seq,
            records: vec![record],
            done: Done {
                partition: 0,
                consumer: 1,
                place: Place(first_seq + 1),
            },
        }
    }

    #[test]
    fn a_queue_that_waits_for_acknowledgement_makes_saving_due_even_for_what_is_known() {
        let (deliver, deliveries) = mpsc::channel(10);
        let (saved, _told) = mpsc::channel(10);
        let origin = Origin {
            source: [7; 16],
            partition: 0,
            partitions: 1,
            place: Place(0),
            feed: FeedNotes::default(),
        };
        let partition = Partition::new(origin, deliveries, saved, Some(MESSAGES));
        let mut input = Input::Queue(partition);
        let mut batch = TradeBatch::default();
        let mut read = || {
            deliver.try_send(tick(0)).expect("there is room");
            let next = input.next(&mut batch).expect("it is sound");
            assert!(next.is_some());
            input.awaits_saving()
        };
        assert!(!read());
        assert!(!read());
        assert!(read(), "the third message");
        assert!(input.begin_saving().is_some());
        assert!(!input.awaits_saving(), "they are counted anew");
    }
}
