//! One partition at work: its folder, its analyzer, its thread.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use stock_up_core::{Analyzer, AnalyzerSettings, Emission};
use stock_up_io::queue::message::{self, Header};
use stock_up_io::queue::{Incoming, Place, Start};
use stock_up_io::store::{GapFilter, ReaderPool, Store, StoreReader};
use tokio::sync::mpsc;
use tokio::sync::oneshot;

use super::Follow;
use super::origin::{FeedNotes, Origin};
use crate::analyze::{
    Analysis, Analyze, Delivery, Done, Finish, Input, Part, Partition, Recent, Saver, Sharer,
};
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::run::history::Stored;
use crate::sink;
use crate::sink::Sinks;

/// Messages that wait for a partition's analyzer; with more, reading waits.
const WAITING_MESSAGES: usize = 64;

/// What partitions have in common, and where they tell what is saved.
pub(super) type Site<'a> = (&'a Follow, &'a mpsc::Sender<Done>);

/// A partition whose records are analysed here.
#[derive(Debug)]
pub(super) struct Running {
    origin: Origin,
    deliveries: mpsc::Sender<Delivery>,
    thread: std::thread::Thread,
    finish: Arc<Finish>,
    pub(super) sinks: sink::Running,
    pub(super) ended: oneshot::Receiver<anyhow::Result<()>>,
    /// Where the consumer goes on if it is lost and made anew.
    pub(super) place: Place,
    /// The number after the last record that was delivered.
    end: u64,
}

/// What is known of a partition before its first message.
pub(super) enum Opened {
    /// It goes on from a saved state.
    Resumed(Box<Running>, Start),
    /// There is none: whose log it is, its first message says.
    Empty(Box<Empty>),
}

/// A partition without a state.
#[derive(Debug)]
pub(super) struct Empty {
    path: PathBuf,
    store: Store,
    sharer: Option<Sharer>,
}

impl Running {
    /// Takes a partition up where its state was saved, here or by another machine.
    pub(super) fn open(site: Site<'_>, partition: u32) -> anyhow::Result<Opened> {
        let follow = site.0;
        let path = follow.dir.partition(partition);
        fs::create_dir_all(&path)
            .with_context(|| format!("cannot make the folder `{}`", path.display()))?;
        let mut store = Store::open(&path)?;
        let sharer = if let Some(patience) = &follow.shares {
            let name = follow.queue.partition_name(partition);
            let site = (&follow.config, &*follow.telemetry, patience);
            Sharer::begin(site, name, &mut store, None).map_err(Failure::into_error)?
        } else {
            None
        };
        let Some(checkpoint) = store.checkpoint()? else {
            return Ok(Opened::Empty(Box::new(Empty {
                path,
                store,
                sharer,
            })));
        };
        let (origin, analyzer) = Origin::decode(&checkpoint.state)?;
        let analyzer = Analyzer::restore(analyzer)
            .with_context(|| format!("state of partition {partition} cannot be used"))?;
        let empty = Empty {
            path,
            store,
            sharer,
        };
        let place = origin.place;
        let running = Self::start(site, origin, empty, analyzer)?;
        Ok(Opened::Resumed(Box::new(running), Start::At(place)))
    }

    /// Begins a partition with its first message.
    pub(super) fn begin(
        site: Site<'_>,
        empty: Empty,
        header: &Header,
        at: Place,
    ) -> anyhow::Result<Self> {
        let origin = Origin {
            source: header.source,
            partition: header.partition,
            partitions: header.partitions,
            place: at,
            feed: FeedNotes::default(),
        };
        let analyzer = Analyzer::new(AnalyzerSettings::default(), Emission::Grid, 0);
        Self::start(site, origin, empty, analyzer)
    }

    fn start(
        (follow, saved): Site<'_>,
        origin: Origin,
        Empty {
            path,
            store,
            sharer,
        }: Empty,
        analyzer: Analyzer,
    ) -> anyhow::Result<Self> {
        let dir = DataDir::of_partition(&path, origin.source).map_err(Failure::into_error)?;
        let end = analyzer.position();
        let (deliveries, delivered) = mpsc::channel(WAITING_MESSAGES);
        let open_gap = StoreReader::open(dir.path())?
            .gaps(&GapFilter::default())?
            .into_iter()
            .next_back()
            .filter(|gap| gap.to.is_none());
        let site = sink::Site {
            store: &store,
            dir: &dir,
            partition: (origin.partition, origin.partitions),
            telemetry: &follow.telemetry,
            clock: &follow.clock,
        };
        let sinks = Sinks::new(&follow.targets, &site)?;
        let recent = Arc::new(Recent::new(sinks.outlets()));
        let history = Stored {
            readers: ReaderPool::new(dir.path()),
            recent: Arc::clone(&recent),
        };
        let tells_gaps = follow.history.add(&origin, history);
        let (retention, telemetry) = (follow.retention, Arc::clone(&follow.telemetry));
        let saver = Saver::start(
            (store, sharer),
            retention,
            Arc::clone(&recent),
            Arc::clone(&telemetry),
        )?;
        let analysis = Analysis::begin(Analyze {
            analyzer,
            input: Input::Queue(Partition::new(
                origin.clone(),
                delivered,
                saved.clone(),
                follow.queue.save_after(),
            )),
            saver,
            open_gap,
            hub: follow.hub.clone(),
            recent,
            telemetry,
            part: Part {
                receives: follow.receives,
                tells_gaps,
            },
        })?;
        let (finish, place) = (Arc::new(Finish::default()), origin.place);
        let told = Arc::clone(&finish);
        let (tell, ended) = oneshot::channel();
        let handle = std::thread::Builder::new()
            .name(format!("analyze-{}", origin.partition))
            .spawn(move || {
                // Nobody listens only when the process ends anyway.
                drop(tell.send(analysis.run(&told)));
            })?;
        Ok(Self {
            origin,
            deliveries,
            sinks: sinks.start(&follow.runtime),
            thread: handle.thread().clone(),
            finish,
            ended,
            place,
            end,
        })
    }

    /// Hands a message to the analyzer, waiting for room; the answer is the first record that is
    /// missing before it, if one is: then it is not handed over.
    pub(super) async fn deliver(
        &mut self,
        batch: message::Batch,
        incoming: &Incoming,
        consumer: u64,
    ) -> anyhow::Result<Option<u64>> {
        let message::Batch { header, records } = batch;
        if let Some(conflict) = self.origin.conflict(&header) {
            return Err(anyhow!("partition {} holds {conflict}", header.partition));
        }
        if header.first_seq > self.end {
            return Ok(Some(self.end));
        }
        let count: u64 = records.iter().map(|record| u64::from(record.count())).sum();
        self.end = self.end.max(header.first_seq + count);
        let done = Done {
            partition: header.partition,
            consumer,
            place: incoming.next,
        };
        let delivery = Delivery {
            first_seq: header.first_seq,
            records,
            done,
        };
        let sent = self.deliveries.send(delivery).await;
        self.thread.unpark();
        self.place = incoming.next;
        // Its end, which says why, is seen by whoever watches over it.
        drop(sent);
        Ok(None)
    }

    /// Into how many the log is split.
    pub(super) fn partitions(&self) -> u32 {
        self.origin.partitions
    }

    /// The number after the last record that was delivered.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Tells it to apply what was delivered and to save its state.
    pub(super) fn tell(&self) {
        self.finish.at(0);
        self.thread.unpark();
    }

    /// Waits until it has, after [`Running::tell`].
    ///
    /// # Errors
    /// If the state cannot be saved or shared.
    pub(super) async fn finish(self) -> anyhow::Result<()> {
        self.ended.await.context("analyze panicked")??;
        self.sinks.finish().await
    }
}
