//! Pages of `tests/guides/verdict`, and of `tests/guides/malformed` those that are no good pages at all, each one hard case and the truth about it: the page says in a comment what its verdict is, and the real command must say the
//! same. `<!-- verdict: STATUS; CODE LINE; ...; assumes NAME; outcomes WORD ... -->`: every finding is named, and what is not named must not be there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;

use crate::command::course;

/// What a page says of itself: its verdict, sorted, and the outcomes of its blocks where it names them.
fn said(page: &str) -> (Vec<String>, Option<String>) {
    let (_, rest) = page.split_once("<!-- verdict: ").unwrap();
    let parts = rest.split_once(" -->").unwrap().0.split("; ").map(str::to_owned);
    let (outcomes, mut verdict): (Vec<String>, Vec<String>) = parts.partition(|part| part.starts_with("outcomes "));
    verdict.sort();
    (verdict, outcomes.into_iter().next())
}

/// What a report says of it, in the same words.
fn found(lesson: &Value) -> (Vec<String>, String) {
    let list = |key: &str| lesson[key].as_array().unwrap().clone();
    let mut verdict = vec![lesson["status"].as_str().unwrap().to_owned()];
    verdict.extend(list("findings").iter().map(|finding| format!("{} {}", finding["code"].as_str().unwrap(), finding["line"])));
    verdict.extend(list("assumptions").iter().map(|assumption| format!("assumes {}", assumption["name"].as_str().unwrap())));
    verdict.sort();
    let outcomes: Vec<String> = list("blocks").iter().map(|block| block["outcome"].as_str().unwrap_or("none").to_owned()).collect();
    (verdict, format!("outcomes {}", outcomes.join(" ")))
}

/// Checks the pages of a folder of guides; how many there are.
fn hold(folder: &str) -> usize {
    let course = course().copy(folder);
    let (_, report) = course.json(&["--no-snapshots"]);
    let lessons = report["lessons"].as_array().unwrap();
    let mut amiss = Vec::new();
    for lesson in lessons {
        let path = lesson["path"].as_str().unwrap();
        let (verdict, outcomes) = said(&String::from_utf8_lossy(&std::fs::read(course.path(path)).unwrap()));
        let (came, how) = found(lesson);
        if came != verdict || outcomes.as_ref().is_some_and(|outcomes| *outcomes != how) {
            amiss.push(format!("{path}\n  says {verdict:?} {outcomes:?}\n  gets {came:?} {how}"));
        }
    }
    assert!(amiss.is_empty(), "{}", amiss.join("\n"));
    for outside in ["outside.py", "outside.ini", "../outside.py", "../outside.ini", "pages/outside.py"] {
        assert!(!course.path(outside).exists(), "{outside}");
    }
    lessons.len()
}

#[test]
fn every_page_gets_the_verdict_that_it_says() {
    assert!(hold("guides/verdict") >= 29);
}

#[test]
fn malformed_pages_are_found_wrong_where_they_are_and_nothing_hangs_or_leaves_the_lab() {
    assert!(hold("guides/malformed") >= 10);
}
