//! What a page takes for granted, its owner supplies in a `lab.toml` of a few lines: each page of `tests/guides/owner` is incomplete by itself, and passes with
//! its manifest.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use serde_json::Value;

use crate::command::{Course, course};

fn checked(course: &Course) -> BTreeMap<String, (String, Vec<String>)> {
    let (_, report) = course.json(&["--no-snapshots"]);
    let lessons = report["lessons"].as_array().unwrap().iter();
    let codes = |lesson: &Value| lesson["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect();
    lessons.map(|lesson| (lesson["id"].as_str().unwrap().to_owned(), (lesson["status"].as_str().unwrap().to_owned(), codes(lesson)))).collect()
}

fn owned() -> Course {
    course().copy("guides/owner")
}

#[test]
fn an_incomplete_page_passes_with_a_few_lines_of_its_owner() {
    let course = owned();
    for (id, (status, codes)) in checked(&course) {
        assert_eq!((status.as_str(), codes), ("passed", Vec::new()), "{id}");
    }
    std::fs::remove_dir_all(course.path("labs")).unwrap();
    let lacking: Vec<(String, String, Vec<String>)> = checked(&course).into_iter().map(|(id, (status, codes))| (id, status, codes)).collect();
    let lacks = |id: &str, code: &str| (id.to_owned(), "incomplete".to_owned(), vec![code.to_owned()]);
    assert_eq!(
        lacking,
        [
            lacks("model", "undefined-name"),
            lacks("module", "missing-module"),
            lacks("rows", "unsupplied"),
            lacks("setting", "unsupplied"),
            lacks("template", "missing-file"),
        ]
    );
}

#[test]
fn an_answer_that_is_not_as_its_owner_expects_is_found_at_the_view() {
    let toml = "[files]\n'templates/welcome.html' = '<h1>Welcome!</h1>'\n\n[[request]]\npath = '/'\nexpects = { text = 'Welcome, Ada!' }\n\n[[request]]\nmethod = 'POST'\npath = '/'\nexpects = { status = 200 }\n";
    let course = owned().file("labs/template/lab.toml", toml);
    let (_, report) = course.json(&["--no-snapshots", "pages/template.md"]);
    let lesson = &report["lessons"][0];
    assert_eq!(lesson["status"], "broken");
    let found: Vec<(&str, u64, &str)> = lesson["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (finding["code"].as_str().unwrap(), finding["line"].as_u64().unwrap(), finding["message"].as_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            ("http-error", 4, "POST / answers 405, and its lab.toml expects 200"),
            ("wrong-output", 9, "GET / answers without the text that its lab.toml expects"),
        ]
    );
}
