//! A private etcd.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use stock_up_io::settings::etcd::EtcdOptions;
use tempfile::TempDir;

use crate::daemon::{Daemon, free_port, is_there, wait};

/// An etcd of one node.
pub(super) struct Etcd {
    folder: TempDir,
    port: u16,
    peer: u16,
    more: Vec<String>,
    ctl: Vec<String>,
    running: Option<Daemon>,
}

impl Etcd {
    /// Starts one; `None` where there is none to start.
    pub(super) fn start() -> Option<Self> {
        Self::start_with(&[], &[])
    }

    /// With more arguments, for it and for `etcdctl`.
    pub(super) fn start_with(more: &[&str], ctl: &[&str]) -> Option<Self> {
        if !is_there("etcd") || !is_there("etcdctl") {
            return None;
        }
        let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        let mut etcd = Self {
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
            peer: free_port(),
            more: owned(more),
            ctl: owned(ctl),
            running: None,
        };
        etcd.begin(etcd.port);
        Some(etcd)
    }

    fn scheme(&self) -> &'static str {
        let has_tls = self.more.iter().any(|one| one.starts_with("--cert-file"));
        if has_tls { "https" } else { "http" }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("{}://localhost:{}", self.scheme(), self.port)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn options(&self) -> EtcdOptions {
        EtcdOptions::new(vec![self.endpoint()])
    }

    /// A place for files of the test.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn begin(&mut self, port: u16) {
        let (client, peer) = (
            format!("{}://127.0.0.1:{port}", self.scheme()),
            format!("http://127.0.0.1:{}", self.peer),
        );
        let mut command = Command::new("etcd");
        command
            .args(["--name", "one", "--log-level", "error"])
            .args(["--initial-cluster", &format!("one={peer}")])
            .args(["--initial-advertise-peer-urls", &peer])
            .args(["--listen-peer-urls", &peer])
            .args(["--listen-client-urls", &client])
            .args(["--advertise-client-urls", &client])
            .arg("--data-dir")
            .arg(self.data())
            .args(&self.more);
        self.running = Some(Daemon::start(&mut command));
        wait("etcd", || {
            let health = self.ctl_at(port, &["endpoint", "health"], Stdio::null());
            health.ok()
        });
    }

    /// Starts it again where it was.
    pub(super) fn again(&mut self) {
        self.begin(self.port);
    }

    /// As `kill -9`.
    pub(super) fn kill(&mut self) {
        self.running = None;
    }

    pub(super) fn signal(&self, name: &str) {
        self.running.as_ref().unwrap().signal(name);
    }

    /// Runs it where nobody who follows it finds it.
    pub(super) fn aside(&mut self, act: impl FnOnce(&dyn Fn(&[&str]) -> String)) {
        self.kill();
        let port = free_port();
        self.begin(port);
        act(&|args| self.ctl_at(port, args, Stdio::null()).unwrap());
        self.kill();
    }

    /// Removes everything that it holds.
    pub(super) fn wipe(&mut self) {
        self.kill();
        std::fs::remove_dir_all(self.data()).unwrap();
    }

    /// What `etcdctl` says.
    #[track_caller]
    pub(super) fn ctl(&self, args: &[&str]) -> String {
        self.ctl_at(self.port, args, Stdio::null()).unwrap()
    }

    /// Puts what is in a file.
    pub(super) fn put_file(&self, key: &str, file: &Path) {
        let file = std::fs::File::open(file).unwrap();
        self.ctl_at(self.port, &["put", key], file.into()).unwrap();
    }

    fn ctl_at(&self, port: u16, args: &[&str], input: Stdio) -> Result<String, String> {
        let endpoint = format!("{}://localhost:{port}", self.scheme());
        let output = Command::new("etcdctl")
            .env("ETCDCTL_API", "3")
            .args(["--endpoints", &endpoint])
            .args(&self.ctl)
            .args(args)
            .stdin(input)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    }
}
