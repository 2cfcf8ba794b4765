//! A text that must not be seen: tokens and keys.
//!
//! It cannot be printed, compared or serialised by accident; who needs the text calls
//! [`Secret::expose`], and that word can be searched for. Texts that come back from outside are
//! [scrubbed](Secret::scrub) before they are shown, because servers like to repeat what they got.

use std::fmt;

/// What stands where the text would be.
const MASK: &str = "***";

/// A token or key; printed as `***`.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// Takes the text, without blanks and line ends around it, as files and variables have them.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `text` with every occurrence of the secret masked.
    pub fn scrub(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        text.replace(&self.0, MASK)
            .replace(&percent_encoded(&self.0), MASK)
    }

    /// Whether `text`, as one value of a query, is the secret.
    pub(super) fn matches_query(&self, text: &str) -> bool {
        self.matches(text) || Self(percent_encoded(&self.0)).matches(text)
    }

    /// Whether `text` is the secret, in a time that does not tell where they differ.
    pub fn matches(&self, text: &str) -> bool {
        let (left, right) = (self.0.as_bytes(), text.as_bytes());
        let differences = left
            .iter()
            .zip(right)
            .fold(0_u8, |sum, (a, b)| sum | (a ^ b));
        left.len() == right.len() && differences == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// `text` as one value of a query: everything but unreserved characters as `%XX`.
pub(super) fn percent_encoded(text: &str) -> String {
    use fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a String takes any text");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show() {
        let secret = Secret::new(" CANARY-7f3a\n");
        assert_eq!(secret.expose(), "CANARY-7f3a");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.scrub("key CANARY-7f3a is bad"), "key *** is bad");
        assert!(secret.matches("CANARY-7f3a") && !secret.matches("CANARY-7f3b"));
    }

    #[test]
    fn a_secret_is_found_in_a_query_too() {
        let secret = Secret::new("a+b/c");
        assert_eq!(percent_encoded(secret.expose()), "a%2Bb%2Fc");
        assert_eq!(secret.scrub("/?token=a%2Bb%2Fc"), "/?token=***");
    }
}
