//! A job summary in Markdown: a table of the lessons that did not pass, and the details of each. `Report --write--> impl Write`.
//!
//! What guides and labs say stands in fences longer than any within, or with every mark escaped.

use std::io::{self, Write};

use super::cause::{causes, quiet};
use super::diff::{COLUMNS, diff};
use super::terminal::Options;
use super::{Report, frame, text, wording};
use crate::finding::Comparison;
use crate::outcome::{LessonOutcome, Status};

/// How long a summary grows. GitHub refuses one of a mebibyte as a whole.
const SIZE_LIMIT: usize = 900_000;
/// How long the details of one lesson grow, in characters.
const LESSON_LIMIT: usize = 60_000;

/// Write the report as a job summary.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let lessons: Vec<&LessonOutcome> = report.lessons.iter().filter(|lesson| !matches!(lesson.status, Status::Passed | Status::Empty)).collect();
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
        page.push_str("\n| status | lesson | where | findings |\n|---|---|---|---:|\n");
    }
    let (mut rows, mut details) = (String::new(), String::new());
    let mut shown = 0;
    for lesson in &lessons {
        let (row, detail) = (row(lesson), detail(report, lesson));
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

fn row(lesson: &LessonOutcome) -> String {
    let name = escape(&text::shorten(&wording::lesson(lesson), 200));
    format!("| {} | {name} | {} | {} |\n", wording::status(lesson), escape(&wording::lesson_place(lesson)), lesson.findings.len())
}

/// What there is to say about one lesson, folded away.
fn detail(report: &Report, lesson: &LessonOutcome) -> String {
    let summary = format!("{}: {}", wording::status(lesson), text::shorten(&wording::lesson(lesson), 200));
    let mut detail = format!("\n<details><summary>{}</summary>\n", text::html(&text::one_line(&summary)));
    if lesson.status == Status::Errored || lesson.error.is_some() {
        detail.push_str(&fenced("text", &text::message(&wording::errored(lesson))));
    }
    let mut remarks = Vec::new();
    let causes = causes(lesson);
    for (index, cause) in causes.iter().enumerate() {
        if quiet(cause.finding) && cause.consequences.is_empty() {
            remarks.push(frame::line(cause.finding));
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
    remarks.extend(lesson.assumptions.iter().map(|assumption| wording::assumed(lesson, assumption)));
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
