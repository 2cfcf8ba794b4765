//! The settings file as people and orchestrators change it (`reliability.md` E5).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stock_up_io::settings::{
    Missing, Settings, SettingsFile, SettingsFileError, SettingsHandle, SettingsState,
};

/// How long a change may take until it is seen, on a slow machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// How often each way of changing the file is tried.
const ROUNDS: usize = 10;

struct Watched {
    folder: tempfile::TempDir,
    handle: SettingsHandle,
    states: tokio::sync::watch::Receiver<SettingsState>,
    running: tokio::task::JoinSet<()>,
}

fn text(symbol: &str) -> String {
    format!("subscriptions = [\"{symbol}\"]\n")
}

impl Watched {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("settings.toml"), text("FIRST")).unwrap();
        let path = folder.path().join("settings.toml");
        Self::watch(folder, path)
    }

    fn watch(folder: tempfile::TempDir, path: PathBuf) -> Self {
        let (handle, file) = SettingsFile::open(path, Missing::Refuse).unwrap();
        let mut running = tokio::task::JoinSet::new();
        running.spawn(file.run());
        let states = handle.watch();
        Self {
            folder,
            handle,
            states,
            running,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("settings.toml")
    }

    /// Waits for a state; whatever is seen until then must subscribe one of `allowed`.
    #[track_caller]
    fn until<'a>(
        &'a mut self,
        allowed: &'a [&str],
        wanted: impl Fn(&SettingsState) -> bool + Send + Sync + 'a,
    ) -> impl Future<Output = SettingsState> + Send + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let check = |state: &SettingsState| {
                let symbols = state.settings.subscriptions.join(",");
                assert!(
                    allowed.contains(&symbols.as_str()),
                    "saw `{symbols}`, {caller}"
                );
                wanted(state)
            };
            let found = tokio::time::timeout(DEADLINE, self.states.wait_for(check)).await;
            found
                .unwrap_or_else(|_| panic!("nothing came, {caller}"))
                .unwrap()
                .clone()
        }
    }

    async fn sees(&mut self, symbol: &str, before: &str) {
        let wanted = symbol.to_owned();
        self.until(&[symbol, before], move |state| {
            state.settings.subscriptions == [wanted.as_str()] && state.refused.is_none()
        })
        .await;
    }
}

async fn changed_by(change: impl Fn(&Path, &str)) {
    let mut watched = Watched::start();
    let mut before = "FIRST".to_owned();
    for round in 0..ROUNDS {
        let symbol = format!("S{round}");
        change(&watched.path(), &symbol);
        watched.sees(&symbol, &before).await;
        before = symbol;
    }
    assert_eq!(watched.handle.current().revision, 1 + ROUNDS as u64);
}

#[tokio::test]
async fn a_file_that_is_written_in_place_is_applied() {
    changed_by(|path, symbol| fs::write(path, text(symbol)).unwrap()).await;
}

#[tokio::test]
async fn a_file_that_is_replaced_is_applied() {
    changed_by(|path, symbol| {
        let other = path.with_extension("new");
        fs::write(&other, text(symbol)).unwrap();
        #[expect(clippy::disallowed_methods, reason = "what an editor does")]
        fs::rename(other, path).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_saved_as_vim_does_is_applied() {
    changed_by(|path, symbol| {
        #[expect(clippy::disallowed_methods, reason = "what an editor does")]
        fs::rename(path, path.with_extension("toml~")).unwrap();
        fs::write(path, text(symbol)).unwrap();
        fs::remove_file(path.with_extension("toml~")).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_deleted_and_made_again_is_applied() {
    changed_by(|path, symbol| {
        fs::remove_file(path).unwrap();
        fs::write(path, text(symbol)).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_link_that_is_swapped_is_applied() {
    // As Kubernetes mounts a ConfigMap: the file is a link through `..data`, which is replaced.
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let publish = |symbol: &str| {
        fs::create_dir(at(symbol)).unwrap();
        fs::write(at(symbol).join("settings.toml"), text(symbol)).unwrap();
        std::os::unix::fs::symlink(symbol, at("..tmp")).unwrap();
        #[expect(clippy::disallowed_methods, reason = "what an orchestrator does")]
        fs::rename(at("..tmp"), at("..data")).unwrap();
    };
    publish("FIRST");
    std::os::unix::fs::symlink("..data/settings.toml", at("settings.toml")).unwrap();
    let (other, path) = (tempfile::tempdir().unwrap(), at("settings.toml"));
    let mut watched = Watched::watch(other, path);
    let mut before = "FIRST".to_owned();
    for round in 0..ROUNDS {
        let symbol = format!("S{round}");
        publish(&symbol);
        watched.sees(&symbol, &before).await;
        before = symbol;
    }
}

#[tokio::test]
async fn a_file_that_is_written_slowly_is_applied_once_it_is_whole() {
    use std::io::Write;
    let mut watched = Watched::start();
    let mut file = fs::File::create(watched.path()).unwrap();
    for symbol in ["A", "B", "C", "D"] {
        // Each half-written state is a settings file of its own; none may be applied.
        file.set_len(0).unwrap();
        file.write_all(text(symbol).as_bytes()).unwrap();
        file.sync_all().unwrap();
        let waited = tokio::time::timeout(Duration::from_millis(300), watched.states.changed());
        assert!(
            waited.await.is_err(),
            "{symbol} was applied before the file was closed"
        );
        file = fs::OpenOptions::new()
            .write(true)
            .open(watched.path())
            .unwrap_or(file);
    }
    drop(file);
    watched.sees("D", "FIRST").await;
}

#[tokio::test]
async fn a_change_that_cannot_be_used_is_refused_and_the_old_settings_stay() {
    let mut watched = Watched::start();
    let path = watched.path();
    fs::write(&path, "windws = [\"60s\"]").unwrap();
    let state = watched
        .until(&["FIRST"], |state| state.refused.is_some())
        .await;
    assert_eq!(state.revision, 1);
    assert_eq!(
        state.refused.unwrap(),
        format!(
            "`{}` line 1, column 1: unknown key `windws`; did you mean `windows`?",
            path.display()
        )
    );
    fs::remove_file(&path).unwrap();
    let gone = |state: &SettingsState| {
        state
            .refused
            .as_ref()
            .is_some_and(|why| why.contains("No such"))
    };
    watched.until(&["FIRST"], gone).await;
    fs::write(&path, text("FIRST")).unwrap();
    let state = watched
        .until(&["FIRST"], |state| state.refused.is_none())
        .await;
    assert_eq!(state.revision, 1);
}

#[tokio::test]
async fn settings_are_written_from_within_if_nobody_else_changed_them() {
    let mut watched = Watched::start();
    let new = Settings {
        subscriptions: vec![" NEW ".to_owned()],
        ..Settings::default()
    };
    let state = watched.handle.write(1, new.clone()).await.unwrap();
    assert_eq!(
        (state.revision, state.settings.subscriptions.join(",")),
        (2, "NEW".to_owned())
    );
    assert_eq!(
        Settings::from_toml(&fs::read_to_string(watched.path()).unwrap()).unwrap(),
        *state.settings
    );
    let stale = watched.handle.write(1, new.clone()).await.unwrap_err();
    assert!(
        matches!(
            stale,
            SettingsFileError::Conflict {
                expected: 1,
                current: 2
            }
        ),
        "{stale}"
    );
    let bad = Settings {
        windows: Vec::new(),
        ..new.clone()
    };
    let bad = watched.handle.write(2, bad).await.unwrap_err();
    assert_eq!(
        bad.to_string(),
        format!(
            "`{}` no window is set; give at least one, such as \"60s\"",
            watched.path().display()
        )
    );
    fs::write(watched.path(), text("EDITED")).unwrap();
    let race = watched.handle.write(2, new).await.unwrap_err();
    assert!(matches!(race, SettingsFileError::Conflict { .. }), "{race}");
    watched.sees("EDITED", "NEW").await;
}

#[tokio::test]
async fn the_watch_ends_with_the_last_handle() {
    let watched = Watched::start();
    let (
        Watched {
            handle,
            states,
            mut running,
            ..
        },
        deadline,
    ) = (watched, DEADLINE);
    drop((handle, states));
    tokio::time::timeout(deadline, running.join_next())
        .await
        .unwrap();
}

#[test]
fn a_missing_file_is_made_when_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    let error = SettingsFile::open(&path, Missing::Refuse).unwrap_err();
    assert!(matches!(error, SettingsFileError::Read { .. }), "{error}");
    let settings = Settings {
        subscriptions: vec!["SPY".to_owned()],
        ..Settings::default()
    };
    let (handle, _) =
        SettingsFile::open(&path, Missing::Create(Box::new(settings.clone()))).unwrap();
    assert_eq!(*handle.current().settings, settings);
    assert_eq!(*handle.current().source, *path.display().to_string());
    fs::write(&path, "grid = 1").unwrap();
    let error = SettingsFile::open(&path, Missing::Create(Box::default())).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "`{}` line 1, column 8: invalid type: integer `1`, expected a duration like \"60s\"",
            path.display()
        )
    );
}
