//! JSON strings: escapes read and written.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What the inside of a JSON string says, or `None` when an escape is wrong or the bytes are no
/// UTF-8.
pub(crate) fn unescape(raw: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(raw).ok()?;
    if !raw.contains(&b'\\') {
        return Some(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        out.push_str(before);
        let (meant, length) = read_escape(escape)?;
        out.push(meant);
        rest = escape.get(length..)?;
    }
    out.push_str(rest);
    Some(Cow::Owned(out))
}

/// The character that an escape (after its backslash) means, and how many bytes it takes.
fn read_escape(escape: &str) -> Option<(char, usize)> {
    let simple = match escape.as_bytes().first()? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return read_code(escape),
        _ => return None,
    };
    Some((simple, 1))
}

/// `u003c`, or `ud83d\ude00` for characters that take two.
fn read_code(escape: &str) -> Option<(char, usize)> {
    let unit = |from: usize| {
        let digits = escape.get(from..from + 4)?;
        let all_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        all_hex.then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let first = unit(1)?;
    if let Some(c) = char::from_u32(u32::from(first)) {
        return Some((c, 5));
    }
    if escape.get(5..7) != Some("\\u") {
        return None;
    }
    let pair = [first, unit(7)?];
    let c = char::decode_utf16(pair).next()?.ok()?;
    Some((c, 11))
}

/// Appends `text` as a JSON string with its quotes.
pub(crate) fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("a String takes any text");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_say_what_json_means() {
        for (raw, expect) in [
            (r"AAPL", Some("AAPL")),
            (r"\u003cimg\u003e", Some("<img>")),
            (r"BTC\/USD", Some("BTC/USD")),
            (r"\ud83d\ude00!", Some("\u{1f600}!")),
            (r#"\"\\\n\t"#, Some("\"\\\n\t")),
            (r"\ud83d", None),
            (r"\ud83dA", None),
            (r"\u12", None),
            (r"\u+123", None),
            (r"\x", None),
        ] {
            assert_eq!(unescape(raw.as_bytes()).as_deref(), expect, "{raw}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["AAPL", "a\"b\\c\nd\u{7f}", "<img src=x>", "é\u{1f600}"] {
            let mut quoted = String::new();
            write_quoted(text, &mut quoted);
            let inner = &quoted[1..quoted.len() - 1];
            assert_eq!(unescape(inner.as_bytes()).as_deref(), Some(text));
        }
    }
}
