//! A lesson's own page: how it is, what is wrong with it, what it takes for granted, and its blocks. `LessonOutcome -> elements`.

use super::element::Page;
use super::finding::{self, Told};
use super::{Shown, badge, block, href};
use crate::outcome::{LessonOutcome, Status};
use crate::report::{Report, text, wording};

/// A lesson in each environment that it ran in, with the way to its neighbours.
pub(super) fn write(page: &mut Page, report: &Report, lesson: &Shown<'_>, last: usize) {
    let (id, heading) = (format!("lesson-{}", lesson.place), format!("title-{}", lesson.place));
    page.element("article", &[("id", &id), ("aria-labelledby", &heading)], |page| {
        let first = lesson.worst();
        page.element("p", &[("class", "crumbs")], |page| {
            page.leaf("a", &[("href", "#top")], "All lessons");
            if !first.chapter.trim().is_empty() {
                page.text(&format!(" › {}", text::one_line(&first.chapter)));
            }
        });
        page.element("h2", &[("id", &heading), ("tabindex", "-1")], |page| {
            badge(page, lesson.status());
            page.text(&text::one_line(&wording::lesson(first)));
        });
        page.leaf("p", &[("class", "soft place")], &text::exact(&wording::lesson_place(first)));
        if report.environments.len() > 1 {
            page.leaf("p", &[], &text::one_line(&wording::by_status(&lesson.row)));
        }
        for (column, outcome) in lesson.row.outcomes.iter().enumerate() {
            let id = format!("{}-{column}", lesson.place);
            if report.environments.len() == 1 {
                outcome_of(page, report, outcome, &id);
                continue;
            }
            // The worst is what a reader comes for; the others say much the same.
            let folded = [("class", "environment"), ("open", "")];
            let attributes = if std::ptr::eq(outcome, first) { &folded[..] } else { &folded[..1] };
            page.element("details", attributes, |page| {
                page.element("summary", &[], |page| {
                    badge(page, outcome.status);
                    page.leaf("b", &[], &text::one_line(&wording::within(&[&outcome.environment])));
                });
                outcome_of(page, report, outcome, &id);
            });
        }
        page.element("nav", &[("class", "neighbours"), ("aria-label", "Other lessons")], |page| {
            if lesson.place > 0 {
                page.leaf("a", &[("href", &href(lesson.place - 1)), ("rel", "prev")], "‹ Previous lesson");
            }
            page.leaf("a", &[("href", "#top")], "All lessons");
            if lesson.place < last {
                page.leaf("a", &[("href", &href(lesson.place + 1)), ("rel", "next")], "Next lesson ›");
            }
        });
    });
}

fn outcome_of(page: &mut Page, report: &Report, lesson: &LessonOutcome, id: &str) {
    page.leaf("p", &[("class", "meaning")], &format!("{}: {}", wording::status(lesson), wording::meaning(lesson.status)));
    if lesson.status == Status::Errored || lesson.error.is_some() {
        page.leaf("pre", &[("class", "output error")], &text::message(&wording::errored(lesson)));
    }
    let told = finding::all(lesson, id);
    contents(page, &told);
    if !matches!(lesson.status, Status::Passed | Status::Skipped | Status::Empty) {
        page.element("p", &[("class", "rerun")], |page| {
            page.text("To run just this lesson: ");
            page.leaf("code", &[], &text::exact(&report.rerun(lesson)));
        });
    }
    if !lesson.assumptions.is_empty() {
        page.leaf("h3", &[], "Taken for granted");
        page.element("ul", &[], |page| {
            lesson.assumptions.iter().for_each(|assumption| page.leaf("li", &[], &text::one_line(&wording::assumed(lesson, assumption))))
        });
    }
    let elsewhere: Vec<&Told<'_>> = told.iter().filter(|told| !lesson.blocks.iter().any(|block| told.is_in(lesson, block))).collect();
    if !elsewhere.is_empty() {
        page.leaf("h3", &[], "Outside of the blocks");
        elsewhere.into_iter().for_each(|told| finding::write(page, told, true));
    }
    if lesson.blocks.is_empty() {
        return;
    }
    page.leaf("h3", &[], "Blocks");
    if lesson.source.is_outline() {
        page.leaf("p", &[("class", "notice")], "The page is not at hand, or has changed since it was checked, so its lines are not shown.");
    }
    for one in &lesson.blocks {
        block::write(page, lesson, one, &told);
    }
}

/// What is wrong, a line each, with the way to where it is told in full.
fn contents(page: &mut Page, told: &[Told<'_>]) {
    let causes: Vec<&Told<'_>> = told.iter().filter(|told| told.cause.is_none()).collect();
    if causes.is_empty() {
        return;
    }
    page.leaf("h3", &[], "Findings");
    page.element("ol", &[("class", "brief")], |page| {
        for told in causes {
            page.element("li", &[("data-find", "")], |page| {
                super::overview::code(page, told.finding.severity(), told.finding.code.word());
                page.leaf("a", &[("href", &told.href())], &told.lines());
                page.text(&format!(": {}", text::one_line(&told.finding.message)));
            });
        }
    });
}
