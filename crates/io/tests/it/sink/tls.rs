//! The encrypted way to `InfluxDB`: an authority of one's own is trusted, a stranger is not.

use stock_up_io::feed::acceptor;
use stock_up_io::sink::{Sink as _, SinkError};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::mock::Mock;
use super::{settings, sink, v1};
use crate::certificates::Authorities;
use crate::store::run::{rows, run};

/// Opens the envelope; a client that does not trust us goes away in the handshake.
async fn pass(acceptor: &TlsAcceptor, stream: TcpStream, inner: &str) -> std::io::Result<()> {
    let mut secure = acceptor.accept(stream).await?;
    let mut plain = TcpStream::connect(inner).await?;
    tokio::io::copy_bidirectional(&mut secure, &mut plain).await?;
    Ok(())
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_and_a_stranger_is_told() {
    let (mock, authorities) = (Mock::start(), Authorities::new());
    let server = authorities.identity("server", &["localhost"]);
    let acceptor = acceptor(&server.certificate, &server.key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let inner = mock.url.trim_start_matches("http://").to_owned();
    let door = async {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            drop(pass(&acceptor, stream, &inner).await);
        }
    };
    let story = async {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("https://localhost:{port}");
        let mut settings = settings(&url, v1("stocks"), dir.path());
        settings.timeout = std::time::Duration::from_secs(30);
        let batch = rows(&run(1, 5));
        for authority in [None, Some(authorities.stranger.clone())] {
            settings.ca_file = authority;
            let error = sink(&settings).write(&batch).await.unwrap_err();
            let is_told = matches!(&error, SinkError::Unavailable { reason, .. }
                if reason.contains("invalid peer certificate"));
            assert!(is_told, "{error}");
        }
        assert_eq!(mock.lines().len(), 0);
        settings.ca_file = Some(authorities.ours.clone());
        sink(&settings).write(&batch).await.unwrap();
        assert_eq!(mock.lines().len(), 10);
    };
    tokio::select! {
        () = story => {}
        () = door => {}
    }
}
