//! What is known of the keys, and the settings that follow from it.
//!
//! A value that cannot be used is refused by itself: the value before it stays, the other keys are
//! applied. A deleted key goes back to its default. But a store whose revision went backwards, or
//! that is another cluster, has lost its data: what is missing there stays as it was until it is
//! set again, because an empty etcd must not end a capture.

use std::collections::BTreeMap;

use super::super::field::Field;
use super::super::model::{LogLevel, Settings};
use super::key::{Held, Key, Listing, Value};

/// Unknown keys that are named in a message.
const MAX_UNKNOWN_SHOWN: usize = 5;

/// Which log levels count for this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKeys {
    /// That of role collect.
    Collect,
    /// That of the other roles.
    Analyze,
    /// Both: of those that are set, the one that logs more.
    Both,
}

impl LogKeys {
    fn count(self, key: Key) -> bool {
        match key {
            Key::CollectLogLevel => self != Self::Analyze,
            Key::AnalyzeLogLevel => self != Self::Collect,
            _ => true,
        }
    }
}

/// The keys and their values.
#[derive(Debug)]
pub(super) struct Book {
    defaults: Settings,
    log_keys: LogKeys,
    /// The newest that was seen of each key.
    found: BTreeMap<Key, Held>,
    /// What is in force of each key.
    good: BTreeMap<Key, Held>,
    unknown: BTreeMap<String, i64>,
    cluster: u64,
    /// The greatest revision of the store that was seen.
    revision: i64,
    /// The revision of the last listing: what a watch tells of earlier ones is known.
    listed: i64,
    /// The store lost data when its revision went from the first to the second.
    loss: (i64, i64),
}

/// What follows from the keys.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) settings: Settings,
    /// What is not in force, and why.
    pub(super) refused: Option<String>,
}

impl Book {
    pub(super) fn new(defaults: Settings, log_keys: LogKeys) -> Self {
        Self {
            defaults,
            log_keys,
            found: BTreeMap::new(),
            good: BTreeMap::new(),
            unknown: BTreeMap::new(),
            cluster: 0,
            revision: 0,
            listed: 0,
            loss: (0, 0),
        }
    }

    /// Begins with what was in force when this was last written down.
    pub(super) fn restore(&mut self, listing: Listing) {
        (self.cluster, self.revision) = (listing.cluster, listing.revision);
        self.found = listing.values.into_iter().collect();
        self.settle();
    }

    /// What is to be written down: everything that is in force.
    pub(super) fn kept(&self) -> Listing {
        Listing {
            cluster: self.cluster,
            revision: self.revision,
            values: self.good.clone().into_iter().collect(),
            unknown: Vec::new(),
        }
    }

    /// What the store has lost and is kept here, if anything.
    pub(super) fn lost(&self) -> Option<String> {
        let kept = self.found.iter().filter(|(_, held)| held.revision == 0);
        let kept: Vec<_> = kept.map(|(key, _)| key.name()).collect();
        let (before, after) = self.loss;
        (!kept.is_empty()).then(|| {
            format!(
                "etcd has lost data (its revision was {before} and is {after}); these keys keep \
                 their last values until they are set again: {}",
                kept.join(", ")
            )
        })
    }

    /// Takes the whole store as it is now.
    pub(super) fn list(&mut self, listing: Listing) {
        let known = self.revision > 0;
        let has_lost = listing.revision < self.revision || listing.cluster != self.cluster;
        let mut values: BTreeMap<_, _> = listing.values.into_iter().collect();
        if known && has_lost {
            self.loss = (self.revision, listing.revision);
        }
        for (key, held) in &self.found {
            let is_kept = held.revision == 0 || (known && has_lost);
            if is_kept && !values.contains_key(key) {
                // What could not be used is not kept for ever; what was in force instead is.
                let held = self.good.get(key).unwrap_or(held);
                let value = held.value.clone();
                values.insert(*key, Held { value, revision: 0 });
            }
        }
        self.found = values;
        self.unknown = listing.unknown.into_iter().collect();
        (self.cluster, self.revision) = (listing.cluster, listing.revision);
        self.listed = listing.revision;
    }

    /// A key was put at `revision`, or deleted. What the last listing knew already changes nothing.
    pub(super) fn event(&mut self, name: &str, value: Option<Value>, revision: i64) {
        if revision <= self.listed {
            return;
        }
        self.revision = self.revision.max(revision);
        if let Some(key) = Key::named(name) {
            let known = self.found.get(&key).map_or(0, |held| held.revision);
            if revision <= known {
                return;
            }
            match value {
                Some(value) => self.found.insert(key, Held { value, revision }),
                None => self.found.remove(&key),
            };
        } else if value.is_some() {
            self.unknown.insert(name.to_owned(), revision);
        } else {
            self.unknown.remove(name);
        }
    }

    /// The settings that follow; remembers what is in force.
    pub(super) fn settle(&mut self) -> Settled {
        let mut refused = Vec::new();
        self.good.retain(|key, _| self.found.contains_key(key));
        for (key, held) in &self.found {
            match usable(&self.defaults, *key, &held.value) {
                Ok(_) => {
                    self.good.insert(*key, held.clone());
                }
                Err(why) => refused.push(format!(
                    "etcd key `{}`, revision {}: {why}; the value before stays",
                    key.name(),
                    held.revision
                )),
            }
        }
        let unknown = self.unknown.iter().take(MAX_UNKNOWN_SHOWN);
        refused.extend(unknown.map(|(name, revision)| {
            format!("etcd key `{name}`, revision {revision}: there is no such setting")
        }));
        Settled {
            settings: self.settings(),
            refused: (!refused.is_empty()).then(|| refused.join("; ")),
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = self.defaults.clone();
        let mut level: Option<LogLevel> = None;
        for (key, held) in &self.good {
            let Ok(with) = usable(&settings, *key, &held.value) else {
                continue;
            };
            if key.field() != Field::LogLevel {
                settings = with;
            } else if self.log_keys.count(*key) {
                level = level.max(Some(with.log_level));
            }
        }
        settings.log_level = level.unwrap_or(settings.log_level);
        settings
    }

    /// What must be put (or deleted) so that `wanted` follows.
    pub(super) fn changes(&self, wanted: &Settings) -> Vec<(Key, Option<String>)> {
        let now = self.settings();
        let level_changes = now.log_level != wanted.log_level;
        let mut changes = Vec::new();
        for key in Key::ALL {
            let field = key.field();
            let (found, good) = (self.found.get(&key), self.good.get(&key));
            // What etcd lost or what could not be used is mended by the way.
            let is_broken = found.is_some_and(|held| held.revision == 0 || good != Some(held));
            let mends = is_broken && self.log_keys.count(key);
            let changes_it = if field == Field::LogLevel {
                level_changes && self.carries_level(key)
            } else {
                now.text(field) != wanted.text(field)
            };
            if !changes_it && !mends {
                continue;
            }
            let text = wanted.text(field);
            let is_absent = field == Field::Revise && text.is_empty();
            changes.push((key, (!is_absent).then_some(text)));
        }
        changes
    }

    /// Whether a new log level is to be put under `key`: where one counts already, or else under
    /// the first that would.
    fn carries_level(&self, key: Key) -> bool {
        let counts = |key: &Key| key.field() == Field::LogLevel && self.log_keys.count(*key);
        let set = self.found.keys().any(counts);
        let first = Key::ALL.into_iter().find(counts);
        counts(&key) && (self.found.contains_key(&key) || (!set && first == Some(key)))
    }

    /// The revision of each key, 0 for one that etcd does not hold.
    pub(super) fn revisions(&self) -> Vec<(Key, i64)> {
        let revision = |key| self.found.get(&key).map_or(0, |held| held.revision);
        Key::ALL.map(|key| (key, revision(key))).to_vec()
    }
}

/// `settings` with the value of `key`, or why it cannot be used.
fn usable(settings: &Settings, key: Key, value: &Value) -> Result<Settings, String> {
    match value {
        Value::Unusable(why) => Err((*why).to_owned()),
        Value::Text(text) => {
            let with = settings.clone().with(key.field(), text);
            with.map_err(|problem| problem.to_string())
        }
    }
}

#[cfg(test)]
mod tests;
