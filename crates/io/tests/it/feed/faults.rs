//! A venue that misbehaves while the connection is open.

use std::time::Duration;

use stock_up_core::GapCause;
use stock_up_io::feed::tape_venue::{TapePhase, TapeVenueSettings};
use stock_up_io::feed::{DuplicateFrames, FeedSettings, FeedSignal};
use tokio::time::timeout;

use super::stage::{
    DEADLINE, Ear, Stage, is_connected, is_disconnected, is_refused, quick_heartbeat,
    quick_settings, tape_text, tape_trades, venue_settings,
};

#[tokio::test]
async fn a_half_open_connection_is_found_by_its_silence() {
    let text = tape_text(3_000);
    let stage = Stage::open(&text, venue_settings(&["half-open@1000"])).await;
    let mut ear = stage.listen(&["SPY", "IBM"]);
    let end = ear.until(is_disconnected).await;
    let FeedSignal::Disconnected {
        cause,
        detail,
        heard_ts,
    } = end
    else {
        panic!("{end:?}");
    };
    assert_eq!(cause, GapCause::Silent);
    assert_eq!(detail, "no frame and no answer to pings for 400ms");
    assert!(heard_ts > 0);
    assert_eq!(ear.trades, tape_trades(&text)[..1_000]);
    // To the venue the dead connection still holds the token, so the next one costs both; the one
    // after that is let in and stays.
    ear.until(is_disconnected).await;
    ear.until(is_connected).await;
    stage
        .until(|status| status.subscriptions == 2 && status.clients == 1)
        .await;
}

#[tokio::test]
async fn a_mute_connection_is_stale_but_stays() {
    let stage = Stage::open(&tape_text(3_000), venue_settings(&["mute@1000"])).await;
    let settings = FeedSettings {
        stale_after: Some(Duration::from_millis(200)),
        ..quick_settings()
    };
    let mut ear = Ear::open(stage.finnhub(), settings, &["SPY", "IBM"]);
    ear.until(|signal| matches!(signal, FeedSignal::Stale { .. }))
        .await;
    assert_eq!(ear.trades.len(), 1_000);
    assert!(!ear.story.iter().any(is_disconnected));
    let text = r#"{"data":[{"p":1.5,"s":"SPY","t":1381219217034,"v":1}],"type":"trade"}"#;
    let raw = stock_up_io::feed::tape_venue::Action::Raw(text.to_owned());
    assert!(stage.control.act(raw).await);
    ear.until(|signal| matches!(signal, FeedSignal::Fresh { .. }))
        .await;
    ear.trades(1_001).await;
    assert!(!ear.story.iter().any(is_disconnected));
}

#[tokio::test]
async fn ping_texts_and_answers_keep_a_quiet_connection() {
    let settings = TapeVenueSettings {
        ping_every: Duration::from_millis(20),
        ..venue_settings(&[])
    };
    let stage = Stage::open(&tape_text(2), settings).await;
    let mut ear = stage.listen(&["SPY", "IBM"]);
    ear.counted(|report| report.frames > 60).await;
    assert_eq!(ear.trades.len(), 2);
    assert!(ear.report.bad.is_empty());
    assert!(!ear.story.iter().any(is_disconnected));
    stage
        .until(|status| status.phase == TapePhase::Ended && status.clients == 1)
        .await;
}

#[tokio::test]
async fn repeated_frames_are_kept_or_collapsed_as_the_setting_says() {
    for (duplicate_frames, expect) in [
        (DuplicateFrames::Keep, 2_000 + 2 * 25 * 3),
        (DuplicateFrames::Collapse, 2_000),
    ] {
        let faults = ["repeat:3@100", "repeat:3@500", "repeat:3@1000"];
        let stage = Stage::open(&tape_text(2_000), venue_settings(&faults)).await;
        let settings = FeedSettings {
            duplicate_frames,
            ..quick_settings()
        };
        let mut ear = Ear::open(stage.finnhub(), settings, &["SPY", "IBM"]);
        ear.trades(expect).await;
        ear.counted(|report| report.repeated_frames == 6).await;
        let collapsed = if expect == 2_000 { 6 } else { 0 };
        assert_eq!(ear.report.collapsed_frames, collapsed);
        let ear = ear.stop().await;
        assert_eq!(ear.trades.len(), expect);
        let mut unique = ear.trades;
        unique.dedup();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), 2_000);
    }
}

#[tokio::test]
async fn trades_out_of_order_pass_through_as_they_came() {
    let text = tape_text(100);
    let stage = Stage::open(&text, venue_settings(&["reorder@30"])).await;
    let mut ear = stage.listen(&["SPY", "IBM"]);
    ear.trades(100).await;
    let mut expect = tape_trades(&text);
    expect[25..50].reverse();
    assert_eq!(ear.trades, expect);
}

#[tokio::test]
async fn a_complaint_is_told_and_one_about_the_key_ends_the_connection() {
    let stage = Stage::open(&tape_text(10), venue_settings(&[])).await;
    let mut ear = stage.listen(&["SPY", "IBM"]);
    ear.trades(10).await;
    stage.act("error:Out of coffee").await;
    let told = ear
        .until(|signal| matches!(signal, FeedSignal::VenueError(_)))
        .await;
    assert!(matches!(told, FeedSignal::VenueError(error) if error.text == "Out of coffee"));
    assert!(!ear.story.iter().any(is_disconnected));
    stage.act("error:Invalid API key CANARY-7f3a").await;
    let FeedSignal::Refused { reason, retry_in } = ear.until(is_refused).await else {
        panic!("refused");
    };
    assert_eq!(reason, "the venue says: Invalid API key ***");
    assert!(retry_in >= Duration::from_millis(400));
    assert!(ear.story.iter().any(is_disconnected));
}

#[tokio::test]
async fn a_cut_feed_comes_back_when_the_line_does() {
    let stage = Stage::open(&tape_text(10), venue_settings(&[])).await;
    let mut ear = stage.listen(&["SPY", "IBM"]);
    ear.trades(10).await;
    stage.act("cut").await;
    ear.until(is_disconnected).await;
    stage.until(|status| status.tries > 5).await;
    assert_eq!(
        ear.story
            .iter()
            .filter(|signal| is_connected(signal))
            .count(),
        1
    );
    stage.act("resume").await;
    ear.until(is_connected).await;
}

#[tokio::test]
async fn a_receiver_that_is_held_up_is_no_silence_of_the_venue() {
    let stage = Stage::open(&tape_text(30_000), venue_settings(&[])).await;
    let mut ear = Ear::with_room(4, stage.finnhub(), quick_settings(), &["SPY", "IBM"]);
    ear.until(is_connected).await;
    // Three times as long as the silence that is allowed.
    ear.holds_up(quick_heartbeat().silence * 3).await;
    let all = timeout(DEADLINE, ear.trades(30_000)).await;
    assert!(!ear.story.iter().any(is_disconnected), "{:?}", ear.story);
    all.expect("every trade");
    ear.stop().await;
}
