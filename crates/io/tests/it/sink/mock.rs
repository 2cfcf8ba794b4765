//! An `InfluxDB` of our own on a real socket: keeps lines, answers as told, breaks as told.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use socket2::SockRef;

/// What happens to a request instead of an answer that it deserves.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Status, more header lines, body.
    Answer(u16, &'static str, &'static str),
    /// Takes the request and says nothing.
    Silence,
    /// Keeps the lines, then cuts the connection in the middle of the answer.
    StoredAndReset,
    /// Cuts the connection after a part of the request.
    ResetEarly,
}

#[derive(Debug, Default)]
struct State {
    faults: VecDeque<Fault>,
    /// Series and time, to the fields.
    lines: BTreeMap<String, String>,
    /// First lines of all requests.
    requests: Vec<String>,
    /// The header `authorization` of the last request.
    authorization: String,
    /// Bodies of requests that are not writes.
    bodies: Vec<String>,
    most_lines: Option<usize>,
    busy: bool,
    /// Two requests were under way at once.
    overlapped: bool,
    open: Vec<TcpStream>,
}

/// The server; it ends with the process.
#[derive(Debug, Clone)]
pub(crate) struct Mock {
    state: Arc<Mutex<State>>,
    pub(crate) url: String,
}

impl Mock {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mock = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            state: Arc::default(),
        };
        let server = mock.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (server, stream) = (server.clone(), stream.unwrap());
                // A connection that breaks is what these tests are about.
                thread::spawn(move || drop(server.serve(&stream)));
            }
        });
        mock
    }

    pub(crate) fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.with(|state| state.faults.extend(faults));
    }

    /// Requests with more lines are answered 413.
    pub(crate) fn limit(&self, lines: usize) {
        self.with(|state| state.most_lines = Some(lines));
    }

    pub(crate) fn lines(&self) -> BTreeMap<String, String> {
        self.with(|state| state.lines.clone())
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.with(|state| state.requests.clone())
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        self.with(|state| state.bodies.clone())
    }

    pub(crate) fn authorization(&self) -> String {
        self.with(|state| state.authorization.clone())
    }

    pub(crate) fn faults_left(&self) -> usize {
        self.with(|state| state.faults.len())
    }

    pub(crate) fn overlapped(&self) -> bool {
        self.with(|state| state.overlapped)
    }

    fn with<T>(&self, ask: impl FnOnce(&mut State) -> T) -> T {
        ask(&mut self.state.lock().unwrap())
    }

    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut input = BufReader::new(stream);
        loop {
            let mut first = String::new();
            if input.read_line(&mut first)? == 0 {
                return Ok(());
            }
            if self.begin(first.trim()) {
                return reset(stream);
            }
            let body = self.body(&mut input)?;
            let answer = self.answer(stream, first.trim(), &body);
            self.with(|state| state.busy = false);
            match answer {
                Some(text) => (&*stream).write_all(text.as_bytes())?,
                None => return Ok(()),
            }
        }
    }

    /// Notes a request; says whether the script cuts it off.
    fn begin(&self, first: &str) -> bool {
        self.with(|state| {
            state.requests.push(first.to_owned());
            state.overlapped |= state.busy;
            let early = matches!(state.faults.front(), Some(Fault::ResetEarly));
            if early {
                state.faults.pop_front();
            }
            state.busy = !early;
            early
        })
    }

    fn body(&self, input: &mut impl BufRead) -> std::io::Result<String> {
        let (mut length, mut gzip) = (0, false);
        loop {
            let mut line = String::new();
            input.read_line(&mut line)?;
            let line = line.trim();
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            match (name.to_lowercase().as_str(), value.trim()) {
                ("content-length", value) => length = value.parse().unwrap(),
                ("content-encoding", "gzip") => gzip = true,
                ("authorization", value) => {
                    self.with(|state| value.clone_into(&mut state.authorization));
                }
                _ => {}
            }
        }
        let mut body = vec![0; length];
        input.read_exact(&mut body)?;
        let mut text = String::new();
        if gzip {
            flate2::read::GzDecoder::new(&*body).read_to_string(&mut text)?;
        } else {
            text = String::from_utf8(body).unwrap();
        }
        Ok(text)
    }

    fn answer(&self, stream: &TcpStream, first: &str, body: &str) -> Option<String> {
        let path = first.split(' ').nth(1).unwrap();
        let is_write = path.starts_with("/write?") || path.starts_with("/api/v2/write?");
        let fault = self.with(|state| state.faults.pop_front());
        match fault {
            Some(Fault::Answer(status, headers, body)) => return Some(http(status, headers, body)),
            Some(Fault::Silence) => {
                let kept = stream.try_clone().unwrap();
                self.with(|state| state.open.push(kept));
                return None;
            }
            Some(Fault::StoredAndReset) => {
                self.keep(body);
                let half = "HTTP/1.1 500 X\r\ncontent-length: 500\r\n\r\n{\"error\":";
                drop((&*stream).write_all(half.as_bytes()));
                drop(reset(stream));
                return None;
            }
            Some(Fault::ResetEarly) | None => {}
        }
        if !is_write {
            self.with(|state| state.bodies.push(body.to_owned()));
            let orgs = "{\"orgs\":[{\"id\":\"0f\",\"name\":\"desk\"}]}";
            return Some(match path {
                "/ping" => http(204, "X-Influxdb-Version: 9.9\r\n", ""),
                _ if path.starts_with("/api/v2/orgs") => http(200, "", orgs),
                _ => http(200, "", "{\"results\":[{\"statement_id\":0}]}"),
            });
        }
        let count = body.lines().count();
        if self.with(|state| state.most_lines.is_some_and(|most| count > most)) {
            return Some(http(413, "", "{\"error\":\"Request Entity Too Large\"}"));
        }
        self.keep(body);
        Some(http(204, "", ""))
    }

    fn keep(&self, body: &str) {
        self.with(|state| {
            for line in body.lines().filter(|line| !line.is_empty()) {
                let (rest, time) = line.rsplit_once(' ').unwrap();
                let (series, fields) = split_series(rest);
                state
                    .lines
                    .insert(format!("{series} {time}"), fields.to_owned());
            }
        });
    }
}

/// At the first blank that is not escaped.
fn split_series(text: &str) -> (&str, &str) {
    let escaped = |at: usize| text.as_bytes().get(at.wrapping_sub(1)) == Some(&b'\\');
    let mut blanks = text.match_indices(' ').map(|(at, _)| at);
    text.split_at(blanks.find(|at| !escaped(*at)).unwrap())
}

fn http(status: u16, headers: &str, body: &str) -> String {
    if status == 204 {
        return format!("HTTP/1.1 204 No Content\r\n{headers}\r\n");
    }
    format!(
        "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Ends the connection with RST, not FIN.
fn reset(stream: &TcpStream) -> std::io::Result<()> {
    SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO))?;
    stream.shutdown(Shutdown::Read)
}
