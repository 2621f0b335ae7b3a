//! What a reader has gathered of a page so far: the blocks, the prose between them, and the directives that wait for their block. Shared by the readers of every format
//! that is not Markdown or plain text. It never looks at the page itself.

use std::sync::Arc;

use super::{Block, Body, Chapter, Directive, Guide, Info, Language, Lesson, Mark, Prose, ProseKind, Role};
use super::{directive, language, number, settle};
use crate::finding::{Code, Finding, Location};
use crate::source::{Source, Span};

/// The blocks and the prose of one page, in reading order.
#[derive(Debug)]
pub(super) struct Page {
    /// The text that is read.
    pub(super) source: Arc<Source>,
    /// The code so far.
    pub(super) blocks: Vec<Block>,
    /// The prose so far.
    pub(super) prose: Vec<Prose>,
    /// What is wrong with the page.
    pub(super) findings: Vec<Finding>,
    /// The directives that stand before the next block.
    pub(super) waiting: Vec<Directive>,
}

impl Page {
    /// A page of which nothing is read yet.
    pub(super) fn new(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), blocks: Vec::new(), prose: Vec::new(), findings: Vec::new(), waiting: Vec::new() }
    }

    /// Add prose, if there is any text in it.
    pub(super) fn prose(&mut self, prose: Prose) {
        if !prose.text.is_empty() {
            self.prose.push(prose);
        }
    }

    /// Add code whose language is known, with its role.
    pub(super) fn block(&mut self, body: Body, language: Language, role: Role, mark: Mark, info: Info) {
        if body.lines.iter().any(|line| !line.text.trim().is_empty()) {
            self.add(Block { body, language, role, mark, info, directives: Vec::new() });
        }
    }

    /// Add a block, with the directives that wait for it before its own.
    pub(super) fn add(&mut self, mut block: Block) {
        let own = std::mem::replace(&mut block.directives, std::mem::take(&mut self.waiting));
        block.directives.extend(own);
        self.blocks.push(block);
    }

    /// Add code whose language the page names, or the page's default, or nobody: then its text tells.
    pub(super) fn code(&mut self, body: Body, word: Option<&str>, mark: Mark, info: Info) {
        let text = body.text();
        // `python+sql` is Python whose log is shown beside it.
        let word = word.map(|word| word.strip_suffix("+sql").unwrap_or(word));
        let language = language::resolve(word, &text);
        let role = language::role(&language, &text);
        self.block(body, language, role, mark, info);
    }

    /// A comment of the page: a directive if it speaks to Proctor, else nothing.
    pub(super) fn comment(&mut self, span: Span) {
        if let Some(parsed) = directive::parse(&self.source, span) {
            self.waiting.extend(parsed.directives);
            self.findings.extend(parsed.findings);
        }
    }

    /// Note what is wrong with the page.
    pub(super) fn finding(&mut self, code: Code, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.findings.push(Finding::new(code, Location::new(&self.source, span), message).with_help(help));
    }

    /// The page has ended: no block follows the directives that still wait.
    pub(super) fn end(&mut self) {
        for directive in std::mem::take(&mut self.waiting) {
            self.findings.push(directive::stray(&self.source, &directive));
        }
    }

    /// The page as a lesson. Its title is its first heading, or `title`, or its id.
    pub(super) fn lesson(mut self, id: &str, title: Option<String>) -> Lesson {
        self.end();
        settle::settle(&mut self.blocks, &self.prose);
        let heading = self.prose.iter().find(|prose| matches!(prose.kind, ProseKind::Heading(_)));
        let line = heading.map_or(1, |heading| self.source.place(heading.span.start).line);
        let title = heading.map(|heading| heading.text.clone()).or(title).unwrap_or_else(|| id.rsplit('/').next().unwrap_or(id).to_owned());
        let (number, title) = number::of_title(&title);
        let span = Span::new(0, self.source.text().len());
        Lesson {
            id: id.to_owned(),
            title,
            number: number.or_else(|| number::of_id(id)),
            source: self.source,
            span,
            line,
            blocks: self.blocks,
            prose: self.prose,
            draft: false,
            findings: self.findings,
        }
    }

    /// The page as a guide of one lesson.
    pub(super) fn guide(self, id: &str, title: Option<String>) -> Guide {
        let lesson = self.lesson(id, title);
        Guide { title: Some(lesson.title.clone()), chapters: vec![Chapter { lessons: vec![lesson], ..Chapter::default() }], set: false }
    }
}

/// What tests look at: a line for each block, heading, caption and finding, in reading order.
#[cfg(test)]
pub(super) fn outline(guide: &Guide) -> String {
    use std::fmt::Write as _;

    let mut outline = String::new();
    for lesson in guide.lessons() {
        let source = &lesson.source;
        let at = |offset| source.place(offset).cell.map_or_else(String::new, |cell| format!("cell {cell} ")) + &format!("line {}", source.place(offset).line);
        let mut lines = Vec::new();
        for block in &lesson.blocks {
            let directives = block.directives.iter().map(|directive| format!(" !{}", directive.word)).collect::<String>();
            let caption = block.info.attributes.get("caption").map(|caption| format!(" \"{caption}\"")).unwrap_or_default();
            let (start, language) = (block.span().start, language::name(&block.language));
            let code = block.body.text().trim_end().replace('\n', "\n    | ");
            lines.push((start, format!("{}: {language} {:?} {:?}{caption}{directives}\n    | {code}", at(start), block.role, block.mark)));
        }
        for prose in &lesson.prose {
            let extra =
                [("code", &prose.code), ("links", &prose.links)].into_iter().filter(|(_, all)| !all.is_empty()).map(|(what, all)| format!(" {what} {all:?}"));
            lines.push((prose.span.start, format!("{}: {:?} {}{}", at(prose.span.start), prose.kind, prose.text, extra.collect::<String>())));
        }
        lines.extend(lesson.findings.iter().map(|finding| {
            let start = finding.location.span.start;
            (start, format!("{}: {} {}", at(start), finding.code.word(), finding.message))
        }));
        lines.sort_by_key(|(start, _)| *start);
        let _ = writeln!(outline, "{} {:?} {}", lesson.id, lesson.number.as_deref().unwrap_or(""), lesson.title);
        for (_, line) in lines {
            let _ = writeln!(outline, "  {line}");
        }
    }
    outline
}

/// What must hold of any guide that was read from any text: every place lies in its source, on letters' bounds, and in order.
#[cfg(test)]
pub(super) fn is_sound(guide: &Guide) -> bool {
    guide.lessons().all(|lesson| {
        let text = lesson.source.text();
        let inside = |span: Span| span.start <= span.end && text.get(span.start..span.end).is_some();
        let ordered = |spans: Vec<Span>| spans.windows(2).all(|pair| pair[0].start <= pair[1].start);
        inside(lesson.span)
            && lesson
                .blocks
                .iter()
                .all(|block| !block.body.lines.is_empty() && block.body.lines.iter().all(|line| inside(line.span) && !line.text.contains('\n')))
            && lesson.blocks.iter().all(|block| ordered(block.body.lines.iter().map(|line| line.span).collect()))
            && ordered(lesson.blocks.iter().map(Block::span).collect())
            && ordered(lesson.prose.iter().map(|prose| prose.span).collect())
            && lesson.prose.iter().all(|prose| inside(prose.span))
            && lesson.findings.iter().all(|finding| inside(finding.location.span))
    })
}
