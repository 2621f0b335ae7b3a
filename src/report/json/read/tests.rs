//! What is written as JSON and read back is the same report; what is no report is told from one.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::report::{Format, fixture, terminal};

fn written(report: &Report, format: Format) -> String {
    let mut out = Vec::new();
    crate::report::write(report, format, &terminal::Options::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn no_texts(_: &str) -> Vec<Arc<Source>> {
    Vec::new()
}

/// The report as it comes back where the guide is gone.
fn alone(report: &Report) -> Report {
    read(&written(report, Format::Json), &no_texts).unwrap().report
}

/// The report as it comes back where the guide is still there.
fn beside_its_guide(report: &Report) -> Report {
    let texts: BTreeMap<&str, &Arc<Source>> = report.lessons.iter().map(|lesson| (lesson.source.path(), &lesson.source)).collect();
    let texts = |path: &str| texts.get(path).map(|source| Arc::clone(source)).into_iter().collect();
    read(&written(report, Format::Json), &texts).unwrap().report
}

fn refused(text: &str) -> String {
    read(text, &no_texts).unwrap_err().to_string()
}

#[test]
fn a_report_without_its_guide_says_the_same_in_every_form_that_shows_no_line_of_it() {
    let report = fixture::report();
    for format in [Format::Json, Format::Junit, Format::Sarif, Format::Github] {
        assert_eq!(written(&alone(&report), format), written(&report, format), "{format:?}");
    }
}

#[test]
fn beside_its_guide_it_is_drawn_as_before() {
    let mut report = fixture::report();
    // One of its findings points into a text that no lesson of it has.
    report.lessons.retain(|lesson| lesson.number.as_deref() != Some("3.1"));
    for format in Format::ALL {
        assert_eq!(written(&beside_its_guide(&report), format), written(&report, format), "{format:?}");
    }
}

#[test]
fn without_its_guide_places_are_told_and_no_frame_is_drawn() {
    let mut report = fixture::report();
    report.lessons.retain(|lesson| lesson.status == Status::Stale);
    let shown = written(&alone(&report), Format::Terminal);
    assert!(shown.contains("--> guide.txt:6:8\n") && shown.contains("= note: guide.txt:4:1: imported here"), "{shown}");
    assert!(!shown.contains('|') && !shown.contains(".."), "{shown}");
}

#[test]
fn a_page_that_has_changed_is_not_shown() {
    let report = fixture::report();
    let changed = |path: &str| vec![Arc::new(Source::new(path, "something else\n"))];
    let kept = read(&written(&report, Format::Json), &changed).unwrap().report;
    assert!(kept.lessons.iter().filter(|lesson| !lesson.findings.is_empty()).all(|lesson| lesson.source.is_outline()));
}

#[test]
fn a_report_of_an_older_proctor_has_fewer_keys() {
    let old = r#"{"version": 1, "engine": "docker", "environment": "flask", "notes": [], "seconds": 1.0, "chapters": 1, "summary": {"broken": 1}, "findings": [],
        "lessons": [{"id": "a", "number": null, "title": "A", "chapter": "", "path": "a.md", "line": 1, "status": "broken", "error": null, "rerun": "",
        "seconds": 0.5, "assumptions": [{"name": "x", "line": 3, "cell": null, "what": "y"}], "blocks": [], "findings": [{"code": "raised", "severity": "error",
        "path": "a.md", "line": 4, "end_line": 5, "column": 2, "cell": null, "message": "m", "help": null, "because": null,
        "related": [{"path": "b.md", "line": 4, "cell": null, "message": "n"}], "comparison": null}]}]}"#;
    let report = read(old, &no_texts).unwrap().report;
    assert_eq!(report.lessons[0].findings[0].location.place(), Place { line: 4, column: 2, cell: None });
    assert_eq!(report.lessons[0].findings[0].related[0].location.place().line, 4);
}

#[test]
fn what_is_no_report_is_told_from_one() {
    let whole = written(&fixture::report(), Format::Json);
    assert!(refused(&whole[..whole.len() / 2]).starts_with("it ends in the middle, at line "));
    assert!(refused("").starts_with("it ends in the middle"));
    assert!(refused("<testsuites/>").starts_with("it is no JSON (line 1, column 1)"));
    assert!(refused(r#"{"version": "2.1.0", "runs": []}"#).starts_with("it is JSON, and no report"));
    assert!(refused("[1]").starts_with("it is JSON, and no report"));
    assert!(refused(&whole.replacen("\"version\": 1", "\"version\": 2", 1)).starts_with("it is a report of version 2, and this Proctor reads version 1"));
    assert!(refused(&whole.replace("\"stale\",", "\"mouldy\",")).contains("the status `mouldy`"));
    assert!(refused(&whole.replacen("\"line\": 4,", "\"line\": \"4\",", 1)).contains("it is no whole report: invalid type"));
    assert!(refused(&whole.replacen("\"line\": 11,", "\"line\": 99999999999999,", 1)).starts_with("it names lines and columns that no guide has"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_report_comes_back(text in any::<String>()) {
        let report = fixture::saying(&text);
        let json = written(&report, Format::Json);
        prop_assert_eq!(&written(&alone(&report), Format::Json), &json);
        prop_assert_eq!(&written(&beside_its_guide(&report), Format::Json), &json);
    }

    #[test]
    fn no_text_makes_it_panic(cut in 0_usize..20_000, with in ".{0,3}") {
        let mut whole = written(&fixture::report(), Format::Json);
        let at = (0..=cut.min(whole.len())).rev().find(|at| whole.is_char_boundary(*at)).unwrap_or(0);
        whole.insert_str(at, &with);
        let _ = read(&whole, &no_texts);
    }
}
