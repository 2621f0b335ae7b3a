//! Explicit markup: directives, comments, targets. Decides which directives hold code, which hold prose that is read on, and which hold neither.
//! An unknown directive is read as prose with code in it, so that no extension's tabs or boxes lose a block.

use super::line::{Line, indented_end, trim};
use super::{Reader, Region, joined};
use crate::finding::Code;
use crate::guide::{Info, Language, Mark, Prose, ProseKind, Role};
use crate::source::Span;

/// What the content of a directive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Code in the language of its argument.
    Code,
    /// Code in this language, whatever its argument.
    CodeIn(&'static str),
    /// The output of the code before it.
    Output,
    /// The content of another file, which is not read.
    Include,
    /// The language of the literal blocks that follow.
    Highlight,
    /// The pages below this one.
    Contents,
    /// Prose that begins in the directive's own line.
    Text,
    /// Prose behind a version number.
    Version,
    /// Prose under a title.
    Titled,
    /// Nothing that is read: pictures, formulas, tables in other notations.
    Skipped,
    /// Anything else: prose, and an argument that no reader sees.
    Prose,
}

fn kind(name: &str) -> Kind {
    match name {
        "code-block" | "sourcecode" | "code" | "code-tab" | "prompt" | "parsed-literal" => Kind::Code,
        "testcode" | "testsetup" | "testcleanup" | "ipython" | "jupyter-execute" | "execute-code" => Kind::CodeIn("python"),
        "doctest" => Kind::CodeIn("pycon"),
        "jinja" => Kind::CodeIn("jinja"),
        "testoutput" => Kind::Output,
        "include" | "literalinclude" => Kind::Include,
        "highlight" => Kind::Highlight,
        "toctree" => Kind::Contents,
        "note" | "warning" | "tip" | "hint" | "important" | "attention" | "caution" | "danger" | "error" | "seealso" | "todo" | "line-block" | "epigraph"
        | "highlights" | "pull-quote" | "compound" => Kind::Text,
        "versionadded" | "versionchanged" | "deprecated" | "versionremoved" => Kind::Version,
        "admonition" | "topic" | "sidebar" | "rubric" | "tab" | "group-tab" | "tab-item" | "dropdown" | "details" | "card" | "grid-item-card" => Kind::Titled,
        "image" | "csv-table" | "math" | "raw" | "graphviz" | "digraph" | "graph" | "mermaid" | "plantuml" | "uml" | "blockdiag" | "seqdiag" | "contents"
        | "meta" | "index" | "role" | "default-role" | "module" | "currentmodule" | "py:module" | "py:currentmodule" | "productionlist" | "sectnum"
        | "replace" | "unicode" | "date" | "program-output" | "command-output" | "doctest-enable" | "doctest-disable" | "tabularcolumns" => Kind::Skipped,
        _ => Kind::Prose,
    }
}

/// Whether a directive of this name holds code.
pub(super) fn is_code(name: &str) -> bool {
    matches!(kind(name), Kind::Code | Kind::CodeIn(_) | Kind::Output)
}

/// The name of the directive that a line starts.
pub(super) fn name_of(text: &str) -> Option<&str> {
    split(text).map(|(name, _)| name)
}

/// The name of the directive that a line starts, and where its argument does.
fn split(text: &str) -> Option<(&str, usize)> {
    let mut rest = text.strip_prefix("..").filter(|rest| rest.starts_with([' ', '\t']))?.trim_start();
    if let Some(substitution) = rest.strip_prefix('|') {
        rest = substitution.split_once('|')?.1.trim_start();
    }
    let at = rest.find("::")?;
    let name = rest[..at].strip_suffix(' ').unwrap_or(&rest[..at]);
    let behind = &rest[at + 2..];
    let named = name.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.+:".contains(letter))
        && (behind.is_empty() || behind.starts_with([' ', '\t']));
    named.then(|| (name, text.len() - behind.len()))
}

/// A directive taken apart.
struct Parts<'l, 's> {
    /// Its first line.
    line: Line<'s>,
    /// What stands behind its name.
    argument: Line<'s>,
    /// Its options.
    info: Info,
    /// The lines below the options.
    content: &'l [Line<'s>],
}

impl Reader {
    /// Read the explicit markup that starts at line `at`, and give the line behind it.
    pub(super) fn explicit(&mut self, lines: &[Line<'_>], at: usize, indent: usize, region: Region) -> usize {
        let line = lines[at];
        let text = line.text();
        if text == ".." && lines.get(at + 1).is_none_or(|next| next.is_blank()) {
            return at + 1;
        }
        let end = indented_end(lines, at + 1, indent);
        let body = &lines[at + 1..end];
        let Some((name, behind)) = split(text) else {
            self.comment(line, body, region);
            return end;
        };
        let (info, below) = options(body);
        let parts = Parts { line, argument: line.behind(behind), info, content: &body[below..] };
        self.directive(name, parts, region);
        end
    }

    /// What begins with two dots and is no directive: a target, a footnote, or a comment.
    fn comment(&mut self, line: Line<'_>, body: &[Line<'_>], region: Region) {
        let marker = if line.text().starts_with("..") { 2 } else { 0 };
        let rest = line.behind(marker);
        let text = rest.text();
        if let Some(target) = text.strip_prefix("__ ").or_else(|| text.strip_prefix('_').and_then(|target| target.split_once(": ")).map(|(_, target)| target)) {
            self.links(rest.span(), vec![target.trim().to_owned()]);
        } else if text.starts_with('[')
            && let Some(label) = text.find("] ")
        {
            let note = joined(rest.behind(label + 1), body, line.indent());
            self.region(&note, region.inside());
        } else {
            let end = body.last().map_or(rest.span().end, |last| last.span().end);
            self.page.comment(Span::new(rest.span().start, end));
            self.forgotten_colon(line, text);
        }
    }

    /// `.. code-block: python` is a comment: its code is not shown to anybody.
    fn forgotten_colon(&mut self, line: Line<'_>, text: &str) {
        let Some((name, _)) = text.split_once(':') else { return };
        if matches!(name.trim(), "code-block" | "sourcecode" | "literalinclude" | "testcode") {
            let message = format!("`{}` needs two colons and a blank behind it: as it stands, its code is a comment that no reader sees", name.trim());
            self.page.finding(Code::BadDirective, line.span(), message, format!("write `.. {}:: LANGUAGE`", name.trim()));
        }
    }

    fn directive(&mut self, name: &str, parts: Parts<'_, '_>, region: Region) {
        let argument = parts.argument.text();
        match kind(name) {
            Kind::Code => self.code_directive(name, parts, None),
            Kind::CodeIn(word) => self.code_directive(name, parts, Some(word)),
            Kind::Output => self.output(parts),
            Kind::Include => {
                let (caption, span) = (parts.info.attributes.get("caption").cloned().unwrap_or_default(), parts.line.span());
                self.page.prose.push(Prose { span, kind: ProseKind::Paragraph, text: caption, code: Vec::new(), links: vec![argument.to_owned()] });
            }
            Kind::Highlight => self.highlight = argument.split_whitespace().next().map(str::to_owned),
            Kind::Contents => self.contents(parts.content),
            Kind::Skipped => {}
            Kind::Text => self.prose_directive(parts.argument, &parts, region),
            Kind::Version => self.prose_directive(parts.argument.behind(argument.find(' ').unwrap_or(argument.len())), &parts, region),
            Kind::Titled => {
                self.prose(ProseKind::Paragraph, parts.argument.span(), argument);
                self.region(parts.content, Region { depth: region.depth + 1, ..region });
            }
            Kind::Prose => self.region(parts.content, Region { depth: region.depth + 1, ..region }),
        }
    }

    /// Prose that begins behind the directive's name and goes on below.
    fn prose_directive(&mut self, first: Line<'_>, parts: &Parts<'_, '_>, region: Region) {
        let content = parts.content;
        if first.is_blank() {
            return self.region(content, Region { depth: region.depth + 1, ..region });
        }
        let lines = joined(first, content, parts.line.indent());
        self.region(&lines, Region { depth: region.depth + 1, ..region });
    }

    fn code_directive(&mut self, name: &str, mut parts: Parts<'_, '_>, word: Option<&str>) {
        let content = trim(parts.content);
        if content.is_empty() {
            let message = format!("`{name}` has no content: the code below it is not indented, or there is none");
            self.page.finding(Code::BadDirective, parts.line.span(), message, "indent the code below the directive, behind a blank line");
            return;
        }
        let argument = parts.argument.text();
        parts.info.language = argument.split_whitespace().next().map(str::to_owned);
        if let Some(caption) = parts.info.attributes.get("caption") {
            let span = Span::new(parts.line.span().start, content[0].span().start);
            let inline = super::Inline::of(caption);
            self.page.prose(Prose { span, kind: ProseKind::Caption, text: inline.text, code: inline.code, links: inline.links });
        }
        let said = if name == "parsed-literal" { None } else { parts.info.language.clone() };
        self.code(content, word.or(said.as_deref()), Mark::Directive, parts.info);
    }

    fn output(&mut self, parts: Parts<'_, '_>) {
        let body = super::body_of(parts.content);
        self.page.block(body, Language::Text, Role::Output, Mark::Directive, parts.info);
    }

    /// The entries of a table of contents are links.
    fn contents(&mut self, content: &[Line<'_>]) {
        let content = trim(content);
        let (Some(first), Some(last)) = (content.first(), content.last()) else { return };
        let entries = content.iter().filter(|line| !line.is_blank()).map(|line| line.text());
        let links =
            entries.map(|entry| entry.strip_suffix('>').and_then(|entry| entry.rsplit_once('<')).map_or(entry, |(_, target)| target).to_owned()).collect();
        self.links(Span::new(first.span().start, last.span().end), links);
    }

    /// Links without a text that a reader sees.
    fn links(&mut self, span: Span, links: Vec<String>) {
        self.page.prose.push(Prose { span, kind: ProseKind::Paragraph, text: String::new(), code: Vec::new(), links });
    }
}

/// The options at the top of a directive's body, and how many lines they take, the blank ones behind them included.
fn options(body: &[Line<'_>]) -> (Info, usize) {
    let mut info = Info::default();
    let (mut at, mut last, mut indent) = (0, None, 0);
    while let Some(line) = body.get(at).filter(|line| !line.is_blank()) {
        if let Some((key, value)) = option(line.text()) {
            if value.is_empty() {
                info.words.push(key.to_owned());
            } else {
                info.attributes.insert(key.to_owned(), value.to_owned());
            }
            (last, indent) = (Some(key), line.indent());
        } else if let Some(value) = last.filter(|_| line.indent() > indent).and_then(|key| info.attributes.get_mut(key)) {
            // A long caption goes on in the next line.
            *value = format!("{value} {}", line.text());
        } else {
            break;
        }
        at += 1;
    }
    (info, at)
}

/// An option: its key and its value.
fn option(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.strip_prefix(':')?.split_once(':')?;
    let named = !key.is_empty() && key.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_');
    (named && (value.is_empty() || value.starts_with([' ', '\t']))).then(|| (key, value.trim()))
}
