//! The `lab.toml` of a lesson that takes something for granted: what it is, and how to say it. Comments only, so that nothing is changed by what nobody has read.

use super::contents::{Contents, id};
use crate::guide::Lesson;
use crate::lab::Assumption;
use crate::lab::manifest::SERVICES;

/// The stub for a lesson, if it takes anything for granted. It reads as a manifest that says nothing.
pub(super) fn of(lesson: &Lesson, assumed: &[Assumption], contents: &Contents) -> Option<String> {
    if assumed.is_empty() {
        return None;
    }
    let title = lesson.title.replace('\n', " ");
    let mut text = format!(
        "# What \"{title}\" takes for granted: a check supplies it and says so, and `check --strict` refuses it.\n# Below each is how to say it. Take the # away before a line that is to hold here; what stands further in belongs on the page.\n"
    );
    let page = lesson.source.path().rsplit('/').next().unwrap_or_default();
    for assumption in assumed {
        let line = lesson.source.place(assumption.span.start).line;
        text.push_str(&format!("\n# `{}`, needed by line {line} of {page}: {}\n", assumption.name, one_line(&assumption.what)));
        for line in said(assumption, contents).lines() {
            text.push_str(&format!("# {line}\n"));
        }
    }
    Some(text)
}

/// How a manifest says it.
fn said(assumption: &Assumption, contents: &Contents) -> String {
    let name = assumption.name.trim();
    // "what LESSON defines at its line N"
    let lender = assumption.what.strip_prefix("what ").and_then(|rest| rest.split_once(" defines at its line ")).map(|(lender, _)| lender);
    if let Some(path) = lender.and_then(|lender| contents.path(lender)) {
        return format!("uses = [\"{}\"]", id(path));
    }
    if SERVICES.contains(&name) {
        return format!("services = [\"{name}\"]");
    }
    if name.contains(['/', '.']) && crate::guide::is_file_name(name) {
        return format!("[files]\n\"{name}\" = \"\"\"\n...\n\"\"\"");
    }
    if assumption.what.starts_with("what line ") {
        return format!("    (move the definition of `{name}` up, before the block that needs it)");
    }
    let is_name = name.chars().all(|letter| letter.is_alphanumeric() || letter == '_') && !name.starts_with(|letter: char| letter.is_ascii_digit());
    match on_page(name) {
        Some(code) => code.lines().map(|line| format!("    {line}\n")).collect(),
        None if is_name => format!("setup = \"\"\"\n{name} = ...\n\"\"\""),
        None => "setup = \"\"\"\n...\n\"\"\"".to_owned(),
    }
}

/// Python for the page itself, for what usually stands on one.
fn on_page(name: &str) -> Option<&'static str> {
    Some(match name {
        "engine" => "from sqlalchemy import create_engine\nengine = create_engine(\"sqlite://\")\nBase.metadata.create_all(engine)",
        "session" => "from sqlalchemy.orm import Session\nsession = Session(engine)",
        "app" => "from flask import Flask\napp = Flask(__name__)",
        "client" => "client = app.test_client()",
        "db" => "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy(app)",
        "Base" => "from sqlalchemy.orm import declarative_base\nBase = declarative_base()",
        _ => return None,
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
