//! Built-in fixtures: the real thing for what every Flask and SQLAlchemy text takes for granted. Never a stand-in that accepts anything.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use regex::Regex;

use crate::lab::exports;
use crate::lab::models;
use crate::lab::piece::Piece;
use crate::python::Name;
use crate::source::Span;

/// What is known of a page when a fixture is chosen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    /// Every module that the page imports from, in any block.
    pub(crate) modules: BTreeSet<String>,
    /// Every name that the page imports from them.
    pub(crate) imported: BTreeSet<String>,
    /// Whether the page makes an instance of one of its mapped classes anywhere.
    pub(crate) makes_rows: bool,
    /// Classes that the page maps to tables.
    pub(crate) mapped: BTreeSet<String>,
    /// The code of the page's Python, for hints about how a name is used.
    pub(crate) code: String,
}

impl Page {
    /// Whether the page imports from a package or anything inside it.
    fn uses(&self, package: &str) -> bool {
        self.modules.iter().any(|module| module == package || module.strip_prefix(package).is_some_and(|rest| rest.starts_with('.')))
    }

    /// Whether the page's database is that of the Flask extension.
    fn uses_extension(&self) -> bool {
        self.uses("flask_sqlalchemy") || ["db.Model", "db.session", ".query.", "db.create_all"].iter().any(|use_| self.code.contains(use_))
    }

    fn uses_flask(&self) -> bool {
        self.modules.iter().any(|module| module == "flask" || module.starts_with("flask.") || module.starts_with("flask_"))
    }
}

/// A fixture: what it is in words, and its code.
#[derive(Debug, Clone)]
pub(crate) struct Fixture {
    pub(crate) what: String,
    pub(crate) piece: Arc<Piece>,
}

/// Names that count as a maker of a declarative base: a page that imports one and binds no `Base` has forgotten a line, which nothing stands in for.
const BASE_MAKERS: &[&str] = &["declarative_base", "DeclarativeBase", "DeclarativeBaseNoMeta", "automap_base", "registry"];

const FACTORY: &str = include_str!("fixtures/factory.py");
const DATABASE: &str = include_str!("fixtures/database.py");

/// The fixture for a name that nothing on the page or before it binds.
pub(crate) fn fixture(name: &str, page: &Page, needed_by: &Piece, later: bool) -> Option<Fixture> {
    let rows = if page.makes_rows { "False" } else { "True" };
    let filled = if page.makes_rows { "with the page's tables" } else { "with the page's tables and a row in each" };
    let make = |what: String, code: String| Some(Fixture { what, piece: Piece::supplied(name, &code) });
    let own_database = format!("{DATABASE}\n\n");
    match name {
        _ if (name == "engine" || name.ends_with("_engine")) && page.uses("sqlalchemy") => {
            make(format!("an SQLite engine in memory, {filled}"), format!("{own_database}{name} = _proctor_engine(globals(), {rows})\n"))
        }
        "db" if page.uses_extension() => make(
            "a Flask-SQLAlchemy extension on an SQLite database in memory".to_owned(),
            "from flask_sqlalchemy import SQLAlchemy\ntry:\n    app\nexcept NameError:\n    from flask import Flask\n    app = Flask(__name__)\nif 'SQLALCHEMY_DATABASE_URI' not in app.config:\n    app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite://'\ndb = SQLAlchemy(app)\n".to_owned(),
        ),
        _ if page.uses("sqlalchemy") && is_session(name, &page.code) => make(
            format!("an SQLAlchemy session on SQLite in memory, {filled}"),
            format!("{own_database}from sqlalchemy.orm import Session as _ProctorSession\ntry:\n    engine\nexcept NameError:\n    engine = _proctor_engine(globals(), {rows})\n{name} = _ProctorSession(engine)\n"),
        ),
        "conn" | "connection" if page.uses("sqlalchemy") && page.code.contains(&format!("{name}.execute(")) && !page.uses("sqlite3") => make(
            format!("a connection to SQLite in memory, {filled}"),
            format!("{own_database}try:\n    engine\nexcept NameError:\n    engine = _proctor_engine(globals(), {rows})\n{name} = engine.connect()\n"),
        ),
        _ if page.uses("sqlalchemy") && is_metadata(name, &page.code) => {
            make("a collection of tables, empty".to_owned(), format!("from sqlalchemy import MetaData as _ProctorMetaData\n{name} = _ProctorMetaData()\n"))
        }
        "session" if page.uses_flask() => make("Flask's session, imported".to_owned(), "from flask import session\n".to_owned()),
        "Base" if !BASE_MAKERS.iter().any(|maker| page.imported.contains(*maker)) && (page.uses("sqlalchemy") || page.code.contains("__tablename__")) => {
            make("a declarative base".to_owned(), "from sqlalchemy.orm import declarative_base as _proctor_base\nBase = _proctor_base()\n".to_owned())
        }
        "app" if page.uses_flask() || page.code.contains("@app.") => make(
            "a Flask application".to_owned(),
            "from flask import Flask as _ProctorFlask\napp = _ProctorFlask(__name__)\napp.secret_key = 'proctor'\n".to_owned(),
        ),
        "client" if page.uses_flask() || page.code.contains("client.get(") || page.code.contains("client.post(") => make(
            "a test client of the application".to_owned(),
            "try:\n    app\nexcept NameError:\n    from flask import Flask\n    app = Flask(__name__)\nclient = app.test_client()\n".to_owned(),
        ),
        "environ" => {
            let method = if needed_by.code.contains("'POST'") || needed_by.code.contains("\"POST\"") { "POST" } else { "GET" };
            make(
                format!("a WSGI environment of a {method} request"),
                format!("from werkzeug.test import create_environ as _proctor_environ\nenviron = _proctor_environ('/', method='{method}')\n"),
            )
        }
        "create_app" if page.uses_flask() => make("a factory that makes a Flask application".to_owned(), FACTORY.to_owned()),
        "login_required" | "current_user" | "login_user" | "logout_user" | "UserMixin" if page.uses_flask() || page.code.contains("@app.") => {
            make("imported from flask_login".to_owned(), format!("from flask_login import {name}\n"))
        }
        // A view that nobody calls may do without; what runs now may not.
        _ if later => None,
        // What a library has is that, and no model of the page's own.
        _ if models::is_model(name, page) && exports::forgotten(page.modules.iter().map(String::as_str), name).is_none() => {
            let plain = page.uses("sqlalchemy") && !page.uses_extension();
            let code = if plain { models::plain_model(name, page) } else { models::model(name, page) };
            let mut piece = (*Piece::supplied(name, &code)).clone();
            if !plain {
                piece.facts.reads = vec![Name { name: "db".to_owned(), span: Span::default() }];
            }
            Some(Fixture { what: "a model with the columns that the page uses".to_owned(), piece: Arc::new(piece) })
        }
        _ => {
            let class = models::row_of(name, page).filter(|_| models::acts_on(needed_by, name))?;
            let mut piece = (*Piece::supplied(name, &models::row(name, class, DATABASE))).clone();
            piece.facts.reads = ["session", class].iter().map(|name| Name { name: (*name).to_owned(), span: Span::default() }).collect();
            Some(Fixture { what: format!("a row of `{class}`"), piece: Arc::new(piece) })
        }
    }
}

/// Whether a name is that of a database session: `session`, unless it is Flask's, or what is called like one and used as one.
fn is_session(name: &str, code: &str) -> bool {
    if name == "session" {
        return !is_web_session(code);
    }
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_called_so = stem == "s" || stem == "sess" || stem.ends_with("session");
    let used = [".query(", ".add(", ".add_all(", ".commit(", ".scalars(", ".flush("];
    is_called_so && used.iter().any(|use_| code.contains(&format!("{name}{use_}")))
}

/// Whether a name stands where a table is told to which collection of tables it belongs.
fn is_metadata(name: &str, code: &str) -> bool {
    TABLE.captures_iter(code).any(|capture| &capture[1] == name)
}

/// A table, with the collection that it belongs to.
static TABLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"\bTable\(\s*["'][^"']*["']\s*,\s*(\w+)\s*,"#).expect("the pattern is a constant"));

/// Whether `session` is used as a mapping, as Flask's is, and never as SQLAlchemy's.
fn is_web_session(code: &str) -> bool {
    let mapping = ["session[", "session.pop(", "session.get('", "session.get(\"", "session.permanent", "in session"].iter().any(|use_| code.contains(use_));
    let database = ["session.query", "session.add", "session.commit", "session.execute", "session.scalar", "session.delete", "session.flush"]
        .iter()
        .any(|use_| code.contains(use_));
    mapping && !database
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(modules: &[&str], code: &str) -> Page {
        Page { modules: modules.iter().map(|module| (*module).to_owned()).collect(), code: code.to_owned(), ..Page::default() }
    }

    fn named(name: &str, page: &Page) -> Option<Fixture> {
        fixture(name, page, &Piece::supplied("reader", ""), false)
    }

    #[test]
    fn a_base_is_supplied_only_where_the_page_imports_no_maker_of_one() {
        let mut page = page(&["sqlalchemy"], "class A(Base): ...");
        assert!(named("Base", &page).is_some());
        page.imported.insert("declarative_base".into());
        assert!(named("Base", &page).is_none());
    }

    #[test]
    fn a_model_belongs_to_the_database_that_the_page_uses() {
        let code =
            |modules: &[&str], code: &str| named("Tea", &page(modules, code)).map(|fixture| (fixture.piece.code.clone(), fixture.piece.facts.reads.len()));
        let (plain, needs) = code(&["sqlalchemy"], "select(Tea).filter(Tea.leaf == 1)").unwrap_or_default();
        assert!(plain.contains("leaf = ") && !plain.contains("db.") && needs == 0, "{plain}");
        let (extended, needs) = code(&["flask_sqlalchemy"], "Tea.query.all()").unwrap_or_default();
        assert!(extended.contains("db.Model") && needs == 1);
    }

    #[test]
    fn a_session_is_what_the_page_uses_it_as() {
        let web = named("session", &page(&["flask", "sqlalchemy"], "session['user'] = 1")).map(|fixture| fixture.what);
        assert_eq!(web.as_deref(), Some("Flask's session, imported"));
        let database = named("session", &page(&["sqlalchemy.orm"], "session.query(A)")).map(|fixture| fixture.what);
        assert!(database.is_some_and(|what| what.contains("SQLAlchemy session")));
        assert!(named("session", &page(&["math"], "")).is_none());
    }
}
