//! A venue that sends frames at even distances and notes when.
//!
//! `stock-up venue serve` does not tell the moment at which a frame goes out, so this one is
//! written here: one connection, one thread, blocking.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use tungstenite::{Message, WebSocket};

use super::sent::{Sent, mark};
use crate::frames::FRAME_TRADES;
use crate::measure::now;
use crate::tape::{Print, Tape, name};

/// All requests are in when none came for so long.
const SETTLE: Duration = Duration::from_millis(300);

/// A running venue.
#[derive(Debug)]
pub(crate) struct Venue {
    pub(crate) address: SocketAddr,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl Venue {
    /// Listens, and sends trades of so many symbols, 25 in a frame at each `distance`, to the first
    /// who comes until it is told to stop.
    pub(crate) fn start(
        (symbols, distance): (u32, Duration),
        sent: Arc<Sent>,
        stop: Arc<AtomicBool>,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let thread = thread::spawn(move || {
            let (stream, _) = listener.accept()?;
            let mut socket = admit(stream)?;
            send_all(&mut socket, (symbols, distance), &sent, &stop)
        });
        Ok(Self { address, thread })
    }

    pub(crate) fn finish(self) -> anyhow::Result<()> {
        self.thread.join().expect("the venue does not panic")
    }
}

/// Shakes hands, and takes all requests.
fn admit(stream: TcpStream) -> anyhow::Result<WebSocket<TcpStream>> {
    stream.set_nodelay(true)?;
    let reads = stream.try_clone()?;
    let mut socket = tungstenite::accept(stream).ok().context("a handshake")?;
    reads.set_read_timeout(Some(SETTLE))?;
    while let Ok(message) = socket.read() {
        if !(message.is_text() || message.is_ping()) {
            break;
        }
    }
    Ok(socket)
}

fn send_all(
    socket: &mut WebSocket<TcpStream>,
    (symbols, distance): (u32, Duration),
    sent: &Sent,
    stop: &AtomicBool,
) -> anyhow::Result<()> {
    let mut tape = Tape::new(symbols);
    let (start, mut frame) = (now(), 0);
    while !stop.load(Ordering::Relaxed) {
        let due = start + distance * frame;
        thread::sleep(due.saturating_duration_since(now()));
        let prints: Vec<Print> = tape.by_ref().take(FRAME_TRADES).collect();
        let text = text(&prints, mark(frame as usize), wall_millis()?);
        sent.push(now());
        socket.send(Message::text(text))?;
        frame += 1;
    }
    Ok(())
}

/// A frame whose prices carry its number.
fn text(prints: &[Print], mark: usize, millis: u128) -> String {
    let mut text = String::from("{\"data\":[");
    for print in prints {
        let (dollars, cents) = (print.cents / 100, print.cents % 100);
        let (symbol, size) = (name(print.symbol), print.size);
        write!(
            text,
            "{{\"c\":[\"1\",\"8\"],\"p\":{dollars}.{cents:02}{mark:02},\"s\":\"{symbol}\",\
             \"t\":{millis},\"v\":{size}}},"
        )
        .expect("a String takes any text");
    }
    text.pop();
    text.push_str("],\"type\":\"trade\"}");
    text
}

#[expect(
    clippy::disallowed_methods,
    reason = "a venue stamps its trades with the wall clock"
)]
fn wall_millis() -> anyhow::Result<u128> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())
}
