//! Reads notebooks: `Source --notebook::parse--> Guide`, nbformat 4 and the formats before it. A notebook is one lesson, and its cells keep their index, from 0 over all of them.
//! Stored outputs are not read: they are the record of some run, and often of another order than the page's. It never fails, and runs nothing.

mod cell;

use std::sync::Arc;

use serde_json::Value;

use super::page::Page;
use super::{Body, Guide, Language, Role, language, markdown};
use crate::finding::Code;
use crate::source::{Source, Span};

/// Read a notebook. The lesson's source is the text of its cells, one after the other, each of which counts its own lines.
#[must_use]
pub fn parse(source: &Arc<Source>, id: &str) -> Guide {
    match serde_json::from_str::<Value>(source.text()) {
        Ok(notebook) => match cells(&notebook) {
            Some(cells) => read(source.path(), id, &cells, &kernel(&notebook)),
            None => unreadable(source, id, 0, "this is no notebook: it has no list of cells"),
        },
        Err(error) => unreadable(source, id, source.offset(error.line(), error.column()), &format!("this notebook is not JSON: {}", without_place(&error))),
    }
}

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Code,
    Markdown,
    /// Neither: for other programs than a notebook's.
    Raw,
}

/// A cell: its kind and its text.
type Cell = (Kind, String);

fn read(path: &str, id: &str, cells: &[Cell], kernel: &str) -> Guide {
    let (mut text, mut starts) = (String::new(), Vec::new());
    for (index, (_, cell)) in cells.iter().enumerate() {
        starts.push((text.len(), index));
        text.push_str(cell);
        text.push('\n');
    }
    let source = Arc::new(Source::new(path, text).with_cells(starts.clone()));
    let mut page = Page::new(&source);
    for ((kind, text), (start, _)) in cells.iter().zip(starts) {
        match kind {
            Kind::Code => code(&mut page, text, start, kernel),
            Kind::Markdown => prose(&mut page, text, start),
            Kind::Raw => {}
        }
    }
    page.guide(id, None)
}

/// A cell of code, in the language of the notebook's kernel.
fn code(page: &mut Page, text: &str, start: usize, kernel: &str) {
    if language::from_word(kernel).is_none_or(|language| matches!(language, Language::Python | Language::PythonConsole)) {
        cell::read(page, text, start);
    } else {
        let role = Role::Foreign(format!("a cell of a notebook in {kernel}"));
        page.block(body(text, start), language::from_word(kernel).unwrap_or(Language::Text), role, super::Mark::Cell, super::Info::default());
    }
}

/// A cell of Markdown: what its reader finds, moved to where the cell stands.
fn prose(page: &mut Page, text: &str, start: usize) {
    let moved = |span: &mut Span| *span = Span::new(span.start + start, span.end + start);
    let guide = markdown::parse(&Arc::new(Source::new(page.source.path(), text)), "");
    let mut last_end = start;
    for lesson in guide.chapters.into_iter().flat_map(|chapter| chapter.lessons) {
        for mut prose in lesson.prose {
            moved(&mut prose.span);
            page.prose.push(prose);
        }
        for mut block in lesson.blocks {
            block.body.lines.iter_mut().for_each(|line| moved(&mut line.span));
            block.directives.iter_mut().for_each(|directive| moved(&mut directive.span));
            if block.language == Language::Text {
                // Whether text is the output of code depends on the cell before, which the reader of one cell has not seen.
                block.role = language::role(&block.language, &block.body.text());
            }
            last_end = block.span().end;
            page.add(block);
        }
        for mut finding in lesson.findings {
            for location in std::iter::once(&mut finding.location).chain(finding.related.iter_mut().map(|related| &mut related.location)) {
                moved(&mut location.span);
                location.source = Arc::clone(&page.source);
            }
            if finding.code != Code::UnknownDirective || finding.location.span.start < last_end {
                page.findings.push(finding);
            }
        }
    }
    last_comments(page, text, start, last_end);
}

/// A directive behind the last block of a cell speaks of the cell that follows.
fn last_comments(page: &mut Page, text: &str, start: usize, last_end: usize) {
    for (at, _) in text.match_indices("<!--").filter(|(at, _)| start + at >= last_end) {
        let starts_line = text[..at].rsplit('\n').next().is_none_or(|before| before.trim().is_empty());
        if starts_line {
            let end = text[at..].find("-->").map_or(text.len(), |end| at + end + 3);
            page.comment(Span::new(start + at, start + end));
        }
    }
}

/// The lines of a cell, or of a part of one that starts at `start`.
fn body(text: &str, start: usize) -> Body {
    let mut at = start;
    let lines = text.split('\n').map(|line| {
        let span = Span::new(at, at + line.len());
        at = span.end + 1;
        super::BodyLine { text: line.to_owned(), span }
    });
    let mut lines: Vec<_> = lines.collect();
    while lines.last().is_some_and(|line| line.text.trim().is_empty()) {
        lines.pop();
    }
    let first = lines.iter().position(|line| !line.text.trim().is_empty()).unwrap_or(lines.len());
    Body { lines: lines.split_off(first) }
}

/// The cells of a notebook; those of nbformat 3 lie in worksheets.
fn cells(notebook: &Value) -> Option<Vec<Cell>> {
    let lists: Vec<&Vec<Value>> = match notebook.get("cells").and_then(Value::as_array) {
        Some(cells) => vec![cells],
        None => notebook.get("worksheets")?.as_array()?.iter().filter_map(|sheet| sheet.get("cells")?.as_array()).collect(),
    };
    Some(lists.into_iter().flatten().map(cell).collect())
}

fn cell(cell: &Value) -> Cell {
    let text = |name| cell.get(name).map(joined).unwrap_or_default();
    match cell.get("cell_type").and_then(Value::as_str) {
        Some("code") if cell.get("source").is_none() => (Kind::Code, text("input")),
        Some("code") => (Kind::Code, text("source")),
        Some("markdown") => (Kind::Markdown, text("source")),
        // Only nbformat 3 has cells that are headings.
        Some("heading") => {
            let level = cell.get("level").and_then(Value::as_u64).unwrap_or(1).clamp(1, 6);
            (Kind::Markdown, format!("{} {}", "######".get(..usize::try_from(level).unwrap_or(1)).unwrap_or("#"), text("source")))
        }
        _ => (Kind::Raw, String::new()),
    }
}

/// A text, which a notebook may store as the list of its lines. Line ends are made one letter, so that offsets stay what they are.
fn joined(text: &Value) -> String {
    let text = match text {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    };
    text.replace("\r\n", "\n").replace('\r', "\n").trim_start_matches('\u{feff}').trim_end_matches('\n').to_owned()
}

/// The language of a notebook's cells.
fn kernel(notebook: &Value) -> String {
    let names = ["/metadata/kernelspec/language", "/metadata/language_info/name", "/metadata/language"];
    names.iter().find_map(|name| notebook.pointer(name)?.as_str()).unwrap_or("python").to_owned()
}

/// The message of a JSON error without the place, which the finding has.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rsplit_once(" at line ").map_or(message.clone(), |(message, _)| message.to_owned())
}

/// A lesson of which nothing can be read.
fn unreadable(source: &Arc<Source>, id: &str, offset: usize, message: &str) -> Guide {
    let mut page = Page::new(source);
    let at = offset.min(source.text().len());
    page.finding(Code::Unreadable, Span::new(at, at), message, "save the notebook again with Jupyter, in nbformat 4");
    page.guide(id, None)
}

#[cfg(test)]
mod tests;
