//! A job summary in Markdown: a table of the lessons that did not pass, and the details of each. `Report --write--> impl Write`.
//!
//! What guides and labs say stands in fences longer than any within, or with every mark escaped.

use std::io::{self, Write};

use super::cause::quiet;
use super::diff::{COLUMNS, diff};
use super::matrix::{Row, compares, rows};
use super::terminal::Options;
use super::{Report, frame, text, wording};
use crate::finding::Comparison;
use crate::outcome::Status;

/// How long a summary grows. GitHub refuses one of a mebibyte as a whole.
const SIZE_LIMIT: usize = 900_000;
/// How long the details of one lesson grow, in characters.
const LESSON_LIMIT: usize = 60_000;

/// Write the report as a job summary.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let lessons: Vec<Row<'_>> = rows(report).into_iter().filter(|row| !matches!(row.worst().status, Status::Passed | Status::Empty)).collect();
    let mut page = format!("## Proctor: {}\n\n{}", wording::statuses(report), wording::size(report));
    if let Some((blocks, fates)) = wording::fates(report) {
        page.push_str(&format!(", {}: {fates}", wording::count(blocks, "block")));
    }
    page.push_str(&format!(" ({})\n", escape(&wording::how(report))));
    for wrong in &report.wrong {
        page.push_str(&format!("\n> {}\n", escape(&wording::wrong(wrong))));
    }
    for note in &report.notes {
        page.push_str(&format!("\n> {}\n", escape(note)));
    }
    if !lessons.is_empty() {
        page.push_str(&head(report));
    }
    let (mut rows, mut details) = (String::new(), String::new());
    let mut shown = 0;
    for lesson in &lessons {
        let (row, detail) = (row(report, lesson), detail(report, lesson));
        if page.len() + rows.len() + details.len() + row.len() + detail.len() > SIZE_LIMIT {
            break;
        }
        rows.push_str(&row);
        details.push_str(&detail);
        shown += 1;
    }
    page.push_str(&rows);
    page.push_str(&details);
    if shown < lessons.len() {
        page.push_str(&format!("\n{}\n", wording::lessons_left_out(lessons.len() - shown)));
    }
    page.push('\n');
    out.write_all(page.as_bytes())
}

/// The head of the table: where environments are compared, each has a column.
fn head(report: &Report) -> String {
    let names: Vec<String> = if compares(report) { report.environments.iter().map(|name| escape(name)).collect() } else { vec!["status".to_owned()] };
    format!("\n| {} | lesson | where | findings |\n{}|---|---|---:|\n", names.join(" | "), "|---".repeat(names.len()))
}

fn row(report: &Report, row: &Row<'_>) -> String {
    let lesson = row.worst();
    let status = |environment: &String| row.within(environment).map_or("-", |outcome| outcome.status.word());
    let statuses: Vec<&str> = if compares(report) { report.environments.iter().map(status).collect() } else { vec![lesson.status.word()] };
    let name = escape(&text::shorten(&wording::lesson(lesson), 200));
    let findings: usize = if compares(report) { row.causes().len() } else { lesson.findings.len() };
    format!("| {} | {name} | {} | {findings} |\n", statuses.join(" | "), escape(&wording::lesson_place(lesson)))
}

/// What there is to say about one lesson, folded away.
fn detail(report: &Report, row: &Row<'_>) -> String {
    let lesson = row.worst();
    let named = if row.names(&[]).is_some() { format!(" ({})", wording::by_status(row)) } else { String::new() };
    let summary = format!("{}: {}{named}", row.status(), text::shorten(&wording::lesson(lesson), 200));
    let mut detail = format!("\n<details><summary>{}</summary>\n", text::html(&text::one_line(&summary)));
    for error in row.errors() {
        detail.push_str(&fenced("text", &text::message(&error)));
    }
    let mut remarks = Vec::new();
    let causes = row.causes();
    for (index, cause) in causes.iter().enumerate() {
        if quiet(cause.finding) && cause.consequences.is_empty() {
            remarks.push(frame::line(cause));
            continue;
        }
        let frame = frame::render(cause, &Options { width: 120, ..Options::default() });
        detail.push_str(&fenced("text", &text::shorten(&frame, LESSON_LIMIT / 4)));
        if let Some(known) = &cause.finding.known {
            detail.push_str(&format!("\n{}\n", escape(&wording::known(known))));
        }
        if let Some(comparison) = &cause.finding.comparison {
            detail.push_str(&fenced("diff", &text::shorten(&told(comparison), LESSON_LIMIT / 4)));
        }
        if detail.len() > LESSON_LIMIT && index + 1 < causes.len() {
            remarks.push(wording::findings_left_out(causes.len() - index - 1));
            break;
        }
    }
    remarks.extend(row.each(|lesson| lesson.assumptions.iter().map(|assumption| wording::assumed(lesson, assumption)).collect()));
    remarks.extend(lesson.blocks.iter().filter(|block| block.plan.reason.is_some()).map(wording::block));
    if !remarks.is_empty() {
        detail.push('\n');
    }
    for remark in remarks {
        detail.push_str(&format!("- {}\n", escape(&remark)));
    }
    detail.push_str(&fenced("sh", &text::exact(&report.rerun(lesson))));
    detail.push_str("\n</details>\n");
    detail
}

fn told(comparison: &Comparison) -> String {
    diff(comparison, COLUMNS).into_iter().map(|(mark, line)| format!("{mark} {line}\n")).collect()
}

/// Text in a fence that is longer than any within it.
fn fenced(info: &str, text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    format!("\n{fence}{info}\n{}\n{fence}\n", text.trim_end())
}

/// Text on one line in which no mark means anything.
fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text::one_line(text).chars() {
        match c {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '$' => {
                shown.push('\\');
                shown.push(c);
            }
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::super::fixture;
    use super::*;
    use proptest::prelude::*;
    use pulldown_cmark::{CodeBlockKind, Event, Options as Extensions, Parser, Tag, TagEnd};

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The HTML, code blocks and rows that a renderer sees in a summary.
    fn rendered(page: &str) -> (Vec<String>, Vec<String>, usize) {
        let (mut html, mut fences, mut rows) = (Vec::new(), Vec::new(), 0);
        for event in Parser::new_ext(page, Extensions::ENABLE_TABLES | Extensions::ENABLE_STRIKETHROUGH) {
            match event {
                Event::Html(text) | Event::InlineHtml(text) => html.push(text.trim().to_owned()),
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => fences.push(info.to_string()),
                Event::Start(tag @ (Tag::Link { .. } | Tag::Image { .. } | Tag::Emphasis | Tag::Strong | Tag::CodeBlock(_))) => panic!("{tag:?} in {page}"),
                Event::End(TagEnd::TableRow) => rows += 1,
                _ => {}
            }
        }
        (html, fences, rows)
    }

    #[test]
    fn a_table_and_details() {
        insta::assert_snapshot!(written(&fixture::report()));
    }

    #[test]
    fn environments_are_columns() {
        let page = written(&fixture::matrix());
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).collect();
        assert_eq!(rows[0], "| flask | legacy | next | lesson | where | findings |");
        assert_eq!(rows[1], "| passed | stale | broken | 5.5 Relationships | guide.txt:1 | 2 |");
        assert_eq!(rendered(&page).2, 3, "{page}");
        assert_eq!(page.matches("has no attribute 'right'").count(), 1);
    }

    #[test]
    fn a_fence_is_longer_than_any_within() {
        assert_eq!(fenced("text", "a ```` b"), "\n`````text\na ```` b\n`````\n");
    }

    #[test]
    fn a_summary_stays_below_the_limit_of_a_job() {
        let lesson = fixture::report().lessons.swap_remove(2);
        let report = Report { lessons: vec![lesson; 2_000], ..fixture::report() };
        let page = written(&report);
        assert!(page.len() < 1 << 20);
        assert!(page.contains("lessons left out"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_only_text(text in any::<String>()) {
            let page = written(&fixture::saying(&text));
            let (html, fences, rows) = rendered(&page);
            prop_assert!(html.iter().all(|html| html.starts_with("<details><summary>broken: ") || html == "</details>"), "{html:?}");
            prop_assert_eq!(html.len(), 2);
            prop_assert_eq!(fences.last().map(String::as_str), Some("sh"));
            prop_assert_eq!(rows, 1);
        }
    }
}
