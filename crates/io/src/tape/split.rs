//! One row by the rules of RFC 4180, for rows that the fast path leaves.

/// The fields of a row, unquoted; reused from row to row.
#[derive(Debug, Default)]
pub(super) struct Fields {
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// What became of a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// It takes this many bytes and lines.
    Row { bytes: usize, lines: u64 },
    /// A quote is not closed in these bytes.
    OpenQuote,
    /// Something follows a closing quote.
    AfterQuote,
}

impl Fields {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field, empty if there are fewer.
    pub(super) fn get(&self, index: usize) -> &[u8] {
        let start = index
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied()
            .unwrap_or(0);
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.text.get(start..end).unwrap_or_default()
    }

    /// Splits the first row of `input`, which ends in a line end.
    pub(super) fn split(&mut self, input: &[u8]) -> Split {
        self.text.clear();
        self.ends.clear();
        let (mut at, mut lines) = (0, 1);
        loop {
            let rest = input.get(at..).unwrap_or_default();
            let read = match rest.split_first() {
                Some((b'"', rest)) => match self.quoted(rest, &mut lines) {
                    Some(bytes) => bytes + 1,
                    None => return Split::OpenQuote,
                },
                _ => self.plain(rest),
            };
            self.ends.push(self.text.len());
            at += read;
            match input.get(at..).unwrap_or_default() {
                [b',', ..] => at += 1,
                [b'\n', ..] => {
                    return Split::Row {
                        bytes: at + 1,
                        lines,
                    };
                }
                [b'\r', b'\n', ..] => {
                    return Split::Row {
                        bytes: at + 2,
                        lines,
                    };
                }
                _ => return Split::AfterQuote,
            }
        }
    }

    /// Takes a plain field up to the comma or line end.
    fn plain(&mut self, input: &[u8]) -> usize {
        let end = memchr::memchr2(b',', b'\n', input).unwrap_or(input.len());
        let mut field = input.get(..end).unwrap_or_default();
        if input.get(end) == Some(&b'\n') {
            field = field.strip_suffix(b"\r").unwrap_or(field);
        }
        self.text.extend_from_slice(field);
        field.len()
    }

    /// Takes a quoted field after its first quote, with the closing one.
    fn quoted(&mut self, input: &[u8], lines: &mut u64) -> Option<usize> {
        let mut at = 0;
        loop {
            let rest = input.get(at..)?;
            let quote = memchr::memchr(b'"', rest)?;
            let text = rest.get(..quote)?;
            *lines += memchr::memchr_iter(b'\n', text).count() as u64;
            self.text.extend_from_slice(text);
            at += quote + 1;
            if input.get(at) != Some(&b'"') {
                return Some(at);
            }
            self.text.push(b'"');
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, expected: &[&str], taken: (usize, u64)) {
        let mut fields = Fields::default();
        let (bytes, lines) = taken;
        assert_eq!(fields.split(input.as_bytes()), Split::Row { bytes, lines });
        let found: Vec<_> = (0..fields.len())
            .map(|i| String::from_utf8_lossy(fields.get(i)).into_owned())
            .collect();
        assert_eq!(found, expected, "{input:?}");
    }

    #[test]
    fn quotes_commas_and_line_ends_are_split_as_rfc_4180_says() {
        check("a,b\nc", &["a", "b"], (4, 1));
        check("a,,\r\n", &["a", "", ""], (5, 1));
        check("\"a,\"\"b\"\"\",c\n", &["a,\"b\"", "c"], (12, 1));
        check("\"a\r\nb\nc\",\"\"\n", &["a\r\nb\nc", ""], (12, 3));
        check("a\"b,c\n", &["a\"b", "c"], (6, 1));
        check("a,b\r\n", &["a", "b"], (5, 1));
        let mut fields = Fields::default();
        assert_eq!(fields.split(b"a,\"b\nc\n"), Split::OpenQuote);
        assert_eq!(fields.split(b"\"a\"b,c\n"), Split::AfterQuote);
    }
}
