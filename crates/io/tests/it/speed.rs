//! Measurements: `cargo test --release -p stock-up-io --test it -- --ignored --nocapture speed`.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use stock_up_core::{Decimal, Metrics, Point, Span, Status, SymbolId, TradeBatch, Volume};
use stock_up_io::clock::Stopwatch;
use stock_up_io::store::{
    Commit, FILE_NAME, NewPoint, Progress, RetentionPolicy, SeriesFilter, SeriesQuery, Store,
    StoreReader,
};
use stock_up_io::tape::TapeReader;
use stock_up_io::text::Format;

const ROWS: u32 = 5_000_000;

/// A day like those of the recorded tapes: several symbols, runs of equal conditions, round sizes.
fn write_tape(path: &Path) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    writeln!(out, "timestamp_ns,symbol,price,size,conditions").unwrap();
    let (mut random, mut time) = (88_172_645_463_325_252_u64, 1_381_217_400_000_000_000_u64);
    for _ in 0..ROWS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        time += random % 2_000_000;
        let (symbol, price, size) = (random % 100, 10_000 + random % 9_973, 1 + random % 40);
        let flags = if random.is_multiple_of(3) {
            "ex=P;flags=21"
        } else {
            "ex=Q;flags=1"
        };
        let (whole, cents) = (price / 100, price % 100);
        writeln!(
            out,
            "{time},SYM{symbol},{whole}.{cents:02},{size}00,{flags}"
        )
        .unwrap();
    }
    out.flush().unwrap();
}

fn per(elapsed: Duration, count: impl Into<f64>) -> f64 {
    elapsed.as_secs_f64() * 1e9 / count.into()
}

#[test]
#[ignore = "a measurement, for a release build"]
fn speed_of_tapes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tape.csv");
    write_tape(&path);
    for round in 0..3 {
        let clock = Stopwatch::start();
        let mut rows = csv::ReaderBuilder::new().from_path(&path).unwrap();
        let (mut record, mut fields) = (csv::ByteRecord::new(), 0);
        while rows.read_byte_record(&mut record).unwrap() {
            fields += record.len();
        }
        let csv_time = per(clock.elapsed(), ROWS);
        assert_eq!(fields, ROWS as usize * 5);

        let clock = Stopwatch::start();
        let (mut reader, mut batch) = (TapeReader::open(&path).unwrap(), TradeBatch::default());
        let mut count = 0;
        while reader.next_batch(&mut batch).unwrap() {
            count += batch.trades.len();
        }
        let tape_time = per(clock.elapsed(), ROWS);
        assert_eq!(count, ROWS as usize);
        eprintln!(
            "round {round}: csv byte records {csv_time:.1} ns/row, tape to trades {tape_time:.1} \
             ns/row ({:.1} M rows/s), ratio {:.2}",
            1_000.0 / tape_time,
            tape_time / csv_time,
        );
    }
}

fn point(time: i64, seed: u64) -> Point {
    let price = |units: u64| Decimal::new(16_742 + units % 100, 2).ok();
    let fraction = f64::from(u32::try_from(seed % 10_007).unwrap()) / 10_007.0;
    Point {
        symbol: SymbolId(0),
        window: Span::from_secs(60),
        time,
        revision: 0,
        status: Status::Complete,
        coverage: 1.0,
        metrics: Metrics {
            transactions: seed % 900,
            volume: Volume::parse(&(seed % 1_000_000).to_string()).unwrap(),
            last_price: price(seed),
            min_price: price(seed / 3),
            max_price: price(seed / 7),
            mean_price: Some(167.0 + fraction),
            vwap: Some(167.1 + fraction / 3.0),
            variance: Some(fraction / 41.0),
        },
    }
}

#[test]
#[ignore = "a measurement, for a release build"]
fn speed_of_text() {
    const COUNT: u32 = 1_000_000;
    let points: Vec<_> = (0..1_000_u32)
        .map(|n| point(i64::from(n) * 1_000_000_000, u64::from(n) * 7_919))
        .collect();
    for format in [Format::Csv, Format::Jsonl, Format::InfluxWide] {
        let (mut out, clock) = (Vec::new(), Stopwatch::start());
        for index in 0..COUNT as usize {
            if index % 1_000 == 0 {
                out.clear();
            }
            format
                .write_point(&points[index % 1_000], "SPY", &mut out)
                .unwrap();
        }
        eprintln!("{format:?}: {:.0} ns a point", per(clock.elapsed(), COUNT));
    }
}

#[test]
#[ignore = "a measurement, for a release build"]
fn speed_of_the_store() {
    let (series, seconds, commits, state) = (5_000_u32, 5_u32, 60_u32, vec![7; 1 << 20]);
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let symbols: Vec<_> = (0..series).map(|n| format!("SYM{n}")).collect();
    let (mut times, mut upkeep, mut longest) = (Vec::new(), Duration::ZERO, Duration::ZERO);
    let mut emission = 0;
    for commit in 0..commits {
        let points: Vec<_> = (1..=seconds)
            .flat_map(|second| {
                let time = i64::from(commit * seconds + second) * 1_000_000_000;
                (0..series).map(move |n| {
                    (
                        n as usize,
                        point(time, u64::from(n) * 31 + u64::from(second)),
                    )
                })
            })
            .collect();
        let new: Vec<_> = (emission..)
            .zip(&points)
            .map(|(emission, (symbol, point))| NewPoint {
                emission,
                symbol: &symbols[*symbol],
                point,
            })
            .collect();
        emission += new.len() as u64;
        let clock = Stopwatch::start();
        let progress = Progress {
            position: emission,
            state: &state,
            points: &new,
            next_emission: emission,
        };
        let commit_all = Commit {
            gaps: &[],
            progress: Some(progress),
        };
        store.commit(&commit_all).unwrap();
        times.push(clock.elapsed());
        let clock = Stopwatch::start();
        let now = i64::from(commit * seconds) * 1_000_000_000 + 900_000_000_000;
        store.maintain(now, &RetentionPolicy::default()).unwrap();
        longest = longest.max(clock.elapsed());
        upkeep += clock.elapsed();
    }
    times.sort();
    eprintln!(
        "commit of {series} series x {seconds} points and 1 MiB of state: median {:?}, worst {:?}; \
         upkeep {:?} in all, worst step {longest:?}",
        times[times.len() / 2],
        times.last().unwrap(),
        upkeep,
    );
    read_back(dir.path(), emission);
}

#[expect(clippy::print_stderr, reason = "a measurement says what it found")]
fn read_back(dir: &Path, emission: u64) {
    let size = std::fs::metadata(dir.join(FILE_NAME)).unwrap().len();
    eprintln!("{emission} points in {} MiB", size >> 20);
    let reader = StoreReader::open(dir).unwrap();
    let clock = Stopwatch::start();
    let query = SeriesQuery {
        symbol: "SYM7",
        window: Span::from_secs(60),
        from: 0,
        to: i64::MAX,
        step: None,
        limit: 10_000,
    };
    let found = reader.series(&query).unwrap().points.len();
    eprintln!("a series of {found} points: {:?}", clock.elapsed());
    let (clock, mut count) = (Stopwatch::start(), 0_u32);
    let each = |_| {
        count += 1;
        std::ops::ControlFlow::Continue(())
    };
    reader
        .export_series(&SeriesFilter::default(), each)
        .unwrap();
    eprintln!("export: {:.0} ns a point", per(clock.elapsed(), count));
}
