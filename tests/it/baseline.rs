//! A course that is not green takes Proctor up: what is recorded fails nothing, in no format, and everything else does.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::command::{Course, course};

const BROKEN: &str = "# One\n\n```python\nx = 1\nx.nothing\n```\n\n```python\nprint(nobody)\n```\n";

fn book() -> Course {
    course()
        .file("proctor.toml", "guide = 'content'\n")
        .file("content/SUMMARY.md", "# Summary\n\n- [One](one.md)\n- [Two](two.md)\n")
        .file("content/one.md", BROKEN)
        .file("content/two.md", "# Two\n\n```python\nprint(2)\n```\n")
}

fn edit(course: &Course, path: &str, from: &str, to: &str) {
    let text = course.read(path);
    assert!(text.contains(from), "{text}");
    std::fs::write(course.path(path), text.replace(from, to)).unwrap();
}

#[test]
fn what_is_recorded_fails_nothing_and_what_is_new_does() {
    let course = book();
    course.run(&["check", "--no-snapshots"]).with(1);
    course.run(&["baseline", "--reason", "see issue 12"]).with(0).shows(&["proctor-baseline.toml: 2 findings; the first expires after 20"]);
    let (ended, report) = course.json(&["--no-snapshots"]);
    ended.with(0);
    assert_eq!(report["baseline"], json!({"known": 2, "gone": 0, "expired": 0}));
    let lesson = &report["lessons"][0];
    assert_eq!((&lesson["status"], &lesson["known"], &lesson["findings"][0]["baseline"]["reason"]), (&json!("broken"), &json!(true), &json!("see issue 12")));
    course.run(&["check", "--no-snapshots"]).with(0).shows(&["1 One  content/one.md:1  known", "note: 2 findings are in the baseline, and fail nothing"]);
    course.run(&["check", "--no-snapshots", "--no-baseline"]).with(1).shows(&["error[raised]", "check content/one.md --no-snapshots --no-baseline"]);
    // Moved, and with something new beside it.
    edit(&course, "content/one.md", "# One\n", "# One\n\nMore words.\n");
    edit(&course, "content/one.md", "print(nobody)", "print(nobody)\n```\n\n```python\n{}['new']");
    let ended = course.run(&["check", "--no-snapshots"]).with(1).shows(&["KeyError", "1 One", "in the baseline until 20"]);
    assert!(!ended.stdout.contains("content/one.md:3  known"), "{}", ended.stdout);
}

#[test]
fn every_format_says_so_and_fails_no_more() {
    let course = book();
    course.run(&["baseline", "--expires", "2999-01-01"]).with(0);
    let written = |format: &str| course.run(&["check", "--no-snapshots", "--format", format]).with(0).stdout;
    let junit = written("junit");
    assert!(junit.contains("failures=\"0\"") && !junit.contains("<failure") && junit.contains("in the baseline until 2999-01-01"), "{junit}");
    let github = written("github");
    assert!(github.lines().count() == 2 && github.lines().all(|line| line.starts_with("::notice ") && line.contains("2999-01-01")), "{github}");
    let sarif: Value = serde_json::from_str(&written("sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        assert_eq!((&result["suppressions"][0]["kind"], &result["suppressions"][0]["status"]), (&json!("external"), &json!("accepted")));
        assert!(result["suppressions"][0]["justification"].as_str().unwrap().contains("known when the baseline was made"), "{result:#}");
    }
    for format in ["markdown", "html"] {
        let text = written(format);
        assert!(text.contains("(known)") && text.contains("2999"), "{format}: {text}");
    }
}

#[test]
fn what_is_gone_or_has_expired_is_said() {
    let course = book();
    course.run(&["baseline"]).with(0);
    edit(&course, "content/one.md", "x.nothing", "x.real");
    let gone = course.run(&["check", "--no-snapshots"]).with(0);
    gone.shows(&["note: 1 finding of the baseline is gone: run `proctor baseline` to drop it", "note: 1 finding is in the baseline"]);
    let text = course.read("proctor-baseline.toml");
    let at = text.rfind("expires = ").unwrap();
    std::fs::write(course.path("proctor-baseline.toml"), format!("{}expires = 2020-01-01\n", &text[..at])).unwrap();
    let expired = course.run(&["check", "--no-snapshots"]).with(1);
    expired.shows(&["note: 1 finding of the baseline has expired, the first, `undefined-name` of one, after 2020-01-01", "note[undefined-name]"]);
    let again = course.run(&["baseline"]).with(0);
    again.shows(&["1 finding (0 new, 1 kept, 1 dropped)", "of these have expired, and count again: 1; ", "proctor baseline --expires DAYS"]);
    course.run(&["check", "--no-snapshots"]).with(1);
    course.run(&["baseline", "--expires", "30"]).with(0);
    course.run(&["check", "--no-snapshots"]).with(0);
    // Nothing is left to record.
    edit(&course, "content/one.md", "print(nobody)", "print(x)");
    course.run(&["baseline"]).with(0).shows(&["0 findings (0 new, 0 kept, 1 dropped)"]);
    course.run(&["check", "--no-snapshots"]).with(0);
}

#[test]
fn a_lesson_is_recorded_by_itself() {
    let course = book().file("content/two.md", "# Two\n\n```python\nprint(me_neither)\n```\n");
    course.run(&["baseline", "content/two.md"]).with(0);
    assert_eq!(course.read("proctor-baseline.toml").matches("[[known]]").count(), 1);
    course.run(&["check", "--no-snapshots", "content/two.md"]).with(0);
    course.run(&["baseline", "one", "--reason", "later"]).with(0).shows(&["3 findings (2 new, 1 kept, 0 dropped)"]);
    course.run(&["check", "--no-snapshots"]).with(0);
}

#[test]
fn a_baseline_that_cannot_be_read_ends_before_anything_runs() {
    let entry = "[[known]]\nlesson = 'one'\nenvironment = 'flask'\ncode = 'raised'\nline = 'x.nothing'\nexpires = 2999-01-01\n";
    for (from, to, words) in [
        ("lesson =", "lessen =", "proctor-baseline.toml: line 1: missing field `lesson`"),
        ("line =", "reasn = 'x'\nline =", "proctor-baseline.toml: line 5: unknown key `known.0.reasn`: did you mean `reason`?"),
        ("2999-01-01", "2999-13-01", "proctor-baseline.toml: line 6: "),
        ("'one'", "'on'", "proctor-baseline.toml: line 1: the guide has no lesson `on`: did you mean `one`?"),
        ("lesson", "\u{fffd}", "proctor-baseline.toml: line 2: "),
    ] {
        let course = book().file("proctor-baseline.toml", entry.replace(from, to));
        course.run(&["check", "--no-snapshots"]).with(2).says(&[words]);
    }
    book().file("proctor-baseline.toml", b"\xff").run(&["check"]).with(2).says(&["proctor-baseline.toml is not UTF-8"]);
    // A lesson that is gone is dropped when the baseline is made again, and is no matter where another guide is checked.
    let course = book().file("proctor-baseline.toml", entry.replace("'one'", "'gone'")).file("other.md", "# Other\n\n```python\nprint(1)\n```\n");
    course.run(&["check", "--no-snapshots", "other.md"]).with(0);
    course.run(&["baseline"]).with(0).shows(&["2 findings (2 new, 0 kept, 1 dropped)"]);
    for wrong in ["soon", "0", "2001-01-01"] {
        course.run(&["baseline", "--expires", wrong]).with(2).says(&["give a date such as", "or a number of days"]);
    }
}

#[test]
fn the_file_may_have_another_name_and_is_left_as_it_is_where_it_cannot_be_written() {
    let course = book().file("proctor.toml", "guide = 'content'\nbaseline = 'known.toml'\n");
    course.run(&["baseline"]).with(0).shows(&["known.toml: 2 findings"]);
    course.run(&["check", "--no-snapshots"]).with(0);
    std::fs::remove_file(course.path("known.toml")).unwrap();
    std::fs::create_dir(course.path("known.toml")).unwrap();
    course.run(&["baseline"]).with(2).says(&["cannot read the baseline known.toml"]);
}
