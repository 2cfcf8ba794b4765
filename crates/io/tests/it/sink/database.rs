//! A database of a real server, 1.x or 2.x, for one test: what it holds, read back, and its end.

use std::collections::BTreeMap;
use std::env;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};
use stock_up_core::Span;
use stock_up_io::feed::Secret;
use stock_up_io::sink::influx::Api;

use super::v1;
use crate::needs;

const ONE: &str = "STOCK_UP_TEST_INFLUXDB";
const TWO: &str = "STOCK_UP_TEST_INFLUXDB2";

/// Symbol, window in ns and time, to the line that says the point.
type Points = BTreeMap<(String, i64, i64), String>;

/// A database of its own for each test, removed at its end.
pub(super) struct Database {
    pub(super) url: String,
    pub(super) name: String,
    owner: Option<Owner>,
}

/// To whom a bucket of 2.x belongs.
struct Owner {
    org: String,
    token: String,
}

impl Database {
    /// One of 1.x.
    pub(super) fn new(test: &str) -> Option<Self> {
        let database = Self::named(test)?;
        database.query(&format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    /// One of 1.x that does not exist yet.
    pub(super) fn named(test: &str) -> Option<Self> {
        let url = needs::server(ONE, test)?;
        Some(Self::at(url, test, None))
    }

    /// A bucket of 2.x, which keeps points for ever.
    pub(super) fn bucket(test: &str) -> Option<Self> {
        let database = Self::bucket_named(test)?;
        database.create_bucket(0);
        Some(database)
    }

    /// A bucket of 2.x that does not exist yet.
    pub(super) fn bucket_named(test: &str) -> Option<Self> {
        let url = needs::rare_server(TWO, "influxdb2", test)?;
        let more = |name: &str| {
            let variable = format!("{TWO}_{name}");
            env::var(&variable).unwrap_or_else(|_| panic!("{TWO} is set, {variable} is not"))
        };
        let owner = Owner {
            org: more("ORG"),
            token: more("TOKEN"),
        };
        Some(Self::at(url, test, Some(owner)))
    }

    fn at(url: String, test: &str, owner: Option<Owner>) -> Self {
        let name = format!("test_{test}_{}", std::process::id());
        Self { url, name, owner }
    }

    /// How a sink reaches it.
    pub(super) fn api(&self) -> Api {
        match &self.owner {
            None => v1(&self.name),
            Some(owner) => Api::V2 {
                org: owner.org.clone(),
                bucket: self.name.clone(),
                token: Secret::new(&owner.token),
            },
        }
    }

    /// Asks the API over HTTP/1.0, where an answer comes in one piece: the JSON of that.
    pub(super) fn ask(&self, line: &str, kind: &str, body: &str) -> Value {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        let key = self.owner.as_ref().map_or_else(String::new, |owner| {
            format!("authorization: Token {}\r\n", owner.token)
        });
        let length = body.len();
        write!(
            stream,
            "{line} HTTP/1.0\r\n{key}content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_default()
    }

    /// Asks the API of 2.x in JSON.
    pub(super) fn ask_json(&self, line: &str, body: &Value) -> Value {
        // A body that nobody reads would be answered with a reset.
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        self.ask(line, "application/json", &body)
    }

    pub(super) fn org_id(&self) -> String {
        let orgs = self.ask_json("GET /api/v2/orgs", &Value::Null);
        let orgs = orgs["orgs"].as_array().unwrap().clone();
        let org = &self.owner.as_ref().unwrap().org;
        let ours = orgs.iter().find(|one| one["name"] == **org).unwrap();
        ours["id"].as_str().unwrap().to_owned()
    }

    /// Creates the bucket, which keeps points for so long; 0: for ever.
    pub(super) fn create_bucket(&self, seconds: u32) {
        let rules = json!([{ "type": "expire", "everySeconds": seconds }]);
        let body = json!({ "orgID": self.org_id(), "name": self.name, "retentionRules": rules });
        let made = self.ask_json("POST /api/v2/buckets", &body);
        assert_eq!(made["name"], *self.name, "{made}");
    }

    /// The bucket as 2.x describes it, if it is there.
    pub(super) fn find_bucket(&self) -> Option<Value> {
        let line = format!("GET /api/v2/buckets?name={}", self.name);
        let found = self.ask_json(&line, &Value::Null);
        Some(found["buckets"].get(0)?.clone())
    }

    /// Stores one line, its time in ms.
    pub(super) fn write_line(&self, text: &str) {
        let name = &self.name;
        let line = match &self.owner {
            None => format!("POST /write?db={name}&precision=ms"),
            Some(Owner { org, .. }) => {
                format!("POST /api/v2/write?org={org}&bucket={name}&precision=ms")
            }
        };
        assert_eq!(self.ask(&line, "text/plain", text), Value::Null);
    }

    /// Asks in `InfluxQL`; 2.x answers that for a bucket as for a database of its name.
    pub(super) fn query(&self, text: &str) -> Value {
        let encode = |byte: u8| format!("%{byte:02X}");
        let text: String = text.bytes().map(encode).collect();
        let body = format!("q={text}&epoch=ns&db={}", self.name);
        self.ask("POST /query", "application/x-www-form-urlencoded", &body)
    }

    /// Rows of a query as maps of column to value.
    pub(super) fn rows(&self, text: &str) -> Vec<BTreeMap<String, Value>> {
        let answer = self.query(text);
        let series = &answer["results"][0]["series"];
        let mut rows = Vec::new();
        for series in series.as_array().into_iter().flatten() {
            let columns = series["columns"].as_array().unwrap();
            for values in series["values"].as_array().unwrap() {
                let cells = columns.iter().zip(values.as_array().unwrap());
                rows.push(
                    cells
                        .map(|(name, cell)| (name.as_str().unwrap().to_owned(), cell.clone()))
                        .collect(),
                );
            }
        }
        rows
    }

    /// The points of the layout `wide`.
    pub(super) fn points(&self) -> Points {
        let read = |row: BTreeMap<String, Value>| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            let float = |name: &str| row.get(name).and_then(Value::as_f64);
            let said = format!(
                "{} {} {:?} {:?} {} {} {}",
                row["transactions"],
                float("volume").unwrap(),
                float("last_price"),
                float("avg_price_trans"),
                text("status"),
                float("coverage").unwrap(),
                row["revision"],
            );
            let window = Span::parse(&text("window")).unwrap().ns();
            (
                (text("symbol"), window, row["time"].as_i64().unwrap()),
                said,
            )
        };
        self.rows("SELECT * FROM stock_window")
            .into_iter()
            .map(read)
            .collect()
    }

    pub(super) fn count(&self, measurement: &str) -> usize {
        self.rows(&format!("SELECT value FROM {measurement}")).len()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.owner.is_none() {
            self.query(&format!("DROP DATABASE {}", self.name));
        } else if let Some(bucket) = self.find_bucket() {
            let id = bucket["id"].as_str().unwrap_or_default();
            self.ask_json(&format!("DELETE /api/v2/buckets/{id}"), &Value::Null);
        }
    }
}
