//! What `proctor check` promises of the legacy guide, through the real command: counts, fates, revisions, assumptions, findings, exit status, the rerun line.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use serde_json::{Value, json};

use crate::command::{Course, course, docker, end, proctor};

const LEGACY: &str = include_str!("../guides/legacy.txt");

/// The guide as its author handed it over, where it lies beside this repository.
fn real() -> Option<String> {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/guide/flask-training-guide.txt")).ok()
}

fn guide(text: &str) -> Course {
    course().file("guide.txt", text)
}

/// The number of the first line, from 1, that starts so.
fn line(text: &str, start: &str) -> usize {
    text.lines().position(|line| line.starts_with(start)).unwrap() + 1
}

/// The only lesson that has blocks.
fn lesson(report: &Value) -> &Value {
    let mut lessons = report["lessons"].as_array().unwrap().iter().filter(|lesson| lesson["status"] != "empty");
    let lesson = lessons.next().unwrap();
    assert!(lessons.next().is_none(), "only one lesson has blocks: {report:#}");
    lesson
}

fn places(findings: &Value) -> Vec<(String, u64)> {
    findings.as_array().unwrap().iter().map(|finding| (finding["code"].as_str().unwrap().to_owned(), finding["line"].as_u64().unwrap())).collect()
}

/// What must hold of a guide whose only written lesson has four blocks that nothing marks.
struct Expected {
    number: &'static str,
    lessons: usize,
    blocks: [usize; 4],
    engine: usize,
    base: usize,
    import: usize,
}

fn is_stale(text: &str, expected: &Expected) {
    let course = guide(text);
    let (ended, report) = course.json(&["guide.txt", "--no-snapshots"]);
    ended.with(0);
    assert_eq!((&report["version"], &report["engine"], &report["environment"]), (&json!(1), &json!("local"), &json!("flask")));
    assert_eq!((&report["summary"]["stale"], &report["summary"]["empty"]), (&json!(1), &json!(expected.lessons - 1)));
    let lesson = lesson(&report);
    assert_eq!((&lesson["number"], &lesson["status"], &lesson["path"]), (&json!(expected.number), &json!("stale"), &json!("guide.txt")));
    let blocks = lesson["blocks"].as_array().unwrap();
    let shown: Vec<_> = blocks.iter().map(|block| (block["line"].as_u64().unwrap(), block["fate"].as_str().unwrap(), block["revisions"].clone())).collect();
    let revisions = [json!([1]), json!([2]), json!([3]), json!([3])];
    let wanted: Vec<_> = expected.blocks.into_iter().zip(revisions).map(|(line, revisions)| (line as u64, "run", revisions)).collect();
    assert_eq!(shown, wanted);
    assert!(blocks.iter().all(|block| block["outcome"] == "passed" && block["language"] == "python" && block["reason"].is_null()), "{blocks:#?}");
    let assumptions = lesson["assumptions"].as_array().unwrap();
    assert_eq!(assumptions.len(), 1, "{assumptions:#?}");
    assert_eq!((&assumptions[0]["name"], &assumptions[0]["line"]), (&json!("engine"), &json!(expected.engine)));
    assert!(assumptions[0]["what"].as_str().unwrap().starts_with("an SQLite engine in memory"));
    assert_eq!(places(&lesson["findings"]), [("deprecated".to_owned(), expected.base as u64)]);
    let finding = &lesson["findings"][0];
    assert_eq!((&finding["severity"], &finding["path"], &finding["because"]), (&json!("warning"), &json!("guide.txt"), &Value::Null));
    assert!(finding["message"].as_str().unwrap().starts_with("MovedIn20Warning"), "{finding:#}");
    assert_eq!((&finding["related"][0]["line"], &finding["related"][0]["path"]), (&json!(expected.import), &json!("guide.txt")));
    course.run(&["check", "guide.txt", "--no-snapshots", "--deny", "stale"]).with(1);
}

fn an_attribute_misspelt_is_broken(text: &str, from: &str, to: &str) {
    assert_eq!(text.matches(from).count(), 1);
    let text = text.replace(from, to);
    let at = text.lines().position(|line| line.contains(to)).unwrap() as u64 + 1;
    let course = course().file("copy of it.txt", &text);
    let (ended, report) = course.json(&["copy of it.txt", "--no-snapshots"]);
    ended.with(1);
    let lesson = lesson(&report);
    assert_eq!(lesson["status"], "broken");
    let errors: Vec<&Value> = lesson["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "error").collect();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert_eq!((errors[0]["line"].as_u64(), &errors[0]["path"]), (Some(at), &json!("copy of it.txt")));
    assert!(errors[0]["message"].as_str().unwrap().contains("AttributeError"), "{errors:#?}");
}

fn a_base_removed_is_incomplete(text: &str) {
    let text: String = text.lines().filter(|line| !line.starts_with("Base =")).map(|line| format!("{line}\n")).collect();
    let first_use = text.lines().position(|line| line.contains("Base.metadata")).unwrap() as u64 + 1;
    let (ended, report) = guide(&text).json(&["guide.txt", "--no-snapshots"]);
    ended.with(1);
    let lesson = lesson(&report);
    assert_eq!(lesson["status"], "incomplete");
    assert_eq!(places(&lesson["findings"]), [("undefined-name".to_owned(), first_use)]);
    assert_eq!(lesson["findings"][0]["severity"], "note");
    assert!(lesson["findings"][0]["message"].as_str().unwrap().contains("`Base`"));
}

#[test]
fn the_legacy_form_is_read_run_and_found_stale() {
    let expected = Expected {
        number: "3.2",
        lessons: 8,
        blocks: [line(LEGACY, "from sqlalchemy import"), 53, 67, line(LEGACY, "from sqlalchemy.orm import sessionmaker")],
        engine: line(LEGACY, "Session ="),
        base: line(LEGACY, "Base ="),
        import: line(LEGACY, "from sqlalchemy.ext"),
    };
    is_stale(LEGACY, &expected);
    let summary = guide(LEGACY).run(&["check", "guide.txt", "--no-snapshots"]).with(0);
    summary.shows(&["3 chapters, 8 lessons: 1 stale, 7 empty", "assumed `engine` at line 84"]);
}

#[test]
fn a_misspelt_attribute_is_broken_at_its_line_of_that_file() {
    an_attribute_misspelt_is_broken(LEGACY, "author.books:", "author.bookz:");
}

#[test]
fn a_missing_definition_is_one_finding_and_everything_else_follows_from_it() {
    a_base_removed_is_incomplete(LEGACY);
}

#[test]
fn the_guide_that_was_handed_over_is_read_run_and_found_stale() {
    let Some(real) = real() else { return };
    is_stale(&real, &Expected { number: "5.5", lessons: 55, blocks: [82, 108, 123, 138], engine: 140, base: 86, import: 84 });
    an_attribute_misspelt_is_broken(&real, "left.rights:", "left.right:");
    a_base_removed_is_incomplete(&real);
    guide(&real).run(&["check", "guide.txt", "--no-snapshots"]).with(0).shows(&["11 chapters, 55 lessons: 1 stale, 54 empty"]);
}

#[test]
fn the_last_line_of_a_failure_runs_just_that_lesson_again() {
    let page = |code: &str| format!("# A page\n\n```python\n{code}\n```\n");
    let course = course()
        .file("guide/SUMMARY.md", "# Summary\n\n- [One](<first chapter/one.md>)\n- [Two](two.md)\n")
        .file("guide/first chapter/one.md", page("{}['it is not there']"))
        .file("guide/two.md", page("1 / 0"))
        .file("old.txt", LEGACY.replace("author.books:", "author.bookz:"));
    let ended = course.run(&["check", "guide", "old.txt", "--no-snapshots"]).with(1);
    let lines: Vec<&str> = ended.stdout.lines().filter_map(|line| line.trim().strip_prefix("to run just this lesson: proctor ")).collect();
    assert_eq!(lines.len(), 3, "{}", ended.stdout);
    for (line, (path, number)) in lines.into_iter().zip([("guide/first chapter/one.md", Value::Null), ("guide/two.md", Value::Null), ("old.txt", json!("3.2"))])
    {
        // As a shell takes it: quotes and all.
        let shell = format!("exec {:?} {line} --format json", env!("CARGO_BIN_EXE_proctor"));
        let mut command = std::process::Command::new("sh");
        let like = course.command(&[]);
        command.args(["-c", &shell]).current_dir(course.path("")).env_clear().envs(std::env::vars_os());
        for (name, value) in like.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let again = end(&mut command).with(1);
        let report: Value = serde_json::from_str(&again.stdout).unwrap();
        let lessons = report["lessons"].as_array().unwrap();
        assert_eq!(lessons.len(), 1, "{line}");
        assert_eq!((&lessons[0]["path"], &lessons[0]["status"]), (&json!(path), &json!("broken")), "{line}");
        assert!(number.is_null() || lessons[0]["number"] == number);
    }
}

#[test]
fn the_course_of_this_repository_is_green_and_the_same_on_every_engine() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let check = |engine: &str| {
        // In CI nothing is written beside the snapshots.
        let ended = end(proctor(root, &["check", "--format", "json", "--engine", engine]).env("CI", "true")).with(0);
        let mut report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(report["engine"], engine);
        for differs in ["engine", "seconds", "notes"] {
            report.as_object_mut().unwrap().remove(differs);
        }
        for lesson in report["lessons"].as_array_mut().unwrap() {
            lesson.as_object_mut().unwrap().remove("seconds");
            for block in lesson["blocks"].as_array_mut().unwrap() {
                // What differs from run to run, such as addresses and times, stands in it as it was printed.
                block.as_object_mut().unwrap().remove("transcript");
            }
        }
        report
    };
    let local = check("local");
    assert_eq!((&local["chapters"], local["lessons"].as_array().unwrap().len()), (&json!(11), 55));
    assert!(local["summary"].as_object().unwrap().keys().all(|status| ["passed", "empty"].contains(&status.as_str())), "{:#}", local["summary"]);
    if docker() {
        assert_eq!(local, check("docker"));
    }
}

#[test]
fn the_program_of_a_revision_is_shown_with_the_guide_s_lines() {
    let shown = guide(LEGACY).run(&["show", "guide.txt#3.2", "--revision", "2"]).with(0);
    assert!(shown.stdout.contains("    53 | class Author(Base):"), "{}", shown.stdout);
    assert!(shown.stdout.contains("    31   Base = declarative_base()"), "{}", shown.stdout);
    assert!(!shown.stdout.contains("    38 "), "the class that was defined before is superseded: {}", shown.stdout);
}

#[test]
fn help_says_what_a_stranger_needs() {
    let folder = course();
    for (name, arguments) in [("help", &["--help"][..]), ("check", &["check", "--help"]), ("show", &["show", "--help"])] {
        let ended = proctor(&folder.path(""), arguments).env("COLUMNS", "100").output().unwrap();
        assert!(ended.status.success());
        insta::assert_snapshot!(format!("help_{name}"), String::from_utf8(ended.stdout).unwrap());
    }
}

#[test]
fn completions_are_a_script() {
    let folder = course();
    for shell in ["bash", "zsh", "fish"] {
        folder.run(&["completions", shell]).with(0).shows(&["proctor", "no-snapshots"]);
    }
    folder.run(&["completions", "csh"]).with(2).says(&["bash"]);
}
