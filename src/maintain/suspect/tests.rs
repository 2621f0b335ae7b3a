//! Verdicts on lessons made by hand.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use super::*;
use crate::finding::Location;
use crate::lab::{BlockPlan, Fate};
use crate::source::Source;

const PAGE: &str = "# Page\n\n```python\nfrom flask import escape\nprint(1)\nlater()\n```\n\n```python\nother()\n```\n";

fn lesson(findings: Vec<Finding>, outcomes: [Option<Outcome>; 2]) -> LessonOutcome {
    let block = |line, end_line, outcome| BlockOutcome {
        line,
        end_line,
        cell: None,
        language: "python".to_owned(),
        plan: BlockPlan { fate: Fate::Run, reason: None, file: None, revisions: vec![1] },
        outcome,
        transcript: Some(String::new()),
    };
    LessonOutcome {
        index: 0,
        id: "page".to_owned(),
        number: None,
        title: "Page".to_owned(),
        chapter: String::new(),
        selector: "page.md".to_owned(),
        environment: "flask".to_owned(),
        source: source(),
        line: 1,
        status: Status::Broken,
        assumptions: Vec::new(),
        blocks: vec![block(4, 6, outcomes[0]), block(10, 10, outcomes[1])],
        findings,
        error: None,
        seconds: 0.0,
    }
}

fn source() -> Arc<Source> {
    Arc::new(Source::new("page.md", PAGE))
}

fn at(line: usize, code: Code, message: &str) -> Finding {
    Finding::new(code, Location::line(&source(), line), message)
}

const GONE: &str = "ImportError: cannot import name 'escape' from 'flask'";
const FAILED: [Option<Outcome>; 2] = [Some(Outcome::Failed), Some(Outcome::Passed)];
const PASSED: [Option<Outcome>; 2] = [Some(Outcome::Passed), Some(Outcome::Passed)];

fn case() -> Case {
    let outcome = lesson(vec![at(4, Code::RemovedApi, GONE)], FAILED);
    Case::of(&outcome, &outcome.findings[0])
}

fn reason(seen: Seen) -> String {
    match seen {
        Seen::Unknown { reason, .. } => reason,
        other => format!("{other:?}"),
    }
}

#[test]
fn the_first_error_is_chosen_or_what_stands_in_a_line() {
    let findings = vec![at(4, Code::Deprecated, "old"), at(5, Code::SyntaxError, "no"), at(6, Code::Raised, "E: x"), at(10, Code::UndefinedName, "y")];
    let outcome = lesson(findings, FAILED);
    assert_eq!(choose(&outcome, None).unwrap().code, Code::Raised);
    assert_eq!(choose(&outcome, Some(4)).unwrap().code, Code::Deprecated);
    assert_eq!(choose(&outcome, Some(10)).unwrap().code, Code::UndefinedName);
    assert_eq!(choose(&outcome, Some(5)).unwrap_err(), NoSuspect::Alike("syntax-error".to_owned()));
    assert_eq!(choose(&outcome, Some(7)).unwrap_err().to_string(), "no finding stands in line 7; there are some in 4, 5, 6, 10");
    assert_eq!(choose(&lesson(vec![at(4, Code::NotReached, "x")], PASSED), None).unwrap_err(), NoSuspect::Passes);
    assert_eq!(choose(&lesson(vec![at(4, Code::Deprecated, "x")], PASSED), None).unwrap().code, Code::Deprecated);
}

#[test]
fn bad_is_the_same_finding_and_no_other() {
    let judge = |finding| case().judge(&lesson(vec![finding], FAILED));
    assert_eq!(judge(at(4, Code::RemovedApi, &format!("{GONE}. Did you mean: 'x'?"))), Seen::Bad);
    // An old release of the package beside a new one of another: the same line, and another name.
    let other = "ImportError: cannot import name 'url_quote' from 'werkzeug.urls'";
    assert_eq!(reason(judge(at(4, Code::RemovedApi, other))), other);
    assert!(matches!(judge(at(4, Code::Raised, "AssertionError: Class")), Seen::Unknown { kind, .. } if kind == "raised AssertionError"));
    // For other exceptions the class is enough: releases word their messages anew.
    let outcome = lesson(vec![at(5, Code::Raised, "ArgumentError: expected a Table")], FAILED);
    let case = Case::of(&outcome, &outcome.findings[0]);
    assert_eq!(case.judge(&lesson(vec![at(5, Code::Raised, "ArgumentError: Table expected")], FAILED)), Seen::Bad);
}

#[test]
fn good_is_a_block_that_runs_past_the_line() {
    let judge = |findings, outcomes| case().judge(&lesson(findings, outcomes));
    assert_eq!(judge(Vec::new(), PASSED), Seen::Good);
    assert_eq!(judge(vec![at(4, Code::Deprecated, "it goes")], PASSED), Seen::Good);
    assert_eq!(judge(vec![at(6, Code::Raised, "TypeError: later")], FAILED), Seen::Good);
    assert_eq!(judge(vec![at(10, Code::Raised, "TypeError: other")], [Some(Outcome::Passed), Some(Outcome::Failed)]), Seen::Good);
    assert_eq!(reason(judge(vec![at(4, Code::Raised, "TypeError: first")], FAILED)), "TypeError: first");
    assert_eq!(reason(judge(vec![at(10, Code::Raised, "TypeError: x")], [Some(Outcome::Blocked), Some(Outcome::Failed)])), "TypeError: x");
    assert_eq!(reason(judge(Vec::new(), [None, None])), "something before it fails");
    let held_up = at(10, Code::Raised, "TypeError: x").with_related(Location::line(&source(), 4), "cannot run because of it");
    assert_eq!(reason(judge(vec![held_up], [Some(Outcome::Failed), Some(Outcome::Failed)])), "TypeError: x");
}

#[test]
fn what_was_wrong_before_is_in_nobody_s_way() {
    let beside = at(4, Code::Raised, "ValueError: always");
    let outcome = lesson(vec![beside.clone(), at(5, Code::RemovedApi, "AttributeError: gone")], FAILED);
    let case = Case::of(&outcome, &outcome.findings[1]);
    assert_eq!(case.judge(&lesson(vec![beside], FAILED)), Seen::Good);
    let mut errored = lesson(Vec::new(), PASSED);
    (errored.status, errored.error) = (Status::Errored, Some("the worker died\nmore".to_owned()));
    assert_eq!(reason(case.judge(&errored)), "the worker died");
}
