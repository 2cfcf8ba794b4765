//! `stock-up run`: collect, log, analyze, store and serve, in one process or with a queue between
//! them ([`queued`]).
//!
//! ```text
//! feed ─▶ collect (thread) ─▶ log ─▶ analyze (thread) ─▶ save (thread) ─▶ store
//!                                          └─▶ hub ─▶ serve
//! ```

mod feed;
pub(crate) mod history;
mod logging;
mod parts;
mod pipeline;
mod queued;
mod stop;
mod supervisor;

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::anyhow;
use stock_up_io::clock::Clock;

use crate::cli::{Roles, RunArgs};
use crate::collect::{End, Venue};
use crate::config::{Config, QueueKind, duration};
use crate::failure::{Failure, Outcome};
use crate::serve::Exposure;
use crate::venue::Source;

use logging::Logging;
use parts::Parts;
use pipeline::Pipeline;
use queued::Queued;

/// Runs the roles until it is told to stop, or until nothing comes any more.
pub(crate) fn run(args: &RunArgs) -> Outcome {
    let logging = Logging::start();
    let config = Config::for_run(args)?;
    let (queue, roles) = (config.queue.kind, Roles::of(args));
    let clock = Clock::system();
    let until_idle = args.until_idle.map(duration);
    let listener = listen(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let ended = if queue == QueueKind::Embedded {
        refuse_partial_roles(roles)?;
        let source = Source::new(&config, &clock).map_err(Failure::usage)?;
        let parts = Parts::open(&config, args)?;
        let pipeline = Pipeline {
            config,
            clock,
            logging,
            source,
            parts,
            until_idle,
        };
        pipeline.run(&runtime, listener)
    } else {
        let queued = Queued {
            config,
            args,
            roles,
            clock,
            logging,
            until_idle,
        };
        queued.run(&runtime, listener)
    };
    // Nothing is left that must be waited for: what blocks on a disk is done or failed.
    runtime.shutdown_background();
    match ended? {
        End::Told | End::Idle => Ok(()),
        End::Refused(reason) => Err(Failure::auth(anyhow!("the venue refuses us: {reason}"))),
    }
}

/// Roles in processes of their own need a queue between them.
fn refuse_partial_roles(roles: Roles) -> Outcome {
    if roles == Roles::ALL {
        return Ok(());
    }
    Err(Failure::usage(anyhow!(
        "--role: with the embedded log one process does all roles; leave it out, \
         or set `type` in `[queue]` to `kafka` or `rabbitmq`"
    )))
}

fn listen(config: &Config) -> Outcome<TcpListener> {
    let serve = &config.serve;
    let has = |path: &PathBuf| !path.as_os_str().is_empty();
    let exposure = Exposure {
        listen: serve.listen,
        has_token: has(&serve.token_file),
        has_tls: has(&serve.tls_cert),
        insecure: serve.insecure,
    };
    exposure.check().map_err(Failure::usage)?;
    let listener =
        TcpListener::bind(serve.listen).map_err(|error| refused_address(serve.listen, error))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn refused_address(address: SocketAddr, error: io::Error) -> Failure {
    let what = match error.kind() {
        io::ErrorKind::AddrInUse => "is in use; stop the other program, or give another --listen",
        io::ErrorKind::PermissionDenied => {
            "needs rights that this user lacks; give a port above 1023"
        }
        io::ErrorKind::AddrNotAvailable => "is not an address of this machine",
        _ => "cannot be listened on",
    };
    Failure::usage(anyhow::Error::new(error).context(format!("address {address} {what}")))
}

/// Says where to look: scripts read it when they asked for a free port.
fn announce(config: &Config, listener: &TcpListener, venue: Venue) -> io::Result<()> {
    let scheme = if config.serve.tls_cert.as_os_str().is_empty() {
        "http"
    } else {
        "https"
    };
    let market = if venue.simulated {
        ", a simulated market"
    } else {
        ""
    };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "page at {scheme}://{} (venue {}{market})",
        listener.local_addr()?,
        venue.name
    )?;
    out.flush()
}
