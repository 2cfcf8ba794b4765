//! Brokers that one test may stop and start, as files of the one that all tests share.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::needs;
use crate::queue::PATIENCE;

/// A broker of one test: as the shared one, with its own folder and ports.
pub(crate) struct OwnBroker {
    folder: tempfile::TempDir,
    process: Option<Child>,
    /// Where clients without TLS and password connect.
    pub(crate) plain: u16,
    /// Where the others do, if it was asked for.
    pub(crate) secure: u16,
}

impl OwnBroker {
    /// Makes the folder; `more` gets the secure port and the folder, and gives lines of
    /// configuration and arguments of the tool that formats the folder.
    pub(crate) fn new(test: &str, more: impl Fn(u16, &Path) -> (String, String)) -> Option<Self> {
        let shared = PathBuf::from(needs::server("STOCK_UP_TEST_SERVICES", test)?).join("kafka");
        let folder = tempfile::tempdir().unwrap();
        let [plain, controller, secure] = free_ports();
        let (lines, arguments) = more(secure, folder.path());
        let read = |name: &str| fs::read_to_string(shared.join(name)).unwrap();
        let here =
            |text: &str| text.replace(shared.to_str().unwrap(), folder.path().to_str().unwrap());

        let settings = read("server.properties");
        let ports: Vec<&str> = settings
            .lines()
            .find_map(|line| line.strip_prefix("listeners="))
            .unwrap()
            .split(',')
            .map(|listener| listener.rsplit_once(':').unwrap().1)
            .collect();
        let settings = here(&settings)
            .replace(&format!(":{}", ports[0]), &format!(":{plain}"))
            .replace(&format!(":{}", ports[1]), &format!(":{controller}"));
        fs::write(
            folder.path().join("server.properties"),
            with(&settings, &lines),
        )
        .unwrap();
        let start =
            here(&read("start")).replace("--standalone", &format!("--standalone {arguments}"));
        fs::write(folder.path().join("start"), start).unwrap();
        for name in ["log4j2.properties", "cluster-id"] {
            fs::write(folder.path().join(name), here(&read(name))).unwrap();
        }
        Some(Self {
            folder,
            process: None,
            plain,
            secure,
        })
    }

    /// Starts it, and waits until it listens.
    pub(crate) async fn start(&mut self) {
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let child = Command::new("sh")
            .arg(self.folder.path().join("start"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.process = Some(child.unwrap());
        let port = self.plain;
        let listening = async {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
                let ended = self.process.as_mut().unwrap().try_wait().unwrap();
                assert!(ended.is_none(), "Kafka ended: {}", self.log());
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        let listened = tokio::time::timeout(PATIENCE, listening).await.is_ok();
        assert!(listened, "Kafka does not listen: {}", self.log());
    }

    /// Stops it as `kill -STOP` does: connections stay, and nothing is answered.
    pub(crate) fn freeze(&self) {
        let process = self.process.as_ref().unwrap().id().to_string();
        let frozen = Command::new("kill").args(["-STOP", &process]).status();
        assert!(frozen.unwrap().success());
    }

    /// Where its files lie.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Its address for clients without TLS and password.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.plain)
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let from = log.len().saturating_sub(2_000);
        log.get(from..).unwrap_or_default().to_owned()
    }
}

impl Drop for OwnBroker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `settings` with `lines`; one that begins with `+` goes on with the value that is there.
fn with(settings: &str, lines: &str) -> String {
    let (longer, new): (Vec<_>, Vec<_>) = lines.lines().partition(|line| line.starts_with('+'));
    let prolonged = settings.lines().map(|line| {
        let (key, _) = line.split_once('=').unwrap_or((line, ""));
        let more = longer.iter().find_map(|more| {
            let (longer, value) = more[1..].split_once('=')?;
            (longer == key).then_some(value)
        });
        format!("{line}{}\n", more.unwrap_or_default())
    });
    let new = new.into_iter().map(|line| format!("{line}\n"));
    prolonged.chain(new).collect()
}

fn free_ports<const N: usize>() -> [u16; N] {
    // All at once, so that they differ.
    let listeners = [(); N].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
