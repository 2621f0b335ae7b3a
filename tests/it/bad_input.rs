//! What is wrong with the input is said in words that name the place and what to do next, with the exit status that belongs to it, and nothing stored is lost.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::command::{Course, course, end};

const PAGE: &str = "# A page\n\n```python\nprint(6 * 7)\n```\n";

fn findings(report: &Value, id: &str) -> (String, Vec<(String, u64)>) {
    let lesson = report["lessons"].as_array().unwrap().iter().find(|lesson| lesson["id"] == id).unwrap_or_else(|| panic!("{id} is missing: {report:#}"));
    let findings = lesson["findings"].as_array().unwrap().iter();
    let findings = findings.map(|finding| (finding["code"].as_str().unwrap().to_owned(), finding["line"].as_u64().unwrap())).collect();
    (lesson["status"].as_str().unwrap().to_owned(), findings)
}

/// A course with a guide of one lesson, `one`, whose folder of labs is `labs/one`.
fn small() -> Course {
    course().file("proctor.toml", "guide = 'guide'\n").file("guide/one.md", PAGE)
}

#[test]
fn a_path_that_is_not_there_is_answered_with_those_that_are() {
    let course = course().file("guide.md", PAGE).file("other/page.md", PAGE);
    course.run(&["check", "giude.md"]).with(2).says(&["error: giude.md does not exist", "did you mean `guide.md`"]);
    course.run(&["check", "other/pgae.md"]).with(2).says(&["did you mean `other/page.md`"]);
    course.run(&["check", "nothing-like-it.md"]).with(2).says(&["nothing of that name is in the working directory"]);
    course.run(&["check", ""]).with(2).says(&["an argument is empty: name a path or a lesson"]);
    course.run(&["-C", "nowhere", "check"]).with(2).says(&["cannot work in nowhere"]);
}

#[test]
fn what_holds_no_page_is_no_guide() {
    let course = course().file("empty/.keep", "").file("drawings/a.svg", "<svg/>").file("contents/SUMMARY.md", "# Summary\n\nNothing yet.\n");
    for folder in ["empty", "drawings"] {
        course.run(&["check", folder]).with(2).says(&[folder, "holds no page: a guide is a folder with SUMMARY.md or with pages ending in .md"]);
    }
    course.run(&["check", "contents"]).with(2).says(&["contents/SUMMARY.md names no lesson", "`- [Title](page.md)`"]);
    course.run(&["check"]).with(2).says(&["there is no guide to check: name one (`proctor check PATH`)", "proctor.toml"]);
    course.run(&["check", "5.5"]).with(2).says(&["there is no guide to look for lesson 5.5 in", "PATH#5.5"]);
}

#[test]
fn what_cannot_be_opened_is_said_and_never_waited_for() {
    let course = course();
    let pipe = course.path("pipe.md");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0).unwrap();
    symlink("loop.md", course.path("loop.md")).unwrap();
    course.run(&["check", "pipe.md"]).with(2).says(&["pipe.md is a named pipe, not a file"]);
    course.run(&["check", "loop.md"]).with(2).says(&["loop.md is a symbolic link that leads back to itself: remove it"]);
    course.run(&["check", "/dev/zero"]).with(2).says(&["/dev/zero is a device, not a file"]);
    let course = course.file("secret.md", PAGE);
    std::fs::set_permissions(course.path("secret.md"), std::os::unix::fs::PermissionsExt::from_mode(0o0)).unwrap();
    // Root is refused nothing.
    if std::fs::File::open(course.path("secret.md")).is_err() {
        course.run(&["check", "secret.md"]).with(2).says(&["secret.md may not be read: give yourself permission"]);
    }
}

/// Pages whose bytes are unusual, in one run: each is read, and none is the end of it.
#[test]
fn unusual_bytes_are_read_and_told() {
    let long = "word ".repeat(2_000_000);
    let course = course()
        .file("pages/latin.md", b"# A page\n\n```python\nprint('caf\xe9')\n```\n")
        .file("pages/nul.md", "# A page\n\n```python\nprint(1)\nprint('\0')\n```\n")
        .file("pages/nul-prose.md", "# A page\n\nsome \0 text\n\n```python\nprint(1)\n```\n")
        .file("pages/crlf.md", "\u{feff}# A page\r\n\r\n```python\r\nprint(1)\r\n1 / 0\r\n```\r\n")
        .file("pages/long-prose.md", format!("# A page\n\n{long}\n\n```python\nprint(1)\n1 / 0\n```\n"))
        .file("pages/long-code.md", format!("# A page\n\n```python\nx = '{long}'\nprint(len(x))\n1 / 0\n```\n"))
        .file("pages/open.md", "# A page\n\n```python\nprint(1)\n")
        .file("pages/directive.md", "# A page\n\n<!-- proctor: skpi reason=\"x\" -->\n\n```python\nprint(1)\n```\n")
        .file("pages/nothing.md", "")
        .file("pages/only-prose.md", "# A page\n\nNo code.\n");
    let (ended, report) = course.json(&["pages", "--no-snapshots"]);
    ended.with(1);
    let one = |code: &str, line: u64| vec![(code.to_owned(), line)];
    assert_eq!(findings(&report, "latin"), ("passed".to_owned(), one("invalid-utf8", 4)));
    assert_eq!(findings(&report, "nul"), ("broken".to_owned(), one("syntax-error", 5)));
    assert_eq!(findings(&report, "nul-prose"), ("passed".to_owned(), vec![]));
    assert_eq!(findings(&report, "crlf"), ("broken".to_owned(), one("raised", 5)));
    assert_eq!(findings(&report, "long-prose"), ("broken".to_owned(), one("raised", 7)));
    assert_eq!(findings(&report, "long-code"), ("broken".to_owned(), one("raised", 6)));
    assert_eq!(findings(&report, "open"), ("broken".to_owned(), one("unclosed-fence", 3)));
    assert_eq!(findings(&report, "directive"), ("broken".to_owned(), one("unknown-directive", 3)));
    assert_eq!(findings(&report, "nothing"), ("empty".to_owned(), vec![]));
    assert_eq!(findings(&report, "only-prose"), ("empty".to_owned(), vec![]));
    let directive = report["lessons"].as_array().unwrap().iter().find(|lesson| lesson["id"] == "directive").unwrap();
    assert_eq!(directive["findings"][0]["help"], "did you mean `skip`?");
}

#[test]
fn a_long_line_of_plain_text_is_read() {
    let long = "word ".repeat(2_000_000);
    let course = course().file("long.txt", format!("1 Start\n1.1 First\n1 to 1 First\n\n{long}\n\nimport os\nprint(os.sep)\n"));
    course.run(&["show", "long.txt"]).with(0).shows(&["     8 | print(os.sep)"]);
}

#[test]
fn a_check_in_which_nothing_ran_is_no_success() {
    let course = course()
        .file("prose.md", "# A page\n\nNo code.\n")
        .file("skipped.md", "# A page\n\n<!-- proctor: skip reason=\"later\" -->\n\n```python\n1 / 0\n```\n");
    course.run(&["check", "prose.md"]).with(1).shows(&["error[nothing-ran]: not a single block ran"]);
    course.run(&["check", "skipped.md"]).with(1).shows(&["error[nothing-ran]: not a single block ran"]);
}

#[test]
fn every_wrong_lab_toml_is_named_before_anything_runs() {
    let course = small()
        .file("guide/two.md", PAGE)
        .file("guide/three.md", PAGE)
        .file("labs/one/lab.toml", "setup = ''\n\n[limits]\nsecnds = 3\n")
        .file("labs/two/lab.toml", "uses = ['oen']\n")
        .file("labs/three/lab.toml", "[limits\n");
    let ended = course.run(&["check", "--format", "json=report.json"]).with(2);
    let ended = ended.says(&["labs/one/lab.toml: line 4: unknown key `limits.secnds`: did you mean `seconds`?"]);
    let ended = ended.says(&["labs/two/lab.toml: it uses `oen`, which is no lesson of this guide: did you mean `one`?", "labs/three/lab.toml: line 1: "]);
    assert_eq!(ended.stdout, "");
    assert!(!course.path("report.json").exists());
    course.run(&["show", "one"]).with(2).says(&["labs/one/lab.toml: line 4"]);
}

#[test]
fn a_wrong_proctor_toml_is_named_with_its_line() {
    for (text, words) in [
        ("gudie = 'guide'\n", ["proctor.toml: line 1: unknown key `gudie`", "did you mean `guide`?"]),
        ("labs = 'labs'\nguide = 3\n", ["proctor.toml: line 2: ", "expected a string"]),
        ("guide\n", ["proctor.toml: line 1: ", "expected `=`"]),
        ("guide = 'gone'\n", ["proctor.toml names the guide gone", "cannot be opened"]),
        ("guide = 'guide'\nenvironment = 'falsk'\n", ["no environment is called `falsk`", "there are: flask"]),
        ("guide = 'guide'\nrequirements = 'gone.txt'\n", ["gone.txt", "reading"]),
    ] {
        small().file("proctor.toml", text).run(&["check"]).with(2).says(&words);
    }
}

#[test]
fn a_lesson_that_is_not_there_is_answered_with_the_nearest() {
    let contents = "# Summary\n\n# 1 Start\n\n- [1.1 First steps](first-steps.md)\n- [1.2 Next steps](next-steps.md)\n";
    let course = small().file("guide/SUMMARY.md", contents).file("guide/first-steps.md", PAGE).file("guide/next-steps.md", PAGE).file("page.md", PAGE);
    course.run(&["check", "frist-steps"]).with(2).says(&["no lesson is called `frist-steps`", "did you mean `first-steps`"]);
    course.run(&["check", "7.7"]).with(2).says(&["no lesson is called `7.7`: there are 2, from `first-steps` to `next-steps`"]);
    course.run(&["check", "page.md#3"]).with(2).says(&["no lesson is called `3`: there is only `page`"]);
    course.run(&["show", "nxt-steps"]).with(2).says(&["did you mean `next-steps`"]);
    course.run(&["show", "first-steps", "--revision", "4"]).with(2).says(&["there is no revision 4: first-steps has 1"]);
}

#[test]
fn words_that_the_command_line_does_not_know_are_answered_with_those_it_does() {
    let course = course().file("page.md", PAGE);
    let check = |arguments: &[&str]| course.run(&[&["check", "page.md"], arguments].concat()).with(2);
    check(&["--format", "jsn"]).says(&["there is no format `jsn`: use one of terminal, json, junit"]);
    check(&["--format", "json="]).says(&["`json=` names no path"]);
    check(&["--deny", "stael"]).says(&["there is no status `stael`", "stale"]);
    check(&["--allow", "stale,nothing"]).says(&["there is no status `nothing`"]);
    check(&["--engine", "podman"]).says(&["auto, docker, local"]);
    check(&["--env", "djnago"]).says(&["no environment is called `djnago`"]);
    check(&["--jobs", "0"]).says(&["0 is not in 1.."]);
    check(&["--no-snapshot"]).says(&["--no-snapshots"]);
    course.run(&["chekc"]).with(2).says(&["check"]);
}

#[test]
fn a_report_that_cannot_be_written_is_said_before_anything_runs() {
    let course = course().file("taken/file", "");
    let trace = course.path("it-ran");
    let course = course.file("page.md", format!("# A page\n\n```python\nopen({trace:?}, 'w')\n```\n"));
    let check = |format: &str| course.run(&["check", "page.md", "--format", format]).with(2);
    check("json=nowhere/report.json").says(&["cannot write the json report to nowhere/report.json", "make it first"]);
    check("junit=taken").says(&["cannot write the junit report to taken"]);
    check("markdown=taken/file/report.md").says(&["cannot write the markdown report"]);
    course.run(&["check", "page.md", "--format", "json=a", "--format", "junit=a"]).with(2).says(&["would both go to a: give one of them another path"]);
    assert!(!trace.exists());
}

#[test]
fn a_snapshot_that_is_none_breaks_its_lesson_and_stays_as_it_is() {
    let (key, text) = ("labs/one/snapshots/a-page-1.snap", "this was never a snapshot\n");
    let course = small().file(key, text);
    let (ended, report) = course.json(&[]);
    ended.with(1);
    assert_eq!(findings(&report, "one"), ("broken".to_owned(), vec![("bad-snapshot".to_owned(), 1)]));
    let message = report["lessons"][0]["findings"][0]["message"].as_str().unwrap();
    assert!(message.contains("a-page-1.snap"), "{message}");
    assert_eq!(course.read(key), text);
    course.run(&["review", "--accept-all"]);
    assert_eq!(course.read(key), text);
}

#[test]
fn without_an_engine_nothing_runs_and_the_status_says_so() {
    let course = course().file("page.md", PAGE);
    let arguments = ["check", "page.md", "--engine", "docker"];
    let ended = course.run_with("DOCKER_HOST", "unix:///nonexistent/docker.sock", &arguments).with(3);
    ended.says(&["/nonexistent/docker.sock", "--engine local"]);
    let auto = course.run_with("DOCKER_HOST", "unix:///nonexistent/docker.sock", &["check", "page.md", "--engine", "auto", "--no-snapshots"]).with(0);
    auto.shows(&["no container engine answers, so labs ran on this machine itself", "proctor doctor", "(local, flask"]);
    course.run(&["check", "page.md", "--python", "/nonexistent/python"]).with(3).says(&["/nonexistent/python: not found", "--python PATH"]);
}

#[test]
fn a_full_disk_is_said_and_what_was_stored_stays() {
    let course = course().file("page.md", PAGE);
    let ended = course.run(&["check", "page.md", "--no-snapshots", "--format", "json=/dev/full", "--format", "terminal"]).with(3);
    ended.shows(&["1 passed"]).says(&["cannot write the json report to /dev/full: the disk is full"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = course.command(&["check", "page.md", "--no-snapshots"]).stdout(full).output().unwrap();
    assert_eq!(ended.status.code(), Some(3), "a check whose result nobody can read is no success");
    assert!(String::from_utf8_lossy(&ended.stderr).contains("the disk is full"));
}

#[test]
fn an_environment_that_cannot_be_made_is_said_with_all_that_pip_said() {
    let course = small().file("proctor.toml", "guide = 'guide'\nrequirements = 'own.txt'\n").file("own.txt", "no-such-package-of-proctor==1.0\n");
    let ended = end(course.command(&["check"]).env("PIP_NO_INDEX", "1")).with(3);
    let ended = ended.says(&["could not be made", "No matching distribution found for no-such-package-of-proctor==1.0", "the lines above say why"]);
    assert_eq!(ended.stdout, "");
    assert!(!course.path("labs").exists());
}
