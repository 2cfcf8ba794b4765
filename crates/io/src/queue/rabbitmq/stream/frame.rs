//! The frames of RabbitMQ's stream protocol that we send and understand.
//!
//! The reference is `deps/rabbitmq_stream/docs/PROTOCOL.adoc` of rabbitmq-server. Every frame is
//! its length (32 bits), a key, a version, and for requests and their answers a number that joins
//! the two. All of it is in the version 1 that RabbitMQ 3.9 began with.

use super::wire::{Malformed, Put as _, Reader};

/// What frames are, by their key; answers have the highest bit set as well.
mod key {
    pub(super) const DECLARE_PUBLISHER: u16 = 0x01;
    pub(super) const PUBLISH: u16 = 0x02;
    pub(super) const PUBLISH_CONFIRM: u16 = 0x03;
    pub(super) const PUBLISH_ERROR: u16 = 0x04;
    pub(super) const QUERY_PUBLISHER_SEQUENCE: u16 = 0x05;
    pub(super) const SUBSCRIBE: u16 = 0x07;
    pub(super) const DELIVER: u16 = 0x08;
    pub(super) const CREDIT: u16 = 0x09;
    pub(super) const UNSUBSCRIBE: u16 = 0x0c;
    pub(super) const CREATE: u16 = 0x0d;
    pub(super) const METADATA_UPDATE: u16 = 0x10;
    pub(super) const PEER_PROPERTIES: u16 = 0x11;
    pub(super) const SASL_HANDSHAKE: u16 = 0x12;
    pub(super) const SASL_AUTHENTICATE: u16 = 0x13;
    pub(super) const TUNE: u16 = 0x14;
    pub(super) const OPEN: u16 = 0x15;
    pub(super) const CLOSE: u16 = 0x16;
    pub(super) const HEARTBEAT: u16 = 0x17;
    pub(super) const ANSWER: u16 = 0x8000;
}

const VERSION: u16 = 1;

/// Bytes of the length before every frame.
pub(super) const LENGTH_BYTES: usize = 4;
/// Bytes of a frame of messages before the first of them.
const PUBLISH_HEAD_BYTES: usize = LENGTH_BYTES + 2 + 2 + 1 + 4;
/// Where the number of messages stands in such a frame.
const PUBLISH_COUNT_AT: usize = PUBLISH_HEAD_BYTES - 4;

/// Where a subscription begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    First,
    /// At the chunk that holds this offset.
    Offset(u64),
}

/// A frame from us.
#[derive(Debug, Clone, Copy)]
pub(super) enum Command<'a> {
    PeerProperties(&'a [(&'a str, &'a str)]),
    SaslHandshake,
    SaslPlain {
        user: &'a str,
        password: &'a str,
    },
    Tune {
        frame_max: u32,
        heartbeat_secs: u32,
    },
    Open {
        vhost: &'a str,
    },
    Create {
        stream: &'a str,
        arguments: &'a [(&'a str, String)],
    },
    DeclarePublisher {
        publisher: u8,
        name: &'a str,
        stream: &'a str,
    },
    QuerySequence {
        name: &'a str,
        stream: &'a str,
    },
    Subscribe {
        subscription: u8,
        stream: &'a str,
        from: From,
        credit: u16,
    },
    Unsubscribe {
        subscription: u8,
    },
    Credit {
        subscription: u8,
        credit: u16,
    },
    Heartbeat,
}

impl Command<'_> {
    fn key(self) -> u16 {
        match self {
            Self::PeerProperties(_) => key::PEER_PROPERTIES,
            Self::SaslHandshake => key::SASL_HANDSHAKE,
            Self::SaslPlain { .. } => key::SASL_AUTHENTICATE,
            Self::Tune { .. } => key::TUNE,
            Self::Open { .. } => key::OPEN,
            Self::Create { .. } => key::CREATE,
            Self::DeclarePublisher { .. } => key::DECLARE_PUBLISHER,
            Self::QuerySequence { .. } => key::QUERY_PUBLISHER_SEQUENCE,
            Self::Subscribe { .. } => key::SUBSCRIBE,
            Self::Unsubscribe { .. } => key::UNSUBSCRIBE,
            Self::Credit { .. } => key::CREDIT,
            Self::Heartbeat => key::HEARTBEAT,
        }
    }

    /// Whether it is answered, and so has a number.
    fn is_request(self) -> bool {
        !matches!(
            self,
            Self::Tune { .. } | Self::Credit { .. } | Self::Heartbeat
        )
    }

    /// The whole frame; `number` comes back in its answer.
    pub(super) fn encode(self, number: u32) -> Vec<u8> {
        let mut out = vec![0; LENGTH_BYTES];
        out.put_u16(self.key());
        out.put_u16(VERSION);
        if self.is_request() {
            out.put_u32(number);
        }
        self.put_content(&mut out);
        finish(out)
    }

    fn put_content(self, out: &mut Vec<u8>) {
        match self {
            Self::SaslHandshake | Self::Heartbeat => {}
            Self::PeerProperties(list) => put_map(out, list),
            Self::SaslPlain { user, password } => {
                out.put_text("PLAIN");
                // RFC 4616: nobody to act for, the user, the password.
                out.put_block(format!("\0{user}\0{password}").as_bytes());
            }
            Self::Tune {
                frame_max,
                heartbeat_secs,
            } => {
                out.put_u32(frame_max);
                out.put_u32(heartbeat_secs);
            }
            Self::Open { vhost } => out.put_text(vhost),
            Self::Create { stream, arguments } => {
                out.put_text(stream);
                put_map(out, arguments);
            }
            Self::DeclarePublisher {
                publisher,
                name,
                stream,
            } => {
                out.push(publisher);
                out.put_text(name);
                out.put_text(stream);
            }
            Self::QuerySequence { name, stream } => {
                out.put_text(name);
                out.put_text(stream);
            }
            Self::Subscribe {
                subscription,
                stream,
                from,
                credit,
            } => {
                out.push(subscription);
                out.put_text(stream);
                match from {
                    From::First => out.put_u16(1),
                    From::Offset(offset) => {
                        out.put_u16(4);
                        out.put_u64(offset);
                    }
                }
                out.put_u16(credit);
                out.put_u32(0);
            }
            Self::Unsubscribe { subscription } => out.push(subscription),
            Self::Credit {
                subscription,
                credit,
            } => {
                out.push(subscription);
                out.put_u16(credit);
            }
        }
    }
}

/// Messages on their way in one frame.
#[derive(Debug)]
pub(super) struct Publish {
    bytes: Vec<u8>,
    count: u32,
}

impl Publish {
    /// An empty frame of a publisher.
    pub(super) fn new(publisher: u8) -> Self {
        let mut bytes = vec![0; LENGTH_BYTES];
        bytes.put_u16(key::PUBLISH);
        bytes.put_u16(VERSION);
        bytes.push(publisher);
        bytes.put_u32(0);
        Self { bytes, count: 0 }
    }

    /// Adds a message of which `write` appends the bytes.
    pub(super) fn add(&mut self, id: u64, write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.put_u64(id);
        let at = self.bytes.len();
        self.bytes.put_u32(0);
        write(&mut self.bytes);
        let length = self.bytes.len() - at - 4;
        patch(&mut self.bytes, at, length);
        self.count += 1;
    }

    /// How long the frame has become.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The frame.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let count = self.count.to_be_bytes();
        self.bytes[PUBLISH_COUNT_AT..PUBLISH_HEAD_BYTES].copy_from_slice(&count);
        finish(self.bytes)
    }
}

/// What a message of `payload` bytes adds to a frame, at most, with the frame's own head.
pub(super) fn publish_bytes(payload: usize) -> usize {
    PUBLISH_HEAD_BYTES + 8 + 4 + super::body::HEAD_BYTES_MAX + payload
}

fn put_map<T: AsRef<str>>(out: &mut Vec<u8>, list: &[(&str, T)]) {
    out.put_u32(u32::try_from(list.len()).unwrap_or_default());
    for (name, value) in list {
        out.put_text(name);
        out.put_text(value.as_ref());
    }
}

fn finish(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = bytes.len() - LENGTH_BYTES;
    patch(&mut bytes, 0, length);
    bytes
}

fn patch(bytes: &mut [u8], at: usize, length: usize) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    bytes[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

/// A frame from the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// The answer to the request with this number.
    Answer {
        number: u32,
        code: u16,
        rest: Vec<u8>,
    },
    /// The largest frame that the broker takes.
    Tune {
        frame_max: u32,
    },
    /// These messages are kept.
    Confirm {
        ids: Vec<u64>,
    },
    /// These messages are not kept, by id and reason.
    PublishError {
        errors: Vec<(u64, u16)>,
    },
    /// A chunk of messages.
    Deliver {
        subscription: u8,
        chunk: Vec<u8>,
    },
    /// A stream has moved or is gone.
    Moved {
        stream: String,
    },
    /// The broker ends the connection.
    Close {
        code: u16,
        reason: String,
    },
    Heartbeat,
    /// Something that a client need not know.
    Other,
}

impl Frame {
    /// Reads what follows the length.
    pub(super) fn decode(mut body: Vec<u8>) -> Result<Self, Malformed> {
        let mut reader = Reader::new(&body, "frame");
        let key = reader.u16()?;
        reader.u16()?;
        Ok(match key {
            key::DELIVER => {
                let subscription = reader.u8()?;
                let head = body.len() - reader.rest().len();
                // The bulk of everything: moved, not copied into a second allocation.
                body.drain(..head);
                return Ok(Self::Deliver {
                    subscription,
                    chunk: body,
                });
            }
            key::PUBLISH_CONFIRM => {
                reader.u8()?;
                let count = reader.count(8)?;
                let ids = (0..count).map(|_| reader.u64()).collect::<Result<_, _>>()?;
                Self::Confirm { ids }
            }
            key::PUBLISH_ERROR => {
                reader.u8()?;
                let count = reader.count(10)?;
                let mut error = || Ok((reader.u64()?, reader.u16()?));
                let errors = (0..count).map(|_| error()).collect::<Result<_, _>>()?;
                Self::PublishError { errors }
            }
            key::TUNE => Self::Tune {
                frame_max: reader.u32()?,
            },
            key::METADATA_UPDATE => {
                reader.u16()?;
                let stream = reader.text()?.to_owned();
                Self::Moved { stream }
            }
            key::CLOSE => {
                reader.u32()?;
                let code = reader.u16()?;
                let reason = reader.text()?.to_owned();
                Self::Close { code, reason }
            }
            key::HEARTBEAT => Self::Heartbeat,
            // Sent when a credit is refused; it has no number.
            key if key == key::CREDIT | key::ANSWER => Self::Other,
            key if key & key::ANSWER != 0 => Self::Answer {
                number: reader.u32()?,
                code: reader.u16()?,
                rest: reader.rest().to_vec(),
            },
            _ => Self::Other,
        })
    }
}
