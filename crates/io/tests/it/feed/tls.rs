//! The encrypted way: an authority of one's own is trusted, a stranger is not.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use stock_up_io::feed::{Endpoint, FeedSignal, Finnhub, Secret, acceptor};

use super::stage::{
    Ear, Stage, TOKEN, is_refused, quick_heartbeat, quick_settings, tape_text, venue_settings,
};

pub(crate) struct Files {
    _folder: tempfile::TempDir,
    pub(crate) authority: PathBuf,
    pub(crate) stranger: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// An authority, a certificate of it for `localhost`, and another authority that knows nothing of
/// it.
pub(crate) fn files() -> Files {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let [ours, theirs] = [(), ()].map(|()| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    });
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &ours).unwrap();
    Files {
        authority: write("ca.pem", ours.pem()),
        stranger: write("other.pem", theirs.pem()),
        certificate: write("cert.pem", certificate.pem()),
        key: write("key.pem", key.serialize_pem()),
        _folder: folder,
    }
}

async fn secure_stage(files: &Files) -> Stage {
    let mut settings = venue_settings(&[]);
    settings.tls = Some(acceptor(&files.certificate, &files.key).unwrap());
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
    let files = files();
    let stage = secure_stage(&files).await;
    let mut ear = ear_of(&stage.address, Some(files.authority.clone()));
    ear.trades(1_000).await;
}

#[tokio::test]
async fn a_stranger_is_refused_and_not_hammered() {
    let files = files();
    let stage = secure_stage(&files).await;
    for authority in [None, Some(files.stranger.clone())] {
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
    let files = files();
    let stage = secure_stage(&files).await;
    let address = stage.address.replace("localhost", "127.0.0.1");
    let mut ear = ear_of(&address, Some(files.authority.clone()));
    let FeedSignal::Refused { reason, .. } = ear.until(is_refused).await else {
        panic!("refused");
    };
    assert!(reason.contains("invalid peer certificate"), "{reason}");
}

#[tokio::test]
async fn a_file_that_is_no_authority_is_refused_at_once() {
    let files = files();
    let endpoint = Endpoint::parse("wss://localhost").unwrap();
    let endpoint = endpoint.with_ca_file(files.key);
    let clock = stock_up_io::clock::Clock::system();
    let feed = stock_up_io::feed::Feed::new(Finnhub::at(endpoint), quick_settings(), clock);
    let error = feed.expect_err("no certificate");
    assert!(
        error.to_string().ends_with("key.pem` holds no certificate"),
        "{error}"
    );
}
