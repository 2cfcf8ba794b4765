//! Playing the tape: trades that are due go into the frames of those who want them.

use tokio::time::Instant;

use super::TapeVenueError;
use super::client::ToClient;
use super::hub::Hub;
use super::pace::Speed;
use super::status::TapePhase;

/// Most trades that are played before requests and controls get their turn.
const TRADES_AT_ONCE: usize = 1_000;

impl Hub {
    /// When there is something to do for the tape; `None` while it waits or after its end.
    pub(super) fn next_moment(&self) -> Result<Option<Instant>, TapeVenueError> {
        Ok(match self.status.phase {
            TapePhase::Waiting | TapePhase::Ended => None,
            TapePhase::Settling => Some(self.settled_at),
            TapePhase::Playing => {
                let now = Instant::now();
                let next = self.reel.first()?;
                Some(next.map_or(now, |next| self.pace.due(next.trade.ts_event, now)))
            }
        })
    }

    /// Plays what is due by now.
    pub(super) fn play(&mut self) -> Result<(), TapeVenueError> {
        let now = Instant::now();
        if self.status.phase == TapePhase::Settling {
            self.status.phase = TapePhase::Playing;
            if let Some(next) = self.reel.first()? {
                self.pace.run(next.trade.ts_event, now);
            }
        }
        for _ in 0..TRADES_AT_ONCE {
            match self.reel.first()? {
                None => {
                    self.status.phase = TapePhase::Ended;
                    self.flush();
                    return Ok(());
                }
                Some(next) if self.pace.due(next.trade.ts_event, now) > now => {
                    self.flush();
                    return Ok(());
                }
                Some(_) => self.play_one()?,
            }
            // A fault may have sent everybody away.
            if self.status.phase != TapePhase::Playing {
                return Ok(());
            }
        }
        // At full speed there is always more to fill a frame with.
        if self.settings.speed != Speed::Max {
            self.flush();
        }
        Ok(())
    }

    fn play_one(&mut self) -> Result<(), TapeVenueError> {
        let Some(next) = self.reel.first()? else {
            return Ok(());
        };
        for seat in self.seats.values_mut() {
            if !seat.muted && seat.symbols.find(next.symbol).is_some() {
                seat.frame.push(&next);
                self.status.sent += 1;
            }
        }
        self.reel.advance()?;
        self.status.position += 1;
        for action in self.schedule.at(self.status.position) {
            self.act(action);
        }
        let full = self.settings.frame_trades.max(1);
        if self.seats.values().any(|seat| seat.frame.len() >= full) {
            self.send_frames(full);
        }
        Ok(())
    }

    /// Sends what the frames hold.
    pub(super) fn flush(&mut self) {
        self.send_frames(1);
    }

    /// Sends the frames that hold `least` trades or more.
    fn send_frames(&mut self, least: usize) {
        for seat in self.seats.values_mut() {
            if seat.frame.len() < least {
                continue;
            }
            let Some((frame, times)) = seat.frame.take() else {
                continue;
            };
            for _ in 0..times {
                self.row
                    .push_back((seat.to.clone(), ToClient::Frame(frame.clone())));
            }
        }
    }

    /// Publishes the status, if it has changed.
    pub(super) fn show(&mut self) {
        self.status.clients = self.seats.len();
        self.status.subscriptions = self.seats.values().map(|seat| seat.symbols.len()).sum();
        self.shown.send_if_modified(|shown| {
            let changed = *shown != self.status;
            if changed {
                shown.clone_from(&self.status);
            }
            changed
        });
    }
}
