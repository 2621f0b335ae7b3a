//! The nodes of a lesson in HTML, from what the reader of HTML came across. What has no Markdown is named, never dropped in silence.
//!
//! It takes no decision of the reader's anew: what is prose, what is code and what stands beside the lesson is in the steps.

use std::collections::BTreeMap;

use super::Lost;
use super::node::{Inline, Node, Style, folded};
use crate::guide::directive;
use crate::guide::html::{Step, Tag, heading, is_block};
use crate::source::Span;

/// Lists, quotations and cells in one another deeper than this are laid side by side.
const DEEPEST: usize = 24;

/// What an element that is open does when it closes.
enum Opened {
    /// Nothing, or it ends a paragraph.
    Plain { block: bool },
    /// A heading ends.
    Heading,
    /// The style before it holds again.
    Style { before: Box<Style>, unseen: bool, block: bool },
    /// What was gathered in it becomes a node.
    Frame,
}

/// What is gathered until its element closes.
enum Frame {
    Root,
    List(Option<usize>, Vec<Vec<Node>>),
    Item,
    Quote,
    Table { headed: bool, rows: Vec<Vec<Vec<Inline>>>, spoilt: bool },
    Row { head: bool, cells: Vec<Vec<Inline>> },
    Cell { head: bool },
}

/// A lesson as far as it is built.
pub(super) struct Builder<'a> {
    /// The blocks of the lesson by the byte at which their code starts.
    blocks: &'a BTreeMap<usize, usize>,
    /// Where links of the page lead in the new guide; `None` for those that lead nowhere.
    link: &'a dyn Fn(&str) -> Option<String>,
    lost: &'a mut Lost,
    source: &'a std::sync::Arc<crate::source::Source>,
    open: Vec<Opened>,
    frames: Vec<(Frame, Vec<Node>)>,
    line: Vec<Inline>,
    style: Style,
    /// The heading that is being read.
    level: Option<u8>,
    /// How many open elements keep their text to themselves.
    unseen: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        source: &'a std::sync::Arc<crate::source::Source>,
        blocks: &'a BTreeMap<usize, usize>,
        link: &'a dyn Fn(&str) -> Option<String>,
        lost: &'a mut Lost,
    ) -> Self {
        let frames = vec![(Frame::Root, Vec::new())];
        Self { blocks, link, lost, source, open: Vec::new(), frames, line: Vec::new(), style: Style::default(), level: None, unseen: 0 }
    }

    /// The nodes that the steps within `span` make. Elements around the lesson are open in it as well.
    pub(super) fn build(mut self, steps: &[Step], span: Span) -> Vec<Node> {
        for step in steps {
            self.step(step, span);
        }
        self.flush();
        while self.frames.len() > 1 {
            self.close_frame();
        }
        self.frames.pop().map(|(_, nodes)| nodes).unwrap_or_default()
    }

    fn step(&mut self, step: &Step, span: Span) {
        match step {
            // What opens or closes around the lesson only keeps the count right.
            Step::Open { tag, .. } if !span.contains(tag.span.start) => {
                self.flush();
                self.open.push(Opened::Plain { block: false });
            }
            Step::Open { tag, seen } => self.start(tag, *seen),
            Step::Close => self.end(),
            Step::Void { tag, seen } if span.contains(tag.span.start) => self.void(tag, *seen),
            Step::Text(text, at) if span.contains(at.start) => self.line.push(Inline::Text(text.clone(), self.style.clone())),
            Step::Code(at) => {
                if let Some(&index) = self.blocks.get(at) {
                    self.flush();
                    self.add(Node::Code(index));
                }
            }
            Step::Comment(at) if span.contains(at.start) && directive::parse(self.source, *at).is_none() => {
                self.lost.add("comment", self.source, *at);
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag, seen: bool) {
        let name = tag.name.as_str();
        if is_block(name) {
            self.flush();
        }
        if !seen {
            if self.unseen == 0
                && !matches!(name, "head" | "title")
                && let Some(what) = unseen(name)
            {
                self.lost.add(what, self.source, tag.span);
            }
            self.unseen += 1;
            self.open.push(Opened::Style { before: Box::new(self.style.clone()), unseen: true, block: is_block(name) });
            return;
        }
        if let Some(what) = without_markdown(name) {
            self.lost.add(what, self.source, tag.span);
        }
        let opened = match name {
            _ if heading(name).is_some() && self.level.is_none() => {
                self.level = heading(name);
                Opened::Heading
            }
            "ul" | "menu" => self.frame(Frame::List(None, Vec::new())),
            "ol" => self.frame(Frame::List(Some(tag.attribute("start").parse().ok().filter(|start| *start < 1_000_000).unwrap_or(1)), Vec::new())),
            "li" => self.frame(Frame::Item),
            "blockquote" => self.frame(Frame::Quote),
            "table" => self.frame(Frame::Table { headed: false, rows: Vec::new(), spoilt: false }),
            "tr" => self.frame(Frame::Row { head: true, cells: Vec::new() }),
            "td" | "th" => self.frame(Frame::Cell { head: name == "th" }),
            _ => match self.styled(name, tag) {
                Some(style) => Opened::Style { before: Box::new(std::mem::replace(&mut self.style, style)), unseen: false, block: is_block(name) },
                None => Opened::Plain { block: is_block(name) },
            },
        };
        self.open.push(opened);
    }

    /// The style within an element, if it changes it.
    fn styled(&mut self, name: &str, tag: &Tag) -> Option<Style> {
        let mut style = self.style.clone();
        match name {
            "b" | "strong" | "dt" => style.strong = true,
            "i" | "em" | "cite" | "dfn" | "var" => style.emphasis = true,
            "code" | "kbd" | "tt" | "samp" => style.code = true,
            "del" | "s" | "strike" => style.struck = true,
            "a" if !tag.attribute("href").is_empty() => {
                style.link = (self.link)(tag.attribute("href"));
                if style.link.is_none() {
                    self.lost.add_named("link that leads nowhere here", tag.attribute("href"), self.source, tag.span);
                }
            }
            _ => return None,
        }
        Some(style)
    }

    fn void(&mut self, tag: &Tag, seen: bool) {
        match tag.name.as_str() {
            _ if !seen => {}
            "br" => self.line.push(Inline::Break),
            "hr" => {
                self.flush();
                self.add(Node::Rule);
            }
            "img" => {
                let (source, alt) = (tag.attribute("src"), tag.attribute("alt"));
                if source.starts_with("https://") || source.starts_with("http://") {
                    self.line.push(Inline::Image(alt.to_owned(), source.to_owned()));
                } else {
                    let shown: String = if source.starts_with("data:") { "in the page itself".to_owned() } else { source.chars().take(100).collect() };
                    self.lost.add_named("image", &shown, self.source, tag.span);
                    self.line.push(Inline::Text(alt.to_owned(), Style { emphasis: true, ..self.style.clone() }));
                }
            }
            "input" | "embed" => self.lost.add("form field", self.source, tag.span),
            _ => {}
        }
    }

    fn end(&mut self) {
        match self.open.pop() {
            Some(Opened::Plain { block: true }) => self.flush(),
            Some(Opened::Plain { block: false }) | None => {}
            Some(Opened::Heading) => {
                self.flush();
                self.level = None;
            }
            Some(Opened::Style { before, unseen, block }) => {
                self.unseen -= usize::from(unseen);
                if block {
                    self.flush();
                }
                self.style = *before;
            }
            Some(Opened::Frame) => {
                self.flush();
                self.close_frame();
            }
        }
    }

    /// Gather what follows in a frame, if there are not too many around it.
    fn frame(&mut self, frame: Frame) -> Opened {
        if self.frames.len() > DEEPEST {
            return Opened::Plain { block: true };
        }
        self.frames.push((frame, Vec::new()));
        Opened::Frame
    }

    fn add(&mut self, node: Node) {
        if let Some((_, nodes)) = self.frames.last_mut() {
            nodes.push(node);
        }
    }

    /// End the line of prose.
    fn flush(&mut self) {
        let line = folded(std::mem::take(&mut self.line), false);
        if !line.is_empty() {
            self.add(self.level.map_or_else(|| Node::Paragraph(line.clone()), |level| Node::Heading(level, line.clone())));
        }
    }

    fn close_frame(&mut self) {
        let Some((frame, nodes)) = self.frames.pop() else { return };
        match frame {
            Frame::Root => self.frames.push((Frame::Root, nodes)),
            Frame::Quote => {
                if !nodes.is_empty() {
                    self.add(Node::Quote(nodes));
                }
            }
            Frame::List(start, items) => {
                if !items.is_empty() {
                    self.add(Node::List(start, items));
                }
                nodes.into_iter().for_each(|node| self.add(node));
            }
            Frame::Item => match self.frames.last_mut() {
                Some((Frame::List(_, items), _)) => {
                    if !nodes.is_empty() {
                        items.push(nodes);
                    }
                }
                _ => self.add(Node::List(None, vec![nodes])),
            },
            Frame::Cell { head } => self.close_cell(head, nodes),
            Frame::Row { head, cells } => {
                if let Some((Frame::Table { headed, rows, .. }, _)) = self.frames.last_mut() {
                    *headed |= rows.is_empty() && head && !cells.is_empty();
                    rows.extend((!cells.is_empty()).then_some(cells));
                } else {
                    cells.into_iter().filter(|cell| !cell.is_empty()).for_each(|cell| self.add(Node::Paragraph(cell)));
                }
                nodes.into_iter().for_each(|node| self.add(node));
            }
            Frame::Table { headed, rows, spoilt } => {
                if spoilt {
                    rows.into_iter().flatten().filter(|cell| !cell.is_empty()).for_each(|cell| self.add(Node::Paragraph(cell)));
                } else if !rows.is_empty() {
                    nodes.into_iter().for_each(|node| self.add(node));
                    return self.add(Node::Table { headed, rows });
                }
                nodes.into_iter().for_each(|node| self.add(node));
            }
        }
    }

    /// A cell with more than lines of prose in it: Markdown's tables cannot hold it, so the table's contents are laid one below the other.
    fn close_cell(&mut self, is_head: bool, nodes: Vec<Node>) {
        let is_simple = nodes.iter().all(|node| matches!(node, Node::Paragraph(_)));
        let table = self.frames.iter().rposition(|(frame, _)| matches!(frame, Frame::Table { .. }));
        let was_spoilt = table.is_some_and(|table| matches!(self.frames[table].0, Frame::Table { spoilt: true, .. }));
        let Some(table) = table.filter(|_| is_simple && !was_spoilt) else {
            if let Some(table) = table {
                self.spoil(table);
                self.frames[table].1.extend(nodes);
            } else {
                nodes.into_iter().for_each(|node| self.add(node));
            }
            return;
        };
        let mut cell = Vec::new();
        for node in nodes {
            if let Node::Paragraph(line) = node {
                cell.extend((!cell.is_empty()).then_some(Inline::Break));
                cell.extend(line);
            }
        }
        match self.frames.last_mut() {
            Some((Frame::Row { head, cells }, _)) => {
                *head &= is_head;
                cells.push(cell);
            }
            _ => self.frames[table].1.push(Node::Paragraph(cell)),
        }
    }

    /// Lay out what a table holds so far, in order.
    fn spoil(&mut self, table: usize) {
        let mut cells: Vec<Vec<Inline>> = Vec::new();
        for (frame, _) in &mut self.frames[table..] {
            match frame {
                Frame::Table { rows, spoilt, .. } => {
                    cells.extend(std::mem::take(rows).into_iter().flatten());
                    *spoilt = true;
                }
                Frame::Row { cells: own, .. } => cells.extend(std::mem::take(own)),
                _ => {}
            }
        }
        self.frames[table].1.extend(cells.into_iter().filter(|cell| !cell.is_empty()).map(Node::Paragraph));
    }
}

/// What an element is that stands beside the lesson, if it is worth a word.
fn unseen(name: &str) -> Option<&'static str> {
    Some(match name {
        "script" => "script",
        "style" => "style sheet",
        "button" | "select" | "textarea" => "form field",
        "iframe" | "object" => "embedded page",
        "svg" => "drawing",
        "a" => return None,
        _ => "part beside the lesson, such as navigation",
    })
}

/// What an element is whose own form Markdown does not have; its text is carried over.
fn without_markdown(name: &str) -> Option<&'static str> {
    Some(match name {
        "video" | "audio" => "recording",
        "canvas" => "drawing",
        "math" => "formula",
        "form" => "form",
        _ => return None,
    })
}
