//! Guides on disk: folders with and without a table of contents, and everything that is no guide.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::fs;
use std::time::{Duration, Instant};

use super::*;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Every lesson as `number id title`, under its chapter.
fn shown(guide: &Guide) -> Vec<String> {
    let mut lines = Vec::new();
    for chapter in &guide.chapters {
        lines.push(format!("[{}] {}", chapter.number.clone().unwrap_or_default(), chapter.title));
        lines.extend(chapter.lessons.iter().map(|lesson| {
            let draft = if lesson.draft { " (draft)" } else { "" };
            format!("{} {} {}{draft}", lesson.number.clone().unwrap_or_default(), lesson.id, lesson.title)
        }));
    }
    lines
}

/// Every finding as `lesson code path:line message`.
fn findings(guide: &Guide) -> Vec<String> {
    let of = |lesson: &Lesson| {
        let id = lesson.id.clone();
        let line = |finding: &Finding| {
            format!("{id} {} {}:{} {}", finding.code.word(), finding.location.source.path(), finding.location.place().line, finding.message)
        };
        lesson.findings.iter().map(line).collect::<Vec<_>>()
    };
    guide.lessons().flat_map(of).collect()
}

const CONTENTS: &str = "# Summary\n\n- [Start]()\n  - [First](01-start/01-first.md)\n  - [Later]()\n- [More](02-more/index.md)\n  - [Gone](02-more/01-gone.md)\n  - [First again](01-start/01-first.md)\n";

fn course() -> tempfile::TempDir {
    folder(&[
        ("guide/SUMMARY.md", CONTENTS),
        ("guide/01-start/01-first.md", "# The very first\n\n```python\na = 1\n```\n"),
        ("guide/02-more/index.md", "# More\n"),
        ("guide/extra.md", "# Extra\n"),
        ("guide/README.md", "# About\n"),
        ("guide/_build/x.md", "# Built\n"),
        ("guide/.hidden/x.md", "# Hidden\n"),
    ])
}

#[test]
fn a_folder_with_contents_is_read_in_their_order() {
    let course = course();
    let guide = load(Path::new("guide"), course.path()).unwrap();
    assert!(!guide.set);
    assert_eq!(
        shown(&guide),
        ["[1] Start", "1.1 01-start/01-first First", "1.2 SUMMARY#1.2 Later (draft)", "[2] More", "2 02-more/index More", "2.1 02-more/01-gone Gone",]
    );
    assert_eq!(
        findings(&guide),
        [
            "01-start/01-first unlisted guide/extra.md:1 guide/SUMMARY.md does not name this page",
            "02-more/01-gone unreadable guide/SUMMARY.md:7 guide/02-more/01-gone.md does not exist: nothing of that name is in guide/02-more",
        ]
    );
    assert_eq!(guide.lessons().nth(1).unwrap().line, 5);
}

#[test]
fn an_mdbook_keeps_its_pages_in_its_source_folder() {
    let book = folder(&[("book.toml", "[book]\nsrc = \"text\"\n"), ("text/SUMMARY.md", "- [A](a.md)\n"), ("text/a.md", "# A\n")]);
    assert_eq!(shown(&load(book.path(), book.path()).unwrap()), ["[] ", "1 a A"]);
    let book = folder(&[("book.toml", ""), ("src/SUMMARY.md", "- [A](a.md)\n"), ("src/a.md", "# A\n")]);
    assert_eq!(shown(&load(book.path(), book.path()).unwrap()), ["[] ", "1 a A"]);
}

#[test]
fn a_page_of_a_guide_has_the_guides_id_and_number() {
    let course = course();
    let guide = load(Path::new("guide/01-start/01-first.md"), course.path()).unwrap();
    assert_eq!(shown(&guide), ["[1] Start", "1.1 01-start/01-first First"]);
    assert_eq!(guide.lessons().next().unwrap().source.path(), "guide/01-start/01-first.md");
    assert_eq!(home(&course.path().join("guide/01-start/01-first.md")), Some(course.path().join("guide")));
    assert_eq!(shown(&load(Path::new("guide/extra.md"), course.path()).unwrap()), ["[] ", " extra Extra"]);
}

#[test]
fn a_folder_without_contents_is_a_set_of_pages() {
    let set = folder(&[
        ("b.md", "# B\n"),
        ("a/02-x.md", "x\n"),
        ("LICENSE.md", "x\n"),
        ("README.md", "# R\n"),
        ("requirements.txt", "flask\n"),
        ("app.py", "x\n"),
        ("n/node_modules/z.md", "z\n"),
    ]);
    let guide = load(set.path(), set.path()).unwrap();
    assert!(guide.set);
    assert_eq!(shown(&guide), ["[] ", " README R", "2 a/02-x 02-x", " b B"]);
}

#[test]
fn what_is_no_guide_is_said_with_what_to_do() {
    let place = folder(&[("guide.md", "# G\n"), ("empty/app.py", ""), ("bare/SUMMARY.md", "# Summary\n")]);
    let message = |path: &str| load(Path::new(path), place.path()).unwrap_err().to_string();
    assert_eq!(message("giude.md"), "giude.md does not exist; did you mean `guide.md`?");
    assert_eq!(message("guide.m/x.md"), "guide.m/x.md does not exist; did you mean `guide.md`?");
    assert_eq!(message("zzzzzz"), "zzzzzz does not exist: nothing of that name is in the working directory");
    let denied = LoadError::of(&place.path().join("guide.md"), place.path(), &io::Error::from(io::ErrorKind::PermissionDenied));
    assert!(denied.to_string().starts_with("guide.md may not be read: give yourself permission"));
    assert!(message("empty").starts_with("empty holds no page: a guide is a folder"));
    assert!(message("bare").starts_with("bare/SUMMARY.md names no lesson"));
}

#[test]
fn pipes_loops_and_monsters_are_refused_at_once() {
    let place = folder(&[("set/a.md", "# A\n")]);
    let (root, start) = (place.path(), Instant::now());
    rustix::fs::mknodat(rustix::fs::CWD, root.join("set/pipe.md"), rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0).unwrap();
    std::os::unix::fs::symlink("loop.md", root.join("set/loop.md")).unwrap();
    std::os::unix::fs::symlink("..", root.join("set/up")).unwrap();
    fs::File::create(root.join("big.md")).unwrap().set_len(CAP + 1).unwrap();
    let message = |path: &str| load(Path::new(path), root).unwrap_err().to_string();
    assert!(message("set/pipe.md").contains("is a named pipe, not a file"));
    assert!(message("set/loop.md").contains("leads back to itself"));
    assert!(message("big.md").contains("a page has at most 67108864"));
    assert!(message("/dev/null").contains("is a device"));
    assert_eq!(shown(&load(Path::new("set"), root).unwrap()), ["[] ", " a A"]);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn contents_cannot_reach_out_of_their_folder() {
    let place = folder(&[("secret.md", "# S\n"), ("guide/SUMMARY.md", "- [S](../secret.md)\n- [P](/etc/passwd)\n")]);
    let guide = load(Path::new("guide"), place.path()).unwrap();
    assert_eq!(findings(&guide).iter().filter(|finding| finding.contains("lies outside")).count(), 2);
    assert!(guide.lessons().all(|lesson| lesson.blocks.is_empty() && lesson.prose.is_empty()));
}

#[test]
fn bytes_that_are_not_utf8_are_a_finding_at_their_first_line() {
    let place = folder(&[]);
    fs::write(place.path().join("a.md"), b"\xef\xbb\xbf# T\r\n\r\n```python\r\na = '\xff'\r\nb = '\xfe'\r\n```\r\n\0\n").unwrap();
    let guide = load(Path::new("a.md"), place.path()).unwrap();
    assert_eq!(findings(&guide), ["a invalid-utf8 a.md:4 this line and 1 more have bytes that are not UTF-8; they were read as U+FFFD"]);
    assert_eq!(guide.lessons().next().unwrap().blocks[0].body.text(), "a = '\u{fffd}'\nb = '\u{fffd}'\n");
}

#[test]
fn lessons_are_chosen_by_path_id_and_number() {
    let course = course();
    let guide = load(Path::new("guide"), course.path()).unwrap();
    let chosen = |selector: &str| -> Vec<String> { select(&guide, &[selector.to_owned()]).unwrap().iter().map(|lesson| lesson.id.clone()).collect() };
    for selector in [
        "01-start/01-first",
        "guide/01-start/01-first.md",
        "./guide/01-start/01-first.md",
        "01-start/01-first.md",
        "1.1",
        "01-first",
        "01-first.md",
        "01-start/01-first.md#1.1",
        "#1.1",
    ] {
        assert_eq!(chosen(selector), ["01-start/01-first"], "{selector}");
    }
    assert_eq!(chosen("1"), ["01-start/01-first", "SUMMARY#1.2"]);
    assert_eq!(chosen("02-more"), ["02-more/index", "02-more/01-gone"]);
    assert_eq!(chosen("2"), ["02-more/index", "02-more/01-gone"]);
    assert_eq!(chosen("1.2"), ["SUMMARY#1.2"]);
    assert_eq!(select(&guide, &[]).unwrap().len(), 4);
    let refused = |selector: &str| select(&guide, &[selector.to_owned()]).unwrap_err().to_string();
    assert_eq!(refused("01-frist"), "no lesson is called `01-frist`; did you mean `01-start/01-first`?");
    assert_eq!(refused("9.9"), "no lesson is called `9.9`: there are 4, from `01-start/01-first` to `02-more/01-gone`");
}

#[test]
fn the_end_of_several_ids_is_refused() {
    let set = folder(&[("a/x.md", "# A\n"), ("b/x.md", "# B\n")]);
    let guide = load(set.path(), set.path()).unwrap();
    assert_eq!(select(&guide, &["x".to_owned()]).unwrap_err().to_string(), "`x` is the end of several ids: a/x, b/x; write one in full");
}

#[test]
fn a_path_may_name_its_lesson() {
    let place = folder(&[("c#.md", "")]);
    let split = |argument: &str| split_argument(argument, place.path());
    assert_eq!(split("guide.txt#5.5"), (PathBuf::from("guide.txt"), Some("5.5".to_owned())));
    assert_eq!(split("guide.txt"), (PathBuf::from("guide.txt"), None));
    assert_eq!(split("c#.md"), (PathBuf::from("c#.md"), None));
}

#[test]
fn the_guide_about_guides_is_read_as_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guides");
    let guide = load(Path::new("markdown"), &root).unwrap();
    assert_eq!(findings(&guide), Vec::<String>::new());
    let mut lines = vec![format!("# {}", guide.title.clone().unwrap_or_default())];
    for lesson in guide.lessons() {
        let draft = if lesson.draft { " draft" } else { "" };
        lines.push(format!("{} {} {:?}{draft}", lesson.number.as_deref().unwrap_or("-"), lesson.id, lesson.title));
        for block in &lesson.blocks {
            let words: Vec<&str> = block.directives.iter().map(|directive| directive.word.as_str()).collect();
            let title = block.info.attributes.get("title").map(|title| format!(" {title}")).unwrap_or_default();
            let language = crate::guide::language::name(&block.language);
            lines.push(format!("  {} {language} {:?}{title} {words:?} {:?}", block.line(&lesson.source), block.role, block.body.text()));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}
