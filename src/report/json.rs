//! The JSON report: the versioned form that programs read. `Report --write--> impl Write`, and back. Its form is in `form`, and frozen.

mod form;
mod read;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use sha2::{Digest, Sha256};

use self::form::{
    AssumptionForm, BaselineForm, BlockForm, ComparisonForm, EditForm, FindingForm, KnownForm, LessonForm, RelatedForm, ReportForm, SourceForm, Summary,
    VERSION, WrongForm,
};
pub use self::read::{Kept, ReadError, Texts, read};
use super::{Report, last_line};
use crate::finding::{Code, Edit, Finding, Location, Related};
use crate::lab::Assumption;
use crate::outcome::{BlockOutcome, LessonOutcome};
use crate::source::Source;

/// Write the report as JSON, with a newline at its end.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let form = ReportForm {
        version: VERSION,
        engine: (&report.engine).into(),
        environment: report.environment().into(),
        environments: (&report.environments).into(),
        partition: report.partition.as_deref().map(Cow::from),
        baseline: report.baseline.map(|counts| BaselineForm { known: counts.known, gone: counts.gone, expired: counts.expired }),
        notes: (&report.notes).into(),
        seconds: milliseconds(report.seconds),
        chapters: report.chapters,
        summary: Summary(report.summary().into_iter().collect()),
        findings: report.wrong.iter().map(wrong_form).collect(),
        flags: (&report.flags).into(),
        sources: sources(report).into_iter().map(|(path, source)| SourceForm { path: path.into(), sha256: digest(source).into() }).collect(),
        lessons: report.lessons.iter().map(|lesson| lesson_form(report, lesson)).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &form)?;
    out.write_all(b"\n")
}

/// Every text that a place in a report lies in, by its path.
fn sources(report: &Report) -> BTreeMap<&str, &Source> {
    let mut sources = BTreeMap::new();
    for lesson in &report.lessons {
        sources.insert(lesson.source.path(), &*lesson.source);
        for location in lesson.findings.iter().flat_map(locations) {
            sources.entry(location.path()).or_insert(&*location.source);
        }
    }
    sources
}

fn locations(finding: &Finding) -> impl Iterator<Item = &Location> {
    std::iter::once(&finding.location).chain(finding.related.iter().map(|related| &related.location))
}

/// What a text is known by.
fn digest(source: &Source) -> String {
    use std::fmt::Write as _;
    if let Some(known) = source.known_by() {
        return known.to_owned();
    }
    Sha256::digest(source.text()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn wrong_form((code, message): &(Code, String)) -> WrongForm<'_> {
    WrongForm { code: code.word().into(), severity: code.severity().word().into(), message: message.into(), help: code.help().into() }
}

fn lesson_form<'a>(report: &Report, lesson: &'a LessonOutcome) -> LessonForm<'a> {
    LessonForm {
        index: Some(lesson.index),
        id: (&lesson.id).into(),
        number: lesson.number.as_deref().map(Cow::from),
        title: (&lesson.title).into(),
        chapter: (&lesson.chapter).into(),
        environment: (&lesson.environment).into(),
        path: lesson.source.path().into(),
        line: lesson.line,
        status: lesson.status.word().into(),
        known: lesson.is_known(),
        error: lesson.error.as_deref().map(Cow::from),
        selector: Some((&lesson.selector).into()),
        rerun: report.rerun(lesson),
        seconds: milliseconds(lesson.seconds),
        assumptions: lesson.assumptions.iter().map(|assumption| assumption_form(&lesson.source, assumption)).collect(),
        blocks: lesson.blocks.iter().map(block_form).collect(),
        findings: lesson.findings.iter().map(finding_form).collect(),
    }
}

fn assumption_form<'a>(source: &Source, assumption: &'a Assumption) -> AssumptionForm<'a> {
    let place = source.place(assumption.span.start);
    AssumptionForm { name: (&assumption.name).into(), line: place.line, column: place.column, cell: place.cell, what: (&assumption.what).into() }
}

fn block_form(block: &BlockOutcome) -> BlockForm<'_> {
    BlockForm {
        line: block.line,
        end_line: block.end_line,
        cell: block.cell,
        language: (&block.language).into(),
        fate: block.plan.fate.word().into(),
        outcome: block.outcome.map(|outcome| outcome.word().into()),
        reason: block.plan.reason.as_deref().map(Cow::from),
        file: block.plan.file.as_deref().map(Cow::from),
        revisions: (&block.plan.revisions).into(),
        transcript: block.transcript.as_deref().map(Cow::from),
    }
}

fn finding_form(finding: &Finding) -> FindingForm<'_> {
    let place = finding.location.place();
    FindingForm {
        code: finding.code.word().into(),
        severity: finding.severity().word().into(),
        path: finding.location.path().into(),
        line: place.line,
        end_line: last_line(&finding.location),
        column: place.column,
        end_column: Some(end_column(&finding.location)),
        cell: place.cell,
        message: (&finding.message).into(),
        help: finding.help.as_deref().map(Cow::from),
        because: finding.because,
        edits: finding.edits.iter().map(|edit| edit_form(&finding.location.source, edit)).collect(),
        related: finding.related.iter().map(related_form).collect(),
        comparison: finding.comparison.as_ref().map(|both| ComparisonForm { expected: (&both.expected).into(), actual: (&both.actual).into() }),
        baseline: finding.known.as_ref().map(|known| KnownForm { reason: (&known.reason).into(), expires: (&known.expires).into() }),
    }
}

fn edit_form<'a>(source: &Source, edit: &'a Edit) -> EditForm<'a> {
    let (start, end) = (source.place(edit.span.start), source.place(edit.span.end));
    EditForm { line: start.line, column: start.column, end_line: end.line, end_column: end.column, cell: start.cell, text: (&edit.text).into() }
}

fn related_form(related: &Related) -> RelatedForm<'_> {
    let place = related.location.place();
    RelatedForm {
        path: related.location.path().into(),
        line: place.line,
        end_line: Some(last_line(&related.location)),
        column: place.column,
        end_column: Some(end_column(&related.location)),
        cell: place.cell,
        message: (&related.message).into(),
    }
}

/// The column behind the last character of a location, without the blanks at its end.
fn end_column(location: &Location) -> usize {
    let text = location.source.slice(location.span).trim_end();
    location.source.place(location.span.start.saturating_add(text.len())).column
}

/// Seconds to the millisecond: more digits would be noise.
fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::outcome::Status;
    use proptest::prelude::*;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_form_is_the_one_that_programs_know() {
        let mut report = fixture::report();
        report.lessons.retain(|lesson| matches!(lesson.status, Status::Stale | Status::Errored | Status::Skipped | Status::Incomplete));
        insta::assert_snapshot!(written(&report));
    }

    #[test]
    fn a_notebook_counts_lines_in_its_cell() {
        let json: serde_json::Value = serde_json::from_str(&written(&fixture::report())).unwrap();
        let lesson = json["lessons"].as_array().unwrap().last().unwrap();
        assert_eq!((&lesson["findings"][0]["cell"], &lesson["findings"][0]["line"]), (&3.into(), &3.into()));
        assert_eq!((&lesson["blocks"][0]["cell"], &lesson["blocks"][0]["line"]), (&3.into(), &1.into()));
    }

    #[test]
    fn each_lesson_says_where_it_ran() {
        let json: serde_json::Value = serde_json::from_str(&written(&fixture::matrix())).unwrap();
        assert_eq!((&json["environment"], &json["environments"]), (&"flask".into(), &serde_json::json!(["flask", "legacy", "next"])));
        let lessons: Vec<_> = json["lessons"].as_array().unwrap().iter().map(|lesson| (lesson["id"].as_str(), lesson["environment"].as_str())).collect();
        assert_eq!(lessons[2..4], [(Some("content/02/02-first"), Some("next")), (Some("guide.txt"), Some("flask"))]);
        assert_eq!(json["lessons"][5]["rerun"], "proctor check guide.txt#5.5 --no-snapshots --env=next");
    }

    #[test]
    fn an_empty_report_is_a_report() {
        let json: serde_json::Value = serde_json::from_str(&written(&Report::default())).unwrap();
        assert_eq!(json["version"], 1);
        assert_eq!(json["summary"], serde_json::json!({}));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let json: serde_json::Value = serde_json::from_str(&written(&fixture::saying(&text))).unwrap();
            prop_assert_eq!(&json["lessons"][0]["findings"][0]["message"], &text);
        }
    }
}
