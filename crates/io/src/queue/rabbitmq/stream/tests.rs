//! The frames, from both ends, and what a hostile broker may send.

use proptest::prelude::*;

use super::frame::{Command, Frame, From, LENGTH_BYTES, Publish};
use super::wire::{Put as _, Reader};

/// A frame as the broker sends it, without its length.
fn sent(key: u16, content: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_u16(key);
    out.put_u16(1);
    content(&mut out);
    out
}

#[test]
fn commands_are_laid_out_as_the_protocol_says() {
    let subscribe = Command::Subscribe {
        subscription: 3,
        stream: "st",
        from: From::Offset(258),
        credit: 10,
    };
    let expected = [
        0, 0, 0, 29, 0, 7, 0, 1, 0, 0, 0, 9, 3, 0, 2, b's', b't', 0, 4, 0, 0, 0, 0, 0, 0, 1, 2, 0,
        10, 0, 0, 0, 0,
    ];
    assert_eq!(subscribe.encode(9), expected);
    let credit = Command::Credit {
        subscription: 3,
        credit: 1,
    };
    assert_eq!(credit.encode(9), [0, 0, 0, 7, 0, 9, 0, 1, 3, 0, 1]);
    let plain = Command::SaslPlain {
        user: "u",
        password: "p",
    };
    assert!(
        plain
            .encode(1)
            .ends_with(b"\x00\x05PLAIN\x00\x00\x00\x04\x00u\x00p")
    );
}

proptest! {
    #[test]
    fn published_messages_can_be_read_back(
        messages in proptest::collection::vec(
            (any::<u64>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..20),
    ) {
        let mut frame = Publish::new(5);
        for (id, payload) in &messages {
            frame.add(*id, |out| out.extend_from_slice(payload));
        }
        prop_assert_eq!(frame.is_empty(), messages.is_empty());
        let bytes = frame.finish();
        let mut reader = Reader::new(&bytes, "test");
        prop_assert_eq!(reader.u32().unwrap() as usize, bytes.len() - LENGTH_BYTES);
        prop_assert_eq!((reader.u16().unwrap(), reader.u16().unwrap()), (2, 1));
        prop_assert_eq!(reader.u8().unwrap(), 5);
        prop_assert_eq!(reader.u32().unwrap() as usize, messages.len());
        for (id, payload) in &messages {
            prop_assert_eq!(reader.u64().unwrap(), *id);
            prop_assert_eq!(reader.block().unwrap(), &payload[..]);
        }
        prop_assert!(reader.rest().is_empty());
    }

    #[test]
    fn confirmations_come_back(ids in proptest::collection::vec(any::<u64>(), 0..50)) {
        let bytes = sent(3, |out| {
            out.push(0);
            out.put_u32(u32::try_from(ids.len()).unwrap());
            for id in &ids {
                out.put_u64(*id);
            }
        });
        prop_assert_eq!(Frame::decode(bytes), Ok(Frame::Confirm { ids }));
    }

    #[test]
    fn answers_come_back(
        number in any::<u32>(), code in any::<u16>(),
        rest in proptest::collection::vec(any::<u8>(), 0..50),
    ) {
        let bytes = sent(0x8005, |out| {
            out.put_u32(number);
            out.put_u16(code);
            out.extend_from_slice(&rest);
        });
        prop_assert_eq!(Frame::decode(bytes), Ok(Frame::Answer { number, code, rest }));
    }

    #[test]
    fn any_bytes_are_a_frame_or_an_error(
        key in 0_u16..0x20, answer in any::<bool>(),
        content in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let key = if answer { key | 0x8000 } else { key };
        let bytes = sent(key, |out| out.extend_from_slice(&content));
        // Nothing that is decoded is larger than what came.
        if let Ok(Frame::Confirm { ids }) = Frame::decode(bytes) {
            prop_assert!(ids.len() * 8 <= content.len());
        }
    }
}

#[test]
fn counts_and_lengths_are_not_believed() {
    let confirm = sent(3, |out| out.extend_from_slice(&[0, 0xff, 0xff, 0xff, 0xff]));
    assert!(Frame::decode(confirm).is_err());
    let errors = sent(4, |out| out.extend_from_slice(&[0, 0, 0, 0, 2, 1, 2, 3]));
    assert!(Frame::decode(errors).is_err());
    let close = sent(22, |out| {
        out.extend_from_slice(&[0, 0, 0, 1, 0, 1, 0x7f, 0xff]);
    });
    assert!(Frame::decode(close).is_err());
    let text = sent(22, |out| {
        out.extend_from_slice(&[0, 0, 0, 1, 0, 1, 0, 1, 0xff]);
    });
    assert!(Frame::decode(text).is_err());
    assert!(Frame::decode(Vec::new()).is_err());
}
