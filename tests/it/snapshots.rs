//! What Proctor writes, insta reads; what insta writes, Proctor reads.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use insta::internals::Content;
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
