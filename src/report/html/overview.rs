//! The health of a guide at a glance: counts to filter by, a tile a lesson and a row a chapter, and what is wrong. `Report -> elements`.

use super::element::Page;
use super::{Shown, href, mark};
use crate::finding::Severity;
use crate::outcome::Status;
use crate::report::cause::{causes, quiet};
use crate::report::{Report, text, wording};

/// How many findings of a lesson the list of what is wrong shows.
const FINDINGS_SHOWN: usize = 3;
/// How many characters of a message it shows.
const MESSAGE: usize = 400;

/// The head of the page: what was checked, and how it went.
pub(super) fn header(page: &mut Page, report: &Report, shown: &[Shown<'_>]) {
    page.element("header", &[("id", "top")], |page| {
        page.leaf("h1", &[], "Lesson health");
        page.leaf("p", &[("class", "total")], &text::one_line(&wording::total(report)));
        if let Some((blocks, fates)) = wording::fates(report) {
            page.leaf("p", &[("class", "soft")], &format!("{}: {fates}", wording::count(blocks, "block")));
        }
        for wrong in &report.wrong {
            page.leaf("p", &[("class", "notice error")], &wording::wrong(wrong));
        }
        for note in &report.notes {
            page.leaf("p", &[("class", "notice")], &text::one_line(note));
        }
        if !shown.is_empty() {
            bar(page, shown);
            filters(page, shown);
        }
    });
}

fn counts(shown: &[Shown<'_>]) -> Vec<(Status, usize)> {
    let count = |status: Status| shown.iter().filter(|lesson| lesson.status() == status).count();
    Status::ALL.into_iter().map(|status| (status, count(status))).filter(|(_, count)| *count > 0).collect()
}

/// A bar with a stretch for each status. What it says is said in words beside it as well.
fn bar(page: &mut Page, shown: &[Shown<'_>]) {
    let counts = counts(shown);
    let words: Vec<String> = counts.iter().map(|(status, count)| format!("{count} {}", status.word())).collect();
    let total = shown.len().to_string();
    let view = format!("0 0 {total} 1");
    page.element("svg", &[("class", "bar"), ("role", "img"), ("aria-label", &words.join(", ")), ("viewBox", &view), ("preserveAspectRatio", "none")], |page| {
        let mut at = 0;
        for (status, count) in counts {
            let (x, width) = (at.to_string(), count.to_string());
            page.leaf("rect", &[("class", status.word()), ("x", &x), ("y", "0"), ("width", &width), ("height", "1")], "");
            at += count;
        }
    });
}

/// Counts by status: cards to read and, with the script, buttons that filter; and a search.
fn filters(page: &mut Page, shown: &[Shown<'_>]) {
    page.element("div", &[("class", "cards"), ("role", "group"), ("aria-label", "Lessons by status")], |page| {
        for (status, count) in counts(shown) {
            let class = format!("card {}", status.word());
            page.element(
                "button",
                &[("type", "button"), ("class", &class), ("data-status", status.word()), ("aria-pressed", "false"), ("disabled", "")],
                |page| {
                    page.element("span", &[("class", "count")], |page| {
                        page.leaf("span", &[("class", "mark"), ("aria-hidden", "true")], mark(status));
                        page.text(&format!("{count} {}", status.word()));
                    });
                    page.leaf("span", &[("class", "meaning")], wording::meaning(status));
                },
            );
        }
    });
    page.element("div", &[("class", "search"), ("role", "search"), ("hidden", "")], |page| {
        page.leaf("label", &[("for", "search")], "Search");
        page.leaf(
            "input",
            &[("id", "search"), ("type", "search"), ("autocomplete", "off"), ("placeholder", "title, page, code or message"), ("aria-keyshortcuts", "/")],
            "",
        );
        page.element("button", &[("type", "button"), ("id", "all")], |page| page.text("Show all"));
        page.leaf("p", &[("id", "shown"), ("role", "status")], "");
    });
}

/// A tile a lesson, a chapter a row.
pub(super) fn tiles(page: &mut Page, shown: &[Shown<'_>]) {
    page.element("section", &[("class", "overview"), ("aria-labelledby", "chapters")], |page| {
        page.leaf("h2", &[("id", "chapters")], "At a glance");
        for chapter in shown.chunk_by(|one, next| one.worst().chapter == next.worst().chapter) {
            let Some(first) = chapter.first() else { continue };
            let title = text::one_line(&first.worst().chapter);
            page.element("section", &[("class", "chapter")], |page| {
                page.leaf("h3", &[], if title.is_empty() { "No chapter" } else { &title });
                page.element("ul", &[("class", "tiles")], |page| chapter.iter().for_each(|lesson| tile(page, lesson)));
            });
        }
    });
}

fn tile(page: &mut Page, lesson: &Shown<'_>) {
    let (status, number) = (lesson.status(), lesson.place.to_string());
    page.element("li", &[("data-lesson", &number), ("data-is", status.word())], |page| {
        let class = format!("tile {}", status.word());
        page.element("a", &[("class", &class), ("href", &href(lesson.place))], |page| {
            page.leaf("span", &[("class", "mark"), ("aria-hidden", "true")], mark(status));
            page.leaf("span", &[("class", "name")], &text::one_line(&wording::lesson(lesson.worst())));
            page.leaf("span", &[("class", "word")], status.word());
        });
    });
}

/// The lessons that did not pass, with what is worst about each.
pub(super) fn wrong(page: &mut Page, shown: &[Shown<'_>]) {
    let wrong: Vec<&Shown<'_>> = shown.iter().filter(|lesson| lesson.failed()).collect();
    if wrong.is_empty() {
        return;
    }
    page.element("section", &[("class", "overview"), ("aria-labelledby", "wrong")], |page| {
        page.leaf("h2", &[("id", "wrong")], "What is wrong");
        page.element("ul", &[("class", "wrong")], |page| {
            let mut wrong = wrong;
            wrong.sort_by_key(|lesson| lesson.status());
            wrong.into_iter().for_each(|lesson| entry(page, lesson));
        });
    });
}

fn entry(page: &mut Page, lesson: &Shown<'_>) {
    let (outcome, status, number) = (lesson.worst(), lesson.status(), lesson.place.to_string());
    page.element("li", &[("data-lesson", &number), ("data-is", status.word())], |page| {
        page.element("h3", &[], |page| {
            super::badge(page, status);
            page.leaf("a", &[("href", &href(lesson.place))], &text::one_line(&wording::lesson(outcome)));
        });
        page.leaf("p", &[("class", "soft place")], &text::exact(&wording::lesson_place(outcome)));
        if lesson.row.outcomes.len() > 1 {
            page.leaf("p", &[("class", "soft")], &text::one_line(&wording::by_status(&lesson.row)));
        }
        let mut causes: Vec<_> = causes(outcome).into_iter().filter(|cause| !quiet(cause.finding)).collect();
        causes.sort_by_key(|cause| cause.finding.severity());
        let rest = causes.len().saturating_sub(FINDINGS_SHOWN);
        if outcome.status == Status::Errored || outcome.error.is_some() {
            page.leaf("p", &[], &text::one_line(&text::shorten(&wording::errored(outcome), MESSAGE)));
        }
        page.element("ul", &[("class", "brief")], |page| {
            for cause in causes.iter().take(FINDINGS_SHOWN) {
                page.element("li", &[], |page| {
                    code(page, cause.finding.severity(), cause.finding.code.word());
                    page.text(&text::one_line(&text::shorten(&cause.finding.message, MESSAGE)));
                });
            }
            if rest > 0 {
                page.leaf("li", &[("class", "soft")], &format!("and {rest} more"));
            }
        });
    });
}

/// The code of a finding, with its severity in words.
pub(super) fn code(page: &mut Page, severity: Severity, code: &str) {
    let class = format!("code {}", severity.word());
    page.leaf("span", &[("class", &class)], &format!("{}[{code}]", severity.word()));
    page.text(" ");
}
