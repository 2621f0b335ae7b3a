//! Links in a check: those within the guide always, those that lead out of it with `--links`. What servers may answer is tried beside the code that asks.

use crate::command::{course, end};

#[test]
fn a_dead_link_is_a_warning_that_changes_no_status() {
    let course = course()
        .file("proctor.toml", "guide = \"book\"\n[links]\nignore = [\"later/*\"]\n")
        .file("book/SUMMARY.md", "- [A](a.md)\n- [B](b.md)\n")
        .file("book/a.md", "# A\n\nSee [b](b.md#bee), [c](c.md) and [d](later/d.md).\n\n```python\nprint(1)\n```\n")
        .file("book/b.md", "# Bee\n\n[a](a.html) <https://example.com/never-asked>\n");
    let (_, report) = course.json(&["--no-snapshots", "--links"]);
    let findings = report["lessons"][0]["findings"].as_array().cloned().unwrap_or_default();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0]["code"].as_str(), findings[0]["severity"].as_str(), findings[0]["line"].as_u64()), (Some("dead-link"), Some("warning"), Some(3)));
    assert_eq!(findings[0]["column"].as_u64(), Some(20));
    assert_eq!((report["lessons"][0]["status"].as_str(), report["lessons"][1]["status"].as_str()), (Some("passed"), Some("empty")));
    course.run(&["check", "--no-snapshots"]).with(0).shows(&["warning[dead-link]: this link leads nowhere: there is no `c.md` beside the page"]);
}

#[test]
fn without_a_network_that_is_said_once() {
    let course = course().file("a.md", "# A\n\n<https://a-host.dev/x> and <https://another-host.dev/y>\n\n```python\nprint(1)\n```\n");
    let arguments = ["check", "a.md", "--no-snapshots", "--links"];
    // Nothing listens there, so no request gets any further.
    let ended = end(course
        .command(&arguments)
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("https_proxy", "http://127.0.0.1:9")
        .env("NO_PROXY", "")
        .env("no_proxy", ""))
    .with(0);
    assert_eq!(ended.stdout.matches("no host answers, so there seems to be no network: nothing is known of 2 links").count(), 1, "{}", ended.stdout);
    assert!(!ended.stdout.contains("dead-link"), "{}", ended.stdout);
}
