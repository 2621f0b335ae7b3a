//! Collecting what one statement binds and reads. Part of `python`; nothing outside it sees a syntax tree.

use std::collections::BTreeSet;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{
    Comprehension, ExceptHandler, Expr, ExprCall, ExprContext, Parameters, Pattern, Stmt, StmtClassDef, StmtFunctionDef, StmtImport, StmtImportFrom,
};

use super::scope::Locals;
use super::{Bind, BindKind, Mention, MentionKind, Name, Statement, callee, is_bare, is_builtin, range_of, span, text_of};

/// What one top-level statement does. `deferred`: annotations are not evaluated.
pub(super) fn statement(statement: &Stmt, code: &str, deferred: bool) -> Statement {
    let mut collector = Collector { deferred, ..Collector::default() };
    collector.visit_stmt(statement);
    let mut found = collector.found;
    found.span = range_of(statement);
    found.bare = is_bare(statement);
    found.elided = is_elided(statement, code);
    found.hollow = is_hollow(statement);
    if let Stmt::Assign(assign) = statement
        && let Expr::Call(call) = &*assign.value
        && let Some(callee) = callee(&call.func)
    {
        for bind in &mut found.binds {
            bind.kind = BindKind::Call(callee.to_owned());
        }
    }
    found
}

/// A scope inside the statement. The module itself is not one.
enum Scope {
    /// A class body: its names are seen by its own code only.
    Class(BTreeSet<String>),
    /// A function or lambda, with everything that is local to it.
    Function(BTreeSet<String>),
    /// A comprehension, with its targets.
    Comprehension(BTreeSet<String>),
}

#[derive(Default)]
struct Collector {
    found: Statement,
    scopes: Vec<Scope>,
    deferred: bool,
    /// Whether we are inside an annotation, where strings are names.
    annotation: bool,
}

impl Collector {
    fn in_function(&self) -> bool {
        self.scopes.iter().any(|scope| matches!(scope, Scope::Function(_)))
    }

    fn bind(&mut self, name: &str, kind: BindKind, at: crate::source::Span) {
        match self.scopes.last_mut() {
            None => {
                if !self.found.binds_name(name) {
                    self.found.binds.push(Bind { name: name.to_owned(), kind, span: at });
                }
            }
            // A walrus in a comprehension binds outside it; what little that changes is not worth the care.
            Some(Scope::Class(names) | Scope::Comprehension(names)) => {
                names.insert(name.to_owned());
            }
            // Everything that a function binds was gathered when it was entered.
            Some(Scope::Function(_)) => {}
        }
    }

    fn read(&mut self, name: &str, at: crate::source::Span) {
        for (depth, scope) in self.scopes.iter().rev().enumerate() {
            let known = match scope {
                Scope::Class(names) => depth == 0 && names.contains(name),
                Scope::Function(names) | Scope::Comprehension(names) => names.contains(name),
            };
            if known {
                return;
            }
        }
        let later = self.in_function();
        if is_builtin(name) || (!later && self.found.binds_name(name)) {
            return;
        }
        let list = if later { &mut self.found.later } else { &mut self.found.reads };
        if !list.iter().any(|known| known.name == name) {
            list.push(Name { name: name.to_owned(), span: at });
        }
    }

    fn mention(&mut self, kind: MentionKind, expression: &Expr) {
        let Some(text) = text_of(expression) else { return };
        let text = match kind {
            MentionKind::Table => text.split('.').next().unwrap_or_default().to_owned(),
            _ => text,
        };
        if text.is_empty() || (kind == MentionKind::Class && !is_dotted_name(&text)) {
            return;
        }
        self.found.mentions.push(Mention { kind, text, span: range_of(expression) });
    }

    fn mentions_of_call(&mut self, call: &ExprCall) {
        let Some(name) = callee(&call.func) else { return };
        let first = call.arguments.args.first();
        let keyword = |word: &str| call.arguments.keywords.iter().find(|keyword| keyword.arg.as_deref() == Some(word)).map(|keyword| &keyword.value);
        match name {
            "relationship" | "relation" | "dynamic_loader" => {
                if let Some(class) = first.or_else(|| keyword("argument")) {
                    self.mention(MentionKind::Class, class);
                }
                if let Some(table) = keyword("secondary") {
                    self.mention(MentionKind::Table, table);
                }
            }
            "ForeignKey" => {
                if let Some(column) = first {
                    self.mention(MentionKind::Table, column);
                }
            }
            "Table" => {
                if let Some(table) = first {
                    self.mention(MentionKind::OwnTable, table);
                }
            }
            "render_template" | "get_template" | "get_or_select_template" => {
                if let Some(template) = first {
                    self.mention(MentionKind::Template, template);
                }
            }
            "route" | "get" | "post" | "put" | "delete" | "patch" | "add_url_rule" => {
                if let Some(endpoint) = keyword("endpoint") {
                    self.mention(MentionKind::Endpoint, endpoint);
                }
            }
            _ => {}
        }
    }

    fn function(&mut self, function: &StmtFunctionDef) {
        for decorator in &function.decorator_list {
            self.visit_decorator(decorator);
        }
        self.parameters_now(&function.parameters);
        if let Some(returns) = &function.returns {
            self.visit_annotation(returns);
        }
        self.bind(&function.name, BindKind::Function, range_of(&function.name));
        let mut locals = Locals::of_parameters(&function.parameters);
        locals.visit_body(&function.body);
        let names = &locals.names - &locals.outer;
        self.scopes.push(Scope::Function(names));
        self.visit_body(&function.body);
        self.scopes.pop();
    }

    /// Defaults and annotations are evaluated where the function is defined.
    fn parameters_now(&mut self, parameters: &Parameters) {
        for parameter in parameters {
            if let Some(default) = parameter.default() {
                self.visit_expr(default);
            }
            if let Some(annotation) = parameter.annotation() {
                self.visit_annotation(annotation);
            }
        }
    }

    fn class(&mut self, class: &StmtClassDef) {
        for decorator in &class.decorator_list {
            self.visit_decorator(decorator);
        }
        let mut bases = Vec::new();
        if let Some(arguments) = &class.arguments {
            self.visit_arguments(arguments);
            bases = arguments.args.iter().filter_map(callee).map(str::to_owned).collect();
        }
        self.scopes.push(Scope::Class(BTreeSet::new()));
        self.visit_body(&class.body);
        for statement in &class.body {
            if let Stmt::Assign(assign) = statement
                && let [Expr::Name(target)] = assign.targets.as_slice()
                && target.id.as_str() == "__tablename__"
            {
                self.mention(MentionKind::OwnTable, &assign.value);
            }
        }
        self.scopes.pop();
        self.bind(&class.name, BindKind::Class { bases }, range_of(&class.name));
    }

    fn import(&mut self, import: &StmtImport) {
        for alias in &import.names {
            let module = alias.name.as_str();
            self.found.imports.push(Name { name: module.to_owned(), span: range_of(alias) });
            let bound = alias.asname.as_ref().map_or_else(|| module.split('.').next().unwrap_or(module), |name| name.as_str());
            let module = if alias.asname.is_some() { module } else { bound };
            self.bind(bound, BindKind::Import { module: module.to_owned(), name: None }, range_of(alias));
        }
    }

    fn import_from(&mut self, from: &StmtImportFrom) {
        let module = format!("{}{}", ".".repeat(from.level as usize), from.module.as_deref().unwrap_or_default());
        self.found.imports.push(Name { name: module.clone(), span: range_of(from) });
        for alias in &from.names {
            if alias.name.as_str() == "*" {
                self.found.stars.push(module.clone());
                continue;
            }
            let bound = alias.asname.as_ref().unwrap_or(&alias.name);
            let kind = BindKind::Import { module: module.clone(), name: Some(alias.name.to_string()) };
            self.bind(bound, kind, range_of(alias));
        }
    }

    fn comprehension(&mut self, generators: &[Comprehension], results: &[&Expr]) {
        self.scopes.push(Scope::Comprehension(BTreeSet::new()));
        for generator in generators {
            self.visit_comprehension(generator);
        }
        for result in results {
            self.visit_expr(result);
        }
        self.scopes.pop();
    }
}

impl<'a> Visitor<'a> for Collector {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Import(import) => self.import(import),
            Stmt::ImportFrom(from) => self.import_from(from),
            Stmt::AugAssign(assign) => {
                // The target is read before it is bound.
                if let Expr::Name(name) = &*assign.target {
                    self.read(&name.id, range_of(name));
                }
                walk_stmt(self, statement);
            }
            // An annotation of a function's local is never evaluated.
            Stmt::AnnAssign(assign) if matches!(self.scopes.last(), Some(Scope::Function(_))) => {
                if let Some(value) = &assign.value {
                    self.visit_expr(value);
                }
                self.visit_expr(&assign.target);
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_annotation(&mut self, annotation: &'a Expr) {
        let outer = std::mem::replace(&mut self.annotation, true);
        if self.deferred {
            // Only the strings count then; the names in it are not evaluated.
            let reads = self.found.reads.len();
            let later = self.found.later.len();
            self.visit_expr(annotation);
            self.found.reads.truncate(reads);
            self.found.later.truncate(later);
        } else {
            self.visit_expr(annotation);
        }
        self.annotation = outer;
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) => match name.ctx {
                ExprContext::Load | ExprContext::Del => self.read(&name.id, range_of(name)),
                ExprContext::Store => self.bind(&name.id, BindKind::Value, range_of(name)),
                ExprContext::Invalid => {}
            },
            Expr::Lambda(lambda) => {
                let mut names = BTreeSet::new();
                if let Some(parameters) = &lambda.parameters {
                    self.parameters_now(parameters);
                    names = Locals::of_parameters(parameters).names;
                }
                self.scopes.push(Scope::Function(names));
                self.visit_expr(&lambda.body);
                self.scopes.pop();
            }
            Expr::ListComp(comp) => self.comprehension(&comp.generators, &[&comp.elt]),
            Expr::SetComp(comp) => self.comprehension(&comp.generators, &[&comp.elt]),
            Expr::Generator(comp) => self.comprehension(&comp.generators, &[&comp.elt]),
            Expr::DictComp(comp) => {
                let results: Vec<&Expr> = comp.key.iter().chain([&comp.value]).map(|part| &**part).collect();
                self.comprehension(&comp.generators, &results);
            }
            Expr::Call(call) => {
                self.mentions_of_call(call);
                walk_expr(self, expression);
            }
            Expr::StringLiteral(_) if self.annotation => self.mention(MentionKind::Class, expression),
            _ => walk_expr(self, expression),
        }
    }

    fn visit_comprehension(&mut self, comprehension: &'a Comprehension) {
        self.visit_expr(&comprehension.iter);
        self.visit_expr(&comprehension.target);
        for condition in &comprehension.ifs {
            self.visit_expr(condition);
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(inner) = handler;
        if let Some(class) = &inner.type_ {
            self.visit_expr(class);
        }
        if let Some(name) = &inner.name {
            self.bind(name, BindKind::Value, range_of(name));
        }
        self.visit_body(&inner.body);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        if let Pattern::MatchAs(bound) = pattern
            && let Some(name) = &bound.name
        {
            self.bind(name, BindKind::Value, range_of(name));
        }
        ruff_python_ast::visitor::walk_pattern(self, pattern);
    }
}

fn is_dotted_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .split('.')
            .all(|word| word.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_') && word.chars().all(|c| c.is_alphanumeric() || c == '_'))
}

/// Whether a statement leaves something out: somewhere in it a body is only `...`, or a comment of its own line says that code was omitted.
fn is_elided(statement: &Stmt, code: &str) -> bool {
    struct Ellipses(bool);
    impl<'a> Visitor<'a> for Ellipses {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            if matches!(statement, Stmt::Expr(expression) if expression.value.is_ellipsis_literal_expr()) {
                self.0 = true;
            }
            walk_stmt(self, statement);
        }
        fn visit_expr(&mut self, _: &'a Expr) {}
    }
    let mut ellipses = Ellipses(false);
    ellipses.visit_stmt(statement);
    let range = span(ruff_text_size::Ranged::range(statement));
    ellipses.0 || code.get(range.start..range.end).is_some_and(|text| text.lines().any(says_omitted))
}

/// Whether somewhere in a definition a name is bound to a bare `...`.
fn is_hollow(statement: &Stmt) -> bool {
    struct Placeholders(bool);
    impl<'a> Visitor<'a> for Placeholders {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            if matches!(statement, Stmt::Assign(assign) if assign.value.is_ellipsis_literal_expr()) {
                self.0 = true;
            }
            walk_stmt(self, statement);
        }
        fn visit_expr(&mut self, _: &'a Expr) {}
    }
    let mut placeholders = Placeholders(false);
    if matches!(statement, Stmt::FunctionDef(_)) {
        placeholders.visit_stmt(statement);
    }
    placeholders.0
}

/// Whether a line is a comment that stands for code: `# ...`, `# existing code omitted`, `# rest unchanged`.
pub(super) fn says_omitted(line: &str) -> bool {
    let Some(comment) = line.trim().strip_prefix('#') else { return false };
    let comment = comment.trim().to_ascii_lowercase();
    comment.starts_with("...")
        || comment.starts_with('…')
        || comment.ends_with("...") && (comment.len() < 40)
        || ["omitted", "unchanged", "as before", "same as above", "rest of", "existing code", "snip"].iter().any(|phrase| comment.contains(phrase))
}
