//! What clients send, read from the other side: the tape venue speaks the protocol too.

use super::scan::{Kind, Scanner};
use super::text::unescape;

/// A message of a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Subscribe(String),
    Unsubscribe(String),
}

/// Reads `{"type":"subscribe","symbol":"AAPL"}`; `None` for anything else.
pub(crate) fn read_request(message: &[u8]) -> Option<Request> {
    let symbol = read_field(message, "symbol")?;
    match read_field(message, "type")?.as_str() {
        "subscribe" => Some(Request::Subscribe(symbol)),
        "unsubscribe" => Some(Request::Unsubscribe(symbol)),
        _ => None,
    }
}

/// The text of the field `name` of a JSON object.
pub(crate) fn read_field(message: &[u8], name: &str) -> Option<String> {
    let mut scanner = Scanner::new(message);
    scanner.blanks();
    scanner.expect(b'{').ok()?;
    scanner.blanks();
    let mut found = None;
    loop {
        let key = scanner.key().ok()?;
        let is_text = scanner.kind().ok()? == Kind::Text;
        let value = scanner.skip().ok()?;
        if is_text && key == name.as_bytes() {
            let inner = value.get(1..value.len().checked_sub(1)?)?;
            found = Some(unescape(inner)?.into_owned());
        }
        if !scanner.another(b'}').ok()? {
            return found;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_in_any_order_of_keys() {
        let aapl = || "AAPL".to_owned();
        for (message, expect) in [
            (
                r#"{"type":"subscribe","symbol":"AAPL"}"#,
                Some(Request::Subscribe(aapl())),
            ),
            (
                r#" { "symbol" : "\u0041APL", "x":[1], "type":"unsubscribe" }"#,
                Some(Request::Unsubscribe(aapl())),
            ),
            (r#"{"type":"subscribe-news","symbol":"AAPL"}"#, None),
            (r#"{"type":"subscribe"}"#, None),
            (r#"{"type":"subscribe","symbol":7}"#, None),
            ("{}", None),
            ("hello", None),
        ] {
            assert_eq!(read_request(message.as_bytes()), expect, "{message}");
        }
    }
}
