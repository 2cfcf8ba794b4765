//! A cursor over the bytes of a JSON text, strict about what it reads and careful about depth.
//!
//! Invariant: nesting costs no stack. What is not needed is skipped by a loop over a bit per level.

use crate::feed::bad::BadFrame;

/// Deepest nesting of brackets that is followed.
pub(crate) const MAX_DEPTH: u32 = 64;

/// A position in a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The brackets around a place.
#[derive(Debug, Default)]
struct OpenBrackets {
    /// One bit per bracket, the innermost lowest: 1 for an object.
    objects: u64,
    depth: u32,
}

/// What kind of value begins here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    Text,
    /// A number, or a bare word such as `NaN` that stands in its place.
    Number,
    Null,
    /// `true` or `false`.
    Bool,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// What is not read yet.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Moves on by `length` bytes that were read otherwise.
    #[inline]
    pub(crate) fn pass(&mut self, length: usize) {
        self.at += length;
    }

    /// The bytes from `start` to here.
    #[inline]
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    pub(crate) fn bad(&self) -> BadFrame {
        BadFrame::Json { at: self.at }
    }

    #[inline]
    pub(crate) fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Takes `byte` if it is next.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes `byte`, which must be next.
    #[inline]
    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), BadFrame> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.bad())
        }
    }

    /// Takes `text` if it is next.
    #[inline]
    pub(crate) fn take_all(&mut self, text: &[u8]) -> bool {
        let found = !text.is_empty()
            && self
                .bytes
                .get(self.at..)
                .is_some_and(|rest| rest.starts_with(text));
        self.at += if found { text.len() } else { 0 };
        found
    }

    pub(crate) fn kind(&self) -> Result<Kind, BadFrame> {
        match self.peek() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::Text),
            Some(b'0'..=b'9' | b'-' | b'N' | b'I') => Ok(Kind::Number),
            Some(b'n') => Ok(Kind::Null),
            Some(b't' | b'f') => Ok(Kind::Bool),
            _ => Err(self.bad()),
        }
    }

    /// Takes a string with its quotes and returns what is between them, escapes as they stand.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<&'a [u8], BadFrame> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let inner = self.since(start);
                    self.at += 1;
                    return Ok(inner);
                }
                Some(b'\\') => self.at += 2,
                Some(0..0x20) | None => return Err(self.bad()),
                Some(_) => self.at += 1,
            }
        }
    }

    /// Takes a number, or a bare word in its place, as its text.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<&'a [u8], BadFrame> {
        let start = self.at;
        while let Some(b'0'..=b'9' | b'.' | b'-' | b'+' | b'A'..=b'Z' | b'a'..=b'z') = self.peek() {
            self.at += 1;
        }
        let text = self.since(start);
        match text {
            [] | [b'0', b'0'..=b'9', ..] => {
                self.at = start;
                Err(self.bad())
            }
            _ => Ok(text),
        }
    }

    /// Takes `true`, `false` or `null`.
    pub(crate) fn word(&mut self) -> Result<(), BadFrame> {
        let words: [&[u8]; 3] = [b"null", b"true", b"false"];
        if words.iter().any(|word| self.take_all(word)) {
            Ok(())
        } else {
            Err(self.bad())
        }
    }

    /// Skips one value of any kind, and returns its text.
    pub(crate) fn skip(&mut self) -> Result<&'a [u8], BadFrame> {
        let start = self.at;
        let mut open = OpenBrackets::default();
        loop {
            let whole = self.begin(&mut open)?;
            if whole && self.closes(&mut open)? {
                return Ok(self.since(start));
            }
        }
    }

    /// Takes a value, or its beginning up to the first value within; true when it was a whole one.
    fn begin(&mut self, open: &mut OpenBrackets) -> Result<bool, BadFrame> {
        match self.kind()? {
            Kind::Object => {
                if self.opens(b'}', open)? {
                    return self.key().map(|_| false);
                }
            }
            Kind::Array => return self.opens(b']', open).map(|opened| !opened),
            Kind::Text => {
                self.string()?;
            }
            Kind::Number => {
                self.number()?;
            }
            Kind::Null | Kind::Bool => self.word()?,
        }
        Ok(true)
    }

    /// Takes an opening bracket; false when the one that `ends` it follows at once, taken too.
    fn opens(&mut self, ends: u8, open: &mut OpenBrackets) -> Result<bool, BadFrame> {
        if open.depth == MAX_DEPTH {
            let (at, max) = (self.at, MAX_DEPTH);
            return Err(BadFrame::Deep { at, max });
        }
        self.at += 1;
        self.blanks();
        if self.take(ends) {
            return Ok(false);
        }
        open.objects = (open.objects << 1) | u64::from(ends == b'}');
        open.depth += 1;
        Ok(true)
    }

    /// After a value: takes the brackets that end here; true when none is open, else a value is
    /// next.
    fn closes(&mut self, open: &mut OpenBrackets) -> Result<bool, BadFrame> {
        while open.depth > 0 {
            let is_object = open.objects & 1 == 1;
            let ends = if is_object { b'}' } else { b']' };
            if self.another(ends)? {
                return self.key_if(is_object).map(|()| false);
            }
            open.objects >>= 1;
            open.depth -= 1;
        }
        Ok(true)
    }

    fn key_if(&mut self, is_object: bool) -> Result<(), BadFrame> {
        if is_object {
            self.key().map(|_| ())
        } else {
            Ok(())
        }
    }

    /// Takes a key and its colon, up to the value; returns the key, escapes as they stand.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<&'a [u8], BadFrame> {
        let key = self.string()?;
        self.blanks();
        self.expect(b':')?;
        self.blanks();
        Ok(key)
    }

    /// After an entry: true when another follows (its comma is taken), false when `end` was taken.
    #[inline]
    pub(crate) fn another(&mut self, end: u8) -> Result<bool, BadFrame> {
        self.blanks();
        if self.take(b',') {
            self.blanks();
            return Ok(true);
        }
        self.expect(end)?;
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, BadFrame>) {
        let found = Scanner::new(text.as_bytes()).skip();
        assert_eq!(found, expect.map(str::as_bytes), "{text}");
    }

    #[test]
    fn values_of_all_kinds_are_skipped_whole() {
        check(
            "[1,{\"a\":[]},\"x]\\\"\",{}] ,",
            Ok("[1,{\"a\":[]},\"x]\\\"\",{}]"),
        );
        check(
            "{\"a\" : {\"b\":null} , \"c\":[true, false]}x",
            Ok("{\"a\" : {\"b\":null} , \"c\":[true, false]}"),
        );
        check("-1.5e+7,", Ok("-1.5e+7"));
    }

    #[test]
    fn broken_values_are_refused_where_they_break() {
        for (text, at) in [
            ("", 0),
            ("[1,]", 3),
            ("[1 2]", 3),
            ("{\"a\"}", 4),
            ("{\"a\":1,}", 7),
            ("[1}", 2),
            ("\"abc", 4),
            ("nul", 0),
            ("\"a\nb\"", 2),
            ("[01]", 1),
            ("[1", 2),
        ] {
            check(text, Err(BadFrame::Json { at }));
        }
    }

    #[test]
    fn ten_thousand_brackets_are_refused_without_stack() {
        let text = "[".repeat(10_000);
        let at = MAX_DEPTH as usize;
        check(&text, Err(BadFrame::Deep { at, max: MAX_DEPTH }));
    }
}
