//! One connection of the venue: what the client asks for goes to the hub, what the hub has goes
//! out.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message, Utf8Bytes};

use super::frame::{PING, error};
use super::hub::{ClientId, Event};
use crate::feed::dial::Socket;
use crate::feed::finnhub::{Request, read_request};

/// A client may take so long to hang up after us.
const GOODBYE: Duration = Duration::from_secs(1);

/// What the hub tells a connection.
#[derive(Debug)]
pub(super) enum ToClient {
    /// Send this.
    Frame(Utf8Bytes),
    /// Send a close frame of this code, then end.
    Close(u16),
    /// End without a close frame.
    Drop,
    /// End with a TCP reset.
    Reset,
    /// Do nothing any more, and do not end.
    HalfOpen,
}

/// A connection that was let in.
pub(super) struct Client {
    pub(super) id: ClientId,
    pub(super) socket: Socket,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) inbox: mpsc::Receiver<ToClient>,
    pub(super) ping_every: Duration,
}

/// Why a connection ends; which way does not matter.
struct Ended;

impl<E> From<mpsc::error::SendError<E>> for Ended {
    fn from(_: mpsc::error::SendError<E>) -> Self {
        Self
    }
}

impl From<SocketError> for Ended {
    fn from(_: SocketError) -> Self {
        Self
    }
}

impl Client {
    /// Serves until either side ends it.
    pub(super) async fn run(mut self) {
        // The end of a connection is no error of the venue.
        self.serve().await.unwrap_or_default();
    }

    async fn serve(&mut self) -> Result<(), Ended> {
        let mut pings = interval_at(Instant::now() + self.ping_every, self.ping_every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                told = self.inbox.recv() => self.obey(told.ok_or(Ended)?).await?,
                message = self.socket.next() => self.take(message.ok_or(Ended)??).await?,
                _ = pings.tick() => self.socket.send(Message::Text(PING)).await?,
            }
        }
    }

    /// Does what the hub says, and what else it has said by now.
    async fn obey(&mut self, told: ToClient) -> Result<(), Ended> {
        let mut told = Some(told);
        while let Some(next) = told {
            match next {
                ToClient::Frame(text) => self.socket.feed(Message::Text(text)).await?,
                other => {
                    self.socket.flush().await?;
                    return self.end(other).await;
                }
            }
            told = self.inbox.try_recv().ok();
        }
        Ok(self.socket.flush().await?)
    }

    async fn end(&mut self, how: ToClient) -> Result<(), Ended> {
        match how {
            ToClient::Frame(_) => {}
            ToClient::Drop => self.hang_up().await?,
            ToClient::Close(code) => self.say_goodbye(code).await?,
            ToClient::Reset => {
                let tcp = self.socket.get_ref().tcp();
                tcp.set_zero_linger().map_err(|_| Ended)?;
            }
            ToClient::HalfOpen => std::future::pending().await,
        }
        Err(Ended)
    }

    /// Ends without a close frame. Closing with unread bytes would be a reset, and what is on its
    /// way would be lost; so what the client still sends is read until it hangs up too.
    async fn hang_up(&mut self) -> Result<(), Ended> {
        let transport = self.socket.get_mut();
        transport.shutdown().await.map_err(|_| Ended)?;
        let mut nowhere = tokio::io::sink();
        let rest = tokio::io::copy(transport, &mut nowhere);
        drop(timeout(GOODBYE, rest).await);
        Ok(())
    }

    async fn say_goodbye(&mut self, code: u16) -> Result<(), Ended> {
        let frame = CloseFrame {
            code: code.into(),
            reason: Utf8Bytes::from_static("on demand"),
        };
        self.socket.close(Some(frame)).await?;
        let answered = async { while let Some(Ok(_)) = self.socket.next().await {} };
        timeout(GOODBYE, answered).await.unwrap_or_default();
        Ok(())
    }

    async fn take(&mut self, message: Message) -> Result<(), Ended> {
        let text = match message {
            Message::Text(text) => text,
            Message::Ping(_) => return Ok(self.socket.flush().await?),
            Message::Close(_) => return Err(Ended),
            _ => return Ok(()),
        };
        let id = self.id;
        match read_request(text.as_bytes()) {
            Some(Request::Subscribe(symbol)) => {
                self.events.send(Event::Subscribe { id, symbol }).await?;
            }
            Some(Request::Unsubscribe(symbol)) => {
                self.events.send(Event::Unsubscribe { id, symbol }).await?;
            }
            None => {
                let text = error("Invalid message");
                self.socket.send(Message::Text(text)).await?;
            }
        }
        Ok(())
    }
}
