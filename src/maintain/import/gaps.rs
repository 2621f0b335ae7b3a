//! What of a legacy guide stands in no lesson: an introduction before the first, the words between a chapter's heading and its lessons.

use std::collections::{BTreeMap, BTreeSet};

use super::anchors::Anchors;
use super::contents::ASIDE;
use super::node::{Inline, Node, folded, words};
use super::{Lost, format_of, html, sources, write};
use crate::guide::load::Format;
use crate::guide::{Guide, Lesson};
use crate::source::{Source, Span};

/// The page of what stands in no lesson, if there is any.
pub(super) fn write(guide: &Guide, anchors: &Anchors, lost: &mut Lost) -> Option<String> {
    let mut nodes: Vec<Node> = Vec::new();
    for source in sources(guide) {
        let lessons: Vec<&Lesson> = guide.lessons().filter(|lesson| !lesson.draft && std::sync::Arc::ptr_eq(&lesson.source, &source)).collect();
        let Some(first) = lessons.first() else { continue };
        match format_of(first) {
            Format::Html if lessons.len() > 1 => {
                let blocks = BTreeMap::new();
                let link = |target: &str| anchors.link(first, ASIDE, target);
                for gap in gaps(&source, &lessons) {
                    let found = html::Builder::new(&source, &blocks, &link, lost).build(anchors.steps(&source), gap);
                    nodes.extend(found.into_iter().filter(|node| !is_chapter(guide, node)));
                }
            }
            Format::Text if guide.chapters.iter().any(|chapter| chapter.number.is_some()) => nodes.extend(before(guide, &source, first)),
            _ => {}
        }
    }
    if nodes.iter().all(|node| matches!(node, Node::Rule | Node::Heading(..))) {
        return None;
    }
    nodes.insert(0, Node::Heading(1, vec![Inline::plain(guide.title.as_deref().unwrap_or("Introduction"))]));
    Some(write::lines(&nodes, &|_| Vec::new()).join("\n") + "\n")
}

/// The bytes between the lessons of a page.
fn gaps(source: &Source, lessons: &[&Lesson]) -> Vec<Span> {
    let mut spans: Vec<Span> = lessons.iter().map(|lesson| lesson.span).collect();
    spans.sort();
    let (mut gaps, mut at) = (Vec::new(), 0);
    for span in spans {
        gaps.push(Span::new(at, span.start));
        at = at.max(span.end);
    }
    gaps.push(Span::new(at, source.text().len()));
    gaps.retain(|gap| !gap.is_empty());
    gaps
}

/// Whether a node is only the title of a chapter, or of the guide.
fn is_chapter(guide: &Guide, node: &Node) -> bool {
    let (Node::Heading(_, line) | Node::Paragraph(line)) = node else { return false };
    let words = words(line);
    guide.title.as_deref() == Some(&words) || guide.chapters.iter().any(|chapter| !chapter.title.is_empty() && words.ends_with(&chapter.title))
}

/// The paragraphs of a plain text before its first lesson, its title and its table of contents left out.
fn before(guide: &Guide, source: &Source, first: &Lesson) -> Vec<Node> {
    let mut known: BTreeSet<String> = guide.title.iter().map(|title| letters(title)).collect();
    for chapter in &guide.chapters {
        known.insert(letters(&chapter.title));
        known.extend(chapter.lessons.iter().map(|lesson| letters(&lesson.title)));
    }
    let last = source.line_of(first.span.start);
    let mut nodes: Vec<Node> = Vec::new();
    let mut paragraph = String::new();
    for line in (1..last).map(|line| source.line(line).trim()).chain([""]) {
        let is_known = known.contains(&letters(line.trim_start_matches(|letter: char| letter.is_ascii_digit() || ".): ".contains(letter))));
        if (line.is_empty() || is_known) && !paragraph.is_empty() {
            nodes.push(Node::Paragraph(folded(vec![Inline::plain(std::mem::take(&mut paragraph))], true)));
        } else if !line.is_empty() && !is_known {
            paragraph = format!("{paragraph}{line}\n");
        }
    }
    nodes
}

/// A title as it is compared. Dots and a page's number may follow it in a table of contents.
fn letters(title: &str) -> String {
    let title = title.trim_end_matches(|letter: char| letter.is_ascii_digit() && title.contains("..")).trim_end_matches(['.', ' ']);
    title.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
