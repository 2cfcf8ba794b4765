//! One connection in the stream protocol: login, requests and their answers, heartbeats.
//!
//! A task of its own owns the socket. So heartbeats go out while the owner saves its state, and a
//! broker that has become silent is found while nobody asks it anything: the end of the connection
//! is always seen at the next call.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::answer::{Answer, sort};
use super::frame::{Command, Frame, LENGTH_BYTES};
use super::wire::Reader;
use crate::form::duration;
use crate::queue::QueueError;
use crate::queue::rabbitmq::config::RabbitmqConfig;
use crate::queue::rabbitmq::dial::{Wire, dial, late};

/// Largest frame that is taken in. A chunk holds what a broker got in one go, of all producers.
const MAX_FRAME_BYTES: u32 = 64 << 20;
/// Room that is given to a frame on its word alone; more grows with what really comes.
const FIRST_FRAME_BYTES: usize = 64 << 10;
/// Largest frame that we send when the broker names no bound, or a larger one.
const MAX_SENT_BYTES: u32 = 1 << 20;
/// Frames between the task and its owner, each way.
const CHANNEL_FRAMES: usize = 16;
/// Frames that may come before an answer; credit bounds what an honest broker sends.
const ASIDE_FRAMES: usize = 1 << 12;
/// Room for one read from the socket.
const READ_BUFFER_BYTES: usize = 64 << 10;

/// An open connection.
#[derive(Debug)]
pub(super) struct Session {
    outgoing: mpsc::Sender<Vec<u8>>,
    incoming: mpsc::Receiver<Frame>,
    /// Came while we waited for an answer.
    aside: VecDeque<Frame>,
    task: JoinSet<String>,
    next_number: u32,
    frame_max: usize,
    broker: String,
    answer_timeout: Duration,
    version: String,
}

impl Session {
    /// Connects and logs in.
    pub(super) async fn open(config: &RabbitmqConfig, name: &str) -> Result<Self, QueueError> {
        let port = config.stream_port();
        let wire = dial(config, port).await?;
        let (outgoing, to_send) = mpsc::channel(CHANNEL_FRAMES);
        let (received, incoming) = mpsc::channel(CHANNEL_FRAMES);
        let mut task = JoinSet::new();
        let pace = Duration::from_secs(u64::from(config.heartbeat_secs()));
        task.spawn(serve(wire, pace, to_send, received));
        let mut session = Self {
            outgoing,
            incoming,
            aside: VecDeque::new(),
            task,
            next_number: 0,
            frame_max: 0,
            broker: config.broker(port),
            answer_timeout: duration(config.confirm_timeout),
            version: String::new(),
        };
        let limit = duration(config.connect_timeout);
        match timeout(limit, session.log_in(config, name)).await {
            Ok(done) => done.map(|()| session),
            Err(_) => Err(late(config, port, limit)),
        }
    }

    async fn log_in(&mut self, config: &RabbitmqConfig, name: &str) -> Result<(), QueueError> {
        let properties = [
            ("product", "stock-up"),
            ("version", env!("CARGO_PKG_VERSION")),
            ("connection_name", name),
        ];
        let said = self.demand(Command::PeerProperties(&properties)).await?;
        version(&said)
            .unwrap_or_default()
            .clone_into(&mut self.version);
        self.demand(Command::SaslHandshake).await?;
        let (user, password) = (config.user.as_str(), config.password.expose());
        self.demand(Command::SaslPlain { user, password }).await?;
        self.frame_max = loop {
            if let Frame::Tune { frame_max } = self.next().await? {
                break bounded(frame_max);
            }
        };
        let tune = Command::Tune {
            frame_max: u32::try_from(self.frame_max).unwrap_or(MAX_SENT_BYTES),
            heartbeat_secs: u32::from(config.heartbeat_secs()),
        };
        self.send(tune.encode(0)).await?;
        let vhost = config.vhost.as_str();
        self.demand(Command::Open { vhost }).await.map(|_| ())
    }

    /// The broker's version, as it says.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The broker in messages to people.
    pub(super) fn broker(&self) -> &str {
        &self.broker
    }

    /// The largest frame that may be sent.
    pub(super) fn frame_max(&self) -> usize {
        self.frame_max
    }

    /// Sends a request and waits for its answer; any answer but yes is an error.
    pub(super) async fn demand(&mut self, command: Command<'_>) -> Result<Vec<u8>, QueueError> {
        let (answer, rest) = self.request(command).await?;
        match answer {
            Answer::Ok => Ok(rest),
            refusal => Err(sort(refusal, &self.broker)),
        }
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn request(
        &mut self,
        command: Command<'_>,
    ) -> Result<(Answer, Vec<u8>), QueueError> {
        let mine = self.next_number;
        self.next_number = mine.wrapping_add(1);
        self.send(command.encode(mine)).await?;
        let limit = self.answer_timeout;
        match timeout(limit, self.answer(mine)).await {
            Ok(answered) => answered,
            Err(_) => Err(self.held_up(limit)),
        }
    }

    /// From now on an answer may take so long.
    pub(super) fn be_patient(&mut self, limit: Duration) {
        self.answer_timeout = limit;
    }

    /// It is there, for its heartbeats come, and yet it says nothing.
    pub(super) fn held_up(&self, limit: Duration) -> QueueError {
        self.lost(format!(
            "it lives, but said nothing for {limit:?}; an alarm (memory, disk) may hold it up"
        ))
    }

    async fn answer(&mut self, mine: u32) -> Result<(Answer, Vec<u8>), QueueError> {
        loop {
            match self.receive().await? {
                Frame::Answer { number, code, rest } if number == mine => {
                    return Ok((Answer::from(code), rest));
                }
                // A late answer to a request that nobody waits for any more.
                Frame::Answer { .. } => {}
                other if self.aside.len() < ASIDE_FRAMES => self.aside.push_back(other),
                _ => return Err(self.lost("it sends much more than we asked for")),
            }
        }
    }

    /// The next frame that is no answer. Cancelling the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Frame, QueueError> {
        match self.aside.pop_front() {
            Some(frame) => Ok(frame),
            None => self.receive().await,
        }
    }

    /// Hands over a frame to be sent; waits while too many are waiting already. Cancelling the
    /// future sends nothing.
    pub(super) async fn send(&mut self, frame: Vec<u8>) -> Result<(), QueueError> {
        if let Ok(permit) = self.outgoing.reserve().await {
            permit.send(frame);
            return Ok(());
        }
        Err(self.ended().await)
    }

    async fn receive(&mut self) -> Result<Frame, QueueError> {
        match self.incoming.recv().await {
            Some(frame) => Ok(frame),
            None => Err(self.ended().await),
        }
    }

    /// Why there is no connection any more.
    async fn ended(&mut self) -> QueueError {
        let reason = match self.task.join_next().await {
            Some(Ok(reason)) => reason,
            Some(Err(_)) | None => "the connection has ended".to_owned(),
        };
        self.lost(reason)
    }

    /// It is lost, as we have found ourselves.
    pub(super) fn lost(&self, reason: impl Into<String>) -> QueueError {
        QueueError::Lost {
            broker: self.broker.clone(),
            reason: reason.into(),
        }
    }

    /// A person has to decide.
    pub(super) fn misconfigured(&self, reason: impl Into<String>) -> QueueError {
        QueueError::Misconfigured {
            broker: self.broker.clone(),
            reason: reason.into(),
        }
    }
}

/// The bound of the broker, or ours; it says 0 when it has none.
fn bounded(frame_max: u32) -> usize {
    let bound = if frame_max == 0 {
        MAX_SENT_BYTES
    } else {
        frame_max.min(MAX_SENT_BYTES)
    };
    usize::try_from(bound).unwrap_or(FIRST_FRAME_BYTES)
}

/// The property `version` of the broker.
fn version(properties: &[u8]) -> Option<&str> {
    let mut reader = Reader::new(properties, "properties");
    for _ in 0..reader.count(4).ok()? {
        let (name, value) = (reader.text().ok()?, reader.text().ok()?);
        if name == "version" {
            return Some(value);
        }
    }
    None
}

/// Owns the socket; returns why it has ended.
async fn serve(
    wire: Wire,
    pace: Duration,
    mut to_send: mpsc::Receiver<Vec<u8>>,
    received: mpsc::Sender<Frame>,
) -> String {
    let (reader, writer) = tokio::io::split(wire);
    let mut reader = BufReader::with_capacity(READ_BUFFER_BYTES, reader);
    let ended = tokio::select! {
        ended = read_all(&mut reader, pace * 2, &received) => ended,
        ended = write_all(writer, pace / 2, &mut to_send) => ended,
    };
    match ended {
        Ok(reason) => reason,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "it has closed the connection".to_owned()
        }
        Err(error) => error.to_string(),
    }
}

async fn read_all(
    reader: &mut BufReader<ReadHalf<Wire>>,
    silence: Duration,
    received: &mpsc::Sender<Frame>,
) -> io::Result<String> {
    loop {
        let body = read_frame(reader, silence).await?;
        match Frame::decode(body).map_err(io::Error::other)? {
            Frame::Heartbeat | Frame::Other => {}
            Frame::Close { code, reason } => return Ok(format!("closed with {code}: {reason}")),
            frame => {
                if received.send(frame).await.is_err() {
                    return Ok("nobody listens".to_owned());
                }
            }
        }
    }
}

async fn read_frame(
    reader: &mut BufReader<ReadHalf<Wire>>,
    silence: Duration,
) -> io::Result<Vec<u8>> {
    let mut length = [0; LENGTH_BYTES];
    within(silence, reader.read_exact(&mut length)).await?;
    let length = u32::from_be_bytes(length);
    if length > MAX_FRAME_BYTES {
        let problem = format!("it announced a frame of {length} bytes; is this the stream port?");
        return Err(io::Error::other(problem));
    }
    let length = usize::try_from(length).map_err(io::Error::other)?;
    let mut body = Vec::with_capacity(length.min(FIRST_FRAME_BYTES));
    let mut rest = reader.take(length as u64);
    while body.len() < length {
        if within(silence, rest.read_buf(&mut body)).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(body)
}

async fn write_all(
    mut writer: WriteHalf<Wire>,
    pace: Duration,
    to_send: &mut mpsc::Receiver<Vec<u8>>,
) -> io::Result<String> {
    loop {
        match timeout(pace, to_send.recv()).await {
            Ok(Some(frame)) => writer.write_all(&frame).await?,
            Ok(None) => return Ok("dropped".to_owned()),
            Err(_) => writer.write_all(&Command::Heartbeat.encode(0)).await?,
        }
        writer.flush().await?;
    }
}

/// A broker sends heartbeats; when it is silent for two of them, it is gone.
async fn within<T>(silence: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(silence, work).await {
        Ok(done) => done,
        Err(_) => Err(io::Error::other(format!("no sign of life for {silence:?}"))),
    }
}
