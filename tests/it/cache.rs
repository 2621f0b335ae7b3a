//! Results that are remembered: what they save, and what they must not hide.

use crate::command::{course, docker, end};

#[test]
fn what_is_remembered_needs_no_engine_and_what_has_changed_does() {
    if !docker() {
        return;
    }
    let course = course().file("pages/one.md", "# One\n\n```python\nprint(1)\n```\n").file("pages/two.md", "# Two\n\n```python\nprint(2)\n```\n");
    let check = |host: Option<&str>, flags: &[&str]| {
        // Not by `run`, which leaves the cache alone.
        let mut command = course.command(&[]);
        command.args(["check", "pages", "--no-snapshots", "--engine", "docker"]).args(flags);
        command.env("XDG_CACHE_HOME", course.path("cache"));
        if let Some(host) = host {
            command.env("DOCKER_HOST", host);
        }
        end(&mut command)
    };
    let nowhere = Some("unix:///nonexistent/docker.sock");
    check(nowhere, &[]).with(3);
    check(None, &[]).with(0);
    let ended = check(nowhere, &[]).with(0);
    assert!(ended.stdout.contains("2 passed") && ended.stdout.contains("every result was remembered"), "{}", ended.stdout);
    check(nowhere, &["--no-cache"]).with(3);
    std::fs::write(course.path("pages/two.md"), "# Two\n\n```python\nprint(3)\n```\n").unwrap_or_default();
    check(nowhere, &[]).with(3);
    let ended = check(None, &[]).with(0);
    assert!(ended.stdout.contains("2 passed") && !ended.stdout.contains("every result was remembered"), "{}", ended.stdout);
}
