//! The queue between `collect` and `analyze`, when they are processes of their own.
//!
//! ```text
//! spool ──▶ publisher ──Outgoing──▶ Producer ══ broker ══ Consumer ──Event──▶ analyzers
//! ```
//!
//! What is nothing lost and nothing counted twice does not rest on the broker.
//! Every message carries the source and the sequence numbers of its records ([`message`]): the
//! analyzer applies the next number, drops lower ones and stops at a hole. So a producer may send
//! a message again after any doubt, and a broker may deliver it again.
//!
//! An adapter knows no back-off and never reconnects by itself: it ends with an error, and its
//! owner makes a new one, sends again from the last confirmed position, or reads again from the
//! last saved one.

mod error;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod memory;
pub mod message;
#[cfg(feature = "rabbitmq")]
pub mod rabbitmq;

pub use error::QueueError;

/// A position in a partition of a broker: the offset of the next message to be read.
///
/// A broker without positions (a plain queue) counts the deliveries of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u64);

/// A message on its way to the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it belongs, below [`Producer::partitions`].
    pub partition: u32,
    /// Sequence number of its first record, in the partition; rising from message to message.
    pub first_seq: u64,
    /// Sequence number after its last record.
    pub end_seq: u64,
    /// The symbol of its trades, when it is one alone.
    pub key: Option<String>,
    /// The bytes of a [`message::Batch`].
    pub payload: Vec<u8>,
}

/// Puts messages into the queue.
pub trait Producer: Send {
    /// How many partitions the queue has. It was 1 or more at the start and does not change.
    fn partitions(&self) -> u32;

    /// Puts all of `messages` into the queue, in their order within each partition.
    ///
    /// Returns when the broker has confirmed every one of them, as firmly as it can.
    ///
    /// # Errors
    /// After any error nothing is known of these messages, and this producer is not to be used
    /// again: make a new one and send them again.
    fn publish(
        &mut self,
        messages: &[Outgoing],
    ) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// What a consumer has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The partition is ours from now on: say where to begin, by [`Consumer::start`].
    Assigned(u32),
    /// The partition goes to somebody else, who waits: save its state, then say
    /// [`Consumer::release`]. No more of it is delivered.
    Revoked(u32),
    /// The next message of a partition that was started.
    Message(Incoming),
}

/// A message from the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Where it was.
    pub partition: u32,
    /// The position after it.
    pub next: Place,
    /// What should be the bytes of a [`message::Batch`]; from outside, so it may be anything.
    pub payload: Vec<u8>,
}

/// Where to begin to read a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the oldest message that the broker still holds.
    Oldest,
    /// At a position from a saved state. If the broker holds it no more, this is
    /// [`QueueError::Overtaken`]; a broker without positions begins at the oldest it holds.
    At(Place),
}

/// Reads messages from the queue.
pub trait Consumer: Send {
    /// The next event. Cancelling the future loses nothing.
    ///
    /// # Errors
    /// This consumer is not to be used again: make a new one, which assigns its partitions anew.
    fn next(&mut self) -> impl Future<Output = Result<Event, QueueError>> + Send;

    /// Begins to read an assigned partition.
    ///
    /// # Errors
    /// As [`Consumer::next`].
    fn start(
        &mut self,
        partition: u32,
        start: Start,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Everything of the partition before `place` is in a saved state: the broker may forget it,
    /// as far as we are concerned.
    ///
    /// # Errors
    /// As [`Consumer::next`].
    fn saved(
        &mut self,
        partition: u32,
        place: Place,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// The state of a revoked partition is saved.
    ///
    /// # Errors
    /// As [`Consumer::next`].
    fn release(&mut self, partition: u32) -> impl Future<Output = Result<(), QueueError>> + Send;
}
