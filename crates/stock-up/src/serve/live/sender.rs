//! The task that owns the clients of the live stream.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use stock_up_io::settings::{SettingsHandle, SettingsState};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::client::{Client, Filter, Sent};
use super::event::{Encoded, PipelineEvent, event, rows_head};
use super::pace::Pace;
use crate::hub::{Batch, Hub, Kind};
use crate::serve::answers::{FeedAnswer, FollowedAnswer, GapAnswer, SettingsAnswer, SymbolsAnswer};
use crate::telemetry::{Counts, Telemetry};

/// How often the rates of the program are sent.
const PIPELINE_EVERY: Duration = Duration::from_secs(1);

/// Sends what the hub has to every client.
pub(in crate::serve) struct Sender {
    pub(in crate::serve) hub: Hub,
    pub(in crate::serve) telemetry: Arc<Telemetry>,
    pub(in crate::serve) settings: SettingsHandle,
    pub(in crate::serve) joining: mpsc::Receiver<Client>,
}

struct Clients {
    list: Vec<Client>,
    telemetry: Arc<Telemetry>,
}

impl Sender {
    /// Runs until the server stops; then every stream ends.
    pub(in crate::serve) async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let mut clients = Clients {
            list: Vec::new(),
            telemetry: Arc::clone(&self.telemetry),
        };
        let mut pace = Pace::new();
        let mut settings = self.settings.watch();
        let mut counted = (Instant::now(), self.telemetry.pipeline.counts());
        let mut second = interval(PIPELINE_EVERY);
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.send_due(&mut clients, &mut pace);
            self.hub.set_followed(!clients.list.is_empty());
            let next = pace.next();
            tokio::select! {
                () = self.hub.changed() => {}
                Ok(()) = settings.changed() => self.note_settings(&settings.borrow_and_update()),
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
                now = second.tick() => counted = self.send_pipeline(&mut clients, counted, now),
                client = self.joining.recv() => match client {
                    Some(client) => self.take_in(&mut clients, client),
                    None => return,
                },
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
        }
    }

    fn note_settings(&self, state: &SettingsState) {
        if state.refused.is_some() {
            self.telemetry.settings_refused.inc();
        }
        self.hub.publish_settings();
    }

    /// The first event of a client is everything that it needs to start.
    fn take_in(&self, clients: &mut Clients, client: Client) {
        // Order matters: what changes after the snapshot is sent.
        self.hub.set_followed(true);
        let snapshot = self.hub.snapshot();
        let filter = &client.filter;
        let answer = SymbolsAnswer::new(
            &snapshot,
            |symbol| filter.wants_symbol(symbol),
            |window| filter.wants_window(window),
        );
        if client.send(event("snapshot", &answer)) == Sent::Queued {
            clients.list.push(client);
        }
    }

    fn send_due(&self, clients: &mut Clients, pace: &mut Pace) {
        let now = Instant::now();
        let batch = self.hub.take(pace.due(now));
        self.telemetry
            .live_points_dropped
            .inc_by(batch.points_dropped);
        for kind in sent_kinds(&batch) {
            pace.sent(kind, now);
        }
        if !clients.list.is_empty() {
            self.send_batch(clients, batch);
        }
    }

    fn send_batch(&self, clients: &mut Clients, batch: Batch) {
        // First: rows of a symbol mean nothing to a client that does not know of it.
        if batch.followed {
            let snapshot = self.hub.snapshot();
            clients.send(|filter| {
                let answer = FollowedAnswer::new(&snapshot, |symbol| filter.wants_symbol(symbol));
                Some(event("followed", &answer))
            });
        }
        if !batch.points.is_empty() {
            let points = Encoded::new(batch.points);
            clients.send(|filter| points.event("points", "", filter));
        }
        if !batch.rows.is_empty() {
            let (rows, head) = (Encoded::new(batch.rows), rows_head(batch.time));
            clients.send(|filter| rows.event("rows", &head, filter));
        }
        if let Some(feed) = &batch.feed {
            let text = event("feed", &FeedAnswer::from(feed));
            clients.send(|_| Some(text.clone()));
        }
        if let Some(gap) = &batch.gap {
            let text = event("gap", &GapAnswer::from(gap));
            clients.send(|filter| filter.wants_gap(gap).then(|| text.clone()));
        }
        if batch.settings {
            let text = event("settings", &SettingsAnswer::from(&self.settings.current()));
            clients.send(|_| Some(text.clone()));
        }
    }

    fn send_pipeline(
        &self,
        clients: &mut Clients,
        (then, before): (Instant, Counts),
        now: Instant,
    ) -> (Instant, Counts) {
        let counts = self.telemetry.pipeline.counts();
        let over = now.saturating_duration_since(then);
        let rates = PipelineEvent::new(&counts, &before, over, self.hub.gaps_open());
        let text = event("pipeline", &rates);
        clients.send(|_| Some(text.clone()));
        (now, counts)
    }
}

fn sent_kinds(batch: &Batch) -> impl Iterator<Item = Kind> {
    let sent = [
        (Kind::Rows, !batch.rows.is_empty()),
        (Kind::Points, !batch.points.is_empty()),
        (Kind::Feed, batch.feed.is_some()),
        (Kind::Gap, batch.gap.is_some()),
        (Kind::Settings, batch.settings),
        (Kind::Followed, batch.followed),
    ];
    sent.into_iter()
        .filter(|(_, sent)| *sent)
        .map(|(kind, _)| kind)
}

impl Clients {
    /// Queues an event for every client whose filter wants it; each text is made once per filter.
    fn send(&mut self, make: impl Fn(&Filter) -> Option<Bytes>) {
        let mut made: BTreeMap<Arc<Filter>, Option<Bytes>> = BTreeMap::new();
        let dropped = &self.telemetry.live_clients_dropped;
        self.list.retain(|client| {
            let text = made
                .entry(Arc::clone(&client.filter))
                .or_insert_with(|| make(&client.filter));
            let Some(text) = text.clone() else {
                return true;
            };
            let sent = client.send(text);
            if sent == Sent::Dropped {
                dropped.inc();
            }
            sent == Sent::Queued
        });
    }
}
