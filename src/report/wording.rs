//! Every sentence that reports for people say of themselves, in one place, so that they agree with each other. What findings say is theirs.
//!
//! Pure; nothing here knows a format, and no text of a guide or a lab is changed here.

use super::cause::Cause;
use super::matrix::{Row, compares, rows};
use super::{Report, last_line, text};
use crate::finding::{Code, Finding, Known, Location, Related};
use crate::lab::{Assumption, Fate};
use crate::outcome::{BlockOutcome, LessonOutcome, Status};
use crate::source::Place;

/// How many lines are named before the rest is only counted.
const LINES_NAMED: usize = 8;

/// `1 lesson`, `2 lessons`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `0.8 s`, `2 min 5 s`.
pub(super) fn seconds(seconds: f64) -> String {
    let whole = seconds.round();
    if whole < 60.0 { format!("{seconds:.1} s") } else { format!("{:.0} min {:.0} s", (whole / 60.0).floor(), whole % 60.0) }
}

/// The path of a location, with its notebook cell if it has one.
pub(super) fn path(path: &str, cell: Option<usize>) -> String {
    cell.map_or_else(|| path.to_owned(), |cell| format!("{path} (cell {cell})"))
}

/// `path:line:column`.
pub(super) fn place(location: &Location) -> String {
    let Place { line, column, cell } = location.place();
    format!("{}:{line}:{column}", path(location.path(), cell))
}

/// `line 4`, `lines 4 to 6`.
pub(super) fn lines(location: &Location) -> String {
    let (first, last) = (location.place().line, last_line(location));
    if first == last { format!("line {first}") } else { format!("lines {first} to {last}") }
}

/// `5.5 Relationships`.
pub(super) fn lesson(lesson: &LessonOutcome) -> String {
    match &lesson.number {
        Some(number) if !lesson.title.is_empty() => format!("{number} {}", lesson.title),
        Some(number) => number.clone(),
        None if lesson.title.is_empty() => lesson.id.clone(),
        None => lesson.title.clone(),
    }
}

/// Where a lesson starts.
pub(super) fn lesson_place(lesson: &LessonOutcome) -> String {
    format!("{}:{}", lesson.source.path(), lesson.line)
}

/// What a lesson takes for granted.
pub(super) fn assumed(lesson: &LessonOutcome, assumption: &Assumption) -> String {
    let place = lesson.source.place(assumption.span.start);
    let cell = place.cell.map_or_else(String::new, |cell| format!(" of cell {cell}"));
    format!("assumed `{}` at line {}{cell}: {}", assumption.name, place.line, assumption.what)
}

/// The command that re-runs one lesson.
pub(super) fn rerun(report: &Report, lesson: &LessonOutcome) -> String {
    format!("to run just this lesson: {}", report.rerun(lesson))
}

/// What only follows from a cause; `None` if nothing does.
pub(super) fn consequences(cause: &Cause<'_>) -> Option<String> {
    if cause.consequences.is_empty() {
        return None;
    }
    let more = count(cause.consequences.len(), "more finding");
    let verb = if cause.consequences.len() == 1 { "follows" } else { "follow" };
    Some(format!("{more} only {verb} from this: {}", named_lines(cause.finding, &cause.consequences)))
}

/// What a single consequence says, where each is listed.
pub(super) fn consequence(finding: &Finding) -> String {
    format!("follows from this at {}: {}", place(&finding.location), finding.message)
}

/// What another place explains, where that is told and not drawn.
pub(super) fn related(related: &Related) -> String {
    format!("{}: {}", place(&related.location), related.message)
}

/// The lines of findings, each once; with their path where it is not the cause's.
fn named_lines(cause: &Finding, findings: &[&Finding]) -> String {
    let mut names: Vec<String> = Vec::new();
    for finding in findings {
        let at = finding.location.place();
        let here = finding.location.path() == cause.location.path() && at.cell == cause.location.place().cell;
        let name = if here { format!("line {}", at.line) } else { format!("{}:{}", path(finding.location.path(), at.cell), at.line) };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let rest = names.len().saturating_sub(LINES_NAMED);
    names.truncate(LINES_NAMED);
    if rest > 0 {
        names.push(format!("{rest} more"));
    }
    listed(&names)
}

/// `a`, `a and b`, `a, b and c`.
fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// What a baseline says of a finding.
pub(super) fn known(known: &Known) -> String {
    let reason = if known.reason.is_empty() { String::new() } else { format!(": {}", known.reason) };
    format!("in the baseline until {}{reason}", known.expires)
}

/// A lesson's status, and that the baseline knows of all that makes it so.
pub(super) fn status(lesson: &LessonOutcome) -> String {
    let known = if lesson.is_known() { " (known)" } else { "" };
    format!("{}{known}", lesson.status.word())
}

/// Why our side failed on a lesson.
pub(super) fn errored(lesson: &LessonOutcome) -> String {
    lesson.error.clone().unwrap_or_else(|| "the lesson could not be run".to_owned())
}

/// What edits of a finding are.
pub(super) const TRIED: &str = "edits that were run: the finding is gone with them, and nothing else has changed";

/// What stands over a comparison.
pub(super) const COMPARISON: &str = "expected (-) and got (+):";

/// What to do about pending lessons.
pub(super) const PENDING: &str = "to see new output and to accept or reject it: proctor review";

/// The name of what is said of no lesson.
pub(super) const WHOLE_CHECK: &str = "the check as a whole";

/// What is wrong with the check as a whole, in a line.
pub(super) fn wrong((code, message): &(Code, String)) -> String {
    format!("{}[{}]: {}", code.severity().word(), code.word(), text::one_line(message))
}

/// How many quiet notes are not shown.
pub(super) fn more_notes(number: usize) -> String {
    format!("{} (--verbose shows them)", count(number, "more note"))
}

/// What stands where characters were left out.
pub(super) fn characters_left_out(number: usize) -> String {
    format!(" … {} left out … ", count(number, "character"))
}

/// What stands where lines were left out.
pub(super) fn lines_left_out(number: usize) -> String {
    format!("… {} left out …", count(number, "line"))
}

/// Where something holds that holds in each environment.
pub(super) const EVERYWHERE: &str = "in every environment";

/// `in flask, legacy and next`.
pub(super) fn within(environments: &[&str]) -> String {
    format!("in {}", listed(environments))
}

/// `broken in next; stale in flask and legacy`.
pub(super) fn by_status(row: &Row<'_>) -> String {
    let each = row.statuses().into_iter().map(|(status, environments)| format!("{} {}", status.word(), within(&environments)));
    each.collect::<Vec<_>>().join("; ")
}

/// `11 chapters, 55 lessons`; `11 chapters, 55 lessons in 4 environments` where they are compared.
pub(super) fn size(report: &Report) -> String {
    let several = if compares(report) { format!(" in {}", count(report.environments.len(), "environment")) } else { String::new() };
    format!("{}, {}{several}", count(report.chapters, "chapter"), count(rows(report).len(), "lesson"))
}

/// `1 stale, 54 empty`; each environment by itself where they are compared.
pub(super) fn statuses(report: &Report) -> String {
    if !compares(report) {
        return counts(report.summary());
    }
    let each = report.environments.iter().map(|environment| format!("{environment} {}", counts(report.summary_in(environment))));
    each.collect::<Vec<_>>().join("; ")
}

/// How many lessons have which status.
pub(super) fn counts(summary: std::collections::BTreeMap<Status, usize>) -> String {
    let counts: Vec<String> = summary.into_iter().map(|(status, number)| format!("{number} {}", status.word())).collect();
    if counts.is_empty() { "nothing to run".to_owned() } else { counts.join(", ") }
}

/// `docker, flask, 0.8 s`.
pub(super) fn how(report: &Report) -> String {
    // Where environments are compared, each is named with its numbers already.
    let environments = report.environments.iter().filter(|_| !compares(report));
    let words = std::iter::once(&report.engine).chain(environments);
    let mut words: Vec<String> = words.filter(|word| !word.is_empty()).cloned().collect();
    words.push(seconds(report.seconds));
    words.join(", ")
}

/// That a lesson is in two reports and they do not agree.
pub(super) fn two_verdicts(first: &str, one: &LessonOutcome, second: &str, other: &LessonOutcome) -> String {
    let (one_is, other_is) = (one.status.word(), other.status.word());
    format!("{} is {one_is} in {first} and {other_is} in {second}: the worse of the two was kept", lesson(one))
}

/// The line that sums everything up.
pub(super) fn total(report: &Report) -> String {
    format!("{}: {} ({})", size(report), statuses(report), how(report))
}

/// How many blocks met which fate: `100 run, 2 skipped`. `None` if there are none.
pub(super) fn fates(report: &Report) -> Option<(usize, String)> {
    let mut counts = std::collections::BTreeMap::<Fate, usize>::new();
    for block in report.lessons.iter().flat_map(|lesson| &lesson.blocks) {
        *counts.entry(block.plan.fate).or_default() += 1;
    }
    let words: Vec<String> = counts.iter().map(|(fate, number)| format!("{number} {}", fate.word())).collect();
    (!words.is_empty()).then(|| (counts.values().sum(), words.join(", ")))
}

/// What a status means, for readers who see it for the first time.
pub(super) fn meaning(status: Status) -> &'static str {
    match status {
        Status::Errored => "Proctor itself could not run the lesson",
        Status::Broken => "fails on current versions, whatever a reader adds",
        Status::Changed => "its output is not the accepted snapshot's",
        Status::Incomplete => "takes for granted what it never shows",
        Status::Pending => "its output has no accepted snapshot yet",
        Status::Stale => "runs, but teaches what is deprecated",
        Status::Passed => "runs",
        Status::Skipped => "every block was left out, with a reason",
        Status::Empty => "has no blocks",
    }
}

/// A line of progress: how far the check is.
pub(super) fn progress(done: usize, to_run: usize, troubled: usize) -> String {
    let trouble = if troubled == 0 { String::new() } else { format!(", {troubled} not passed") };
    format!("{done} of {}{trouble}", count(to_run, "lesson"))
}

/// What became of a block, and why.
pub(super) fn block(block: &BlockOutcome) -> String {
    let place = block.cell.map_or_else(|| format!("line {}", block.line), |cell| format!("cell {cell}, line {}", block.line));
    let outcome = block.outcome.map_or_else(String::new, |outcome| format!(", {}", outcome.word()));
    let file = block.plan.file.as_ref().map_or_else(String::new, |file| format!(", `{file}`"));
    let reason = block.plan.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    format!("{place} ({}{file}): {}{outcome}{reason}", block.language, block.plan.fate.word())
}

/// What is said below a finding where no frame is drawn: help, other places, and what follows.
pub(super) fn remarks(cause: &Cause<'_>) -> Vec<String> {
    let mut remarks: Vec<String> = cause.finding.known.iter().map(known).collect();
    remarks.extend(cause.finding.help.iter().map(|help| format!("help: {help}")));
    remarks.extend(cause.finding.related.iter().map(related));
    remarks.extend(consequences(cause));
    remarks.extend(cause.environments.clone());
    remarks
}

/// What the test case is called that stands for a lesson as a whole.
pub(super) const WHOLE_LESSON: &str = "the lesson";

/// What the test case of a block is called.
pub(super) fn block_name(block: &BlockOutcome) -> String {
    let cell = block.cell.map_or_else(String::new, |cell| format!("cell {cell} "));
    format!("{cell}line {} ({})", block.line, block.language)
}

/// Why a block is neither a success nor a failure.
pub(super) const BLOCKED: &str = "failed only because of an earlier failure";
/// Why a block of a lesson that errored is neither.
pub(super) const NOT_RUN: &str = "did not run";

/// How many lessons a table of environments leaves out, because they are well in each.
pub(super) fn alike(statuses: impl Iterator<Item = Status>) -> String {
    let mut counts = std::collections::BTreeMap::<Status, usize>::new();
    statuses.for_each(|status| *counts.entry(status).or_default() += 1);
    let verb = |status, number| match (status, number) {
        (Status::Passed, _) => "passed",
        (_, 1) => "is",
        _ => "are",
    };
    let each = counts.iter().map(|(status, number)| {
        let word = if *status == Status::Passed { String::new() } else { format!(" {}", status.word()) };
        format!("{} {}{word}", count(*number, "lesson"), verb(*status, *number))
    });
    let them = if counts.values().sum::<usize>() == 1 { "it" } else { "them" };
    format!("{} {EVERYWHERE} (--verbose lists {them})", each.collect::<Vec<_>>().join(", "))
}

/// How many lessons were left out of a page that may not grow without end.
pub(super) fn lessons_left_out(number: usize) -> String {
    format!("… {} left out; the JSON report has them all", count(number, "lesson"))
}

/// How many findings of a lesson were left out of a page that may not grow without end.
pub(super) fn findings_left_out(number: usize) -> String {
    format!("… {} left out; the JSON report has them all", count(number, "finding"))
}
