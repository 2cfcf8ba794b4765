//! The encrypted way: an authority of one's own is trusted, a stranger is not.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use stock_up_io::checkpoint::{CheckpointError, RedisOptions, SharedCheckpoints};

use super::server::Redis;
use crate::daemon::free_port;

#[test]
fn an_authority_of_one_s_own_is_trusted_and_a_stranger_is_not() {
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
    let (authority, stranger) = (
        write("ca.pem", ours.pem()),
        write("other.pem", theirs.pem()),
    );
    let (certificate, key) = (
        write("cert.pem", certificate.pem()),
        write("key.pem", key.serialize_pem()),
    );
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (port, certificate, key) = (free_port().to_string(), text(&certificate), text(&key));
    let more = [
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
        "--appendonly",
        "yes",
        "--tls-ca-cert-file",
        &text(&authority),
    ];
    let Some(redis) = Redis::start_with(&more, &[]) else {
        return;
    };
    let ask = |ca_file: &Path| {
        let options = RedisOptions {
            ca_file: Some(ca_file.to_owned()),
            ..RedisOptions::new(format!("rediss://localhost:{port}"))
        };
        let mut shared = SharedCheckpoints::new(&options, "a".to_owned()).unwrap();
        shared.check_server()
    };
    assert_eq!(ask(&authority), Ok(Vec::new()));
    let error = ask(&stranger).unwrap_err();
    assert!(
        matches!(error, CheckpointError::Unavailable { .. }),
        "{error}"
    );
    drop(redis);
}
