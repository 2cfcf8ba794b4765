//! Claiming, saving and fencing, each as one script that Redis runs whole.

use std::time::Duration;

use redis::{Client, Connection, ErrorKind, RedisError, Script, ServerErrorKind};

use super::codec::{Damage, MAX_STATE_BYTES, SharedCheckpoint};
use super::error::CheckpointError;
use super::options::RedisOptions;

/// Raises the epoch. It is at least the server's time in seconds, so that a claim after the server
/// lost everything still stands above all earlier ones.
const CLAIM: &str = "
local stored = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0')
local now = tonumber(redis.call('TIME')[1])
local epoch = string.format('%.0f', math.max(stored + 1, now))
redis.call('HSET', KEYS[1], 'epoch', epoch, 'by', ARGV[1])
return {epoch, redis.call('HGET', KEYS[1], 'checkpoint')}";

/// Writes unless somebody claimed the name since. A lower epoch, or none, is what is left after
/// the server lost its data: then the one who holds the name writes it again.
const SAVE: &str = "
local stored = redis.call('HMGET', KEYS[1], 'epoch', 'by')
local epoch, mine = tonumber(stored[1] or '0'), tonumber(ARGV[1])
if epoch > mine or (epoch == mine and stored[2] ~= ARGV[2]) then
  return {'fenced', stored[1], stored[2]}
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'by', ARGV[2], 'checkpoint', ARGV[3])
if epoch < mine then return {'again'} end
return {'saved'}";

/// Shared checkpoints, for one who claims names.
pub struct SharedCheckpoints {
    client: Client,
    connection: Option<Connection>,
    prefix: String,
    timeout: Duration,
    /// Who we are, in this life.
    by: String,
    place: String,
}

/// What a claim gives.
#[derive(Debug)]
pub struct Claim {
    /// Ours, until somebody claims the name after us.
    pub epoch: u64,
    /// What the one before saved, or why it cannot be used; `None` if nobody did.
    pub found: Result<Option<SharedCheckpoint>, Damage>,
}

/// How a checkpoint was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// In the place of the one before.
    Replaced,
    /// Anew: the server had lost it.
    Anew,
}

impl SharedCheckpoints {
    /// Looks at the configuration; connects when it is needed. `by` names this process among all
    /// others and lives.
    ///
    /// # Errors
    /// [`CheckpointError::Config`].
    pub fn new(options: &RedisOptions, by: String) -> Result<Self, CheckpointError> {
        Ok(Self {
            client: options.client()?,
            connection: None,
            prefix: options.prefix.clone(),
            timeout: options.timeout,
            by,
            place: options.place(),
        })
    }

    /// The server's address, for people.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Refuses a server that may throw checkpoints away; gives what else is worth a warning.
    ///
    /// # Errors
    /// [`CheckpointError::Evicts`], and those of a server that does not answer.
    pub fn check_server(&mut self) -> Result<Vec<String>, CheckpointError> {
        let info: String = self.ask(|connection| redis::cmd("INFO").query(connection))?;
        let value = |name: &str| {
            let lines = info.lines().filter_map(|line| line.trim().split_once(':'));
            lines
                .into_iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.to_owned())
        };
        let policy = value("maxmemory_policy").unwrap_or_else(|| "noeviction".to_owned());
        if policy != "noeviction" {
            let place = self.place.clone();
            return Err(CheckpointError::Evicts { place, policy });
        }
        let mut warnings = Vec::new();
        if value("aof_enabled").as_deref() == Some("0") {
            warnings.push(format!(
                "redis {} has `appendonly no`: a checkpoint may be lost when it restarts, and the \
                 log is read again from an older one",
                self.place
            ));
        }
        Ok(warnings)
    }

    /// Takes the name over: whoever held it is refused from now on.
    ///
    /// # Errors
    /// Those of a server that does not answer or refuses us.
    pub fn claim(&mut self, name: &str) -> Result<Claim, CheckpointError> {
        let (key, by) = (self.key(name), self.by.clone());
        let (epoch, value): (String, Option<Vec<u8>>) =
            self.ask(|connection| Script::new(CLAIM).key(&key).arg(&by).invoke(connection))?;
        let epoch = self.epoch(&epoch)?;
        let found = value.map(|bytes| SharedCheckpoint::decode(&bytes));
        let found = found.transpose();
        Ok(Claim { epoch, found })
    }

    /// Saves a checkpoint under the epoch of our claim.
    ///
    /// # Errors
    /// [`CheckpointError::Fenced`] if somebody claimed the name since: then this analyzer ends.
    pub fn save(
        &mut self,
        (name, epoch): (&str, u64),
        checkpoint: &SharedCheckpoint,
    ) -> Result<Saved, CheckpointError> {
        if checkpoint.state.len() > MAX_STATE_BYTES {
            return Err(CheckpointError::TooLarge(checkpoint.state.len()));
        }
        let (key, by, value) = (self.key(name), self.by.clone(), checkpoint.encode());
        let answer: Vec<Option<String>> = self.ask(|connection| {
            let script = Script::new(SAVE);
            let mut call = script.prepare_invoke();
            call.key(&key).arg(epoch).arg(&by).arg(&value);
            call.invoke(connection)
        })?;
        let mut answer = answer.into_iter();
        match answer.next().flatten().as_deref() {
            Some("saved") => Ok(Saved::Replaced),
            Some("again") => Ok(Saved::Anew),
            _ => {
                let epoch = answer.next().flatten().unwrap_or_default();
                Err(CheckpointError::Fenced {
                    name: name.to_owned(),
                    epoch: self.epoch(&epoch)?,
                    by: answer.next().flatten().unwrap_or_default(),
                })
            }
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}checkpoint:{name}", self.prefix)
    }

    fn epoch(&self, text: &str) -> Result<u64, CheckpointError> {
        text.parse().map_err(|_| CheckpointError::Unavailable {
            place: self.place.clone(),
            why: "the epoch that it holds is no number".to_owned(),
        })
    }

    /// One question and its answer; a connection that failed is not used again.
    fn ask<T>(
        &mut self,
        question: impl FnOnce(&mut Connection) -> Result<T, RedisError>,
    ) -> Result<T, CheckpointError> {
        let connection = self.connection.take().map_or_else(|| self.connect(), Ok);
        let mut connection = connection.map_err(|error| sort(&self.place, &error))?;
        let answer = question(&mut connection);
        match answer {
            Ok(answer) => {
                self.connection = Some(connection);
                Ok(answer)
            }
            Err(error) => Err(sort(&self.place, &error)),
        }
    }

    fn connect(&self) -> Result<Connection, RedisError> {
        let connection = self.client.get_connection_with_timeout(self.timeout)?;
        connection.set_read_timeout(Some(self.timeout))?;
        connection.set_write_timeout(Some(self.timeout))?;
        Ok(connection)
    }
}

impl std::fmt::Debug for SharedCheckpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (place, by) = (&self.place, &self.by);
        write!(f, "SharedCheckpoints({place}, by {by})")
    }
}

fn sort(place: &str, error: &RedisError) -> CheckpointError {
    let (place, why) = (place.to_owned(), error.to_string());
    let refused = matches!(
        error.kind(),
        ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm)
    ) || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
        || why.contains("WRONGPASS")
        || why.contains("NOAUTH");
    if refused {
        CheckpointError::Login { place, why }
    } else {
        CheckpointError::Unavailable { place, why }
    }
}
