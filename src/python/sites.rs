//! The places of a piece of code that a move may touch: imports, dotted names, calls with keywords, decorated functions. Part of `python`; it changes nothing.

use std::collections::BTreeMap;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Alias, Expr, ExprCall, ExprContext, Stmt, StmtFunctionDef};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

use super::scope::Locals;
use super::{Name, depth, range_of, text_of};
use crate::source::Span;

/// Everything that a move may touch, each in order of place.
#[derive(Debug, Clone, Default)]
pub struct Sites {
    /// Imports, nested ones as well.
    pub imports: Vec<Import>,
    /// Names with what is asked of them: `sa.orm.mapper`. Each as long as it can be read as one.
    pub dotted: Vec<Dotted>,
    /// Calls.
    pub calls: Vec<Called>,
    /// Functions with a decorator that has no arguments.
    pub decorated: Vec<Decorated>,
}

/// An import statement.
#[derive(Debug, Clone)]
pub struct Import {
    /// The statement.
    pub span: Span,
    /// The module of a `from` import, with its dots.
    pub from: Option<Name>,
    /// What it imports.
    pub names: Vec<Imported>,
    /// Whether it stands in no function.
    pub top: bool,
}

/// One name of an import statement.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The name, dotted where a module is imported.
    pub name: Name,
    /// The name it has here, where that is another.
    pub alias: Option<Name>,
    /// Both.
    pub span: Span,
}

/// A name and the attributes that are asked of it.
#[derive(Debug, Clone)]
pub struct Dotted {
    /// Its words.
    pub words: Vec<Name>,
    /// What its first word is bound to.
    pub root: Root,
    /// Whether it is assigned to.
    pub store: bool,
}

/// What the first word of a dotted name is bound to, as far as its own function tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// A name of the module, or none. `true`: read inside a function, when it is called.
    Module(bool),
    /// Something local.
    Local,
    /// An import in the same function, by its dotted name.
    Imported(String),
}

/// A call.
#[derive(Debug, Clone)]
pub struct Called {
    /// The whole call.
    pub span: Span,
    /// What is called.
    pub callee: Span,
    /// The last word of what is called.
    pub method: Option<String>,
    /// What is between the brackets: each argument, with its keyword if it has one.
    pub arguments: Vec<(Option<Name>, Span)>,
    /// The first arguments that are strings.
    pub strings: Vec<Name>,
    /// The class that a chain of methods asks for, where this call is one of them or stands in one: `User` of `session.query(User).join(...)`.
    pub model: Option<String>,
}

/// A function with a decorator that has no arguments.
#[derive(Debug, Clone)]
pub struct Decorated {
    /// The function's name.
    pub function: String,
    /// The decorator, its sign included.
    pub decorator: Span,
    /// The words of the decorator.
    pub words: Vec<Name>,
    /// The whole function, decorators included.
    pub whole: Span,
}

impl Import {
    /// The dotted name that an imported name stands for.
    #[must_use]
    pub fn path(&self, imported: &Imported) -> String {
        self.from.as_ref().map_or_else(|| imported.name.name.clone(), |from| format!("{}.{}", from.name, imported.name.name))
    }

    /// The name that it binds, and the dotted name that this stands for: `import a.b` binds `a`.
    #[must_use]
    pub fn binding(&self, imported: &Imported) -> (String, String) {
        match (&imported.alias, &self.from) {
            (Some(alias), _) => (alias.name.clone(), self.path(imported)),
            (None, Some(_)) => (imported.name.name.clone(), self.path(imported)),
            (None, None) => {
                let root = imported.name.name.split('.').next().unwrap_or_default().to_owned();
                (root.clone(), root)
            }
        }
    }
}

impl Dotted {
    /// Its bytes.
    #[must_use]
    pub fn span(&self) -> Span {
        Span::new(self.words.first().map_or(0, |word| word.span.start), self.words.last().map_or(0, |word| word.span.end))
    }
}

/// The sites of `code`; none if it does not parse.
#[must_use]
pub fn sites(code: &str) -> Sites {
    if depth::too_deep(code).is_some() {
        return Sites::default();
    }
    let Some(parsed) = parse_unchecked(code, ParseOptions::from(Mode::Module)).try_into_module() else { return Sites::default() };
    if !parsed.errors().is_empty() {
        return Sites::default();
    }
    let mut finder = Finder { code, ..Finder::default() };
    parsed.suite().iter().for_each(|statement| finder.visit_stmt(statement));
    let mut found = finder.found;
    found.dotted.sort_by_key(|dotted| dotted.span());
    found.calls.sort_by_key(|call| call.span);
    found
}

#[derive(Default)]
struct Finder<'a> {
    code: &'a str,
    found: Sites,
    /// The functions around, with what each imports and what else is local to it.
    functions: Vec<(BTreeMap<String, String>, Locals)>,
    /// The classes that the method chains around ask for.
    models: Vec<String>,
}

impl Finder<'_> {
    fn root(&self, name: &str) -> Root {
        for (imports, locals) in self.functions.iter().rev() {
            if let Some(path) = imports.get(name) {
                return Root::Imported(path.clone());
            }
            if locals.names.contains(name) && !locals.outer.contains(name) {
                return Root::Local;
            }
        }
        Root::Module(!self.functions.is_empty())
    }

    fn function(&mut self, function: &StmtFunctionDef) {
        for decorator in &function.decorator_list {
            if let Some((words, _)) = words(&decorator.expression) {
                let words = names(words);
                self.found.decorated.push(Decorated {
                    function: function.name.to_string(),
                    decorator: range_of(decorator),
                    words,
                    whole: Span::new(function.decorator_list.first().map_or_else(|| range_of(function), range_of).start, range_of(function).end),
                });
            }
            self.visit_expr(&decorator.expression);
        }
        // Defaults and annotations are read where the function stands.
        function.parameters.iter().for_each(|parameter| {
            parameter.default().into_iter().chain(parameter.annotation()).for_each(|expression| self.visit_expr(expression));
        });
        function.returns.iter().for_each(|returns| self.visit_expr(returns));
        let mut locals = Locals::of_parameters(&function.parameters);
        function.body.iter().for_each(|statement| locals.visit_stmt(statement));
        let mut imports = Imports::default();
        function.body.iter().for_each(|statement| imports.visit_stmt(statement));
        self.functions.push((imports.0, locals));
        function.body.iter().for_each(|statement| self.visit_stmt(statement));
        self.functions.pop();
    }

    fn call(&mut self, call: &ExprCall) {
        let model = queried(&call.func, self.code).or_else(|| self.models.last().cloned());
        let arguments = call.arguments.iter_source_order().map(|argument| match argument {
            ruff_python_ast::ArgOrKeyword::Arg(value) => (None, range_of(value)),
            ruff_python_ast::ArgOrKeyword::Keyword(keyword) => {
                (keyword.arg.as_ref().map(|name| Name { name: name.to_string(), span: range_of(name) }), range_of(keyword))
            }
        });
        let strings = call.arguments.args.iter().map_while(|value| Some(Name { name: text_of(value)?, span: range_of(value) }));
        self.found.calls.push(Called {
            span: range_of(call),
            callee: range_of(&*call.func),
            method: super::callee(&call.func).map(str::to_owned),
            arguments: arguments.collect(),
            strings: strings.collect(),
            model: model.clone(),
        });
        self.visit_expr(&call.func);
        self.models.extend(model.clone());
        self.visit_arguments(&call.arguments);
        if model.is_some() {
            self.models.pop();
        }
    }
}

impl<'a> Visitor<'a> for Finder<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        let top = self.functions.is_empty();
        match statement {
            Stmt::Import(import) => {
                let names = import.names.iter().map(imported).collect();
                self.found.imports.push(Import { span: range_of(statement), from: None, names, top });
            }
            Stmt::ImportFrom(from) => {
                let span = range_of(statement);
                let dots = ".".repeat(usize::try_from(from.level).unwrap_or(0));
                let module = from.module.as_ref();
                // Without a module there are only dots, after the word `from`.
                let at = module.map_or(Span::new(span.start + 5, span.start + 5 + dots.len()), range_of);
                let name = format!("{dots}{}", module.map_or("", |module| module.as_str()));
                let names = from.names.iter().map(imported).collect();
                self.found.imports.push(Import { span, from: Some(Name { name, span: at }), names, top });
            }
            Stmt::FunctionDef(function) => self.function(function),
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Some((words, store)) = words(expression) {
            let words = names(words);
            let root = self.root(words.first().map_or("", |word| &word.name));
            self.found.dotted.push(Dotted { words, root, store });
            return;
        }
        match expression {
            Expr::Call(call) => self.call(call),
            Expr::Lambda(lambda) => {
                let locals = lambda.parameters.as_ref().map(|parameters| Locals::of_parameters(parameters)).unwrap_or_default();
                lambda.parameters.iter().flat_map(|parameters| parameters.iter()).for_each(|parameter| {
                    parameter.default().into_iter().for_each(|expression| self.visit_expr(expression));
                });
                self.functions.push((BTreeMap::new(), locals));
                self.visit_expr(&lambda.body);
                self.functions.pop();
            }
            _ => walk_expr(self, expression),
        }
    }
}

/// What a function imports by itself, by the names that it binds.
#[derive(Default)]
struct Imports(BTreeMap<String, String>);

impl<'a> Visitor<'a> for Imports {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        let import = match statement {
            Stmt::Import(import) => Import { span: range_of(statement), from: None, names: import.names.iter().map(imported).collect(), top: false },
            Stmt::ImportFrom(from) if from.level == 0 => {
                let module = from.module.as_ref().map(|module| Name { name: module.to_string(), span: range_of(module) });
                Import { span: range_of(statement), from: module, names: from.names.iter().map(imported).collect(), top: false }
            }
            Stmt::FunctionDef(_) => return,
            _ => return walk_stmt(self, statement),
        };
        self.0.extend(import.names.iter().map(|name| import.binding(name)));
    }

    fn visit_expr(&mut self, _: &'a Expr) {}
}

fn imported(alias: &Alias) -> Imported {
    let name = |identifier: &ruff_python_ast::Identifier| Name { name: identifier.to_string(), span: range_of(identifier) };
    Imported { name: name(&alias.name), alias: alias.asname.as_ref().map(name), span: range_of(alias) }
}

/// The words of a dotted name, and whether it is assigned to.
pub(super) fn words(expression: &Expr) -> Option<(Vec<(&str, Span)>, bool)> {
    match expression {
        Expr::Name(name) => Some((vec![(name.id.as_str(), range_of(name))], name.ctx != ExprContext::Load)),
        Expr::Attribute(attribute) => {
            let (mut words, _) = words(&attribute.value)?;
            words.push((attribute.attr.as_str(), range_of(&attribute.attr)));
            Some((words, attribute.ctx != ExprContext::Load))
        }
        _ => None,
    }
}

fn names(words: Vec<(&str, Span)>) -> Vec<Name> {
    words.into_iter().map(|(name, span)| Name { name: name.to_owned(), span }).collect()
}

/// The class that a chain of methods begins with: of `session.query(User)`, of `User.query`, of `select(User)`.
fn queried(expression: &Expr, code: &str) -> Option<String> {
    let text = |expression: &Expr| words(expression).and_then(|_| code.get(range_of(expression).start..range_of(expression).end)).map(str::to_owned);
    match expression {
        Expr::Attribute(attribute) => match &*attribute.value {
            Expr::Attribute(inner) if inner.attr.as_str() == "query" => text(&inner.value),
            Expr::Call(call) if matches!(super::callee(&call.func), Some("query" | "select")) => call.arguments.args.first().and_then(text),
            Expr::Call(call) => queried(&call.func, code),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::*;

    #[test]
    fn imports_know_what_they_bind() {
        let found = sites("import a.b, c as d\nfrom e import (f,  # why\n    g as h)\nfrom . import i\nfrom ..j import k\n");
        let bound: Vec<_> = found.imports.iter().flat_map(|import| import.names.iter().map(|name| import.binding(name))).collect();
        let expected = [("a", "a"), ("d", "c"), ("f", "e.f"), ("h", "e.g"), ("i", "..i"), ("k", "..j.k")];
        assert_eq!(bound, expected.map(|(name, path)| (name.to_owned(), path.to_owned())));
    }

    #[test]
    fn names_know_whether_they_are_the_module_s() {
        let code = "a.b.c(d)\ndef f(g, h=a):\n    from x import i\n    j = 1\n    return a.k, g, i.l, j\nlambda m: m + a\na.n = 1\n";
        let shown: Vec<_> =
            sites(code).dotted.iter().map(|dotted| (&code[dotted.span().start..dotted.span().end], dotted.root.clone(), dotted.store)).collect();
        let module = |later| Root::Module(later);
        assert_eq!(
            shown,
            [
                ("a.b.c", module(false), false),
                ("d", module(false), false),
                ("a", module(false), false),
                ("j", Root::Local, true),
                ("a.k", module(true), false),
                ("g", Root::Local, false),
                ("i.l", Root::Imported("x.i".to_owned()), false),
                ("j", Root::Local, false),
                ("m", Root::Local, false),
                ("a", module(true), false),
                ("a.n", module(false), true),
            ]
        );
    }

    #[test]
    fn a_chain_of_methods_knows_its_class() {
        let code = "s.query(User).filter(x).options(joinedload('a')).join('b')\nUser.query.join('c')\nselect(m.User).join('d')\njoin('e')\n";
        let calls = sites(code).calls;
        let models: Vec<_> = calls.iter().filter_map(|call| Some((call.strings.first()?.name.clone(), call.model.clone()))).collect();
        let user = Some("User".to_owned());
        let expected = [("b", user.clone()), ("a", user.clone()), ("c", user), ("d", Some("m.User".to_owned())), ("e", None)];
        assert_eq!(models, expected.map(|(text, model)| (text.to_owned(), model)));
        assert!(sites("f(\n").calls.is_empty());
        assert_eq!(sites("@a.b\n@c()\ndef f(): pass\n").decorated.first().unwrap().function, "f");
    }
}
