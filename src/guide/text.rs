//! Plain text: a numbered table of contents, headings without marks, and code that no fence marks. `Source --guide::parse--> Guide`.
//!
//! Code is found by parsing, never by a list of phrases. Reading is total: any text is a guide, in time that grows with its length alone.

mod console;
mod find;
mod foreign;
mod lines;
mod markup;
mod outline;
mod prose;
mod remark;
mod runs;
mod scan;
mod unit;

use std::sync::Arc;

use self::lines::{Lines, Run};
use self::outline::{Entry, Outline, Start, outline};
use self::remark::Remark;
use super::{Block, Body, BodyLine, Chapter, Guide, Info, Lesson, Mark, directive, language, settle};
use crate::finding::Finding;
use crate::source::{Source, Span};

/// Reads plain text. `id` is the guide's id; a lesson of the table of contents has its number behind it, as in `guide#5.5`.
#[must_use]
pub fn parse(source: &Arc<Source>, id: &str) -> Guide {
    let mut lines = Lines::of(source);
    let remarks = remark::take(source, &mut lines);
    let text = Text { source, lines: &lines, remarks: &remarks, id };
    let outline = outline(&lines);
    if outline.chapters.is_empty() { text.single(outline.title) } else { text.course(&outline) }
}

/// A text that is being read.
struct Text<'a> {
    source: &'a Arc<Source>,
    lines: &'a Lines<'a>,
    remarks: &'a [Remark],
    id: &'a str,
}

impl Text<'_> {
    /// A text with a table of contents.
    fn course(&self, outline: &Outline) -> Guide {
        let starts = outline.starts(self.lines);
        let mut chapters: Vec<Chapter> = Vec::new();
        for announced in &outline.chapters {
            let lessons = announced.lessons.iter().map(|entry| self.lesson_of(entry, &starts)).collect();
            chapters.push(Chapter { number: Some(announced.number.to_string()), title: announced.title.clone(), lessons });
        }
        // Text before the first lesson is an introduction, unless it has code: then it is a lesson that the table of contents forgot.
        let from = self.lines.written(outline.body, self.lines.len());
        let to = starts.first().map_or(self.lines.len(), |start| start.from);
        if from < to {
            let lesson = self.written(from, to, from, (self.id.to_owned(), None, self.lines.get(from).trim().to_owned()));
            if !lesson.blocks.is_empty() {
                chapters.insert(0, Chapter { number: None, title: String::new(), lessons: vec![lesson] });
            }
        }
        Guide { title: outline.title.map(|line| self.title(line)), chapters, set: false }
    }

    /// The lesson that an entry announces: what follows its heading, or a draft.
    fn lesson_of(&self, entry: &Entry, starts: &[Start]) -> Lesson {
        let number = format!("{}.{}", entry.number.0, entry.number.1);
        let name = (format!("{}#{number}", self.id), Some(number), entry.title.clone());
        if let Some(at) = starts.iter().position(|start| start.number == entry.number) {
            let end = starts.get(at + 1).map_or(self.lines.len(), |next| next.from);
            let mut lesson = self.written(starts[at].from, end, starts[at].after, name);
            lesson.line = starts[at].title + 1;
            return lesson;
        }
        let (id, number, title) = name;
        let offset = self.source.line_span(entry.line + 1).start;
        Lesson {
            id,
            number,
            title,
            source: Arc::clone(self.source),
            span: Span::new(offset, offset),
            line: entry.line + 1,
            blocks: Vec::new(),
            prose: Vec::new(),
            draft: true,
            findings: Vec::new(),
        }
    }

    /// A text without a table of contents: one lesson.
    fn single(&self, first: Option<usize>) -> Guide {
        let file = self.id.rsplit('/').next().unwrap_or(self.id);
        let name = (self.id.to_owned(), None, file.to_owned());
        let mut lesson = self.written(0, self.lines.len(), 0, name.clone());
        let heading = first.filter(|&line| self.is_title(line, &lesson));
        if let Some(line) = heading {
            lesson = self.written(0, self.lines.len(), line + 1, name);
            lesson.title = self.title(line);
            lesson.line = line + 1;
        }
        let title = lesson.title.clone();
        Guide { title: Some(title), chapters: vec![Chapter { number: None, title: String::new(), lessons: vec![lesson] }], set: false }
    }

    /// Whether a line can be a lesson's title: short, no sentence, no code.
    fn is_title(&self, line: usize, lesson: &Lesson) -> bool {
        let text = self.lines.get(line).trim();
        let span = self.source.line_span(line + 1);
        let is_code = lesson.blocks.iter().any(|block| block.span().contains(span.start) || span.contains(block.span().start));
        !is_code && text.chars().count() <= 100 && !text.ends_with(['.', ':', ';', ','])
    }

    /// A line as a title.
    fn title(&self, line: usize) -> String {
        self.lines.get(line).trim().trim_matches('#').trim().to_owned()
    }

    /// The lesson in lines `from..to`, of which those before `titles` are its title. `name` is its id, number and title.
    fn written(&self, from: usize, to: usize, titles: usize, name: (String, Option<String>, String)) -> Lesson {
        let runs = find::code(self.lines, from.max(titles), to);
        let mut prose = Vec::new();
        let mut at = from;
        for run in &runs {
            prose.extend(prose::prose(self.source, self.lines, at, run.first, titles));
            at = run.end;
        }
        prose.extend(prose::prose(self.source, self.lines, at, to, titles));
        let mut blocks: Vec<Block> = runs.iter().map(|run| self.block(run)).collect();
        let findings = self.direct(from, to, &runs, &mut blocks);
        settle::settle(&mut blocks, &prose);
        let (id, number, title) = name;
        let span = Span::new(self.source.line_span(from + 1).start, self.source.line_span(to).end);
        Lesson { id, number, title, source: Arc::clone(self.source), span, line: from + 1, blocks, prose, draft: false, findings }
    }

    /// Gives each remark in lines `from..to` to the block after it, and says what is wrong with the remarks.
    fn direct(&self, from: usize, to: usize, runs: &[Run], blocks: &mut [Block]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for remark in self.remarks.iter().filter(|remark| (from..to).contains(&remark.line)) {
            if runs.iter().any(|run| (run.first..run.end).contains(&remark.line)) {
                continue;
            }
            findings.extend(remark.parsed.findings.iter().cloned());
            match runs.iter().position(|run| run.first > remark.line) {
                Some(at) => blocks[at].directives.extend(remark.parsed.directives.iter().cloned()),
                None => findings.extend(remark.parsed.directives.iter().map(|unused| directive::stray(self.source, unused))),
            }
        }
        findings
    }

    /// The block of a run: its lines without the indentation that they share.
    fn block(&self, run: &Run) -> Block {
        let base = self.lines.indent(run.first);
        let lines = (run.first..run.end).map(|line| {
            // Not the line as it reads: what was hidden in the midst of code is the code's.
            let text = self.source.line(line + 1);
            let cut = base.min(lines::indent(text));
            let span = self.source.line_span(line + 1);
            BodyLine { text: text[cut..].to_owned(), span: Span::new(span.start + cut, span.end) }
        });
        let body = Body { lines: lines.collect() };
        let role = language::role(&run.language, &body.text());
        Block { body, language: run.language.clone(), role, mark: Mark::Parsed, info: Info::default(), directives: Vec::new() }
    }
}

#[cfg(test)]
mod tests;
