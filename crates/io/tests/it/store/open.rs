//! Which files are stores.

use std::fs;

use rusqlite::Connection;
use stock_up_io::store::{APPLICATION_ID, FILE_NAME, STORE_FORMAT, Store, StoreError, StoreReader};

#[test]
fn a_store_is_made_once_and_keeps_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert!(store.is_new());
    assert_eq!(store.checkpoint().unwrap(), None);
    let instance = store.instance().to_owned();
    assert_eq!(instance.len(), 32);
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    assert!(!store.is_new());
    assert_eq!(store.instance(), instance);
    assert_eq!(
        StoreReader::open(dir.path()).unwrap().instance().unwrap(),
        instance
    );
    let other = tempfile::tempdir().unwrap();
    assert_ne!(Store::open(other.path()).unwrap().instance(), instance);
}

#[test]
fn the_format_is_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path()).unwrap());
    let bytes = fs::read(dir.path().join(FILE_NAME)).unwrap();
    // The file format of SQLite: user version at 60, application id at 68, big-endian.
    let number = |at: usize| i64::from(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()));
    assert_eq!((number(60), number(68)), (STORE_FORMAT, APPLICATION_ID));
}

#[track_caller]
fn refuses(prepare: impl Fn(&std::path::Path), expected: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE_NAME);
    prepare(&path);
    let before = fs::read(&path).unwrap_or_default();
    let errors: [StoreError; 2] = [
        Store::open(dir.path()).unwrap_err(),
        StoreReader::open(dir.path()).unwrap_err(),
    ];
    for error in errors {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let text = format!("{error}: {}", source.unwrap_or_default());
        let text = text.replace(&path.display().to_string(), "FILE");
        assert!(text.starts_with(expected), "{text}");
    }
    assert_eq!(fs::read(&path).unwrap_or_default(), before);
}

#[test]
fn other_files_are_refused_and_left_alone() {
    refuses(
        |path| {
            let newer = Connection::open(path).unwrap();
            newer
                .execute_batch("CREATE TABLE t(x); PRAGMA user_version = 3;")
                .unwrap();
            newer
                .pragma_update(None, "application_id", APPLICATION_ID)
                .unwrap();
        },
        "the store `FILE` has format 3; this program knows formats up to 2; use a newer stock-up",
    );
    refuses(
        |path| {
            let other = Connection::open(path).unwrap();
            other.execute_batch("CREATE TABLE t(x)").unwrap();
        },
        "`FILE` is a database, but not a store of stock-up; move it away",
    );
    refuses(
        |path| fs::write(path, vec![b'x'; 5_000]).unwrap(),
        "cannot read the store `FILE`: file is not a database",
    );
    refuses(|path| fs::create_dir(path).unwrap(), "cannot ");
}

#[test]
fn a_reader_makes_no_store() {
    let dir = tempfile::tempdir().unwrap();
    let error = StoreReader::open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Sqlite { .. }), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
