//! Why the program ends, and with which exit code.

use std::fmt;
use std::process::ExitCode;

/// What kind of failure it is; the number is the exit code that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Anything that is none of the others.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The data directory cannot be used.
    DataDir = 3,
    /// Somebody does not let us in.
    Auth = 4,
}

/// An error with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) error: anyhow::Error,
}

/// What commands return.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why something that this program knows, but was built without, is refused.
pub(crate) fn built_without(name: &str) -> anyhow::Error {
    anyhow::anyhow!("this program was built without {name}; build it with its default features")
}

impl Failure {
    /// A wrong command line or configuration.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self {
            kind: Kind::Usage,
            error: error.into(),
        }
    }

    /// A data directory that cannot be used.
    pub(crate) fn data_dir(error: impl Into<anyhow::Error>) -> Self {
        Self {
            kind: Kind::DataDir,
            error: error.into(),
        }
    }

    /// A refused login.
    pub(crate) fn auth(error: impl Into<anyhow::Error>) -> Self {
        Self {
            kind: Kind::Auth,
            error: error.into(),
        }
    }

    /// The error alone, for where no exit code is chosen.
    pub(crate) fn into_error(self) -> anyhow::Error {
        self.error
    }

    /// Whether standard output was closed by its reader, as `head` does: that is no error.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
            .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// The exit code of the process.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind as u8)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            kind: Kind::Failed,
            error: error.into(),
        }
    }
}

impl fmt::Display for Failure {
    /// The error and its causes on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}
