//! What `proctor fix` and `proctor stale` promise, through the real command: what is offered, what is only told, what is written and what is not.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;

use crate::command::course;

/// A page whose import is half gone, in three of its blocks' ways.
const MOVED: &str =
    "# Quoting\n\n```python\nfrom flask import Flask, escape  # both\n\napp = Flask(__name__)\n```\n\nThen:\n\n```python\nprint(escape('<b>'))\n```\n";

#[test]
fn a_line_of_imports_is_split_shown_and_written() {
    let course = course().file("page.md", MOVED.replace('\n', "\r\n"));
    let ended = course.run(&["fix", "page.md"]).with(1);
    let ended = ended.shows(&["-from flask import Flask, escape  # both", "+from flask import Flask  # both", "+from markupsafe import escape"]);
    ended.shows(&["was broken and is passed", "fixed 1 of 1 removed-api", "since Flask 3.0", "`--apply`"]);
    assert_eq!(course.read("page.md"), MOVED.replace('\n', "\r\n"));
    course.run(&["fix", "page.md", "--apply"]).with(0).shows(&["1 page written"]);
    let expected = MOVED.replace("Flask, escape  # both\n", "Flask  # both\nfrom markupsafe import escape\n").replace('\n', "\r\n");
    assert_eq!(course.read("page.md"), expected);
    course.run(&["check", "page.md", "--no-snapshots"]).with(0);
    course.run(&["fix", "page.md"]).with(0).shows(&["nothing to write"]);
}

#[test]
fn what_would_print_something_else_is_only_told() {
    let page = "# Now\n\n```python\nfrom datetime import datetime\nprint(datetime.utcnow().tzinfo)\n```\n";
    let course = course().file("page.md", page);
    let ended = course.run(&["fix", "page.md", "--format", "json"]).with(0);
    let form: Value = serde_json::from_str(&ended.stdout).unwrap();
    let fix = &form["lessons"][0]["fixes"][0];
    assert_eq!((&fix["verified"], &form["pages"]), (&Value::from(false), &Value::from(Vec::<Value>::new())), "{form:#}");
    assert!(fix["why"].as_str().unwrap().contains("would print something else"), "{form:#}");
}

#[test]
fn a_read_only_guide_is_left_alone_and_so_is_every_other() {
    let course = course().file("docs/a.md", MOVED).file("docs/b.md", MOVED);
    let mut permissions = std::fs::metadata(course.path("docs/b.md")).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(course.path("docs/b.md"), permissions).unwrap();
    course.run(&["fix", "docs", "--apply"]).with(2).says(&["docs/b.md is read-only; nothing was written"]);
    assert_eq!((course.read("docs/a.md"), course.read("docs/b.md")), (MOVED.to_owned(), MOVED.to_owned()));
    assert_eq!(std::fs::read_dir(course.path("docs")).unwrap().count(), 2);
}

#[test]
fn what_is_stale_is_told_with_what_replaces_it() {
    let page = "# Models\n\n```python\nfrom sqlalchemy.ext.declarative import declarative_base\n\nBase = declarative_base()\n```\n";
    let course = course().file("page.md", page).file("new.md", page.replace("ext.declarative", "orm"));
    let ended = course.run(&["stale", "page.md", "--no-next"]).with(1);
    ended.shows(&[
        "6:8 MovedIn20Warning",
        "sqlalchemy.ext.declarative.declarative_base -> sqlalchemy.orm.declarative_base, since SQLAlchemy 2.0",
        "1 stale place in 1 lesson",
    ]);
    course.run(&["stale", "new.md", "--no-next"]).with(0).shows(&["0 stale places"]);
    course.run(&["fix", "page.md", "--apply"]).with(0);
    assert_eq!(course.read("page.md"), course.read("new.md"));
}
