//! A way to the database that notes when it answers.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::measure::now;

const BUFFER_BYTES: usize = 1 << 16;

/// What the server says when it has stored a request.
const STORED: &[u8] = b"HTTP/1.1 204";

/// A relay of connections; it ends with the process.
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) address: SocketAddr,
    answers: Arc<Mutex<Vec<Instant>>>,
}

impl Relay {
    /// Passes on what comes to `server`.
    pub(super) fn start(server: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let answers = Arc::<Mutex<Vec<Instant>>>::default();
        let (server, noted) = (server.to_owned(), Arc::clone(&answers));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that can't be made is closed, which the client sees.
                drop(pass(&client, &server, &noted));
            }
        });
        Ok(Self { address, answers })
    }

    /// When requests were answered as stored, in order.
    pub(super) fn answers(&self) -> Vec<Instant> {
        self.answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn pass(
    client: &TcpStream,
    server: &str,
    answers: &Arc<Mutex<Vec<Instant>>>,
) -> anyhow::Result<()> {
    let server = TcpStream::connect(server)?;
    for stream in [client, &server] {
        stream.set_nodelay(true)?;
    }
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || drop(std::io::copy(&mut from, &mut to)));
    let (mut from, mut to, answers) = (server, client.try_clone()?, Arc::clone(answers));
    thread::spawn(move || -> anyhow::Result<()> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let count = from.read(&mut buffer)?;
            let Some(answer) = buffer.get(..count).filter(|answer| !answer.is_empty()) else {
                return Ok(());
            };
            // One request is under way at a time, and an answer without a body is one read.
            if answer.starts_with(STORED) {
                let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
                answers.push(now());
            }
            to.write_all(answer)?;
        }
    });
    Ok(())
}
