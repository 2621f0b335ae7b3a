//! The guide: chapters, lessons, blocks and prose, as read from any format. `parse` is total: it never fails and never panics.
//!
//! `Source --guide::parse--> (Guide, Findings)`. Nothing here runs code or knows what a lab is.

pub mod directive;
pub mod html;
pub mod language;
pub mod links;
pub mod load;
pub mod markdown;
pub mod nearest;
pub mod notebook;
pub mod number;
mod page;
pub mod rst;
pub mod settle;
pub mod summary;
pub mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::finding::Finding;
use crate::source::{Source, Span};

/// A whole course, or a set of pages that are a guide of one file each.
#[derive(Debug, Clone, Default)]
pub struct Guide {
    /// The title, if the guide has one.
    pub title: Option<String>,
    /// The chapters in reading order. A guide without chapters has one without a title.
    pub chapters: Vec<Chapter>,
    /// Whether the pages are independent: a directory without a table of contents. Their lessons lend to each other only where a page names the other.
    pub set: bool,
}

impl Guide {
    /// Every lesson in reading order.
    pub fn lessons(&self) -> impl Iterator<Item = &Lesson> {
        self.chapters.iter().flat_map(|chapter| &chapter.lessons)
    }
}

/// A chapter of a guide.
#[derive(Debug, Clone, Default)]
pub struct Chapter {
    /// Its number as the guide writes it, such as `5`.
    pub number: Option<String>,
    /// Its title; empty for lessons that stand in no chapter.
    pub title: String,
    /// Its lessons in reading order.
    pub lessons: Vec<Lesson>,
}

/// A lesson: the edit history of a small project.
#[derive(Debug, Clone)]
pub struct Lesson {
    /// The id: the path from the guide's root without its ending, such as `05-databases/05-relationships`; `PAGE#5.5` for one lesson of a page of many.
    pub id: String,
    /// Its number, such as `5.5`.
    pub number: Option<String>,
    /// Its title.
    pub title: String,
    /// The text that it stands in.
    pub source: Arc<Source>,
    /// The part of the text that is this lesson, its title line included. Empty for a lesson that only the table of contents names.
    pub span: Span,
    /// The line (from 1) where the lesson starts, or where the table of contents names it.
    pub line: usize,
    /// The code, in reading order.
    pub blocks: Vec<Block>,
    /// Everything that is not code, in reading order: headings, paragraphs, list items.
    pub prose: Vec<Prose>,
    /// Whether it is announced and not written.
    pub draft: bool,
    /// What is wrong with the page itself, whatever its code does.
    pub findings: Vec<Finding>,
}

/// A piece of prose between blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prose {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: ProseKind,
    /// Its text as a reader sees it, without markup; words in code font keep no marks.
    pub text: String,
    /// What stands in code font in it, in order.
    pub code: Vec<String>,
    /// The targets of its links and includes, as written.
    pub links: Vec<String>,
}

/// What a piece of prose is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProseKind {
    /// A heading of this level, from 1.
    Heading(u8),
    /// A paragraph, list item, table cell or the like.
    Paragraph,
    /// The caption of the block that follows.
    Caption,
}

/// A block of code, output or file content.
#[derive(Debug, Clone)]
pub struct Block {
    /// Its lines, each with its place in the source.
    pub body: Body,
    /// The language it is written in, as far as the page or its text tells.
    pub language: Language,
    /// What it is for.
    pub role: Role,
    /// How the page marks it.
    pub mark: Mark,
    /// What stands behind the opening fence or in the directive's options.
    pub info: Info,
    /// The Proctor directives that stand before it.
    pub directives: Vec<Directive>,
}

impl Block {
    /// The span from its first to its last line.
    #[must_use]
    pub fn span(&self) -> Span {
        self.body.span()
    }

    /// The first line of the code itself, from 1, in the file.
    #[must_use]
    pub fn line(&self, source: &Source) -> usize {
        source.line_of(self.span().start)
    }

    /// The directive of this word, if the block has it.
    #[must_use]
    pub fn directive(&self, word: &str) -> Option<&Directive> {
        self.directives.iter().find(|directive| directive.word == word)
    }
}

/// The lines of a block. The text of line N stands in the source at its span; where a format decodes (HTML entities, JSON strings) the two may differ in length.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Body {
    /// The lines, without newlines.
    pub lines: Vec<BodyLine>,
}

/// One line of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyLine {
    /// The line as the code has it: prefixes of lists and quotes stripped, entities decoded.
    pub text: String,
    /// Where it stands in the source, prefixes left out.
    pub span: Span,
}

impl Body {
    /// The body whose lines stand in `source` at these spans, letter by letter.
    #[must_use]
    pub fn of_spans(source: &Source, spans: impl IntoIterator<Item = Span>) -> Self {
        Self { lines: spans.into_iter().map(|span| BodyLine { text: source.slice(span).to_owned(), span }).collect() }
    }

    /// The code: its lines, each ended by a newline.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.text.as_str(), "\n"]).collect()
    }

    /// The span from the first line's start to the last line's end.
    #[must_use]
    pub fn span(&self) -> Span {
        match (self.lines.first(), self.lines.last()) {
            (Some(first), Some(last)) => Span::new(first.span.start, last.span.end),
            _ => Span::default(),
        }
    }

    /// The source offset of a line (from 0) and a byte column (from 0) of the code.
    #[must_use]
    pub fn offset(&self, line: usize, column: usize) -> usize {
        self.lines.get(line).map_or_else(|| self.span().end, |line| (line.span.start + column).min(line.span.end))
    }

    /// The source span of a span of [`Body::text`].
    #[must_use]
    pub fn source_span(&self, span: Span) -> Span {
        let (mut at, mut start, mut end) = (0, None, self.span().end);
        for line in &self.lines {
            let next = at + line.text.len() + 1;
            if start.is_none() && span.start < next {
                start = Some((line.span.start + span.start - at).min(line.span.end));
            }
            if span.end < next {
                end = (line.span.start + span.end.saturating_sub(at)).min(line.span.end);
                break;
            }
            at = next;
        }
        Span::new(start.unwrap_or(end), end)
    }
}

/// The language of a block.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// Python source.
    Python,
    /// A Python session: `>>>` or IPython prompts, with or without output.
    PythonConsole,
    /// Commands of a POSIX shell, with or without prompts and output.
    Shell,
    /// Commands of PowerShell or cmd.exe.
    WindowsShell,
    /// HTML, also with template marks.
    Html,
    /// A Jinja template that is not plainly HTML.
    Jinja,
    /// CSS.
    Css,
    /// JavaScript.
    JavaScript,
    /// SQL.
    Sql,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// TOML.
    Toml,
    /// INI, `.env`, `.flaskenv` and other `key=value` files.
    Ini,
    /// A directory tree drawn in text.
    Tree,
    /// An HTTP request or response as text.
    Http,
    /// Plain text or output.
    Text,
    /// Anything else, by the page's own word.
    Other(String),
}

/// What a block is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Python that runs.
    Python,
    /// A console session that runs: Python's `>>>`.
    Console,
    /// Shell commands that run.
    Shell,
    /// The content of a file.
    File,
    /// The output that the page claims for the code before it.
    Output,
    /// Not ours to run, with the reason.
    Foreign(String),
}

/// How a page marks a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A fence of backticks or tildes.
    Fence,
    /// Indentation (Markdown), or a literal block after `::` (reStructuredText).
    Indented,
    /// A directive of reStructuredText or MyST.
    Directive,
    /// A doctest paragraph of reStructuredText.
    Doctest,
    /// A `<pre>` element.
    Pre,
    /// A notebook cell.
    Cell,
    /// Nothing: found by parsing plain text.
    Parsed,
}

/// The info string of a fence, or the options of a directive, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Info {
    /// The first word, as written: the language.
    pub language: Option<String>,
    /// Words without a value.
    pub words: Vec<String>,
    /// `key="value"` pairs and directive options such as `caption`.
    pub attributes: BTreeMap<String, String>,
}

/// A `<!-- proctor: ... -->` directive, or its form in another format. Known words and their attributes are listed in `guide/directive.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Its word, such as `skip`.
    pub word: String,
    /// Its attributes, such as `reason`.
    pub attributes: BTreeMap<String, String>,
    /// Where it stands.
    pub span: Span,
}

/// Whether a word can only be the name of a file: `templates/index.html` and `.env`, but no version and no bare word.
#[must_use]
pub fn is_file_name(word: &str) -> bool {
    let is_name = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '/' | '_' | '-'));
    let last = word.rsplit('/').next().unwrap_or(word);
    let ending = last.rsplit_once('.').map_or("", |(_, ending)| ending);
    is_name && (1..=8).contains(&ending.len()) && ending.starts_with(|c: char| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_words_are_no_file_names() {
        assert!(is_file_name("templates/index.html"));
        assert!(is_file_name(".env"));
        assert!(!is_file_name("3.11"));
        assert!(!is_file_name("Listing one"));
        assert!(!is_file_name("app"));
    }
}
