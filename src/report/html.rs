//! A page of lesson health: one file, no script, nothing loaded from anywhere. `Report --write--> impl Write`.
//!
//! Every text goes through `text::html`, and a policy in the page forbids what would slip through.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::cause::{causes, quiet};
use super::diff::{COLUMNS, diff};
use super::terminal::Options;
use super::text::{exact, html, one_line};
use super::{Report, frame, text, wording};
use crate::finding::Comparison;
use crate::outcome::{LessonOutcome, Status};

/// The page's style. It follows the reader's choice of light or dark.
const STYLE: &str = include_str!("page.css");

/// Write the report as a page.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(report, &mut page);
    out.write_all(page.as_bytes())
}

fn write_page(report: &Report, page: &mut String) -> std::fmt::Result {
    let total = html(&one_line(&wording::total(report)));
    writeln!(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(page, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">")?;
    writeln!(page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(page, "<title>Lesson health: {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>", html(&wording::statuses(report)))?;
    writeln!(page, "<header>\n<h1>Lesson health</h1>\n<p>{total}</p>")?;
    for wrong in &report.wrong {
        writeln!(page, "<p class=\"note\"><b>{}</b></p>", html(&wording::wrong(wrong)))?;
    }
    for note in &report.notes {
        writeln!(page, "<p class=\"note\">{}</p>", html(&one_line(note)))?;
    }
    write_summary(report, page)?;
    writeln!(page, "</header>\n<main>")?;
    for chapter in report.lessons.chunk_by(|one, next| one.chapter == next.chapter) {
        writeln!(page, "<section>")?;
        if let Some(title) = chapter.first().map(|lesson| one_line(&lesson.chapter)).filter(|title| !title.is_empty()) {
            writeln!(page, "<h2>{}</h2>", html(&title))?;
        }
        for lesson in chapter {
            write_lesson(report, lesson, page)?;
        }
        writeln!(page, "</section>")?;
    }
    writeln!(page, "</main>\n</body>\n</html>")
}

/// Each status that occurs, with its count and what it means.
fn write_summary(report: &Report, page: &mut String) -> std::fmt::Result {
    writeln!(page, "<table class=\"summary\">")?;
    for (status, count) in report.summary() {
        writeln!(page, "<tr><td>{}</td><td class=\"count\">{count}</td><td>{}</td></tr>", badge(status), html(wording::meaning(status)))?;
    }
    if let Some((blocks, fates)) = wording::fates(report) {
        writeln!(page, "<tr><td>blocks</td><td class=\"count\">{blocks}</td><td>{}</td></tr>", html(&fates))?;
    }
    writeln!(page, "</table>")
}

fn badge(status: Status) -> String {
    format!("<span class=\"badge {0}\">{0}</span>", status.word())
}

fn write_lesson(report: &Report, lesson: &LessonOutcome, page: &mut String) -> std::fmt::Result {
    let name = html(&one_line(&wording::lesson(lesson)));
    let known = if lesson.is_known() { " (known)" } else { "" };
    let mut heading = format!("{}{known} <b>{name}</b> <span class=\"place\">{}</span>", badge(lesson.status), html(&exact(&wording::lesson_place(lesson))));
    if report.environments.len() > 1 {
        let _ = write!(heading, " <span class=\"place\">{}</span>", html(&one_line(&wording::within(&[&lesson.environment]))));
    }
    if lesson.blocks.is_empty() && lesson.findings.is_empty() && lesson.error.is_none() {
        return writeln!(page, "<p class=\"lesson\">{heading}</p>");
    }
    let failed = !matches!(lesson.status, Status::Passed | Status::Skipped | Status::Empty);
    let open = if failed && !lesson.is_known() { " open" } else { "" };
    writeln!(page, "<details class=\"lesson\"{open}>\n<summary>{heading}</summary>")?;
    if lesson.status == Status::Errored || lesson.error.is_some() {
        writeln!(page, "<pre>{}</pre>", html(&text::message(&wording::errored(lesson))))?;
    }
    let mut remarks = Vec::new();
    for cause in causes(lesson) {
        if quiet(cause.finding) && cause.consequences.is_empty() {
            remarks.push(frame::line(&cause));
            continue;
        }
        let frame = frame::render(&cause, &Options { width: 120, ..Options::default() });
        writeln!(page, "<pre class=\"{}\">{}</pre>", cause.finding.severity().word(), html(&frame))?;
        if let Some(known) = &cause.finding.known {
            writeln!(page, "<p>{}</p>", html(&one_line(&wording::known(known))))?;
        }
        if let Some(comparison) = &cause.finding.comparison {
            write_diff(comparison, page)?;
        }
    }
    remarks.extend(lesson.assumptions.iter().map(|assumption| one_line(&wording::assumed(lesson, assumption))));
    if !remarks.is_empty() {
        let items: String = remarks.iter().map(|remark| format!("<li>{}</li>\n", html(remark))).collect();
        writeln!(page, "<ul>\n{items}</ul>")?;
    }
    write_blocks(lesson, page)?;
    if failed {
        writeln!(page, "<p>To run just this lesson: <code>{}</code></p>", html(&exact(&report.rerun(lesson))))?;
    }
    writeln!(page, "</details>")
}

fn write_diff(comparison: &Comparison, page: &mut String) -> std::fmt::Result {
    writeln!(page, "<p>{}</p>", html(wording::COMPARISON))?;
    write!(page, "<pre class=\"diff\">")?;
    for (mark, line) in diff(comparison, COLUMNS) {
        let line = html(&format!("{mark} {line}"));
        match mark {
            '-' => writeln!(page, "<del>{line}</del>")?,
            '+' => writeln!(page, "<ins>{line}</ins>")?,
            _ => writeln!(page, "{line}")?,
        }
    }
    writeln!(page, "</pre>")
}

/// The ledger: what became of each block.
fn write_blocks(lesson: &LessonOutcome, page: &mut String) -> std::fmt::Result {
    if lesson.blocks.is_empty() {
        return Ok(());
    }
    writeln!(page, "<table class=\"blocks\">\n<tr><th>block</th><th>fate</th><th>outcome</th><th>file</th><th>reason</th></tr>")?;
    for block in &lesson.blocks {
        write!(page, "<tr><td>{}</td><td>{}</td>", html(&one_line(&wording::block_name(block))), block.plan.fate.word())?;
        write!(page, "<td>{}</td>", block.outcome.map_or("", crate::outcome::Outcome::word))?;
        write!(page, "<td>{}</td>", html(&exact(block.plan.file.as_deref().unwrap_or_default())))?;
        writeln!(page, "<td>{}</td></tr>", html(&one_line(block.plan.reason.as_deref().unwrap_or_default())))?;
    }
    writeln!(page, "</table>")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::super::fixture;
    use super::*;
    use proptest::prelude::*;
    use quick_xml::events::Event;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The names of the page's elements: it is written so that an XML reader can follow it, but for the elements that HTML never closes.
    fn elements(page: &str) -> std::collections::BTreeMap<String, usize> {
        let body = &page[page.find("<body>").unwrap()..page.find("</html>").unwrap()];
        let body = body.replace("<details class=\"lesson\" open>", "<details class=\"lesson\">");
        let mut reader = quick_xml::Reader::from_str(&body);
        let mut names = std::collections::BTreeMap::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) => {
                    for attribute in start.attributes() {
                        assert_eq!(attribute.unwrap().key.as_ref(), b"class");
                    }
                    *names.entry(String::from_utf8(start.name().as_ref().to_vec()).unwrap()).or_insert(0) += 1;
                }
                Event::Eof => return names,
                _ => {}
            }
        }
    }

    #[test]
    fn every_lesson_has_its_place_on_the_page() {
        let report = fixture::report();
        let page = written(&report);
        for lesson in &report.lessons {
            assert!(page.contains(&html(&one_line(&wording::lesson(lesson)))), "{}", lesson.id);
        }
        let names = elements(&page);
        assert_eq!(names["details"], report.lessons.len() - 1, "the draft is a line");
        assert_eq!((names["ins"], names["del"]), (5, 2));
    }

    #[test]
    fn hostile_text_is_only_text() {
        let page = written(&fixture::report());
        assert!(page.contains("&lt;/script&gt;"));
        assert!(!elements(&page).contains_key("script"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_makes_no_element(text in any::<String>()) {
            let known = ["body", "header", "h1", "p", "table", "tr", "td", "th", "span", "main", "section", "h2", "details", "summary", "b", "pre", "del", "ins", "ul", "li", "code"];
            let names = elements(&written(&fixture::saying(&text)));
            prop_assert!(names.keys().all(|name| known.contains(&name.as_str())), "{names:?}");
            prop_assert_eq!(names["details"], 1);
        }
    }
}
