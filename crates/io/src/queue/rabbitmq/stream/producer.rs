//! Messages into a stream, each one once.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::timeout;

use super::answer::{Answer, sort};
use super::body;
use super::frame::{Command, Frame, Publish, publish_bytes};
use super::session::Session;
use super::wire::Reader;
use super::{create, producer_name};
use crate::form::duration;
use crate::queue::rabbitmq::config::RabbitmqConfig;
use crate::queue::{Outgoing, Producer, QueueError};

/// A connection has one publisher.
const PUBLISHER: u8 = 0;
/// Bytes and messages that may wait for their confirmation at a time: what the broker reads in one
/// go becomes one chunk, and every reader holds several chunks.
const IN_FLIGHT_BYTES: usize = 4 << 20;
const IN_FLIGHT_MESSAGES: usize = 1 << 10;

/// Puts messages into the stream.
///
/// The publishing id of a message is its `end_seq`: it rises strictly, and 0 stays free, for the
/// broker answers 0 when it has nothing of a producer. The broker drops, and confirms, ids that are
/// not above the last one. A message whose `end_seq` is not above it lies whole within what the
/// stream holds, also when the messages are cut otherwise after a restart; with `first_seq` as id a
/// longer message with an old beginning would be dropped, and its new end lost.
#[derive(Debug)]
pub struct StreamProducer {
    session: Session,
    stream: String,
    /// Without a name the broker keeps no ids for us.
    name: Option<String>,
    /// The last publishing id.
    last: u64,
    silence: Duration,
}

impl StreamProducer {
    /// Connects as the one producer of a source, and makes sure that the stream is there.
    ///
    /// `source` says whose sequence numbers they are. It must be a name that no other spool ever
    /// had, or the broker takes the records of one for those of the other.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn connect(config: &RabbitmqConfig, source: &str) -> Result<Self, QueueError> {
        let mut producer = Self::open(config, Some(producer_name(source, 0))).await?;
        producer.last = producer.stored().await?;
        Ok(producer)
    }

    /// Connects as somebody without a name, to send older messages again: the broker keeps them
    /// even if it had them before.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn connect_unnamed(config: &RabbitmqConfig) -> Result<Self, QueueError> {
        Self::open(config, None).await
    }

    async fn open(config: &RabbitmqConfig, name: Option<String>) -> Result<Self, QueueError> {
        let mut session = Session::open(config, "stock-up collect").await?;
        create(&mut session, config).await?;
        let declare = Command::DeclarePublisher {
            publisher: PUBLISHER,
            name: name.as_deref().unwrap_or_default(),
            stream: &config.queue,
        };
        session.demand(declare).await?;
        // An alarm stops the broker from reading anything of a producer.
        let silence = duration(config.blocked_timeout);
        session.be_patient(silence);
        Ok(Self {
            session,
            stream: config.queue.clone(),
            name,
            last: 0,
            silence,
        })
    }

    /// The sequence number after the last record that the stream has of this source; 0: none.
    ///
    /// Send from here on. When it is less than what was confirmed before, the broker has lost its
    /// end (a stream is not synced to disk). When it is more than the spool ever had, another
    /// spool has used this name.
    pub fn stored_until(&self) -> u64 {
        self.last
    }

    /// Asks the broker for the last id of our name.
    async fn stored(&mut self) -> Result<u64, QueueError> {
        let Some(name) = &self.name else {
            return Ok(self.last);
        };
        let stream = self.stream.as_str();
        let rest = self
            .session
            .demand(Command::QuerySequence { name, stream })
            .await?;
        let last = Reader::new(&rest, "sequence").u64();
        last.map_err(|error| self.session.lost(error.to_string()))
    }

    /// The id under which a message goes; none if the stream has it already.
    fn id(&self, message: &Outgoing) -> Option<u64> {
        match self.name {
            Some(_) => (message.end_seq > self.last).then_some(message.end_seq),
            None => Some(self.last + 1),
        }
    }

    /// Sends as much of `messages` as may be in flight; returns what is left and what was sent.
    async fn send<'a>(
        &mut self,
        mut messages: &'a [Outgoing],
    ) -> Result<(&'a [Outgoing], VecDeque<u64>), QueueError> {
        let mut in_flight = VecDeque::new();
        let mut bytes = 0;
        let mut frame = Publish::new(PUBLISHER);
        while let Some((message, rest)) = messages.split_first() {
            let size = publish_bytes(message.payload.len());
            if size > self.session.frame_max() {
                return Err(self.too_large(message.payload.len()));
            }
            if bytes + size > IN_FLIGHT_BYTES || in_flight.len() >= IN_FLIGHT_MESSAGES {
                break;
            }
            messages = rest;
            let Some(id) = self.id(message) else { continue };
            if frame.len() + size > self.session.frame_max() {
                let full = std::mem::replace(&mut frame, Publish::new(PUBLISHER));
                self.push(full).await?;
            }
            frame.add(id, |out| body::put(out, &message.payload));
            in_flight.push_back(id);
            bytes += size;
            self.last = id;
        }
        self.push(frame).await?;
        Ok((messages, in_flight))
    }

    async fn push(&mut self, frame: Publish) -> Result<(), QueueError> {
        if frame.is_empty() {
            return Ok(());
        }
        match timeout(self.silence, self.session.send(frame.finish())).await {
            Ok(sent) => sent,
            Err(_) => Err(self.session.held_up(self.silence)),
        }
    }

    async fn confirmed(&mut self, mut in_flight: VecDeque<u64>) -> Result<(), QueueError> {
        while !in_flight.is_empty() {
            let Ok(frame) = timeout(self.silence, self.session.next()).await else {
                return Err(self.session.held_up(self.silence));
            };
            match frame? {
                // Confirmations come in order, but for what is confirmed in one go.
                Frame::Confirm { ids } => ids.iter().for_each(|id| remove(&mut in_flight, *id)),
                Frame::PublishError { errors } => {
                    let code = errors.first().map_or(0, |(_, code)| *code);
                    return Err(match Answer::from(code) {
                        // It was there when we connected: it is created again by the next one.
                        Answer::NoStream => self.session.lost("the stream is gone"),
                        answer => sort(answer, self.session.broker()),
                    });
                }
                Frame::Moved { stream } if stream == self.stream => {
                    return Err(self
                        .session
                        .lost("the stream is gone, or its leader has changed"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Nobody else may have used our name meanwhile: of two with one name, each would have
    /// confirmed what the broker drops as the other's.
    async fn alone(&mut self) -> Result<(), QueueError> {
        let stored = self.stored().await?;
        if stored == self.last {
            return Ok(());
        }
        let name = self.name.as_deref().unwrap_or_default();
        Err(self.session.misconfigured(format!(
            "another producer writes as `{name}` (it is at {stored}, we are at {}); stop one of \
             the two",
            self.last
        )))
    }

    fn too_large(&self, bytes: usize) -> QueueError {
        self.session.misconfigured(format!(
            "a message of {bytes} bytes does not fit into a frame of {}; lower the bytes of a \
             batch, or raise `stream.frame_max` of the broker",
            self.session.frame_max()
        ))
    }
}

fn remove(in_flight: &mut VecDeque<u64>, id: u64) {
    if in_flight.front() == Some(&id) {
        in_flight.pop_front();
    } else if let Ok(at) = in_flight.binary_search(&id) {
        in_flight.remove(at);
    }
}

impl Producer for StreamProducer {
    fn partitions(&self) -> u32 {
        1
    }

    async fn publish(&mut self, mut messages: &[Outgoing]) -> Result<(), QueueError> {
        while !messages.is_empty() {
            let (left, in_flight) = self.send(messages).await?;
            messages = left;
            self.confirmed(in_flight).await?;
        }
        self.alone().await
    }
}
