//! Definitions that leave out what the page showed before: their new lines go into the old definition, as a reader would put them. Pure text.

use std::sync::Arc;

use crate::lab::piece::{Piece, absorb};
use crate::python::{self, BindKind, Statement};

/// The old definition with the new lines of `new`; `None` if the two are not versions of one function or class.
pub(crate) fn merge(old: &Piece, new: &Piece) -> Option<Arc<Piece>> {
    let name = defined(new)?;
    if defined(old)? != name {
        return None;
    }
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) = (old.code.lines().collect(), new.code.lines().collect());
    let (old_head, new_head) = (header(&old_lines)?, header(&new_lines)?);
    let old_body = &old_lines[old_head.body..];
    let indent = indent_of(old_body.iter().find(|line| !line.trim().is_empty())?);
    let returns = |line: &&str| line.trim_start().starts_with("return") && indent_of(line) == indent;
    let end = old_body.iter().rposition(returns).unwrap_or(old_body.len());
    // What is left out stays as an empty line, so that every line keeps its number.
    let last = new_lines.iter().rposition(|line| returns(line) && end < old_body.len()).filter(|last| *last >= new_head.body).unwrap_or(new_lines.len());
    let inserted: Vec<&str> = new_lines[new_head.body..last].iter().map(|line| if is_elision(line) { "" } else { line }).collect();
    let inserted = trimmed(&inserted);
    let decorators = if new_head.keyword > 0 { &new_lines[..new_head.keyword] } else { &old_lines[..old_head.keyword] };
    let before: Vec<&str> = decorators.iter().chain(&old_lines[old_head.keyword..old_head.body]).chain(&old_body[..end]).copied().collect();
    let first_inserted = new.line + new_head.body + inserted.0;
    let line = first_inserted.saturating_sub(before.len()).max(1);
    let code: String = before.iter().chain(inserted.1).chain(&old_body[end..]).flat_map(|line| [*line, "\n"]).collect();
    let parsed = python::parse(&code);
    if !parsed.errors.is_empty() {
        return None;
    }
    let mut facts = Statement { span: new.facts.span, ..Statement::default() };
    for statement in parsed.statements {
        absorb(&mut facts, statement);
    }
    facts.elided = false;
    facts.hollow = false;
    Some(Arc::new(Piece { line, code, facts, ..new.clone() }))
}

/// The function or class that a piece defines.
pub(crate) fn defined(piece: &Piece) -> Option<&str> {
    let definition = piece.facts.binds.iter().find(|bind| matches!(bind.kind, BindKind::Function | BindKind::Class { .. }));
    definition.map(|bind| bind.name.as_str())
}

/// Where a definition's own lines begin.
struct Header {
    /// The line with `def` or `class`; decorators stand before it.
    keyword: usize,
    /// The first line of the body.
    body: usize,
}

fn header(lines: &[&str]) -> Option<Header> {
    let starts = |line: &&str| ["def ", "class ", "async def "].iter().any(|word| line.starts_with(word));
    let keyword = lines.iter().position(starts)?;
    let close = lines[keyword..].iter().position(|line| line.split(" #").next().is_some_and(|code| code.trim_end().ends_with(':')))?;
    (keyword + close + 1 < lines.len()).then_some(Header { keyword, body: keyword + close + 1 })
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Whether a line only says that something is left out.
fn is_elision(line: &str) -> bool {
    let line = line.trim();
    line == "..." || line == "pass" || line.strip_suffix("...").is_some_and(|rest| rest.trim_end().ends_with('=')) || python::says_omitted(line)
}

/// The lines without empty ones at both ends, and how many were dropped at the start.
fn trimmed<'a, 'b>(lines: &'b [&'a str]) -> (usize, &'b [&'a str]) {
    let first = lines.iter().position(|line| !line.trim().is_empty()).unwrap_or(lines.len());
    let last = lines.iter().rposition(|line| !line.trim().is_empty()).map_or(first, |last| last + 1);
    (first, &lines[first..last])
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::lab::piece::PieceOrigin;
    use crate::source::Span;

    fn piece(line: usize, code: &str) -> Piece {
        let facts = python::parse(code).statements.remove(0);
        Piece { origin: PieceOrigin::Block(0), path: "a.md".into(), span: Span::new(0, code.len()), line, code: code.to_owned(), facts, console: false }
    }

    #[test]
    fn new_lines_go_before_the_return_and_keep_their_numbers() {
        let old = piece(10, "def make(name, test=None):\n    shop = Shop(name)\n    shop.load(test)\n\n    return shop\n");
        let new = piece(90, "def make():\n    shop = ...\n    # existing code omitted\n\n    from . import till\n    till.open(shop)\n\n    return shop\n");
        let merged = merge(&old, &new).unwrap();
        let expected =
            "def make(name, test=None):\n    shop = Shop(name)\n    shop.load(test)\n\n    from . import till\n    till.open(shop)\n    return shop\n";
        assert_eq!(merged.code, expected);
        assert_eq!(merged.line + 4, 94);
    }

    #[test]
    fn a_stub_with_new_decorators_keeps_the_old_body() {
        let old = piece(1, "@app.route('/')\ndef index():\n    return 'x'\n");
        let new = piece(20, "@app.route('/')\n@checked\ndef index():\n    ...\n");
        assert_eq!(merge(&old, &new).unwrap().code, "@app.route('/')\n@checked\ndef index():\n    return 'x'\n");
    }

    #[test]
    fn a_class_gets_more_members() {
        let old = piece(1, "class A(B):\n    x = 1\n");
        let new = piece(20, "class A(B):\n    # ...\n    y = 2\n");
        assert_eq!(merge(&old, &new).unwrap().code, "class A(B):\n    x = 1\n    y = 2\n");
        assert!(merge(&old, &piece(20, "class C(B):\n    y = 2\n")).is_none());
    }
}
