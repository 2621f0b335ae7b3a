//! Parts of a course: shards, which together have every lesson once, and what a change touches, by what git says has changed.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::command::{Course, course};

const SUMMARY: &str = "# Summary\n\n- [A](a.md)\n- [B](b.md)\n- [C](c.md)\n- [D]()\n";

fn book() -> Course {
    course()
        .file("proctor.toml", "guide = 'content'\n")
        .file("content/SUMMARY.md", SUMMARY)
        .file("content/a.md", "# A\n\n```python\ndef greet():\n    return 'hello'\n```\n")
        .file("content/b.md", "# B\n\n```python\nprint(greet())\n```\n")
        .file("content/c.md", "# C\n\n```python\nprint(3)\n```\n")
}

fn ids(report: &Value) -> Vec<String> {
    report["lessons"].as_array().unwrap().iter().map(|lesson| lesson["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn shards_have_every_lesson_once_and_an_empty_one_is_fine() {
    for how in ["slice", "hash"] {
        let course = book();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for shard in 1..=5 {
            let partition = format!("{how}:{shard}/5");
            let (ended, report) = course.json(&["--no-snapshots", "--partition", &partition]);
            ended.with(0);
            assert_eq!(report["partition"], partition.as_str());
            for id in ids(&report) {
                *seen.entry(id).or_default() += 1;
            }
        }
        assert!(seen.len() == 4 && seen.values().all(|&times| times == 1), "{how}: {seen:?}");
    }
    let shown = book().run(&["check", "--no-snapshots", "--partition", "slice:4/4"]).with(0);
    shown.shows(&["note: this is slice:4/4: 0 of 4 lessons"]);
}

#[test]
fn a_shard_fails_for_what_is_in_it_and_a_course_of_nothing_in_all() {
    let course = book().file("content/c.md", "# C\n\n```python\n1 / 0\n```\n");
    let statuses: Vec<i32> = (1..=3).map(|shard| course.run(&["check", "--no-snapshots", "--partition", &format!("slice:{shard}/3")]).status).collect();
    assert_eq!(statuses, [0, 0, 1]);
    let drafts = course.file("content/SUMMARY.md", "# Summary\n\n- [A]()\n- [B]()\n");
    for shard in ["slice:1/3", "slice:3/3"] {
        drafts.run(&["check", "--no-snapshots", "--partition", shard]).with(1).shows(&["error[nothing-ran]"]);
    }
    let skipped = book().file("content/b.md", "# B\n\n<!-- proctor: skip reason=\"no\" -->\n```python\nprint(1)\n```\n");
    skipped.run(&["check", "--no-snapshots", "--partition", "slice:2/3"]).with(0);
    for wrong in ["slice:0/4", "slice:5/4", "slice:a/b", "half"] {
        skipped.run(&["check", "--partition", wrong]).with(2).says(&["slice:1/4", "hash:1/4"]);
    }
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]).args(arguments);
    let ended = command.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null").output().unwrap();
    assert!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
}

impl Course {
    fn git(&self, arguments: &[&str]) {
        git(&self.path(""), arguments);
    }

    fn commit(self, message: &str) -> Self {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-qm", message]);
        self
    }

    /// The lessons that are checked because of what changed since a commit.
    fn since(&self, rev: &str) -> Vec<String> {
        let (ended, report) = self.json(&["--no-snapshots", "--changed-since", rev]);
        ended.with(0);
        ids(&report)
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        std::fs::write(self.path(path), text).unwrap();
    }
}

fn repository() -> Course {
    let course = book();
    course.git(&["init", "-q", "-b", "main"]);
    course.commit("first")
}

#[test]
fn what_a_change_touches_is_checked_however_far_it_has_come() {
    let course = repository();
    assert!(course.since("HEAD").is_empty());
    course.run(&["check", "--changed-since", "HEAD"]).with(0).shows(&["nothing was checked: no lesson is touched by what has changed since HEAD"]);
    // Edited, then staged, then committed; and a lesson that borrows from it.
    course.write("content/a.md", "# A\n\n```python\ndef greet():\n    return 'hi'\n```\n");
    for step in [&["status"][..], &["add", "-A"], &["commit", "-qm", "second"]] {
        course.git(step);
        assert_eq!(course.since("HEAD~0").is_empty(), step[0] == "commit");
        assert_eq!(course.since(if step[0] == "commit" { "HEAD~" } else { "HEAD" }), ["a", "b"], "{step:?}");
    }
    // Words that nobody borrows, and a file that is no part of the course.
    course.write("content/c.md", "# C\n\nWords.\n\n```python\nprint(3)\n```\n");
    course.write("README.md", "new");
    assert_eq!(course.since("HEAD"), ["c"]);
    course.git(&["checkout", "-q", "content/c.md"]);
    // A lab that is new and untracked.
    course.write("labs/c/lab.toml", "setup = 'x = 1'\n");
    assert_eq!(course.since("HEAD"), ["c"]);
    // From below, as everywhere else.
    let ended =
        course.command(&["check", "--no-snapshots", "--changed-since", "HEAD", "--format", "json"]).current_dir(course.path("content")).output().unwrap();
    assert_eq!(ids(&serde_json::from_slice(&ended.stdout).unwrap()), ["c"]);
    // A part of the course, of which only the lender was touched.
    course.write("content/a.md", "# A\n\n```python\ndef greet():\n    return 'ho'\n```\n");
    let (_, report) = course.json(&["--no-snapshots", "content/b.md", "--changed-since", "HEAD"]);
    assert_eq!(ids(&report), ["b"]);
    // What everything rests on.
    course.write("proctor.toml", "guide = 'content'\nenvironment = 'flask'\n");
    assert_eq!(course.since("HEAD").len(), 4);
}

#[test]
fn what_is_renamed_is_new_and_the_other_side_s_changes_are_not_ours() {
    let course = repository();
    course.git(&["checkout", "-qb", "topic"]);
    course.git(&["mv", "content/c.md", "content/sea.md"]);
    course.write("content/SUMMARY.md", &SUMMARY.replace("c.md", "sea.md"));
    let course = course.commit("rename");
    course.git(&["checkout", "-q", "main"]);
    course.write("content/b.md", "# B\n\n```python\nprint('main')\n```\n");
    let course = course.commit("meanwhile");
    course.git(&["checkout", "-q", "topic"]);
    assert_eq!(course.since("main"), ["sea"]);
}

#[test]
fn what_keeps_git_from_saying_is_said() {
    let course = repository();
    course.run(&["check", "--changed-since", "nowhere"]).with(2).says(&["git knows no commit `nowhere`", "git fetch"]);
    course.run(&["check", "--changed-since", "--all"]).with(2);
    course.run(&["check", "--changed-since=-x"]).with(2).says(&["git knows no commit `-x`"]);
    course.run(&["check", "--changed-since", "HEAD", "--watch"]).with(2);
    course.run_with("PATH", "/nowhere", &["check", "--changed-since", "HEAD"]).with(2).says(&["there is no `git` here: install it"]);
    course.git(&["checkout", "-q", "--orphan", "other"]);
    course.run(&["check", "--changed-since", "main"]).with(2).says(&["no commit yet"]);
    course.git(&["commit", "-qm", "other"]);
    course.run(&["check", "--changed-since", "main"]).with(2).says(&["have no commit in common; name a commit that this branch comes from"]);
    book().run(&["check", "--changed-since", "main"]).with(2).says(&["is not in a git repository", "leave the flag out"]);
    // A clone without its history.
    course.git(&["checkout", "-q", "main"]);
    course.write("content/c.md", "# C\n\n```python\nprint(4)\n```\n");
    let course = course.commit("second");
    course.git(&["clone", "-q", "--depth", "1", &format!("file://{}", course.path("").display()), "shallow"]);
    let shallow = |rev: &str| course.run(&["-C", "shallow", "check", "--changed-since", rev]).with(2);
    shallow("HEAD~").says(&["git knows no commit `HEAD~`; this is a shallow clone", "git fetch --unshallow"]);
}
