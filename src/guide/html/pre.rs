//! The lines of a `<pre>`, with the bytes that each came from. Knows newlines in text, in `<br>` and in elements that stand on lines of their own; nothing of languages.

use super::token::decode;
use crate::guide::{Body, BodyLine};
use crate::source::Span;

/// A `<pre>` that is being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pre {
    /// How many elements were open when it was.
    pub(super) depth: usize,
    /// The words by which it may name its language, the surest first.
    pub(super) words: Vec<String>,
    lines: Vec<BodyLine>,
    /// How many bytes of each line's indentation stand in the source as they are.
    indents: Vec<usize>,
    indent: usize,
    text: String,
    /// The bytes of the line so far; none before its first letter.
    span: Option<Span>,
    /// Where the line starts if it has no letter.
    from: usize,
}

impl Pre {
    /// A `<pre>` whose content starts at `from`.
    pub(super) fn new(depth: usize, from: usize, words: Vec<String>) -> Self {
        Self { depth, words, lines: Vec::new(), indents: Vec::new(), indent: 0, text: String::new(), span: None, from }
    }

    /// Add text, as the source has it at `span`.
    pub(super) fn text(&mut self, raw: &str, span: Span) {
        let mut at = span.start;
        // Each line is decoded alone, so that a newline that is written as an entity moves no other line.
        for (index, line) in raw.split('\n').enumerate() {
            if index > 0 {
                self.newline(at);
            }
            for (index, part) in decode(line).split('\n').enumerate() {
                if index > 0 {
                    self.newline(at);
                }
                if self.text.is_empty() {
                    self.indent = if index == 0 { indent(line) } else { 0 };
                }
                self.letters(part, Span::new(at, at + line.len()));
            }
            at += line.len() + 1;
        }
    }

    fn letters(&mut self, text: &str, span: Span) {
        if text.is_empty() {
            return;
        }
        self.text.push_str(text);
        let start = self.span.map_or(span.start, |span| span.start);
        self.span = Some(Span::new(start, span.end));
    }

    /// End the line; the next one starts at `from`.
    pub(super) fn newline(&mut self, from: usize) {
        let span = self.span.take().unwrap_or_else(|| Span::new(self.from, self.from));
        // Hard blanks keep what an editor has laid out in shape; no language means them.
        let text = std::mem::take(&mut self.text).replace('\u{a0}', " ");
        self.lines.push(BodyLine { text, span });
        self.indents.push(std::mem::take(&mut self.indent));
        self.from = from;
    }

    /// How many lines have ended, and whether another has begun.
    pub(super) fn progress(&self) -> (usize, bool) {
        (self.lines.len(), self.span.is_some())
    }

    /// The lines, without blank ones at the ends and without an indentation that all of them have.
    pub(super) fn body(mut self) -> Body {
        self.newline(self.from);
        let blank = |line: &BodyLine| line.text.trim().is_empty();
        let start = self.lines.iter().position(|line| !blank(line)).unwrap_or(self.lines.len());
        let end = self.lines.iter().rposition(|line| !blank(line)).map_or(start, |last| last + 1);
        let mut lines: Vec<(BodyLine, usize)> = self.lines.into_iter().zip(self.indents).collect();
        lines.truncate(end);
        lines.drain(..start);
        let common = lines.first().map_or("", |(line, _)| &line.text[..indent(&line.text)]).to_owned();
        if !common.is_empty() && lines.iter().all(|(line, _)| blank(line) || line.text.starts_with(&common)) {
            for (line, written) in &mut lines {
                line.text = line.text.get(common.len()..).unwrap_or("").to_owned();
                line.span = Span::new((line.span.start + common.len().min(*written)).min(line.span.end), line.span.end);
            }
        }
        Body { lines: lines.into_iter().map(|(line, _)| line).collect() }
    }
}

/// How many blanks and tabs a line starts with.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}
