//! What is local to a function, and what only makes sense inside of one. Part of `python`; nothing outside it sees a syntax tree.

use std::collections::BTreeSet;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{ExceptHandler, Expr, ExprContext, Parameters, Pattern, Stmt};

/// Looks for `return`, `yield` and `await` outside of any function.
#[derive(Default)]
pub(super) struct OutsideFunction {
    pub(super) word: Option<&'static str>,
}

impl<'a> Visitor<'a> for OutsideFunction {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(_) => {}
            Stmt::Return(_) => self.word = self.word.or(Some("return")),
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Lambda(_) | Expr::Generator(_) => {}
            Expr::Yield(_) | Expr::YieldFrom(_) => self.word = self.word.or(Some("yield")),
            Expr::Await(_) => self.word = self.word.or(Some("await")),
            _ => walk_expr(self, expression),
        }
    }
}

/// Everything that is local to a function: parameters and what its own code binds, nested scopes left out.
#[derive(Default)]
pub(super) struct Locals {
    pub(super) names: BTreeSet<String>,
    /// Names declared `global` or `nonlocal`.
    pub(super) outer: BTreeSet<String>,
}

impl Locals {
    pub(super) fn of_parameters(parameters: &Parameters) -> Self {
        Self { names: parameters.iter().map(|parameter| parameter.name().to_string()).collect(), outer: BTreeSet::new() }
    }
}

impl<'a> Visitor<'a> for Locals {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.names.insert(function.name.to_string());
            }
            Stmt::ClassDef(class) => {
                self.names.insert(class.name.to_string());
            }
            Stmt::Import(import) => {
                let bound = import
                    .names
                    .iter()
                    .map(|alias| alias.asname.as_ref().map_or_else(|| alias.name.split('.').next().unwrap_or_default(), |name| name.as_str()));
                self.names.extend(bound.map(str::to_owned));
            }
            Stmt::ImportFrom(from) => self.names.extend(from.names.iter().map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).to_string())),
            Stmt::Global(global) => self.outer.extend(global.names.iter().map(ToString::to_string)),
            Stmt::Nonlocal(nonlocal) => self.outer.extend(nonlocal.names.iter().map(ToString::to_string)),
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) if name.ctx == ExprContext::Store => {
                self.names.insert(name.id.to_string());
            }
            // Their targets are their own.
            Expr::Lambda(_) | Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {}
            _ => walk_expr(self, expression),
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(inner) = handler;
        self.names.extend(inner.name.as_ref().map(ToString::to_string));
        ruff_python_ast::visitor::walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        if let Pattern::MatchAs(bound) = pattern {
            self.names.extend(bound.name.as_ref().map(ToString::to_string));
        }
        ruff_python_ast::visitor::walk_pattern(self, pattern);
    }
}
