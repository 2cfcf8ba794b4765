//! The encrypted way: an authority of one's own is trusted, a stranger is not.

use std::path::PathBuf;

use stock_up_io::feed::{Endpoint, FeedSignal, Finnhub, Secret, acceptor};

use super::stage::{
    Ear, Stage, TOKEN, is_refused, quick_heartbeat, quick_settings, tape_text, venue_settings,
};
use crate::certificates::{Authorities, Identity};

/// The authorities, and the venue's certificate.
fn files() -> (Authorities, Identity) {
    let authorities = Authorities::new();
    let venue = authorities.identity("venue", &["localhost"]);
    (authorities, venue)
}

async fn secure_stage(venue: &Identity) -> Stage {
    let mut settings = venue_settings(&[]);
    settings.tls = Some(acceptor(&venue.certificate, &venue.key).unwrap());
    Stage::open(&tape_text(1_000), settings).await
}

fn ear_of(address: &str, authority: Option<PathBuf>) -> Ear {
    let mut endpoint = Endpoint::parse(address).unwrap();
    endpoint = endpoint.with_query("token", Secret::new(TOKEN));
    if let Some(file) = authority {
        endpoint = endpoint.with_ca_file(file);
    }
    let finnhub = Finnhub::at(endpoint).with_heartbeat(quick_heartbeat());
    Ear::open(finnhub, quick_settings(), &["SPY", "IBM"])
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted() {
    let (authorities, venue) = files();
    let stage = secure_stage(&venue).await;
    let mut ear = ear_of(&stage.address, Some(authorities.ours.clone()));
    ear.trades(1_000).await;
}

#[tokio::test]
async fn a_stranger_is_refused_and_not_hammered() {
    let (authorities, venue) = files();
    let stage = secure_stage(&venue).await;
    for authority in [None, Some(authorities.stranger.clone())] {
        let mut ear = ear_of(&stage.address, authority);
        let FeedSignal::Refused { reason, retry_in } = ear.until(is_refused).await else {
            panic!("refused");
        };
        assert!(
            reason.starts_with("cannot secure the connection: invalid peer"),
            "{reason}"
        );
        assert!(retry_in >= quick_settings().backoff.refused);
        assert!(ear.trades.is_empty());
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let (authorities, venue) = files();
    let stage = secure_stage(&venue).await;
    let address = stage.address.replace("localhost", "127.0.0.1");
    let mut ear = ear_of(&address, Some(authorities.ours.clone()));
    let FeedSignal::Refused { reason, .. } = ear.until(is_refused).await else {
        panic!("refused");
    };
    assert!(reason.contains("invalid peer certificate"), "{reason}");
}

#[tokio::test]
async fn a_file_that_is_no_authority_is_refused_at_once() {
    let (_authorities, venue) = files();
    let endpoint = Endpoint::parse("wss://localhost").unwrap();
    let endpoint = endpoint.with_ca_file(venue.key);
    let clock = stock_up_io::clock::Clock::system();
    let feed = stock_up_io::feed::Feed::new(Finnhub::at(endpoint), quick_settings(), clock);
    let error = feed.expect_err("no certificate");
    assert!(
        error.to_string().ends_with("key.pem` holds no certificate"),
        "{error}"
    );
}
