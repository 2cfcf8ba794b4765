//! What can go wrong with etcd, by what is done next.

use etcd_client::Error as ClientError;
use thiserror::Error;

/// gRPC's numbers (<https://grpc.io/docs/guides/status-codes/>).
mod code {
    pub(super) const INVALID_ARGUMENT: i32 = 3;
    pub(super) const PERMISSION_DENIED: i32 = 7;
    pub(super) const UNAUTHENTICATED: i32 = 16;
}

/// Why etcd does not give or take settings.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EtcdError {
    /// An address, certificate or key of the configuration cannot be used.
    #[error("[etcd] {0}")]
    Config(String),
    /// Name or password are wrong or missing: only people can mend that, so it is tried slowly.
    #[error("etcd {place} refuses the login: {why}; set [etcd] user and password_file")]
    Login {
        /// Its addresses.
        place: String,
        /// What it says.
        why: String,
    },
    /// The user may not read or write our keys.
    #[error("etcd {place} denies access to the keys of stock-up: {why}; grant the role")]
    Denied {
        /// Its addresses.
        place: String,
        /// What it says.
        why: String,
    },
    /// Nothing answers, or not in time.
    #[error("etcd {place} cannot be reached: {why}")]
    Unreachable {
        /// Its addresses.
        place: String,
        /// What happened.
        why: String,
    },
    /// It answers that it cannot do it now: no leader, no space.
    #[error("etcd {place} refuses for now: {why}")]
    Refused {
        /// Its addresses.
        place: String,
        /// What it says.
        why: String,
    },
}

/// What went wrong in one call.
#[derive(Debug)]
pub(super) enum Fault {
    /// The token is too old: a new login mends it.
    Stale,
    /// The history that a watch asked for is gone, or the watch ended: list again.
    Interrupted,
    /// Everything else.
    Told(EtcdError),
}

/// Sorts an error of the client; `place` names the server for people.
pub(super) fn sort(place: &str, error: &ClientError) -> Fault {
    let place = place.to_owned();
    let ClientError::GRpcStatus(status) = error else {
        let why = told(error);
        return Fault::Told(EtcdError::Unreachable { place, why });
    };
    // What is of our own making (no connection, time over) has a cause; etcd's answers have none.
    let is_answer = status.message().starts_with("etcdserver:");
    let why = match std::error::Error::source(status) {
        Some(cause) if !is_answer => chain(cause),
        _ => status.message().to_owned(),
    };
    let is_old = why.contains("revision of auth store is old");
    Fault::Told(match status.code() as i32 {
        code::UNAUTHENTICATED => return Fault::Stale,
        code::INVALID_ARGUMENT if is_old => return Fault::Stale,
        // Which of the two is wrong is not told: `invalid user ID or password`, `user name is empty`.
        code::INVALID_ARGUMENT if why.contains("user") => EtcdError::Login { place, why },
        code::PERMISSION_DENIED => EtcdError::Denied { place, why },
        _ if is_answer => EtcdError::Refused { place, why },
        _ => EtcdError::Unreachable { place, why },
    })
}

/// Whether a login failed because the server does without.
pub(super) fn needs_no_login(error: &ClientError) -> bool {
    let ClientError::GRpcStatus(status) = error else {
        return false;
    };
    status.message().contains("authentication is not enabled")
}

fn told(error: &ClientError) -> String {
    match error {
        ClientError::TransportError(error) => chain(error),
        error => error.to_string(),
    }
}

/// An error with its causes, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
