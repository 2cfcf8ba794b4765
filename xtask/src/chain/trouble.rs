//! What goes wrong, and when: seconds since the tapes began.
//!
//! Outages overlap at their ends, so that every server is once away together with another one.
//! Roles are killed while all is well, and while each server is away.

use std::thread;
use std::time::Duration;

use super::role::POLL;
use super::transport::Transport;
use crate::services::{Running, Service};
use crate::stopwatch::{Shown, Stopwatch};

/// How long each server is away.
const OUTAGE: Duration = Duration::from_mins(1);

/// A server is stopped, and a minute later started again.
#[derive(Debug)]
pub(super) struct Outage {
    service: Service,
    at: Duration,
}

const fn outage(at: u64, service: Service) -> Outage {
    Outage {
        service,
        at: Duration::from_secs(at),
    }
}

/// The brokers and the database are away while the market is open.
pub(super) const OUTAGES: [Outage; 5] = [
    outage(40, Service::Redis),
    outage(85, Service::Kafka),
    outage(120, Service::RabbitMq),
    outage(165, Service::InfluxDb),
    outage(205, Service::Etcd),
];

impl Outage {
    /// Waits for its time, then lets it happen; returns when the server answers again.
    pub(super) fn happen(&self, servers: &Running, watch: Stopwatch) -> anyhow::Result<()> {
        let wait_until = |time: Duration| {
            while watch.elapsed() < time {
                thread::sleep(POLL);
            }
        };
        let name = self.service.name();
        wait_until(self.at);
        println!("{:>12}  {name} is asked to stop", Shown(watch.elapsed()));
        servers.stop(self.service)?;
        let stopped = watch.elapsed();
        wait_until(stopped + OUTAGE);
        servers.start_again(self.service)?;
        let away = Shown(watch.elapsed().saturating_sub(stopped));
        println!(
            "{:>12}  {name} answers again, after {away}",
            Shown(watch.elapsed())
        );
        Ok(())
    }
}

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Analyze,
    Collect,
}

impl Target {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Analyze => "analyze",
            Self::Collect => "collect",
        }
    }
}

/// `kill -9` of a role; it is started again at once.
#[derive(Debug)]
pub(super) struct Kill {
    pub(super) at: Duration,
    pub(super) role: Target,
    /// On the routes of these transports.
    pub(super) transports: &'static [Transport],
}

const fn kill(at: u64, role: Target, transports: &'static [Transport]) -> Kill {
    Kill {
        at: Duration::from_secs(at),
        role,
        transports,
    }
}

const RABBITMQ: &[Transport] = &[Transport::Quorum, Transport::Classic, Transport::Stream];

pub(super) const KILLS: [Kill; 12] = [
    // All is well.
    kill(20, Target::Analyze, &Transport::ALL),
    kill(30, Target::Collect, &Transport::ALL),
    // Redis is away.
    kill(55, Target::Analyze, &Transport::ALL),
    kill(65, Target::Collect, &Transport::ALL),
    // Kafka is away.
    kill(105, Target::Analyze, &[Transport::Kafka]),
    kill(110, Target::Collect, &[Transport::Kafka]),
    // RabbitMQ is away.
    kill(150, Target::Collect, RABBITMQ),
    kill(155, Target::Analyze, RABBITMQ),
    // InfluxDB is away.
    kill(190, Target::Analyze, &Transport::ALL),
    kill(195, Target::Collect, &Transport::ALL),
    // etcd is away.
    kill(230, Target::Analyze, &Transport::ALL),
    kill(240, Target::Collect, &Transport::ALL),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_comes_in_order_and_every_server_has_its_minute() {
        assert!(KILLS.is_sorted_by_key(|kill| kill.at));
        for service in Service::USUAL {
            let outage = OUTAGES.iter().find(|outage| outage.service == service);
            let at = outage.expect("each has one").at;
            let away = at..at + OUTAGE;
            for role in [Target::Analyze, Target::Collect] {
                let killed = |kill: &Kill| kill.role == role && away.contains(&kill.at);
                assert!(KILLS.iter().any(killed), "{role:?} without {service:?}");
            }
        }
    }
}
