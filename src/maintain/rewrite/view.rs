//! A block as the code that it holds, and the way back: a change of the code as edits of the guide's own bytes. Pure.
//!
//! Prompts, indentation, marks of lists and quotes stand in the guide and not in the code; in a page of HTML letters are written as entities and words stand in
//! elements. What cannot be put back letter by letter is not put back at all.

use crate::finding::Edit;
use crate::guide::{Block, BodyLine, Lesson, Mark, Role};
use crate::lab::piece::{continuation, prompt};
use crate::python::{Sites, sites};
use crate::source::{Source, Span};

/// A change of a view's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) span: Span,
    pub(super) text: String,
}

/// The code of a block.
#[derive(Debug)]
pub(super) struct View {
    pub(super) code: String,
    pub(super) sites: Sites,
    /// Whether it parses.
    pub(super) parses: bool,
    pub(super) console: bool,
    html: bool,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    /// Where it starts in the code.
    start: usize,
    text: String,
    /// Where it stands in the guide, what stands before it left out.
    span: Span,
    /// Whether it is code at all, and not what a session printed.
    code: bool,
}

impl View {
    /// The code of a block, if it is Python.
    pub(super) fn of(lesson: &Lesson, index: usize) -> Option<Self> {
        let block = &lesson.blocks[index];
        let console = match block.role {
            Role::Console => true,
            Role::Python => false,
            _ => return None,
        };
        let mut lines: Vec<Line> = Vec::new();
        let mut start = 0;
        for line in stripped(block, console) {
            let code = line.1;
            let line = line.0;
            let text = if code { line.text } else { String::new() };
            start += lines.last().map_or(0, |last| last.text.len() + 1);
            lines.push(Line { start, text, span: line.span, code });
        }
        let code: String = lines.iter().flat_map(|line| [line.text.as_str(), "\n"]).collect();
        let parses = crate::python::parse(&code).errors.is_empty();
        Some(Self { sites: sites(&code), parses, console, html: block.mark == Mark::Pre, code, lines })
    }

    pub(super) fn text(&self, span: Span) -> &str {
        self.code.get(span.start..span.end).unwrap_or("")
    }

    /// The start of the code line that an offset is on, and its indentation.
    pub(super) fn line_start(&self, at: usize) -> (usize, &str) {
        let line = self.line(at);
        let text = &self.lines[line].text;
        (self.lines[line].start, &text[..text.len() - text.trim_start().len()])
    }

    /// The end of the code line that an offset is on, without its newline.
    pub(super) fn line_end(&self, at: usize) -> usize {
        let line = &self.lines[self.line(at)];
        line.start + line.text.len()
    }

    /// The lines of the guide, from 1, that a span of the code is on.
    pub(super) fn guide_lines(&self, source: &Source, span: Span) -> std::ops::RangeInclusive<usize> {
        let at = |offset: usize| source.line_of(self.lines[self.line(offset)].span.start);
        at(span.start)..=at(span.end)
    }

    /// The lines of the view that are code, each with where it starts.
    pub(super) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines.iter().filter(|line| line.code).map(|line| (line.start, line.text.as_str()))
    }

    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|line| line.start <= at).saturating_sub(1)
    }

    /// A change as an edit of the guide; `None` where the guide does not have the code letter by letter.
    pub(super) fn edit(&self, source: &Source, change: &Change) -> Option<Edit> {
        let (first, last) = (self.line(change.span.start), self.line(change.span.end));
        let lines = self.lines.get(first..=last)?;
        if lines.iter().any(|line| !line.code) {
            return None;
        }
        let start = self.place(source, first, change.span.start - self.lines[first].start, false)?;
        let end = self.place(source, last, change.span.end - self.lines[last].start, true)?;
        let span = Span::new(start, end.max(start));
        // Elements that begin in what goes must end in it.
        if self.html && balance(source.slice(span)) != 0 {
            return None;
        }
        Some(Edit { span, text: self.written(source, first, &change.text) })
    }

    /// New text as the guide writes it, where it begins on a line of the view.
    fn written(&self, source: &Source, line: usize, text: &str) -> String {
        let before = self.before(source, line);
        let mut written = String::new();
        for (index, part) in text.split('\n').enumerate() {
            if index > 0 {
                written.push('\n');
                written.push_str(&if self.console { prompted(&before, part) } else { before.clone() });
            }
            if self.html {
                written.push_str(&part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
            } else {
                written.push_str(part);
            }
        }
        written
    }

    /// What stands in the guide before a line's code, and must stand before any line beside it.
    fn before(&self, source: &Source, line: usize) -> String {
        let of = |line: &Line| {
            let whole = source.line_span(source.line_of(line.span.start));
            source.slice(Span::new(whole.start, line.span.start)).to_owned()
        };
        let own = of(&self.lines[line]);
        if !self.html {
            return own;
        }
        // Elements may begin on the same line; a prompt is written with entities.
        let blank = own[own.trim_end().len()..].to_owned();
        if self.console { format!("{blank}&gt;&gt;&gt; ") } else { blank }
    }

    /// The place in the guide of a column of a line.
    fn place(&self, source: &Source, line: usize, column: usize, end: bool) -> Option<usize> {
        let line = &self.lines[line];
        let written = source.slice(line.span);
        if written == line.text {
            return Some(line.span.start + column);
        }
        aligned(written, &line.text, column, end).map(|at| line.span.start + at)
    }
}

/// The lines of a block without prompts and common indentation, and whether each is code.
fn stripped(block: &Block, console: bool) -> Vec<(BodyLine, bool)> {
    let cut = |line: &BodyLine, bytes: usize| {
        let written = line.span.end - line.span.start;
        // Where entities make a line longer than its text, what is cut off is found again by aligning.
        let start = if written == line.text.len() { line.span.start + bytes } else { line.span.start };
        (BodyLine { text: line.text.get(bytes..).unwrap_or("").to_owned(), span: Span::new(start.min(line.span.end), line.span.end) }, true)
    };
    if !console {
        let indent = |line: &BodyLine| line.text.len() - line.text.trim_start_matches([' ', '\t']).len();
        let common = block.body.lines.iter().filter(|line| !line.text.trim().is_empty()).map(indent).min().unwrap_or(0);
        return block.body.lines.iter().map(|line| cut(line, common.min(line.text.len()))).collect();
    }
    let mut inside = false;
    let mut lines = Vec::new();
    for line in &block.body.lines {
        let prompt = prompt(&line.text).or_else(|| continuation(&line.text).filter(|_| inside));
        inside = prompt.is_some();
        lines.push(prompt.map_or_else(|| (line.clone(), false), |bytes| cut(line, bytes)));
    }
    lines
}

/// What stands before a further line of a session: the prompt that goes on where it is indented, else the first line's.
fn prompted(before: &str, part: &str) -> String {
    if !part.starts_with([' ', '\t', ')']) {
        return before.to_owned();
    }
    before.replace("&gt;&gt;&gt;", "...").replace(">>>", "...")
}

/// How many more elements begin than end in a piece of HTML.
fn balance(html: &str) -> i64 {
    let ends = i64::try_from(html.matches("</").count()).unwrap_or(0);
    let all = html.match_indices('<').filter(|(at, _)| html[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')).count();
    i64::try_from(all).unwrap_or(0) - 2 * ends
}

/// Where a column of `text` stands in the way it is written, with entities and elements in it. `text` may lack what the written line begins with.
fn aligned(written: &str, text: &str, column: usize, end: bool) -> Option<usize> {
    let mut letters: Vec<(usize, usize, char)> = Vec::new();
    let mut at = 0;
    while let Some(letter) = written[at..].chars().next() {
        let rest = &written[at..];
        let tag = letter == '<' && rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        let size = if tag {
            rest.find('>')? + 1
        } else if letter == '&' {
            let size = rest.find(';').filter(|size| *size < 12).map_or(1, |size| size + 1);
            letters.push((at, at + size, decoded(&rest[..size])?));
            size
        } else {
            letters.push((at, at + letter.len_utf8(), letter));
            letter.len_utf8()
        };
        at += size;
    }
    let own: Vec<char> = text.chars().collect();
    let cut = letters.len().checked_sub(own.len())?;
    if !letters[cut..].iter().map(|letter| letter.2).eq(own.iter().copied()) {
        return None;
    }
    let index = text.get(..column)?.chars().count() + cut;
    // An end is the end of the letter before it, so that elements behind it stay.
    if end && index > cut { letters.get(index - 1).map(|letter| letter.1) } else { Some(letters.get(index).map_or(written.len(), |letter| letter.0)) }
}

fn decoded(entity: &str) -> Option<char> {
    let name = entity.strip_prefix('&')?;
    let Some(name) = name.strip_suffix(';') else { return Some('&') };
    let number = |digits: &str, base| u32::from_str_radix(digits, base).ok().and_then(char::from_u32);
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => match name.strip_prefix('#')?.strip_prefix(['x', 'X']) {
            Some(digits) => number(digits, 16),
            None => number(&name[1..], 10),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_behind_entities_and_elements() {
        let written = "<span class=\"gp\">&gt;&gt;&gt; </span><span>a</span> &lt; <b>b</b>";
        let text = "a < b";
        let at = |column, end| aligned(written, text, column, end).map(|at| &written[at..]);
        assert_eq!(at(0, false), Some("a</span> &lt; <b>b</b>"));
        assert_eq!(at(1, true), Some("</span> &lt; <b>b</b>"));
        assert_eq!(at(2, false), Some("&lt; <b>b</b>"));
        assert_eq!(at(5, true), Some("</b>"));
        assert_eq!(aligned("x", "a < b", 0, false), None);
        assert_eq!(balance("a</i> <i>b"), 0);
        assert_eq!(balance("a</i> < b"), -1);
    }
}
