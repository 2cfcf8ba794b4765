//! What ticks and changes of the feed mean: how time runs, what is observed, what was missed.

use super::grid::first_grid;
use super::symbol::{Symbol, empty_book};
use super::{Analyzer, Everything};
use crate::coverage::Coverage;
use crate::point::Point;
use crate::record::{Clock, FeedChange, FeedEvent, Tick, Watermark};

impl Analyzer {
    pub(super) fn tick(&mut self, tick: Tick, out: &mut Vec<Point>) {
        if self.coverage.clock == Clock::Wall {
            self.hear(tick.heard);
            self.advance(tick.time, out);
        }
    }

    /// Takes over how far the whole log is, of which this is one partition.
    pub(super) fn watermark(&mut self, mark: Watermark, out: &mut Vec<Point>) {
        if let Some(heard) = mark.heard.filter(|_| self.coverage.clock == Clock::Wall) {
            self.hear(heard);
        }
        if let Some(time) = mark.time {
            self.advance(time, out);
        }
        if let Some(begun) = mark.begun {
            let grid = self.settings.grid;
            self.next_grid
                .get_or_insert_with(|| first_grid(begun, grid));
        }
    }

    /// Moves the log's time on, unless it follows the trades.
    fn advance_wall(&mut self, time: i64, out: &mut Vec<Point>) {
        if self.coverage.clock == Clock::Wall {
            self.advance(time, out);
        }
    }

    pub(super) fn feed_changed(&mut self, change: &FeedChange, out: &mut Vec<Point>) {
        match &change.event {
            FeedEvent::Clock(clock) => self.set_clock(*clock),
            FeedEvent::Ended => {
                self.advance_wall(change.at, out);
                self.finish(out);
            }
            event => {
                self.advance_wall(change.at, out);
                self.feed_event(event, change.at);
            }
        }
    }

    fn feed_event(&mut self, event: &FeedEvent, at: i64) {
        match event {
            FeedEvent::Subscribed(symbols) => self.subscribe(symbols, at),
            FeedEvent::Unsubscribed(symbols) => self.unsubscribe(symbols),
            FeedEvent::Connected => self.hear(at),
            FeedEvent::GapOpened { from, .. } => {
                self.coverage.open_gap(*from);
                self.revise.unproven = self.revise.unproven.filter(|first| first < from);
                self.recheck(*from, i64::MAX);
            }
            FeedEvent::GapClosed => {
                self.coverage.close_gap(at);
                self.hear(at);
            }
            FeedEvent::Stale => self.coverage.open_stale(at),
            FeedEvent::Fresh => self.coverage.close_stale(at),
            FeedEvent::Started { .. } => {
                self.restarted = true;
                // Whoever noted it is gone, and will not say when it is over.
                self.coverage.close_stale(at);
            }
            FeedEvent::Refused(_) | FeedEvent::Clock(_) | FeedEvent::Ended => {}
        }
    }

    /// Time can be redefined only while nothing depends on it.
    fn set_clock(&mut self, clock: Clock) {
        if clock == self.coverage.clock || self.next_grid.is_some() {
            return;
        }
        self.coverage = Coverage::new(clock);
        self.log_time = None;
        self.first_time = None;
        if let Everything::Since(_) = self.everything {
            self.everything = Everything::FromStart;
        }
        for symbol in &mut self.symbols {
            symbol.since = None;
            // Live views may have been seen at a time of the other clock, and never go back.
            symbol.book = empty_book(&self.settings, self.emission);
        }
    }

    fn subscribe(&mut self, symbols: &[String], at: i64) {
        let begun = self.coverage.clock == Clock::Wall || self.next_grid.is_some();
        let since = self.log_time.map(|now| now.max(at)).filter(|_| begun);
        if std::mem::take(&mut self.restarted) && !symbols.is_empty() {
            let left: Vec<String> = self
                .subscribed()
                .filter(|name| !symbols.iter().any(|s| s == name))
                .map(str::to_owned)
                .collect();
            self.unsubscribe(&left);
        }
        if symbols.is_empty() && self.everything == Everything::No {
            self.everything = since.map_or(Everything::FromStart, Everything::Since);
        }
        for name in symbols {
            let index = self.intern(name, at);
            // After a mere reconnection the observation goes on; the gap tells what was missed.
            if let Some(symbol) = self
                .symbols
                .get_mut(index as usize)
                .filter(|symbol| !symbol.subscribed)
            {
                symbol.since = since;
                symbol.subscribed = true;
            }
        }
    }

    /// The symbols that are subscribed by name.
    pub fn subscribed(&self) -> impl Iterator<Item = &str> {
        self.names
            .iter()
            .zip(&self.symbols)
            .filter(|(_, symbol)| symbol.subscribed)
            .map(|(name, _)| name)
    }

    /// A symbol that is no longer observed has no more points.
    fn unsubscribe(&mut self, symbols: &[String]) {
        for name in symbols {
            let Some(id) = self.names.find(name) else {
                continue;
            };
            if let Some(symbol) = self.symbols.get_mut(id.index()) {
                *symbol = Symbol::new(&self.settings, self.emission, None);
                symbol.since = self.log_time;
            }
        }
    }
}
