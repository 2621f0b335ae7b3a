//! What Proctor writes, insta reads; what insta writes, Proctor reads.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use console::Key;
use insta::internals::Content;
use proctor::cli::Exit;
use proctor::cli::review::session;
use proctor::snapshot::store::Store;
use proctor::snapshot::{Metadata, Snapshot, format};
use proptest::prelude::*;

/// insta's view of a snapshot, in our terms.
fn through_insta(path: &Path) -> Snapshot {
    let theirs = insta::Snapshot::from_file(path).unwrap();
    let metadata = theirs.metadata();
    let mut info = BTreeMap::new();
    let mut content = metadata.private_info();
    while let Some(Content::Some(inner)) = content {
        content = Some(inner);
    }
    if let Some(Content::Map(entries)) = content {
        info.extend(entries.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), text(value))));
    }
    Snapshot {
        metadata: Metadata {
            source: metadata.source().map(str::to_owned),
            assertion_line: metadata.assertion_line(),
            description: metadata.description().map(str::to_owned),
            expression: metadata.expression().map(str::to_owned),
            info,
            input_file: metadata.input_file().map(str::to_owned),
        },
        contents: theirs.as_text().unwrap().to_string(),
    }
}

fn text(value: &Content) -> String {
    match value {
        Content::Bool(value) => value.to_string(),
        Content::I64(value) => value.to_string(),
        other => other.as_str().unwrap().to_owned(),
    }
}

fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    let word =
        r#"(?s).{1,12}|true|no|~|-|---|1e3|007|-12|a: b|é # c|0x1f|'"|\\|2026-01-02|content/05-a/b c\.md|\{\}|\||>|[\u{7f}-\u{a0}\u{2028}\u{2029}\u{feff}]"#;
    let optional = || proptest::option::of(word);
    let info = proptest::collection::btree_map(word, word, 0..4);
    let contents = r"(a|é|😀|---|\.\.\.| |	|\r|\n|\r\n|\n---\n|: |#|\u{1b}\[31m|\u{85}|\x00){0,24}";
    (optional(), proptest::option::of(any::<u32>()), optional(), optional(), info, optional(), contents).prop_map(
        |(source, assertion_line, description, expression, info, input_file, contents)| Snapshot {
            metadata: Metadata { source, assertion_line, description, expression, info, input_file },
            contents,
        },
    )
}

proptest! {
    #[test]
    fn insta_reads_what_we_write(snapshot in any_snapshot()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.snap");
        fs::write(&path, format::write(&snapshot)).unwrap();
        let theirs = through_insta(&path);
        prop_assert_eq!(&theirs.metadata, &snapshot.metadata);
        // insta's own canonical form of the text that was to be stored.
        prop_assert_eq!(&theirs.contents, &format::canonical(&snapshot.contents));
    }

    #[test]
    fn we_read_what_insta_writes(snapshot in any_snapshot()) {
        let folder = tempfile::tempdir().unwrap();
        let (ours, again) = (folder.path().join("ours.snap"), folder.path().join("again.snap"));
        fs::write(&ours, format::write(&snapshot)).unwrap();
        insta::Snapshot::from_file(&ours).unwrap().save(&again).unwrap();
        let back = format::read(&fs::read_to_string(&again).unwrap()).unwrap();
        let kept = Metadata { assertion_line: None, ..snapshot.metadata };
        prop_assert_eq!(&back.metadata, &kept);
        prop_assert_eq!(&back.contents, &format::canonical(&snapshot.contents));
    }
}

#[test]
fn insta_reads_a_stored_snapshot_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    let metadata = Metadata { source: Some("content/a.md".to_owned()), ..Metadata::default() };
    store.write_pending("guide#5.5", "relationships-1", &Snapshot::of("\n\nLeft ID: 1  \nRight ID: 2\n\n").with_metadata(metadata)).unwrap();
    let pending = store.pending().pending.remove(0);
    store.accept(&pending).unwrap();
    let path = store.path("guide#5.5", "relationships-1");
    let theirs = through_insta(&path);
    assert_eq!(theirs.contents, "\n\nLeft ID: 1  \nRight ID: 2");
    assert_eq!(Some(theirs), store.load("guide#5.5", "relationships-1").unwrap());
}

/// Run a review over `store` with these keys; a session that wants more of them has hung.
fn review(store: &Store, keys: &[Key]) -> (Exit, String) {
    let mut out = Vec::new();
    let mut keys = keys.iter().cloned();
    let edit = |pending: &proctor::snapshot::store::Pending| format!("edited {}", pending.key);
    let exit = session(store, store.pending(), &mut out, || Ok(keys.next().unwrap()), edit).unwrap();
    assert_eq!(keys.next(), None, "the session ended before all keys were read");
    (exit, anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string())
}

fn course() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    let metadata = |line| Metadata { source: Some("content/a.md".to_owned()), assertion_line: Some(line), ..Metadata::default() };
    store.write_pending("a", "start-1", &Snapshot::of("one").with_metadata(metadata(3))).unwrap();
    store.accept(&store.pending().pending[0]).unwrap();
    store.write_pending("a", "start-1", &Snapshot::of("two").with_metadata(metadata(4))).unwrap();
    store.write_pending("a", "end-1", &Snapshot::of("\u{1b}[2J").with_metadata(metadata(9))).unwrap();
    store.write_pending("b", "start-1", &Snapshot::of("four")).unwrap();
    store.write_pending("b", "start-2", &Snapshot::of("five")).unwrap();
    (folder, store)
}

#[test]
fn a_review_does_what_the_keys_say() {
    let (_folder, store) = course();
    let (exit, text) = review(&store, &[Key::Char('x'), Key::Char('a'), Key::Enter, Key::Char('e'), Key::Char('r'), Key::Char('A')]);
    assert_eq!(exit, Exit::Fine);
    assert_eq!(store.load("a", "start-1").unwrap().unwrap().contents, "two");
    assert_eq!(store.load("a", "end-1").unwrap(), None);
    assert_eq!(store.load("b", "start-2").unwrap().unwrap().contents, "five");
    assert!(store.pending().pending.is_empty());
    assert!(!text.contains('\u{1b}'), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn what_was_decided_before_the_end_stays_decided() {
    let (_folder, store) = course();
    let (exit, text) = review(&store, &[Key::Char('s'), Key::Char('a'), Key::CtrlC]);
    assert_eq!(exit, Exit::Interrupted);
    assert!(text.ends_with("\n1 accepted, 0 rejected, 3 still pending\n"), "{text}");
    assert_eq!(store.load("a", "start-1").unwrap().unwrap().contents, "one");
    assert!(store.load("a", "end-1").unwrap().is_some());
    assert_eq!(review(&store, &[Key::Char('q')]).0, Exit::Findings);
}

#[test]
fn a_file_that_is_no_snapshot_survives_a_review() {
    let (_folder, store) = course();
    fs::write(store.path("a", "start-1"), "<<<<<<< ours\n").unwrap();
    let (exit, text) = review(&store, &[Key::Char('A'), Key::Char('A')]);
    assert_eq!(exit, Exit::Findings);
    assert!(text.contains("start-1.snap:1: not a snapshot: it does not begin with a line `---`; it is left as it is"), "{text}");
    assert_eq!(fs::read_to_string(store.path("a", "start-1")).unwrap(), "<<<<<<< ours\n");
    assert!(store.path("a", "start-1").with_extension("snap.new").exists());
}
