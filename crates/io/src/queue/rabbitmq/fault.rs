//! From what lapin reports to what a queue's owner can do about it.

use lapin::{Error, ErrorKind};

use crate::queue::QueueError;

/// Reply codes of AMQP 0-9-1 (its reference, "constants") and what RabbitMQ means by them.
mod code {
    /// Wrong password, or no right to do this.
    pub(super) const ACCESS_REFUSED: u16 = 403;
    /// No such exchange, queue or virtual host.
    pub(super) const NOT_FOUND: u16 = 404;
    /// It exists with other properties.
    pub(super) const PRECONDITION_FAILED: u16 = 406;
    /// No such virtual host, or no right to enter it.
    pub(super) const NOT_ALLOWED: u16 = 530;
    /// This broker has not got such a thing.
    pub(super) const NOT_IMPLEMENTED: u16 = 540;
}

/// Under which circumstances something failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// While connecting and declaring: what the broker objects to is there to stay.
    Opening,
    /// Later: what was there is gone, and comes back when it is declared anew.
    Running,
}

/// Sorts an error. `scrub` takes secrets out of what the broker said.
pub(super) fn sort(
    error: &Error,
    phase: Phase,
    broker: String,
    scrub: impl Fn(&str) -> String,
) -> QueueError {
    let ErrorKind::ProtocolError(said) = error.kind() else {
        let reason = scrub(&error.to_string());
        return QueueError::Lost { broker, reason };
    };
    let reason = scrub(said.get_message().as_str());
    let gone_is_passing = phase == Phase::Running;
    match said.get_id() {
        code::ACCESS_REFUSED => QueueError::Refused { broker, reason },
        code::NOT_FOUND if gone_is_passing => QueueError::Lost { broker, reason },
        code::NOT_FOUND => QueueError::Misconfigured {
            broker,
            reason: format!("{reason}; set `declare = true`, or create it"),
        },
        code::NOT_ALLOWED => QueueError::Misconfigured {
            broker,
            reason: format!("{reason}; create the virtual host and give our user rights on it"),
        },
        code::PRECONDITION_FAILED if phase == Phase::Opening => QueueError::Misconfigured {
            broker,
            reason: format!(
                "{reason}; set `queue_type` and names to what is there, or delete it once it is \
                 empty and let it be created anew"
            ),
        },
        code::NOT_IMPLEMENTED => QueueError::Misconfigured { broker, reason },
        _ => QueueError::Lost { broker, reason },
    }
}
