//! Faults on demand, and the little language they are asked for in.
//!
//! `NAME[:ARGUMENT][@N][,every=N][,times=N][,retry=SECONDS]`: what happens, after how many trades
//! of the tape, and again after how many more. Without `@N` it happens at once. Examples:
//! `drop@1000`,
//! `mute@500`, `close:1011@2000,every=2000`, `refuse:429,times=3,retry=1`, `repeat:3@100,every=1`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::feed::bad::printable;

/// Something that a venue does although it should not, or stops doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ends the connections without a close frame.
    Drop,
    /// Ends them with a TCP reset.
    Reset,
    /// Ends them with a close frame of this code.
    Close(u16),
    /// No trades to those who are connected; pings go on.
    Mute,
    /// Nothing at all to those who are connected, and nothing is read; the sockets stay open.
    HalfOpen,
    /// The frame at hand goes out so many times in all.
    Repeat(u32),
    /// The trades of the frame at hand go out in reverse order.
    Reorder,
    /// An error message with this text goes out.
    Error(String),
    /// Half a frame goes out.
    Garbage,
    /// This text goes out as it is.
    Raw(String),
    /// Handshakes are answered with a refusal.
    Refuse(Refusal),
    /// All connections end, and new ones are not let in until `Resume`.
    Cut,
    /// Ends `Cut`, `Mute` and pending refusals.
    Resume,
}

/// How handshakes are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status of the answer.
    pub status: u16,
    /// How many handshakes.
    pub times: u32,
    /// Seconds in `Retry-After`, if there shall be one.
    pub retry: Option<u64>,
}

/// An action and when it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What happens.
    pub action: Action,
    /// After so many trades of the tape; `None` is at once.
    pub at: Option<u64>,
    /// And again after so many more.
    pub every: Option<u64>,
}

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaultError {
    /// A name that is none.
    #[error("unknown fault `{name}`; one of {NAMES}")]
    Unknown {
        /// The name.
        name: String,
    },
    /// A part that does not fit.
    #[error("fault `{text}`: {problem}")]
    Part {
        /// The fault as it was written.
        text: String,
        /// What is wrong.
        problem: &'static str,
    },
}

const NAMES: &str = "drop, reset, close:CODE, mute, half-open, repeat[:TIMES], reorder, error[:TEXT], \
                     garbage, refuse:STATUS, cut, resume";

/// What comes after the first comma.
#[derive(Default)]
struct Options {
    every: Option<u64>,
    times: Option<u64>,
    retry: Option<u64>,
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let bad = |problem| FaultError::Part {
            text: printable(text, 80),
            problem,
        };
        let mut parts = text.trim().split(',');
        let head = parts.next().unwrap_or_default();
        let mut options = Options::default();
        for part in parts {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| bad("write options as `every=1000`"))?;
            let number: u64 = value
                .trim()
                .parse()
                .map_err(|_| bad("an option is no number"))?;
            match name.trim() {
                "every" => options.every = Some(number.max(1)),
                "times" => options.times = Some(number),
                "retry" => options.retry = Some(number),
                _ => return Err(bad("an option is not one of every, times, retry")),
            }
        }
        let (what, at) = match head.rsplit_once('@') {
            None => (head, None),
            Some((what, at)) => {
                let at = at.trim().parse();
                (
                    what,
                    Some(at.map_err(|_| bad("what follows `@` is no number of trades"))?),
                )
            }
        };
        let (name, argument) = match what.split_once(':') {
            None => (what, None),
            Some((name, argument)) => (name, Some(argument.trim())),
        };
        let action = action(name.trim(), argument, &options).map_err(|problem| match problem {
            "" => FaultError::Unknown {
                name: printable(name, 40),
            },
            problem => bad(problem),
        })?;
        let every = options.every;
        Ok(Self { action, at, every })
    }
}

/// The action of that name; an empty problem says that there is none.
fn action(name: &str, argument: Option<&str>, options: &Options) -> Result<Action, &'static str> {
    let number = |least: u16, problem| {
        let number = argument.and_then(|text| text.parse::<u16>().ok());
        number.filter(|number| *number >= least).ok_or(problem)
    };
    Ok(match name {
        "drop" => Action::Drop,
        "reset" => Action::Reset,
        "close" => match number(1000, "close needs a code such as 1011")? {
            // 1006 says that there was no close frame.
            1006 => Action::Drop,
            code => Action::Close(code),
        },
        "mute" => Action::Mute,
        "half-open" | "half_open" => Action::HalfOpen,
        "repeat" if argument.is_none() => Action::Repeat(2),
        "repeat" => Action::Repeat(u32::from(number(1, "repeat needs a number of times")?)),
        "reorder" => Action::Reorder,
        "error" => Action::Error(argument.unwrap_or("Internal error").to_owned()),
        "garbage" => Action::Garbage,
        "refuse" => Action::Refuse(Refusal {
            status: number(200, "refuse needs a status such as 401")?,
            times: u32::try_from(options.times.unwrap_or(1)).unwrap_or(u32::MAX),
            retry: options.retry,
        }),
        "cut" => Action::Cut,
        "resume" => Action::Resume,
        _ => return Err(""),
    })
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drop => f.write_str("drop"),
            Self::Reset => f.write_str("reset"),
            Self::Close(code) => write!(f, "close:{code}"),
            Self::Mute => f.write_str("mute"),
            Self::HalfOpen => f.write_str("half-open"),
            Self::Repeat(times) => write!(f, "repeat:{times}"),
            Self::Reorder => f.write_str("reorder"),
            Self::Error(text) => write!(f, "error:{text}"),
            Self::Garbage => f.write_str("garbage"),
            Self::Raw(_) => f.write_str("raw"),
            Self::Refuse(refusal) => write!(f, "refuse:{}", refusal.status),
            Self::Cut => f.write_str("cut"),
            Self::Resume => f.write_str("resume"),
        }
    }
}

/// The faults of a venue that are still to come.
#[derive(Debug)]
pub(super) struct Schedule(Vec<Fault>);

impl Schedule {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        Self(faults)
    }

    /// Takes those that are due before the first trade.
    pub(super) fn at_once(&mut self) -> Vec<Action> {
        let due = self.0.extract_if(.., |fault| fault.at.is_none());
        due.map(|fault| fault.action).collect()
    }

    /// Takes those that are due after `position` trades.
    pub(super) fn at(&mut self, position: u64) -> Vec<Action> {
        if self.0.iter().all(|fault| fault.at != Some(position)) {
            return Vec::new();
        }
        let mut due = Vec::new();
        self.0.retain_mut(|fault| {
            if fault.at != Some(position) {
                return true;
            }
            due.push(fault.action.clone());
            fault.at = fault.every.map(|every| position + every);
            fault.at.is_some()
        });
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, action: Action, at: Option<u64>, every: Option<u64>) {
        assert_eq!(text.parse(), Ok(Fault { action, at, every }), "{text}");
    }

    #[test]
    fn faults_are_read() {
        check("drop@1000", Action::Drop, Some(1_000), None);
        check("half-open@5", Action::HalfOpen, Some(5), None);
        check("close:1006@7", Action::Drop, Some(7), None);
        check(
            "close:1011@7,every=9",
            Action::Close(1011),
            Some(7),
            Some(9),
        );
        check("repeat@3", Action::Repeat(2), Some(3), None);
        check("repeat:3@3,every=1", Action::Repeat(3), Some(3), Some(1));
        check(
            "error:Invalid API key",
            Action::Error("Invalid API key".to_owned()),
            None,
            None,
        );
        let refusal = Refusal {
            status: 429,
            times: 2,
            retry: Some(1),
        };
        check(
            "refuse:429,times=2,retry=1",
            Action::Refuse(refusal),
            None,
            None,
        );
    }

    #[test]
    fn what_is_no_fault_says_why() {
        for (text, expect) in [
            ("explode", "unknown fault `explode`; one of drop, reset,"),
            (
                "drop@soon",
                "fault `drop@soon`: what follows `@` is no number of trades",
            ),
            ("close", "fault `close`: close needs a code such as 1011"),
            (
                "refuse:99",
                "fault `refuse:99`: refuse needs a status such as 401",
            ),
            (
                "repeat:x",
                "fault `repeat:x`: repeat needs a number of times",
            ),
            (
                "drop,now",
                "fault `drop,now`: write options as `every=1000`",
            ),
            (
                "drop,each=1",
                "fault `drop,each=1`: an option is not one of",
            ),
            (
                "drop,every=x",
                "fault `drop,every=x`: an option is no number",
            ),
        ] {
            let error = text.parse::<Fault>().expect_err(text).to_string();
            assert!(error.starts_with(expect), "{error}");
        }
    }

    #[test]
    fn a_schedule_gives_each_fault_at_its_trade() {
        let faults = ["drop@3", "mute@2,every=2", "cut"].map(|text| text.parse().unwrap());
        let mut schedule = Schedule::new(faults.to_vec());
        assert_eq!(schedule.at_once(), [Action::Cut]);
        let due: Vec<_> = (1..7).map(|position| schedule.at(position).len()).collect();
        assert_eq!(due, [0, 1, 1, 1, 0, 1]);
    }
}
