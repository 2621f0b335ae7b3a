//! The outline of a text: its title, its table of contents, and where its lessons begin.

use super::{blocks, read};
use crate::guide::ProseKind;

const COURSE: &str = "A Course of Notes\n1 First things\n1.1 What it is\n1.2 Setting up\n2 Second things\n2.1 Doing it\n2.2 Doing more\n";

#[test]
fn a_table_of_contents_makes_chapters_and_drafts() {
    let guide = read(COURSE);
    assert_eq!(guide.title.as_deref(), Some("A Course of Notes"));
    let chapters: Vec<_> = guide.chapters.iter().map(|chapter| (chapter.number.as_deref(), chapter.title.as_str(), chapter.lessons.len())).collect();
    assert_eq!(chapters, [(Some("1"), "First things", 2), (Some("2"), "Second things", 2)]);
    let lesson = guide.lessons().nth(2).expect("four lessons");
    assert_eq!((lesson.id.as_str(), lesson.number.as_deref(), lesson.title.as_str(), lesson.line), ("notes/guide#2.1", Some("2.1"), "Doing it", 6));
    assert!(lesson.draft && lesson.blocks.is_empty() && lesson.span.is_empty());
}

#[test]
fn a_lesson_is_found_however_its_title_is_spelled() {
    for (title, line, from) in [
        ("2.1 Doing it\n", 8, 10),
        ("2 to 1 Doing it\n\n2 to 1 Doing it\n", 8, 12),
        ("Doing it\n\n2.1 Doing it\n", 8, 12),
        ("Doing it\n", 8, 10),
        ("Lesson 2.1: Doing it\n", 8, 10),
        ("2 Second things\n\n2.1 Doing it\n", 10, 12),
        ("2.1. Doing IT!\n", 8, 10),
        ("\n2.1 Doing it well\n", 9, 11),
    ] {
        let guide = read(&format!("{COURSE}{title}\nx = 1\n"));
        let lesson = guide.lessons().nth(2).expect("four lessons");
        assert_eq!(lesson.line, line, "{title}");
        assert_eq!(blocks(lesson), [(from, from, "python".to_owned())], "{title}");
        assert_eq!(guide.lessons().filter(|lesson| lesson.draft).count(), 3, "{title}");
        assert_eq!(lesson.prose[0].kind, ProseKind::Heading(1), "{title}");
    }
}

#[test]
fn a_number_in_a_sentence_begins_no_lesson() {
    let guide = read(&format!("{COURSE}1.1 What it is\n\nWords.\n\n2.1 million people do it.\n\n2 to 2 of them.\n\nx = 1\n"));
    assert_eq!(guide.lessons().filter(|lesson| !lesson.draft).count(), 1);
    assert_eq!(blocks(guide.lessons().next().expect("four lessons")), [(16, 16, "python".to_owned())]);
}

#[test]
fn lessons_follow_each_other() {
    let guide = read(&format!("{COURSE}1.2 Setting up\n\nx = 1\n\n2.1 Doing it\n\ny = 2\n"));
    let found: Vec<_> = guide.lessons().filter(|lesson| !lesson.draft).map(|lesson| (lesson.id.as_str(), blocks(lesson))).collect();
    assert_eq!(found, [("notes/guide#1.2", vec![(10, 10, "python".to_owned())]), ("notes/guide#2.1", vec![(14, 14, "python".to_owned())])]);
}

#[test]
fn code_before_the_first_lesson_is_not_lost() {
    let guide = read(&format!("{COURSE}\nA word before.\n\nx = 1\n\n2.1 Doing it\n\ny = 2\n"));
    assert_eq!(guide.lessons().count(), 5);
    assert_eq!(guide.lessons().flat_map(blocks).count(), 2);
}

#[test]
fn a_text_without_a_table_of_contents_is_one_lesson() {
    let guide = read("Doing it\n\nx = 1\n");
    assert_eq!((guide.title.as_deref(), guide.lessons().count()), (Some("Doing it"), 1));
    assert_eq!(read("x = 1\n").title.as_deref(), Some("guide"));
    assert_eq!(read("A sentence comes first.\n\nx = 1\n").title.as_deref(), Some("guide"));
    assert_eq!(read("").lessons().count(), 1);
    let lesson = read("1. Do this\n2. Do that\n\nx = 1\n");
    assert_eq!(lesson.lessons().count(), 1);
}
