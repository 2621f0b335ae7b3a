//! Prose of a plain text: everything between the runs of code, as headings and paragraphs. Part of `Source --guide::parse--> Guide`.
//!
//! Never touches code, and never leaves out a line that has words.

use super::lines::Lines;
use crate::guide::{Prose, ProseKind};
use crate::source::{Source, Span};

/// A longer line is no heading.
const LONGEST_HEADING: usize = 90;

/// The prose in lines `from..to`, which hold no code. Lines before `titles` are the lesson's own title.
pub(super) fn prose(source: &Source, lines: &Lines, from: usize, to: usize, titles: usize) -> Vec<Prose> {
    let mut found = Vec::new();
    let mut at = lines.written(from, to);
    while at < to {
        let mut end = at + 1;
        if at >= titles && level(lines.get(at)).is_none() {
            while end < to && !lines.is_blank(end) && item(lines.get(end)).is_none() && level(lines.get(end)).is_none() {
                end += 1;
            }
        }
        found.push(piece(source, lines, at, end, at < titles));
        at = lines.written(end, to);
    }
    found
}

/// One piece, of the lines `first..end`.
fn piece(source: &Source, lines: &Lines, first: usize, end: usize, is_title: bool) -> Prose {
    let span = Span::new(source.line_span(first + 1).start + lines.indent(first), source.line_span(end).end);
    let joined = (first..end).map(|line| lines.get(line).trim()).collect::<Vec<_>>().join(" ");
    let marked = level(&joined);
    let shown = match (marked, item(&joined)) {
        (Some(_), _) => joined.trim_matches(['#', ' ']),
        (None, Some(rest)) if !is_title => rest,
        _ => joined.as_str(),
    };
    let kind = match marked {
        _ if is_title => ProseKind::Heading(1),
        Some(level) => ProseKind::Heading(level),
        None if end == first + 1 && stands_alone(lines, first) && is_heading(&joined) => ProseKind::Heading(2),
        None => ProseKind::Paragraph,
    };
    let (text, code) = code_font(shown);
    Prose { span, kind, text, code, links: links(&joined) }
}

/// The level of a heading that is marked as in Markdown.
fn level(line: &str) -> Option<u8> {
    let line = line.trim_start();
    let marks = line.len() - line.trim_start_matches('#').len();
    (marks > 0 && marks < 7 && line[marks..].starts_with(' ')).then(|| u8::try_from(marks).unwrap_or(6))
}

/// What follows the mark of a list item.
fn item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    if let Some(rest) = line.strip_prefix(['-', '*', '+', '•']) {
        return rest.strip_prefix(' ').map(str::trim_start);
    }
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits == 0 || digits > 3 {
        return None;
    }
    line[digits..].strip_prefix(['.', ')']).and_then(|rest| rest.strip_prefix(' ')).map(str::trim_start)
}

fn stands_alone(lines: &Lines, line: usize) -> bool {
    (line == 0 || lines.is_blank(line - 1)) && lines.is_blank(line + 1)
}

/// Whether a line reads like a heading: short, and without the mark that ends a sentence.
fn is_heading(line: &str) -> bool {
    line.chars().count() <= LONGEST_HEADING
        && !line.ends_with(['.', ':', ';', ',', '!'])
        && item(line).is_none()
        && !line.contains("://")
        && line.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '"' | '`' | '\'' | '“' | '_' | '.' | '@'))
}

/// A text without its backticks, and what stood between them.
fn code_font(text: &str) -> (String, Vec<String>) {
    let mut shown = String::with_capacity(text.len());
    let mut code = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        shown.push_str(before);
        // Double backticks are reStructuredText's code font.
        let after = after.trim_start_matches('`');
        let Some((inside, next)) = after.split_once('`') else {
            rest = after;
            continue;
        };
        shown.push_str(inside);
        code.push(inside.trim().to_owned());
        rest = next.strip_prefix('`').unwrap_or(next);
    }
    shown.push_str(rest);
    (shown, code)
}

/// The addresses in a text.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("http") {
        let link = &rest[at..];
        if link.starts_with("http://") || link.starts_with("https://") {
            let end = link.find(|c: char| c.is_whitespace() || matches!(c, ')' | '>' | ']' | '"' | '\'' | '`')).unwrap_or(link.len());
            found.push(link[..end].trim_end_matches(['.', ',', ';', ':', '!', '?']).to_owned());
            rest = &link[end..];
        } else {
            rest = &link[4..];
        }
    }
    found
}
