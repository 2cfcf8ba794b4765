//! A private Redis.

use std::process::Command;

use stock_up_io::checkpoint::{RedisOptions, SharedCheckpoints};
use tempfile::TempDir;

use crate::daemon::{Daemon, free_port, is_there, wait};

pub(super) struct Redis {
    folder: TempDir,
    port: u16,
    more: Vec<String>,
    /// What `redis-cli` must know to be let in.
    login: Vec<String>,
    running: Option<Daemon>,
}

impl Redis {
    /// Starts one that keeps every write; `None` where there is none to start.
    pub(super) fn start() -> Option<Self> {
        Self::start_with(&["--appendonly", "yes", "--appendfsync", "always"], &[])
    }

    pub(super) fn start_with(more: &[&str], login: &[&str]) -> Option<Self> {
        if !is_there("redis-server") || !is_there("redis-cli") {
            return None;
        }
        let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        let mut redis = Self {
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
            more: owned(more),
            login: owned(login),
            running: None,
        };
        redis.again();
        Some(redis)
    }

    /// Starts it again where it was.
    pub(super) fn again(&mut self) {
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--save", ""])
            .args(["--port", &self.port.to_string(), "--dir"])
            .arg(self.folder.path())
            .args(&self.more);
        self.running = Some(Daemon::start(&mut command));
        wait("redis", || (self.cli(&["ping"]) == "PONG").then_some(()));
    }

    /// As `kill -9`.
    pub(super) fn kill(&mut self) {
        self.running = None;
    }

    pub(super) fn signal(&self, name: &str) {
        self.running.as_ref().unwrap().signal(name);
    }

    /// What `redis-cli` says.
    pub(super) fn cli(&self, args: &[&str]) -> String {
        let port = self.port.to_string();
        let output = Command::new("redis-cli")
            .args(["-p", &port, "--no-auth-warning"])
            .args(&self.login)
            .args(args)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(super) fn options(&self) -> RedisOptions {
        RedisOptions::new(format!("redis://127.0.0.1:{}", self.port))
    }

    pub(super) fn shared(&self, by: &str) -> SharedCheckpoints {
        SharedCheckpoints::new(&self.options(), by.to_owned()).unwrap()
    }
}
