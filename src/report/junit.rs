//! JUnit XML: a suite for each lesson, a test case for each block, with file and line. `Report --write--> impl Write`.
//!
//! What the course does wrong is a failure, what Proctor could not do is an error, what only follows from a failure is skipped.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report as JunitReport, TestCase, TestCaseStatus, TestSuite};

use super::cause::{Cause, causes};
use super::diff::{COLUMNS, diff};
use super::{Report, text, wording};
use crate::finding::{Effect, Location};
use crate::lab::Fate;
use crate::outcome::{BlockOutcome, LessonOutcome, Outcome, Status};

/// How many characters of a block's output are kept.
const OUTPUT_LIMIT: usize = 20_000;

/// Write the report as JUnit XML. Lessons about which there is nothing to say, such as drafts, have no suite.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut junit = JunitReport::new("proctor");
    junit.set_time(duration(report.seconds));
    for lesson in &report.lessons {
        if !lesson.blocks.is_empty() || !lesson.findings.is_empty() || lesson.error.is_some() {
            junit.add_test_suite(suite(report, lesson));
        }
    }
    if !report.wrong.is_empty() {
        junit.add_test_suite(whole(report));
    }
    // By way of a string, so that what `out` says keeps its kind.
    let xml = junit.to_string().map_err(io::Error::other)?;
    out.write_all(xml.as_bytes())
}

/// The suite of what is wrong with the check as a whole.
fn whole(report: &Report) -> TestSuite {
    let mut suite = TestSuite::new(wording::WHOLE_CHECK);
    for (code, message) in &report.wrong {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type(code.word()).set_message(text::one_line(message)).set_description(text::message(message));
        suite.add_test_case(TestCase::new(code.word(), status));
    }
    suite
}

fn suite(report: &Report, lesson: &LessonOutcome) -> TestSuite {
    let mut suite = TestSuite::new(text::one_line(&format!("{}{}", wording::lesson(lesson), tag(report, lesson))));
    suite.set_time(duration(lesson.seconds));
    let path = text::exact(lesson.source.path());
    let rerun = text::exact(&report.rerun(lesson));
    for (name, value) in [
        ("id", text::exact(&lesson.id)),
        ("chapter", text::one_line(&lesson.chapter)),
        ("status", lesson.status.word().to_owned()),
        ("path", path),
        ("engine", text::one_line(&report.engine)),
        ("environment", text::one_line(&lesson.environment)),
        ("rerun", rerun),
    ] {
        suite.add_property(Property::new(name, value));
    }
    if lesson.is_known() {
        suite.add_property(Property::new("known", "true"));
    }
    for assumption in &lesson.assumptions {
        suite.add_property(Property::new("assumption", text::one_line(&wording::assumed(lesson, assumption))));
    }
    let mut causes = causes(lesson);
    let cases: Vec<TestCase> = lesson
        .blocks
        .iter()
        .map(|block| {
            let (mine, rest) = std::mem::take(&mut causes).into_iter().partition(|cause: &Cause<'_>| within(lesson, block, &cause.finding.location));
            causes = rest;
            block_case(report, lesson, block, &mine)
        })
        .collect();
    // What no block holds, the lesson does.
    suite.add_test_cases(lesson_case(report, lesson, &causes));
    suite.add_test_cases(cases);
    suite
}

/// Whether a place lies in a block of a lesson.
fn within(lesson: &LessonOutcome, block: &BlockOutcome, location: &Location) -> bool {
    let place = location.place();
    location.path() == lesson.source.path() && place.cell == block.cell && (block.line..=block.end_line).contains(&place.line)
}

/// The case of a lesson as a whole, if there is something that no block says.
fn lesson_case(report: &Report, lesson: &LessonOutcome, causes: &[Cause<'_>]) -> Option<TestCase> {
    let status = if lesson.status == Status::Errored || lesson.error.is_some() {
        let error = wording::errored(lesson);
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type(Status::Errored.word()).set_message(text::one_line(&error));
        status.set_description(format!("{}\n{}", text::message(&error), text::exact(&wording::rerun(report, lesson))));
        status
    } else if lesson.status == Status::Pending {
        let mut status = TestCaseStatus::skipped();
        status.set_type(Status::Pending.word()).set_message(wording::meaning(Status::Pending));
        status
    } else if causes.is_empty() {
        return None;
    } else {
        failure(report, lesson, causes).unwrap_or_else(TestCaseStatus::success)
    };
    let mut case = case(report, lesson, wording::WHOLE_LESSON.to_owned(), Some(lesson.line), status);
    add_output(&mut case, causes, None);
    Some(case)
}

fn block_case(report: &Report, lesson: &LessonOutcome, block: &BlockOutcome, causes: &[Cause<'_>]) -> TestCase {
    let status = failure(report, lesson, causes).unwrap_or_else(|| plain(lesson, block, causes));
    let failed = matches!(status, TestCaseStatus::NonSuccess { .. });
    // The lines of a notebook's cell are none of the file's.
    let line = block.cell.is_none().then_some(block.line);
    let mut case = case(report, lesson, text::one_line(&wording::block_name(block)), line, status);
    add_output(&mut case, causes, block.transcript.as_deref().filter(|_| failed));
    case
}

/// How a block did that no finding of weight lies in, but for those that the baseline knows of.
fn plain(lesson: &LessonOutcome, block: &BlockOutcome, causes: &[Cause<'_>]) -> TestCaseStatus {
    let skipped = |kind: &str, message: &str| {
        let mut status = TestCaseStatus::skipped();
        status.set_type(kind).set_message(text::one_line(message));
        status
    };
    match (block.plan.fate, block.outcome) {
        (_, Some(Outcome::Failed | Outcome::Incomplete)) if lesson.is_known() || causes.iter().any(|cause| cause.finding.known.is_some()) => {
            TestCaseStatus::success()
        }
        (_, Some(Outcome::Blocked)) => skipped(Outcome::Blocked.word(), wording::BLOCKED),
        (_, Some(outcome @ (Outcome::Failed | Outcome::Incomplete))) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(outcome.word()).set_message(outcome.word());
            status
        }
        (fate @ (Fate::Static | Fate::Skipped), _) => skipped(fate.word(), block.plan.reason.as_deref().unwrap_or(fate.word())),
        (Fate::Run, None) if lesson.status == Status::Errored => skipped(Status::Errored.word(), wording::NOT_RUN),
        _ => TestCaseStatus::success(),
    }
}

/// Whether a finding is a failure by itself: it has that weight, and the baseline does not know of it.
fn is_grave(cause: &&Cause<'_>) -> bool {
    cause.finding.known.is_none() && matches!(cause.finding.code.effect(), Effect::Breaks | Effect::Changes | Effect::Incompletes)
}

/// The failure that findings make, if one of them has that weight: the first such is its type and message.
fn failure(report: &Report, lesson: &LessonOutcome, causes: &[Cause<'_>]) -> Option<TestCaseStatus> {
    let first = causes.iter().find(is_grave)?.finding;
    let mut told: Vec<String> = causes.iter().filter(is_grave).map(tell).collect();
    told.push(wording::rerun(report, lesson));
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(first.code.word()).set_message(text::one_line(&first.message));
    status.set_description(text::visible(&told.join("\n")));
    Some(status)
}

/// A finding in words.
fn tell(cause: &Cause<'_>) -> String {
    let finding = cause.finding;
    let title = format!("{}[{}]: {}", finding.severity().word(), finding.code.word(), text::message(&finding.message));
    let mut lines = vec![format!("{}: {title}", wording::place(&finding.location))];
    lines.extend(wording::remarks(cause).iter().map(|remark| format!("  {}", text::message(remark))));
    if let Some(comparison) = &finding.comparison {
        lines.push(format!("  {}", wording::COMPARISON));
        lines.extend(diff(comparison, COLUMNS).into_iter().map(|(mark, line)| format!("  {mark} {line}")));
    }
    lines.join("\n")
}

/// What tells the environments of a lesson apart, where there are several: servers know a test by its class and its name.
fn tag(report: &Report, lesson: &LessonOutcome) -> String {
    if report.environments.len() > 1 { format!(" [{}]", lesson.environment) } else { String::new() }
}

fn case(report: &Report, lesson: &LessonOutcome, name: String, line: Option<usize>, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(text::exact(&format!("{}{}", lesson.id, tag(report, lesson))));
    case.extra.insert("file".into(), text::exact(lesson.source.path()).into());
    if let Some(line) = line {
        case.extra.insert("line".into(), line.to_string().into());
    }
    case
}

/// What did no harm but should be read, and what the block printed.
fn add_output(case: &mut TestCase, causes: &[Cause<'_>], transcript: Option<&str>) {
    let light: Vec<String> = causes.iter().filter(|cause| !is_grave(cause)).map(tell).collect();
    if !light.is_empty() {
        case.set_system_err(text::visible(&light.join("\n")));
    }
    if let Some(transcript) = transcript {
        case.set_system_out(text::visible(&text::shorten(transcript, OUTPUT_LIMIT)));
    }
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
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

    /// How many elements there are of a name, in XML that is well-formed and holds only what XML may hold.
    fn count(xml: &str, name: &str) -> usize {
        let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        assert!(xml.chars().all(allowed), "{xml}");
        let mut reader = quick_xml::Reader::from_str(xml);
        reader.config_mut().check_end_names = true;
        let mut found = 0;
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) | Event::Empty(start) => {
                    for attribute in start.attributes() {
                        attribute.unwrap();
                    }
                    found += usize::from(start.name().as_ref() == name.as_bytes());
                }
                Event::Eof => return found,
                _ => {}
            }
        }
    }

    #[test]
    fn suites_and_cases() {
        let mut report = fixture::report();
        report.lessons.retain(|lesson| lesson.id != "hostile");
        insta::assert_snapshot!(written(&report));
    }

    #[test]
    fn a_lesson_of_two_environments_is_two_cases() {
        let xml = written(&fixture::matrix());
        assert_eq!(count(&xml, "testsuite"), 10);
        for environment in ["flask", "legacy", "next"] {
            assert_eq!(xml.matches(&format!("<testsuite name=\"5.5 Relationships [{environment}]\"")).count(), 1, "{xml}");
            assert_eq!(xml.matches(&format!("classname=\"guide.txt [{environment}]\"")).count(), 2, "{xml}");
            assert!(xml.contains(&format!("<property name=\"environment\" value=\"{environment}\"/>")), "{xml}");
        }
    }

    #[test]
    fn hostile_text_is_only_text() {
        let xml = written(&fixture::report());
        assert_eq!(count(&xml, "testsuite"), 8);
        assert_eq!(count(&xml, "b"), 0);
        assert!(xml.contains("\\ufffe\\uffff\\0"));
    }

    #[test]
    fn an_absurd_time_is_none() {
        assert_eq!(duration(f64::NAN), Duration::ZERO);
        assert_eq!(duration(-1.0), Duration::ZERO);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_well_formed(text in any::<String>()) {
            let xml = written(&fixture::saying(&text));
            // The lesson's, and that of the whole.
            prop_assert_eq!(count(&xml, "testsuite"), 2);
        }
    }
}
