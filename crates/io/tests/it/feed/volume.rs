//! Many trades over a real socket: a smoke test of the rate, not a bench.

use stock_up_io::clock::Stopwatch;

use super::stage::{Stage, tape_text, venue_settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fast_tape_comes_through_whole() {
    let rows = 200_000;
    let stage = Stage::open(&tape_text(rows), venue_settings(&[])).await;
    let mut ear = stage.listen(&["SPY", "IBM"]);
    ear.trades(1).await;
    let watch = Stopwatch::start();
    ear.trades(usize::try_from(rows).unwrap()).await;
    let seconds = watch.elapsed().as_secs_f64();
    println!(
        "{:.0} trades/s, venue included",
        f64::from(200_000) / seconds
    );
    let ear = ear.stop().await;
    assert_eq!((ear.report.trades, ear.report.frames), (rows, rows / 25));
}
