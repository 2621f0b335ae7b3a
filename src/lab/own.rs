//! The page's own modules: what it imports from a file that it shows under another name, or takes for granted. Each becomes a file of the lab with just the
//! names that are asked of it, lent as any other name is. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::guide::Lesson;
use crate::lab::bindings::binds;
use crate::lab::draft::DraftModule;
use crate::lab::exports;
use crate::lab::lend::{Offers, complete};
use crate::lab::piece::{Piece, PieceOrigin};
use crate::lab::project::module_of;
use crate::python::{BindKind, Name};
use crate::source::Span;

/// Roots of Python's own library, past and present; the few that a course would sooner name its own file are left out.
const STANDARD: &str = "abc array ast asyncio atexit base64 bdb binascii bisect builtins bz2 cProfile calendar cgi cmath codecs collections colorsys concurrent \
configparser contextlib contextvars copy copyreg csv ctypes curses dataclasses datetime dbm decimal difflib dis distutils doctest email encodings ensurepip enum \
errno faulthandler fcntl filecmp fileinput fnmatch fractions ftplib functools gc getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http \
imaplib imp importlib inspect io ipaddress itertools json keyword linecache locale logging lzma mailbox marshal math mimetypes mmap multiprocessing netrc \
numbers operator optparse os pathlib pdb pickle pkgutil platform poplib posixpath pprint profile pstats pty pwd queue quopri random re readline reprlib \
resource runpy sched secrets select selectors shelve shlex shutil signal smtplib socket socketserver sqlite3 ssl stat statistics string struct subprocess \
symtable sys sysconfig syslog tarfile telnetlib tempfile termios textwrap threading time timeit tkinter token tokenize tomllib trace traceback tracemalloc \
tty turtle types typing unicodedata unittest urllib uuid venv warnings wave weakref webbrowser wsgiref xml xmlrpc zipapp zipfile zipimport zlib zoneinfo \
__future__";

/// Roots of packages that courses of this kind import and that are nobody's own file.
const PACKAGES: &str = "alembic babel bcrypt bleach boto3 botocore bs4 click dateutil django docker dotenv email_validator eventlet faker fastapi gevent \
gunicorn itsdangerous jwt mako markdown mock mongoengine MySQLdb numpy oauthlib odbc openpyxl pandas passlib peewee PIL psycopg psycopg2 pydantic pymongo \
pymysql pytz requests rq scipy sentry_sdk setuptools simplejson six stripe sympy toml tornado twilio uvicorn waitress yaml \
urllib2 urlparse StringIO cStringIO ConfigParser Queue cPickle HTMLParser asynchat asyncore";

/// Whether a module belongs to Python or to a package that is installed by its name, and so is none of the page's own.
pub(crate) fn is_library(module: &str) -> bool {
    let root = module.split('.').next().unwrap_or(module);
    root.starts_with("flask_")
        || STANDARD.split_whitespace().any(|name| name == root)
        || PACKAGES.split_whitespace().any(|name| name == root)
        || exports::knows(root)
}

/// Whether a root is one of Python's own library.
pub(crate) fn is_standard(root: &str) -> bool {
    STANDARD.split_whitespace().any(|name| name == root)
}

/// The absolute name of a module as `written` in a module of that name; `is_package` if it is an `__init__.py`.
pub(crate) fn absolute(written: &str, module: &str, is_package: bool) -> String {
    let dots = written.chars().take_while(|c| *c == '.').count();
    if dots == 0 {
        return written.to_owned();
    }
    let mut parts: Vec<&str> = module.split('.').filter(|part| !part.is_empty()).collect();
    parts.truncate(parts.len().saturating_sub(dots - usize::from(is_package)));
    parts.into_iter().chain([&written[dots..]]).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

/// Whether a module is a package's `__init__.py`.
pub(crate) fn is_package(module: &DraftModule) -> bool {
    module.file.as_deref().is_some_and(|file| file.ends_with("__init__.py"))
}

/// Names that the page imports from one of its own modules, and that nothing there binds.
#[derive(Debug, Clone, Default)]
struct Ask {
    names: BTreeSet<String>,
    /// The block that asks first, and the bytes of its import.
    from: Option<(usize, Span)>,
}

/// A module of the page's own that had to be put together.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// Its dotted name.
    pub(crate) module: String,
    /// The names that were asked of it and that it has.
    pub(crate) names: BTreeSet<String>,
    /// Every name that it binds.
    pub(crate) binds: BTreeSet<String>,
    /// Blocks and bytes of the page's statements that it is made of.
    pub(crate) copies: BTreeSet<(usize, Span)>,
    /// Where the page imports from it first.
    pub(crate) span: Option<Span>,
    /// The keys of the pieces that import from it.
    pub(crate) importers: Vec<(PieceOrigin, Span)>,
    /// Fixtures for what other pages lend it, by the key of what is lent.
    pub(crate) spares: Vec<Spare>,
}

/// A fixture for a piece that is lent, by the key of that piece.
type Spare = ((PieceOrigin, Span), Arc<Piece>);

/// Make the modules that `modules` import from and that are not there, and add to those that lack a name. `spare` are programs that the page shows without a
/// name; `files` are those of the lab: a module that its author wrote there is not made.
pub(crate) fn make(
    lesson: &Lesson,
    modules: &mut Vec<DraftModule>,
    spare: &[Vec<Arc<Piece>>],
    offers: &Offers<'_>,
    files: &BTreeMap<String, String>,
) -> Vec<Made> {
    let written: BTreeSet<String> = files.keys().filter(|path| path.ends_with(".py")).map(|path| module_of(path.trim_start_matches('/'))).collect();
    let mut made: Vec<Made> = Vec::new();
    let mut given_up: BTreeSet<(String, String)> = BTreeSet::new();
    // A module that is made may import from another; each round settles or gives up at least one name.
    for _ in 0..20 {
        let mut asked = asks(modules, &given_up);
        asked.retain(|module, _| !written.contains(module));
        let Some((name, ask)) = asked.into_iter().next() else { break };
        let (supplied, spares) = supply(lesson, modules, &name, &ask, spare, offers);
        for missing in ask.names.difference(&supplied) {
            given_up.insert((name.clone(), missing.clone()));
        }
        if supplied.is_empty() {
            continue;
        }
        match made.iter_mut().find(|known| known.module == name) {
            Some(known) => {
                known.names.extend(supplied);
                known.spares.extend(spares);
            }
            None => made.push(Made {
                module: name,
                names: supplied,
                binds: BTreeSet::new(),
                copies: BTreeSet::new(),
                span: ask.from.map(|(_, span)| span),
                importers: Vec::new(),
                spares,
            }),
        }
    }
    for known in &mut made {
        let own = modules.iter().filter(|module| module.module == known.module).flat_map(|module| &module.pieces);
        let definitions = own.flat_map(|piece| &piece.facts.binds).filter(|bind| !matches!(bind.kind, BindKind::Import { .. }) && !bind.name.starts_with('_'));
        let own = modules.iter().filter(|module| module.module == known.module).flat_map(|module| &module.pieces);
        known.copies = own.filter_map(|piece| replayed(lesson, piece)).collect();
        known.binds.extend(definitions.map(|bind| bind.name.clone()));
        for module in modules.iter() {
            let importers = module.pieces.iter().filter(|piece| from_imports(module, piece).any(|(from, _)| from == known.module));
            known.importers.extend(importers.map(|piece| piece.key()));
        }
    }
    made
}

/// What a piece imports: the absolute module and the name in it.
fn from_imports<'a>(module: &'a DraftModule, piece: &'a Piece) -> impl Iterator<Item = (String, &'a str)> {
    let is_package = is_package(module);
    piece.facts.binds.iter().filter_map(move |bind| match &bind.kind {
        BindKind::Import { module: from, name: Some(name) } => Some((absolute(from, &module.module, is_package), name.as_str())),
        _ => None,
    })
}

fn asks(modules: &[DraftModule], given_up: &BTreeSet<(String, String)>) -> BTreeMap<String, Ask> {
    let mut found: BTreeMap<String, Ask> = BTreeMap::new();
    for module in modules {
        for piece in &module.pieces {
            for (from, name) in from_imports(module, piece) {
                if from.is_empty() || from == module.module || is_library(&from) || given_up.contains(&(from.clone(), name.to_owned())) {
                    continue;
                }
                let has = |other: &DraftModule| other.module == from && other.pieces.iter().any(|piece| binds(piece, name));
                let submodule = format!("{from}.{name}");
                let is_submodule = modules.iter().any(|other| other.module == submodule || other.module.starts_with(&format!("{submodule}.")));
                if is_submodule || modules.iter().any(has) {
                    continue;
                }
                let ask = found.entry(from).or_default();
                ask.names.insert(name.to_owned());
                if ask.from.is_none() {
                    ask.from = piece.block().map(|block| (block, piece.span));
                }
            }
        }
    }
    found
}

/// Give a module the names that are asked of it. Those that it then has, and fixtures for what other pages lend it.
fn supply(
    lesson: &Lesson,
    modules: &mut Vec<DraftModule>,
    name: &str,
    ask: &Ask,
    spare: &[Vec<Arc<Piece>>],
    offers: &Offers<'_>,
) -> (BTreeSet<String>, Vec<Spare>) {
    let has_all = |pieces: &[Arc<Piece>]| ask.names.iter().all(|name| pieces.iter().any(|piece| defines(piece, name)));
    let at = modules.iter().position(|module| module.module == name);
    let whole = if at.is_none() { spare.iter().rev().find(|pieces| has_all(pieces)) } else { None };
    let completed = match whole {
        Some(pieces) => complete(pieces.clone(), offers, None, &BTreeMap::new()),
        None => {
            let mut pieces = at.map_or_else(Vec::new, |at| modules[at].pieces.clone());
            let wants = Arc::new(wants(name, &ask.names));
            pieces.push(Arc::clone(&wants));
            let mut completed = complete(pieces, offers, ask.from.map(|(block, _)| block).or(Some(usize::MAX)), &BTreeMap::new());
            completed.pieces.retain(|piece| piece.key() != wants.key());
            completed
        }
    };
    let elsewhere = completed.supplies.into_iter().filter(|supply| matches!(&supply.piece.0, PieceOrigin::Lesson(id, _) if *id != lesson.id));
    let spares: Vec<Spare> = elsewhere.filter_map(|supply| Some((supply.piece, supply.spare?))).collect();
    let pieces = completed.pieces;
    let bound: BTreeSet<String> = ask.names.iter().filter(|name| pieces.iter().any(|piece| binds(piece, name))).cloned().collect();
    if bound.is_empty() {
        return (bound, spares);
    }
    match at {
        Some(at) => {
            // What stands in a file of the page stays its own; what is added was not written there.
            let own: BTreeSet<_> = modules[at].pieces.iter().map(|piece| piece.key()).collect();
            modules[at].pieces = pieces.into_iter().map(|piece| if own.contains(&piece.key()) { piece } else { foreign(lesson, &piece) }).collect();
        }
        None => {
            let has_modules = modules.iter().any(|other| other.module.starts_with(&format!("{name}.")));
            let path = name.replace('.', "/");
            let file = if has_modules { format!("{path}/__init__.py") } else { format!("{path}.py") };
            let pieces = pieces.iter().map(|piece| foreign(lesson, piece)).collect();
            modules.push(DraftModule { module: name.to_owned(), file: Some(file), pieces });
        }
    }
    (bound, spares)
}

/// Names that `modules` import from one of them and that it does not bind.
pub(crate) fn lacks(modules: &[DraftModule], name: &str) -> BTreeSet<String> {
    asks(modules, &BTreeSet::new()).remove(name).map(|ask| ask.names).unwrap_or_default()
}

/// The file that a program without a name must be to import relatively: one inside a package.
pub(crate) fn package_file(pieces: &[Arc<Piece>]) -> Option<String> {
    let dots = |name: &str| name.chars().take_while(|c| *c == '.').count();
    let depth = pieces.iter().flat_map(|piece| &piece.facts.imports).map(|import| dots(&import.name)).max().filter(|depth| *depth > 0)?;
    Some(format!("{}page.py", "application/".repeat(depth)))
}

/// What a program has before it first imports from a module of the page's own: what that module may be.
pub(crate) fn before_imports(module: &DraftModule) -> Vec<Arc<Piece>> {
    let first = module.pieces.iter().find(|piece| from_imports(module, piece).any(|(from, _)| !is_library(&from)));
    match first.and_then(|first| first.block()) {
        Some(block) => module.pieces.iter().filter(|piece| piece.block().is_none_or(|other| other < block)).cloned().collect(),
        None => Vec::new(),
    }
}

/// Names that a module may import from those that were made, by the modules that it imports from already.
pub(crate) fn importable(module: &DraftModule, made: &[Made]) -> BTreeMap<String, String> {
    let from: BTreeSet<String> = module.pieces.iter().flat_map(|piece| from_imports(module, piece)).map(|(from, _)| from).collect();
    // What a program has itself it does not take from a copy of itself.
    let copied = |known: &Made| module.pieces.iter().any(|piece| piece.block().is_some_and(|block| known.copies.contains(&(block, piece.span))));
    let known = made.iter().filter(|known| known.module != module.module && from.contains(&known.module) && !copied(known));
    known.flat_map(|known| known.binds.iter().map(|name| (name.clone(), known.module.clone()))).collect()
}

fn defines(piece: &Piece, name: &str) -> bool {
    piece.facts.binds.iter().any(|bind| bind.name == name && !matches!(bind.kind, BindKind::Import { .. }))
}

/// A piece that reads names and does nothing.
fn wants(module: &str, names: &BTreeSet<String>) -> Piece {
    let mut piece = (*Piece::supplied(&format!("names asked of {module}"), "")).clone();
    piece.facts.reads = names.iter().map(|name| Name { name: name.clone(), span: Span::default() }).collect();
    piece
}

/// The block and bytes of a piece that was taken from this page.
fn replayed(lesson: &Lesson, piece: &Piece) -> Option<(usize, Span)> {
    match &piece.origin {
        PieceOrigin::Lesson(id, index) if *id == lesson.id => Some((*index, piece.span)),
        _ => None,
    }
}

/// The piece as part of a module that the page does not show: it is replayed there, not judged.
pub(crate) fn foreign(lesson: &Lesson, piece: &Arc<Piece>) -> Arc<Piece> {
    match piece.origin {
        PieceOrigin::Block(index) => Arc::new(Piece { origin: PieceOrigin::Lesson(lesson.id.clone(), index), ..(**piece).clone() }),
        _ => Arc::clone(piece),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab(text: &str) -> crate::lab::Lab {
        let source = std::sync::Arc::new(crate::source::Source::new("a.md", text));
        let guide = crate::guide::markdown::parse(&source, "a");
        let lesson = guide.lessons().next().expect("one lesson");
        crate::lab::assemble(lesson, &crate::lab::Setup::default())
    }

    /// The text of a file of the last revision.
    fn file(lab: &crate::lab::Lab, path: &str) -> Option<String> {
        lab.revisions.last()?.job.files.iter().find(|file| file.path == path).map(|file| file.text.clone())
    }

    #[test]
    fn a_file_that_the_page_names_without_its_package_stands_in_it() {
        let page = "This is `database.py`:\n\n```python\nBase = object\n```\n\nAnd this goes into `models.py`:\n\n```python\nfrom shop.database import Base\nclass Item(Base): pass\n```\n";
        let lab = lab(page);
        let files: Vec<_> = lab.blocks.iter().filter_map(|block| block.file.as_deref()).collect();
        assert_eq!(files, ["shop/database.py", "models.py"]);
        assert!(lab.assumptions.is_empty());
    }

    #[test]
    fn a_project_and_its_package_may_have_the_same_name() {
        let tree = "```\n/shop\n    /run.py\n    /shop\n        /__init__.py\n        /views.py\n        /templates\n            ...\n```\n\n";
        let page = "This is `run.py`:\n\n```python\nfrom shop import app\napp.run()\n```\n\nThis is `__init__.py`:\n\n```python\nfrom flask import Flask\napp = Flask(__name__)\nimport shop.views\n```\n\nAnd `views.py`:\n\n```python\nfrom shop import app\n```\n";
        let lab = lab(&format!("{tree}{page}"));
        let files: Vec<_> = lab.blocks.iter().filter_map(|block| block.file.as_deref()).collect();
        assert_eq!(files, ["run.py", "shop/__init__.py", "shop/views.py"]);
        assert!(lab.assumptions.is_empty(), "{:?}", lab.assumptions);
    }

    #[test]
    fn a_template_is_the_file_that_builds_on_the_other_one() {
        let base = "This is `base.html`:\n\n```html+jinja\n<body>{% block b %}{% endblock %}</body>\n```\n\n";
        let index =
            "And this is `index.html`, which inherits from `base.html`:\n\n```html+jinja\n{% extends \"base.html\" %}\n{% block b %}x{% endblock %}\n```\n\n";
        let code = "```python\nfrom flask import Flask\napp = Flask(__name__)\n```\n";
        let lab = lab(&format!("{code}\n{base}{index}"));
        let files: Vec<_> = lab.blocks.iter().filter_map(|block| block.file.as_deref()).collect();
        assert_eq!(files, ["templates/base.html", "templates/index.html"]);
    }

    #[test]
    fn what_the_page_shows_unnamed_becomes_the_module_that_it_imports() {
        let lab = lab("```python\nfrom flask import Flask\napp = Flask(__name__)\n```\n\nThen:\n\n```python\nfrom shop import app\napp.config\n```\n");
        assert_eq!(file(&lab, "shop.py").as_deref(), Some("from flask import Flask\napp = Flask(__name__)\n"));
        assert_eq!(lab.assumptions.iter().map(|assumption| assumption.name.as_str()).collect::<Vec<_>>(), ["shop"]);
    }

    #[test]
    fn a_module_of_which_nothing_is_known_is_not_made_up() {
        let lab = lab("```python\nfrom shop import price\nprint(price)\n```\n");
        assert_eq!(file(&lab, "shop.py"), None);
        assert!(lab.assumptions.is_empty());
    }

    #[test]
    fn relative_names_are_made_absolute() {
        assert_eq!(absolute(".models", "shop.views", false), "shop.models");
        assert_eq!(absolute(".", "shop", true), "shop");
        assert_eq!(absolute("..db", "shop.admin.views", false), "shop.db");
        assert_eq!(absolute("shop.db", "x", false), "shop.db");
    }

    #[test]
    fn a_library_is_told_from_the_pages_own() {
        for library in ["os.path", "flask", "flask_nowhere", "sqlalchemy.orm", "urllib2", "flask.ext.login"] {
            assert!(is_library(library), "{library}");
        }
        for own in ["shop.models", "app", "yourproject", "config"] {
            assert!(!is_library(own), "{own}");
        }
    }
}
