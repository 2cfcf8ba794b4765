//! A database of its own on a real `InfluxDB` 1.x, asked as Grafana asks it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A value at a time in ms.
pub(crate) type Sample = (i64, Value);

pub(crate) struct Database {
    address: String,
    name: String,
}

/// One series of an answer.
pub(crate) struct Series {
    /// The tag `symbol`, where the query groups by it.
    pub(crate) symbol: Option<String>,
    rows: Vec<Vec<Value>>,
}

impl Series {
    /// The values of the column `index`, time not counted.
    pub(crate) fn column(&self, index: usize) -> Vec<Sample> {
        let sample = |row: &Vec<Value>| (row[0].as_i64().unwrap(), row[index + 1].clone());
        self.rows.iter().map(sample).collect()
    }
}

impl Database {
    /// A new database at `http://HOST:PORT`; it goes away with the value.
    pub(crate) fn create(url: &str, test: &str) -> Self {
        let address = url.strip_prefix("http://").expect("plain HTTP");
        let database = Self {
            address: address.trim_end_matches('/').to_owned(),
            name: format!("{test}_{}", std::process::id()),
        };
        database.command(&format!("CREATE DATABASE {}", database.name));
        database
    }

    /// Writes lines whose times have `precision`.
    pub(crate) fn write(&self, precision: &str, lines: &[u8]) {
        let path = format!("/write?db={}&precision={precision}", self.name);
        let (status, body) = self.http("POST", &path, lines);
        assert_eq!(status, 204, "{body}");
    }

    /// The series that `query` gives.
    pub(crate) fn query(&self, query: &str) -> Vec<Series> {
        let path = format!(
            "/query?db={}&epoch=ms&q={}",
            self.name,
            percent_encoded(query)
        );
        let result = answer(self.http("GET", &path, b""), query);
        let series = result["series"].as_array().cloned().unwrap_or_default();
        let one = |series: Value| Series {
            symbol: series["tags"]["symbol"].as_str().map(str::to_owned),
            rows: serde_json::from_value(series["values"].clone()).unwrap(),
        };
        series.into_iter().map(one).collect()
    }

    /// The values of `SHOW TAG VALUES`, sorted.
    pub(crate) fn tags(&self, query: &str) -> Vec<String> {
        let path = format!("/query?db={}&q={}", self.name, percent_encoded(query));
        let result = answer(self.http("GET", &path, b""), query);
        let rows = result["series"][0]["values"].as_array().unwrap();
        let mut values: Vec<String> = rows
            .iter()
            .map(|row| row[1].as_str().unwrap().to_owned())
            .collect();
        values.sort();
        values
    }

    fn command(&self, command: &str) {
        let path = format!("/query?q={}", percent_encoded(command));
        answer(self.http("POST", &path, b""), command);
    }

    /// One request of HTTP/1.0, whose answer ends with the connection.
    fn http(&self, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n"
        )
        .unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.command(&format!("DROP DATABASE {}", self.name));
        }
    }
}

/// The one result of an answer that holds no error.
#[track_caller]
fn answer((status, body): (u16, String), query: &str) -> Value {
    assert_eq!(status, 200, "{query}: {body}");
    let mut body: Value = serde_json::from_str(&body).unwrap();
    let result = body["results"][0].take();
    assert!(result["error"].is_null(), "{query}: {result}");
    result
}

/// Both give the same values at the same times; numbers may differ by the last bits of a sum.
#[track_caller]
pub(crate) fn assert_same(shown: &[Sample], expected: &[Sample], at: &str) {
    assert_eq!(shown.len(), expected.len(), "{at}");
    for (shown, expected) in shown.iter().zip(expected) {
        assert_eq!(shown.0, expected.0, "{at}");
        match (shown.1.as_f64(), expected.1.as_f64()) {
            (Some(a), Some(b)) => {
                assert!((a - b).abs() <= b.abs() * 1e-12, "{at}: {a} instead of {b}");
            }
            _ => assert_eq!(shown.1, expected.1, "{at}"),
        }
    }
}

fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).into(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
