//! Where the links of a legacy guide lead in the new one: pages and places in them, by the ids of elements and the names of files.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::contents::{Contents, heading_texts, relative};
use super::{format_of, sources};
use crate::guide::html::{Step, trace};
use crate::guide::links::{Slugs, decoded, is_outside};
use crate::guide::load::Format;
use crate::guide::{Guide, Lesson};
use crate::source::Source;

/// A place in the new guide.
#[derive(Debug, Clone)]
struct Place {
    /// The new page.
    path: String,
    /// The headings of the lesson, by the byte at which their text starts, with their anchors.
    headings: Vec<(usize, String)>,
    /// Where its prose and its blocks start.
    starts: Vec<usize>,
}

/// A page of the legacy guide.
#[derive(Debug, Default)]
struct Legacy {
    /// What the reader of HTML came across.
    steps: Vec<Step>,
    /// Where the elements start that have an id.
    ids: BTreeMap<String, usize>,
    lessons: Vec<Place>,
}

/// The pages of a legacy guide, by their paths.
#[derive(Debug, Default)]
pub(super) struct Anchors(BTreeMap<String, Legacy>);

impl Anchors {
    pub(super) fn of(guide: &Guide, contents: &Contents) -> Self {
        let mut pages: BTreeMap<String, Legacy> = BTreeMap::new();
        for source in sources(guide) {
            let is_html = Format::of(std::path::Path::new(source.path())) == Some(Format::Html);
            let steps = if is_html { trace(&source) } else { Vec::new() };
            let mut ids = BTreeMap::new();
            for step in &steps {
                if let Step::Open { tag, .. } | Step::Void { tag, .. } = step {
                    for name in [tag.attribute("id"), tag.attribute("name")].into_iter().filter(|name| !name.is_empty()) {
                        ids.entry(name.to_owned()).or_insert(tag.span.start);
                    }
                }
            }
            pages.insert(source.path().to_owned(), Legacy { steps, ids, lessons: Vec::new() });
        }
        for lesson in guide.lessons().filter(|lesson| !lesson.draft) {
            if let (Some(page), Some(path)) = (pages.get_mut(lesson.source.path()), contents.path(&lesson.id)) {
                page.lessons.push(place(lesson, path));
            }
        }
        Self(pages)
    }

    /// What the reader of HTML came across in a page.
    pub(super) fn steps(&self, source: &Arc<Source>) -> &[Step] {
        self.0.get(source.path()).map_or(&[], |page| &page.steps)
    }

    /// How a link of a lesson is written on its new page, at `path`. `None` if it leads to nothing that is carried over.
    pub(super) fn link(&self, lesson: &Lesson, path: &str, target: &str) -> Option<String> {
        let target = target.trim();
        if is_outside(target) {
            return Some(target.to_owned());
        }
        let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
        let file = decoded(file.split('?').next().unwrap_or(file));
        let own = lesson.source.path();
        let page = if file.is_empty() { own.to_owned() } else { joined(own, &file)? };
        let (page, fragment) = (self.0.get(&page)?, decoded(fragment));
        if fragment.is_empty() {
            let first = page.lessons.first().filter(|_| !file.is_empty())?;
            return Some(relative(path, &first.path));
        }
        let &at = page.ids.get(&fragment)?;
        // An element leads to what follows it: its own words, or the heading that it stands before.
        let (start, place) = page
            .lessons
            .iter()
            .flat_map(|place| place.starts.iter().map(move |start| (*start, place)))
            .filter(|(start, _)| *start >= at)
            .min_by_key(|(start, _)| *start)?;
        let anchor = place.headings.iter().find(|(heading, _)| *heading == start).map(|(_, anchor)| format!("#{anchor}"));
        if place.path == path { anchor } else { Some(format!("{}{}", relative(path, &place.path), anchor.unwrap_or_default())) }
    }
}

fn place(lesson: &Lesson, path: &str) -> Place {
    let mut slugs = Slugs::default();
    let texts = heading_texts(lesson);
    let is_flat = format_of(lesson) != Format::Html;
    let headings = texts.iter().enumerate().map(|(index, (at, text))| {
        let text = if index == 0 && !is_flat { &lesson.title } else { text };
        (*at, slugs.add(text))
    });
    let headings = headings.collect();
    let starts = lesson.prose.iter().map(|prose| prose.span.start).chain(lesson.blocks.iter().map(|block| block.span().start)).collect();
    Place { path: path.to_owned(), headings, starts }
}

/// The path that `file` means on the page at `page`. `None` if it leads out of what is shown.
fn joined(page: &str, file: &str) -> Option<String> {
    if file.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
