//! Walks over the pieces of a page and gathers its blocks and its prose. Elements that are never closed, or closed and never opened, cost a page no block.

use std::collections::BTreeMap;

use super::element::{Element, heading, is_block, is_known_in_code, is_void};
use super::pre::Pre;
use super::token::{Piece, Tag, decode, pieces};
use super::trace::Step;
use crate::guide::page::Page;
use crate::guide::{Info, Mark, Prose, ProseKind};
use crate::source::Span;

/// How many elements around a `<pre>` may name its language.
const LANGUAGE_REACH: usize = 5;

/// The page while it is walked over.
pub(super) struct Walker {
    /// What was gathered.
    pub(super) page: Page,
    /// The text of `<title>`.
    pub(super) title: Option<String>,
    open: Vec<Element>,
    /// How many elements of each name are open, so that a stray end tag is known at once.
    names: BTreeMap<String, usize>,
    hidden: Hidden,
    pre: Option<Pre>,
    prose: Pending,
    /// The caption that waits for its block.
    caption: Option<String>,
    /// What was come across, for those who want to write the page anew.
    steps: Option<Vec<Step>>,
}

/// How many open elements keep text from being read, and why.
#[derive(Debug, Default)]
struct Hidden {
    dead: usize,
    aside: usize,
    gutter: usize,
    code_font: usize,
    caption: usize,
}

impl Hidden {
    /// Count an element that was opened, or one that was closed.
    fn count(&mut self, element: &Element, step: fn(usize) -> usize) {
        for (count, counts) in [
            (&mut self.dead, element.dead),
            (&mut self.aside, element.aside),
            (&mut self.gutter, element.gutter),
            (&mut self.code_font, element.code_font),
            (&mut self.caption, element.caption),
        ] {
            if counts {
                *count = step(*count);
            }
        }
    }
}

/// Prose that no block element has ended yet.
#[derive(Debug, Default)]
struct Pending {
    text: String,
    span: Option<Span>,
    code: Vec<String>,
    links: Vec<String>,
    /// Where in the text a piece of code font starts.
    code_from: Option<usize>,
}

impl Walker {
    /// Walk over the part of the page's source at `span`.
    pub(super) fn walk(page: Page, span: Span) -> Self {
        Self::walk_with(page, span, None).0
    }

    /// Walk over the part of the page's source at `span`, adding what is come across to `steps`, if they are wanted.
    pub(super) fn walk_with(page: Page, span: Span, steps: Option<Vec<Step>>) -> (Self, Vec<Step>) {
        let source = std::sync::Arc::clone(&page.source);
        let mut walker = Self {
            page,
            title: None,
            open: Vec::new(),
            names: BTreeMap::new(),
            hidden: Hidden::default(),
            pre: None,
            prose: Pending::default(),
            caption: None,
            steps,
        };
        for piece in pieces(source.slice(span), span.start) {
            match piece {
                Piece::Open(tag) => walker.start(&tag, source.slice(tag.span)),
                Piece::Close(name, span) => walker.end(&name, span),
                Piece::Text(span) => walker.text(source.slice(span), span),
                Piece::Comment(span) if walker.pre.is_none() => {
                    walker.flush();
                    walker.step(|| Step::Comment(span));
                    walker.page.comment(span);
                }
                Piece::Comment(_) => {}
            }
        }
        walker.close_to(0, span.end);
        walker.flush();
        let steps = walker.steps.take().unwrap_or_default();
        (walker, steps)
    }

    /// Note a step, if steps are wanted.
    fn step(&mut self, step: impl FnOnce() -> Step) {
        if let Some(steps) = &mut self.steps {
            steps.push(step());
        }
    }

    fn start(&mut self, tag: &Tag, raw: &str) {
        let name = tag.name.as_str();
        if self.pre.is_some() && !is_known_in_code(name) {
            return self.text(raw, tag.span);
        }
        // A block in a `<pre>` that was never closed: the lesson goes on.
        if let Some(depth) = self.pre.as_ref().map(|pre| pre.depth)
            && (heading(name).is_some() || name == "pre" && !self.open[depth..].iter().any(|element| element.name == "td"))
        {
            self.close_to(depth, tag.span.start);
        }
        if self.pre.is_none() && is_block(name) {
            self.flush();
        }
        if matches!(name, "p" | "li" | "dt" | "dd" | "tr" | "td" | "th" | "option") && self.open.last().is_some_and(|last| last.name == name) {
            self.close_to(self.open.len() - 1, tag.span.start);
        }
        // A head that is never closed ends where the body begins.
        if (name == "body" || heading(name).is_some())
            && let Some(at) = self.open.iter().rposition(|element| element.name == "head")
        {
            self.close_to(at, tag.span.start);
        }
        if let Some(pre) = &mut self.pre
            && (name == "br" || starts_line(name) && pre.progress().1)
            && self.hidden.gutter == 0
        {
            pre.newline(tag.span.end);
        }
        if is_void(name) {
            if self.pre.is_none() {
                let seen = self.is_prose();
                self.step(|| Step::Void { tag: tag.clone(), seen });
            }
            return;
        }
        self.open_element(tag);
    }

    fn open_element(&mut self, tag: &Tag) {
        let mut element = Element::of(tag);
        element.blocks_before = self.pre.as_ref().map_or(self.page.blocks.len(), |pre| pre.progress().0);
        if element.caption && self.pre.is_none() {
            self.flush();
        }
        if element.code_font && self.prose.code_from.is_none() {
            self.prose.code_from = Some(self.prose.text.len());
        }
        if tag.name == "a" && !element.aside && !tag.attribute("href").is_empty() && self.is_prose() {
            self.prose.links.push(tag.attribute("href").to_owned());
        }
        *self.names.entry(tag.name.clone()).or_default() += 1;
        if let Some(pre) = &mut self.pre
            && tag.name == "code"
        {
            let mut words = element.words.clone();
            words.append(&mut pre.words);
            pre.words = words;
        }
        self.hidden.count(&element, |count| count + 1);
        if self.pre.is_none() && tag.name != "pre" {
            let seen = self.is_prose();
            self.step(|| Step::Open { tag: tag.clone(), seen });
        }
        self.open.push(element);
        if tag.name == "pre" && self.pre.is_none() && self.hidden.dead + self.hidden.gutter == 0 {
            let words = self.open.iter().rev().take(LANGUAGE_REACH).flat_map(|element| element.words.iter().cloned()).collect();
            self.pre = Some(Pre::new(self.open.len() - 1, tag.span.end, words));
        }
    }

    fn end(&mut self, name: &str, span: Span) {
        if self.pre.is_some() && !is_known_in_code(name) {
            let raw = self.page.source.slice(span).to_owned();
            return self.text(&raw, span);
        }
        if self.pre.is_none() && is_block(name) {
            self.flush();
        }
        if self.names.get(name).is_none_or(|&open| open == 0) {
            return;
        }
        if let Some(at) = self.open.iter().rposition(|element| element.name == name) {
            self.close_to(at, span.end);
        }
    }

    /// Close elements until only so many are open.
    fn close_to(&mut self, depth: usize, offset: usize) {
        while self.open.len() > depth {
            let Some(element) = self.open.last().cloned() else { break };
            if let Some(pre) = &mut self.pre
                && starts_line(&element.name)
                && self.hidden.gutter == 0
                && (pre.progress().1 || pre.progress().0 == element.blocks_before)
            {
                pre.newline(offset);
            }
            if element.caption {
                self.flush();
            }
            self.open.pop();
            self.hidden.count(&element, |count| count.saturating_sub(1));
            if let Some(open) = self.names.get_mut(&element.name) {
                *open -= 1;
            }
            if element.code_font && self.hidden.code_font == 0 {
                self.prose.end_code();
            }
            if self.pre.as_ref().is_some_and(|pre| pre.depth >= self.open.len()) {
                self.finish_pre();
            } else if self.pre.is_none() && element.name != "pre" {
                self.step(|| Step::Close);
            }
        }
    }

    fn finish_pre(&mut self) {
        let Some(mut pre) = self.pre.take() else { return };
        let word = if pre.words.is_empty() { None } else { Some(pre.words.remove(0)) };
        let mut info = Info { language: word.clone(), ..Info::default() };
        let body = pre.body();
        if body.lines.is_empty() {
            return;
        }
        if let Some(caption) = self.caption.take() {
            info.attributes.insert("caption".to_owned(), caption);
        }
        let at = body.span().start;
        self.page.code(body, word.as_deref(), Mark::Pre, info);
        self.step(|| Step::Code(at));
    }

    fn text(&mut self, raw: &str, span: Span) {
        if let Some(pre) = &mut self.pre {
            if self.hidden.dead + self.hidden.gutter == 0 {
                pre.text(raw, span);
            }
            return;
        }
        if self.open.last().is_some_and(|element| element.name == "title") && self.title.is_none() {
            self.title = Some(fold(&decode(raw))).filter(|title| !title.is_empty());
        }
        if self.is_prose() {
            let text = decode(raw);
            self.prose.add(&text, span);
            self.step(|| Step::Text(text, span));
        }
    }

    /// Whether text at this place is read as prose.
    fn is_prose(&self) -> bool {
        self.pre.is_none() && self.hidden.dead + self.hidden.aside + self.hidden.gutter == 0
    }

    /// End the prose so far.
    fn flush(&mut self) {
        self.prose.end_code();
        let Pending { text, span, code, links, .. } = std::mem::take(&mut self.prose);
        let (text, Some(span)) = (fold(&text), span) else { return };
        if text.is_empty() {
            return;
        }
        let level = (1..=6).rev().find(|level| self.names.get(&format!("h{level}")).is_some_and(|&open| open > 0));
        let mut kind = level.map_or(ProseKind::Paragraph, ProseKind::Heading);
        if kind == ProseKind::Paragraph && self.hidden.caption > 0 {
            let figure = self.open.iter().rev().find(|element| element.name == "figure");
            if figure.is_some_and(|figure| figure.blocks_before < self.page.blocks.len()) {
                // It stands below its block.
                if let Some(block) = self.page.blocks.last_mut() {
                    block.info.attributes.entry("caption".to_owned()).or_insert(text.clone());
                }
            } else {
                kind = ProseKind::Caption;
            }
        }
        self.caption = (kind == ProseKind::Caption).then(|| text.clone());
        self.page.prose(Prose { span, kind, text, code, links });
    }
}

impl Pending {
    fn add(&mut self, text: &str, span: Span) {
        self.text.push_str(text);
        if !text.trim().is_empty() {
            self.span = Some(Span::new(self.span.map_or(span.start, |known| known.start), span.end));
        }
    }

    fn end_code(&mut self) {
        if let Some(code) = self.code_from.take().and_then(|from| self.text.get(from..)).map(fold).filter(|code| !code.is_empty()) {
            self.code.push(code);
        }
    }
}

/// Elements that hold a line of code each, if they stand in a `<pre>`.
fn starts_line(name: &str) -> bool {
    matches!(name, "tr" | "li" | "div" | "p")
}

/// The text with every run of white space as one blank.
pub(super) fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
