//! The JSON report: the versioned form that programs read. `Report --write--> impl Write`.
//!
//! Its structs are its own and frozen: a change of the inner types must never change what is written. Keys may be added; none is renamed or removed
//! without a new `version`.

use std::io::{self, Write};

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::{Report, last_line};
use crate::finding::{Code, Finding, Related};
use crate::lab::Assumption;
use crate::outcome::{BlockOutcome, LessonOutcome, Status};
use crate::source::Source;

/// The version of the form.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct ReportForm<'a> {
    version: u32,
    engine: &'a str,
    environment: &'a str,
    partition: Option<&'a str>,
    baseline: Option<BaselineForm>,
    notes: &'a [String],
    seconds: f64,
    chapters: usize,
    summary: Summary,
    findings: Vec<WrongForm<'a>>,
    lessons: Vec<LessonForm<'a>>,
}

/// What was found of the course's baseline.
#[derive(Serialize)]
struct BaselineForm {
    known: usize,
    gone: usize,
    expired: usize,
}

/// A finding about the check as a whole.
#[derive(Serialize)]
struct WrongForm<'a> {
    code: &'a str,
    severity: &'a str,
    message: &'a str,
    help: &'a str,
}

/// Counts by status, worst first.
struct Summary(Vec<(Status, usize)>);

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (status, count) in &self.0 {
            map.serialize_entry(status.word(), count)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct LessonForm<'a> {
    id: &'a str,
    number: Option<&'a str>,
    title: &'a str,
    chapter: &'a str,
    path: &'a str,
    line: usize,
    status: &'a str,
    known: bool,
    error: Option<&'a str>,
    rerun: String,
    seconds: f64,
    assumptions: Vec<AssumptionForm<'a>>,
    blocks: Vec<BlockForm<'a>>,
    findings: Vec<FindingForm<'a>>,
}

#[derive(Serialize)]
struct AssumptionForm<'a> {
    name: &'a str,
    line: usize,
    cell: Option<usize>,
    what: &'a str,
}

#[derive(Serialize)]
struct BlockForm<'a> {
    line: usize,
    end_line: usize,
    cell: Option<usize>,
    language: &'a str,
    fate: &'a str,
    outcome: Option<&'a str>,
    reason: Option<&'a str>,
    file: Option<&'a str>,
    revisions: &'a [usize],
}

#[derive(Serialize)]
struct FindingForm<'a> {
    code: &'a str,
    severity: &'a str,
    path: &'a str,
    line: usize,
    end_line: usize,
    column: usize,
    cell: Option<usize>,
    message: &'a str,
    help: Option<&'a str>,
    because: Option<usize>,
    related: Vec<RelatedForm<'a>>,
    comparison: Option<ComparisonForm<'a>>,
    baseline: Option<KnownForm<'a>>,
}

/// What the baseline says of a finding that it knows of.
#[derive(Serialize)]
struct KnownForm<'a> {
    reason: &'a str,
    expires: &'a str,
}

#[derive(Serialize)]
struct RelatedForm<'a> {
    path: &'a str,
    line: usize,
    cell: Option<usize>,
    message: &'a str,
}

#[derive(Serialize)]
struct ComparisonForm<'a> {
    expected: &'a str,
    actual: &'a str,
}

/// Write the report as JSON, with a newline at its end.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let form = ReportForm {
        version: VERSION,
        engine: &report.engine,
        environment: &report.environment,
        partition: report.partition.as_deref(),
        baseline: report.baseline.map(|counts| BaselineForm { known: counts.known, gone: counts.gone, expired: counts.expired }),
        notes: &report.notes,
        seconds: milliseconds(report.seconds),
        chapters: report.chapters,
        summary: Summary(report.summary().into_iter().collect()),
        findings: report.wrong.iter().map(wrong_form).collect(),
        lessons: report.lessons.iter().map(|lesson| lesson_form(report, lesson)).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &form)?;
    out.write_all(b"\n")
}

fn wrong_form((code, message): &(Code, String)) -> WrongForm<'_> {
    WrongForm { code: code.word(), severity: code.severity().word(), message, help: code.help() }
}

fn lesson_form<'a>(report: &Report, lesson: &'a LessonOutcome) -> LessonForm<'a> {
    LessonForm {
        id: &lesson.id,
        number: lesson.number.as_deref(),
        title: &lesson.title,
        chapter: &lesson.chapter,
        path: lesson.source.path(),
        line: lesson.line,
        status: lesson.status.word(),
        known: lesson.is_known(),
        error: lesson.error.as_deref(),
        rerun: report.rerun(lesson),
        seconds: milliseconds(lesson.seconds),
        assumptions: lesson.assumptions.iter().map(|assumption| assumption_form(&lesson.source, assumption)).collect(),
        blocks: lesson.blocks.iter().map(block_form).collect(),
        findings: lesson.findings.iter().map(finding_form).collect(),
    }
}

fn assumption_form<'a>(source: &Source, assumption: &'a Assumption) -> AssumptionForm<'a> {
    let place = source.place(assumption.span.start);
    AssumptionForm { name: &assumption.name, line: place.line, cell: place.cell, what: &assumption.what }
}

fn block_form(block: &BlockOutcome) -> BlockForm<'_> {
    BlockForm {
        line: block.line,
        end_line: block.end_line,
        cell: block.cell,
        language: &block.language,
        fate: block.plan.fate.word(),
        outcome: block.outcome.map(crate::outcome::Outcome::word),
        reason: block.plan.reason.as_deref(),
        file: block.plan.file.as_deref(),
        revisions: &block.plan.revisions,
    }
}

fn finding_form(finding: &Finding) -> FindingForm<'_> {
    let place = finding.location.place();
    FindingForm {
        code: finding.code.word(),
        severity: finding.severity().word(),
        path: finding.location.path(),
        line: place.line,
        end_line: last_line(&finding.location),
        column: place.column,
        cell: place.cell,
        message: &finding.message,
        help: finding.help.as_deref(),
        because: finding.because,
        related: finding.related.iter().map(related_form).collect(),
        comparison: finding.comparison.as_ref().map(|both| ComparisonForm { expected: &both.expected, actual: &both.actual }),
        baseline: finding.known.as_ref().map(|known| KnownForm { reason: &known.reason, expires: &known.expires }),
    }
}

fn related_form(related: &Related) -> RelatedForm<'_> {
    let place = related.location.place();
    RelatedForm { path: related.location.path(), line: place.line, cell: place.cell, message: &related.message }
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
