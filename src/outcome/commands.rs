//! What a command that failed says of the page: something is missing, or the page is wrong. Pure.

use std::sync::LazyLock;

use regex::Regex;

use crate::engine::protocol::Action;
use crate::finding::Code;
use crate::guide::{Lesson, Role};
use crate::lab::{Lab, Revision};

/// What a command says that lacks something.
const LACKS: &[&str] = &[
    "ModuleNotFoundError",
    "NameError",
    "Could not import",
    "Could not locate",
    "No such file",
    "Read-only file system",
    "Permission denied",
    "not found",
    "Failed to find Flask application",
    "No module named",
    "Failed to connect to",
    "Connection refused",
    "Traceback (most recent call last)",
    " failed in ",
    " passed in ",
    " error in ",
    " errors in ",
    "FAILED (",
    "no tests ran in ",
    "can't open file",
];

/// How pytest sums up tests, and how it names one that failed, with why.
static SUMMARY: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^=* ?\d+ failed(?:, \d+ (?:passed|skipped|warnings?|deselected))* in [\d.]+s"));
static SESSION: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^=* ?\d+ (?:passed|failed|errors?)\b.* in [\d.]+s|^Ran \d+ tests? in [\d.]+s"));
static FAILED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^(FAILED|ERROR) \S+(?: - (.*))?$"));

#[expect(clippy::unwrap_used, reason = "the patterns are constants, and tests use every one")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

/// The kind of failure of a command of a block, by what it showed; `None` where the page says that its tests fail, as they do.
///
/// A page's project is put together from its pieces, so what its tests and programs say mostly speaks of a piece that is missing. Tests whose own assertions fail
/// are the exception, where nothing had to be assumed, the page does not go on to change its files, and does not itself speak of failing.
pub(super) fn kind(lesson: &Lesson, lab: &Lab, revision: &Revision, step: u32, block: usize, shown: &str) -> Option<Code> {
    if !LACKS.iter().any(|sign| shown.contains(sign)) {
        return Some(if ["curl: (6)", "curl: (7)", "Could not resolve host"].iter().any(|sign| shown.contains(sign)) {
            Code::Unsupplied
        } else {
            Code::CommandFailed
        });
    }
    if only_assertions_fail(shown) && speaks_of_failing(lesson, block) {
        return None;
    }
    let assumed = revision.origins.values().any(|origin| origin.assumption.is_some());
    let goes_on = lab.revisions.last().is_some_and(|last| last.number > revision.number)
        || revision.job.steps.iter().any(|other| other.id > step && matches!(other.action, Action::Write(_)));
    Some(if only_assertions_fail(shown) && !assumed && !goes_on { Code::CommandFailed } else { Code::Unsupplied })
}

/// Whether this is what a test runner shows of a run.
pub(super) fn is_session(shown: &str) -> bool {
    shown.contains(" test session starts ") || SESSION.is_match(shown)
}

/// Whether a test runner says that tests failed, and all of them by their own assertions.
fn only_assertions_fail(shown: &str) -> bool {
    let unittest = shown.lines().any(|line| line.strip_prefix("FAILED (failures=").is_some_and(|rest| rest.trim_end_matches(')').parse::<u32>().is_ok()));
    let failed: Vec<_> = FAILED.captures_iter(shown).collect();
    let asserts = |reason: &str| reason.starts_with("assert ") || reason.starts_with("AssertionError");
    let pytest = SUMMARY.is_match(shown) && failed.iter().all(|found| &found[1] == "FAILED" && found.get(2).is_some_and(|reason| asserts(reason.as_str())));
    unittest || pytest && !failed.is_empty()
}

/// Whether the page says itself, in the words around a block or in the output that it shows, that something fails.
fn speaks_of_failing(lesson: &Lesson, block: usize) -> bool {
    let start = block.checked_sub(1).map_or(lesson.span.start, |before| lesson.blocks[before].span().end);
    let output = lesson.blocks.get(block + 1).filter(|next| next.role == Role::Output).map_or(block, |_| block + 1);
    let end = lesson.blocks.get(output + 1).map_or(lesson.span.end, |after| after.span().start);
    lesson.source.text().get(start..end).is_some_and(|text| text.to_lowercase().contains("fail"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assertions_that_fail_are_told_from_what_is_missing() {
        let pytest = |line: &str, end: &str| format!("F\n=== FAILURES ===\nE   assert 2 == 3\n=== short test summary info ===\n{line}\n{end}\n");
        let one = "1 failed in 0.02s";
        assert!(only_assertions_fail(&pytest("FAILED test_cart.py::test_total - assert 2 == 3", one)));
        assert!(only_assertions_fail(&pytest("FAILED test_cart.py::test_total - AssertionError: no", "=== 1 failed, 3 passed in 0.10s ===")));
        assert!(!only_assertions_fail(&pytest("FAILED test_cart.py::test_total - TypeError: no", one)));
        assert!(!only_assertions_fail(&pytest("FAILED a::b - assert 1 == 2\nERROR a::c - fixture 'client' is missing", "1 failed, 1 error in 0.02s")));
        assert!(!only_assertions_fail(&pytest("", "1 passed in 0.02s")));
        assert!(is_session("==== 2 passed in 0.10s ====") && is_session("..\nRan 2 tests in 0.001s\n") && !is_session("2 passed"));
        assert!(only_assertions_fail("Ran 2 tests in 0.001s\n\nFAILED (failures=1)\n"));
        assert!(!only_assertions_fail("Ran 2 tests in 0.001s\n\nFAILED (failures=1, errors=1)\n"));
    }
}
