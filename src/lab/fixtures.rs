//! Built-in fixtures: the real thing for what every Flask and SQLAlchemy text takes for granted. Never a stand-in that accepts anything.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::lab::piece::Piece;

/// What is known of a page when a fixture is chosen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    /// Every module that the page imports from, in any block.
    pub(crate) modules: BTreeSet<String>,
    /// Every name that the page imports from them.
    pub(crate) imported: BTreeSet<String>,
    /// Whether the page makes an instance of one of its mapped classes anywhere.
    pub(crate) makes_rows: bool,
    /// The code of the page's Python, for hints about how a name is used.
    pub(crate) code: String,
}

impl Page {
    /// Whether the page imports from a package or anything inside it.
    fn uses(&self, package: &str) -> bool {
        self.modules.iter().any(|module| module == package || module.strip_prefix(package).is_some_and(|rest| rest.starts_with('.')))
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

const DATABASE: &str = include_str!("fixtures/database.py");

/// The fixture for a name that nothing on the page or before it binds.
pub(crate) fn fixture(name: &str, page: &Page) -> Option<Fixture> {
    let rows = if page.makes_rows { "False" } else { "True" };
    let filled = if page.makes_rows { "with the page's tables" } else { "with the page's tables and a row in each" };
    let make = |what: String, code: String| Some(Fixture { what, piece: Piece::supplied(name, &code) });
    let own_database = format!("{DATABASE}\n\n");
    match name {
        "engine" if page.uses("sqlalchemy") => {
            make(format!("an SQLite engine in memory, {filled}"), format!("{own_database}engine = _proctor_engine(globals(), {rows})\n"))
        }
        "db" if page.uses("flask_sqlalchemy") || page.code.contains("db.Model") || page.code.contains("db.session") => make(
            "a Flask-SQLAlchemy extension on an SQLite database in memory".to_owned(),
            "from flask_sqlalchemy import SQLAlchemy\ntry:\n    app\nexcept NameError:\n    from flask import Flask\n    app = Flask(__name__)\nif 'SQLALCHEMY_DATABASE_URI' not in app.config:\n    app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite://'\ndb = SQLAlchemy(app)\n".to_owned(),
        ),
        "session" if page.uses("sqlalchemy") && !is_web_session(&page.code) => make(
            format!("an SQLAlchemy session on SQLite in memory, {filled}"),
            format!("{own_database}from sqlalchemy.orm import Session as _ProctorSession\ntry:\n    engine\nexcept NameError:\n    engine = _proctor_engine(globals(), {rows})\nsession = _ProctorSession(engine)\n"),
        ),
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
        "environ" => make("a WSGI environment of a GET request".to_owned(), "from werkzeug.test import create_environ as _proctor_environ\nenviron = _proctor_environ('/')\n".to_owned()),
        _ => None,
    }
}

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

    #[test]
    fn a_base_is_supplied_only_where_the_page_imports_no_maker_of_one() {
        let mut page = page(&["sqlalchemy"], "class A(Base): ...");
        assert!(fixture("Base", &page).is_some());
        page.imported.insert("declarative_base".into());
        assert!(fixture("Base", &page).is_none());
    }

    #[test]
    fn a_session_is_what_the_page_uses_it_as() {
        let web = fixture("session", &page(&["flask", "sqlalchemy"], "session['user'] = 1")).map(|fixture| fixture.what);
        assert_eq!(web.as_deref(), Some("Flask's session, imported"));
        let database = fixture("session", &page(&["sqlalchemy.orm"], "session.query(A)")).map(|fixture| fixture.what);
        assert!(database.is_some_and(|what| what.contains("SQLAlchemy session")));
        assert!(fixture("session", &page(&["math"], "")).is_none());
    }
}
