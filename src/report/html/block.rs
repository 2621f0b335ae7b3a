//! A block: its lines as they stand in the guide, findings at their lines, what became of it and what it printed. `BlockOutcome -> elements`.

use super::element::Page;
use super::finding::{self, Told};
use crate::outcome::{BlockOutcome, LessonOutcome, Outcome};
use crate::report::{text, wording};
use crate::source::Span;

/// How many lines of a block are shown; those with findings always are.
const LINES: usize = 400;
/// How many characters of a line are shown.
const COLUMNS: usize = 1_000;
/// How many lines of what a block printed are shown.
const OUTPUT_LINES: usize = 120;
/// How many characters of a line of it are shown.
const OUTPUT_COLUMNS: usize = 1_000;

/// Write a block with the findings that are in it.
pub(super) fn write(page: &mut Page, lesson: &LessonOutcome, block: &BlockOutcome, told: &[Told<'_>]) {
    let told: Vec<&Told<'_>> = told.iter().filter(|told| told.is_in(lesson, block)).collect();
    page.element("section", &[("class", "block")], |page| {
        head(page, block);
        if let Some(reason) = &block.plan.reason {
            page.leaf("p", &[("class", "reason")], &text::one_line(reason));
        }
        lines(page, lesson, block, &told);
        output(page, block);
    });
}

/// Where it is, what it is, and how it did.
fn head(page: &mut Page, block: &BlockOutcome) {
    page.element("h4", &[], |page| {
        let lines = if block.line == block.end_line { format!("line {}", block.line) } else { format!("lines {} to {}", block.line, block.end_line) };
        let cell = block.cell.map_or_else(String::new, |cell| format!("cell {cell}, "));
        page.leaf("span", &[("class", "where")], &format!("{cell}{lines}"));
        page.leaf("span", &[("class", "what")], &text::one_line(&block.language));
        if let Some(file) = &block.plan.file {
            page.leaf("code", &[], &text::exact(file));
        }
        let fate = block.plan.fate.word();
        let (class, words) = match block.outcome {
            Some(outcome) => (outcome.word(), format!("{} {fate}, {}", mark(outcome), outcome.word())),
            None => ("", fate.to_owned()),
        };
        page.leaf("span", &[("class", &format!("fate {class}"))], &words);
    });
}

/// The sign of an outcome, for those who do not see its colour.
fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "✓",
        Outcome::Failed => "×",
        Outcome::Incomplete => "…",
        Outcome::Blocked => "–",
    }
}

/// Its lines, cut where a finding is told.
fn lines(page: &mut Page, lesson: &LessonOutcome, block: &BlockOutcome, told: &[&Told<'_>]) {
    let (mut from, mut left) = (block.line, LINES);
    let mut told = told.to_vec();
    told.sort_by_key(|told| told.end_line());
    for (index, one) in told.iter().enumerate() {
        let to = one.end_line().clamp(block.line, block.end_line);
        // Several findings of one line are told one after the other, behind it.
        if to >= from {
            code(page, lesson, block, (from, to), &mut left, &told[index..]);
            from = to + 1;
        }
        finding::write(page, one, lesson.source.is_outline());
    }
    if from <= block.end_line {
        code(page, lesson, block, (from, block.end_line), &mut left, &[]);
    }
}

fn code(page: &mut Page, lesson: &LessonOutcome, block: &BlockOutcome, (from, to): (usize, usize), left: &mut usize, told: &[&Told<'_>]) {
    if lesson.source.is_outline() {
        return;
    }
    let count = (to + 1).saturating_sub(from);
    let shown = count.min(*left);
    *left -= shown;
    page.element("pre", &[("class", "source")], |page| {
        if shown < count {
            page.leaf("span", &[("class", "left-out")], &format!("{}\n", wording::lines_left_out(count - shown)));
        }
        for number in to + 1 - shown..=to {
            let (line, label) = (lesson.source.line_in(block.cell, number), number.to_string());
            page.element("span", &[("class", "line"), ("data-n", &label)], |page| {
                marked(page, lesson, line, told);
                page.text("\n");
            });
        }
    });
}

/// A line with what is wrong in it marked.
fn marked(page: &mut Page, lesson: &LessonOutcome, number: usize, told: &[&Told<'_>]) {
    let (span, line) = (lesson.source.line_span(number), lesson.source.line(number));
    if line.len() > COLUMNS {
        return page.text(&text::shorten(line, COLUMNS));
    }
    let mut wrong: Vec<(Span, &str)> = told.iter().map(|told| (told.finding.location.span, told.finding.severity().word())).collect();
    wrong.sort_unstable();
    let mut at = span.start;
    for (one, class) in wrong {
        let (start, end) = (one.start.max(at), one.end.min(span.end));
        let (Some(before), Some(inside)) =
            (line.get(at - span.start..start.saturating_sub(span.start)), line.get(start.saturating_sub(span.start)..end.saturating_sub(span.start)))
        else {
            continue;
        };
        if start < end && !inside.trim().is_empty() {
            page.text(before);
            page.leaf("mark", &[("class", class)], inside);
            at = end;
        }
    }
    page.text(line.get(at - span.start..).unwrap_or_default());
}

/// What it printed, answered and raised.
fn output(page: &mut Page, block: &BlockOutcome) {
    let Some(told) = block.transcript.as_deref().filter(|told| !told.trim().is_empty()) else { return };
    let open = if block.outcome == Some(Outcome::Passed) { "" } else { "open" };
    let attributes: &[_] = if open.is_empty() { &[("class", "said")] } else { &[("class", "said"), ("open", "")] };
    page.element("details", attributes, |page| {
        page.leaf("summary", &[], &format!("Output: {}", wording::count(told.lines().count(), "line")));
        page.leaf("pre", &[("class", "output")], &text::shorten_lines(told.trim_end(), OUTPUT_LINES, OUTPUT_COLUMNS));
    });
}
