//! The hub: one task that owns the tape, the clients' subscriptions and the faults.
//!
//! What goes out waits in a row until its client has room, and the tape waits for the row to be
//! empty; meanwhile requests, controls and new connections are still served.

use std::collections::{BTreeMap, VecDeque};

use stock_up_core::Names;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::client::{Client, ToClient};
use super::fault::{Action, Refusal, Schedule};
use super::frame::{FrameBuilder, GARBAGE, error};
use super::gate::Gate;
use super::pace::{Pace, Speed};
use super::reel::Reel;
use super::status::{TapePhase, VenueStatus};
use super::{TapeVenueError, TapeVenueSettings};
use crate::feed::dial::Socket;
use crate::feed::stop::Stop;

/// Frames that may wait in a client's channel.
const CLIENT_FRAMES: usize = 64;
/// Connections at once; more are dropped.
const MAX_CLIENTS: usize = 64;

/// Numbers the connections, from 1.
pub(super) type ClientId = u64;

/// What a task returns that had no seat.
const NOBODY: ClientId = 0;

/// What reaches the hub.
pub(super) enum Event {
    /// A connection was let in.
    Joined {
        id: ClientId,
        token: String,
        socket: Box<Socket>,
    },
    Subscribe {
        id: ClientId,
        symbol: String,
    },
    Unsubscribe {
        id: ClientId,
        symbol: String,
    },
    /// Somebody holds a [`super::Control`].
    Act(Action),
}

/// A connection, as the hub sees it.
#[derive(Debug)]
pub(super) struct Seat {
    token: String,
    pub(super) symbols: Names,
    pub(super) muted: bool,
    pub(super) frame: FrameBuilder,
    pub(super) to: mpsc::Sender<ToClient>,
    task: AbortHandle,
}

/// The hub.
pub(super) struct Hub {
    pub(super) settings: TapeVenueSettings,
    pub(super) reel: Reel,
    pub(super) pace: Pace,
    pub(super) schedule: Schedule,
    pub(super) seats: BTreeMap<ClientId, Seat>,
    /// What waits for room at its client.
    pub(super) row: VecDeque<(mpsc::Sender<ToClient>, ToClient)>,
    pub(super) status: VenueStatus,
    pub(super) shown: watch::Sender<VenueStatus>,
    /// When requests have settled.
    pub(super) settled_at: Instant,
    refusals: VecDeque<Refusal>,
    cut: bool,
    events: mpsc::Sender<Event>,
    inbox: mpsc::Receiver<Event>,
    tasks: JoinSet<ClientId>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Hub {
    pub(super) fn new(
        reel: Reel,
        mut settings: TapeVenueSettings,
        (events, inbox): (mpsc::Sender<Event>, mpsc::Receiver<Event>),
        shown: watch::Sender<VenueStatus>,
    ) -> Self {
        let faults = std::mem::take(&mut settings.faults);
        Self {
            pace: Pace::new(settings.speed),
            schedule: Schedule::new(faults),
            reel,
            settings,
            seats: BTreeMap::new(),
            row: VecDeque::new(),
            status: VenueStatus::default(),
            shown,
            settled_at: Instant::now(),
            refusals: VecDeque::new(),
            cut: false,
            events,
            inbox,
            tasks: JoinSet::new(),
        }
    }

    pub(super) async fn run(
        mut self,
        listener: TcpListener,
        mut stop: Stop,
    ) -> Result<(), TapeVenueError> {
        for action in self.schedule.at_once() {
            self.act(action);
        }
        loop {
            self.show();
            let moment = self.next_moment()?;
            tokio::select! {
                biased;
                () = stop.told() => return Ok(()),
                Some(event) = self.inbox.recv() => self.event(event),
                Some(done) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    // A connection that was cut off has left its seat already.
                    if let Ok(id) = done {
                        self.leave(id);
                    }
                }
                accepted = listener.accept() => {
                    // A connection that is gone before it is taken needs nothing.
                    if let Ok((stream, _)) = accepted {
                        self.arrive(stream);
                    }
                }
                () = hand_out(&mut self.row), if !self.row.is_empty() => {}
                () = wait_until(moment), if self.row.is_empty() => self.play()?,
            }
        }
    }

    /// A connection to the gate.
    fn arrive(&mut self, stream: TcpStream) {
        self.status.tries += 1;
        if self.cut || self.tasks.len() >= MAX_CLIENTS {
            return;
        }
        let gate = Gate {
            token: self.settings.token.clone(),
            tls: self.settings.tls.clone(),
        };
        let id = self.status.tries;
        if let Some(refusal) = self.refusals.front_mut() {
            let answer = *refusal;
            refusal.times = refusal.times.saturating_sub(1);
            if refusal.times == 0 {
                self.refusals.pop_front();
            }
            self.tasks.spawn(async move {
                gate.refuse(stream, answer).await;
                id
            });
            return;
        }
        let events = self.events.clone();
        self.tasks.spawn(async move {
            if let Some((socket, token)) = gate.admit(stream).await {
                let socket = Box::new(socket);
                // The hub that is gone takes its connections along.
                drop(events.send(Event::Joined { id, token, socket }).await);
            }
            NOBODY
        });
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Joined { id, token, socket } => self.join(id, token, *socket),
            Event::Subscribe { id, symbol } => self.subscribe(id, &symbol),
            Event::Unsubscribe { id, symbol } => {
                if let Some(seat) = self.seats.get_mut(&id) {
                    seat.symbols = without(&seat.symbols, &symbol);
                }
            }
            Event::Act(action) => self.act(action),
        }
    }

    /// Seats a connection; a second one with the same token costs both their places.
    fn join(&mut self, id: ClientId, token: String, socket: Socket) {
        let twin = self.seats.iter().find(|(_, seat)| seat.token == token);
        if let Some(twin) = twin.map(|(id, _)| *id) {
            self.expel(twin);
            return;
        }
        if self.cut {
            return;
        }
        let (to, inbox) = mpsc::channel(CLIENT_FRAMES);
        let client = Client {
            id,
            socket,
            events: self.events.clone(),
            inbox,
            ping_every: self.settings.ping_every,
        };
        let task = self.tasks.spawn(async move {
            client.run().await;
            id
        });
        let seat = Seat {
            token,
            symbols: Names::new(),
            muted: false,
            frame: FrameBuilder::default(),
            to,
            task,
        };
        self.seats.insert(id, seat);
    }

    fn subscribe(&mut self, id: ClientId, symbol: &str) {
        let Some(seat) = self.seats.get_mut(&id) else {
            return;
        };
        if seat.symbols.find(symbol).is_none() && seat.symbols.len() >= self.settings.max_symbols {
            let complaint = error("Subscribing to too many symbols");
            self.row
                .push_back((seat.to.clone(), ToClient::Frame(complaint)));
            return;
        }
        seat.symbols.intern(symbol);
        if matches!(self.status.phase, TapePhase::Waiting | TapePhase::Settling) {
            self.status.phase = TapePhase::Settling;
            self.settled_at = Instant::now() + self.settings.settle;
        }
    }

    /// A connection has ended by itself.
    fn leave(&mut self, id: ClientId) {
        if self.seats.remove(&id).is_none() {
            return;
        }
        let waits = self.settings.hold || self.settings.speed == Speed::Max;
        let watched = self.seats.values().any(|seat| !seat.symbols.is_empty());
        if watched || self.status.phase == TapePhase::Ended {
            return;
        }
        if waits || self.status.phase == TapePhase::Settling {
            self.status.phase = TapePhase::Waiting;
            self.pace.hold();
        }
    }

    /// Ends a connection at once.
    fn expel(&mut self, id: ClientId) {
        if let Some(seat) = self.seats.get(&id) {
            seat.task.abort();
        }
        self.leave(id);
    }

    /// Does `action`, in order with what was handed out before.
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Drop => self.end_all(|| ToClient::Drop),
            Action::Reset => self.end_all(|| ToClient::Reset),
            Action::Close(code) => self.end_all(|| ToClient::Close(code)),
            Action::HalfOpen => self.half_open_all(),
            Action::Mute => self.seats.values_mut().for_each(|seat| seat.muted = true),
            Action::Repeat(times) => {
                self.seats
                    .values_mut()
                    .for_each(|seat| seat.frame.repeat = times);
            }
            Action::Reorder => {
                self.seats
                    .values_mut()
                    .for_each(|seat| seat.frame.reversed = true);
            }
            Action::Error(text) => self.send_all(&error(&text)),
            Action::Garbage => self.send_all(&GARBAGE),
            Action::Raw(text) => self.send_all(&text.into()),
            Action::Refuse(refusal) => self.refusals.push_back(refusal),
            Action::Cut => {
                self.cut = true;
                let all: Vec<ClientId> = self.seats.keys().copied().collect();
                for id in all {
                    self.expel(id);
                }
            }
            Action::Resume => {
                self.cut = false;
                self.refusals.clear();
                self.seats.values_mut().for_each(|seat| seat.muted = false);
            }
        }
    }

    fn send_all(&mut self, text: &tokio_tungstenite::tungstenite::Utf8Bytes) {
        self.flush();
        for seat in self.seats.values() {
            self.row
                .push_back((seat.to.clone(), ToClient::Frame(text.clone())));
        }
    }

    /// Ends all connections, each after what it was already given.
    fn end_all(&mut self, how: impl Fn() -> ToClient) {
        self.flush();
        let all: Vec<ClientId> = self.seats.keys().copied().collect();
        for id in all {
            if let Some(seat) = self.seats.get(&id) {
                self.row.push_back((seat.to.clone(), how()));
            }
            self.leave(id);
        }
    }

    /// The seats stay taken: to the venue these connections look alive.
    fn half_open_all(&mut self) {
        self.flush();
        for seat in self.seats.values_mut() {
            seat.muted = true;
            self.row.push_back((seat.to.clone(), ToClient::HalfOpen));
        }
    }
}

/// The same symbols but one.
fn without(symbols: &Names, symbol: &str) -> Names {
    let mut kept = Names::new();
    for known in symbols.iter().filter(|known| *known != symbol) {
        kept.intern(known);
    }
    kept
}

/// Waits for `moment`; for ever when there is none.
async fn wait_until(moment: Option<Instant>) {
    match moment {
        None => std::future::pending().await,
        // A timer has a grain of a millisecond, also for what is due already.
        Some(moment) if moment <= Instant::now() => {}
        Some(moment) => tokio::time::sleep_until(moment).await,
    }
}

/// Hands out the row as far as the clients have room. Safe to drop: what has no room stays.
async fn hand_out(row: &mut VecDeque<(mpsc::Sender<ToClient>, ToClient)>) {
    while let Some((to, _)) = row.front() {
        // A client that is gone needs nothing any more.
        let permit = to.clone().reserve_owned().await;
        let (Ok(permit), Some((_, told))) = (permit, row.pop_front()) else {
            continue;
        };
        permit.send(told);
    }
}
