//! `republish`: lets `collect` send its log to the queue again, for who lost what the queue had.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use stock_up_log::{Log, Options};

use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::publish::{From, Next, StateFile, publish_again};

const EXAMPLES: &str = "\
Examples:
  stock-up republish data                the queue lost messages, or was made anew: all again
  stock-up republish data --from 120000  only from this record on
  stock-up republish data --new-queue    the log has lost its start: a new queue, new numbers

Exit codes: 0 noted, 3 not possible, or the directory is in use.";

/// Publishes the log again: what Kafka or RabbitMQ lost comes to those who read it
///
/// Takes effect at the next start of `run --role collect` on this data directory, which must not
/// run now. Readers drop by their numbers what they have already. Not for a stream of RabbitMQ
/// that holds the records: it drops them itself.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RepublishArgs {
    /// The data directory of `collect`
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// The first record of the log to publish again; the oldest if not given
    #[arg(long, value_name = "SEQ", conflicts_with = "new_queue")]
    from: Option<u64>,

    /// The queue is new, and so are the numbers: analyzers need empty data directories
    #[arg(long)]
    new_queue: bool,
}

/// Does `republish`.
pub(super) fn republish(args: &RepublishArgs) -> Outcome {
    let dir = DataDir::open(&args.dir)?;
    if !dir.log().is_dir() {
        return Err(Failure::data_dir(anyhow!(
            "`{}` holds no log; give the data directory of `run --role collect`",
            args.dir.display()
        )));
    }
    let options = Options {
        reserve_bytes: 0,
        ..Options::new(dir.source_id()?)
    };
    // Order matters: the lock of the log keeps every publisher away until this is done.
    let (log, _writer) = Log::open(dir.log(), options).map_err(Failure::data_dir)?;
    let from = match args.from {
        _ if args.new_queue => From::NewQueue,
        Some(record) => From::Record(record),
        None => From::Oldest,
    };
    let next = publish_again(&StateFile::of(dir.path()), &log, from).map_err(Failure::data_dir)?;
    tell(next, &mut io::stdout().lock())?;
    Ok(())
}

fn tell(Next { from, before }: Next, out: &mut impl Write) -> io::Result<()> {
    if from == before {
        return writeln!(out, "nothing to repeat: publishing begins at record {from}");
    }
    let again = before - from;
    writeln!(
        out,
        "the next start of `collect` publishes from record {from} on: {again} records again"
    )
}
