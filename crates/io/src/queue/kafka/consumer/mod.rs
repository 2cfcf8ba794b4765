//! Reads messages of the topic: the side of the owner, without anything that blocks.
//!
//! The client itself lives on a thread ([`reader`]). Both sides are joined by two bounded
//! channels: commands there, events back. Dropping the consumer ends the thread, which then leaves
//! the group.

mod client;
mod group;
mod reader;

use std::fmt;
use std::thread::Thread;

use tokio::sync::{mpsc, oneshot};

use super::config::KafkaConfig;
use super::topic;
use super::watch::Watch;
use crate::queue::{Consumer, Event, Place, QueueError, Start};
use client::Role;
use reader::Reader;

/// Events on their way to the owner; with more, reading waits.
const EVENTS: usize = 256;

/// Commands on their way to the thread.
const COMMANDS: usize = 64;

/// What the owner asks of the thread.
#[derive(Debug)]
enum Command {
    Start {
        partition: u32,
        start: Start,
        done: oneshot::Sender<Result<(), QueueError>>,
    },
    Saved {
        partition: u32,
        place: Place,
    },
    Release {
        partition: u32,
    },
}

/// A connection that reads the topic.
pub struct KafkaConsumer {
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<Result<Event, QueueError>>,
    thread: Thread,
    watch: Watch,
    partitions: u32,
}

impl fmt::Debug for KafkaConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaConsumer")
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

impl KafkaConsumer {
    /// Joins the group, whose members share the partitions.
    ///
    /// # Errors
    /// As [`Consumer::next`].
    pub async fn group(config: &KafkaConfig) -> Result<Self, QueueError> {
        Self::connect(config, Role::Member).await
    }

    /// Reads every partition alone, for who follows everything by itself.
    ///
    /// # Errors
    /// As [`Consumer::next`].
    pub async fn whole(config: &KafkaConfig) -> Result<Self, QueueError> {
        Self::connect(config, Role::Alone).await
    }

    async fn connect(config: &KafkaConfig, role: Role) -> Result<Self, QueueError> {
        let partitions = topic::partitions(config).await?;
        let watch = Watch::new(config, config.password()?);
        let (commands, commanded) = mpsc::channel(COMMANDS);
        let (telling, events) = mpsc::channel(EVENTS);
        let reader = Reader::new(config, (role, partitions), &watch, telling, commanded)?;
        let thread = std::thread::Builder::new()
            .name("kafka-reader".to_owned())
            .spawn(move || reader.run())
            .map_err(|error| watch.lost(&format!("cannot start a thread: {error}")))?;
        Ok(Self {
            commands,
            events,
            thread: thread.thread().clone(),
            watch,
            partitions,
        })
    }

    /// How many partitions the topic has.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    fn ended(&self) -> QueueError {
        self.watch.lost("the consumer has ended")
    }

    /// Hands a command to the thread; if it has ended, its reason is among the events.
    async fn tell(&mut self, command: Command) -> Result<(), QueueError> {
        if self.commands.send(command).await.is_ok() {
            self.thread.unpark();
            return Ok(());
        }
        Err(self.reason())
    }

    /// Why the thread has ended, if it says so.
    fn reason(&mut self) -> QueueError {
        while let Ok(event) = self.events.try_recv() {
            if let Err(error) = event {
                return error;
            }
        }
        self.ended()
    }
}

impl Consumer for KafkaConsumer {
    async fn next(&mut self) -> Result<Event, QueueError> {
        let event = self.events.recv().await;
        // It may wait for room.
        self.thread.unpark();
        event.unwrap_or_else(|| Err(self.ended()))
    }

    async fn start(&mut self, partition: u32, start: Start) -> Result<(), QueueError> {
        let (done, started) = oneshot::channel();
        self.tell(Command::Start {
            partition,
            start,
            done,
        })
        .await?;
        match started.await {
            Ok(started) => started,
            Err(_) => Err(self.reason()),
        }
    }

    async fn saved(&mut self, partition: u32, place: Place) -> Result<(), QueueError> {
        self.tell(Command::Saved { partition, place }).await
    }

    async fn release(&mut self, partition: u32) -> Result<(), QueueError> {
        self.tell(Command::Release { partition }).await
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        self.events.close();
        self.thread.unpark();
    }
}
