//! The seam carries another protocol: lines instead of JSON, acknowledgements, a header for the
//! key.

use futures_util::{SinkExt as _, StreamExt as _};
use stock_up_core::Decimal;
use stock_up_io::feed::{
    BadFrame, Endpoint, FeedSignal, FrameKind, FrameRules, Intake, Secret, SubscriptionChange,
    Venue, VenueError, VenueErrorKind, VenueProfile,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use super::stage::{Ear, TOKEN, is_subscribed, quick_heartbeat, quick_settings};

/// `+SPY` and `-SPY` ask; `ok SPY` answers; `SPY 167.42 100 1381219217034000000` is a trade.
struct Lines(VenueProfile);

impl Venue for Lines {
    fn profile(&self) -> &VenueProfile {
        &self.0
    }

    fn requests(&self, change: &SubscriptionChange, messages: &mut Vec<String>) {
        let signed = |sign: char, list: &[String]| {
            let texts = list.iter().map(|symbol| format!("{sign}{symbol}"));
            texts.collect::<Vec<_>>().join(" ")
        };
        let parts = [signed('-', &change.remove), signed('+', &change.add)];
        messages.extend(parts.into_iter().filter(|part| !part.is_empty()));
    }

    fn decode(
        &self,
        frame: &[u8],
        _: &FrameRules<'_>,
        intake: &mut Intake,
    ) -> Result<FrameKind, BadFrame> {
        let text = std::str::from_utf8(frame).map_err(|_| BadFrame::Shape)?;
        let words: Vec<&str> = text.split(' ').collect();
        match words[..] {
            ["ok", _] => Ok(FrameKind::Control),
            ["no", why] => Ok(FrameKind::Error(VenueError {
                kind: VenueErrorKind::Other,
                text: why.to_owned(),
            })),
            [symbol, price, size, time] => {
                let number = |text: &str| Decimal::parse(text.as_bytes());
                let (Ok(price), Ok(size), Ok(time)) = (number(price), number(size), time.parse())
                else {
                    return Err(BadFrame::Shape);
                };
                intake.batch.push(symbol, time, (price, size), "");
                Ok(FrameKind::Trades)
            }
            _ => Err(BadFrame::Shape),
        }
    }
}

#[expect(
    clippy::result_large_err,
    clippy::unnecessary_wraps,
    reason = "the library calls it"
)]
fn check_key(request: &Request, response: Response) -> Result<Response, ErrorResponse> {
    assert_eq!(request.headers()["x-key"], TOKEN);
    assert_eq!(request.uri(), "/lines");
    Ok(response)
}

async fn serve(listener: TcpListener) {
    let (stream, _): (TcpStream, _) = listener.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, check_key)
        .await
        .unwrap();
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        for word in text.as_str().split(' ') {
            let (sign, symbol) = word.split_at(1);
            let mut answers = vec![format!("ok {symbol}")];
            if sign == "+" {
                answers.push(format!("{symbol} 167.42 100 1381219217034000000"));
            } else {
                answers.push("no reason".to_owned());
            }
            for answer in answers {
                socket.feed(Message::text(answer)).await.unwrap();
            }
        }
        socket.flush().await.unwrap();
    }
}

#[tokio::test]
async fn another_protocol_runs_on_the_same_driver() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}/lines", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(serve(listener));
    let lines = Lines(VenueProfile {
        name: "lines",
        endpoint: Endpoint::parse(&address)
            .unwrap()
            .with_header("x-key", Secret::new(TOKEN)),
        max_symbols: 1_000,
        heartbeat: quick_heartbeat(),
    });
    let mut ear = Ear::open(lines, quick_settings(), &["SPY", "IBM"]);
    ear.until(is_subscribed).await;
    ear.trades(2).await;
    ear.wishes.send(vec!["IBM".to_owned()]).unwrap();
    ear.until(|signal| matches!(signal, FeedSignal::VenueError(_)))
        .await;
    assert_eq!(ear.trades[0], "SPY 1381219217034000000 167.42 100 []");
    assert!(ear.report.bad.is_empty());
}
