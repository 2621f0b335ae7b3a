//! `proctor bisect`, on an index that is a folder: releases of every kind, and what is asked amiss. Without a network, but for the last.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::command::{Course, Ended, course, end, wait};
use crate::images;

/// Makes a wheel of each release, and an index of them: 1.x are good, but need an older `bindery` than the environment has; 1.3 was withdrawn; 2.0 and 2.1 cannot
/// be imported; 2.2 is the first that is bad; 2.3 is for Python 2.
const INDEX: &str = r#"
import os, zipfile
releases = {
    "bindery": {"1.0": ("glue = 'old'", ""), "2.0": ("paste = 'new'", "")},
    "shelves": {version: ("from bindery import glue\ndef stack(): return 'stacked'", "Requires-Dist: bindery<2\n") for version in ("1.0", "1.1", "1.2", "1.3")}
    | {version: ("assert False, 'not on this Python'", "") for version in ("2.0", "2.1")}
    | {version: ("def pile(): return 'piled'", "") for version in ("2.2", "2.3", "3.0", "4.0rc1")},
    "other": {"1.0": ("", "")},
}
for package, versions in releases.items():
    os.makedirs(f"simple/{package}")
    page = ""
    for version, (code, needs) in versions.items():
        name = f"{package}-{version}-py3-none-any.whl"
        info = f"{package}-{version}.dist-info"
        with zipfile.ZipFile(f"simple/{package}/{name}", "w") as wheel:
            wheel.writestr(f"{package}/__init__.py", code + "\n")
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n{needs}")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", f"{package}/__init__.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
        more = {"1.3": ' data-yanked="broken"', "2.3": ' data-requires-python="&lt;3"'}.get(version, "")
        page += f'<a href="{name}"{more}>{name}</a>\n'
    open(f"simple/{package}/index.html", "w").write(page)
"#;

fn page(code: &str) -> String {
    format!("# Page\n\n```python\n{code}\n```\n")
}

/// A course with its own index and cache.
fn shelves() -> Course {
    let course = course()
        .file("proctor.toml", "guide = \"pages\"\nrequirements = \"requirements.txt\"\n")
        .file("requirements.txt", "shelves==3.0\nbindery==2.0\nother==1.0\n")
        .file("pages/stack.md", page("from shelves import stack\n\nprint(stack())"))
        .file("pages/fine.md", page("from shelves import pile\n\nprint(pile())"))
        .file("pages/typo.md", page("from shelves import ("))
        .file("pages/plain.md", page("import json\n\njson.wrong()"))
        .file("make.py", INDEX);
    let made = Command::new("python3").arg("make.py").current_dir(course.path("")).status().unwrap();
    assert!(made.success());
    course
}

fn bisect(course: &Course, arguments: &[&str]) -> Command {
    let mut command = course.command(&[&["bisect"], arguments].concat());
    for name in ["PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"] {
        command.env_remove(name);
    }
    command.env("PIP_INDEX_URL", format!("file://{}", course.path("simple").display())).env("PIP_CONFIG_FILE", "/dev/null").env("PIP_RETRIES", "0");
    command.env("XDG_CACHE_HOME", course.path("cache"));
    command
}

fn run(course: &Course, arguments: &[&str]) -> Ended {
    end(&mut bisect(course, arguments))
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", ended.stdout, ended.stderr))
}

#[test]
fn the_release_is_found_among_those_that_cannot_be_had_and_not_looked_for_twice() {
    let course = shelves();
    let first = run(&course, &["pages/stack.md", "--format", "json", "--format", "terminal=found.txt"]).with(0);
    let found = json(&first);
    assert_eq!((&found["answer"], &found["package"], &found["finding"]["code"]), (&"found".into(), &"shelves".into(), &"removed-api".into()), "{found:#}");
    assert_eq!((&found["last_good"]["version"], &found["last_good"]["period"]), (&"1.2".into(), &true.into()), "{found:#}");
    assert_eq!((&found["first_bad"]["version"], &found["first_bad"]["period"]), (&"2.2".into(), &false.into()), "{found:#}");
    assert_eq!(found["last_good"]["transcript"], "stacked\n");
    let unknown = &found["unknown"][0];
    assert_eq!((&unknown["first"], &unknown["last"], &unknown["reason"]), (&"2.0".into(), &"2.1".into(), &"AssertionError: not on this Python".into()));
    assert_eq!((&found["releases"], &found["yanked"], &found["remembered"]), (&7.into(), &1.into(), &0.into()), "{found:#}");
    assert!(found["tries"].as_u64() <= found["tries_at_most"].as_u64(), "{found:#}");
    let text = course.read("found.txt");
    for words in
        ["shelves 2.2 broke it; 1.2 is the last", "pages/stack.md:4", "stacked", "unknown: 2.0 to 2.1", "as they were at its time: 1.2", "next: proctor fix"]
    {
        assert!(text.contains(words), "no `{words}` in:\n{text}");
    }
    // What was tried is remembered, so that the same again only asks the index.
    let again = json(&run(&course, &["pages/stack.md", "--format", "json", "--package", "shelves"]).with(0));
    assert_eq!(again["remembered"].as_u64(), Some(found["tries"].as_u64().unwrap() + found["tries_unknown"].as_u64().unwrap()));
    assert_eq!((&again["first_bad"]["version"], &again["tries"]), (&found["first_bad"]["version"], &found["tries"]));
    let limited = json(&run(&course, &["pages/stack.md", "--format", "json", "--good", "1.1", "--bad", "2.2"]).with(0));
    assert_eq!((&limited["last_good"]["version"], &limited["first_bad"]["version"]), (&"1.2".into(), &"2.2".into()));
}

#[test]
fn what_is_asked_amiss_is_answered_with_what_to_do() {
    let course = shelves();
    run(&course, &["pages/fine.md"]).with(2).says(&["passes: no release broke it"]);
    run(&course, &["pages/typo.md"]).with(2).says(&["is the same with every release"]);
    run(&course, &["pages/plain.md"]).with(2).says(&["imports no package of the environment"]);
    run(&course, &["pages"]).with(2).says(&["4 lessons", "name one of them"]);
    run(&course, &["pages/stack.md", "--line", "1"]).with(2).says(&["no finding stands in line 1; there are some in 4"]);
    run(&course, &["pages/stack.md", "--package", "nothing"]).with(2).says(&["no package `nothing`", "shelves"]);
    run(&course, &["pages/stack.md", "--package", "other"]).with(2).says(&["does not use other", "shelves"]);
    run(&course, &["pages/stack.md", "--good", "1.7"]).with(2).says(&["no release 1.7", "nearest are 1.3 and 2.0"]);
    run(&course, &["pages/stack.md", "--bad", "9"]).with(2).says(&["newer than the shelves 3.0"]);
    run(&course, &["pages/stack.md", "--good", "2.2"]).with(2).says(&["--good 2.2 is not good: with shelves 2.2 the finding is there"]);
    run(&course, &["pages/stack.md", "--format", "junit"]).with(2).says(&["terminal or json"]);
    // Nobody listens there.
    let silent = end(bisect(&course, &["pages/stack.md"]).env("PIP_INDEX_URL", "http://127.0.0.1:9/simple"));
    silent.with(3).says(&["the package index does not answer", "pip config list"]);
}

#[test]
fn an_interrupted_search_goes_on_where_it_was() {
    let course = shelves();
    let mut command = bisect(&course, &["pages/stack.md"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_child(&child);
    let verdicts = course.path("cache/proctor/bisect/verdicts");
    let begun = Instant::now();
    while std::fs::read_dir(&verdicts).map_or(0, |entries| entries.flatten().filter(|entry| entry.path().extension().is_some()).count()) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(300), "nothing was ever tried");
        std::thread::sleep(Duration::from_millis(20));
    }
    kill_process(pid, Signal::INT).unwrap();
    wait(child).with(130).says(&["what was tried is remembered"]);
    let found = json(&run(&course, &["pages/stack.md", "--format", "json"]).with(0));
    assert_eq!(found["first_bad"]["version"], "2.2");
    assert!(found["remembered"].as_u64().unwrap() >= 1, "{found:#}");
}

#[test]
fn a_release_is_found_in_containers() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if runtime.block_on(images::engine()).is_none() {
        return;
    }
    // Two releases between these limits: three layers at most. The index is the one that this machine's images are built from.
    let course = course().file("page.md", page("from flask import escape\n\nprint(escape('<b>'))"));
    let ended = course.run(&["bisect", "page.md", "--engine", "docker", "--good", "2.3.2", "--bad", "3.0.0", "--no-cache", "--format", "json"]).with(0);
    let found = json(&ended);
    assert_eq!((&found["last_good"]["version"], &found["first_bad"]["version"]), (&"2.3.3".into(), &"3.0.0".into()), "{found:#}");
    assert_eq!(found["last_good"]["transcript"], "&lt;b&gt;\n");
}
