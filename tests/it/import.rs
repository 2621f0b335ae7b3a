//! `proctor import`: what it writes is checked like the guide that it was made of, and it never writes over anything.

use serde_json::Value;

use crate::command::{Course, course};

/// What a check says of a course's lessons, whatever they are called and wherever their blocks stand.
fn verdicts(report: &Value) -> Vec<Value> {
    let lessons = report["lessons"].as_array().cloned().unwrap_or_default();
    let verdict = |lesson: &Value| {
        let blocks = lesson["blocks"].as_array().cloned().unwrap_or_default();
        let place = |line: &Value| {
            let holds = |block: &&Value| block["line"].as_u64() <= line.as_u64() && line.as_u64() <= block["end_line"].as_u64();
            let block = blocks.iter().position(|block| holds(&block))?;
            Some((block, line.as_u64()? - blocks[block]["line"].as_u64()?))
        };
        let findings: Vec<Value> = lesson["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|finding| serde_json::json!([finding["code"], finding["message"], place(&finding["line"])]))
            .collect();
        let assumed: Vec<&Value> = lesson["assumptions"].as_array().into_iter().flatten().map(|assumption| &assumption["name"]).collect();
        let blocks: Vec<Value> =
            blocks.iter().map(|block| serde_json::json!([block["language"], block["fate"], block["outcome"], block["file"], block["revisions"]])).collect();
        serde_json::json!([lesson["number"], lesson["title"], lesson["status"], blocks, findings, assumed])
    };
    lessons.iter().map(verdict).collect()
}

/// Import a guide and check both.
fn both(course: &Course, guide: &str) -> (Vec<Value>, Vec<Value>) {
    course.run(&["import", guide, "--into", "new"]).with(0);
    let (_, before) = course.json(&[guide, "--no-snapshots"]);
    let (_, after) = course.json(&["new", "--no-snapshots"]);
    (verdicts(&before), verdicts(&after))
}

#[test]
fn a_guide_in_plain_text_is_judged_as_before() {
    let course = course().copy("guides");
    let (before, after) = both(&course, "legacy.txt");
    assert_eq!(before, after);
    assert!(before.iter().any(|lesson| lesson[2] == "stale"), "{before:?}");
    let summary = course.read("new/content/SUMMARY.md");
    assert_eq!(summary.matches("]()").count() + summary.matches(".md)").count(), before.len() + 3, "{summary}");
}

#[test]
fn a_page_of_html_is_judged_as_before() {
    let course = course().copy("guides");
    let (before, after) = both(&course, "html/course.html");
    // The page's own heading for a chapter with code has a number that a table of contents gives nobody.
    assert_eq!(before, after);
}

#[test]
fn what_was_taken_for_granted_stands_in_a_stub_that_changes_nothing() {
    let course = course().file(
        "old.txt",
        "Rows\n\nfrom sqlalchemy import text\n\nwith engine.connect() as connection:\n    print(connection.execute(text('select 1')).scalar())\n",
    );
    course.run(&["import", "old.txt", "--into", "new"]).with(0).shows(&[
        "new: 1 entry in 0 chapters: 1 lesson written, with 1 block; 0 announced",
        "1 lab.toml says what its lesson takes for granted: see new/labs/",
    ]);
    let stub = course.read("new/labs/rows/lab.toml");
    assert!(stub.contains("# `engine`, needed by line 5 of old.txt: an SQLite engine in memory"), "{stub}");
    assert_eq!(course.read("new/proctor.toml"), "guide = \"content\"\nlabs = \"labs\"\nenvironment = \"flask\"\n");
    let (_, report) = course.json(&["new", "--no-snapshots"]);
    assert_eq!(report["lessons"][0]["status"], "passed");
}

#[test]
fn nothing_is_written_over_and_nothing_by_halves() {
    let course = course()
        .file("old.txt", "T\n\nprint(1)\n")
        .file("page.md", "# T\n")
        .file("new/content/t.md", "mine\n")
        .file("set/proctor.toml", "guide = \"../elsewhere\"\n");
    course.run(&["import", "old.txt", "--into", "new"]).with(2).says(&["new/content/t.md is there already: name another folder with --into, or move it away"]);
    assert_eq!(course.read("new/content/t.md"), "mine\n");
    assert!(!course.path("new/proctor.toml").exists() && !course.path("new/content/SUMMARY.md").exists());
    course.run(&["import", "page.md", "--into", "other"]).with(2).says(&["page.md is Markdown already: add a SUMMARY.md"]);
    course.run(&["import", "gone.txt", "--into", "other"]).with(2).says(&["gone.txt"]);
    course.run(&["import", "old.txt", "--into", "set"]).with(2).says(&["which lies outside of set: nothing was written"]);
    course.run(&["import", "old.txt", "--into", "page.md"]).with(2).says(&["page.md is there already"]);
    assert!(!course.path("other").exists() && !course.path("elsewhere").exists());
    let left: Vec<String> =
        std::fs::read_dir(course.path(".")).into_iter().flatten().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(!left.iter().any(|name| name.starts_with(".proctor-import")), "{left:?}");
}
