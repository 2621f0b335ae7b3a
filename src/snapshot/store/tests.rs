//! What the store keeps, and what it refuses.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

use super::*;
use crate::snapshot::Metadata;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("labs"));
    (folder, store)
}

fn snapshot(contents: &str) -> Snapshot {
    Snapshot::of(contents).with_metadata(Metadata { assertion_line: Some(7), ..Metadata::default() })
}

fn only(store: &Store) -> Pending {
    let mut waiting = store.pending();
    assert!(waiting.unreadable.is_empty(), "{:?}", waiting.unreadable);
    assert_eq!(waiting.pending.len(), 1);
    waiting.pending.remove(0)
}

#[test]
fn a_snapshot_is_pending_then_accepted() {
    let (_folder, store) = store();
    assert!(store.pending().pending.is_empty());
    assert_eq!(store.load("a/b", "k-1").unwrap(), None);
    let path = store.write_pending("a/b", "k-1", &snapshot("one")).unwrap();
    assert!(path.ends_with("labs/a/b/snapshots/k-1.snap.new"), "{}", path.display());
    assert_eq!(store.load("a/b", "k-1").unwrap(), None);
    let pending = only(&store);
    assert_eq!((pending.lesson.as_str(), pending.key.as_str(), &pending.old), ("a/b", "k-1", &None));
    store.accept(&pending).unwrap();
    let accepted = store.load("a/b", "k-1").unwrap().unwrap();
    assert_eq!((accepted.contents.as_str(), accepted.metadata.assertion_line), ("one", None));
    assert!(store.pending().pending.is_empty());
    assert_eq!(names(&store.folder("a/b"), &mut Vec::new()), BTreeSet::from(["k-1.snap".to_owned()]));
}

#[test]
fn rejecting_keeps_the_old_one() {
    let (_folder, store) = store();
    store.write_pending("a", "k-1", &snapshot("one")).unwrap();
    store.accept(&only(&store)).unwrap();
    store.write_pending("a", "k-1", &snapshot("two")).unwrap();
    let pending = only(&store);
    assert_eq!(pending.old.as_ref().map(|old| old.contents.as_str()), Some("one"));
    store.reject(&pending).unwrap();
    store.reject(&pending).unwrap();
    assert_eq!(store.load("a", "k-1").unwrap().unwrap().contents, "one");
    assert!(store.pending().pending.is_empty());
}

#[test]
fn output_that_is_not_the_same_twice_is_not_accepted() {
    let (_folder, store) = store();
    let mut unstable = snapshot("0.123");
    unstable.metadata.info.insert(Metadata::STABLE.to_owned(), "false".to_owned());
    store.write_pending("a", "k-1", &unstable).unwrap();
    let error = store.accept(&only(&store)).unwrap_err();
    assert!(matches!(error, SnapshotError::Unstable { .. }), "{error}");
    assert_eq!(store.load("a", "k-1").unwrap(), None);
}

#[test]
fn only_what_was_looked_at_is_accepted() {
    let (_folder, store) = store();
    store.write_pending("a", "k-1", &snapshot("one")).unwrap();
    let seen = only(&store);
    store.write_pending("a", "k-1", &snapshot("two")).unwrap();
    assert!(matches!(store.accept(&seen), Err(SnapshotError::Moved { .. })));
    let seen = only(&store);
    fs::write(store.path("a", "k-1"), format::write(&snapshot("by hand"))).unwrap();
    assert!(matches!(store.accept(&seen), Err(SnapshotError::Moved { .. })));
    assert_eq!(store.load("a", "k-1").unwrap().unwrap().contents, "by hand");
}

#[test]
fn a_kill_between_writing_and_renaming_loses_nothing() {
    let (_folder, store) = store();
    store.write_pending("a", "k-1", &snapshot("one")).unwrap();
    store.accept(&only(&store)).unwrap();
    store.write_pending("a", "k-1", &snapshot("two")).unwrap();
    // Killed: what is staged is neither renamed nor deleted.
    let staged = stage(&store.path("a", "k-1"), "---\nhalf of i").unwrap();
    std::mem::forget(staged);
    assert_eq!(store.load("a", "k-1").unwrap().unwrap().contents, "one");
    let pending = only(&store);
    assert_eq!(pending.fresh.contents, "two");
    assert!(store.unreferenced("a", ["k-1"]).unwrap().is_empty());
    assert_eq!(names(&store.folder("a"), &mut Vec::new()).len(), 3);
    sweep(&store.folder("a"), ABANDONED);
    assert_eq!(names(&store.folder("a"), &mut Vec::new()).len(), 3, "another Proctor may be at work");
    sweep(&store.folder("a"), Duration::ZERO);
    assert_eq!(names(&store.folder("a"), &mut Vec::new()).len(), 2, "what is abandoned goes");
    // Killed a step later: renamed, and the pending one still there. Accepting it again is no harm.
    replace(&store.path("a", "k-1"), &format::write(&pending.fresh), "accept").unwrap();
    store.accept(&only(&store)).unwrap();
    assert_eq!(store.load("a", "k-1").unwrap().unwrap().contents, "two");
}

#[test]
fn what_is_no_snapshot_is_reported_and_untouched() {
    let (_folder, store) = store();
    store.write_pending("a", "bad-1", &snapshot("one")).unwrap();
    store.write_pending("a", "good-1", &snapshot("one")).unwrap();
    fs::write(store.path("a", "bad-1"), "notes of mine\n").unwrap();
    fs::write(store.folder("a").join("odd-1.snap.new"), b"---\nsource: a\n---\n\xff").unwrap();
    let error = store.load("a", "bad-1").unwrap_err();
    assert!(matches!(error, SnapshotError::BadSnapshot { line: 1, .. }), "{error}");
    let waiting = store.pending();
    assert_eq!(waiting.pending.len(), 1);
    let lines: Vec<_> = waiting.unreadable.iter().map(|error| matches!(error, SnapshotError::BadSnapshot { line, .. } if *line == 1 || *line == 4)).collect();
    assert_eq!(lines, [true, true]);
    let forced = Pending { key: "bad-1".to_owned(), path: store.pending_path("a", "bad-1"), ..waiting.pending[0].clone() };
    assert!(matches!(store.accept(&forced), Err(SnapshotError::BadSnapshot { .. })));
    assert_eq!(fs::read_to_string(store.path("a", "bad-1")).unwrap(), "notes of mine\n");
}

#[test]
fn what_the_disk_refuses_loses_nothing() {
    let (folder, store) = store();
    store.write_pending("a", "k-1", &snapshot("one")).unwrap();
    let pending = only(&store);
    fs::create_dir(store.path("a", "k-1")).unwrap();
    assert!(store.accept(&pending).is_err());
    assert_eq!(read(&store.pending_path("a", "k-1")).unwrap(), Some(snapshot("one")));
    fs::write(folder.path().join("file"), "").unwrap();
    let error = Store::new(folder.path().join("file")).write_pending("a", "k-1", &snapshot("one")).unwrap_err();
    assert!(error.to_string().contains("nothing was changed"), "{error}");
    assert_eq!(names(&store.folder("a"), &mut Vec::new()).len(), 2, "no temporary file is left");
}

#[test]
fn snapshots_of_no_block_are_found() {
    let (_folder, store) = store();
    for key in ["a-1", "a-2", "b-1"] {
        store.write_pending("guide#5.5", key, &snapshot("one")).unwrap();
    }
    let stale = store.unreferenced("guide#5.5", ["a-1", "b-1"]).unwrap();
    assert_eq!(stale, [store.pending_path("guide#5.5", "a-2")]);
    assert!(store.unreferenced("nowhere", [""; 0]).unwrap().is_empty());
    assert_eq!(store.lessons(), ["guide#5.5"]);
}

#[test]
fn a_variant_is_held_against_the_plain_one_until_it_is_accepted() {
    let (_folder, store) = store();
    store.write_pending("a", "k-1", &snapshot("one")).unwrap();
    store.accept(&only(&store)).unwrap();
    let path = store.write_pending("a", "k-1#next", &snapshot("two")).unwrap();
    assert!(path.ends_with("k-1@next.snap.new"), "{}", path.display());
    let pending = only(&store);
    assert_eq!(pending.old.as_ref().map(|old| old.contents.as_str()), Some("one"));
    fs::write(store.path("a", "k-1"), format::write(&snapshot("by hand"))).unwrap();
    assert!(matches!(store.accept(&pending), Err(SnapshotError::Moved { .. })), "what was looked at was another difference");
    store.accept(&only(&store)).unwrap();
    assert_eq!((store.load("a", "k-1").unwrap().unwrap().contents, store.load("a", "k-1#next").unwrap().unwrap().contents), ("by hand".into(), "two".into()));
    assert!(store.unreferenced("a", ["k-1"]).unwrap().is_empty());
    fs::write(store.path("a", "k-1#next"), format::write(&snapshot("by hand"))).unwrap();
    assert_eq!(store.unreferenced("a", ["k-1"]).unwrap(), [store.path("a", "k-1#next")]);
    assert_eq!(store.unreferenced("a", ["k-2"]).unwrap().len(), 2);
}

#[test]
fn pending_ones_come_in_the_order_of_the_page() {
    let (_folder, store) = store();
    for (lesson, key, line) in [("b", "x-1", 3), ("a", "y-1", 100), ("a", "z-1", 20)] {
        let metadata = Metadata { assertion_line: Some(line), ..Metadata::default() };
        store.write_pending(lesson, key, &Snapshot::of("one").with_metadata(metadata)).unwrap();
    }
    let keys: Vec<_> = store.pending().pending.into_iter().map(|pending| pending.key).collect();
    assert_eq!(keys, ["z-1", "y-1", "x-1"]);
}
