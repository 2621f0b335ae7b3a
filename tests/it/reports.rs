//! `proctor report`: reports shown again in other formats, reports of parts made one, and what is no report, through the real command.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::command::{Course, course};

/// A report as a check of some lessons leaves it.
fn report(partition: &str, lessons: &[(usize, &str)]) -> Value {
    let lesson = |(index, status): &(usize, &str)| {
        let finding = json!({"code": "raised", "severity": "error", "path": "a.md", "line": 4, "end_line": 4, "column": 1, "end_column": 8, "cell": null,
            "message": format!("ValueError: {index}"), "help": null, "because": null, "related": [], "comparison": null});
        json!({"index": index, "id": format!("lesson-{index}"), "number": index.to_string(), "title": "A lesson", "chapter": "", "environment": "flask",
            "path": "a.md", "line": 1, "status": status, "error": null, "selector": format!("a.md#{index}"), "rerun": "", "seconds": 0.1, "assumptions": [],
            "blocks": [{"line": 4, "end_line": 4, "cell": null, "language": "python", "fate": "run", "outcome": if *status == "passed" { "passed" } else { "failed" },
                "reason": null, "file": null, "revisions": [1], "transcript": "1\n"}],
            "findings": if *status == "passed" { json!([]) } else { json!([finding]) }})
    };
    json!({"version": 1, "engine": "docker", "environment": "flask", "environments": ["flask"], "partition": partition, "notes": [], "seconds": 2.0,
        "chapters": 0, "summary": {}, "findings": [], "flags": ["--no-snapshots"],
        "sources": [], "lessons": lessons.iter().map(lesson).collect::<Vec<_>>()})
}

fn shards() -> Course {
    let page = "# A\n\n```python\nraise_it()\n```\n";
    let mut one = report("slice:1/2", &[(0, "passed"), (2, "broken")]);
    // What the page is known by: SHA-256 of its text.
    one["sources"] = json!([{"path": "a.md", "sha256": sha256(page)}]);
    course().file("a.md", page).file("1.json", one.to_string()).file("2.json", report("slice:2/2", &[(1, "passed"), (3, "passed")]).to_string())
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_reports_of_two_parts_are_one_in_every_format() {
    let course = shards();
    let formats = ["json=all.json", "junit=all.xml", "markdown=all.md", "html=all.html", "badge=all.svg", "sarif=all.sarif", "terminal"];
    let arguments: Vec<&str> = ["report", "merge", "2.json", "1.json"].into_iter().chain(formats.iter().flat_map(|format| ["--format", format])).collect();
    let ended = course.run(&arguments).with(1);
    assert!(
        ended.stdout.contains("4 | raise_it()") && ended.stdout.contains("to run just this lesson: proctor check a.md#2 --no-snapshots"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("0 chapters, 4 lessons: 1 broken, 3 passed (docker, flask, 2.0 s)"), "{}", ended.stdout);
    let all: Value = serde_json::from_str(&course.read("all.json")).unwrap();
    let order: Vec<_> = all["lessons"].as_array().unwrap().iter().map(|lesson| lesson["index"].as_u64().unwrap()).collect();
    assert_eq!((order, &all["partition"]), (vec![0, 1, 2, 3], &Value::Null));
    for (file, words) in [
        ("all.xml", "tests=\"4\""),
        ("all.md", "1 broken, 3 passed"),
        ("all.html", "<article id=\"lesson-3\""),
        ("all.svg", "1 broken"),
        ("all.sarif", "ValueError: 2"),
    ] {
        assert!(course.read(file).contains(words), "{file}");
    }
    // What was written is a report again.
    course.run(&["report", "show", "all.json"]).with(1);
    course.run(&["report", "show", "all.json", "--allow", "broken"]).with(0);
    course.run(&["report", "show", "2.json"]).with(0);
}

#[test]
fn where_the_page_has_changed_no_frame_is_drawn() {
    let course = shards().file("a.md", "# B\n\nlong since\nrewritten\n");
    let ended = course.run(&["report", "merge", "1.json", "2.json"]).with(1);
    assert!(ended.stdout.contains("--> a.md:4:1") && !ended.stdout.contains("rewritten") && !ended.stdout.contains("..."), "{}", ended.stdout);
}

#[test]
fn what_cannot_be_merged_is_told_and_nothing_is_written() {
    let other = |key: &str, value: Value| {
        let mut report = report("slice:2/2", &[(1, "passed")]);
        report[key] = value;
        report.to_string()
    };
    let course = shards()
        .file("local.json", other("engine", "local".into()))
        .file("newer.json", other("version", 2.into()))
        .file("cut.json", &other("engine", "docker".into())[..300])
        .file("page.xml", "<testsuites/>")
        .file("binary.json", [0xff, 0xfe, 0x00])
        .file("folder/x", "");
    for (file, words) in [
        (
            "local.json",
            "1.json and local.json do not belong together: the engine of the one: `docker`, of the other: `local`; check every part in the same way",
        ),
        ("newer.json", "cannot use newer.json as a report: it is a report of version 2, and this Proctor reads version 1"),
        ("cut.json", "cannot use cut.json as a report: it ends in the middle"),
        ("page.xml", "cannot use page.xml as a report: it is no JSON (line 1, column 1)"),
        ("binary.json", "cannot use binary.json as a report: it is no text"),
        ("folder", "cannot use folder as a report: it is a folder"),
        ("nowhere.json", "cannot use nowhere.json as a report: there is no such file"),
    ] {
        let ended = course.run(&["report", "merge", "1.json", file, "--format", "json=all.json"]).with(2);
        assert!(ended.stderr.contains(words) && ended.stdout.is_empty(), "{}", ended.stderr);
        assert!(!course.path("all.json").exists());
    }
    let alone = course.run(&["report", "merge", "1.json"]).with(2);
    assert!(alone.stderr.contains("the report is not whole without slice:2/2"), "{}", alone.stderr);
}

#[test]
fn a_lesson_in_two_reports_has_its_worse_verdict() {
    let course = shards().file("again.json", report("slice:2/2", &[(1, "broken"), (3, "passed")]).to_string());
    let ended = course.run(&["report", "merge", "1.json", "2.json", "again.json"]).with(1);
    assert!(ended.stdout.contains("1 A lesson is passed in 2.json and broken in again.json: the worse of the two was kept"), "{}", ended.stdout);
    assert!(ended.stdout.contains("4 lessons: 2 broken, 2 passed"), "{}", ended.stdout);
}
