//! The health of a guide as one page that loads nothing: tiles at a glance, and a page a lesson in it. `Report --write--> impl Write`.
//!
//! Text gets onto the page only through `element`, which makes it text. A policy in the page forbids whatever is not the style and the script below, known by
//! their hashes. Without the script the page is the same, only longer.

mod block;
mod element;
mod finding;
mod lesson;
mod overview;

use std::io::{self, Write};

use base64::Engine as _;
use sha2::{Digest, Sha256};

use self::element::Page;
use super::matrix::{Row, rows};
use super::{Report, text, wording};
use crate::outcome::{LessonOutcome, Status};

/// The page's style. It follows the reader's choice of light or dark.
const STYLE: &str = include_str!("html/page.css");
/// What searches, filters and shows one lesson at a time.
const SCRIPT: &str = include_str!("html/page.js");

/// Write the report as a page.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let shown = shown(report);
    let mut page = Page::new(&start(report));
    page.leaf("a", &[("class", "skip"), ("href", "#lessons")], "Skip to the lessons");
    overview::header(&mut page, report, &shown);
    page.element("main", &[("id", "lessons"), ("tabindex", "-1")], |page| {
        overview::tiles(page, &shown);
        overview::wrong(page, &shown);
        for one in &shown {
            lesson::write(page, report, one, shown.len().saturating_sub(1));
        }
    });
    page.element("footer", &[], |page| page.leaf("p", &[("class", "soft")], concat!("Written by Proctor ", env!("CARGO_PKG_VERSION"), ".")));
    out.write_all(page.finish(&format!("<script>{SCRIPT}</script>\n</body>\n</html>\n")).as_bytes())
}

/// A lesson, with how it did in each environment that it ran in.
struct Shown<'a> {
    /// Its place on the page, from 0.
    place: usize,
    row: Row<'a>,
}

impl<'a> Shown<'a> {
    /// What says most of it.
    fn worst(&self) -> &'a LessonOutcome {
        self.row.worst()
    }

    fn status(&self) -> Status {
        self.worst().status
    }

    fn failed(&self) -> bool {
        !matches!(self.status(), Status::Passed | Status::Skipped | Status::Empty)
    }
}

/// The lessons of a report, each once.
fn shown(report: &Report) -> Vec<Shown<'_>> {
    rows(report).into_iter().enumerate().map(|(place, row)| Shown { place, row }).collect()
}

/// Everything before the first element of the body. All of it is ours but the title.
fn start(report: &Report) -> String {
    let hash = |text: &str| format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
        hash(STYLE),
        hash(SCRIPT)
    );
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>Lesson health: {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        text::html(&wording::statuses(report))
    )
}

/// The sign of a status, for those who do not see its colour.
fn mark(status: Status) -> &'static str {
    match status {
        Status::Errored => "!",
        Status::Broken => "×",
        Status::Changed => "≠",
        Status::Incomplete => "…",
        Status::Pending => "?",
        Status::Stale => "~",
        Status::Passed => "✓",
        Status::Skipped => "–",
        Status::Empty => "·",
    }
}

/// A status as it stands before a lesson's name.
fn badge(page: &mut Page, status: Status) {
    page.element("span", &[("class", &format!("badge {}", status.word()))], |page| {
        page.leaf("span", &[("class", "mark"), ("aria-hidden", "true")], mark(status));
        page.text(status.word());
    });
    page.text(" ");
}

/// The way to a lesson.
fn href(place: usize) -> String {
    format!("#lesson-{place}")
}

#[cfg(test)]
mod tests;
