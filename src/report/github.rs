//! GitHub workflow annotations: one line each, on the guide's own lines. `Report --write--> impl Write`.
//!
//! A line break, or what the runner reads as the end of a property, never gets out of a message: it would be a command of its own.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::cause::{Cause, quiet};
use super::matrix::rows;
use super::{Report, last_line, text, wording};
use crate::finding::Severity;
use crate::outcome::{LessonOutcome, Status};

/// Write an annotation for each finding that stands for itself. GitHub shows only the first few of each kind, so what merely informs, or is known already, comes last.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    for (code, message) in &report.wrong {
        out.write_all(format!("::error title={}::{}\n", property(code.word()), escape(&text::message(message))).as_bytes())?;
    }
    for last in [false, true] {
        for row in rows(report) {
            for lesson in row.outcomes.iter().filter(|lesson| !last && (lesson.status == Status::Errored || lesson.error.is_some())) {
                out.write_all(errored(report, lesson, row.names(&[&lesson.environment])).as_bytes())?;
            }
            for cause in row.causes().iter().filter(|cause| (quiet(cause.finding) || cause.finding.known.is_some()) == last) {
                out.write_all(annotation(report, cause).as_bytes())?;
            }
        }
    }
    Ok(())
}

fn errored(report: &Report, lesson: &LessonOutcome, environment: Option<String>) -> String {
    let environment = environment.map(|environment| format!(" {environment}")).unwrap_or_default();
    let title = format!("{}: {}{environment}", lesson.status.word(), wording::lesson(lesson));
    let message = format!("{}\n{}", text::message(&wording::errored(lesson)), text::exact(&wording::rerun(report, lesson)));
    let properties = format!("file={},line={},title={}", property(lesson.source.path()), lesson.line, property(&text::one_line(&title)));
    format!("::error {properties}::{}\n", escape(&message))
}

fn annotation(report: &Report, cause: &Cause<'_>) -> String {
    let (lesson, finding) = (cause.lesson, cause.finding);
    let (place, end) = (finding.location.place(), last_line(&finding.location));
    let command = match finding.severity() {
        _ if finding.known.is_some() => "notice",
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = format!("file={}", property(finding.location.path()));
    let mut message = String::new();
    // Writing to a string cannot fail.
    if place.cell.is_some() {
        // The lines of a cell are none of the file's.
        let _ = writeln!(message, "{}", wording::place(&finding.location));
    } else {
        let _ = write!(properties, ",line={},endLine={end}", place.line);
        if end == place.line {
            let _ = write!(properties, ",col={}", place.column);
        }
    }
    let title = format!("{} in {}", finding.code.word(), wording::lesson(lesson));
    let _ = write!(properties, ",title={}", property(&text::one_line(&title)));
    let _ = write!(message, "{}", text::message(&finding.message));
    for remark in wording::remarks(cause) {
        let _ = write!(message, "\n{}", text::message(&remark));
    }
    if !quiet(finding) {
        let _ = write!(message, "\n{}", text::exact(&wording::rerun(report, lesson)));
    }
    format!("::{command} {properties}::{}\n", escape(&message))
}

/// A message as the runner takes it back.
fn escape(text: &str) -> String {
    text::visible(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property as the runner takes it back.
fn property(text: &str) -> String {
    escape(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::super::fixture;
    use super::*;
    use proptest::prelude::*;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_for_each_cause() {
        insta::assert_snapshot!(written(&fixture::report()));
    }

    #[test]
    fn the_same_finding_of_two_environments_is_one_annotation() {
        let shown = written(&fixture::matrix());
        let of = |needle: &str| shown.lines().filter(|line| line.contains(needle)).collect::<Vec<_>>();
        assert_eq!(of("has no attribute 'right'").len(), 1, "{shown}");
        assert!(of("has no attribute 'right'")[0].contains("%0Ain every environment%0A"), "{shown}");
        assert!(of("something else than the page")[0].contains("%0Ain flask and next%0A"), "{shown}");
    }

    #[test]
    fn properties_escape_what_would_end_them() {
        assert_eq!(property("a:b,c%\nd"), "a%3Ab%2Cc%25%0Ad");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_stays_on_its_line(text in any::<String>()) {
            let shown = written(&fixture::saying(&text));
            // What is wrong with the whole, the lesson's error and the one cause; its consequence is told with it.
            prop_assert_eq!(shown.split(['\n', '\r', '\u{85}', '\u{2028}']).filter(|line| !line.is_empty()).count(), 3);
            for line in shown.lines() {
                let rest = line.strip_prefix("::error ").unwrap();
                let (properties, _) = rest.split_once("::").unwrap();
                for property in properties.split(',') {
                    let (name, _) = property.split_once('=').unwrap();
                    prop_assert!(["file", "line", "endLine", "col", "title"].contains(&name), "{line}");
                }
            }
        }
    }
}
