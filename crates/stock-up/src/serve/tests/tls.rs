//! The server behind a certificate.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::harness::{DEADLINE, Reply, start_with};
use crate::serve::{TlsFiles, TokenHash};

#[tokio::test]
async fn tls_is_spoken_and_the_cookie_stays_inside() {
    let dir = tempfile::tempdir().unwrap();
    let files = TlsFiles {
        certificate: dir.path().join("certificate.pem"),
        key: dir.path().join("key.pem"),
    };
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let server = start_with(|serve| {
        serve.tls = Some(files);
        serve.token = Some(TokenHash::of("secret"));
    })
    .await;
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let exchange = async {
        let socket = TcpStream::connect(server.addr).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, socket).await.unwrap();
        let text = "POST /api/v1/session HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
            content-type: application/json\r\nx-stock-up: 1\r\ncontent-length: 19\r\n\r\n\
            {\"token\": \"secret\"}";
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        Reply::parse(std::str::from_utf8(&bytes).unwrap())
    };
    let reply = tokio::time::timeout(DEADLINE, exchange).await.unwrap();
    assert_eq!(reply.status, 204, "{reply:?}");
    assert!(reply.header("set-cookie").unwrap().ends_with("; secure"));
}

#[test]
fn a_certificate_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = TlsFiles {
        certificate: dir.path().join("none.pem"),
        key: dir.path().join("none.pem"),
    };
    let error = crate::serve::tls::acceptor(&missing).err().unwrap();
    assert!(error.to_string().contains("none.pem"), "{error}");
}
