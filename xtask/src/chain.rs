//! The whole chain over real servers, through everything that goes wrong: a day of recorded trades
//! from `venue serve` over the websocket, through each transport, to InfluxDB, equal to `replay`.
//!
//! ```text
//! venue serve ─▶ collect ─▶ Kafka | RabbitMQ: quorum, classic, stream ─▶ analyze ─▶ InfluxDB
//!                   └── settings from etcd ──────────┬──────────────────────┘
//!                                                    └── checkpoints shared through Redis
//! ```
//!
//! All routes run side by side over one set of five servers. Meanwhile each server is stopped for a
//! minute and started again, and roles are killed ([`trouble`]). In the end InfluxDB must hold, for
//! each route, point for point what `replay` makes of the tape; where `collect` was killed, what it
//! makes of the log, and all that the log misses of the tape must lie in gaps that it declares.

mod database;
mod day;
mod loss;
mod points;
mod role;
mod route;
mod transport;
mod trouble;

use std::path::Path;
use std::thread;

use anyhow::bail;

use crate::services::Running;
use crate::stopwatch::{Shown, Stopwatch};
use crate::transcript::Transcript;
use crate::{tapes, workspace};
use day::Day;
use route::{Place, Plan, Route};
use transport::Transport;
use trouble::{Kill, Target};

/// The set of servers is our own: they are stopped.
const SERVERS: &str = "services-chain";

/// Builds the program and proves it, or says why that cannot be done here.
pub(crate) fn run() -> anyhow::Result<Transcript> {
    let mut transcript = Transcript::default();
    let Some(tapes) = tapes::locate()? else {
        let what = "the chain: set `STOCK_UP_TAPES` to the folder of the tapes";
        return Ok(skipped(transcript, what));
    };
    let binary = workspace::build_for_tests()?;
    let Some(servers) = Running::for_tests(SERVERS)? else {
        let what = "the chain: Kafka, RabbitMQ, InfluxDB, etcd and Redis are missing";
        return Ok(skipped(transcript, what));
    };
    let folder = tempfile::Builder::new()
        .prefix("stock-up-chain-")
        .tempdir()?;
    match prove(&binary, &tapes, &servers, folder.path()) {
        Ok(proven) => {
            transcript.passed = proven;
            Ok(transcript)
        }
        Err(error) => {
            let kept = folder.keep();
            Err(error.context(format!("the logs of the roles are in `{}`", kept.display())))
        }
    }
}

fn skipped(mut transcript: Transcript, what: &str) -> Transcript {
    println!("SKIPPED {what}");
    transcript.skipped.push(what.to_owned());
    transcript
}

/// Plays all routes through all the trouble; the answer is how many were equal.
fn prove(binary: &Path, tapes: &Path, servers: &Running, folder: &Path) -> anyhow::Result<usize> {
    let day = Day::prepare(tapes, folder)?;
    let place = Place {
        binary,
        folder,
        servers: servers.environment(),
    };
    let mut routes = Vec::new();
    for plan in plans(&day) {
        routes.push(Route::prepare(&place, plan)?);
    }
    let watch = Stopwatch::start();
    for route in &mut routes {
        route.begin()?;
    }
    play(&mut routes, servers, watch)?;
    let expected = day.replay(binary)?;
    for route in &mut routes {
        route.come_to_rest(&expected)?;
        println!(
            "{:>12}  {}: the tape is at its end",
            Shown(watch.elapsed()),
            route.name()
        );
    }
    let wrong: Vec<String> = thread::scope(|scope| {
        let check = |route: &Route| match route.check(&expected) {
            Ok(said) => {
                println!("{:>12}  {}: {said}", Shown(watch.elapsed()), route.name());
                None
            }
            Err(error) => Some(format!("{}: {error:#}", route.name())),
        };
        let checks = routes.iter().map(|route| scope.spawn(move || check(route)));
        let checks: Vec<_> = checks.collect();
        let ended = checks
            .into_iter()
            .map(|check| check.join().expect("it does not panic"));
        ended.flatten().collect()
    });
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(routes.len())
}

/// Each transport twice: over the whole tape, where analyzers are killed, and over a smaller one,
/// where collectors are killed too.
fn plans(day: &Day) -> Vec<Plan> {
    let whole = Transport::ALL.map(|transport| Plan {
        name: transport.name().to_owned(),
        transport,
        tape: day.whole(),
        loses: false,
    });
    let torn = Transport::ALL.map(|transport| Plan {
        name: format!("{}-torn", transport.name()),
        transport,
        tape: day.part(),
        loses: true,
    });
    whole.into_iter().chain(torn).collect()
}

/// Everything that goes wrong, at its time.
fn play(routes: &mut [Route], servers: &Running, watch: Stopwatch) -> anyhow::Result<()> {
    thread::scope(|scope| {
        let outages: Vec<_> = trouble::OUTAGES
            .iter()
            .map(|outage| scope.spawn(move || outage.happen(servers, watch)))
            .collect();
        for kill in trouble::KILLS {
            guard_until(routes, || watch.elapsed() >= kill.at)?;
            let hit = strike(routes, &kill)?;
            let (at, role) = (Shown(watch.elapsed()), kill.role.name());
            println!(
                "{at:>12}  {role} of {} killed and started again",
                hit.join(", ")
            );
        }
        guard_until(routes, || {
            outages.iter().all(thread::ScopedJoinHandle::is_finished)
        })?;
        for outage in outages {
            let happened = outage.join();
            happened.map_err(|_| anyhow::anyhow!("an outage panicked"))??;
        }
        routes.iter().try_for_each(Route::is_in_the_middle)
    })
}

/// Kills a role on all routes that it is meant for; gives their names.
fn strike<'a>(routes: &'a mut [Route], kill: &Kill) -> anyhow::Result<Vec<&'a str>> {
    let mut hit = Vec::new();
    for route in routes {
        if !kill.transports.contains(&route.transport()) {
            continue;
        }
        match kill.role {
            Target::Analyze => route.kill_analyze()?,
            // Of a whole tape nothing may be missed.
            Target::Collect if route.loses() => route.kill_collect()?,
            Target::Collect => continue,
        }
        hit.push(route.name());
    }
    Ok(hit)
}

/// Waits, and fails as soon as a role ends by itself.
fn guard_until(routes: &mut [Route], is_over: impl Fn() -> bool) -> anyhow::Result<()> {
    while !is_over() {
        for route in routes.iter_mut() {
            route.guard()?;
        }
        thread::sleep(role::POLL);
    }
    Ok(())
}
