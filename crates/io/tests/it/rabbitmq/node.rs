//! A RabbitMQ of a test's own, to be killed and starved.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use stock_up_core::Span;
use stock_up_io::feed::Secret;
use stock_up_io::queue::rabbitmq::{QueueType, RabbitmqConfig};
use tempfile::TempDir;

use super::place::named;
use crate::needs;

/// Debian's scripts, below the wrapper that changes the user.
const SCRIPTS: &str = "/usr/lib/rabbitmq/bin";
/// Longest wait for the server.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often it is asked whether it is there.
const POLL: Duration = Duration::from_millis(100);

/// A server with its data in a temporary folder; ends with its value.
pub(crate) struct Node {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
    port: u16,
    stream_port: u16,
    server: Option<Child>,
    names: Child,
}

impl Node {
    /// Starts one, or says loudly that it cannot.
    pub(crate) async fn start(test: &str) -> Option<Self> {
        if !Path::new(SCRIPTS).join("rabbitmq-server").exists() {
            needs::lacks(test, &format!("there is no {SCRIPTS}/rabbitmq-server"));
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let [port, stream_port, distribution, names_port] = free_ports();
        write_files(folder.path(), port, stream_port);
        let environment = environment(folder.path(), distribution, names_port);
        let names = Command::new("epmd")
            .args(["-port", &names_port.to_string()])
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut node = Self {
            folder,
            environment,
            port,
            stream_port,
            server: None,
            names,
        };
        node.up().await;
        Some(node)
    }

    /// Where its queues and streams lie.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// How to reach it, with a queue of its own.
    pub(crate) fn config(&self, queue_type: QueueType) -> RabbitmqConfig {
        RabbitmqConfig {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            stream_port: self.stream_port,
            password: Secret::new("CANARY-7f3a"),
            confirm_timeout: Span::from_secs(20),
            ..named(queue_type)
        }
    }

    /// Ends it without a warning, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// Starts it (again) and waits until it serves.
    pub(crate) async fn up(&mut self) {
        let log = self.folder.path().join("log");
        let out = File::create(&log).unwrap();
        let mut command = self.command("rabbitmq-server");
        command.env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
        );
        let server = command.stdout(out.try_clone().unwrap()).stderr(out).spawn();
        self.server = Some(server.unwrap());
        let begun = async {
            let mut poll = tokio::time::interval(POLL);
            while !said(&log).contains("Server startup complete") {
                poll.tick().await;
            }
        };
        let begun = tokio::time::timeout(PATIENCE, begun).await;
        assert!(begun.is_ok(), "no start: {}", said(&log));
    }

    /// Runs `rabbitmqctl` and returns what it prints.
    pub(crate) async fn ctl(&self, arguments: &[&str]) -> String {
        let mut command = self.command("rabbitmqctl");
        command.args(arguments);
        let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = ran.await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "rabbitmqctl {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn command(&self, script: &str) -> Command {
        let mut command = Command::new(Path::new(SCRIPTS).join(script));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.envs(self.environment.iter().cloned());
        command
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        self.names.kill().ok();
        self.names.wait().ok();
    }
}

fn said(log: &Path) -> String {
    fs::read_to_string(log).unwrap_or_default()
}

/// Ports that were free a moment ago.
fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

fn write_files(folder: &Path, port: u16, stream_port: u16) {
    fs::create_dir_all(folder.join("home")).unwrap();
    let config = format!(
        "listeners.tcp.1 = 127.0.0.1:{port}\n\
         stream.listeners.tcp.1 = 127.0.0.1:{stream_port}\n\
         default_vhost = stocks\n\
         default_user = stock-query\n\
         default_pass = CANARY-7f3a\n\
         log.console = true\n\
         log.file = false\n\
         disk_free_limit.absolute = 1MB\n"
    );
    fs::write(folder.join("rabbitmq.conf"), config).unwrap();
    fs::write(folder.join("enabled_plugins"), "[rabbitmq_stream].\n").unwrap();
    fs::write(folder.join("advanced.config"), "[].\n").unwrap();
    fs::write(folder.join("empty.conf"), "").unwrap();
}

/// Everything that makes the node independent of an installed one.
fn environment(folder: &Path, distribution: u16, names: u16) -> Vec<(&'static str, String)> {
    let within = |name: &str| folder.join(name).display().to_string();
    vec![
        ("HOME", within("home")),
        (
            "RABBITMQ_NODENAME",
            format!("test-{distribution}@localhost"),
        ),
        ("RABBITMQ_DIST_PORT", distribution.to_string()),
        ("ERL_EPMD_PORT", names.to_string()),
        ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
        ("ERL_CRASH_DUMP", within("erl_crash.dump")),
        ("RABBITMQ_CONF_ENV_FILE", within("empty.conf")),
        ("RABBITMQ_CONFIG_FILE", within("rabbitmq.conf")),
        ("RABBITMQ_ADVANCED_CONFIG_FILE", within("advanced.config")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", within("enabled_plugins")),
        ("RABBITMQ_GENERATED_CONFIG_DIR", within("generated")),
        ("RABBITMQ_MNESIA_BASE", within("data")),
        ("RABBITMQ_LOG_BASE", within("")),
        ("RABBITMQ_LOGS", "-".to_owned()),
        ("RABBITMQ_PID_FILE", within("beam.pid")),
        // The shell becomes the server, so the child's process is the server's.
        ("RUNNING_UNDER_SYSTEMD", "true".to_owned()),
    ]
}
