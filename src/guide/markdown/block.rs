//! Code blocks of Markdown: their lines, their language, and what stands in them that is not code.
//!
//! Every line of a block that the page shows is a line of its body, at its own place. It never drops a line of code.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Code;
use super::include::{self, Folder};
use super::info::{self, Opening};
use super::rewrite::{self, Rewritten};
use crate::finding::{Code as FindingCode, Finding, Location};
use crate::guide::{Block, Body, BodyLine, Info, Language, Mark, Role, is_file_name, language};
use crate::source::{Source, Span};

/// What a stretch of code holds: one block, or several where indented code turns out to hold fences.
#[derive(Default)]
pub(super) struct Found {
    pub(super) blocks: Vec<Block>,
    pub(super) finding: Option<Finding>,
}

/// Read the block that CommonMark sees in `code`.
pub(super) fn read(source: &Arc<Source>, page: &Rewritten, code: &Code, folder: Option<&Folder<'_>>) -> Found {
    let first = page.line_of(code.range.start);
    let lines = lines(source, page, code);
    let Some(info) = &code.info else { return Found { blocks: indented(lines, folder), finding: None } };
    let text = page.text.get(code.range.clone()).unwrap_or("");
    let last = page.line_of(code.range.start + text.trim_end().len().saturating_sub(1));
    let marks = text.trim_start();
    let mark = marks.chars().next().unwrap_or('`');
    let length = marks.chars().take_while(|c| *c == mark).count();
    let closed = last > first && !lines.contains_key(&last) && rewrite::closes(line_of_text(page, code, last), mark, length);
    let end = if closed { last.saturating_sub(1) } else { last };
    let body: Vec<BodyLine> = (first + 1..=end).map(|line| lines.get(&line).cloned().unwrap_or_else(|| empty_line(source, line))).collect();
    let finding = (!closed).then(|| unclosed(source, page, code, first));
    let place = source.line_span(first).end;
    Found { blocks: vec![placed(fenced(info::parse(info), body, folder), place)], finding }
}

/// The part of line `line` of the rewritten page that lies in the block.
fn line_of_text<'p>(page: &'p Rewritten, code: &Code, line: usize) -> &'p str {
    let text = page.text.get(code.range.clone()).unwrap_or("").trim_end();
    let start = text.rfind('\n').map_or(0, |at| at + 1);
    debug_assert!(page.line_of(code.range.start + start) == line);
    &text[start..]
}

/// The lines of the code by their numbers, as CommonMark strips them.
fn lines(source: &Source, page: &Rewritten, code: &Code) -> BTreeMap<usize, BodyLine> {
    let mut lines: BTreeMap<usize, BodyLine> = BTreeMap::new();
    let mut blanks = String::new();
    for (range, text) in &code.pieces {
        let is_source = page.text.get(range.clone()) == Some(text);
        if range.is_empty() || !is_source && text.chars().all(|c| c == ' ') {
            // What is left of a tab of which the container took a part.
            blanks.push_str(text);
            continue;
        }
        let mut at = range.start;
        for piece in page.text.get(range.clone()).unwrap_or("").split_inclusive('\n') {
            let line = page.line_of(at);
            let start = page.back(at);
            lines.entry(line).or_insert_with(|| {
                let span = Span::new(start, source.line_span(line).end.max(start));
                BodyLine { text: std::mem::take(&mut blanks) + source.slice(span), span }
            });
            at += piece.len();
        }
        blanks.clear();
    }
    lines
}

fn empty_line(source: &Source, line: usize) -> BodyLine {
    let end = source.line_span(line).end;
    BodyLine { text: String::new(), span: Span::new(end, end) }
}

/// The finding for a fence that is never closed.
fn unclosed(source: &Arc<Source>, page: &Rewritten, code: &Code, first: usize) -> Finding {
    let rest = page.text.get(code.range.end..).unwrap_or("");
    let help = if rest.trim().is_empty() {
        "everything to the end of the page is read as code; close the fence with a line of its own"
    } else {
        "the list or quotation around it ends first; indent the closing fence as far as the opening one"
    };
    Finding::new(FindingCode::UnclosedFence, Location::line(source, first), "this code fence is never closed").with_help(help)
}

/// Indented code. Fences in it, as lists and admonitions have them that CommonMark does not know, are blocks of their own.
fn indented(lines: BTreeMap<usize, BodyLine>, folder: Option<&Folder<'_>>) -> Vec<Block> {
    let lines: Vec<BodyLine> = lines.into_values().collect();
    let mut blocks = Vec::new();
    let (mut at, mut plain) = (0, Vec::new());
    while at < lines.len() {
        let opening = rewrite::fence(&lines[at].text).filter(|(mark, _, _)| *mark != ':' && lines[at].text.trim_start().starts_with(*mark));
        let close = opening.and_then(|(mark, length, _)| (at + 1..lines.len()).find(|&line| rewrite::closes(&lines[line].text, mark, length)));
        let (Some((_, _, info)), Some(close)) = (opening, close) else {
            plain.push(lines[at].clone());
            at += 1;
            continue;
        };
        blocks.extend(unfenced(std::mem::take(&mut plain), folder));
        let indent = lines[at].text.len() - lines[at].text.trim_start_matches(' ').len();
        let body = lines[at + 1..close].iter().map(|line| dedent(line, indent)).collect();
        blocks.push(placed(fenced(info::parse(info), body, folder), lines[at].span.end));
        at = close + 1;
    }
    blocks.extend(unfenced(plain, folder));
    blocks
}

/// The block; one with nothing in it stands at `place`, the end of its opening line, so that it has a place like any other.
fn placed(mut block: Block, place: usize) -> Block {
    if block.body.lines.is_empty() {
        block.body.lines.push(BodyLine { text: String::new(), span: Span::new(place, place) });
    }
    block
}

/// A line without up to `indent` spaces at its start.
fn dedent(line: &BodyLine, indent: usize) -> BodyLine {
    let removed = line.text.bytes().take(indent).take_while(|byte| *byte == b' ').count();
    let taken = line.span.len().saturating_sub(line.text.len() - removed).min(removed);
    BodyLine { text: line.text[removed..].to_owned(), span: Span::new(line.span.start + taken, line.span.end) }
}

/// Indented lines as a block, if they are not all blank.
fn unfenced(mut lines: Vec<BodyLine>, folder: Option<&Folder<'_>>) -> Option<Block> {
    let is_blank = |line: &BodyLine| line.text.trim().is_empty();
    while lines.pop_if(|line| is_blank(line)).is_some() {}
    let first = lines.iter().position(|line| !is_blank(line))?;
    let lines = lines.split_off(first);
    let place = lines[0].span.end;
    Some(placed(block(Info::default(), lines, Mark::Indented, folder), place))
}

/// A fenced block: code, or a MyST directive.
fn fenced(opening: Opening, mut lines: Vec<BodyLine>, folder: Option<&Folder<'_>>) -> Block {
    let Opening { mut info, directive } = opening;
    let Some(directive) = directive else { return block(info, lines, Mark::Fence, folder) };
    take_options(&mut info, &mut lines);
    let reason = match directive.as_str() {
        "code" | "code-block" | "code-cell" | "sourcecode" | "testcode" | "prompt" => None,
        "doctest" => {
            info.language = Some("pycon".to_owned());
            None
        }
        "testoutput" => {
            info.language = Some("text".to_owned());
            None
        }
        "literalinclude" | "include" => {
            Some(format!("its code is included from `{}`, which is not followed", info.language.as_deref().unwrap_or("another file")))
        }
        other => Some(format!("a `{other}` directive")),
    };
    if let Some(reason) = reason {
        let body = Body { lines };
        return Block { body, language: Language::Other(directive), role: Role::Foreign(reason), mark: Mark::Directive, info, directives: Vec::new() };
    }
    let mut block = block(info, lines, Mark::Directive, folder);
    if directive == "testoutput" {
        block.role = Role::Output;
    }
    block
}

/// Move a directive's options, `:caption: app.py` or a block between `---`, from its lines to its info.
fn take_options(info: &mut Info, lines: &mut Vec<BodyLine>) {
    let is_option =
        |line: &BodyLine| line.text.strip_prefix(':').and_then(|rest| rest.split_once(':')).is_some_and(|(key, _)| !key.is_empty() && !key.contains(' '));
    let mut count = lines.iter().take_while(|line| is_option(line)).count();
    let mut options: Vec<&str> = lines[..count].iter().map(|line| &line.text[1..]).collect();
    if lines.first().is_some_and(|line| line.text.trim() == "---")
        && let Some(close) = lines.iter().skip(1).position(|line| line.text.trim() == "---")
    {
        options = lines[1..=close].iter().map(|line| line.text.as_str()).collect();
        count = close + 2;
    }
    for option in options {
        if let Some((key, value)) = option.split_once(':') {
            info.attributes.insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
    if count > 0 && lines.get(count).is_some_and(|line| line.text.trim().is_empty()) {
        count += 1;
    }
    lines.drain(..count.min(lines.len()));
    let caption = info.attributes.get("caption").filter(|caption| is_file_name(caption.trim_matches('`')));
    if let Some(caption) = caption.map(|caption| caption.trim_matches('`').to_owned()) {
        info.attributes.entry("title".to_owned()).or_insert(caption);
    }
}

/// A block of these lines, without what is not code in them.
fn block(info: Info, lines: Vec<BodyLine>, mark: Mark, folder: Option<&Folder<'_>>) -> Block {
    let lines = without_raw_marks(lines);
    let word = info.language.clone().or_else(|| info.attributes.get("title").and_then(|title| ending(title)));
    let (lines, unread) = match include::resolve(lines, folder) {
        Ok(lines) => (lines, None),
        Err((lines, reason)) => (lines, Some(reason)),
    };
    let mut body = Body { lines };
    let mut language = language::resolve(word.as_deref(), &body.text());
    if language == Language::Python
        && !language::parses(&body.text())
        && let Some(unmarked) = without_highlights(&body)
    {
        body = unmarked;
        language = language::resolve(word.as_deref(), &body.text());
    }
    let is_template = word.as_deref().and_then(language::from_word).is_none_or(|said| matches!(said, Language::Html | Language::Jinja));
    let included = body.lines.iter().find_map(|line| include::liquid(&line.text, is_template));
    let reason = unread.or_else(|| included.map(|name| format!("its code is included from `{name}`, which only the site's own build can read")));
    let role = reason.map_or_else(|| language::role(&language, &body.text()), Role::Foreign);
    Block { body, language, role, mark, info, directives: Vec::new() }
}

/// The ending of a file's name, where it is the word for a language that Proctor knows.
fn ending(name: &str) -> Option<String> {
    let (_, ending) = name.rsplit_once('.')?;
    language::from_word(ending).filter(|language| !matches!(language, Language::Other(_))).map(|_| ending.to_owned())
}

/// The lines without Liquid's `{% raw %}` and `{% endraw %}`, which keep the site's build away from the code and are none of it.
fn without_raw_marks(lines: Vec<BodyLine>) -> Vec<BodyLine> {
    if !lines.iter().any(|line| line.text.contains("raw %}") || line.text.contains("raw -%}")) {
        return lines;
    }
    let strip = |mut line: BodyLine| {
        for mark in ["{% raw %}", "{% endraw %}"] {
            if let Some(rest) = line.text.strip_prefix(mark) {
                line = BodyLine { span: Span::new((line.span.start + mark.len()).min(line.span.end), line.span.end), text: rest.to_owned() };
            }
            if let Some(rest) = line.text.strip_suffix(mark) {
                line = BodyLine { span: Span::new(line.span.start, line.span.end.saturating_sub(mark.len()).max(line.span.start)), text: rest.to_owned() };
            }
            line.text = line.text.replace(mark, "");
        }
        line
    };
    lines.into_iter().filter(|line| !rewrite::is_raw_mark(&line.text)).map(strip).collect()
}

/// The body without the marks that some sites put before lines to highlight them, if it is Python without them.
fn without_highlights(body: &Body) -> Option<Body> {
    const MARK: &str = "~~";
    let mut marked = 0;
    let strip = |line: &BodyLine| match line.text.strip_prefix(MARK) {
        Some(rest) => {
            marked += 1;
            BodyLine { text: rest.to_owned(), span: Span::new((line.span.start + MARK.len()).min(line.span.end), line.span.end) }
        }
        None => line.clone(),
    };
    let stripped = Body { lines: body.lines.iter().map(strip).collect() };
    (marked > 0 && language::parses(&stripped.text())).then_some(stripped)
}
