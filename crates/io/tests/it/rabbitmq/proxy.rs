//! A TCP proxy that can swallow everything, as a network that has died without a word.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Passes bytes on until it becomes a black hole; ends with its value.
pub(crate) struct Proxy {
    address: SocketAddr,
    swallow: watch::Sender<bool>,
    _task: JoinSet<()>,
}

impl Proxy {
    /// A proxy in front of a port of this machine.
    pub(crate) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (swallow, hole) = watch::channel(false);
        let hole = Arc::new(hole);
        let mut task = JoinSet::new();
        task.spawn(forward(listener, port, hole));
        Self {
            address,
            swallow,
            _task: task,
        }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on it takes in everything and passes nothing on; connections stay open.
    pub(crate) fn swallow(&self) {
        self.swallow.send_replace(true);
    }
}

async fn forward(listener: TcpListener, port: u16, hole: Arc<watch::Receiver<bool>>) {
    let mut pipes = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
            continue;
        };
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        pipes.spawn(pipe(from_client, to_server, Arc::clone(&hole)));
        pipes.spawn(pipe(from_server, to_client, Arc::clone(&hole)));
    }
}

async fn pipe(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, hole: Arc<watch::Receiver<bool>>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if !*hole.borrow() && to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
    if *hole.borrow() {
        // The end is swallowed too.
        std::future::pending::<()>().await;
    }
}
