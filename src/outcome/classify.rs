//! What kind of failure an exception is: broken or incomplete, decided on evidence. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::engine::protocol::{Frame, Raised};
use crate::finding::{Code, Finding, Location};
use crate::guide::Lesson;
use crate::moves;
use crate::outcome::services::{described, refused_by};
use crate::python;
use crate::source::Span;

/// What is known around a failed step.
#[derive(Clone, Copy)]
pub(crate) struct Evidence<'a> {
    pub(crate) lesson: &'a Lesson,
    /// The bytes of the step, if it stands on the page.
    pub(crate) span: Option<Span>,
    /// Every name that the revision's programs bind.
    pub(crate) bound: &'a BTreeSet<String>,
    /// Modules that are the page's own files.
    pub(crate) own_modules: &'a BTreeSet<String>,
    /// Classes that the page defines, with their bases, where each stands, and whether all its bases are imported from libraries.
    pub(crate) classes: &'a [DefinedClass],
    /// Names that were supplied.
    pub(crate) supplied: &'a [String],
    /// Servers that the page needs and that cannot be had: why.
    pub(crate) unserved: &'a BTreeMap<String, String>,
    /// Whether the step rests on something that was supplied.
    pub(crate) rests_on_assumption: bool,
}

impl Evidence<'_> {
    /// Whether the page leaves a part of one of its classes out.
    fn shows_in_part(&self, class: &str) -> bool {
        let of_name = self.classes.iter().filter(|known| known.name == class);
        of_name.map(|known| self.lesson.source.slice(known.span)).any(|text| text.lines().any(|line| line.trim() == "..." || python::says_omitted(line)))
    }

    /// Whether the block that the step stands in has a `with` statement.
    fn opens_itself(&self) -> bool {
        let own = self.span.and_then(|span| self.lesson.blocks.iter().find(|block| block.span().start <= span.start && span.end <= block.span().end));
        own.is_some_and(|block| block.body.lines.iter().any(|line| line.text.trim_start_matches([' ', '>', '.', '\t']).starts_with("with ")))
    }
}

/// A class of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DefinedClass {
    pub(crate) name: String,
    /// The last words of its bases.
    pub(crate) bases: Vec<String>,
    /// The bytes of the class statement on the page.
    pub(crate) span: Span,
    /// Whether all its bases are imported from a library, so that what neither it nor they define, nothing does.
    pub(crate) of_library: bool,
}

/// What a library says of a name that it keeps only to say that it is gone.
static GONE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(is|are|was|were|has been|have been) removed (as of|in|since)\b").expect("the pattern is a constant"));

/// The finding of an exception that left a judged step.
pub(crate) fn classify(raised: &Raised, evidence: &Evidence<'_>) -> Finding {
    let location = locate(&raised.frames, raised, evidence);
    let title = title(raised);
    let is = |class: &str| raised.bases.iter().any(|base| base.rsplit('.').next() == Some(class));
    let finding = |code, message: String| Finding::new(code, location.clone(), message);
    if is("NameError") && !is("UnboundLocalError") {
        return name_error(raised, evidence, &location);
    }
    if is("MemoryError") {
        return finding(Code::Memory, "it used more memory than its limit".to_owned());
    }
    if is("BlockingIOError") && raised.message.contains("[Errno 11]") || raised.message.contains("can't start new thread") {
        return finding(Code::ProcessLimit, "it started more processes or threads than its limit".to_owned());
    }
    if is("ImportError") {
        return import_error(raised, evidence, &location);
    }
    if is("SyntaxError") {
        return finding(Code::SyntaxError, title);
    }
    if is("TemplateNotFound") || is("TemplatesNotFound") {
        let name = raised.name.clone().unwrap_or_else(|| raised.message.clone());
        return finding(Code::MissingFile, format!("the page never shows the template `{name}`"))
            .with_help(format!("show it in a block named `templates/{name}`, or supply it in lab.toml"));
    }
    if is("FileNotFoundError") {
        let name = raised.name.clone().unwrap_or_else(|| raised.message.clone());
        return finding(Code::MissingFile, format!("the page never shows the file `{name}`"))
            .with_help("show it in a block of that name, or supply it in lab.toml");
    }
    if raised.message.contains("Working outside of application context") || raised.message.contains("Working outside of request context") {
        let is_request = raised.message.contains("outside of request");
        let (kind, opened) = if is_request { ("a request", "app.test_request_context()") } else { ("an application", "app.app_context()") };
        return finding(Code::NoContext, format!("this needs {kind} context that the page never opens"))
            .with_help(format!("open it on the page with `with {opened}:`"));
    }
    if let Some((service, why)) = refused_by(raised).and_then(|service| Some((service, evidence.unserved.get(service)?))) {
        return finding(Code::MissingService, format!("this needs {}, which cannot be had here", described(service))).with_help(why.as_str());
    }
    if let Some(finding) = unset(raised, evidence, &location).or_else(|| sketched(raised, evidence, &location)) {
        return finding;
    }
    if GONE.is_match(&raised.message) {
        return finding(Code::RemovedApi, title);
    }
    if raised.message.contains("no secret key was set")
        || raised.message.contains("Session backend did not open a session")
        || raised.message.contains("secret key is required")
    {
        return finding(Code::Unsupplied, format!("{}: the page never sets a secret key", title.trim_end_matches('.')))
            .with_help("show where `app.secret_key` or `SECRET_KEY` is set, or set it in lab.toml");
    }
    if raised.message.contains("is not registered with this 'SQLAlchemy' instance") {
        return finding(Code::NoContext, "the page never shows which application this database belongs to".to_owned())
            .with_help("show where `db.init_app(app)` is called");
    }
    if is("TypeError")
        && raised.message.ends_with("object is not callable")
        && evidence.span.is_some_and(|span| evidence.lesson.source.slice(span).contains(" _(") || evidence.lesson.source.slice(span).contains("=_("))
    {
        return finding(Code::UndefinedName, "`_` is never defined on this page".to_owned()).with_help(GETTEXT);
    }
    if raised.message.contains("Either 'SQLALCHEMY_DATABASE_URI' or") {
        return finding(Code::Unsupplied, format!("{title} The page never sets one")).with_help("show the database's address, or set it in lab.toml");
    }
    if let Some(what) = outside(raised) {
        return finding(Code::Unsupplied, format!("{title}: {what}")).with_help("show where it comes from, or supply it in lab.toml");
    }
    if is("AttributeError") {
        return attribute_error(raised, evidence, &location);
    }
    let assumed_call = is("TypeError")
        && evidence.supplied.iter().any(|name| [format!("{name}("), format!("{name}.__init__(")].iter().any(|call| raised.message.starts_with(call)));
    let data = [
        "UnboundExecutionError",
        "PendingRollbackError",
        "OperationalError",
        "ProgrammingError",
        "NoResultFound",
        "NotFound",
        "IntegrityError",
        "ConnectionError",
        "gaierror",
    ];
    if assumed_call
        || evidence.rests_on_assumption && (is("AssertionError") || is("KeyError") || data.iter().any(|class| is(class)) || raised.message.contains("NoneType"))
    {
        return finding(Code::Unsupplied, format!("{title}, which the page does nothing to prevent"))
            .with_help("it works on what had to be assumed; show the missing part, or supply it in lab.toml");
    }
    finding(Code::Raised, title)
}

/// What an exception asks of the world around the lab: its environment, its command line, a service, a state that an earlier request would have left.
fn outside(raised: &Raised) -> Option<&'static str> {
    let innermost = raised.frames.last().map_or("", |frame| frame.module.as_str());
    let within = |root: &str| raised.frames.iter().any(|frame| frame.module == root || frame.module.starts_with(&format!("{root}.")));
    let is_named = |raised: &Raised, class: &str| raised.bases.iter().any(|base| base.rsplit('.').next() == Some(class));
    let chain = || std::iter::successors(Some(raised), |raised| raised.cause.as_deref());
    let object = raised.object.as_deref().unwrap_or_default();
    match raised.class.as_str() {
        _ if raised.message.contains("environment variable") && raised.message.contains("not set") => Some("the page sets it nowhere"),
        "BuildError" if innermost.starts_with("werkzeug.") || within("flask") => Some("the page shows no such endpoint"),
        "KeyError" if innermost == "flask.sessions" || innermost.starts_with("werkzeug.") => Some("no request has left that"),
        "SystemExit" if ["click", "argparse", "unittest", "pytest", "_pytest"].iter().any(|root| within(root)) => {
            Some("it is a command that asks for arguments, or the verdict of a test runner")
        }
        "EOFError" if raised.message == "EOF when reading a line" => Some("it waits for what a reader types"),
        "TimeoutError" if within("celery") => Some("it waits for a worker, which the lab does not run"),
        "AttributeError" if OPEN_NAMESPACES.contains(&object) => Some("nothing on the page sets it"),
        _ if chain().any(|raised| {
            ["ConnectionRefusedError", "gaierror", "ConnectionError"].iter().any(|class| is_named(raised, class))
                || is_named(raised, "OperationalError") && within("kombu")
        }) =>
        {
            Some("it needs a service that the lab does not have")
        }
        _ => None,
    }
}

/// How to have the name by which texts are translated.
const GETTEXT: &str = "import it, such as `from flask_babel import gettext as _`";

/// Classes whose instances a program fills itself: what they lack, somebody has not set.
const OPEN_NAMESPACES: &[&str] = &[
    "flask.ctx._AppCtxGlobals",
    "types.SimpleNamespace",
    "argparse.Namespace",
    "_thread._local",
    "flask_login.mixins.AnonymousUserMixin",
    "werkzeug.local.Local",
];

/// What the page takes from its surroundings and never puts there: an environment variable, a table of a database that exists already.
fn unset(raised: &Raised, evidence: &Evidence<'_>, location: &Location) -> Option<Finding> {
    let incomplete = |message: String| Some(Finding::new(Code::Unsupplied, location.clone(), message));
    if raised.message.contains("'ellipsis'") || raised.message.contains("Ellipsis") {
        return incomplete(format!("{}: the page leaves out what `...` stands for", title(raised)));
    }
    let line = evidence.lesson.source.slice(evidence.lesson.source.line_span(location.place().line));
    let key = raised.message.trim_matches('\'');
    if raised.class == "KeyError" && ["['", "[\"", ".pop('", ".pop(\""].iter().any(|look| line.contains(&format!("session{look}{key}"))) {
        return incomplete(format!("{}: no request has left that in the session", title(raised)));
    }
    if raised.class == "KeyError" && raised.frames.last().is_some_and(|frame| frame.module == "os") {
        let name = raised.message.trim_matches('\'');
        return incomplete(format!("the page never sets the environment variable `{name}`"))
            .map(|finding| finding.with_help(format!("set it on the page, or under `[env]` in lab.toml: `{name} = \"...\"`")));
    }
    if evidence.rests_on_assumption {
        return None;
    }
    let (_, table) = raised.message.split_once("no such table: ")?;
    let table = table.split_whitespace().next()?.trim_end_matches(')');
    let source = evidence.lesson.source.slice(evidence.lesson.span).to_lowercase();
    let makes = ["create table", "create_all", "upgrade", "init_db", "init-db", "executescript"].iter().any(|sign| source.contains(sign));
    (!makes).then_some(())?;
    incomplete(format!("the page never makes the table `{table}`"))
        .map(|finding| finding.with_help("show where it is made, or make it in `setup` of the lab.toml"))
}

/// What a mapping lacks that the page never shows: a table or a class that it refers to, or the columns of a class of which the page shows a sketch.
fn sketched(raised: &Raised, evidence: &Evidence<'_>, location: &Location) -> Option<Finding> {
    let after = |mark: &str| raised.message.split_once(mark)?.1.split(['\'', '"', '>']).next();
    let source = evidence.lesson.source.slice(evidence.lesson.span);
    let quoted = |name: &str| ['\'', '"'].iter().any(|quote| source.contains(&format!("{quote}{name}{quote}")));
    let (what, help) = if let Some(table) = after("primary key columns for mapped table '") {
        (format!("the class of table `{table}` shows no column that is its primary key"), "show its columns, or supply the class in lab.toml")
    } else if let Some(class) = after("Class <class '").filter(|_| raised.message.contains("does not have a __table__ or __tablename__")) {
        let class = class.rsplit('.').next().unwrap_or(class);
        (format!("the class `{class}` shows no `__tablename__`"), "show the rest of it, or supply the class in lab.toml")
    } else if raised.class == "NoSuchTableError" {
        (format!("the page never makes the table `{}`", raised.message), "show where it is made, or make it in `setup` of the lab.toml")
    } else if let Some(class) = after("' is an invalid keyword argument for ").or_else(|| after("type object '")).filter(|class| evidence.shows_in_part(class))
    {
        (format!("{}: the page leaves out a part of `{class}`", title(raised)), "show the rest of it, or supply it in lab.toml")
    } else if raised.message.ends_with("is closed") && !evidence.opens_itself() {
        (format!("{}: the page shows this outside of the `with` that it belongs into", title(raised)), "show it inside of its `with`")
    } else if let Some(table) = after("could not find table '").filter(|table| !quoted(table)) {
        (format!("the page never shows the table `{table}`"), "show where it is defined, or supply it in lab.toml")
    } else {
        let class = after("failed to locate a name ('").filter(|class| !evidence.classes.iter().any(|known| known.name == *class))?;
        (format!("the page never shows the class `{class}`"), "show where it is defined, or supply it in lab.toml")
    };
    Some(Finding::new(Code::Unsupplied, location.clone(), what).with_help(help))
}

/// `ClassName: message`, the first line of it.
pub(crate) fn title(raised: &Raised) -> String {
    // Where a module is installed differs from machine to machine, and says nothing of the course.
    let message = raised.message.lines().next().unwrap_or_default();
    let message = message.rsplit_once(" (/").filter(|(_, path)| path.ends_with(".py)") || path.ends_with(".so)")).map_or(message, |(said, _)| said);
    if message.is_empty() { raised.class.clone() } else { format!("{}: {message}", raised.class) }
}

fn name_error(raised: &Raised, evidence: &Evidence<'_>, location: &Location) -> Finding {
    let name = raised.name.clone().unwrap_or_default();
    if let Some(gone) = moves::builtin(&name) {
        return Finding::new(Code::RemovedApi, location.clone(), format!("`{name}` is gone since {}", gone.since)).with_help(gone.instead());
    }
    // An instance is called like its class, in small letters.
    let near = evidence.bound.iter().map(String::as_str).filter(|bound| bound.len() > 2 && !bound.eq_ignore_ascii_case(&name));
    // What is missing by its own name, such as a module that was not imported, is no slip of the pen.
    let is_slip = name.len() > 3 && !crate::lab::is_library(&name) && !crate::lab::is_library(&name.to_ascii_lowercase());
    if is_slip && let Some(near) = crate::config::nearest(&name, near).filter(|near| crate::config::distance(&name, near) == 1 && near.len() == name.len()) {
        return Finding::new(Code::Raised, location.clone(), title(raised)).with_help(format!("did you mean `{near}`?"));
    }
    let help = match name.as_str() {
        "_" => GETTEXT.to_owned(),
        _ => format!("define or import `{name}` before this line, or supply it in lab.toml"),
    };
    Finding::new(Code::UndefinedName, location.clone(), format!("`{name}` is never defined on this page")).with_help(help)
}

fn import_error(raised: &Raised, evidence: &Evidence<'_>, location: &Location) -> Finding {
    let is_module = raised.class == "ModuleNotFoundError";
    let module = if is_module { raised.name.clone() } else { raised.object.clone() }.unwrap_or_default();
    if let Some(gone) = moves::module(&module) {
        return Finding::new(Code::RemovedApi, location.clone(), format!("the module `{module}` is gone since {}", gone.since)).with_help(gone.instead());
    }
    let root = module.split('.').next().unwrap_or_default();
    let own = evidence.own_modules.iter().any(|own| own == &module || own.split('.').next() == Some(root));
    if evidence.own_modules.contains(root) && crate::lab::is_library(root) {
        return Finding::new(Code::ShadowedLibrary, location.clone(), format!("the page's own `{root}.py` hides the library `{root}` from this import"))
            .with_help("give the file another name");
    }
    if is_module {
        let help = if own {
            "show the file in a block of its name"
        } else {
            "if it is the course's own, show its file; if it is a package, add it to the environment's requirements"
        };
        // A submodule of an installed package that is not there any more.
        if module.contains('.') && !own && raised.message.contains("is not a package") {
            return Finding::new(Code::RemovedApi, location.clone(), title(raised));
        }
        return Finding::new(Code::MissingModule, location.clone(), format!("there is no module `{module}` on this page or in the environment"))
            .with_help(help);
    }
    if own || module.is_empty() {
        return Finding::new(Code::UndefinedName, location.clone(), title(raised)).with_help("the page's own file does not define it");
    }
    // `cannot import name 'TextField' from 'wtforms' (...)`
    let name = raised.message.split('\'').nth(1).unwrap_or_default();
    let help = match moves::name(&format!("{module}.{name}")) {
        Some(moved) => moved.instead(),
        None => format!("the installed `{root}` has no such name; look for it in the package's change log"),
    };
    Finding::new(Code::RemovedApi, location.clone(), title(raised)).with_help(help)
}

fn attribute_error(raised: &Raised, evidence: &Evidence<'_>, location: &Location) -> Finding {
    let object = raised.object.clone().unwrap_or_default();
    let root = object.split('.').next().unwrap_or_default();
    if evidence.rests_on_assumption && (["builtins.NoneType", "builtins.function"].contains(&object.as_str()) || raised.message.contains("'NoneType'")) {
        return Finding::new(Code::Unsupplied, location.clone(), format!("{}: there is no such row or object on the page", title(raised)));
    }
    if object.starts_with("_pytest.fixtures.") {
        return Finding::new(Code::UndefinedName, location.clone(), format!("{}: the page shows this name only as a pytest fixture", title(raised)));
    }
    if raised.message.starts_with("partially initialized module") && !crate::lab::is_library(root) {
        return Finding::new(
            Code::Raised,
            location.clone(),
            format!("`{object}` imports itself, directly or by way of another file, before it has such a name"),
        )
        .with_help("move the import below what it needs, or into the function that uses it");
    }
    if evidence.own_modules.contains(&object) {
        return Finding::new(Code::UndefinedName, location.clone(), title(raised)).with_help("the page's own file does not define it");
    }
    let class = object.rsplit('.').next().unwrap_or_default();
    if let Some(class) = evidence.classes.iter().find(|known| known.name == class && known.of_library) {
        let attribute = raised.name.clone().unwrap_or_default();
        let source = &evidence.lesson.source;
        // A method that a subclass is to bring.
        if evidence.lesson.blocks.iter().any(|block| block.body.lines.iter().any(|line| line.text.trim_start().starts_with(&format!("def {attribute}(")))) {
            return Finding::new(Code::UndefinedName, location.clone(), format!("{}: a subclass is to define it", title(raised)));
        }
        let own = Location::line(source, source.line_of(class.span.start));
        let bases = class.bases.iter().map(|base| format!("`{base}`")).collect::<Vec<_>>().join(" or ");
        let finding = Finding::new(Code::RemovedApi, own, format!("{} calls for `{attribute}`, which the installed {bases} does not have", class.name));
        return finding.with_related(location.clone(), title(raised)).with_help("look for it in the package's change log");
    }
    let of_library =
        !root.is_empty() && !["__main__", "builtins"].contains(&root) && !evidence.own_modules.iter().any(|own| own.split('.').next() == Some(root));
    let code = if of_library { Code::RemovedApi } else { Code::Raised };
    Finding::new(code, location.clone(), title(raised))
}

/// Where on the page an exception is: the innermost frame that stands there, else the step.
pub(crate) fn locate(frames: &[Frame], raised: &Raised, evidence: &Evidence<'_>) -> Location {
    let source = &evidence.lesson.source;
    if let Some((line, column)) = raised.syntax
        && let Some(span) = evidence.span
    {
        let _ = line;
        return Location::new(source, Span::new(source.offset(source.line_of(span.start), column), span.end.max(span.start)));
    }
    frame_location(frames, evidence.lesson, evidence.span)
        .unwrap_or_else(|| Location::line(source, source.line_of(evidence.span.map_or(evidence.lesson.span.start, |span| span.start))))
}

/// The location of the innermost frame that stands on the page.
pub(crate) fn frame_location(frames: &[Frame], lesson: &Lesson, _span: Option<Span>) -> Option<Location> {
    let source = &lesson.source;
    // A definition that was filled in has lines that stand nowhere: they count only inside of a block.
    let stands = |line: usize| lesson.blocks.iter().any(|block| (source.line_of(block.span().start)..=source.line_of(block.span().end)).contains(&line));
    let frame = frames.iter().rev().find(|frame| frame.file == source.path() && stands(frame.line))?;
    let whole = Location::line(source, frame.line);
    let (Some(column), Some(end)) = (frame.column, frame.end_column) else { return Some(whole) };
    // Columns count in the code; list and quote prefixes stand before it in the source.
    let line = source.line_span(frame.line);
    let body = lesson.blocks.iter().flat_map(|block| &block.body.lines).find(|body| line.start <= body.span.start && body.span.end <= line.end);
    let start = body.map_or(line.start, |body| body.span.start);
    let one_line = frame.end_line.is_none_or(|end_line| end_line == frame.line);
    let end = if one_line { start + end } else { line.end };
    let span = Span::new((start + column).min(line.end), end.min(line.end));
    let fits = !span.is_empty() && source.text().is_char_boundary(span.start) && source.text().is_char_boundary(span.end);
    Some(if fits { Location::new(source, span) } else { whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raised(class: &str, bases: &[&str], message: &str, module: &str) -> Raised {
        let frame = Frame { file: "x".into(), line: 1, column: None, end_line: None, end_column: None, function: "f".into(), module: module.into() };
        let bases = bases.iter().map(|&base| base.to_owned()).collect();
        Raised { class: class.into(), bases, message: message.into(), frames: vec![frame], name: None, object: None, syntax: None, cause: None }
    }

    #[test]
    fn what_an_exception_asks_of_the_world_is_told_from_the_page_s_own_mistakes() {
        let told = [
            raised("BuildError", &[], "Could not build url", "werkzeug.routing"),
            raised("KeyError", &["builtins.KeyError"], "'cart'", "flask.sessions"),
            raised("SystemExit", &[], "2", "argparse"),
            raised("EOFError", &[], "EOF when reading a line", "__main__"),
            raised("TimeoutError", &[], "The operation timed out.", "celery.backends.base"),
            raised("URLError", &["urllib.error.URLError", "builtins.ConnectionRefusedError"], "", "urllib.request"),
        ];
        for raised in told {
            assert!(outside(&raised).is_some(), "{raised:?}");
        }
        let own = [
            raised("KeyError", &["builtins.KeyError"], "'cart'", "__main__"),
            raised("SystemExit", &[], "2", "__main__"),
            raised("TimeoutError", &[], "", "__main__"),
            raised("AttributeError", &[], "'Order' object has no attribute 'x'", "__main__"),
        ];
        for raised in own {
            assert_eq!(outside(&raised), None, "{raised:?}");
        }
        // What it comes from counts as well.
        let mut follows = raised("RuntimeError", &["builtins.RuntimeError"], "no answer", "__main__");
        follows.cause = Some(Box::new(raised("gaierror", &["socket.gaierror"], "Name or service not known", "socket")));
        assert!(outside(&follows).is_some());
    }
}
