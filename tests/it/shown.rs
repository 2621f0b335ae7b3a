//! Pages that mean what they show: exceptions in a session, sketches of classes, versions of an example, through the real command.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;

use crate::command::course;

/// Findings by code and line, and blocks by fate and outcome.
type Told = (Vec<(String, u64)>, Vec<(String, String)>);

/// What a report says of a lesson.
fn told(lesson: &Value) -> Told {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let findings = lesson["findings"].as_array().unwrap();
    let blocks = lesson["blocks"].as_array().unwrap();
    let found = findings.iter().map(|finding| (text(&finding["code"]), finding["line"].as_u64().unwrap())).collect();
    (found, blocks.iter().map(|block| (text(&block["fate"]), text(&block["outcome"]))).collect())
}

fn page(text: &str) -> Told {
    let (_, report) = course().file("page.rst", text).json(&["--no-snapshots", "page.rst"]);
    told(&report["lessons"][0])
}

fn run(outcome: &str) -> (String, String) {
    ("run".to_owned(), outcome.to_owned())
}

#[test]
fn an_exception_that_a_session_shows_is_no_error_and_another_one_is() {
    let session = "Faults\n======\n\n>>> prices = {}\n>>> prices['tea']\nTraceback (most recent call last):\n  ...\nshop.KeyError: no tea today\n>>> len(prices)  # doctest: +SKIP\n7\n\nMore\n\n>>> prices.tea\nTraceback (most recent call last):\n  ...\nKeyError: 'tea'\n";
    let (found, blocks) = page(session);
    assert_eq!(found, [("raised".to_owned(), 14)]);
    assert_eq!(blocks, [run("passed"), run("failed")]);
}

#[test]
fn a_sketch_of_a_class_is_incomplete_and_a_body_of_a_comment_is_left_out() {
    let sketches = "SQLAlchemy\n==========\n\n::\n\n    class Shop(Base):\n        __tablename__ = 'shop'\n\n        goods = relationship('Good')\n\n::\n\n    class Till(Base):\n        # ...\n\n        coins = Column(Integer)\n\n::\n\n    class Drawer(Till):\n        # ...\n";
    let (found, blocks) = page(sketches);
    assert_eq!(found, [("unsupplied".to_owned(), 6), ("unsupplied".to_owned(), 13)]);
    assert_eq!(blocks, [run("incomplete"), run("incomplete"), ("static".to_owned(), "-".to_owned())]);
}

#[test]
fn a_session_goes_on_beside_a_note_and_after_its_base_is_made_anew() {
    let class = "class Tea(Base):\n    __tablename__ = 'tea'\n    id = Column(Integer, primary_key=True)\n";
    let typed = |code: &str| code.lines().enumerate().map(|(n, line)| format!("    {} {line}\n", if n == 0 { ">>>" } else { "..." })).collect::<String>();
    let indented = |code: &str| code.lines().map(|line| format!("        {line}\n")).collect::<String>();
    let text = format!(
        "Tea\n===\n\n::\n\n    >>> from sqlalchemy import Column, Integer, Sequence, create_engine\n    >>> from sqlalchemy.orm import Session, declarative_base\n    >>> Base = declarative_base()\n{}    >>> engine = create_engine('sqlite://')\n    >>> Base.metadata.create_all(engine)\n    >>> session = Session(engine)\n    >>> session.add(Tea())\n    >>> session.commit()\n\n.. note::\n\n    At length::\n\n{}\nOnce more::\n\n    >>> Base = declarative_base()\n{}    >>> session.query(Tea).count()\n    1\n",
        typed(class),
        indented(&class.replace("Integer,", "Integer, Sequence('tea_id'),")),
        typed(class),
    );
    let (found, blocks) = page(&text);
    assert_eq!(found, []);
    assert_eq!(blocks, [run("passed"), run("passed"), run("passed")]);
}

#[test]
fn what_is_set_up_shows_what_else_is_wrong_and_a_neighbour_lends_only_what_fits() {
    let models =
        "Models\n======\n\n::\n\n    class User(db.Model):\n        id = db.Column(db.Integer, primary_key=True)\n        name = db.Column(db.String)\n";
    let queries = "Queries\n=======\n\nSee :doc:`models`.\n\n>>> from shop import User, db\n>>> ada = User('ada', 'ada@example.com')\n>>> db.session.add(ada)\n>>> db.session.commit()\n\nAnd then\n\n>>> User.query.filter_by(name='ada').count()\n1\n>>> db.create_all(bind='shop')\n";
    let (_, report) = course().file("docs/models.rst", models).file("docs/queries.rst", queries).json(&["--no-snapshots", "docs"]);
    let lessons = report["lessons"].as_array().unwrap();
    let (found, blocks) = told(lessons.iter().find(|lesson| lesson["path"].as_str().unwrap().ends_with("queries.rst")).unwrap());
    assert_eq!(found, [("raised".to_owned(), 15)]);
    assert_eq!(blocks, [run("passed"), run("failed")]);
}
