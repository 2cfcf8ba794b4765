//! Part `log`: appends in groups, each group durable, beside a raw write and `fdatasync`.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use stock_up_log::{CommitBounds, GroupCommit, Log, Options};

use crate::measure::{now, try_best_of_each};
use crate::row::{Row, Target};
use crate::scratch::Scratch;

const RECORDS: usize = 1_000;
const RECORD_BYTES: usize = 100;
const GROUPS: usize = 400;
const ROUNDS: u32 = 5;

/// Our speed to that of the raw file.
const RATIO_MIN: f64 = 0.5;

pub(crate) fn run() -> anyhow::Result<Vec<Row>> {
    let scratch = Scratch::new("log")?;
    let (mut ours_round, mut raw_round) = (0, 0);
    let (ours, peer) = try_best_of_each(
        ROUNDS,
        || {
            ours_round += 1;
            append(&scratch.path().join(format!("log-{ours_round}")))
        },
        || {
            raw_round += 1;
            raw(&scratch.path().join(format!("raw-{raw_round}")))
        },
    )?;
    let speed = |time: Duration| (GROUPS * RECORDS) as f64 / time.as_secs_f64();
    let (ours, peer) = (speed(ours), speed(peer));
    Ok(vec![Row {
        name: "log: records/s in groups of 1,000 to write and fdatasync".to_owned(),
        ours: format!("{:.2} M/s", ours / 1e6),
        peer: format!("{:.2} M/s", peer / 1e6),
        ratio: ours / peer,
        target: Target::AtLeast(RATIO_MIN),
    }])
}

fn append(dir: &Path) -> anyhow::Result<Duration> {
    fs::create_dir_all(dir)?;
    let (_log, writer) = Log::open(dir, Options::new(*b"a source's bench"))?;
    let commits = GroupCommit::start(writer, CommitBounds::default())?;
    let start = now();
    for group in 0..GROUPS {
        for record in 0..RECORDS {
            let payload = [u8::try_from((group ^ record) % 251)?; RECORD_BYTES];
            commits.append(0, 1, &payload)?;
        }
        commits.flush()?;
    }
    let took = start.elapsed();
    commits.close()?;
    Ok(took)
}

fn raw(path: &Path) -> anyhow::Result<Duration> {
    let file = File::create(path)?;
    let group = vec![7_u8; RECORDS * RECORD_BYTES];
    let start = now();
    for number in 0..GROUPS {
        file.write_all_at(&group, (number * group.len()) as u64)?;
        file.sync_data()?;
    }
    Ok(start.elapsed())
}
