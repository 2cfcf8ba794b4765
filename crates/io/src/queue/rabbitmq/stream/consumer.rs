//! Messages out of a stream, from any offset.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::alone::{self, Alone};
use super::chunk::Chunk;
use super::create;
use super::frame::{Command, Frame, From};
use super::session::Session;
use crate::form::duration;
use crate::queue::rabbitmq::config::RabbitmqConfig;
use crate::queue::{Consumer, Event, Incoming, Place, QueueError, Start};

/// The one partition of a stream.
const PARTITION: u32 = 0;
/// Chunks that the broker may send before we have used up the first of them.
const CREDIT_CHUNKS: u16 = 4;

/// Reads a stream.
///
/// The position is the offset, and it is saved by whoever saves the state; the broker's own
/// memory of positions is not used. Every consumer gets everything; of those that connect
/// [alone](Self::connect_alone) there is one at a time.
#[derive(Debug)]
pub struct StreamConsumer {
    session: Session,
    /// The right to analyze, where there is one only.
    alone: Option<Alone>,
    stream: String,
    stage: Stage,
    /// The last one that was asked for.
    subscription: u8,
    /// Read from the beginning, whatever its offset is; until the first message has come.
    oldest: bool,
    /// The next offset; a chunk may begin before it.
    position: u64,
    /// No chunk has come yet, and the first one has to be looked at.
    checking: bool,
    /// Where the last leap over offsets led that was found to leave out no message.
    looked_at: u64,
    ready: VecDeque<Incoming>,
    /// Chunks that are used up, for which the broker may send others.
    owed: u16,
    heard: Instant,
    silence: Duration,
}

/// How far a consumer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Assigned,
    /// A subscription has to be made, or made anew.
    Starting,
    Reading,
}

impl StreamConsumer {
    /// Connects as the one that analyzes the stream, and makes sure that the stream is there.
    ///
    /// Without the right to declare (`declare = false`) nobody keeps a second one away.
    ///
    /// # Errors
    /// [`QueueError`]; it is [`QueueError::Lost`] while another analyzer reads the stream.
    pub async fn connect_alone(config: &RabbitmqConfig) -> Result<Self, QueueError> {
        let alone = if config.declare {
            Some(Alone::claim(config).await?)
        } else {
            None
        };
        let mut consumer = Self::connect(config).await?;
        consumer.alone = alone;
        Ok(consumer)
    }

    /// Connects beside whoever else reads it, and makes sure that the stream is there.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn connect(config: &RabbitmqConfig) -> Result<Self, QueueError> {
        let mut session = Session::open(config, "stock-up analyze").await?;
        create(&mut session, config).await?;
        Ok(Self {
            session,
            alone: None,
            stream: config.queue.clone(),
            stage: Stage::New,
            subscription: 0,
            oldest: false,
            position: 0,
            checking: false,
            looked_at: 0,
            ready: VecDeque::new(),
            owed: 0,
            heard: Instant::now(),
            silence: duration(config.confirm_timeout),
        })
    }

    /// Makes a subscription at the position; ends the one before. When this is cancelled, the next
    /// call does it again.
    async fn subscribe(&mut self) -> Result<(), QueueError> {
        let subscription = self.subscription;
        // There may be none, which is as good.
        self.session
            .request(Command::Unsubscribe { subscription })
            .await?;
        self.subscription = subscription.wrapping_add(1);
        self.owed = 0;
        let from = if self.oldest || self.position == 0 {
            From::First
        } else {
            From::Offset(self.position - 1)
        };
        let subscribe = Command::Subscribe {
            subscription: self.subscription,
            stream: &self.stream,
            from,
            credit: CREDIT_CHUNKS,
        };
        self.session.demand(subscribe).await?;
        self.checking = !self.oldest;
        self.heard = Instant::now();
        self.stage = Stage::Reading;
        Ok(())
    }

    /// Tells the broker that it may send more. When this is cancelled, it was not told.
    async fn pay(&mut self) -> Result<(), QueueError> {
        if self.owed > 0 {
            let credit = Command::Credit {
                subscription: self.subscription,
                credit: self.owed,
            };
            self.session.send(credit.encode(0)).await?;
            self.owed = 0;
        }
        Ok(())
    }

    /// Takes in a chunk.
    fn take(&mut self, chunk: Chunk) -> Result<(), QueueError> {
        let position = self.position;
        if std::mem::take(&mut self.checking) {
            // If the message before the position, which was read once, is still there, then so is
            // everything after it. Offsets alone would not prove it, for the broker's notes in a
            // stream take offsets too.
            if chunk.first > position {
                return Err(QueueError::Overtaken {
                    broker: format!("{}, stream `{}`", self.session.broker(), self.stream),
                    partition: PARTITION,
                    wanted: position,
                    first: chunk.first,
                });
            }
            if position > 0 && chunk.end < position {
                // The stream is shorter than what we have read of it: it was made anew, or has
                // lost its end. What comes from its beginning we may have had; the sequence
                // numbers tell.
                (self.oldest, self.position, self.stage) = (true, 0, Stage::Starting);
                return Ok(());
            }
        } else if chunk.first > position && !self.oldest && self.looked_at != chunk.first {
            // Notes of the broker, or messages that it has removed under a slow reader, over which
            // it leaps without a word. So we look whether what we have read last is still there.
            (self.looked_at, self.stage) = (chunk.first, Stage::Starting);
            return Ok(());
        }
        let messages = (chunk.first..).zip(chunk.payloads);
        let wanted = messages.filter(|(offset, _)| *offset >= position);
        self.ready.extend(wanted.map(|(offset, payload)| Incoming {
            partition: PARTITION,
            next: Place(offset + 1),
            payload,
        }));
        (self.oldest, self.position) = (false, position.max(chunk.end));
        if self.ready.is_empty() {
            self.owed += 1;
        }
        Ok(())
    }

    /// Takes in a frame.
    fn hear(&mut self, frame: Frame) -> Result<(), QueueError> {
        match frame {
            Frame::Deliver {
                subscription,
                chunk,
            } if subscription == self.subscription => {
                self.heard = Instant::now();
                let chunk = Chunk::decode(&chunk);
                self.take(chunk.map_err(|error| self.session.misconfigured(error.to_string()))?)
            }
            Frame::Moved { stream } if stream == self.stream => {
                Err(self.session.lost("the stream is gone, or has moved"))
            }
            _ => Ok(()),
        }
    }
}

impl Consumer for StreamConsumer {
    async fn next(&mut self) -> Result<Event, QueueError> {
        if self.stage == Stage::New {
            self.stage = Stage::Assigned;
            return Ok(Event::Assigned(PARTITION));
        }
        loop {
            if self.stage == Stage::Starting {
                self.subscribe().await?;
            }
            if let Some(message) = self.ready.pop_front() {
                self.owed += u16::from(self.ready.is_empty());
                return Ok(Event::Message(message));
            }
            self.pay().await?;
            let deadline = self.heard + self.silence;
            let heard = tokio::select! {
                heard = timeout_at(deadline, self.session.next()) => heard,
                error = alone::lost(self.alone.as_mut()) => return Err(error),
            };
            if let Ok(frame) = heard {
                self.hear(frame?)?;
                continue;
            }
            // Nothing came for long. A reader whose segment is removed may be left waiting; asked
            // anew, the broker goes on, or we hear that we were overtaken.
            self.heard = Instant::now();
            if self.stage == Stage::Reading {
                self.stage = Stage::Starting;
            }
        }
    }

    async fn start(&mut self, _: u32, start: Start) -> Result<(), QueueError> {
        (self.oldest, self.position) = match start {
            Start::Oldest => (true, 0),
            Start::At(Place(offset)) => (false, offset),
        };
        self.stage = Stage::Starting;
        self.subscribe().await
    }

    /// The position is in the saved state; a stream forgets by its own size alone.
    async fn saved(&mut self, _: u32, _: Place) -> Result<(), QueueError> {
        Ok(())
    }

    /// Never asked for: a stream keeps its one partition.
    async fn release(&mut self, _: u32) -> Result<(), QueueError> {
        Ok(())
    }
}
