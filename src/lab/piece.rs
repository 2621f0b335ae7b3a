//! Pieces: the top-level statements of a block, each with its place in the guide and what it does to names. The smallest thing that a lab is made of.

use std::sync::{Arc, LazyLock};

use regex::Regex;

use crate::guide::{Block, Body, Lesson, Role};
use crate::python::{self, BindKind, Statement};
use crate::source::Span;

/// Where a piece comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PieceOrigin {
    /// A block of the lesson, by index.
    Block(usize),
    /// Another lesson, by id, and a block of it.
    Lesson(String, usize),
    /// Something supplied: a fixture, a forgotten import, setup of the manifest. The number keeps equal ones apart.
    Supplied(String),
}

/// A statement of a program.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) origin: PieceOrigin,
    /// The path of the source it comes from, as tracebacks show it.
    pub(crate) path: Arc<str>,
    /// Its bytes in the source it comes from; empty for what was supplied.
    pub(crate) span: Span,
    /// The line of the source on which `code` starts.
    pub(crate) line: usize,
    pub(crate) code: String,
    pub(crate) facts: Statement,
    /// Whether its value is printed, as a console does.
    pub(crate) console: bool,
}

impl Piece {
    /// What tells pieces apart.
    pub(crate) fn key(&self) -> (PieceOrigin, Span) {
        (self.origin.clone(), self.span)
    }

    /// The block of the lesson that it comes from.
    pub(crate) fn block(&self) -> Option<usize> {
        match self.origin {
            PieceOrigin::Block(index) => Some(index),
            _ => None,
        }
    }

    /// A piece of code that the page does not have.
    pub(crate) fn supplied(name: &str, code: &str) -> Arc<Self> {
        let mut facts = Statement::default();
        for statement in python::parse(code).statements {
            absorb(&mut facts, statement);
        }
        // What a fixture reads, it finds by itself.
        facts.reads.clear();
        facts.later.clear();
        Arc::new(Self {
            origin: PieceOrigin::Supplied(name.to_owned()),
            path: format!("<proctor {name}>").into(),
            span: Span::default(),
            line: 1,
            code: code.to_owned(),
            facts,
            console: false,
        })
    }

    /// Names of definitions, tables and endpoints that it lays claim to: two pieces that share one are two versions of the same thing.
    pub(crate) fn claims(&self) -> impl Iterator<Item = String> {
        let names = self.facts.binds.iter().filter(|bind| bind.is_definition()).map(|bind| format!("name {}", bind.name));
        let tables = self.facts.mentioned(python::MentionKind::OwnTable).map(|table| format!("table {table}"));
        let endpoints = self.facts.mentioned(python::MentionKind::Endpoint).map(|endpoint| format!("endpoint {endpoint}"));
        names.chain(tables).chain(endpoints)
    }
}

/// What a block is made of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pieces {
    pub(crate) pieces: Vec<Arc<Piece>>,
    /// Names that the block would bind, in what does not parse as well.
    pub(crate) names: Vec<String>,
    /// Where it does not parse, with what the parser says.
    pub(crate) errors: Vec<(Span, String)>,
    /// Why it is not code that could run by itself, such as lines from inside a function; then there are no pieces.
    pub(crate) fragment: Option<String>,
    /// Claimed outputs of a console session: the piece they follow, their bytes, their text.
    pub(crate) printed: Vec<Printed>,
}

/// An output that a console session shows.
#[derive(Debug, Clone)]
pub(crate) struct Printed {
    /// The index of the piece that it follows.
    pub(crate) piece: usize,
    pub(crate) span: Span,
    pub(crate) text: String,
}

/// Take a block of Python or a console session apart.
pub(crate) fn pieces(lesson: &Lesson, index: usize, block: &Block) -> Pieces {
    match block.role {
        Role::Console => console(lesson, index, &block.body),
        _ => module(lesson, index, &dedented(&block.body), false),
    }
}

/// The same body with the indentation that all its lines share taken off.
fn dedented(body: &Body) -> Body {
    let indent = body
        .lines
        .iter()
        .filter(|line| !line.text.trim().is_empty())
        .map(|line| line.text.len() - line.text.trim_start_matches([' ', '\t']).len())
        .min()
        .unwrap_or(0);
    let mut body = body.clone();
    if indent > 0 {
        for line in &mut body.lines {
            let cut = indent.min(line.text.len());
            if line.text.is_char_boundary(cut) {
                line.text.drain(..cut);
                line.span.start = (line.span.start + cut).min(line.span.end);
            }
        }
    }
    body
}

fn module(lesson: &Lesson, index: usize, body: &Body, console: bool) -> Pieces {
    let code = body.text();
    let parsed = python::parse(&code);
    let errors: Vec<(Span, String)> = parsed.errors.iter().map(|error| (body.source_span(error.span), error.message.clone())).collect();
    let names = parsed.statements.iter().flat_map(|statement| statement.binds.iter().map(|bind| bind.name.clone())).collect();
    let fragment = if errors.is_empty() { python::inner_lines(&code) } else { python::cut_short(&code, &parsed) };
    if !errors.is_empty() || fragment.is_some() {
        return Pieces { names, errors, fragment, ..Pieces::default() };
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut last_line = usize::MAX;
    for facts in parsed.statements {
        let first = code[..facts.span.start].matches('\n').count();
        let end_line = code[..facts.span.end].matches('\n').count();
        // Statements that share a line are one piece: taken apart they would not keep their columns.
        if first == last_line
            && let Some(piece) = pieces.last_mut()
        {
            piece.span.end = body.source_span(facts.span).end;
            piece.code.clear();
            let start = piece.line - lesson.source.line_of(body.lines[0].span.start);
            piece.code.extend(body.lines[start..=end_line.min(body.lines.len() - 1)].iter().flat_map(|line| [line.text.as_str(), "\n"]));
            absorb(&mut piece.facts, facts);
        } else {
            let text: String = body.lines[first..=end_line.min(body.lines.len() - 1)].iter().flat_map(|line| [line.text.as_str(), "\n"]).collect();
            let line = lesson.source.line_of(body.lines[first].span.start);
            pieces.push(Piece {
                origin: PieceOrigin::Block(index),
                path: lesson.source.path().into(),
                span: body.source_span(facts.span),
                line,
                code: text,
                facts,
                console,
            });
        }
        last_line = end_line;
    }
    Pieces { pieces: pieces.into_iter().map(Arc::new).collect(), names, ..Pieces::default() }
}

/// doctest's own word for an example whose output is not compared.
static SKIPS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"#\s*doctest:.*\+SKIP\b").expect("the pattern is a constant"));

/// A console session: prompts are code, what stands between them is printed.
fn console(lesson: &Lesson, index: usize, body: &Body) -> Pieces {
    let mut found = Pieces::default();
    let mut at = 0;
    while at < body.lines.len() {
        let Some(prompt) = prompt(&body.lines[at].text) else {
            at += 1;
            continue;
        };
        let mut lines = vec![cut(&body.lines[at], prompt)];
        at += 1;
        while at < body.lines.len()
            && let Some(more) = continuation(&body.lines[at].text)
        {
            lines.push(cut(&body.lines[at], more));
            at += 1;
        }
        let output = at;
        while at < body.lines.len() && self::prompt(&body.lines[at].text).is_none() {
            at += 1;
        }
        let skipped = lines.iter().any(|line| SKIPS.is_match(&line.text));
        let statement = module(lesson, index, &Body { lines }, true);
        found.names.extend(statement.names);
        found.errors.extend(statement.errors);
        found.pieces.extend(statement.pieces);
        // A comment above the next prompt says something about what follows it.
        let says = |line: &crate::guide::BodyLine| !line.text.trim().is_empty() && !line.text.trim_start().starts_with("# ");
        let shown: Vec<_> = body.lines[output..at].iter().rposition(says).map_or_else(Vec::new, |last| body.lines[output..=output + last].to_vec());
        if !shown.is_empty() && !found.pieces.is_empty() && !skipped {
            let shown = Body { lines: shown };
            found.printed.push(Printed { piece: found.pieces.len() - 1, span: shown.span(), text: shown.text() });
        }
    }
    if !found.errors.is_empty() {
        found.pieces.clear();
        found.printed.clear();
    }
    found
}

/// How many bytes of a line are a prompt that starts a statement.
pub(crate) fn prompt(line: &str) -> Option<usize> {
    let indent = line.len() - line.trim_start().len();
    let rest = &line[indent..];
    if rest == ">>>" {
        return Some(line.len());
    }
    if rest.starts_with(">>> ") {
        return Some(indent + 4);
    }
    let number = rest.strip_prefix("In [")?;
    let close = number.find("]:")?;
    number[..close].chars().all(|c| c.is_ascii_digit()).then(|| (indent + 4 + close + 3).min(line.len()))
}

/// How many bytes of a line are a prompt that goes on with a statement.
pub(crate) fn continuation(line: &str) -> Option<usize> {
    let indent = line.len() - line.trim_start().len();
    let rest = line[indent..].trim_end();
    if rest == "..." || rest == "...:" {
        return Some(line.len());
    }
    ["... ", "...: "].iter().find(|mark| line[indent..].starts_with(**mark)).map(|mark| indent + mark.len())
}

fn cut(line: &crate::guide::BodyLine, bytes: usize) -> crate::guide::BodyLine {
    let bytes = bytes.min(line.text.len());
    crate::guide::BodyLine { text: line.text[bytes..].to_owned(), span: Span::new((line.span.start + bytes).min(line.span.end), line.span.end) }
}

/// Let `into` do what `other` does as well, after it.
pub(crate) fn absorb(into: &mut Statement, other: Statement) {
    let free = |name: &python::Name, into: &Statement| !into.binds_name(&name.name);
    for name in other.reads {
        if free(&name, into) && !into.reads.iter().any(|known| known.name == name.name) {
            into.reads.push(name);
        }
    }
    for name in other.later {
        if !into.later.iter().any(|known| known.name == name.name) {
            into.later.push(name);
        }
    }
    for bind in other.binds {
        if !into.binds_name(&bind.name) {
            into.binds.push(bind);
        }
    }
    into.stars.extend(other.stars);
    into.imports.extend(other.imports);
    into.mentions.extend(other.mentions);
    into.elided |= other.elided;
    into.hollow |= other.hollow;
}

/// Whether a bind is worth lending: what a page shows as a definition, an import or a made object, and not a plain variable.
pub(crate) fn is_lendable(kind: &BindKind) -> bool {
    match kind {
        BindKind::Value => false,
        // What another file of the page's own has, that file lends.
        BindKind::Import { module, .. } => !module.starts_with('.') && crate::lab::own::is_library(module),
        _ => true,
    }
}
