//! A legacy guide as a tree of Markdown: a table of contents, a file a lesson, and a stub for what a lesson takes for granted. `Guide -> files`; pure.
//!
//! What is written reads back as the same blocks. Whatever could not be carried over is named.

mod anchors;
mod contents;
mod escape;
mod fence;
mod gaps;
mod html;
mod node;
mod page;
mod stub;
mod text;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::guide::load::Format;
use crate::guide::{Guide, Lesson};
use crate::lab::Assumption;
use crate::source::{Source, Span};

use contents::Contents;

/// What becomes of a guide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    /// Every page by its path in the guide's folder, `SUMMARY.md` among them.
    pub pages: BTreeMap<String, String>,
    /// The `lab.toml` of lessons that take something for granted, by the lesson's new id.
    pub stubs: BTreeMap<String, String>,
    /// How many chapters there are.
    pub chapters: usize,
    /// How many lessons are written.
    pub lessons: usize,
    /// How many lessons are only announced.
    pub drafts: usize,
    /// How many blocks there are.
    pub blocks: usize,
    /// What was not carried over, and what reads otherwise than before: a line each.
    pub notes: Vec<String>,
}

/// What could not be carried over, by what it is: how often, and where first.
#[derive(Debug, Default)]
struct Lost(BTreeMap<(String, &'static str), Vec<String>>);

impl Lost {
    fn add(&mut self, what: &'static str, source: &Source, at: Span) {
        self.add_named(what, "", source, at);
    }

    fn add_named(&mut self, what: &'static str, name: &str, source: &Source, at: Span) {
        let line = source.place(at.start).line;
        let shown = if name.is_empty() { format!("line {line}") } else { format!("{name} (line {line})") };
        self.0.entry((source.path().to_owned(), what)).or_default().push(shown);
    }

    /// A line for each kind of thing in each page.
    fn notes(self) -> impl Iterator<Item = String> {
        const SHOWN: usize = 5;
        self.0.into_iter().map(|((path, what), places)| {
            let more = places.len().saturating_sub(SHOWN);
            let shown = places.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let count = if places.len() == 1 { String::new() } else { format!(" ({} in all)", places.len()) };
            format!("{path}: not carried over: {what}{count}: {shown}{more}")
        })
    }
}

/// The form that a lesson was written in, as its file says.
fn format_of(lesson: &Lesson) -> Format {
    Format::of(std::path::Path::new(lesson.source.path())).unwrap_or(Format::Text)
}

/// Carry a guide over. `assumed` are the assumptions of each lesson, by its id.
#[must_use]
pub fn carry(guide: &Guide, assumed: &BTreeMap<String, Vec<Assumption>>) -> Carried {
    let contents = Contents::of(guide);
    let anchors = anchors::Anchors::of(guide, &contents);
    let mut carried = Carried { chapters: contents.chapter_count(), ..Carried::default() };
    let mut lost = Lost::default();
    for lesson in guide.lessons() {
        let Some(path) = contents.path(&lesson.id) else {
            carried.drafts += 1;
            continue;
        };
        let page = page::write(lesson, path, &anchors, &mut lost);
        carried.lessons += 1;
        carried.blocks += lesson.blocks.len();
        carried.notes.extend(page.notes);
        carried.pages.insert(path.to_owned(), page.text);
        let id = contents::id(path);
        if let Some(stub) = stub::of(lesson, assumed.get(&lesson.id).map_or(&[][..], Vec::as_slice), &contents) {
            carried.stubs.insert(id, stub);
        }
    }
    if let Some(text) = gaps::write(guide, &anchors, &mut lost) {
        carried.notes.push(format!("{} holds what stands in no lesson", contents::ASIDE));
        carried.pages.insert(contents::ASIDE.to_owned(), text);
    }
    carried.notes.extend(lost.notes());
    carried.pages.insert(crate::guide::load::SUMMARY.to_owned(), contents.summary(guide));
    carried
}

/// The sources of a guide's written lessons, each once, in order.
fn sources(guide: &Guide) -> Vec<Arc<Source>> {
    let mut sources: Vec<Arc<Source>> = Vec::new();
    for lesson in guide.lessons().filter(|lesson| !lesson.draft) {
        if !sources.iter().any(|known| Arc::ptr_eq(known, &lesson.source)) {
            sources.push(Arc::clone(&lesson.source));
        }
    }
    sources
}

#[cfg(test)]
mod tests;
