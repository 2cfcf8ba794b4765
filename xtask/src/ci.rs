//! Everything that must hold before a change lands, as a list of steps.

use anyhow::{Context as _, bail};

use crate::services::{self, Running};
use crate::stopwatch::{Shown, Stopwatch};
use crate::transcript::Transcript;
use crate::{chain, deny, deploy, docs, page, setup, shell, tapes, tidy, web, workspace};

/// The set of servers of step `test`.
const SERVERS: &str = "services-ci";

/// One step: its name on the command line and what it does.
struct Step {
    name: &'static str,
    what: &'static str,
    run: fn() -> anyhow::Result<Outcome>,
}

/// What a step that passed has to tell.
#[derive(Default)]
struct Outcome {
    note: String,
    tests: Transcript,
}

/// In this order: cheap checks first, and the page before the binary that carries it.
const STEPS: [Step; 14] = [
    Step {
        name: "setup",
        what: "install what the tests need",
        run: || done(setup::all()),
    },
    Step {
        name: "fmt",
        what: "the sources are formatted",
        run: fmt,
    },
    Step {
        name: "tidy",
        what: "what clippy cannot see",
        run: || done(tidy::run()),
    },
    Step {
        name: "web-build",
        what: "the page's bundle",
        run: || noted(web::build()),
    },
    Step {
        name: "clippy",
        what: "lints, warnings are errors",
        run: clippy,
    },
    Step {
        name: "test",
        what: "all tests of the workspace, with real servers",
        run: test,
    },
    Step {
        name: "chain",
        what: "a recorded day through every transport, with servers and roles that fail",
        run: || tested(chain::run()),
    },
    Step {
        name: "doc",
        what: "the API documents build",
        run: doc,
    },
    Step {
        name: "docs",
        what: "generated documents are up to date",
        run: || noted(docs::check()),
    },
    Step {
        name: "deny",
        what: "licences, bans, sources, advisories",
        run: || noted(deny::check()),
    },
    Step {
        name: "web-check",
        what: "the page's types and lints",
        run: || done(web::check()),
    },
    Step {
        name: "web-unit",
        what: "the page's unit tests",
        run: || tested(web::unit()),
    },
    Step {
        name: "deploy",
        what: "compose file and dashboards",
        run: || tested(deploy::check()),
    },
    Step {
        name: "page",
        what: "the page in Chromium",
        run: || tested(page::test()),
    },
];

/// What `cargo xtask ci` was asked for.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Options {
    /// Run these steps alone; empty means all.
    only: Vec<String>,
    keep_going: bool,
    list: bool,
}

impl Options {
    pub(crate) fn parse(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match *argument {
                "--keep-going" => options.keep_going = true,
                "--list" => options.list = true,
                "--only" => {
                    let name = rest.next().context("`--only` needs the name of a step")?;
                    options.only.push(known(name)?);
                }
                other => bail!("`{other}` is not an option of `cargo xtask ci`"),
            }
        }
        Ok(options)
    }

    fn wants(&self, step: &Step) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == step.name)
    }
}

fn known(name: &str) -> anyhow::Result<String> {
    if STEPS.iter().any(|step| step.name == name) {
        return Ok(name.to_owned());
    }
    bail!(
        "`{name}` is not a step; the steps are {}",
        STEPS.map(|step| step.name).join(", ")
    )
}

/// Runs the steps and ends with a table of what they took, told and left out.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if options.list {
        for step in &STEPS {
            println!("{:10} {}", step.name, step.what);
        }
        return Ok(());
    }
    let total = Stopwatch::start();
    let mut table = Vec::new();
    let mut tests = Transcript::default();
    let mut failed = Vec::new();
    let mut reasons = Vec::new();
    for step in STEPS.iter().filter(|step| options.wants(step)) {
        println!("\n==> {}: {}", step.name, step.what);
        let watch = Stopwatch::start();
        let result = (step.run)();
        let took = Shown(watch.elapsed());
        match result {
            Ok(outcome) => {
                table.push(format!("{:10} {took:>12}  ok  {}", step.name, outcome.note));
                tests.add(outcome.tests);
            }
            Err(error) => {
                let reason = format!("step `{}` failed after {took}: {error:#}", step.name);
                println!("\n{reason}");
                reasons.push(reason);
                table.push(format!("{:10} {took:>12}  FAILED", step.name));
                failed.push(step.name);
                if !options.keep_going {
                    break;
                }
            }
        }
    }
    println!("\n{}", table.join("\n"));
    println!(
        "{:10} {:>12}  {} tests passed",
        "total",
        Shown(total.elapsed()),
        tests.passed
    );
    for skip in &tests.skipped {
        println!("SKIPPED {skip}");
    }
    if failed.is_empty() {
        return Ok(());
    }
    // Once more, for whoever sees only the end of a long log.
    println!("\n{}", reasons.join("\n"));
    let again: Vec<String> = failed
        .iter()
        .map(|name| format!("cargo xtask ci --only {name}"))
        .collect();
    bail!(
        "failed: {}; to run only that again: {}",
        failed.join(", "),
        again.join("; ")
    )
}

fn fmt() -> anyhow::Result<Outcome> {
    done(shell::run(shell::cargo(&["fmt", "--all", "--check"])))
}

/// Everything, and the binary without the engines that can be left out.
fn clippy() -> anyhow::Result<Outcome> {
    let everything = ["--workspace", "--all-features"];
    let least = ["--package", "stock-up", "--no-default-features"];
    for what in [&everything[..], &least[..]] {
        let strictly = ["--all-targets", "--quiet", "--", "-D", "warnings"];
        let arguments = [&["clippy"], what, &strictly[..]].concat();
        shell::run(shell::cargo(&arguments))?;
    }
    Ok(Outcome::default())
}

fn test() -> anyhow::Result<Outcome> {
    let mut command = shell::cargo(&["test", "--workspace"]);
    let tapes = tapes::locate()?;
    match &tapes {
        Some(folder) => command.env("STOCK_UP_TAPES", folder),
        None => command.env_remove("STOCK_UP_TAPES"),
    };
    // The servers would only be in the compiler's way.
    workspace::build_for_tests()?;
    // They end with this function, also when a test fails.
    let servers = Running::for_tests(SERVERS)?;
    if let Some(servers) = &servers {
        command.envs(servers.environment());
        command.env(services::REQUIRED, "1");
    }
    let mut tests = shell::record(command)?;
    if servers.is_none() {
        tests
            .skipped
            .push("real servers: Kafka, RabbitMQ, InfluxDB, etcd and Redis are missing".into());
    }
    if tapes.is_none() {
        tests
            .skipped
            .push("recorded trades: set `STOCK_UP_TAPES` to the folder of the tapes".into());
    }
    tested(Ok(tests))
}

fn doc() -> anyhow::Result<Outcome> {
    let mut command = shell::cargo(&["doc", "--quiet", "--no-deps", "--workspace"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    done(shell::run(command))
}

fn done(result: anyhow::Result<()>) -> anyhow::Result<Outcome> {
    result.map(|()| Outcome::default())
}

fn noted(result: anyhow::Result<impl Into<String>>) -> anyhow::Result<Outcome> {
    result.map(|note| Outcome {
        note: note.into(),
        ..Outcome::default()
    })
}

fn tested(result: anyhow::Result<Transcript>) -> anyhow::Result<Outcome> {
    let tests = result?;
    let note = match tests.skipped.len() {
        0 => format!("{} passed", tests.passed),
        skipped => format!("{} passed, {skipped} SKIPPED", tests.passed),
    };
    Ok(Outcome { note, tests })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let options = Options::parse(&["--only", "clippy", "--keep-going"]).expect("valid");
        assert_eq!(options.only, ["clippy"]);
        assert!(options.keep_going);
        assert_eq!(STEPS.iter().filter(|step| options.wants(step)).count(), 1);
    }

    #[test]
    fn unknown_steps_are_refused_with_the_list() {
        let error = Options::parse(&["--only", "klippy"]).expect_err("a typo");
        assert!(
            error
                .to_string()
                .starts_with("`klippy` is not a step; the steps are setup, fmt")
        );
        assert!(Options::parse(&["--only"]).is_err());
        assert!(Options::parse(&["--fast"]).is_err());
    }
}
