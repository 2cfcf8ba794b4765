//! What the broker answers, and what it means for a queue's owner.

use crate::queue::QueueError;

/// An answer to a request, by the codes of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Ok,
    NoStream,
    StreamExists,
    NotAvailable,
    NoLogin,
    NoVirtualHost,
    FrameTooLarge,
    AccessRefused,
    OtherProperties,
    Other(u16),
}

impl From<u16> for Answer {
    fn from(code: u16) -> Self {
        match code {
            1 => Self::Ok,
            2 => Self::NoStream,
            5 => Self::StreamExists,
            6 => Self::NotAvailable,
            // No such mechanism, wrong password, an error of SASL, not from this machine.
            7 | 8 | 9 | 11 => Self::NoLogin,
            12 => Self::NoVirtualHost,
            14 => Self::FrameTooLarge,
            16 => Self::AccessRefused,
            17 => Self::OtherProperties,
            other => Self::Other(other),
        }
    }
}

/// The error of an answer that is no yes.
pub(super) fn sort(answer: Answer, broker: &str) -> QueueError {
    let broker = broker.to_owned();
    let misconfigured = |reason: &str| QueueError::Misconfigured {
        broker: broker.clone(),
        reason: reason.to_owned(),
    };
    let refused = |reason: &str| QueueError::Refused {
        broker: broker.clone(),
        reason: reason.to_owned(),
    };
    match answer {
        Answer::NoStream => misconfigured(
            "there is no such stream, or a queue of another kind has its name; set `declare = \
             true` or create it, or set `queue` to another name",
        ),
        Answer::OtherProperties | Answer::StreamExists => misconfigured(
            "a stream or queue of this name is there with other properties; set \
             `stream_max_bytes`, `stream_segment_bytes` or `queue` to what is there, or delete it",
        ),
        Answer::FrameTooLarge => misconfigured("it takes no frame as large as ours"),
        Answer::NoVirtualHost => misconfigured(
            "there is no such virtual host, or our user may not enter it; create it and give our \
             user rights on it",
        ),
        Answer::NoLogin => refused("login refused"),
        Answer::AccessRefused => refused("no right to do this"),
        Answer::NotAvailable => QueueError::Lost {
            broker,
            reason: "the stream is not available".to_owned(),
        },
        Answer::Ok | Answer::Other(_) => QueueError::Lost {
            broker,
            reason: format!("unexpected answer {answer:?}"),
        },
    }
}
