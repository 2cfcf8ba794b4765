//! `venue serve`: a local venue over recorded trades, for trying things out and for tests.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use stock_up_io::feed::tape_venue::{Fault, Speed, TapeVenue, TapeVenueSettings, serve_control};
use stock_up_io::feed::{Secret, acceptor, finnhub};
use stock_up_io::tape::TapeReader;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::failure::{Failure, Outcome};

const EXAMPLES: &str = "\
Examples:
  stock-up venue serve --tape spy.csv.gz --listen 127.0.0.1:4000 --speed 60
  stock-up venue serve --tape spy.csv.gz --listen 127.0.0.1:4000 --speed max --fault drop@1000

Then, in another terminal:
  QUOTE_SERVER=ws://127.0.0.1:4000 QUOTE_API_TOKEN=any stock-up run --symbols SPY

Faults are NAME[:ARGUMENT][@TRADES][,every=N][,times=N][,retry=SECONDS]:
  drop, reset, close:CODE, mute, half-open, repeat:N, reorder, error:TEXT, garbage, refuse:STATUS,
  cut, resume; without @TRADES at once, else after so many trades of the tape.";

/// Runs a local venue over recorded trades
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct VenueArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Serve(Box<ServeArgs>),
}

/// Speaks Finnhub's protocol over recorded trades, with faults on demand
///
/// Time on the tape stands still until somebody has subscribed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct ServeArgs {
    /// Trade files, merged by time; `-` is standard input
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    tape: Vec<PathBuf>,

    /// Where clients connect; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,

    /// How fast time on the tape runs: a factor, or `max`
    #[arg(long, default_value = "1")]
    speed: Speed,

    /// What goes wrong, and when, such as drop@1000; may be given several times
    #[arg(long)]
    fault: Vec<Fault>,

    /// Takes faults while it runs: POST /control, GET /status; a loopback address
    #[arg(long, value_name = "ADDRESS")]
    control: Option<SocketAddr>,

    /// The only token that is let in; any if not given
    #[arg(long)]
    token: Option<String>,

    /// The tape waits while nobody is subscribed
    #[arg(long)]
    hold: bool,

    /// Symbols that one connection may observe
    #[arg(long, value_name = "COUNT", default_value_t = finnhub::DEFAULT_MAX_SYMBOLS)]
    max_symbols: usize,

    /// Cuts times to the milliseconds of the protocol instead of refusing finer ones
    #[arg(long)]
    truncate_time: bool,

    /// Certificate chain for wss://, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// Key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

/// Does `venue serve`.
pub(super) fn venue(args: VenueArgs) -> Outcome {
    let What::Serve(args) = args.what;
    let mut tapes = Vec::new();
    for file in &args.tape {
        tapes.push(TapeReader::open(file)?);
    }
    let (listen, control) = (args.listen, args.control);
    let venue = TapeVenue::new(tapes, args.settings()?)?;
    let scheme = if args.tls_cert.is_some() { "wss" } else { "ws" };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async move {
        let listener = bind(listen).await?;
        let (stop, _) = watch::channel(false);
        let controls = match control {
            Some(address) => Some((bind(address).await?, venue.control())),
            None => None,
        };
        announce(
            scheme,
            &listener,
            controls.as_ref().map(|(listener, _)| listener),
        )?;
        let serving = venue.serve(listener, told(&stop));
        let controlling = async {
            match controls {
                Some((listener, control)) => serve_control(control, listener, told(&stop)).await,
                None => Ok(()),
            }
        };
        let stopping = async {
            let stopped = stop_signal().await;
            stop.send_replace(true);
            stopped
        };
        tokio::select! {
            // The tape cannot be read any further, or it was told to stop.
            served = serving => Ok(served?),
            stopped = async { tokio::try_join!(controlling, stopping) } => Ok(stopped.map(drop)?),
        }
    })
}

impl ServeArgs {
    fn settings(&self) -> Outcome<TapeVenueSettings> {
        let tls = self.tls_cert.as_deref().zip(self.tls_key.as_deref());
        let tls = tls
            .map(|(cert, key)| acceptor(cert, key))
            .transpose()
            .map_err(Failure::usage)?;
        Ok(TapeVenueSettings {
            speed: self.speed,
            token: self.token.as_deref().map(Secret::new),
            hold: self.hold,
            max_symbols: self.max_symbols,
            truncate_time: self.truncate_time,
            tls,
            faults: self.fault.clone(),
            ..TapeVenueSettings::default()
        })
    }
}

async fn bind(address: SocketAddr) -> Outcome<TcpListener> {
    let bound = TcpListener::bind(address).await;
    let what =
        || format!("cannot listen on {address}; give another address, or port 0 for a free one");
    bound.with_context(what).map_err(Failure::usage)
}

/// Says where the venue is: scripts read it when they asked for a free port.
fn announce(scheme: &str, venue: &TcpListener, control: Option<&TcpListener>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "venue at {scheme}://{}", venue.local_addr()?)?;
    if let Some(control) = control {
        writeln!(out, "control at http://{}", control.local_addr()?)?;
    }
    out.flush()
}

/// Completes when it is time to stop.
fn told(stop: &watch::Sender<bool>) -> impl Future<Output = ()> + Send + 'static {
    let mut told = stop.subscribe();
    async move {
        // An error means that nobody can tell any more, which is as good.
        drop(told.wait_for(|told| *told).await);
    }
}

/// Completes when the system asks the process to end.
async fn stop_signal() -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
