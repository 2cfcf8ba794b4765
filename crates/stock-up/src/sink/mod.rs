//! Sinks beside the embedded store: chosen here, fed by analysis, ended after it.
//!
//! One [`Outlet`] per sink is what analysis and the saving thread know of it: where to push points,
//! and how far the sink has come. A store has outlets of its own; a process with several stores
//! makes a set for each, over one client.

mod influxdb;
#[cfg(feature = "kafka")]
mod kafka;
mod telling;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use stock_up_core::{Point, SymbolId};
use stock_up_io::clock::Clock;
#[cfg(feature = "kafka")]
use stock_up_io::queue::kafka::KafkaPointSink;
use stock_up_io::sink::{Delivery, DeliverySettings, InfluxSink, Left, Sink, Tail, Watch};
use stock_up_io::store::{PointRow, ReaderPool, Store};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::hub::Row;
use crate::telemetry::Telemetry;

pub(crate) use influxdb::Influxdb;
#[cfg(feature = "kafka")]
use kafka::KafkaPoints;
use telling::Telling;

/// The names under which the store keeps how far the sinks have come.
const INFLUXDB: &str = "influxdb";
#[cfg(feature = "kafka")]
const KAFKA: &str = "kafka";

/// How long the rest is tried at the end; with all else that ends it stays within five seconds.
const FINISH_TIME: Duration = Duration::from_secs(3);

/// A sink, for those who feed it.
#[derive(Debug, Clone)]
pub(crate) struct Outlet {
    name: &'static str,
    tail: Tail,
}

/// The sinks of one store, for those who feed them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outlets(Arc<[Outlet]>);

impl Outlets {
    /// Points were emitted; `first` is the number of the first.
    pub(crate) fn push(&self, first: u64, rows: &[Arc<Row>]) {
        for outlet in self.0.iter() {
            let numbered = (first..).zip(rows);
            outlet.tail.push(numbered.map(|(number, row)| PointRow {
                emission: number,
                symbol: Arc::clone(&row.symbol),
                point: Point {
                    symbol: SymbolId(0),
                    ..row.point.clone()
                },
            }));
        }
    }

    /// All points before number `next` are in the store.
    pub(crate) fn saved(&self, next: u64) {
        for outlet in self.0.iter() {
            outlet.tail.saved(next);
        }
    }

    /// How far the sinks have come, as the store keeps it.
    pub(crate) fn cursors(&self) -> Vec<(&'static str, u64)> {
        let cursor = |outlet: &Outlet| (outlet.name, outlet.tail.cursor());
        self.0.iter().map(cursor).collect()
    }
}

/// The sinks of one store, ready to run.
#[derive(Debug, Default)]
pub(crate) struct Sinks {
    outlets: Outlets,
    influxdb: Option<Delivery<InfluxSink, Telling>>,
    #[cfg(feature = "kafka")]
    kafka: Option<Delivery<KafkaPointSink, Telling>>,
}

/// Where points go besides the store: what the sinks of all stores of a process share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Targets {
    influxdb: Option<Influxdb>,
    #[cfg(feature = "kafka")]
    kafka: Option<KafkaPoints>,
}

impl Targets {
    /// The configured ones; what they will not take is kept in the folder `dir`.
    ///
    /// # Errors
    /// An address or a file that cannot be used.
    pub(crate) fn new(config: &Config, dir: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            influxdb: Influxdb::new(config, dir)?,
            #[cfg(feature = "kafka")]
            kafka: KafkaPoints::new(config),
        })
    }
}

/// One store and what its sinks need to know.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    pub(crate) store: &'a Store,
    pub(crate) dir: &'a DataDir,
    /// Which part of the log it holds, of how many.
    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "only Kafka asks"))]
    pub(crate) partition: (u32, u32),
    pub(crate) telemetry: &'a Telemetry,
    pub(crate) clock: &'a Clock,
}

impl Site<'_> {
    /// A sink that goes on where the store says, the way to feed it, and from where it goes on.
    fn deliver<S: Sink<PointRow>, W: Watch>(
        &self,
        name: &'static str,
        (sink, telling): (S, W),
        batch_wait: Duration,
    ) -> anyhow::Result<(Delivery<S, W>, Outlet, u64)> {
        let cursor = self.store.cursor(name)?;
        let tail = Tail::new(self.store.next_emission());
        let outlet = Outlet {
            name,
            tail: tail.clone(),
        };
        let settings = DeliverySettings {
            batch_wait,
            finish: FINISH_TIME,
            seed: self.clock.now().cast_unsigned(),
            ..DeliverySettings::default()
        };
        let readers = Arc::new(ReaderPool::new(self.dir.path()));
        let delivery = Delivery::new((sink, telling), (tail, readers), cursor, settings);
        Ok((delivery, outlet, cursor.unwrap_or(0)))
    }
}

impl Sinks {
    /// The sinks of a store, which go on where it says.
    ///
    /// # Errors
    /// If the store cannot be read, or a file with a password.
    pub(crate) fn new(targets: &Targets, site: &Site<'_>) -> anyhow::Result<Self> {
        let (mut sinks, mut outlets) = (Self::default(), Vec::new());
        if let Some(influxdb) = &targets.influxdb {
            let (sink, wait) = influxdb.sink(site.clock);
            let both = (sink, influxdb.telling(site));
            let (delivery, outlet, from) = site.deliver(INFLUXDB, both, wait)?;
            influxdb.announce(from);
            sinks.influxdb = Some(delivery);
            outlets.push(outlet);
        }
        #[cfg(feature = "kafka")]
        if let Some(kafka) = &targets.kafka {
            let (sink, wait) = kafka.sink(site)?;
            let both = (sink, KafkaPoints::telling(site));
            let (delivery, outlet, from) = site.deliver(KAFKA, both, wait)?;
            kafka.announce(from);
            sinks.kafka = Some(delivery);
            outlets.push(outlet);
        }
        sinks.outlets = Outlets(outlets.into());
        Ok(sinks)
    }

    /// What analysis and the saving thread are given.
    pub(crate) fn outlets(&self) -> Outlets {
        self.outlets.clone()
    }

    /// Starts them as tasks of `runtime`.
    pub(crate) fn start(self, runtime: &Handle) -> Running {
        let tell = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        if let Some(delivery) = self.influxdb {
            let told = is_told(tell.subscribe());
            let run = async move { ("InfluxDB", delivery.run(told).await.context(INFLUXDB)) };
            tasks.spawn_on(run, runtime);
        }
        #[cfg(feature = "kafka")]
        if let Some(delivery) = self.kafka {
            let told = is_told(tell.subscribe());
            let run = async move { ("Kafka", delivery.run(told).await.context(KAFKA)) };
            tasks.spawn_on(run, runtime);
        }
        Running { tell, tasks }
    }
}

async fn is_told(mut told: watch::Receiver<bool>) {
    // An error means that nobody can tell any more, which is as good.
    drop(told.wait_for(|told| *told).await);
}

/// Sinks at work.
#[derive(Debug)]
pub(crate) struct Running {
    tell: watch::Sender<bool>,
    /// What people call them, and how they ended.
    tasks: JoinSet<(&'static str, anyhow::Result<Left>)>,
}

impl Running {
    /// Completes if one of them fails, which they do only when the store cannot be read.
    pub(crate) async fn failed(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            Some(Ok((_, Err(error)))) => error,
            Some(Ok((_, Ok(_)))) => anyhow!("a sink ended early"),
            Some(Err(panic)) => anyhow::Error::new(panic).context("a sink panicked"),
            None => std::future::pending().await,
        }
    }

    /// As [`Running::failed`], without waiting.
    ///
    /// # Errors
    /// The failure of the sink that failed.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        match self.tasks.try_join_next() {
            Some(Ok((_, Err(error)))) => Err(error),
            Some(Ok((_, Ok(_)))) => Err(anyhow!("a sink ended early")),
            Some(Err(panic)) => Err(anyhow::Error::new(panic).context("a sink panicked")),
            None => Ok(()),
        }
    }

    /// Lets them write the rest, for a while: what is left is sent at the next start.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) async fn finish(mut self) -> anyhow::Result<()> {
        self.tell.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            let (name, left) = ended.context("a sink panicked")?;
            let Left { points } = left?;
            if points > 0 {
                tracing::warn!(
                    points,
                    "points are left for {name}; the next start sends them"
                );
            }
        }
        Ok(())
    }
}
