//! What plain text reads as, by small texts.

use std::sync::Arc;

use super::parse;
use crate::guide::{Guide, Lesson};
use crate::source::Source;

fn read(text: &str) -> Guide {
    parse(&Arc::new(Source::new("guide.txt", text)), "guide")
}

fn blocks(lesson: &Lesson) -> Vec<(usize, usize, String)> {
    lesson
        .blocks
        .iter()
        .map(|block| {
            let first = block.line(&lesson.source);
            (first, first + block.body.lines.len() - 1, super::language::name(&block.language).to_owned())
        })
        .collect()
}

/// The blocks of a text of one lesson, as first line, last line and language.
fn found(text: &str) -> Vec<(usize, usize, String)> {
    read(text).lessons().flat_map(blocks).collect()
}

#[test]
fn scratch() {
    let Ok(path) = std::env::var("SCRATCH") else { return };
    let text = std::fs::read_to_string(path).expect("readable");
    let guide = read(&text);
    let mut out = format!("{:?} chapters {} lessons {}\n", guide.title, guide.chapters.len(), guide.lessons().count());
    for lesson in guide.lessons().filter(|lesson| !lesson.draft) {
        out += &format!("{} {:?} {} line {}\n", lesson.id, lesson.number, lesson.title, lesson.line);
        for block in blocks(lesson) {
            out += &format!("  {block:?}\n");
        }
        for prose in &lesson.prose {
            out += &format!("  {:?} {:.70}\n", prose.kind, prose.text);
        }
    }
    panic!("{out}");
}
