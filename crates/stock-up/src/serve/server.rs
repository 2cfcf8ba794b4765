//! The server: takes its listener and its shutdown, and owns every task that it starts.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use socket2::SockRef;
use stock_up_io::clock::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::access::{Access, Secure, TokenHash};
use super::admission::{Admission, Place, TurnedAway};
use super::config::{Limits, TlsFiles};
use super::connection::{Connections, turn_away};
use super::live::{LiveDoor, Sender};
use super::refusal::Refusal;
use super::request::{Hangup, Peer};
use super::sources::{Reads, Sources};
use super::{App, AppParts, routes, tls};
use crate::hub::Hub;
use crate::telemetry::Telemetry;

/// Clients that are being told why they are turned away; more are closed without a word.
const MAX_TURNING_AWAY: usize = 64;

/// How long to wait when the system has no more sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Everything that role serve needs.
#[derive(Debug)]
pub(crate) struct Serve {
    /// What is live.
    pub(crate) hub: Hub,
    /// The program's own metrics.
    pub(crate) telemetry: Arc<Telemetry>,
    /// What is stored.
    pub(crate) sources: Sources,
    /// `None` asks for no token: loopback only.
    pub(crate) token: Option<TokenHash>,
    /// `None` speaks plainly: loopback only, or behind a proxy.
    pub(crate) tls: Option<TlsFiles>,
    /// Names under which the server is reached, besides `localhost` and its addresses.
    pub(crate) hosts: Vec<String>,
    pub(crate) limits: Limits,
    /// For the life of sessions.
    pub(crate) clock: Clock,
}

/// A server that is ready to run.
pub(crate) struct Server {
    connections: Connections,
    sender: Sender,
    admission: Admission,
    telemetry: Arc<Telemetry>,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Reads the certificate and lays out the routes; fails on what is a fault of the
    /// configuration.
    pub(crate) fn new(serve: Serve) -> anyhow::Result<Self> {
        let tls = serve.tls.as_ref().map(tls::acceptor).transpose()?;
        let (stop, stopping) = watch::channel(false);
        let limits = serve.limits.clone();
        let telemetry = Arc::clone(&serve.telemetry);
        let (door, joining) = LiveDoor::new(limits.live_clients, telemetry.live_clients.clone());
        let sender = Sender {
            hub: serve.hub.clone(),
            telemetry: Arc::clone(&telemetry),
            settings: serve.sources.settings.clone(),
            joining,
        };
        let app = app(serve, door, tls.as_ref());
        let connections = Connections {
            router: routes::router(&app),
            tls,
            limits: limits.clone(),
            stopping,
        };
        Ok(Self {
            connections,
            sender,
            admission: Admission::new(
                limits.connections,
                limits.connections_per_ip,
                telemetry.http_connections.clone(),
            ),
            telemetry,
            stop,
        })
    }

    /// Serves until `shutdown`; then streams end, open requests get a little time, and nothing is
    /// left behind. A panic of a task is passed on.
    pub(crate) async fn run(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> anyhow::Result<()> {
        let patience = self.connections.limits.shutdown_time;
        let mut tasks = Tasks::default();
        tasks
            .serving
            .spawn(self.sender.run(self.connections.stopping.clone()));
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = shutdown.as_mut() => break,
                accepted = listener.accept() => {
                    let reception = Reception {
                        connections: &self.connections,
                        admission: &self.admission,
                        telemetry: &self.telemetry,
                    };
                    reception.receive(accepted, &mut tasks).await;
                }
                Some(ended) = tasks.serving.join_next() => ended?,
                Some(ended) = tasks.turning_away.join_next() => ended?,
            }
        }
        drop(listener);
        // Nobody listens only when every connection has ended.
        self.stop.send_replace(true);
        let all = async {
            while let Some(ended) = tasks.serving.join_next().await {
                ended?;
            }
            anyhow::Ok(())
        };
        if let Ok(ended) = tokio::time::timeout(patience, all).await {
            ended?;
        } else {
            tracing::info!("closing connections that are still busy");
        }
        tasks.serving.shutdown().await;
        tasks.turning_away.shutdown().await;
        Ok(())
    }
}

fn app(serve: Serve, live: LiveDoor, tls: Option<&TlsAcceptor>) -> App {
    let limits = serve.limits;
    let secure = if tls.is_some() {
        Secure::Tls
    } else {
        Secure::Plain
    };
    App::new(AppParts {
        access: Access::new(serve.token, serve.clock, &limits, secure),
        reads: Reads::new(limits.reads, limits.answer_time / 2),
        hub: serve.hub,
        telemetry: serve.telemetry,
        sources: serve.sources,
        hosts: serve.hosts,
        live,
        limits,
    })
}

#[derive(Default)]
struct Tasks {
    serving: JoinSet<()>,
    turning_away: JoinSet<()>,
}

struct Reception<'a> {
    connections: &'a Connections,
    admission: &'a Admission,
    telemetry: &'a Telemetry,
}

impl Reception<'_> {
    async fn receive(&self, accepted: io::Result<(TcpStream, SocketAddr)>, tasks: &mut Tasks) {
        let (socket, remote) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of sockets: waiting lets connections end; anything else passes at once.
                tracing::warn!(%error, "a connection could not be accepted");
                return tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        };
        match self.admission.enter(remote.ip().to_canonical()) {
            Ok(place) => self.serve(socket, remote, place, tasks),
            Err(why) => self.refuse(socket, why, tasks),
        }
    }

    fn serve(&self, socket: TcpStream, remote: SocketAddr, place: Place, tasks: &mut Tasks) {
        let Ok(local) = prepare(&socket, &self.connections.limits) else {
            // The client has left already.
            return;
        };
        let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
        let peer = Peer {
            remote,
            local,
            hangup: Hangup::default(),
        };
        let connections = self.connections.clone();
        tasks.serving.spawn(async move {
            connections.serve(socket, peer).await;
            drop(place);
        });
    }

    fn refuse(&self, socket: TcpStream, why: TurnedAway, tasks: &mut Tasks) {
        let counter = &self.telemetry.http_connections_refused;
        counter.get_or_create(&[("reason", why.name())]).inc();
        // Words without TLS would only confuse a client that speaks TLS.
        if self.connections.tls.is_some() || tasks.turning_away.len() >= MAX_TURNING_AWAY {
            return;
        }
        let (status, refusal) = match why {
            TurnedAway::Full => {
                let detail = "the server has all the connections it takes; try again soon";
                let status = StatusCode::SERVICE_UNAVAILABLE;
                (status, Refusal::new(status, "full", detail))
            }
            TurnedAway::PerIp => {
                let detail = "too many connections from this address; close some";
                let refusal = Refusal::too_many("too_many_connections", detail, 5);
                (StatusCode::TOO_MANY_REQUESTS, refusal)
            }
        };
        tasks.turning_away.spawn(turn_away(socket, refusal, status));
    }
}

fn prepare(socket: &TcpStream, limits: &Limits) -> io::Result<SocketAddr> {
    // Events are small and shall leave at once; what a slow client leaves lying is bounded.
    socket.set_nodelay(true)?;
    SockRef::from(socket).set_send_buffer_size(limits.send_buffer_bytes)?;
    socket.local_addr()
}
