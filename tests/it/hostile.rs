//! The hostile corpus, through the command that a teacher runs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;

use crate::command::{course, docker};

/// Runs cases, or all of them, on an engine: its report.
fn selftest(engine: &str, cases: &[&str]) -> Value {
    let cases = cases.iter().flat_map(|case| ["--case", case]);
    let ended = course().run(&["selftest", "--engine", engine, "--format", "json"].into_iter().chain(cases).collect::<Vec<_>>());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", ended.stdout, ended.stderr));
    let wrong: Vec<&Value> = report["cases"].as_array().unwrap().iter().filter(|case| case["verdict"] == "not-held").collect();
    assert!(ended.status == 0 && wrong.is_empty(), "{wrong:#?}\n{}", ended.stderr);
    assert!(report["left"].is_null(), "{report}");
    report
}

fn count(report: &Value, verdict: &str) -> usize {
    report["cases"].as_array().unwrap().iter().filter(|case| case["verdict"] == verdict).count()
}

#[test]
fn containers_hold_what_only_they_can() {
    if docker() {
        // All of them are run by hand and once in CI.
        let cases = ["children-eat", "full-house", "host-files", "inodes", "io-uring", "kill-everyone", "network", "runner", "spy", "system-v"];
        let report = selftest("docker", &cases);
        assert_eq!((count(&report, "held"), count(&report, "not-sealed")), (cases.len(), 0), "{report}");
    }
}

#[test]
fn without_containers_a_case_holds_or_is_not_run_and_says_why() {
    let report = selftest("local", &[]);
    assert!(count(&report, "held") >= 30, "{report}");
    let not_run = report["cases"].as_array().unwrap().iter().filter(|case| case["verdict"] == "not-sealed");
    assert!(not_run.into_iter().all(|case| case["wrong"].as_str().is_some_and(|why| !why.is_empty())));
}

#[test]
fn a_case_that_does_not_exist_is_told_with_its_neighbour() {
    course().run(&["selftest", "--case", "forkbomb"]).with(2).says(&["no case `forkbomb`", "did you mean `fork-bomb`"]);
}
