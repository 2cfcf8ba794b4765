//! Whether a server answers, asked in its own protocol: an open port says little.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::Service;

/// How long one try may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(2);
/// How much of an answer is looked at.
const ANSWER_BYTES_MAX: usize = 4096;

/// Whether `service` answers at `port` of the loopback address.
pub(super) fn answers(service: Service, port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let asked = match service {
        Service::Kafka => ask(address, KAFKA_API_VERSIONS, |answer| {
            // Length, then the number of the request, then error code 0.
            answer.get(4..10) == Some(&[0, 0, 0, 7, 0, 0])
        }),
        Service::RabbitMq => ask(address, b"AMQP\0\0\x09\x01", |answer| {
            // A method frame on channel 0; after its length comes connection.start (10, 10).
            answer.get(..3) == Some(&[1, 0, 0]) && answer.get(7..11) == Some(&[0, 10, 0, 10])
        }),
        Service::InfluxDb => ask(address, &get("/ping"), |answer| {
            answer.starts_with(b"HTTP/1.1 204")
        }),
        Service::Etcd => ask(address, &get("/health"), |answer| {
            contains(answer, br#""health":"true""#)
        }),
        Service::InfluxDb2 => ask(address, &get("/health"), |answer| {
            contains(answer, br#""status":"pass""#)
        }),
        Service::Redis => ask(address, b"PING\r\n", |answer| answer.starts_with(b"+PONG")),
    };
    asked.unwrap_or(false)
}

/// `ApiVersions` version 0, request 7, no client name; it is answered once the broker takes
/// requests.
const KAFKA_API_VERSIONS: &[u8] = &[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").into_bytes()
}

/// A request with a body in JSON.
pub(super) fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends `question` and reads until `expected` holds, the server ends, or time or room runs out.
pub(super) fn ask(
    address: SocketAddr,
    question: &[u8],
    expected: impl Fn(&[u8]) -> bool,
) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, TRY_TIMEOUT)?;
    stream.set_read_timeout(Some(TRY_TIMEOUT))?;
    stream.write_all(question)?;
    let mut answer = Vec::new();
    let mut part = [0; 512];
    while answer.len() < ANSWER_BYTES_MAX {
        let length = stream.read(&mut part)?;
        answer.extend_from_slice(part.get(..length).unwrap_or_default());
        if expected(&answer) {
            return Ok(true);
        }
        if length == 0 {
            break;
        }
    }
    Ok(false)
}

pub(super) fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Whether a server that says `answer` to whatever comes is taken for a ready one.
    fn ready(service: Service, answer: &'static [u8]) -> bool {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut question = [0; 512];
            let length = stream.read(&mut question).expect("a question");
            assert!(length > 0);
            stream.write_all(answer).expect("the client listens");
        });
        let ready = answers(service, port);
        server.join().expect("the server did its part");
        ready
    }

    #[test]
    fn the_right_answer_is_ready_and_no_other() {
        assert!(ready(Service::Redis, b"+PONG\r\n"));
        assert!(!ready(Service::Redis, b"-LOADING Redis is loading\r\n"));
        assert!(ready(Service::Kafka, &[0, 0, 0, 9, 0, 0, 0, 7, 0, 0, 0]));
        assert!(!ready(Service::Kafka, &[0, 0, 0, 6, 0, 0, 0, 7, 0, 35]));
        assert!(ready(
            Service::RabbitMq,
            b"\x01\0\0\0\0\0\xf0\0\x0a\0\x0a\0"
        ));
        assert!(!ready(Service::RabbitMq, b"AMQP\0\0\x09\x01"));
        assert!(ready(Service::InfluxDb, b"HTTP/1.1 204 No Content\r\n\r\n"));
        assert!(!ready(Service::InfluxDb, b"HTTP/1.1 503 no\r\n\r\n"));
        assert!(ready(
            Service::Etcd,
            b"HTTP/1.1 200 OK\r\n\r\n{\"health\":\"true\"}"
        ));
        assert!(ready(
            Service::InfluxDb2,
            b"HTTP/1.1 200 OK\r\n\r\n{\"status\":\"pass\", \"checks\":[]}"
        ));
        assert!(!ready(
            Service::Etcd,
            b"HTTP/1.1 503 no\r\n\r\n{\"health\":\"false\"}"
        ));
    }
}
