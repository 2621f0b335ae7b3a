//! The nodes of a lesson in plain text, and of any lesson of which only its prose is known: reStructuredText and notebooks.

use std::sync::LazyLock;

use regex::Regex;

use super::node::{Inline, Node, Style, folded};
use crate::guide::{Lesson, Prose, ProseKind};

static ITEM: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(?:[-*+•]|(\d{1,3})[.)]) +").expect("the pattern is a constant"));
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"https?://[^\s)>\]"'`]*[^\s)>\]"'`.,;:!?]"#).expect("the pattern is a constant"));

/// A piece of a lesson at its place.
enum Part<'a> {
    Prose(&'a Prose),
    Code(usize),
}

/// The parts of a lesson in reading order.
fn parts(lesson: &Lesson) -> Vec<Part<'_>> {
    let mut parts: Vec<(usize, Part<'_>)> = lesson.prose.iter().map(|prose| (prose.span.start, Part::Prose(prose))).collect();
    parts.extend(lesson.blocks.iter().enumerate().map(|(index, block)| (block.span().start, Part::Code(index))));
    parts.sort_by_key(|(at, _)| *at);
    parts.into_iter().map(|(_, part)| part).collect()
}

/// The nodes of a lesson in plain text. Its own title lines are not among them.
pub(super) fn plain(lesson: &Lesson) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut items = Items::default();
    let mut in_title = true;
    for part in parts(lesson) {
        let prose = match part {
            Part::Code(index) => {
                items.end(&mut nodes);
                nodes.push(Node::Code(index));
                in_title = false;
                continue;
            }
            Part::Prose(prose) => prose,
        };
        let written = lesson.source.slice(prose.span);
        in_title &= prose.kind == ProseKind::Heading(1) && !written.starts_with("# ");
        if in_title {
            continue;
        }
        match (prose.kind, ITEM.captures(written)) {
            (ProseKind::Heading(level), _) => {
                items.end(&mut nodes);
                nodes.push(Node::Heading(level, words(written.trim_matches(['#', ' ']))));
            }
            (_, Some(found)) => {
                let place = lesson.source.place(prose.span.start).column;
                let text = written.get(found.get(0).map_or(0, |mark| mark.end())..).unwrap_or("");
                items.add(place, found.get(1).and_then(|number| number.as_str().parse().ok()), words(text), &mut nodes);
            }
            (_, None) => {
                items.end(&mut nodes);
                nodes.push(Node::Paragraph(words(written)));
            }
        }
    }
    items.end(&mut nodes);
    nodes
}

/// The items of a list so far, each as deep as it is indented.
#[derive(Default)]
struct Items(Vec<(usize, Option<usize>, Vec<Vec<Node>>)>);

impl Items {
    /// Add an item. What is indented further than the item before it is a list in that.
    fn add(&mut self, column: usize, number: Option<usize>, line: Vec<Inline>, nodes: &mut Vec<Node>) {
        while self.0.last().is_some_and(|(open, ..)| *open > column) {
            self.close(nodes);
        }
        if self.0.last().is_some_and(|(open, start, _)| *open == column && start.is_some() != number.is_some()) {
            self.close(nodes);
        }
        let item = vec![Node::Paragraph(line)];
        match self.0.last_mut() {
            // A list that counts anew, or skips a number, is another list.
            Some((open, start, items)) if *open == column && start.is_none_or(|start| Some(start + items.len()) == number) => items.push(item),
            Some((open, ..)) if *open == column => {
                self.close(nodes);
                self.0.push((column, number, vec![item]));
            }
            _ => self.0.push((column, number, vec![item])),
        }
    }

    /// Close the innermost list.
    fn close(&mut self, nodes: &mut Vec<Node>) {
        let Some((_, start, items)) = self.0.pop() else { return };
        let list = Node::List(start, items);
        match self.0.last_mut().and_then(|(.., items)| items.last_mut()) {
            Some(item) => item.push(list),
            None => nodes.push(list),
        }
    }

    fn end(&mut self, nodes: &mut Vec<Node>) {
        while !self.0.is_empty() {
            self.close(nodes);
        }
    }
}

/// Words of plain text: what stands between backticks is in code font, and an address is a link.
fn words(text: &str) -> Vec<Inline> {
    let mut line = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        addresses(before, &mut line);
        let marks = after.len() - after.trim_start_matches('`').len();
        let after = &after[marks..];
        match after.split_once('`') {
            Some((inside, next)) => {
                line.push(Inline::code(inside));
                rest = next.strip_prefix('`').unwrap_or(next);
            }
            None => {
                line.push(Inline::plain("`".repeat(marks + 1)));
                rest = after;
            }
        }
    }
    addresses(rest, &mut line);
    folded(line, true)
}

fn addresses(text: &str, line: &mut Vec<Inline>) {
    let mut at = 0;
    for found in ADDRESS.find_iter(text) {
        line.push(Inline::plain(&text[at..found.start()]));
        line.push(Inline::Text(found.as_str().to_owned(), Style { link: Some(found.as_str().to_owned()), ..Style::default() }));
        at = found.end();
    }
    line.push(Inline::plain(&text[at..]));
}

/// The nodes of a lesson of whose prose only the text and the words in code font are known. Its title is not among them.
pub(super) fn flat(lesson: &Lesson) -> Vec<Node> {
    let mut nodes = Vec::new();
    let first = lesson.prose.iter().position(|prose| matches!(prose.kind, ProseKind::Heading(_)));
    let title = first.filter(|&at| crate::guide::number::of_title(&lesson.prose[at].text).1 == lesson.title);
    let title = title.map(|at| lesson.prose[at].span);
    for part in parts(lesson) {
        match part {
            Part::Code(index) => nodes.push(Node::Code(index)),
            Part::Prose(prose) if Some(prose.span) == title => {}
            Part::Prose(prose) => {
                let line = in_code_font(&prose.text, &prose.code);
                nodes.push(match prose.kind {
                    ProseKind::Heading(level) => Node::Heading(level, line),
                    ProseKind::Paragraph | ProseKind::Caption => Node::Paragraph(line),
                });
            }
        }
    }
    nodes
}

/// A text with these words of it, in order, in code font.
fn in_code_font(text: &str, code: &[String]) -> Vec<Inline> {
    let (mut line, mut rest) = (Vec::new(), text);
    for word in code.iter().filter(|word| !word.is_empty()) {
        if let Some(at) = rest.find(word.as_str()) {
            addresses(&rest[..at], &mut line);
            line.push(Inline::code(word.as_str()));
            rest = &rest[at + word.len()..];
        }
    }
    addresses(rest, &mut line);
    folded(line, false)
}
