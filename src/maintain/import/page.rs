//! A lesson as a page of Markdown, read back until every block in it is read as it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::anchors::Anchors;
use super::fence::Fence;
use super::node::{Inline, Node, words};
use super::{Lost, contents, format_of, html, text, write};
use crate::guide::load::Format;
use crate::guide::{Block, Lesson, ProseKind, Role, language, markdown, number};
use crate::lab::{FileName, file_name};
use crate::source::Source;

/// How often a page is written anew for blocks that read otherwise.
const ROUNDS: usize = 4;

/// A written page.
pub(super) struct Page {
    pub(super) text: String,
    /// What reads otherwise than before.
    pub(super) notes: Vec<String>,
}

/// Write a lesson.
pub(super) fn write(lesson: &Lesson, path: &str, anchors: &Anchors, lost: &mut Lost) -> Page {
    if format_of(lesson) == Format::Markdown {
        return Page { text: lesson.source.text().to_owned(), notes: Vec::new() };
    }
    let nodes = nodes(lesson, path, anchors, lost);
    let files: Vec<Option<FileName>> = lesson.blocks.iter().map(|block| file_name(lesson, block)).collect();
    let mut fences: Vec<Fence> = lesson.blocks.iter().zip(&files).map(|(block, file)| Fence::of(block, file.as_ref())).collect();
    let mut text = render(lesson, &nodes, &fences);
    let mut best = differences(lesson, &files, &text, path);
    for _ in 0..ROUNDS {
        let mut changed = fences.clone();
        for (index, difference) in &best {
            if let Some(read) = &difference.read
                && let Some(next) = changed[*index].clone().next(&lesson.blocks[*index], read)
            {
                changed[*index] = next;
            }
        }
        if changed == fences {
            break;
        }
        fences = changed;
        let again = render(lesson, &nodes, &fences);
        let left = differences(lesson, &files, &again, path);
        (text, best) = (again, left);
    }
    let shown = |index: &usize, what: &str| {
        let line = lesson.source.place(lesson.blocks[*index].span().start).line;
        format!("{}: the block at line {line} reads otherwise in {path}: {what}", lesson.source.path())
    };
    Page { text, notes: best.iter().map(|(index, difference)| shown(index, &difference.what)).collect() }
}

/// The nodes of a lesson, its title first.
fn nodes(lesson: &Lesson, path: &str, anchors: &Anchors, lost: &mut Lost) -> Vec<Node> {
    let mut nodes = match format_of(lesson) {
        Format::Html => {
            let places: BTreeMap<usize, usize> = lesson.blocks.iter().enumerate().map(|(index, block)| (block.span().start, index)).collect();
            let link = |target: &str| anchors.link(lesson, path, target);
            let steps = anchors.steps(&lesson.source);
            let mut nodes = html::Builder::new(&lesson.source, &places, &link, lost).build(steps, lesson.span);
            without_title(lesson, &mut nodes);
            nodes
        }
        Format::Text => text::plain(lesson),
        _ => text::flat(lesson),
    };
    let base = lesson.prose.iter().find_map(|prose| match prose.kind {
        ProseKind::Heading(level) => Some(level),
        _ => None,
    });
    // Only the title is a heading of the first level; what stood below it stays as far below it.
    let shift = if format_of(lesson) == Format::Text { 0 } else { base.unwrap_or(1).saturating_sub(1) };
    for node in &mut nodes {
        lower(node, shift);
    }
    nodes.insert(0, Node::Heading(1, vec![Inline::plain(lesson.title.as_str())]));
    nodes
}

/// Take a lesson's own heading away: it stands before any code.
fn without_title(lesson: &Lesson, nodes: &mut Vec<Node>) {
    let before_code = nodes.iter().position(|node| matches!(node, Node::Code(_))).unwrap_or(nodes.len());
    let is_title = |line: &[Inline]| {
        let words = words(line);
        words == lesson.title || number::of_title(&words).1 == lesson.title
    };
    let found = nodes[..before_code].iter().position(|node| matches!(node, Node::Heading(_, line) if is_title(line)));
    if let Some(found) = found {
        nodes.remove(found);
    }
    // Where a page holds many lessons, a lesson starts within its heading; and a title may be said twice.
    while nodes.first().is_some_and(|node| matches!(node, Node::Heading(_, line) | Node::Paragraph(line) if is_title(line))) {
        nodes.remove(0);
    }
}

fn lower(node: &mut Node, shift: u8) {
    match node {
        Node::Heading(level, _) => *level = level.saturating_sub(shift).clamp(2, 6),
        Node::Quote(nodes) => nodes.iter_mut().for_each(|node| lower(node, shift)),
        Node::List(_, items) => items.iter_mut().flatten().for_each(|node| lower(node, shift)),
        _ => {}
    }
}

fn render(lesson: &Lesson, nodes: &[Node], fences: &[Fence]) -> String {
    let mut text = write::lines(nodes, &|index| fences[index].lines(&lesson.blocks[index])).join("\n");
    text.push('\n');
    text
}

/// How a block reads otherwise.
struct Difference {
    what: String,
    /// The block as it is read, if the page has it at all.
    read: Option<Block>,
}

/// The blocks that read otherwise, by their indices.
fn differences(lesson: &Lesson, files: &[Option<FileName>], text: &str, path: &str) -> Vec<(usize, Difference)> {
    let source = Arc::new(Source::new(path, text));
    let guide = markdown::parse(&source, &contents::id(path));
    let Some(read) = guide.lessons().next() else { return Vec::new() };
    let mut found = Vec::new();
    for (index, block) in lesson.blocks.iter().enumerate() {
        let again = read.blocks.get(index);
        let what = match again {
            None => Some("it is missing".to_owned()),
            Some(again) => difference(block, again, files[index].as_ref(), file_name(read, again).as_ref()),
        };
        found.extend(what.map(|what| (index, Difference { what, read: again.cloned() })));
    }
    found
}

fn difference(block: &Block, again: &Block, file: Option<&FileName>, file_again: Option<&FileName>) -> Option<String> {
    let lines = |block: &Block| block.body.lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
    if lines(block) != lines(again) {
        return Some("its lines are not the same".to_owned());
    }
    if block.role != again.role && !is_left_out_alike(block, again) {
        return Some(format!("it was {}, and is {}", role(&block.role), role(&again.role)));
    }
    if block.language != again.language {
        return Some(format!("it was {}, and is {}", language::name(&block.language), language::name(&again.language)));
    }
    (file != file_again).then(|| match file_again {
        Some(FileName::Path(name)) => format!("it is taken for the file `{name}`"),
        _ => "it is no longer a file".to_owned(),
    })
}

/// Whether a block that is not run is left out for a reason that a directive gives now.
fn is_left_out_alike(block: &Block, again: &Block) -> bool {
    matches!(block.role, Role::Foreign(_)) && (matches!(again.role, Role::Foreign(_)) || again.directive("static").is_some())
}

fn role(role: &Role) -> &'static str {
    match role {
        Role::Python => "Python",
        Role::Console => "a session",
        Role::Shell => "shell commands",
        Role::File => "a file",
        Role::Output => "output",
        Role::Foreign(_) => "left out",
    }
}
