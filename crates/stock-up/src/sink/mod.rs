//! Sinks beside the embedded store: chosen here, fed by analysis, ended after it.
//!
//! One [`Outlet`] per sink is what analysis and the saving thread know of it: where to push points,
//! and how far the sink has come. A store has outlets of its own; a process with several stores
//! makes a set for each, over one [`Client`].

mod telling;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use stock_up_io::clock::Clock;
use stock_up_io::sink::influx::Client;
use stock_up_io::sink::{
    Delivery, DeliverySettings, InfluxSettings, InfluxSink, Left, SinkError, Tail,
};
use stock_up_io::store::{PointRow, ReaderPool, Store};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::hub::Row;
use crate::telemetry::Telemetry;

use telling::Telling;

/// The name under which the store keeps how far the sink has come.
const INFLUXDB: &str = "influxdb";

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
                point: row.to_point(),
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
}

/// What the sinks of all stores of a process share.
#[derive(Debug, Clone)]
pub(crate) struct Influxdb {
    client: Client,
    settings: InfluxSettings,
    batch_wait: Duration,
}

impl Influxdb {
    /// The configured one, if there is one; what it will not take is kept in the folder `dir`.
    ///
    /// # Errors
    /// An address or a file that cannot be used.
    pub(crate) fn new(config: &Config, dir: &Path) -> anyhow::Result<Option<Self>> {
        let config = &config.influxdb;
        if !config.is_on() {
            return Ok(None);
        }
        let settings = config.settings(dir)?;
        let client = Client::new(&settings).context("[influxdb]")?;
        if client.exposes_key() {
            tracing::warn!(
                url = %settings.url,
                "the key to InfluxDB crosses the network unencrypted; https:// is better"
            );
        }
        let batch_wait = config.batch_wait();
        Ok(Some(Self {
            client,
            settings,
            batch_wait,
        }))
    }

    /// The version of the server, once it accepts key and database.
    ///
    /// # Errors
    /// What is wrong, as for a write.
    pub(crate) async fn probe(&self) -> Result<String, SinkError> {
        self.client.probe().await
    }
}

impl Sinks {
    /// The sinks of `store`, which go on where it says.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn new(
        influxdb: Option<&Influxdb>,
        (store, dir): (&Store, &DataDir),
        (telemetry, clock): (&Arc<Telemetry>, &Clock),
    ) -> anyhow::Result<Self> {
        let Some(shared) = influxdb else {
            return Ok(Self::default());
        };
        let cursor = store.cursor(INFLUXDB)?;
        let tail = Tail::new(store.next_emission());
        let outlet = Outlet {
            name: INFLUXDB,
            tail: tail.clone(),
        };
        let sink = InfluxSink::new(shared.client.clone(), &shared.settings, clock.clone());
        let telling = Telling::new(Arc::clone(telemetry), shared.settings.layout);
        let settings = DeliverySettings {
            batch_wait: shared.batch_wait,
            finish: FINISH_TIME,
            seed: clock.now().cast_unsigned(),
            ..DeliverySettings::default()
        };
        let readers = Arc::new(ReaderPool::new(dir.path()));
        let delivery = Delivery::new((sink, telling), (tail, readers), cursor, settings);
        tracing::info!(
            url = %shared.settings.url,
            database = shared.settings.api.target(),
            from = cursor.unwrap_or(0),
            "points go to InfluxDB"
        );
        Ok(Self {
            outlets: Outlets(Arc::from([outlet])),
            influxdb: Some(delivery),
        })
    }

    /// What analysis and the saving thread are given.
    pub(crate) fn outlets(&self) -> Outlets {
        self.outlets.clone()
    }

    /// Starts them as tasks of `runtime`.
    pub(crate) fn start(self, runtime: &Handle) -> Running {
        let (tell, told) = watch::channel(false);
        let mut tasks = JoinSet::new();
        if let Some(delivery) = self.influxdb {
            let mut told = told;
            let told = async move {
                // An error means that nobody can tell any more, which is as good.
                drop(told.wait_for(|told| *told).await);
            };
            tasks.spawn_on(
                async move { delivery.run(told).await.context(INFLUXDB) },
                runtime,
            );
        }
        Running { tell, tasks }
    }
}

/// Sinks at work.
#[derive(Debug)]
pub(crate) struct Running {
    tell: watch::Sender<bool>,
    tasks: JoinSet<anyhow::Result<Left>>,
}

impl Running {
    /// Completes if one of them fails, which they do only when the store cannot be read.
    pub(crate) async fn failed(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            Some(Ok(Err(error))) => error,
            Some(Ok(Ok(_))) => anyhow!("a sink ended early"),
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
            Some(Ok(Err(error))) => Err(error),
            Some(Ok(Ok(_))) => Err(anyhow!("a sink ended early")),
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
            let Left { points } = ended.context("a sink panicked")??;
            if points > 0 {
                tracing::warn!(
                    points,
                    "points are left for InfluxDB; the next start sends them"
                );
            }
        }
        Ok(())
    }
}
