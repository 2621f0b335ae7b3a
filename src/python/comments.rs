//! Comments, and the `print` that each may speak of.

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_python_ast::{Expr, Stmt, UnaryOp};
use ruff_python_parser::{Mode, ParseOptions, parse_expression, parse_unchecked};

use super::range_of;
use crate::source::Span;

/// A comment of a piece of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its line, from 0.
    pub line: usize,
    /// Its bytes, `#` included.
    pub span: Span,
    /// Its text, `#` included.
    pub text: String,
    /// Whether code stands before it on its line.
    pub trailing: bool,
    /// The `print` that ends on its line, or, for a comment that has its line to itself, on the line above it and other comments.
    pub print: Option<Print>,
}

/// A statement that is a call of `print`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    /// Its first line, from 0.
    pub first: usize,
    /// Its last line, from 0.
    pub last: usize,
    /// Whether it stands in a loop or a function, and so may run any number of times.
    pub repeats: bool,
}

/// What a text stands for, read as a Python value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text in quotes: what is between them.
    Text(String),
    /// A set, whose order means nothing.
    Set,
    /// A number, a collection, `None` or the like.
    Plain,
}

/// Every comment of `code`, in order; none if it does not parse.
#[must_use]
pub fn comments(code: &str) -> Vec<Comment> {
    if !code.contains('#') || super::depth::too_deep(code).is_some() {
        return Vec::new();
    }
    let parsed = parse_unchecked(code, ParseOptions::from(Mode::Module));
    let spans: Vec<Span> = parsed.tokens().iter().filter(|token| token.kind() == TokenKind::Comment).map(range_of).collect();
    let Some(module) = parsed.try_into_module().filter(|module| module.errors().is_empty()) else { return Vec::new() };
    let mut prints = Prints { code, depth: 0, found: Vec::new() };
    module.suite().iter().for_each(|statement| prints.visit_stmt(statement));
    let mut found: Vec<Comment> = Vec::new();
    for span in spans {
        let line = code[..span.start].matches('\n').count();
        let start = code[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let trailing = !code[start..span.start].trim().is_empty();
        let ends_on = |line: usize| {
            let mut ending = prints.found.iter().filter(|print| print.last == line);
            ending.next().copied().filter(|_| ending.next().is_none())
        };
        let print = match (trailing, found.last()) {
            (true, _) => ends_on(line),
            (false, Some(last)) if !last.trailing && last.line + 1 == line => last.print,
            (false, _) => line.checked_sub(1).and_then(ends_on),
        };
        found.push(Comment { line, span, text: code[span.start..span.end].to_owned(), trailing, print });
    }
    found
}

struct Prints<'a> {
    code: &'a str,
    /// How many loops and functions are around.
    depth: usize,
    found: Vec<Print>,
}

impl Visitor<'_> for Prints<'_> {
    fn visit_stmt(&mut self, statement: &Stmt) {
        if let Stmt::Expr(expression) = statement
            && let Expr::Call(call) = &*expression.value
            && matches!(&*call.func, Expr::Name(name) if name.id.as_str() == "print")
        {
            let span = range_of(statement);
            let line = |at: usize| self.code[..at].matches('\n').count();
            self.found.push(Print { first: line(span.start), last: line(span.end), repeats: self.depth > 0 });
        }
        let repeats = matches!(statement, Stmt::For(_) | Stmt::While(_) | Stmt::FunctionDef(_) | Stmt::ClassDef(_));
        self.depth += usize::from(repeats);
        walk_stmt(self, statement);
        self.depth -= usize::from(repeats);
    }
}

/// What `text` stands for, if all of it is a value: a literal, or a collection or construction of such. A sum, a name or a sentence is none.
#[must_use]
pub fn value(text: &str) -> Option<Value> {
    if super::depth::too_deep(text).is_some() {
        return None;
    }
    let parsed = parse_expression(text.trim()).ok()?;
    match parsed.expr() {
        Expr::StringLiteral(literal) => Some(Value::Text(literal.value.to_str().to_owned())),
        Expr::Set(_) => Some(Value::Set),
        other => is_value(other).then_some(Value::Plain),
    }
}

fn is_value(expression: &Expr) -> bool {
    match expression {
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::BytesLiteral(_) | Expr::BooleanLiteral(_) | Expr::NoneLiteral(_) => true,
        Expr::UnaryOp(unary) => unary.op == UnaryOp::USub && matches!(&*unary.operand, Expr::NumberLiteral(_)),
        Expr::List(list) => list.elts.iter().all(is_value),
        Expr::Set(set) => set.elts.iter().all(is_value),
        Expr::Tuple(tuple) => tuple.parenthesized && tuple.elts.iter().all(is_value),
        Expr::Dict(dict) => dict.items.iter().all(|item| item.key.as_ref().is_some_and(is_value) && is_value(&item.value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_knows_the_print_that_it_may_speak_of() {
        let code = "print(1)  # a\nx = 1  # b\nfor y in z:\n    print(y)\n    # c\n    # d\nprint('#',\n  2)  # e\n\n# f\nprint(1); print(2)  # g\n";
        let print = |first, last, repeats| Some(Print { first, last, repeats });
        let found: Vec<_> = comments(code).into_iter().map(|comment| (comment.text, comment.line, comment.trailing, comment.print)).collect();
        assert_eq!(
            found,
            [
                ("# a".to_owned(), 0, true, print(0, 0, false)),
                ("# b".to_owned(), 1, true, None),
                ("# c".to_owned(), 4, false, print(3, 3, true)),
                ("# d".to_owned(), 5, false, print(3, 3, true)),
                ("# e".to_owned(), 7, true, print(6, 7, false)),
                ("# f".to_owned(), 9, false, None),
                ("# g".to_owned(), 10, true, None),
            ]
        );
        assert_eq!(comments("print(  # a\n"), []);
    }

    #[test]
    fn values_are_told_from_prose() {
        for text in ["3", "-3.5", "None", "[1, 'a', (2,)]", "{'a': [1]}", "b'x'"] {
            assert_eq!(value(text), Some(Value::Plain), "{text}");
        }
        assert_eq!(value(" 'x y' "), Some(Value::Text("x y".to_owned())));
        assert_eq!(value("{1, 2}"), Some(Value::Set));
        for text in ["see below", "x", "3 rows", "1, 2", "a + b", "2026-01-31", "len(x)", "3 (not 4)", "", "~3"] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
