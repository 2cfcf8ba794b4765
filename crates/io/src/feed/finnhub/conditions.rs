//! Trade conditions: `["1","8"]`, `[1,8]` or `null` as one text.

use stock_up_core::trade::MAX_CONDITIONS_BYTES;

use super::scan::{Kind, Scanner};
use super::text::unescape;
use crate::feed::bad::{BadFrame, BadTrade};

/// Appends the entries of the list that begins at `bytes` to `out`, joined by commas, if they are
/// plain texts without escapes and blanks; returns the length of the list. `None` says that they
/// are not.
pub(super) fn join_plain(bytes: &[u8], out: &mut String) -> Option<usize> {
    let mut rest = bytes.strip_prefix(b"[\"")?;
    loop {
        let end = rest
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20 | 0x7f..))?;
        let (entry, behind) = rest.split_at_checked(end)?;
        out.push_str(std::str::from_utf8(entry).ok()?);
        if out.len() > MAX_CONDITIONS_BYTES {
            return None;
        }
        match behind {
            [b'"', b']', behind @ ..] => return Some(bytes.len() - behind.len()),
            [b'"', b',', b'"', behind @ ..] => {
                out.push(',');
                rest = behind;
            }
            _ => return None,
        }
    }
}

/// Appends the entries of `list` to `out`, joined by commas: `["1","8"]` becomes `1,8`.
pub(super) fn join(list: &[u8], out: &mut String) -> Result<(), BadTrade> {
    let entries = read(list, out).map_err(|_| BadTrade::Conditions)?;
    if !entries {
        return Err(BadTrade::Conditions);
    }
    if out.len() > MAX_CONDITIONS_BYTES {
        return Err(BadTrade::LongConditions);
    }
    match out.chars().find(|c| c.is_control()) {
        None => Ok(()),
        Some(c) => Err(BadTrade::Character {
            code: u32::from(c),
            place: "conditions",
        }),
    }
}

/// False when an entry is neither text nor number. Reading stops where the text gets too long.
fn read(list: &[u8], out: &mut String) -> Result<bool, BadFrame> {
    let mut scanner = Scanner::new(list);
    scanner.expect(b'[')?;
    scanner.blanks();
    if scanner.take(b']') {
        return Ok(true);
    }
    loop {
        let raw = match scanner.kind()? {
            Kind::Text => scanner.string()?,
            Kind::Number => scanner.number()?,
            _ => return Ok(false),
        };
        let Some(entry) = unescape(raw) else {
            return Ok(false);
        };
        out.push_str(&entry);
        if out.len() > MAX_CONDITIONS_BYTES || !scanner.another(b']')? {
            return Ok(true);
        }
        out.push(',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(list: &str, expect: &Result<&str, BadTrade>) {
        let mut out = String::new();
        let joined = join(list.as_bytes(), &mut out).map(|()| out.as_str());
        assert_eq!(&joined, expect, "{list}");
    }

    #[track_caller]
    fn check_plain(list: &str, expect: Option<&str>) {
        let mut out = String::new();
        let bytes = format!("{list},\"p\":[\"1\"]");
        let length = join_plain(bytes.as_bytes(), &mut out);
        assert_eq!(length, expect.map(|_| list.len()), "{list}");
        if let Some(text) = expect {
            assert_eq!(out, text);
            check(list, &Ok(text));
        }
    }

    #[test]
    fn plain_lists_are_joined_at_once_and_others_left() {
        check_plain(r#"["1"]"#, Some("1"));
        check_plain(r#"["1","8",""]"#, Some("1,8,"));
        check_plain(
            r#"["ex=Q;flags=2000;susp=0"]"#,
            Some("ex=Q;flags=2000;susp=0"),
        );
        for other in [
            "[]",
            "[1]",
            r#"[ "1"]"#,
            r#"["1" ]"#,
            r#"["\u0031"]"#,
            r#"["é"]"#,
        ] {
            check_plain(other, None);
        }
        check_plain(&format!("[\"{}\"]", "x".repeat(257)), None);
    }

    #[test]
    fn lists_become_one_text() {
        check("[]", &Ok(""));
        check(r#"["1","8"]"#, &Ok("1,8"));
        check(r#"[ 1 , "24" ]"#, &Ok("1,24"));
        check(
            r#"["ex=Q;flags=2000;susp=0"]"#,
            &Ok("ex=Q;flags=2000;susp=0"),
        );
        check("[[1]]", &Err(BadTrade::Conditions));
        check("[true]", &Err(BadTrade::Conditions));
        check(r#"["\x"]"#, &Err(BadTrade::Conditions));
        let code = 10;
        let place = "conditions";
        check(r#"["a\nb"]"#, &Err(BadTrade::Character { code, place }));
        let long = format!("[{}1]", "1,".repeat(200));
        check(&long, &Err(BadTrade::LongConditions));
    }
}
