//! Checks in several environments, and lessons in their own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::command::{Course, course, docker};

const QUERIES: &str = "# Queries\n\n```python\nfrom sqlalchemy import create_engine\n\nengine = create_engine(\"sqlite://\")\nprint(engine.execute(\"select 1\").scalar())\n```\n";
const FINE: &str = "# Fine\n\n```python\nprint(\"fine\")\n```\n";

fn two() -> Course {
    let summary = "# Summary\n\n- [Fine](fine.md)\n- [Queries](queries.md)\n";
    course().file("proctor.toml", "guide = 'docs'\n").file("docs/SUMMARY.md", summary).file("docs/fine.md", FINE).file("docs/queries.md", QUERIES)
}

/// Each lesson's id, environment and status.
fn verdicts(report: &Value) -> Vec<[String; 3]> {
    let lessons = report["lessons"].as_array().unwrap();
    lessons.iter().map(|lesson| ["id", "environment", "status"].map(|key| lesson[key].as_str().unwrap().to_owned())).collect()
}

#[test]
fn a_page_that_only_old_releases_run_is_told_once_with_its_environments() {
    if !docker() {
        return;
    }
    let course = two();
    let check = ["--engine=docker", "--no-snapshots", "--env=legacy", "--env", "flask", "--format", "terminal=shown.txt", "--format=junit=junit.xml"];
    let (ended, report) = course.json(&check);
    ended.with(1);
    assert_eq!((&report["environment"], &report["environments"]), (&json!("flask"), &json!(["flask", "legacy"])));
    let expected = [["fine", "flask", "passed"], ["fine", "legacy", "passed"], ["queries", "flask", "broken"], ["queries", "legacy", "stale"]];
    assert_eq!(verdicts(&report), expected);
    assert_eq!(report["lessons"][2]["rerun"], "proctor check docs/queries.md --no-snapshots --env=flask");
    let shown = course.read("shown.txt");
    let table = "lesson     flask   legacy\n2 Queries  broken  stale\n\nbroken     1       -\nstale      -       1\npassed     1       1\n1 lesson passed in every environment";
    assert!(shown.contains(table), "{shown}");
    assert!(shown.contains("has no attribute 'execute'") && shown.contains("= note: in flask\n") && shown.contains("= note: in legacy\n"), "{shown}");
    let junit = course.read("junit.xml");
    assert!(junit.contains("classname=\"queries [flask]\"") && junit.contains("classname=\"queries [legacy]\""), "{junit}");
}

#[test]
fn a_lesson_runs_in_the_environment_that_its_lab_names() {
    if !docker() {
        return;
    }
    let course = two().file("labs/queries/lab.toml", "environment = 'legacy'\n");
    let (ended, report) = course.json(&["--engine=docker", "--no-snapshots"]);
    ended.with(0);
    assert_eq!(verdicts(&report), [["fine", "flask", "passed"], ["queries", "legacy", "stale"]]);
    assert_eq!(report["lessons"][1]["rerun"], "proctor check docs/queries.md --no-snapshots");
    // Whoever names one means it.
    let (ended, report) = course.json(&["--engine=docker", "--no-snapshots", "--env=flask"]);
    ended.with(1);
    assert_eq!(verdicts(&report)[1], ["queries", "flask", "broken"]);
}

/// A page whose output is another in `legacy`.
const VERSIONS: &str = "# Versions\n\n```python\nimport sqlalchemy\n\nprint(sqlalchemy.__version__.split(\".\")[0])\n```\n\n```python\nprint(\"same\")\n```\n";

#[test]
fn a_snapshot_has_a_variant_only_where_the_output_differs() {
    if !docker() {
        return;
    }
    let course = course().file("proctor.toml", "guide = 'docs'\n").file("docs/versions.md", VERSIONS);
    let check = |flags: &[&str]| course.json(&[&["--engine=docker"], flags].concat());
    let kept = || {
        let names = std::fs::read_dir(course.path("labs/versions/snapshots")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    // The course's own comes first, whatever the order, so that others are held against what it waits with.
    check(&["--env=legacy", "--env=flask"]).0.with(0);
    assert_eq!(kept(), ["versions-1.snap.new", "versions-1@legacy.snap.new", "versions-2.snap.new"]);
    course.run(&["review"]).with(1).shows(&["new output in legacy at"]);
    course.run(&["accept", "versions"]).with(0).shows(&["accepted versions, versions-1#legacy"]);
    let (ended, report) = check(&["--env=flask,legacy"]);
    ended.with(0);
    assert_eq!(verdicts(&report), [["versions", "flask", "passed"], ["versions", "legacy", "passed"]]);
    // Without its variant, what differs is shown against the plain one, and waits as the variant.
    std::fs::remove_file(course.path("labs/versions/snapshots/versions-1@legacy.snap")).unwrap();
    let (ended, report) = check(&["--env=legacy"]);
    ended.with(1);
    assert_eq!(report["lessons"][0]["findings"][0]["comparison"], json!({"expected": "2", "actual": "1"}));
    assert_eq!(kept(), ["versions-1.snap", "versions-1@legacy.snap.new", "versions-2.snap"]);
    course.run(&["review", "--accept-all"]).with(0);
    // One that says what the plain one says is superfluous, and said to be.
    std::fs::copy(course.path("labs/versions/snapshots/versions-2.snap"), course.path("labs/versions/snapshots/versions-2@legacy.snap")).unwrap();
    let (ended, report) = check(&[]);
    ended.with(0);
    assert_eq!(report["lessons"][0]["findings"][0]["code"], "unreferenced-snapshot");
    let message = report["lessons"][0]["findings"][0]["message"].as_str().unwrap();
    assert!(message.contains("versions-2@legacy.snap` says what `versions-2.snap` says"), "{message}");
}

#[test]
fn environments_that_are_none_are_named_before_anything_runs() {
    let check = |course: &Course, flags: &[&str]| course.run(&[&["check"], flags].concat()).with(2);
    let course = two();
    check(&course, &["--env=flask", "--env=flusk"]).says(&["no environment is called `flusk`", "there are: flask"]);
    check(&course, &["--env=flask", "--matrix"]).says(&["--matrix", "cannot be used with"]);
    check(&course, &["--watch", "--env=flask,legacy"]).says(&["--watch works in one environment at a time", "`flask`, `legacy`", "`--env NAME`"]);
    check(&two().file("labs/fine/lab.toml", "environment = 'flusk'\n"), &[]).says(&["the lab.toml of fine: no environment is called `flusk`"]);
    check(&two().file("labs/fine/lab.toml", "environment = 'legacy'\n"), &["--watch"]).says(&["`flask`, `legacy`"]);
    let listing = |matrix: &str| two().file("proctor.toml", format!("guide = 'docs'\nmatrix = {matrix}\n"));
    check(&listing("[]"), &["--matrix"]).says(&["proctor.toml lists no environment under `matrix`"]);
    check(&listing("['flask', 'flusk']"), &["--matrix"]).says(&["no environment is called `flusk`"]);
    check(&listing("'flask'"), &["--matrix"]).says(&["proctor.toml: line 2: "]);
}
