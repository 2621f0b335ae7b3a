//! One guide for each code of `finding.rs` in `tests/broken/`, checked through the real command, with what the reports say of it held in a snapshot.
//!
//! A page's findings are of its own code and of no other: a verdict too many is as wrong as one too few.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proctor::finding::Code;
use regex::Regex;
use serde_json::Value;

use crate::command::{Course, course, docker};

/// Codes that no guide here provokes, and why.
const ELSEWHERE: &[(Code, &str)] = &[
    (Code::ProcessLimit, "the system does not count the processes of root, whom CI runs as: held in a container instead"),
    (Code::MovedLink, "it takes a server that says so: held beside the code that asks"),
];

/// A check of all guides: its three reports.
struct Checked {
    terminal: String,
    json: Value,
    junit: String,
}

fn check(course: &Course, arguments: &[&str]) -> Checked {
    let reports = ["check", "--quiet", "--format", "terminal", "--format", "json=report.json", "--format", "junit=report.xml"];
    // In CI nothing is written beside the snapshots.
    let ended = course.run_with("CI", "true", &[&reports, arguments].concat()).with(1);
    Checked { terminal: ended.stdout, json: serde_json::from_str(&course.read("report.json")).unwrap(), junit: course.read("report.xml") }
}

impl Checked {
    /// The lesson of a code's guide: the one that has findings.
    fn lesson(&self, code: Code) -> Option<&Value> {
        let (page, folder) = (format!("pages/{}.", code.word()), format!("{}/", code.word()));
        let lessons = self.json["lessons"].as_array().unwrap();
        lessons.iter().find(|lesson| {
            let path = lesson["path"].as_str().unwrap();
            (path.starts_with(&page) || path.starts_with(&folder)) && lesson["findings"].as_array().is_some_and(|findings| !findings.is_empty())
        })
    }

    /// What the three reports say of a lesson.
    fn shown(&self, lesson: &Value) -> String {
        let mut lesson = lesson.clone();
        // The place among all these guides is that of a lesson which nobody reads for it.
        for differs in ["seconds", "index"] {
            lesson.as_object_mut().unwrap().remove(differs);
        }
        let json = serde_json::to_string_pretty(&lesson).unwrap();
        let place = format!("  {}:{}", lesson["path"].as_str().unwrap(), lesson["line"]);
        let header = Regex::new(r"^[a-z]+  \S").unwrap();
        let table = Regex::new(r"^[a-z]+ +\d+  ").unwrap();
        let lines: Vec<&str> = self.terminal.lines().skip_while(|line| !(header.is_match(line) && line.ends_with(&place))).collect();
        let end = lines.iter().skip(1).position(|line| header.is_match(line) || table.is_match(line)).unwrap() + 1;
        let junit = self.suite(&format!("name=\"path\" value=\"{}\"", lesson["path"].as_str().unwrap()));
        let all = format!("{}\n\n{json}\n\n{junit}", lines[..end].join("\n").trim_end());
        let all = Regex::new(r#" time="[0-9.]+""#).unwrap().replace_all(&all, r#" time="[seconds]""#).into_owned();
        let all = Regex::new(r"/[^ ()]*/site-packages/").unwrap().replace_all(&all, "[environment]/").into_owned();
        Regex::new(r"/[^ ()]*/w[0-9]+/work/").unwrap().replace_all(&all, "[lab]/").into_owned()
    }
}

impl Checked {
    /// The suite of the JUnit report that has this text.
    fn suite(&self, text: &str) -> String {
        let suite = self.junit.split("<testsuite ").find(|suite| suite.contains(text)).unwrap();
        format!("<testsuite {}</testsuite>", suite.split("</testsuite>").next().unwrap())
    }

    /// What the three reports say of the check as a whole.
    fn wrong(&self) -> String {
        let terminal: Vec<&str> = self.terminal.lines().filter(|line| line.starts_with("error[")).collect();
        let json = serde_json::to_string_pretty(&self.json["findings"]).unwrap();
        format!("{}\n\n{json}\n\n{}", terminal.join("\n"), self.suite("the check as a whole"))
    }
}

/// What must be the same wherever a page runs: status, findings and what became of each block, by page.
fn verdicts(checked: &Checked) -> Vec<(String, Value)> {
    let path = Regex::new(r" \(/[^)]*\)").unwrap();
    let lessons = checked.json["lessons"].as_array().unwrap().iter();
    let here = |lesson: &&Value| !ELSEWHERE.iter().any(|(code, _)| lesson["id"] == code.word());
    let verdict = lessons.filter(here).map(|lesson| {
        let mut blocks = lesson["blocks"].clone();
        for block in blocks.as_array_mut().unwrap() {
            // A Python prints otherwise than the next.
            block.as_object_mut().unwrap().remove("transcript");
        }
        let whole = serde_json::json!([lesson["status"], lesson["findings"], blocks, lesson["assumptions"], lesson["error"]]);
        (lesson["path"].as_str().unwrap().to_owned(), serde_json::from_str(&path.replace_all(&whole.to_string(), "")).unwrap())
    });
    verdict.collect()
}

#[test]
fn a_container_gives_the_same_verdicts() {
    if docker() {
        let course = course().copy("broken");
        let pages = ["pages", "unreadable", "unlisted"];
        let local = verdicts(&check(&course, &[&pages[..], &["--engine", "local"]].concat()));
        let sealed = verdicts(&check(&course, &[&pages[..], &["--engine", "docker"]].concat()));
        assert!(local.len() > 20);
        for (local, sealed) in local.into_iter().zip(sealed) {
            assert_eq!(local, sealed);
        }
    }
}

#[test]
fn what_only_a_container_limits_has_a_guide_as_well() {
    if docker() {
        let course = course().copy("broken");
        let checked = check(&course, &["pages/process-limit.md", "--engine", "docker"]);
        insta::assert_snapshot!("process-limit", checked.shown(checked.lesson(Code::ProcessLimit).unwrap()));
    }
}

#[test]
fn every_code_has_a_guide_that_is_found_wrong_in_just_that_way() {
    let course = course().copy("broken");
    let checked = check(&course, &["pages", "unreadable", "unlisted", "missing-service"]);
    let nothing = check(&course, &["nothing-ran"]);
    insta::assert_snapshot!(Code::NothingRan.word(), nothing.wrong());
    let strict = check(&course, &["assumed", "--strict"]);
    let mut amiss = Vec::new();
    for &code in Code::ALL.iter().filter(|&&code| code != Code::NothingRan) {
        let checked = if code == Code::Assumed { &strict } else { &checked };
        let lesson = checked.lesson(code);
        let codes: Vec<&str> =
            lesson.into_iter().flat_map(|lesson| lesson["findings"].as_array().unwrap()).map(|finding| finding["code"].as_str().unwrap()).collect();
        let is_right = !codes.is_empty() && codes.iter().all(|other| *other == code.word());
        match (lesson, ELSEWHERE.iter().find(|(other, _)| *other == code)) {
            (Some(lesson), None) if is_right => insta::assert_snapshot!(code.word(), checked.shown(lesson)),
            (_, None) => amiss.push(format!("the guide for {} has {codes:?}", code.word())),
            (Some(_), Some(_)) if is_right => amiss.push(format!("{} is provoked now: take it off the list", code.word())),
            (_, Some(_)) => {}
        }
    }
    assert!(amiss.is_empty(), "{amiss:#?}");
    assert!(course.read("labs/bad-snapshot/snapshots/greeting-1.snap").starts_with("this is no snapshot"));
    assert!(!course.path("outside.ini").exists() && !course.path("../outside.ini").exists());
}
