//! One AMQP connection with one channel, and how long we wait for it.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use lapin::tcp::AsyncTcpStream;
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{Channel, Connection, ConnectionProperties, Error, Event};
use tokio::time::{Instant, sleep_until};

use super::config::RabbitmqConfig;
use super::dial::{Scissors, Wire, dial, late};
use super::fault::{Phase, sort};
use super::runtime;
use crate::feed::Secret;
use crate::form::duration;
use crate::queue::QueueError;

/// An open connection. Nothing reconnects by itself: after an error it is to be dropped.
pub(super) struct Link {
    /// Where everything is asked for.
    pub(super) channel: Channel,
    events: Pin<Box<dyn Stream<Item = Event> + Send>>,
    /// For who has to end the connection at once.
    pub(super) scissors: Option<Scissors>,
    /// Order matters: the channel is closed before its connection.
    _connection: Connection,
    broker: String,
    password: Secret,
    confirm_timeout: Duration,
    blocked_timeout: Duration,
}

impl Link {
    /// Connects and logs in. `name` is what the broker shows for this connection.
    pub(super) async fn open(config: &RabbitmqConfig, name: &str) -> Result<Self, QueueError> {
        let port = config.amqp_port();
        let wire = dial(config, port).await?;
        let scissors = wire.scissors();
        let mut wire = Some(wire);
        let limit = duration(config.connect_timeout);
        let broker = config.broker(port);
        let greeted = async {
            let connection = handshake(config, name, wire.take()).await?;
            let channel = connection.create_channel().await?;
            Ok::<_, Error>((connection, channel))
        };
        let (connection, channel) = match tokio::time::timeout(limit, greeted).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => {
                let scrub = |text: &str| config.password.scrub(text);
                return Err(sort(&error, Phase::Opening, broker, scrub));
            }
            Err(_) => return Err(late(config, port, limit)),
        };
        Ok(Self {
            channel,
            events: Box::pin(connection.events_listener()),
            scissors: Some(scissors),
            _connection: connection,
            broker,
            password: config.password.clone(),
            confirm_timeout: duration(config.confirm_timeout),
            blocked_timeout: duration(config.blocked_timeout),
        })
    }

    /// What went wrong, for the owner.
    pub(super) fn sort(&self, error: &Error, phase: Phase) -> QueueError {
        let scrub = |text: &str| self.password.scrub(text);
        sort(error, phase, self.broker.clone(), scrub)
    }

    /// It is lost, as we have found ourselves.
    pub(super) fn lost(&self, reason: impl Into<String>) -> QueueError {
        QueueError::Lost {
            broker: self.broker.clone(),
            reason: reason.into(),
        }
    }

    /// Does `work`, as long as the broker answers in time.
    ///
    /// An alarm of the broker (memory, disk) is no silence: it holds us up on purpose, so we wait
    /// longer, and our own waiting is what holds up the spool's reader.
    pub(super) async fn patiently<T>(
        &mut self,
        phase: Phase,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, QueueError> {
        let mut work = pin!(work);
        let mut blocked: Option<String> = None;
        let mut deadline = Instant::now() + self.confirm_timeout;
        loop {
            let event = tokio::select! {
                biased;
                done = &mut work => return done.map_err(|error| self.sort(&error, phase)),
                event = self.events.next() => event,
                () = sleep_until(deadline) => return Err(self.too_long(blocked.as_deref())),
            };
            match event {
                Some(Event::ConnectionBlocked(reason)) if blocked.is_none() => {
                    blocked = Some(reason);
                    deadline = Instant::now() + self.blocked_timeout;
                }
                Some(Event::ConnectionUnblocked) => {
                    blocked = None;
                    deadline = Instant::now() + self.confirm_timeout;
                }
                Some(Event::Error(error)) => return Err(self.sort(&error, phase)),
                Some(_) => {}
                None => return Err(self.lost("the connection has ended")),
            }
        }
    }

    /// Waits for the end of the connection.
    pub(super) async fn broken(&mut self) -> QueueError {
        while let Some(event) = self.events.next().await {
            if let Event::Error(error) = event {
                return self.sort(&error, Phase::Running);
            }
        }
        self.lost("the connection has ended")
    }

    fn too_long(&self, blocked: Option<&str>) -> QueueError {
        self.lost(match blocked {
            Some(reason) => format!(
                "held up for {:?} by an alarm of the broker ({reason}); free memory or disk there",
                self.blocked_timeout
            ),
            None => format!("no answer within {:?}", self.confirm_timeout),
        })
    }
}

async fn handshake(
    config: &RabbitmqConfig,
    name: &str,
    wire: Option<Wire>,
) -> Result<Connection, Error> {
    // The client asks for its transport by a function that it might call again; there is one only.
    let wire = Mutex::new(wire);
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let connect = async move |_: AMQPUri, _| {
        let taken = wire.lock().ok().and_then(|mut wire| wire.take());
        let wire = taken.ok_or_else(|| Error::from(std::io::Error::other("connected before")))?;
        Ok(AsyncTcpStream::Plain(runtime::socket(wire)))
    };
    Connection::connector(address(config), runtime::current(), connect, properties).await
}

/// What the handshake needs to know; never shown, for it holds the password.
fn address(config: &RabbitmqConfig) -> AMQPUri {
    AMQPUri {
        // Encrypted or not is decided before.
        scheme: AMQPScheme::AMQP,
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo {
                username: config.user.clone(),
                password: config.password.expose().to_owned(),
            },
            host: config.host.clone(),
            port: config.amqp_port(),
        },
        vhost: config.vhost.clone(),
        query: AMQPQueryString {
            heartbeat: Some(config.heartbeat_secs()),
            ..AMQPQueryString::default()
        },
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Left to itself, the client says goodbye to the broker.
        if let Some(scissors) = self.scissors.take() {
            scissors.disarm();
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("broker", &self.broker)
            .finish_non_exhaustive()
    }
}
