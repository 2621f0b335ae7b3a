//! The only file that knows the Python parser. It says, statement by statement, what code binds and reads; it never runs anything.

mod escapes;

pub use escapes::escapes;

use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::Ranged;

use crate::source::Span;

/// A piece of Python, parsed as far as it parses.
#[derive(Debug, Clone, Default)]
pub struct Module {
    /// The top-level statements, in order. With errors, what the parser could make of it.
    pub statements: Vec<Statement>,
    /// What does not parse, by place.
    pub errors: Vec<SyntaxError>,
}

/// A top-level statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its bytes in the code, decorators included, comments around it not.
    pub span: Span,
    /// Whether it is a lone name, constant, string or comparison: what a line of prose often parses as.
    pub bare: bool,
}

/// A syntax error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where in the code.
    pub span: Span,
    /// What the parser says.
    pub message: String,
}

/// Parse `code` as a module. Never fails: errors are in the result.
#[must_use]
pub fn parse(code: &str) -> Module {
    let parsed = parse_unchecked(code, ParseOptions::from(Mode::Module));
    let errors = parsed
        .errors()
        .iter()
        .map(|error| SyntaxError { span: Span::new(error.location.start().to_usize(), error.location.end().to_usize()), message: error.error.to_string() })
        .collect();
    let Some(module) = parsed.try_into_module() else { return Module::default() };
    let statements = module
        .suite()
        .iter()
        .map(|statement| Statement {
            span: Span::new(statement.range().start().to_usize(), statement.range().end().to_usize()),
            bare: match statement {
                ruff_python_ast::Stmt::Expr(expression) => !matches!(*expression.value, ruff_python_ast::Expr::Call(_) | ruff_python_ast::Expr::Await(_)),
                _ => false,
            },
        })
        .collect();
    Module { statements, errors }
}
