//! The simulated market and its signals.

use super::*;
use stock_up_core::{Decimal, TradeBatch};
use tokio::time::Instant;

const START: i64 = 1_790_000_000_000_000_000;
const SECOND: i64 = 1_000_000_000;

fn symbols() -> Vec<String> {
    DEFAULT_SYMBOLS
        .iter()
        .map(|symbol| (*symbol).to_owned())
        .collect()
}

/// All trades as texts, by steps of `step_ms`.
fn simulate(seed: u64, step_ms: i64, seconds: i64) -> Vec<String> {
    let settings = DemoSettings {
        seed,
        ..DemoSettings::default()
    };
    let mut market = Market::new(settings, START);
    let mut told = Vec::new();
    for step in 1..=seconds * 1_000 / step_ms {
        let batch = market.step(&symbols(), START + step * step_ms * 1_000_000);
        told.extend(texts(&batch));
    }
    told
}

fn texts(batch: &TradeBatch) -> Vec<String> {
    let text = |trade: &stock_up_core::Trade| {
        let symbol = batch.names.get(trade.symbol);
        format!("{} {symbol} {} {}", trade.ts_event, trade.price, trade.size)
    };
    batch.trades.iter().map(text).collect()
}

#[test]
fn a_seed_and_a_time_give_the_same_trades_however_they_are_asked_for() {
    let told = simulate(1, 20, 120);
    assert_eq!(told, simulate(1, 500, 120));
    assert_ne!(told, simulate(2, 500, 120));
    // A market that starts in the middle goes on as the one that ran from the beginning.
    let mut late = Market::new(
        DemoSettings {
            seed: 1,
            ..DemoSettings::default()
        },
        START + 60 * SECOND,
    );
    let rest = texts(&late.step(&symbols(), START + 63 * SECOND));
    assert!(!rest.is_empty());
    assert!(told.windows(rest.len()).any(|part| part == rest));
}

#[test]
fn another_symbol_changes_nothing_for_the_others() {
    let now = START + 4 * SECOND;
    let settings = DemoSettings::default();
    let one = Market::new(settings, START).step(&["SPY".to_owned()], now);
    let two = Market::new(settings, START).step(&["X".to_owned(), "SPY".to_owned()], now);
    let of_spy = |batch| -> Vec<String> {
        texts(batch)
            .into_iter()
            .filter(|text| text.contains(" SPY "))
            .collect()
    };
    assert_eq!(of_spy(&one), of_spy(&two));
}

#[test]
fn the_market_has_what_real_ones_have() {
    let mut market = Market::new(DemoSettings::default(), START);
    let (mut trades, mut late, mut equal, mut odd, mut busiest) = (0, 0, 0, 0, 0);
    let mut running = 0;
    for second in 1..=1_800 {
        let now = START + second * SECOND;
        let batch = market.step(&symbols(), now);
        trades += batch.trades.len();
        busiest = busiest.max(batch.trades.len());
        equal += batch
            .trades
            .windows(2)
            .filter(|two| two[0] == two[1])
            .count();
        for trade in &batch.trades {
            assert!(trade.ts_event < now && !trade.price.is_zero());
            assert!(trade.ts_event > now - 10 * SECOND);
            late += usize::from(trade.ts_event < running - SECOND);
            running = running.max(trade.ts_event);
            odd += usize::from(trade.size < Decimal::new(100, 0).unwrap());
        }
    }
    assert!((20_000..400_000).contains(&trades), "{trades}");
    assert!(busiest > 4 * trades / 1_800, "{busiest} of {trades}");
    assert!(late > 0 && late < trades / 100, "{late} of {trades}");
    assert!(
        equal > trades / 50 && odd > trades / 10,
        "{equal} {odd} of {trades}"
    );
}

#[test]
fn a_long_pause_is_not_made_up_for_in_one_heap() {
    let mut market = Market::new(DemoSettings::default(), START);
    let now = START + 86_400 * SECOND;
    let batch = market.step(&symbols(), now);
    assert!(
        batch
            .trades
            .iter()
            .all(|trade| trade.ts_event > now - 10 * SECOND)
    );
    assert!(market.step(&symbols(), now - SECOND).trades.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_demo_speaks_as_a_feed_does() {
    let began = Instant::now();
    let clock = Clock::from_fn(move || START + i64::try_from(began.elapsed().as_nanos()).unwrap());
    let (wish, wishes) = watch::channel(vec!["SPY".to_owned(), "A,B".to_owned()]);
    let (signals, mut told) = mpsc::channel(16);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(run(
        DemoSettings::default(),
        clock,
        wishes,
        signals,
        async {
            stopped.await.unwrap_or(());
        },
    ));
    let mut trades = 0;
    let mut story = Vec::new();
    while let Some(signal) = told.recv().await {
        match signal {
            FeedSignal::Trades(batch) => trades += batch.trades.len(),
            FeedSignal::Report(_) => {}
            FeedSignal::Heard { .. } if story.len() == 4 => {
                story.push("heard".to_owned());
                wish.send(vec!["IBM".to_owned()]).unwrap();
            }
            FeedSignal::Heard { .. } => break,
            FeedSignal::Subscribed { symbols, .. } => story.push(format!("+{symbols:?}")),
            FeedSignal::Unsubscribed { symbols, .. } => story.push(format!("-{symbols:?}")),
            FeedSignal::RefusedSymbols(list) => story.push(format!("!{}", list[0].symbol)),
            other => story.push(format!("{other:?}").split(' ').next().unwrap().to_owned()),
        }
    }
    stop.send(()).unwrap();
    let mut last = None;
    while let Some(signal) = told.recv().await {
        last = Some(signal);
    }
    assert_eq!(last, Some(FeedSignal::Ended));
    assert!(trades > 0);
    let expect = "Connecting Connected !A,B +[\"SPY\"] heard -[\"SPY\"] +[\"IBM\"]";
    assert_eq!(story.join(" "), expect);
}
