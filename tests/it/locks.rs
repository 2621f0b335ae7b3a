//! Locks of environments: what cannot be locked, and what no lock can say.

use crate::command::{Course, course};

const LOCKED: &str = "flask==3.1.0 \\\n    --hash=sha256:aa\n";

fn lock(course: &Course, flags: &[&str]) -> crate::command::Ended {
    course.run(&[&["env", "lock"], flags].concat()).with(2)
}

#[test]
fn what_cannot_be_locked_is_said_before_anything_is_resolved() {
    lock(&course(), &[]).says(&["there is no course here", "proctor.toml"]);
    let config = |text: &str| course().file("proctor.toml", text);
    lock(&config(""), &["flusk"]).says(&["no environment is called `flusk`", "there are: flask"]);
    lock(&config(""), &["../flask"]).says(&["`../flask` cannot name an environment"]);
    lock(&config("requirements = 'r.in'\n").file("r.in", "flask\n"), &[]).says(&["r.in", "say `requirements = \"r.txt\"`"]);
    lock(&config("requirements = 'r.txt'\n").file("r.txt", LOCKED), &[]).says(&["nothing to make r.txt from", "r.in"]);
    let course = config("").file("docker/env/mine.txt", LOCKED);
    course.run(&["env", "upgrade", "mine", "--package", "flsk"]).with(2).says(&["nothing to make docker/env/mine.txt from"]);
    let course = course.file("docker/env/mine.in", "flask\n");
    course.run(&["env", "upgrade", "mine", "--package", "flsk"]).with(2).says(&["`mine` has no package `flsk`: did you mean `flask`?"]);
    course.run(&["env", "upgrade", "mine", "--dry-run", "--yes"]).with(2).says(&["cannot be used with"]);
    assert_eq!(course.read("docker/env/mine.txt"), LOCKED);
}

#[test]
fn a_lock_that_contradicts_itself_is_refused_by_line() {
    let check =
        |lock: String| course().file("docs/a.md", "# A\n").file("docker/env/mine.txt", lock).file("proctor.toml", "").run(&["check", "docs", "--env=mine"]);
    check(format!("{LOCKED}flask==3.0.0 \\\n    --hash=sha256:bb\n")).with(2).says(&["mine.txt:3: `flask` is 3.0.0 here and 3.1.0 above", "proctor env lock"]);
    check(format!("{LOCKED}click==8.1.0\n")).with(2).says(&["mine.txt:3: `click` has no hash, and others have"]);
}
