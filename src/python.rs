//! The only part that knows the Python parser. It says, statement by statement, what code binds and reads; it never runs anything.

mod builtins;
mod collect;
mod comments;
mod depth;
mod escapes;
mod pattern;
mod scope;
mod sites;

use ruff_python_ast::{Expr, PythonVersion, Stmt};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextRange};

pub use builtins::is_builtin;
pub use comments::{Comment, Print, Value, comments, value};
pub use escapes::escapes;
pub use pattern::{Match, Pattern};
pub use sites::{Called, Decorated, Dotted, Import, Imported, Root, Sites, sites};

use crate::source::Span;

/// A piece of Python, parsed as far as it parses.
#[derive(Debug, Clone, Default)]
pub struct Module {
    /// The top-level statements, in order. With errors, what the parser could make of it.
    pub statements: Vec<Statement>,
    /// What does not parse, by place.
    pub errors: Vec<SyntaxError>,
}

/// A top-level statement, and what it does to names.
#[derive(Debug, Clone, Default)]
pub struct Statement {
    /// Its bytes in the code, decorators included, comments around it not.
    pub span: Span,
    /// Whether it is a lone name, constant, string or comparison: what a line of prose often parses as.
    pub bare: bool,
    /// Names that it binds in the module, in order.
    pub binds: Vec<Bind>,
    /// Names of the module that it reads when it runs, and that it does not bind itself before: each once, at its first place.
    pub reads: Vec<Name>,
    /// Names of the module that it reads only inside functions, when they are called: each once.
    pub later: Vec<Name>,
    /// Modules of which it imports everything (`from m import *`).
    pub stars: Vec<String>,
    /// Modules that it imports anything from or as, relative ones with their dots, with their place.
    pub imports: Vec<Name>,
    /// What its strings stand for, where a library's call gives them a meaning.
    pub mentions: Vec<Mention>,
    /// Whether something is left out: a body that is only `...`, or says so in a comment.
    pub elided: bool,
    /// Whether what it leaves out is a value that it goes on to use: `app = ...`.
    pub hollow: bool,
}

/// A name at its place in the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub name: String,
    /// Its bytes.
    pub span: Span,
}

/// A name that a statement binds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// The name.
    pub name: String,
    /// What it is bound to.
    pub kind: BindKind,
    /// Its bytes.
    pub span: Span,
}

/// What a name is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BindKind {
    /// Something imported.
    Import {
        /// The module, with its dots if it is relative.
        module: String,
        /// The name in that module; `None` for the module itself.
        name: Option<String>,
    },
    /// A class, with the last words of its bases.
    Class {
        /// The bases.
        bases: Vec<String>,
    },
    /// A function.
    Function,
    /// The value of a call, by the callee's last word: `Table` for `db.Table(...)`.
    Call(String),
    /// Anything else.
    Value,
}

/// A string that names something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// What it names.
    pub kind: MentionKind,
    /// Its text.
    pub text: String,
    /// Its bytes.
    pub span: Span,
}

/// What a string names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MentionKind {
    /// A mapped class: `relationship("Right")`, `Mapped["Right"]`.
    Class,
    /// A table that the statement creates: `__tablename__ = "left"`, `Table("left", ...)`.
    OwnTable,
    /// A table that it refers to: `ForeignKey("left.id")`.
    Table,
    /// A template: `render_template("index.html")`.
    Template,
    /// An endpoint that it registers: `@app.route(..., endpoint="x")`.
    Endpoint,
}

/// A syntax error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where in the code.
    pub span: Span,
    /// What the parser says.
    pub message: String,
}

/// The newest Python that lessons run on: what only a later one can parse is an error.
const NEWEST: PythonVersion = PythonVersion::PY313;

/// Calls whose value is a definition: a second one of the same name replaces the first, as a second class would.
const DEFINERS: &[&str] = &[
    "Table",
    "Flask",
    "Blueprint",
    "SQLAlchemy",
    "declarative_base",
    "automap_base",
    "MetaData",
    "registry",
    "create_app",
    "make_app",
    "LoginManager",
    "Migrate",
    "SocketIO",
    "Celery",
    "Api",
    "Marshmallow",
    "Babel",
    "Bcrypt",
    "Mail",
    "Cache",
    "CSRFProtect",
    "Namespace",
    "namedtuple",
    "TypeVar",
    "NewType",
];

impl Bind {
    /// Whether it is a definition: a class, a function, or the value of a call that makes a table, an application or the like. Imports and plain variables are not.
    #[must_use]
    pub fn is_definition(&self) -> bool {
        match &self.kind {
            BindKind::Class { .. } | BindKind::Function => true,
            BindKind::Call(callee) => DEFINERS.contains(&callee.as_str()),
            BindKind::Import { .. } | BindKind::Value => false,
        }
    }
}

impl Statement {
    /// Whether it binds `name`.
    #[must_use]
    pub fn binds_name(&self, name: &str) -> bool {
        self.binds.iter().any(|bind| bind.name == name)
    }

    /// Whether all it does is import.
    #[must_use]
    pub fn is_import(&self) -> bool {
        !self.imports.is_empty() && self.reads.is_empty() && self.binds.iter().all(|bind| matches!(bind.kind, BindKind::Import { .. }))
    }

    /// Whether it defines something: see [`Bind::is_definition`].
    #[must_use]
    pub fn is_definition(&self) -> bool {
        self.binds.iter().any(Bind::is_definition)
    }

    /// The texts of its mentions of one kind.
    pub fn mentioned(&self, kind: MentionKind) -> impl Iterator<Item = &str> {
        self.mentions.iter().filter(move |mention| mention.kind == kind).map(|mention| mention.text.as_str())
    }
}

/// Parse `code` as a module. Never fails: errors are in the result.
#[must_use]
pub fn parse(code: &str) -> Module {
    if let Some(span) = depth::too_deep(code) {
        return Module { statements: Vec::new(), errors: vec![SyntaxError { span, message: "nested too deeply to be parsed".to_owned() }] };
    }
    let parsed = parse_unchecked(code, ParseOptions::from(Mode::Module).with_target_version(NEWEST));
    let mut errors: Vec<SyntaxError> =
        parsed.errors().iter().map(|error| SyntaxError { span: span(error.location), message: error.error.to_string() }).collect();
    errors.extend(parsed.unsupported_syntax_errors().iter().map(|error| SyntaxError { span: span(error.range), message: error.to_string() }));
    errors.sort_by_key(|error| error.span.start);
    let Some(module) = parsed.try_into_module() else { return Module::default() };
    let suite = module.suite();
    let deferred = suite.iter().any(|statement| matches!(statement, Stmt::ImportFrom(from) if from.module.as_deref() == Some("__future__") && from.names.iter().any(|name| name.name.as_str() == "annotations")));
    Module { statements: suite.iter().map(|statement| collect::statement(statement, code, deferred)).collect(), errors }
}

/// Whether a line is a comment that stands for code: `# ...`, `# existing code omitted`, `# rest unchanged`.
#[must_use]
pub fn says_omitted(line: &str) -> bool {
    collect::says_omitted(line)
}

/// Why code that parses still cannot stand by itself: it is made of lines from inside a function. `None` if it can.
#[must_use]
pub fn inner_lines(code: &str) -> Option<String> {
    let parsed = parse_unchecked(code, ParseOptions::from(Mode::Module)).try_into_module()?;
    let mut outside = scope::OutsideFunction::default();
    for statement in parsed.suite() {
        ruff_python_ast::visitor::Visitor::visit_stmt(&mut outside, statement);
    }
    outside.word.map(|word| format!("lines from inside a function: `{word}` stands outside of one"))
}

/// Why code that does not parse is a piece cut out of something longer, and not wrong: it stops in the middle. `None` if it is wrong.
#[must_use]
pub fn cut_short(code: &str, parsed: &Module) -> Option<String> {
    if code.contains("{%") || code.contains("{{") && !code.contains("f\"") && !code.contains("f'") {
        return Some("holds template marks that something else fills in".to_owned());
    }
    let trimmed = code.trim_end();
    let last = trimmed.lines().next_back().unwrap_or_default();
    let indent = last.len() - last.trim_start().len();
    if trimmed.ends_with(':') {
        let whole = format!("{trimmed}\n{}    pass\n", " ".repeat(indent));
        if parse(&whole).errors.is_empty() {
            return Some("ends in the middle of a statement".to_owned());
        }
    }
    if last.trim_start().starts_with('@') && parse(&format!("{trimmed}\n{}def _(): pass\n", " ".repeat(indent))).errors.is_empty() {
        return Some("a decorator without the function that it is for".to_owned());
    }
    let without: String = code.lines().filter(|line| !is_left_out(line)).flat_map(|line| [line, "\n"]).collect();
    if without.lines().count() < code.lines().count() && parse(&without).errors.is_empty() {
        return Some("leaves out lines where it says `...`".to_owned());
    }
    if let Some(at) = code.find("\nTraceback (most recent call last):")
        && parse(&code[..=at]).errors.is_empty()
    {
        return Some("code with the traceback that it ends in, and no prompts to tell the two apart".to_owned());
    }
    // A body of nothing but a comment: what stands there is left to the reader.
    let filled = |stands_for: fn(&str) -> bool| -> String {
        let fill = |line: &str| if stands_for(line) { format!("{}...\n", &line[..line.len() - line.trim_start().len()]) } else { format!("{line}\n") };
        code.lines().map(fill).collect()
    };
    let is_comment = |line: &str| line.trim_start().starts_with('#');
    if [collect::says_omitted, is_comment].into_iter().map(filled).any(|filled| filled != code && parse(&filled).errors.is_empty()) {
        return Some("a body of it is nothing but a comment".to_owned());
    }
    // Lines of two depths: the first is inside something that the page does not repeat.
    let first = code.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if first.starts_with([' ', '\t']) && !parsed.errors.is_empty() && parse(&format!("if True:\n{code}")).errors.is_empty() {
        return Some("lines from inside a block that the page does not repeat".to_owned());
    }
    None
}

/// Whether a line stands for others that are left out: dots alone, as an argument, or in brackets, perhaps around words that say what is missing.
fn is_left_out(line: &str) -> bool {
    let text = line.trim().trim_end_matches(',');
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).map(str::trim);
    [text].into_iter().chain(inner).any(|text| text == "..." || text == "…") || inner.is_some_and(|inner| inner.starts_with('…') || inner.starts_with("..."))
}

/// Whether any line begins as Python's statements do, calls something or binds a name.
#[must_use]
pub fn has_python_words(code: &str) -> bool {
    let words = [
        "import ", "from ", "def ", "class ", "if ", "for ", "while ", "try:", "with ", "return", "print", "raise ", "assert ", "async ", "@", "else",
        "except", "elif ",
    ];
    code.lines().map(str::trim_start).any(|line| {
        let calls = line.find('(').is_some_and(|at| line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
        words.iter().any(|word| line.starts_with(word)) || calls || line.contains(" = ")
    })
}

/// A parser's message as we say it: lower case, without its own prefix.
#[must_use]
pub fn plain_error(message: &str) -> String {
    let message = message.trim_end_matches('.');
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Whether code that does not parse is plainly Python 2.
#[must_use]
pub fn is_python2(code: &str) -> bool {
    code.lines().any(|line| modern(line).is_some())
}

/// Python 2 as Python 3 writes it, where that takes no more than brackets; `None` if there is none in it, or it is still no Python then.
#[must_use]
pub fn modernised(code: &str) -> Option<Module> {
    let lines: String = code.lines().flat_map(|line| [modern(line).unwrap_or_else(|| line.to_owned()), "\n".to_owned()]).collect();
    Some(parse(&lines)).filter(|module| is_python2(code) && module.errors.is_empty())
}

/// The lines of Python 2 as Python 3 writes them, one for one; `None` if that changes nothing, or the whole is still no Python then.
#[must_use]
pub fn modern_lines(code: &str) -> Option<Vec<String>> {
    let lines: Vec<String> = code.lines().map(|line| modern(line).or_else(|| more_modern(line)).unwrap_or_else(|| line.to_owned())).collect();
    let whole: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    let changes = lines.iter().zip(code.lines()).any(|(new, old)| new != old);
    (changes && parse(&whole).errors.is_empty()).then_some(lines)
}

/// What is plainly Python 2 only in code of which other lines are: an empty `print`, one into a file or without a newline, an exception raised with a text.
fn more_modern(line: &str) -> Option<String> {
    let text = line.trim_start();
    let indent = &line[..line.len() - text.len()];
    let text = text.trim_end();
    if text == "print" {
        return Some(format!("{indent}print()"));
    }
    if let Some((file, rest)) = text.strip_prefix("print >>").and_then(|rest| rest.split_once(',')) {
        return Some(format!("{indent}print({}, file={})", rest.trim(), file.trim()));
    }
    if let Some(rest) = text.strip_prefix("print ") {
        return Some(match rest.strip_suffix(',') {
            Some(rest) => format!("{indent}print({rest}, end=\" \")"),
            None => format!("{indent}print({rest})"),
        });
    }
    if let Some((code, names)) = text.strip_prefix("exec ").and_then(|rest| rest.split_once(" in ")) {
        return Some(format!("{indent}exec({code}, {names})"));
    }
    let (class, message) = text.strip_prefix("raise ")?.split_once(", ")?;
    Some(format!("{indent}raise {class}({message})"))
}

/// A line of Python 2, perhaps behind a prompt, as Python 3 writes it; `None` for any other.
fn modern(line: &str) -> Option<String> {
    let text = line.trim_start();
    let text = [">>> ", "... "].iter().find_map(|prompt| text.strip_prefix(prompt)).unwrap_or(text).trim_start();
    let indent = &line[..line.len() - text.len()];
    if let Some(rest) = text.strip_prefix("print ").map(str::trim) {
        let is_value = rest.starts_with(['"', '\'', '%']) || rest.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_');
        return is_value.then(|| format!("{indent}print({rest})"));
    }
    if let Some(rest) = text.strip_prefix("except ").and_then(|rest| rest.trim_end().strip_suffix(':')) {
        let (class, name) = rest.rsplit_once(',').filter(|(class, name)| !name.contains(')') && class.matches('(').count() == class.matches(')').count())?;
        return Some(format!("{indent}except {class} as {}:", name.trim()));
    }
    if let Some((class, message)) = text.strip_prefix("raise ").and_then(|rest| rest.split_once(", ")).filter(|(class, _)| !class.contains('(')) {
        return Some(format!("{indent}raise {class}({message})"));
    }
    text.strip_prefix("exec ").filter(|rest| rest.starts_with(['"', '\''])).map(|rest| format!("{indent}exec({rest})"))
}

fn span(range: TextRange) -> Span {
    Span::new(range.start().to_usize(), range.end().to_usize())
}

/// Whether an expression statement is what prose often parses as.
fn is_bare(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Expr(expression) if !matches!(*expression.value, Expr::Call(_) | Expr::Await(_) | Expr::Yield(_)))
}

/// The last word of a dotted callee, with the names before it: `db.Table` gives (`["db"]`, `Table`).
fn callee(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Name(name) => Some(name.id.as_str()),
        Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
        Expr::Subscript(subscript) => callee(&subscript.value),
        _ => None,
    }
}

fn text_of(expression: &Expr) -> Option<String> {
    match expression {
        Expr::StringLiteral(literal) => Some(literal.value.to_str().to_owned()),
        _ => None,
    }
}

fn range_of(node: &impl Ranged) -> Span {
    span(node.range())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests;
