//! A message within a stream: AMQP 1.0 with one section of data, as every stream client reads it.
//!
//! OASIS AMQP 1.0, part 1 (types) and part 3.2.6 (data).

use super::wire::{Put as _, Reader};

/// Most bytes before the payload.
pub(super) const HEAD_BYTES_MAX: usize = 8;

/// The section "data": a described type (`0x00`), its small number (`0x53`), 0x75.
const DATA: [u8; 3] = [0x00, 0x53, 0x75];
/// Binary with a length of one byte, and of four.
const VBIN8: u8 = 0xa0;
const VBIN32: u8 = 0xb0;

/// Appends a message.
pub(super) fn put(out: &mut Vec<u8>, payload: &[u8]) {
    out.extend_from_slice(&DATA);
    out.push(VBIN32);
    out.put_block(payload);
}

/// The payload of a message. What is not made like ours is given as it is: it is no message of
/// ours then, and whoever decodes it says so.
pub(super) fn payload(message: &[u8]) -> &[u8] {
    section(message).unwrap_or(message)
}

fn section(message: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(message.strip_prefix(&DATA)?, "message");
    let payload = match reader.u8().ok()? {
        VBIN8 => {
            let length = reader.u8().ok()?;
            reader.take(usize::from(length)).ok()?
        }
        VBIN32 => reader.block().ok()?,
        _ => return None,
    };
    reader.rest().is_empty().then_some(payload)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_payload_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut message = Vec::new();
            put(&mut message, &bytes);
            prop_assert!(message.len() <= bytes.len() + HEAD_BYTES_MAX);
            prop_assert_eq!(payload(&message), &bytes[..]);
        }

        #[test]
        fn any_bytes_are_somebodys_payload(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(payload(&bytes).len() <= bytes.len());
        }
    }

    #[test]
    fn the_short_form_is_read_and_nonsense_is_left_alone() {
        assert_eq!(payload(b"\x00\x53\x75\xa0\x02hi"), b"hi");
        for foreign in [
            &b"\x80\x04pickle"[..],
            b"\x00\x53\x75\xb0\xff\xff\xff\xffhi",
            b"",
        ] {
            assert_eq!(payload(foreign), foreign);
        }
    }
}
