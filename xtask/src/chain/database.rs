//! What InfluxDB holds of a route.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::points::{COLUMNS, Points};

/// How long an answer may take; the whole day is one.
const ANSWER_TIME: Duration = Duration::from_mins(1);

/// Cells before the values: measurement, tags, time, symbol, window.
const NAME_CELLS: usize = 5;

/// A database of the server.
#[derive(Debug)]
pub(super) struct Database {
    /// Host and port.
    address: String,
    name: String,
}

impl Database {
    pub(super) fn new(url: &str, name: &str) -> Self {
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        Self {
            address: address.to_owned(),
            name: name.to_owned(),
        }
    }

    /// How many points there are.
    pub(super) fn count(&self) -> anyhow::Result<usize> {
        let rows = self.query("SELECT count(transactions) FROM stock_window")?;
        match rows.first().and_then(|row| row.get(3)) {
            Some(count) => Ok(count.parse()?),
            None => Ok(0),
        }
    }

    /// All of them.
    pub(super) fn points(&self) -> anyhow::Result<Points> {
        let fields = COLUMNS.join(", ");
        let text = format!("SELECT symbol, \"window\", {fields} FROM stock_window");
        let mut points = Points::default();
        for row in self.query(&text)? {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            let Some((&[_, _, time, symbol, window], values)) = cells.split_first_chunk() else {
                bail!(
                    "a row of {} cells is not one of {NAME_CELLS} and more",
                    row.len()
                );
            };
            points.add((time, symbol, window), values)?;
        }
        Ok(points)
    }

    /// The answer as rows of cells, times in ns. As CSV: a number keeps its digits.
    fn query(&self, text: &str) -> anyhow::Result<Vec<Vec<String>>> {
        let body = format!("q={}&epoch=ns&db={}", escaped(text), self.name);
        let answer = post(&self.address, "/query", &body)
            .with_context(|| format!("InfluxDB at {} does not answer", self.address))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).unwrap_or_default();
        if status != "200" {
            bail!("InfluxDB answers `{text}` with {status}: {}", body.trim());
        }
        let cells = |line: &str| line.split(',').map(str::to_owned).collect();
        let rows = body.lines().filter(|line| !line.starts_with("name,"));
        Ok(rows.map(cells).collect())
    }
}

fn post(address: &str, path: &str, body: &str) -> anyhow::Result<String> {
    let length = body.len();
    let question = format!(
        "POST {path} HTTP/1.0\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         accept: application/csv\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    ask(address, &question)
}

/// The body of the answer to a GET.
pub(super) fn get(address: &str, path: &str) -> anyhow::Result<String> {
    let answer = ask(
        address,
        &format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n"),
    )?;
    let (_, body) = answer
        .split_once("\r\n\r\n")
        .context("an answer has a body")?;
    Ok(body.to_owned())
}

/// HTTP/1.0: the answer comes in one piece, and ends with the connection.
///
/// The question goes out in one piece too: a server that answers its beginning and leaves would
/// otherwise reset the connection under the rest.
fn ask(address: &str, question: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER_TIME))?;
    stream.write_all(question.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Each byte as `%XX`, which every form understands.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        write!(out, "%{byte:02X}").expect("a String takes all text");
        out
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Asks a server that says `answer` to whatever comes.
    fn asked<T>(answer: &'static str, ask: impl FnOnce(Database) -> T) -> (T, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut question = String::new();
            let mut piece = [0; 4096];
            while !question.ends_with("&db=kafka") {
                let length = stream.read(&mut piece).expect("a question");
                assert_ne!(length, 0, "only a part of a question: {question}");
                question += std::str::from_utf8(&piece[..length]).expect("it is text");
            }
            stream
                .write_all(answer.as_bytes())
                .expect("the client listens");
            question
        });
        let answered = ask(Database::new(&url, "kafka"));
        (answered, server.join().expect("the server did its part"))
    }

    #[test]
    fn points_are_read_as_the_server_has_them() {
        let answer = "HTTP/1.0 200 OK\r\n\r\nname,tags,time,symbol,window,transactions\n\
                      stock_window,,7,SPY,60s,2,300,1,1,1,1,1,0,complete,1,0\n";
        let (points, question) = asked(answer, |database| database.points());
        let head = format!("timestamp_ns,symbol,window,{}", COLUMNS.join(","));
        let expected = format!("{head}\n7,SPY,60s,2,300,1,1,1,1,1,0,complete,1,0\n");
        let expected = Points::from_csv(&expected).expect("a row of a series");
        assert_eq!(points.expect("they are read"), expected);
        assert!(question.ends_with("&epoch=ns&db=kafka"), "{question}");
    }

    #[test]
    fn a_refusal_is_no_empty_answer() {
        let answer = "HTTP/1.0 401 no\r\n\r\nwho are you";
        let (count, _) = asked(answer, |database| database.count());
        let error = count.expect_err("refused").to_string();
        assert!(error.ends_with("with 401: who are you"), "{error}");
    }
}
