//! Expressions with holes, and where code has their shape. Part of `python`; nothing outside it sees a syntax tree.
//!
//! `$x` stands for one expression, `$$x` for any number of arguments, `$x_str` for a string. A dotted name without a hole is one by what it stands for, not
//! by how it is spelled.

use std::collections::BTreeMap;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Arguments, Expr, Stmt};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

use super::sites::words;
use super::{depth, range_of};
use crate::source::Span;

const ONE: &str = "_ONE_";
const MANY: &str = "_MANY_";
const TEXT: &str = "_str";

/// An expression or assignment with holes.
#[derive(Debug, Clone)]
pub struct Pattern {
    shape: Stmt,
    /// Whether it is only meant where it is a statement of its own.
    alone: bool,
}

/// A place that has a pattern's shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The whole.
    pub span: Span,
    /// What is in each hole.
    pub holes: BTreeMap<String, Span>,
}

impl Pattern {
    /// A pattern from its text; `None` if it is none. `statement ` before it: only where it is a statement of its own.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let alone = text.starts_with("statement ");
        let code = text.trim_start_matches("statement ").replace("$$", MANY).replace('$', ONE);
        let module = parse_unchecked(&code, ParseOptions::from(Mode::Module)).try_into_module().filter(|module| module.errors().is_empty())?;
        let mut suite = module.into_suite().into_iter();
        let shape = suite.next().filter(|shape| matches!(shape, Stmt::Expr(_) | Stmt::Assign(_)))?;
        suite.next().is_none().then_some(Self { shape, alone })
    }

    /// Where `code` has this shape, outermost first. `path` tells what the dotted name at a span stands for.
    pub fn find(&self, code: &str, path: &dyn Fn(Span) -> Option<String>) -> Vec<Match> {
        if depth::too_deep(code).is_some() {
            return Vec::new();
        }
        let parsed = parse_unchecked(code, ParseOptions::from(Mode::Module)).try_into_module().filter(|module| module.errors().is_empty());
        let Some(parsed) = parsed else { return Vec::new() };
        let mut search = Search { pattern: self, code, path, found: Vec::new() };
        parsed.suite().iter().for_each(|statement| search.visit_stmt(statement));
        search.found
    }
}

struct Search<'p> {
    pattern: &'p Pattern,
    code: &'p str,
    path: &'p dyn Fn(Span) -> Option<String>,
    found: Vec<Match>,
}

impl Search<'_> {
    fn try_at(&mut self, shape: &Expr, target: &Expr) {
        let mut holes = BTreeMap::new();
        if self.expression(shape, target, &mut holes) {
            self.found.push(Match { span: range_of(target), holes });
        }
    }

    fn expression(&self, shape: &Expr, target: &Expr, holes: &mut BTreeMap<String, Span>) -> bool {
        if let Some(hole) = hole(shape, ONE) {
            return (!hole.ends_with(TEXT) || target.is_string_literal_expr()) && self.fill(hole, range_of(target), holes);
        }
        if let Some((wanted, _)) = words(shape).filter(|(words, _)| !words[0].0.starts_with(ONE)) {
            let wanted = wanted.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(".");
            return words(target).is_some() && ((self.path)(range_of(target)).as_deref() == Some(&wanted) || self.code.get(range(target)) == Some(&wanted[..]));
        }
        match (shape, target) {
            (Expr::Attribute(shape), Expr::Attribute(target)) => {
                shape.attr.as_str() == target.attr.as_str() && self.expression(&shape.value, &target.value, holes)
            }
            (Expr::Call(shape), Expr::Call(target)) => {
                self.expression(&shape.func, &target.func, holes) && self.arguments(&shape.arguments, &target.arguments, holes)
            }
            (Expr::List(shape), Expr::List(target)) => self.items(&shape.elts, &target.elts.iter().collect::<Vec<_>>(), holes),
            _ => false,
        }
    }

    fn fill(&self, hole: &str, span: Span, holes: &mut BTreeMap<String, Span>) -> bool {
        let text = |span: Span| self.code.get(span.start..span.end);
        match holes.get(hole) {
            Some(known) => text(*known) == text(span),
            None => {
                holes.insert(hole.to_owned(), span);
                true
            }
        }
    }

    /// Expressions one by one; a hole for many takes the rest.
    fn items(&self, shapes: &[Expr], targets: &[&Expr], holes: &mut BTreeMap<String, Span>) -> bool {
        let many = shapes.iter().position(|shape| hole(shape, MANY).is_some());
        let (before, after) = many.map_or((shapes, &[][..]), |at| (&shapes[..at], &shapes[at + 1..]));
        if targets.len() < before.len() + after.len() || many.is_none() && targets.len() != before.len() {
            return false;
        }
        let (taken, rest) = targets.split_at(before.len());
        let (middle, last) = rest.split_at(rest.len() - after.len());
        if let (Some(hole), Some(first)) = (many.and_then(|at| hole(&shapes[at], MANY)), middle.first()) {
            let end = middle.last().map_or(0, |last| range_of(*last).end);
            holes.insert(hole.to_owned(), Span::new(range_of(*first).start, end));
        }
        before.iter().zip(taken).chain(after.iter().zip(last)).all(|(shape, target)| self.expression(shape, target, holes))
    }

    fn arguments(&self, shape: &Arguments, target: &Arguments, holes: &mut BTreeMap<String, Span>) -> bool {
        let many = shape.args.iter().any(|argument| hole(argument, MANY).is_some());
        if target.args.iter().any(Expr::is_starred_expr) || target.keywords.iter().any(|keyword| keyword.arg.is_none()) {
            // What stars bring along nobody knows; only a hole for all of it can take them.
            let [only] = &*shape.args else { return false };
            let Some(hole) = hole(only, MANY).filter(|_| shape.keywords.is_empty()) else { return false };
            let span = Span::new(range_of(target).start + 1, range_of(target).end - 1);
            return self.fill(hole, span, holes);
        }
        let keyword = |arguments: &'_ Arguments, name: Option<&str>| arguments.keywords.iter().position(|keyword| keyword.arg.as_deref() == name);
        let named = shape.keywords.iter().all(|wanted| {
            let at = keyword(target, wanted.arg.as_deref());
            at.is_some_and(|at| self.expression(&wanted.value, &target.keywords[at].value, holes))
        });
        let others: Vec<_> =
            target.keywords.iter().filter(|keyword| !shape.keywords.iter().any(|wanted| wanted.arg.as_deref() == keyword.arg.as_deref())).collect();
        if !named || !others.is_empty() && !many || !self.items(&shape.args, &target.args.iter().collect::<Vec<_>>(), holes) {
            return false;
        }
        // Further keywords stand behind the other arguments, so that both are one piece of text.
        if let (Some(first), Some(last)) = (others.first(), others.last()) {
            let Some(hole) = shape.args.iter().find_map(|argument| hole(argument, MANY)) else { return false };
            let start = holes.get(hole).map_or(range_of(*first).start, |span| span.start);
            holes.insert(hole.to_owned(), Span::new(start, range_of(*last).end));
        }
        true
    }
}

impl<'a> Visitor<'a> for Search<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match (&self.pattern.shape, statement) {
            (Stmt::Assign(shape), Stmt::Assign(target)) => {
                let mut holes = BTreeMap::new();
                if let ([wanted], [found]) = (&shape.targets[..], &target.targets[..])
                    && self.expression(wanted, found, &mut holes)
                    && self.expression(&shape.value, &target.value, &mut holes)
                {
                    self.found.push(Match { span: range_of(statement), holes });
                }
            }
            (Stmt::Expr(shape), Stmt::Expr(target)) if self.pattern.alone => self.try_at(&shape.value, &target.value),
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let (Stmt::Expr(shape), false) = (&self.pattern.shape, self.pattern.alone) {
            self.try_at(&shape.value, expression);
        }
        walk_expr(self, expression);
    }
}

fn range(expression: &Expr) -> std::ops::Range<usize> {
    let span = range_of(expression);
    span.start..span.end
}

/// The name of the hole that an expression of a pattern is.
fn hole<'a>(shape: &'a Expr, mark: &str) -> Option<&'a str> {
    match shape {
        Expr::Name(name) => name.id.as_str().strip_prefix(mark),
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::*;

    /// Matches, each with its holes; names stand for themselves, but `sa` for `sqlalchemy`.
    fn found(pattern: &str, code: &str) -> Vec<String> {
        let path = |span: Span| Some(code[span.start..span.end].replace("sa.", "sqlalchemy."));
        let shown = |found: &Match| {
            let holes = found.holes.iter().map(|(name, span)| format!(" {name}={}", &code[span.start..span.end]));
            format!("{}{}", &code[found.span.start..found.span.end], holes.collect::<String>())
        };
        Pattern::new(pattern).unwrap().find(code, &path).iter().map(shown).collect()
    }

    #[test]
    fn holes_take_what_stands_there() {
        assert_eq!(
            found("$s.query($M).get($id)", "x = db.session.query(User).get(id + 1)\ny.query(A, B).get(1)\n"),
            ["db.session.query(User).get(id + 1) M=User id=id + 1 s=db.session"]
        );
        assert_eq!(
            found("sqlalchemy.select([$$c])", "sa.select([a, b])\nsa.select(a)\nother.select([a])\nsa.select([])\n"),
            ["sa.select([a, b]) c=a, b", "sa.select([])"]
        );
        assert_eq!(
            found("$e.execute($q_str, $$v)", "e.execute('a', {'x': 1}, y=2)\ne.execute(b)\ne.execute('c')\n"),
            ["e.execute('a', {'x': 1}, y=2) e=e q_str='a' v={'x': 1}, y=2", "e.execute('c') e=e q_str='c'"]
        );
        assert_eq!(found("f(bind=$e)", "f(x)\nf(bind=x)\nf(bind=x, y=1)\n"), ["f(bind=x) e=x"]);
        assert_eq!(found("f($$all)", "f(*a, **b)\n"), ["f(*a, **b) all=*a, **b"]);
    }

    #[test]
    fn statements_are_told_from_expressions() {
        assert_eq!(found("statement f($x)", "f(1)\ny = f(2)\nif z:\n    f(3)\n"), ["f(1) x=1", "f(3) x=3"]);
        assert_eq!(found("$a.b = $c", "x.b = y\nx.b == y\nz = w.b = v\n"), ["x.b = y a=x c=y"]);
        assert!(Pattern::new("f(").is_none() && Pattern::new("import x").is_none() && Pattern::new("a\nb").is_none());
    }
}
