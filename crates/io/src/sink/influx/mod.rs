//! `InfluxDB` 1.x, 2.x and 3.x by line protocol over HTTP.
//!
//! 1.x: `POST /write?db=&rp=&precision=` with user and password
//! (<https://docs.influxdata.com/influxdb/v1/tools/api/#write-http-endpoint>). 2.x and 3.x:
//! `POST /api/v2/write?org=&bucket=&precision=` with a token
//! (<https://docs.influxdata.com/influxdb/v2/api/#operation/PostWrite>). Writing a point again
//! replaces it, so a batch may be repeated at will. One request is under way at a time, for
//! rewrites of one series that overtake each other would leave the older one.
//! The layouts and what is done about each answer: `docs/formats/influxdb.md`.
//!
//! Try it: `influxd run`, then `STOCK_UP__INFLUXDB__URL=http://127.0.0.1:8086
//! STOCK_UP__INFLUXDB__CREATE=true stock-up run`, then `influx -database stocks -execute
//! 'select * from stock_window order by time desc limit 5'`.

mod address;
mod answer;
mod client;
mod create;
mod dead_letters;
mod lines;
mod settings;

use std::collections::BTreeMap;

use crate::clock::Clock;
use crate::store::PointRow;

pub use address::is_local;
use answer::{Answer, Fault};
pub use client::{Client, ClientError};
use dead_letters::{DeadLetter, DeadLetters};
use lines::Lines;
pub use settings::{Api, Create, InfluxSettings, Layout};

use super::{DropCause, Dropped, Sink, SinkError, Written};

/// The layouts and the file of dead letters; described in `docs/formats/influxdb.md`.
pub const INFLUX_FORMAT: u32 = 1;

/// Longest reason that is told and written down, in characters.
pub(super) const MAX_REASON_CHARS: usize = 400;

/// One store's way into `InfluxDB`.
#[derive(Debug)]
pub struct InfluxSink {
    client: Client,
    layout: Layout,
    /// Lines of one request at most; less than asked for once the server found it too much.
    most_lines: usize,
    create: Option<Create>,
    dead_letters: DeadLetters,
}

/// What became of the lines of a batch.
#[derive(Debug, Default)]
struct Outcome {
    dead: Vec<DeadLetter>,
    beyond_retention: u64,
}

impl InfluxSink {
    /// A sink over `client`, which several sinks may share.
    pub fn new(client: Client, settings: &InfluxSettings, clock: Clock) -> Self {
        Self {
            client,
            layout: settings.layout,
            most_lines: settings.batch_lines.max(1),
            create: settings.create,
            dead_letters: DeadLetters::new(settings.dead_letters.clone(), clock),
        }
    }

    async fn write_batch(&mut self, batch: &[PointRow]) -> Result<Written, SinkError> {
        if let Some(create) = self.create {
            create::database(&self.client, create).await?;
            self.create = None;
        }
        let (lines, written) = Lines::of(batch, self.layout);
        let mut outcome = Outcome {
            dead: lines.unwritable(),
            ..Outcome::default()
        };
        self.send(lines, &mut outcome).await?;
        // Order matters: what the server will not take is kept here before it counts as settled.
        self.dead_letters.write(&outcome.dead)?;
        Ok(Written {
            written,
            skipped: batch.len() as u64 - written,
            dropped: self.told(&outcome),
        })
    }

    /// Sends all lines, in halves of halves where the server does not take them as they are.
    async fn send(&mut self, mut lines: Lines, outcome: &mut Outcome) -> Result<(), SinkError> {
        let mut sorted = false;
        let mut waiting: Vec<(usize, usize)> = lines.ranges(self.most_lines);
        while let Some((from, to)) = waiting.pop() {
            let answer = self.client.write(lines.text(from, to)).await?;
            let count = to - from;
            let fault = match answer {
                Answer::Stored => continue,
                Answer::TooLarge if count > 1 => {
                    self.most_lines = self.most_lines.min((count / 2).max(1));
                    waiting.extend(halves(from, to));
                    continue;
                }
                Answer::TooLarge => Fault {
                    cause: DropCause::Refused,
                    lines: Some(1),
                    reason: "a single line is too large for the server".to_owned(),
                },
                Answer::Fault(fault) => fault,
            };
            if fault.cause == DropCause::BeyondRetention {
                outcome.beyond_retention += fault.lines.unwrap_or(count as u64);
            } else if count == 1 || fault.lines == Some(count as u64) {
                outcome.bury(&lines, (from, to), &fault);
            } else if sorted {
                waiting.extend(halves(from, to));
            } else {
                // Side by side, the lines of one measurement are told from the others in few steps.
                // Writing again what is stored already changes nothing.
                lines.sort_by_measurement();
                (sorted, waiting) = (true, halves(0, lines.count()).into());
                outcome.restart(&lines);
            }
        }
        Ok(())
    }

    fn told(&self, outcome: &Outcome) -> Vec<Dropped> {
        let mut causes: BTreeMap<DropCause, Dropped> = BTreeMap::new();
        let old = outcome.beyond_retention;
        if old > 0 {
            let reason = "points beyond the retention policy of the database".to_owned();
            let cause = DropCause::BeyondRetention;
            causes.insert(
                cause,
                Dropped {
                    cause,
                    lines: old,
                    reason,
                },
            );
        }
        for letter in &outcome.dead {
            let entry = causes.entry(letter.cause).or_insert_with(|| Dropped {
                cause: letter.cause,
                lines: 0,
                reason: self.advice(letter),
            });
            entry.lines += 1;
        }
        causes.into_values().collect()
    }

    /// The server's words, and what to do.
    fn advice(&self, letter: &DeadLetter) -> String {
        let (file, reason) = (self.dead_letters.path().display(), &letter.reason);
        let is_volume = letter.cause == DropCause::TypeConflict && letter.is_volume();
        match self.layout {
            Layout::Seed { .. } if is_volume => format!(
                "{reason}; the database holds volumes of the other type: set [influxdb] volume = \
                 \"float\" (or \"integer\") to fit it; the lines are kept in `{file}`"
            ),
            _ => format!("{reason}; the lines are kept in `{file}`"),
        }
    }
}

impl Outcome {
    fn bury(&mut self, lines: &Lines, (from, to): (usize, usize), fault: &Fault) {
        self.dead.extend((from..to).map(|index| DeadLetter {
            cause: fault.cause,
            reason: fault.reason.clone(),
            line: lines.line(index),
        }));
    }

    /// Forgets what the server said: all lines are sent again.
    fn restart(&mut self, lines: &Lines) {
        *self = Self {
            dead: lines.unwritable(),
            ..Self::default()
        };
    }
}

/// The earlier half is last, where the next one is taken from.
fn halves(from: usize, to: usize) -> [(usize, usize); 2] {
    let middle = usize::midpoint(from, to);
    [(middle, to), (from, middle)]
}

impl Sink<PointRow> for InfluxSink {
    async fn write(&mut self, batch: &[PointRow]) -> Result<Written, SinkError> {
        self.write_batch(batch).await
    }

    fn batch_items(&self) -> usize {
        (self.most_lines / self.layout.lines_per_point()).max(1)
    }
}
