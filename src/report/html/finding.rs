//! A finding in full: what it says, what to do, where else to look, what follows from it, and what was expected. `Finding -> elements`.

use super::element::Page;
use crate::finding::{Comparison, Finding, Related};
use crate::outcome::{BlockOutcome, LessonOutcome};
use crate::report::cause::causes;
use crate::report::diff::{COLUMNS, diff};
use crate::report::{last_line, text, wording};

/// A finding, where it is told, and what it has to do with others.
pub(super) struct Told<'a> {
    pub(super) finding: &'a Finding,
    /// The id of its element.
    id: String,
    /// The finding that it only follows from, and the id of that one's element.
    pub(super) cause: Option<(&'a Finding, String)>,
    /// What only follows from it, with the ids of their elements.
    consequences: Vec<(&'a Finding, String)>,
}

/// Every finding of a lesson, in its order. `id` is what their ids begin with.
pub(super) fn all<'a>(lesson: &'a LessonOutcome, id: &str) -> Vec<Told<'a>> {
    let id_of = |finding: &Finding| {
        let place = lesson.findings.iter().position(|other| std::ptr::eq(other, finding)).unwrap_or_default();
        format!("finding-{id}-{place}")
    };
    let causes = causes(lesson);
    let tell = |finding: &'a Finding| {
        let own = causes.iter().find(|cause| std::ptr::eq(cause.finding, finding));
        let cause = causes.iter().find(|cause| cause.consequences.iter().any(|other| std::ptr::eq(*other, finding)));
        Told {
            finding,
            id: id_of(finding),
            cause: cause.map(|cause| (cause.finding, id_of(cause.finding))),
            consequences: own.into_iter().flat_map(|cause| cause.consequences.iter().map(|other| (*other, id_of(other)))).collect(),
        }
    };
    lesson.findings.iter().map(tell).collect()
}

impl Told<'_> {
    /// Where it is told.
    pub(super) fn href(&self) -> String {
        format!("#{}", self.id)
    }

    /// `line 4`.
    pub(super) fn lines(&self) -> String {
        lines(self.finding)
    }

    /// The line after which it is told.
    pub(super) fn end_line(&self) -> usize {
        last_line(&self.finding.location)
    }

    /// Whether it is told in a block.
    pub(super) fn is_in(&self, lesson: &LessonOutcome, block: &BlockOutcome) -> bool {
        let place = self.finding.location.place();
        self.finding.location.path() == lesson.source.path() && place.cell == block.cell && (block.line..=block.end_line).contains(&place.line)
    }
}

fn lines(finding: &Finding) -> String {
    let cell = finding.location.place().cell.map_or_else(String::new, |cell| format!("cell {cell}, "));
    format!("{cell}{}", wording::lines(&finding.location))
}

/// Write a finding. `with_place`: it stands beside no line that would say where it is.
pub(super) fn write(page: &mut Page, told: &Told<'_>, with_place: bool) {
    let (finding, class) = (told.finding, format!("finding {}", told.finding.severity().word()));
    page.element("div", &[("class", &class), ("id", &told.id), ("tabindex", "-1")], |page| {
        page.element("p", &[("class", "says")], |page| {
            super::overview::code(page, finding.severity(), finding.code.word());
            page.leaf("span", &[("class", "message")], &text::message(&finding.message));
        });
        if with_place {
            page.leaf("p", &[("class", "soft place")], &text::exact(&wording::place(&finding.location)));
        }
        if let Some(known) = &finding.known {
            page.leaf("p", &[("class", "soft")], &text::one_line(&wording::known(known)));
        }
        if let Some((cause, id)) = &told.cause {
            page.element("p", &[], |page| {
                page.text("It only follows from ");
                page.leaf("a", &[("href", &format!("#{id}"))], &lines(cause));
                page.text(&format!(": {}", text::one_line(&cause.message)));
            });
        }
        if let Some(known) = &finding.known {
            page.leaf("p", &[("class", "soft")], &text::one_line(&wording::known(known)));
        }
        if let Some(help) = &finding.help {
            page.element("p", &[], |page| {
                page.leaf("b", &[], "Help: ");
                page.leaf("span", &[("class", "message")], &text::message(help));
            });
        }
        finding.related.iter().for_each(|other| related(page, finding, other));
        if !told.consequences.is_empty() {
            consequences(page, told);
        }
        if let Some(comparison) = &finding.comparison {
            compare(page, comparison);
        }
    });
}

/// Another place that explains a finding, with the line that stands there.
fn related(page: &mut Page, finding: &Finding, related: &Related) {
    let here = related.location.path() == finding.location.path();
    let place = if here { wording::lines(&related.location) } else { text::exact(&wording::place(&related.location)) };
    page.leaf("p", &[], &format!("{place}: {}", text::one_line(&related.message)));
    let source = &related.location.source;
    let line = source.line(source.line_of(related.location.span.start));
    if !source.is_outline() && !line.trim().is_empty() {
        page.leaf("pre", &[("class", "excerpt")], &text::shorten(line.trim(), COLUMNS));
    }
}

fn consequences(page: &mut Page, told: &Told<'_>) {
    page.leaf("p", &[], "Only because of this:");
    page.element("ul", &[], |page| {
        for (finding, id) in &told.consequences {
            page.element("li", &[], |page| {
                page.leaf("a", &[("href", &format!("#{id}"))], &lines(finding));
                page.text(&format!(": {}", text::one_line(&finding.message)));
            });
        }
    });
}

/// What was expected and what came, line by line. The signs before the lines say which is which, as colours do.
fn compare(page: &mut Page, comparison: &Comparison) {
    page.leaf("p", &[], wording::COMPARISON);
    page.element("pre", &[("class", "diff")], |page| {
        for (mark, line) in diff(comparison, COLUMNS) {
            let line = format!("{mark} {line}\n");
            match mark {
                '-' => page.leaf("del", &[], &line),
                '+' => page.leaf("ins", &[], &line),
                _ => page.leaf("span", &[], &line),
            }
        }
    });
}
