//! Short texts appended without a call.
//!
//! A copy of a length that the compiler knows is a move or two; one of any length is a call, which
//! for the few bytes of a number costs more than the number. So a whole block is appended and what
//! is too much taken back.

/// Appends the first `length` bytes of `block`.
#[inline]
pub(super) fn push_block<const N: usize>(block: &[u8; N], length: usize, out: &mut Vec<u8>) {
    let end = out.len() + length.min(N);
    out.extend_from_slice(block);
    out.truncate(end);
}

/// Appends a text, best of a few bytes: as two blocks that may overlap.
#[inline]
pub(super) fn push_short(text: &[u8], out: &mut Vec<u8>) {
    let in_blocks = push_ends::<16>(text, out) || push_ends::<8>(text, out);
    if !in_blocks {
        match text {
            [only] => out.push(*only),
            [first, second] => out.extend_from_slice(&[*first, *second]),
            [first, second, third] => out.extend_from_slice(&[*first, *second, *third]),
            _ => {
                if !push_ends::<4>(text, out) {
                    out.extend_from_slice(text);
                }
            }
        }
    }
}

/// Appends a text of `N` to `2 * N` bytes as its first and its last `N`; `false` for others.
#[inline]
fn push_ends<const N: usize>(text: &[u8], out: &mut Vec<u8>) -> bool {
    let (Some(first), Some(last)) = (text.first_chunk::<N>(), text.last_chunk::<N>()) else {
        return false;
    };
    if text.len() > 2 * N {
        return false;
    }
    let last_at = out.len() + text.len() - N;
    out.extend_from_slice(first);
    out.truncate(last_at);
    out.extend_from_slice(last);
    true
}

/// A text that is appended several times.
#[derive(Debug)]
pub(super) struct Stamp {
    block: [u8; STAMP_BYTES],
    length: usize,
    /// Where it stands in the buffer: a long one is copied from there.
    at: usize,
}

const STAMP_BYTES: usize = 32;

impl Stamp {
    /// The text that stands at the end of `out`, from `at` on.
    #[inline]
    pub(super) fn of_end(out: &mut Vec<u8>, at: usize) -> Self {
        let end = out.len();
        // With so much behind it, a whole block can be read from there too.
        out.extend_from_slice(&[0; STAMP_BYTES]);
        let block = out.get(at..).and_then(|text| text.first_chunk());
        let stamp = Self {
            block: block.copied().unwrap_or_default(),
            length: end - at,
            at,
        };
        out.truncate(end);
        stamp
    }

    /// Appends it to the buffer in which it stands.
    #[inline]
    pub(super) fn push(&self, out: &mut Vec<u8>) {
        if self.length <= STAMP_BYTES {
            push_block(&self.block, self.length, out);
        } else {
            out.extend_from_within(self.at..self.at + self.length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    #[test]
    fn a_text_of_any_length_is_appended_whole() {
        for length in 0..TEXT.len() {
            let text = &TEXT[..length];
            let mut out = b"before".to_vec();
            push_short(text, &mut out);
            assert_eq!(out, [b"before", text].concat());
            let stamp = Stamp::of_end(&mut out, 6);
            out.push(b',');
            stamp.push(&mut out);
            assert_eq!(out, [b"before", text, b",", text].concat());
        }
    }

    #[test]
    fn of_a_block_the_beginning_is_appended() {
        let mut out = b"before".to_vec();
        push_block(b"12345678", 3, &mut out);
        push_block(b"12345678", 0, &mut out);
        push_block(b"12345678", 8, &mut out);
        assert_eq!(out, b"before12312345678");
    }
}
