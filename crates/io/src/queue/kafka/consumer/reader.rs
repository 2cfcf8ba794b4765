//! The thread that reads: one loop that owns the client.
//!
//! Each turn it does what the owner asked, answers the group, hands on what waits, and only then
//! asks the client for more. So whatever is slow, the owner or the broker, commands are heard and
//! the group is answered.
//!
//! Invariant: of a partition that is not in `places`, nothing is delivered; of one that is,
//! nothing before its place.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::super::config::KafkaConfig;
use super::super::watch::Watch;
use super::Command;
use super::client::{At, Client, Complaint, Fetched, Places, Role};
use super::group::{Asked, Group};
use crate::clock::Stopwatch;
use crate::queue::{Event, Incoming, Place, QueueError, Start};

/// How long one turn waits for a message; a command waits no longer than this.
const TURN: Duration = Duration::from_millis(20);

/// How long the owner may be busy before the client is told to pause; it then throws away what it
/// has fetched ahead, so not at every moment.
const PAUSE_AFTER: Duration = Duration::from_secs(1);

/// How long an owner may take to save what it has to let go. The others wait for it.
const RELEASE_WITHIN: Duration = Duration::from_secs(30);

/// How long the client may give nothing before it is asked whether there is something.
const SILENT_FOR: Duration = Duration::from_secs(30);

/// Partitions are to be let go by the owner, and nothing goes on before.
#[derive(Debug)]
struct Leaving {
    partitions: BTreeSet<u32>,
    since: Stopwatch,
}

pub(super) struct Reader {
    client: Client,
    group: Group,
    watch: Watch,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Result<Event, QueueError>>,
    /// What the owner has not had room for.
    waiting: VecDeque<Event>,
    /// Since when it has had no room.
    full: Option<Stopwatch>,
    paused: bool,
    owned: BTreeSet<u32>,
    places: Places,
    /// The client does not know of all `places` yet.
    changed: bool,
    leaving: Option<Leaving>,
    /// Since the last message, or the last time that nothing was missing.
    silent: Stopwatch,
}

impl Reader {
    pub(super) fn new(
        config: &KafkaConfig,
        (role, partitions): (Role, u32),
        watch: &Watch,
        events: mpsc::Sender<Result<Event, QueueError>>,
        commands: mpsc::Receiver<Command>,
    ) -> Result<Self, QueueError> {
        let group = Group::new(watch);
        let mut reader = Self {
            client: Client::new(config, role, group.clone(), watch)?,
            group,
            watch: watch.clone(),
            commands,
            events,
            waiting: VecDeque::new(),
            full: None,
            paused: false,
            owned: BTreeSet::new(),
            places: Places::new(),
            changed: false,
            leaving: None,
            silent: Stopwatch::start(),
        };
        if role == Role::Alone {
            reader.take((0..partitions).collect())?;
        }
        Ok(reader)
    }

    /// Reads until the owner goes or something fails; says why.
    pub(super) fn run(mut self) {
        let error = self.read().err();
        // An owner that is gone need not know; one that is slow gets what waits first.
        let mut last = self.waiting.drain(..).map(Ok).chain(error.map(Err));
        drop(last.try_for_each(|event| self.events.blocking_send(event)));
        self.group.close();
        // Order matters: the owner hears of the end before the client ends, which may take long.
        drop((self.commands, self.events));
        drop(self.client);
    }

    fn read(&mut self) -> Result<(), QueueError> {
        while !self.events.is_closed() {
            self.obey()?;
            self.answer_group()?;
            self.hand_on()?;
            self.watch.verdict().map_or(Ok(()), Err)?;
            match self.full {
                // What is fetched ahead stays where it is while the owner is busy for a moment.
                Some(since) if !self.paused => self.wait_for_room(since)?,
                _ => self.poll()?,
            }
        }
        Ok(())
    }

    fn poll(&mut self) -> Result<(), QueueError> {
        match self.client.poll(TURN) {
            Some(Ok(fetched)) => {
                self.accept(fetched);
                Ok(())
            }
            Some(Err(Complaint::Ours(error))) => Err(error),
            Some(Err(Complaint::Theirs(error))) => self.weigh(&error),
            None => self.look_up(),
        }
    }

    fn wait_for_room(&mut self, since: Stopwatch) -> Result<(), QueueError> {
        std::thread::park_timeout(TURN);
        if since.elapsed() >= PAUSE_AFTER {
            self.paused = true;
            self.client.pause(&self.places)?;
        }
        Ok(())
    }

    /// Hands on what waits, as far as the owner has room.
    fn hand_on(&mut self) -> Result<(), QueueError> {
        while let Some(event) = self.waiting.pop_front() {
            match self.events.try_send(Ok(event)) {
                Ok(()) => {}
                Err(TrySendError::Full(Ok(event))) => {
                    self.waiting.push_front(event);
                    self.full.get_or_insert_with(Stopwatch::start);
                    return Ok(());
                }
                // The owner is gone; the loop sees it.
                Err(_) => return Ok(()),
            }
        }
        self.full = None;
        if std::mem::take(&mut self.paused) {
            self.silent = Stopwatch::start();
            self.client.resume(&self.places)?;
        }
        Ok(())
    }

    fn accept(&mut self, fetched: Fetched) {
        let Fetched {
            partition,
            offset,
            payload,
        } = fetched;
        match self.places.get_mut(&partition) {
            None => return,
            Some(At::Next(next)) if offset < *next => return,
            Some(at) => *at = At::Next(offset + 1),
        }
        self.silent = Stopwatch::start();
        self.waiting.push_back(Event::Message(Incoming {
            partition,
            next: Place(offset + 1),
            payload,
        }));
    }

    fn obey(&mut self) -> Result<(), QueueError> {
        while let Ok(command) = self.commands.try_recv() {
            self.follow(command)?;
        }
        if std::mem::take(&mut self.changed) {
            self.silent = Stopwatch::start();
            self.client.assign(&self.places)?;
        }
        Ok(())
    }

    fn follow(&mut self, command: Command) -> Result<(), QueueError> {
        let leaving = self.leaving.as_mut().map(|leaving| &mut leaving.partitions);
        match command {
            Command::Start {
                partition,
                start,
                done,
            } => {
                let started = self.start(partition, start);
                // An owner that no longer waits is going.
                drop(done.send(started.clone()));
                return started;
            }
            Command::Saved { partition, place } => {
                if leaving.unwrap_or(&mut self.owned).contains(&partition) {
                    self.client.commit(partition, place);
                }
            }
            Command::Release { partition } => {
                leaving.map(|partitions| partitions.remove(&partition));
            }
        }
        Ok(())
    }

    fn start(&mut self, partition: u32, start: Start) -> Result<(), QueueError> {
        // Taken away meanwhile: the event is on its way.
        if !self.owned.contains(&partition) {
            return Ok(());
        }
        let at = match start {
            Start::Oldest => At::First,
            Start::At(Place(wanted)) => {
                self.client.check(partition, wanted)?;
                At::Next(wanted)
            }
        };
        self.places.insert(partition, at);
        self.changed = true;
        Ok(())
    }

    fn answer_group(&mut self) -> Result<(), QueueError> {
        while let Some(asked) = self.group.asked() {
            match asked {
                Asked::Take(partitions) => self.take(partitions)?,
                // Others have them already: what is not saved now is theirs to compute.
                Asked::Let if self.client.is_robbed() => {
                    return Err(self.watch.lost("the group gave our partitions to others"));
                }
                Asked::Let => self.let_go(),
                Asked::Failed(reason) => return Err(self.watch.lost(&reason)),
            }
        }
        match &self.leaving {
            Some(leaving) if leaving.partitions.is_empty() => {
                self.leaving = None;
                self.client.unassign()
            }
            Some(leaving) if leaving.since.elapsed() >= RELEASE_WITHIN => {
                let reason = format!("partitions were not let go within {RELEASE_WITHIN:?}");
                Err(self.watch.lost(&reason))
            }
            _ => Ok(()),
        }
    }

    fn take(&mut self, partitions: Vec<u32>) -> Result<(), QueueError> {
        self.places.clear();
        self.owned = partitions.into_iter().collect();
        let assigned = self.owned.iter().copied().map(Event::Assigned);
        self.waiting.extend(assigned);
        // The group is answered at once; the partitions are added as they are started.
        self.client.assign(&self.places)
    }

    fn let_go(&mut self) {
        self.places.clear();
        self.changed = false;
        let partitions = std::mem::take(&mut self.owned);
        let revoked = partitions.iter().copied().map(Event::Revoked);
        self.waiting.extend(revoked);
        self.leaving = Some(Leaving {
            partitions,
            since: Stopwatch::start(),
        });
    }

    /// What librdkafka says is passed over where it mends it by itself.
    fn weigh(&self, error: &KafkaError) -> Result<(), QueueError> {
        use RDKafkaErrorCode as Code;
        match error.rdkafka_error_code() {
            // One broker of several; when it was the last one, the watch knows.
            Some(
                Code::BrokerTransportFailure
                | Code::Resolve
                | Code::OperationTimedOut
                | Code::RequestTimedOut
                | Code::AllBrokersDown,
            ) => Ok(()),
            Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => {
                self.check_places()?;
                Err(self.watch.judge(error))
            }
            _ => Err(self.watch.judge(error)),
        }
    }

    fn check_places(&self) -> Result<(), QueueError> {
        let places = self.places.iter();
        let known = places.filter_map(|(partition, at)| match at {
            At::First => None,
            At::Next(next) => Some((*partition, *next)),
        });
        for (partition, next) in known {
            self.client.check(partition, next)?;
        }
        Ok(())
    }

    /// librdkafka has fallen silent more than once with messages to give (rust-rdkafka's issues
    /// 638 and 848), so after a long silence the broker is asked whether there are any.
    fn look_up(&mut self) -> Result<(), QueueError> {
        if self.paused || self.silent.elapsed() < SILENT_FOR {
            return Ok(());
        }
        for (partition, at) in &self.places {
            let (first, end) = self.client.reach(*partition)?;
            let next = match at {
                At::First => first,
                At::Next(next) => *next,
            };
            if next < end {
                let reason = format!(
                    "partition {partition} has messages up to {end}, but none came after {next} \
                     for {SILENT_FOR:?}"
                );
                return Err(self.watch.lost(&reason));
            }
        }
        self.silent = Stopwatch::start();
        Ok(())
    }
}
