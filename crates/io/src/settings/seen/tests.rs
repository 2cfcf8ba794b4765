//! When a changed file counts as settled.

use super::*;

fn file(text: &str) -> Seen {
    Seen::File(text.as_bytes().to_vec())
}

#[tokio::test(start_paused = true)]
async fn a_file_is_believed_once_it_has_not_changed_for_a_moment() {
    let mut settling = Settling::new(file("old"));
    let start = Instant::now();
    assert_eq!(settling.look(file("old"), start), None);
    assert_eq!(settling.deadline(), None);
    assert_eq!(settling.look(file("ne"), start), None);
    let later = start + SETTLED / 2;
    assert_eq!(settling.look(file("new"), later), None);
    assert_eq!(settling.deadline(), Some(later + SETTLED));
    assert_eq!(settling.look(file("new"), start + SETTLED), None);
    assert_eq!(
        settling.look(file("new"), later + SETTLED),
        Some(&file("new"))
    );
    assert_eq!(settling.look(file("new"), later + SETTLED * 2), None);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_being_written_is_waited_for_until_it_is_closed() {
    let mut settling = Settling::new(file("old"));
    let start = Instant::now();
    settling.set_writing(true);
    assert_eq!(settling.look(file("half"), start), None);
    assert_eq!(settling.look(file("half"), start + SETTLED * 3), None);
    settling.set_writing(false);
    assert_eq!(
        settling.look(file("half"), start + SETTLED * 3),
        Some(&file("half"))
    );
    settling.set_writing(true);
    assert_eq!(settling.look(file("new"), start), None);
    assert_eq!(
        settling.look(file("new"), start + SETTLED_WRITING),
        Some(&file("new"))
    );
}

#[test]
fn what_is_no_small_file_of_text_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    let look = || Seen::look(&path).settings().unwrap_err();
    assert!(
        look().starts_with("cannot be read: No such file"),
        "{}",
        look()
    );
    fs::write(&path, "").unwrap();
    assert_eq!(look(), "the file is empty");
    fs::write(&path, b"grid = \"\xff\"").unwrap();
    assert_eq!(look(), "the file is not UTF-8");
    fs::write(&path, vec![b'#'; 2 << 20]).unwrap();
    assert_eq!(look(), "the file is larger than 1 MiB");
    assert_eq!(
        Seen::look(folder.path()).settings().unwrap_err(),
        "cannot be read: it is not a file"
    );
}
