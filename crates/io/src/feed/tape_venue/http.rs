//! `POST /control {"action":"drop"}` and `GET /status`, on a loopback port: faults by hand.
//!
//! A test tool, so it is as small as it can be; but a page in somebody's browser must not be able
//! to use it: only JSON is taken, which a page may not send to another origin unasked, and only
//! loopback names are answered to.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::control::Control;
use super::fault::Fault;
use crate::feed::finnhub::read_field;
use crate::feed::stop::Stop;

const MAX_HEAD_BYTES: usize = 8 << 10;
const MAX_BODY_BYTES: usize = 64 << 10;
const MAX_CONNECTIONS: usize = 16;
/// A request may take so long.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves the controls until `shutdown` completes.
///
/// # Errors
/// When `listener` is not on a loopback address.
pub async fn serve_control(
    control: Control,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        let text = format!("the control address {address} is not a loopback address");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let mut stop = Stop::new(shutdown);
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.told() => return Ok(()),
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
            accepted = listener.accept(), if tasks.len() < MAX_CONNECTIONS => {
                if let Ok((stream, _)) = accepted {
                    tasks.spawn(timeout(REQUEST_TIMEOUT, answer(stream, control.clone(), address)));
                }
            }
        }
    }
}

async fn answer(mut stream: TcpStream, control: Control, address: SocketAddr) -> io::Result<()> {
    let (status, body) = match read_request(&mut stream).await? {
        Some(request) => request.respond(&control, address).await,
        None => bad("the request is too long or not HTTP"),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// A request, as far as it matters.
#[derive(Default)]
struct Request {
    line: String,
    host: String,
    content_type: String,
    body: Vec<u8>,
}

async fn read_request(stream: &mut TcpStream) -> io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if bytes.len() > MAX_HEAD_BYTES || stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let mut request = Request::default();
    let mut length = 0_usize;
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    lines
        .next()
        .unwrap_or_default()
        .clone_into(&mut request.line);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "host" => value.clone_into(&mut request.host),
            "content-type" => value.clone_into(&mut request.content_type),
            "content-length" => length = value.parse().unwrap_or(usize::MAX),
            _ => {}
        }
    }
    if length > MAX_BODY_BYTES {
        return Ok(None);
    }
    request.body = bytes.split_off(head_end + 4);
    while request.body.len() < length {
        if stream.read_buf(&mut request.body).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(request))
}

impl Request {
    async fn respond(&self, control: &Control, address: SocketAddr) -> (&'static str, String) {
        let name = self
            .host
            .rsplit_once(':')
            .map_or(&*self.host, |(name, _)| name);
        if name != "localhost" && name != address.ip().to_string() && name != "[::1]" {
            return (
                "403 Forbidden",
                complaint("this host name is not answered to"),
            );
        }
        let mut words = self.line.split(' ');
        match (words.next(), words.next()) {
            (Some("GET"), Some("/status")) => ("200 OK", control.status().borrow().to_json()),
            (Some("POST"), Some("/control")) => self.act(control).await,
            _ => (
                "404 Not Found",
                complaint("there is GET /status and POST /control"),
            ),
        }
    }

    async fn act(&self, control: &Control) -> (&'static str, String) {
        if !self.content_type.starts_with("application/json") {
            return (
                "415 Unsupported Media Type",
                complaint("send application/json"),
            );
        }
        let Some(text) = read_field(&self.body, "action") else {
            return bad("send an object such as {\"action\":\"drop\"}");
        };
        match text.parse::<Fault>() {
            Ok(Fault {
                action,
                at: None,
                every: None,
            }) => {
                if control.act(action).await {
                    ("200 OK", "{\"ok\":true}\n".to_owned())
                } else {
                    ("503 Service Unavailable", complaint("the venue has ended"))
                }
            }
            Ok(_) => bad("what is asked for here happens at once: leave out `@` and `every`"),
            Err(error) => bad(&error.to_string()),
        }
    }
}

fn bad(text: &str) -> (&'static str, String) {
    ("400 Bad Request", complaint(text))
}

fn complaint(text: &str) -> String {
    let mut body = String::from("{\"error\":");
    crate::feed::finnhub::write_quoted(text, &mut body);
    body.push_str("}\n");
    body
}
