//! Markdown, in the dialects that courses are written in. A page is one lesson.
//!
//! `Source --guide::parse--> (Guide, Findings)`: total, it never fails and never panics. It never decides what a block needs or whether it is right.

mod block;
mod front_matter;
mod html_block;
mod include;
mod info;
mod rewrite;

use std::ops::Range;
use std::sync::Arc;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{Block, Chapter, Directive, Guide, Lesson, Prose, ProseKind, directive, number, settle};
use crate::finding::Finding;
use crate::source::{Source, Span};

use html_block::HtmlBlocks;
pub use include::Folder;
pub(super) use rewrite::{Rewritten, rewrite};

/// Read a page of Markdown. Includes of other files are not followed: they are named in the block's role.
#[must_use]
pub fn parse(source: &Arc<Source>, id: &str) -> Guide {
    parse_in(source, id, None)
}

/// Read a page of Markdown that lies in a folder, so that the files it includes can be read as well.
#[must_use]
pub fn parse_in(source: &Arc<Source>, id: &str, folder: Option<&Folder<'_>>) -> Guide {
    let page = rewrite(source);
    let mut reader = Reader {
        source,
        page: &page,
        folder,
        blocks: Vec::new(),
        prose: Vec::new(),
        findings: Vec::new(),
        pending: Vec::new(),
        open: None,
        code: None,
        html: HtmlBlocks::default(),
    };
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_HEADING_ATTRIBUTES;
    for (event, range) in Parser::new_ext(&page.text, options).into_offset_iter() {
        reader.read(event, range);
    }
    let lesson = reader.finish(id);
    Guide { title: Some(lesson.title.clone()), chapters: vec![Chapter { lessons: vec![lesson], ..Chapter::default() }], set: false }
}

/// A piece of prose that is being read.
struct Open {
    range: Range<usize>,
    prose: Prose,
}

/// A code block that is being read: where it stands, what its fence says, and the pieces of its text.
struct Code {
    range: Range<usize>,
    /// The info string; `None` for indented code.
    info: Option<String>,
    pieces: Vec<(Range<usize>, String)>,
}

/// The page as far as it is read.
struct Reader<'a> {
    source: &'a Arc<Source>,
    page: &'a Rewritten,
    folder: Option<&'a Folder<'a>>,
    blocks: Vec<Block>,
    prose: Vec<Prose>,
    findings: Vec<Finding>,
    /// Directives that wait for their block.
    pending: Vec<Directive>,
    open: Option<Open>,
    code: Option<Code>,
    html: HtmlBlocks,
}

impl Reader<'_> {
    fn read(&mut self, event: Event<'_>, range: Range<usize>) {
        if self.html.covers(self.page.back(range.start)) {
            return;
        }
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                self.close();
                let info = match kind {
                    CodeBlockKind::Fenced(info) => Some(info.into_string()),
                    CodeBlockKind::Indented => None,
                };
                self.code = Some(Code { range, info, pieces: Vec::new() });
            }
            Event::End(TagEnd::CodeBlock) => self.close_code(),
            Event::Text(text) => match &mut self.code {
                Some(code) => code.pieces.push((range, text.into_string())),
                None => self.open_at(range, ProseKind::Paragraph).text.push_str(&text),
            },
            Event::Code(text) => {
                let prose = self.open_at(range, ProseKind::Paragraph);
                prose.text.push_str(&text);
                prose.code.push(text.into_string());
            }
            Event::SoftBreak | Event::HardBreak => self.open_at(range, ProseKind::Paragraph).text.push(' '),
            Event::Start(Tag::Heading { level, .. }) => {
                self.close();
                self.open_at(range, ProseKind::Heading(level_number(level)));
            }
            Event::Start(Tag::Link { dest_url, .. }) => self.open_at(range, ProseKind::Paragraph).links.push(dest_url.into_string()),
            Event::Start(Tag::HtmlBlock) => {
                self.close();
                self.html_block(&range);
            }
            Event::InlineHtml(_) => self.comments(&range),
            Event::Start(Tag::Paragraph) => {
                self.close();
                self.open_at(range, ProseKind::Paragraph);
            }
            Event::Start(tag) if !is_inline(&tag.to_end()) => self.close(),
            Event::End(tag) if !is_inline(&tag) => self.close(),
            _ => {}
        }
    }

    /// The open piece of prose, stretched over `range`; a new one of this kind if none is open.
    fn open_at(&mut self, range: Range<usize>, kind: ProseKind) -> &mut Prose {
        let open = self.open.get_or_insert_with(|| Open {
            range: range.clone(),
            prose: Prose { span: Span::default(), kind, text: String::new(), code: Vec::new(), links: Vec::new() },
        });
        open.range = open.range.start.min(range.start)..open.range.end.max(range.end);
        &mut open.prose
    }

    /// Close the open piece of prose.
    fn close(&mut self) {
        let Some(Open { range, mut prose }) = self.open.take() else { return };
        prose.span = self.page.back_span(&range);
        let written = self.source.slice(prose.span);
        let is_comment = written.starts_with("{/*") || written.starts_with('%');
        if let Some(parsed) = is_comment.then(|| directive::parse(self.source, prose.span)).flatten() {
            self.take(parsed);
            return;
        }
        prose.links.extend(include::named(written).map(str::to_owned));
        if !prose.text.trim().is_empty() {
            prose.text = prose.text.trim().to_owned();
            self.prose.push(prose);
        }
    }

    /// Read the directives of every comment in a stretch of HTML.
    fn comments(&mut self, range: &Range<usize>) {
        let span = self.page.back_span(range);
        let html = self.source.slice(span);
        let mut at = 0;
        while let Some(start) = html[at..].find("<!--").map(|found| at + found) {
            let end = html[start + 4..].find("-->").map_or(html.len(), |found| start + 4 + found + 3);
            if let Some(parsed) = directive::parse(self.source, Span::new(span.start + start, span.start + end)) {
                self.take(parsed);
            }
            at = end;
        }
    }

    fn take(&mut self, parsed: directive::Parsed) {
        self.pending.extend(parsed.directives);
        self.findings.extend(parsed.findings);
    }

    fn close_code(&mut self) {
        let Some(code) = self.code.take() else { return };
        let found = block::read(self.source, self.page, &code, self.folder);
        self.findings.extend(found.finding);
        for mut block in found.blocks {
            block.directives = std::mem::take(&mut self.pending);
            self.blocks.push(block);
        }
    }

    /// The page as a lesson.
    fn finish(mut self, id: &str) -> Lesson {
        self.close();
        self.findings.extend(self.pending.iter().map(|directive| directive::stray(self.source, directive)));
        settle::settle(&mut self.blocks, &self.prose);
        let heading = self.prose.iter().find(|piece| piece.kind == ProseKind::Heading(1));
        let written = heading.map(|piece| piece.text.clone()).or_else(|| self.page.title.clone());
        let title = written.unwrap_or_else(|| id.rsplit('/').next().unwrap_or(id).to_owned());
        let (numbered, title) = number::of_title(&title);
        Lesson {
            id: id.to_owned(),
            number: numbered.or_else(|| number::of_id(id)),
            title,
            source: Arc::clone(self.source),
            span: Span::new(0, self.source.text().len()),
            line: heading.map_or(1, |piece| self.source.line_of(piece.span.start)),
            blocks: self.blocks,
            prose: self.prose,
            draft: false,
            findings: self.findings,
        }
    }
}

fn level_number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// Whether a tag stands within a piece of prose.
fn is_inline(tag: &TagEnd) -> bool {
    matches!(tag, TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image | TagEnd::Superscript | TagEnd::Subscript)
}

#[cfg(test)]
mod tests;
