//! Saves state, position and outputs together, on a thread of its own.
//!
//! Analysis hands over a whole unit and goes on; the disk is waited for here. One unit may wait
//! while another is written: then analysis keeps collecting, and waits only when it holds as much
//! as it may.

use std::sync::Arc;
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel,
};
use std::thread::JoinHandle;
use std::time::Duration;

use stock_up_core::Point;
use stock_up_io::checkpoint::SharedCheckpoint;
use stock_up_io::clock::Stopwatch;
use stock_up_io::store::{Commit, Gap, NewPoint, Progress, RetentionPolicy, Store, StoreError};

use super::held::Held;
use super::input::Saved;
use super::recent::Recent;
use super::share::Sharer;
use crate::telemetry::Telemetry;

/// Distance between tries to save on a device that is full.
const RETRY_FULL: Duration = Duration::from_secs(1);

/// How often it is looked whether another analyzer has taken over.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Steps of maintenance after a unit: more than the points of a unit need that every symbol of a
/// large watch list emits, and few enough to leave the processor to others.
const MAX_MAINTENANCE_STEPS: u32 = 16;

/// State and outputs up to one position of the log.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) position: u64,
    /// The log's time there; `None` before the first record.
    pub(crate) time: Option<i64>,
    pub(crate) state: Vec<u8>,
    pub(crate) points: Vec<Point>,
    pub(crate) gaps: Vec<Gap>,
    /// The number of the next point.
    pub(crate) next_emission: u64,
    /// The names of the symbols, by their number.
    pub(crate) names: Vec<Arc<str>>,
    /// Whom to tell that it is saved.
    pub(crate) saved: Option<Saved>,
}

/// Hands units to the thread that saves them.
#[derive(Debug)]
pub(crate) struct Saver {
    units: Option<SyncSender<Unit>>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

/// Why a unit was not taken.
#[derive(Debug)]
pub(crate) enum NotTaken {
    /// One is being written and one waits.
    Busy(Box<Unit>),
    /// The thread has ended with an error; [`Saver::finish`] gives it.
    Ended,
}

impl Saver {
    pub(crate) fn start(
        (store, sharer): (Store, Option<Sharer>),
        retention: RetentionPolicy,
        recent: Arc<Recent>,
        telemetry: Arc<Telemetry>,
    ) -> anyhow::Result<Self> {
        let (units, waiting) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("save".into())
            .spawn(move || {
                let tell = (&*recent, &*telemetry);
                save_all((store, sharer.as_ref()), &retention, tell, &waiting)?;
                sharer.map_or(Ok(()), Sharer::finish)
            })?;
        Ok(Self {
            units: Some(units),
            thread: Some(thread),
        })
    }

    /// Hands over a unit, unless one waits already.
    pub(crate) fn offer(&self, unit: Unit) -> Result<(), NotTaken> {
        let Some(units) = &self.units else {
            return Err(NotTaken::Ended);
        };
        units.try_send(unit).map_err(|refused| match refused {
            TrySendError::Full(unit) => NotTaken::Busy(Box::new(unit)),
            TrySendError::Disconnected(_) => NotTaken::Ended,
        })
    }

    /// Hands over a unit, waiting for its place.
    pub(crate) fn give(&self, unit: Unit) -> Result<(), NotTaken> {
        let Some(units) = &self.units else {
            return Err(NotTaken::Ended);
        };
        units.send(unit).map_err(|_| NotTaken::Ended)
    }

    /// Waits until everything is saved.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        self.units = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(ended)) => ended,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Ok(()),
        }
    }
}

fn save_all(
    (mut store, sharer): (Store, Option<&Sharer>),
    retention: &RetentionPolicy,
    (recent, telemetry): (&Recent, &Telemetry),
    waiting: &Receiver<Unit>,
) -> anyhow::Result<()> {
    let mut next = None;
    let mut held = sharer.map(Held::new);
    loop {
        let unit = match next
            .take()
            .map_or_else(|| waiting.recv_timeout(CHECK_EVERY), Ok)
        {
            Ok(unit) => unit,
            Err(RecvTimeoutError::Timeout) => {
                held.as_mut().map_or(Ok(()), |held| held.look(recent))?;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => {
                return held.map_or(Ok(()), |held| held.end(recent));
            }
        };
        let watch = Stopwatch::start();
        save_when_possible(&mut store, &unit, recent)?;
        recent.saved(unit.next_emission, &unit.gaps);
        if let Some(saved) = &unit.saved {
            saved.tell();
        }
        telemetry.store_write.observe(watch.elapsed().as_secs_f64());
        // Order matters: what others go on from is never ahead of what is saved here.
        if let Some(held) = &mut held {
            let checkpoint = SharedCheckpoint {
                position: unit.position,
                next_emission: unit.next_emission,
                state: unit.state,
            };
            held.take(checkpoint, recent)?;
        }
        if let Some(now) = unit.time {
            next = maintain(&mut store, now, retention, waiting)?;
        }
    }
}

/// Maintains the store in small steps until there is nothing to do or a unit comes, which is
/// returned.
fn maintain(
    store: &mut Store,
    now: i64,
    retention: &RetentionPolicy,
    waiting: &Receiver<Unit>,
) -> Result<Option<Unit>, StoreError> {
    for _ in 0..MAX_MAINTENANCE_STEPS {
        if !store.maintain(now, retention)?.more {
            break;
        }
        match waiting.try_recv() {
            Ok(unit) => return Ok(Some(unit)),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => break,
        }
    }
    Ok(None)
}

/// Saves a unit, waiting for room while the device is full: until then the log knows everything.
fn save_when_possible(store: &mut Store, unit: &Unit, recent: &Recent) -> anyhow::Result<()> {
    let mut told = false;
    loop {
        match save(store, unit, &recent.cursors()) {
            Err(error) if error.is_no_space() => {
                if !std::mem::replace(&mut told, true) {
                    tracing::error!(%error, "the store waits for room on its device");
                }
                std::thread::park_timeout(RETRY_FULL);
            }
            saved => return Ok(saved?),
        }
    }
}

fn save(store: &mut Store, unit: &Unit, cursors: &[(&str, u64)]) -> Result<(), StoreError> {
    let first = unit.next_emission - unit.points.len() as u64;
    let named = |(number, point): (u64, _)| {
        let point: &Point = point;
        let symbol = unit.names.get(point.symbol.0 as usize)?;
        Some(NewPoint {
            emission: number,
            symbol,
            point,
        })
    };
    let points: Vec<NewPoint<'_>> = (first..).zip(&unit.points).filter_map(named).collect();
    let (position, next_emission) = (unit.position, unit.next_emission);
    let progress = Progress {
        position,
        state: &unit.state,
        points: &points,
        next_emission,
    };
    store.commit(&Commit {
        gaps: &unit.gaps,
        progress: Some(progress),
        cursors,
    })
}
