//! `check --update-claims`: the outputs that pages claim, mended in the pages themselves. Nothing is written that two runs do not agree on, that would change
//! anything else of the page, or over what somebody else wrote meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use similar::TextDiff;

use crate::cli::check::{self, Args};
use crate::cli::course::{self, Course};
use crate::cli::engines::EngineArgs;
use crate::cli::matrix::Part;
use crate::cli::review::shown::visible;
use crate::cli::rewrite::rewrite;
use crate::cli::round::{Leg, run_all};
use crate::cli::tell;
use crate::finding::Code;
use crate::guide::load::{Format, blocks_of};
use crate::maintain::claims::{Mended, mend};
use crate::outcome::LessonOutcome;
use crate::report::Report;
use crate::source::Source;

/// What could be mended, by page, and what could not, in words.
#[derive(Default)]
struct Proposals {
    pages: BTreeMap<String, (Arc<Source>, BTreeSet<Mended>)>,
    left: BTreeSet<String>,
}

/// Mend the claims that a report shows to be wrong, and put what the mended lessons give into the report. `None` if the user interrupted it.
///
/// # Errors
/// If no engine could run, or a page cannot be written; what was written before that is whole.
pub(super) async fn update(args: &Args, course: &Course, parts: &[Part], report: &mut Report) -> anyhow::Result<Option<()>> {
    let first = propose(&report.lessons);
    if first.pages.is_empty() && first.left.is_empty() {
        return Ok(Some(()));
    }
    let pages: BTreeSet<&str> = first.pages.keys().map(String::as_str).collect();
    let engine = EngineArgs { no_cache: true, ..args.engine.clone() };
    let mut legs = standing_in(check::legs(args, course, parts), &pages);
    for leg in &mut legs {
        (leg.round.engine, leg.round.snapshots) = (&engine, None);
    }
    let Some(second) = run_all(&legs, course.chapters).await? else { return Ok(None) };
    let (first, second) = (first, propose(&second.lessons));
    let mut left = first.left;
    let mut written: Vec<String> = Vec::new();
    for (path, (source, mended)) in first.pages {
        let same: BTreeSet<Mended> = second.pages.get(&path).map(|(_, other)| mended.intersection(other).cloned().collect()).unwrap_or_default();
        left.extend(mended.difference(&same).map(|other| format!("{path}:{}: another run gives another output", source.line_of(other.span.start))));
        match write(&path, &source, &same) {
            Ok(0) => {}
            Ok(number) => {
                written.push(path.clone());
                report.notes.push(format!("{path}: {} updated", if number == 1 { "1 claim".to_owned() } else { format!("{number} claims") }));
            }
            Err(Refused::Left(reason)) => left.extend(same.iter().map(|other| format!("{path}:{}: {reason}", source.line_of(other.span.start)))),
            Err(Refused::Failed(failure)) => return Err(failure),
        }
    }
    report.notes.extend(left.into_iter().map(|left| format!("{left}: the claim is left as it is")));
    if written.is_empty() {
        return Ok(Some(()));
    }
    // What was written is what is reported.
    let course = course::find(&args.lessons)?;
    let pages = written.iter().map(String::as_str).collect();
    let parts = args.env.parts(&course)?;
    let Some(checked) = run_all(&standing_in(check::legs(args, &course, &parts), &pages), course.chapters).await? else { return Ok(None) };
    for lesson in checked.lessons {
        if let Some(old) = report.lessons.iter_mut().find(|old| old.id == lesson.id && old.environment == lesson.environment) {
            *old = lesson;
        }
    }
    Ok(Some(()))
}

/// The lessons that stand in these pages.
fn standing_in<'a>(mut legs: Vec<Leg<'a>>, pages: &BTreeSet<&str>) -> Vec<Leg<'a>> {
    legs.iter_mut().for_each(|leg| leg.planned.retain(|planned| pages.contains(planned.lesson.source.path())));
    legs.retain(|leg| !leg.planned.is_empty());
    legs
}

/// What would make the claims of lessons true.
fn propose(lessons: &[LessonOutcome]) -> Proposals {
    let mut proposals = Proposals::default();
    for lesson in lessons {
        for finding in lesson.findings.iter().filter(|finding| finding.code == Code::WrongOutput) {
            let source = &finding.location.source;
            let is_text = Format::of(Path::new(source.path())).is_some_and(|format| !matches!(format, Format::Html | Format::Notebook));
            let mended = match &finding.claimed {
                _ if !is_text => Err("only Markdown, reStructuredText and plain text are written to"),
                None => Err("it is prose"),
                Some(claimed) => mend(source, claimed),
            };
            match mended {
                Ok(mended) => {
                    let page = proposals.pages.entry(source.path().to_owned()).or_insert_with(|| (Arc::clone(source), BTreeSet::new()));
                    page.1.insert(mended);
                }
                Err(reason) => {
                    proposals.left.insert(format!("{}:{}: {reason}", source.path(), finding.location.place().line));
                }
            }
        }
    }
    proposals
}

/// Why a page was not written.
enum Refused {
    /// It would not be the page that it was, but for the claims.
    Left(&'static str),
    /// It cannot be written.
    Failed(anyhow::Error),
}

/// Write what makes the claims of a page true, and show it. How many there are.
fn write(path: &str, source: &Source, mended: &BTreeSet<Mended>) -> Result<usize, Refused> {
    let mut apart: Vec<&Mended> = Vec::new();
    for one in mended {
        if apart.last().is_none_or(|last| last.span.end <= one.span.start) {
            apart.push(one);
        }
    }
    if apart.is_empty() {
        return Ok(0);
    }
    let bytes = std::fs::read(path).map_err(|error| Refused::Failed(crate::cli::usage(format!("cannot read {path}: {error}; nothing was written")).into()))?;
    let Ok(raw) = std::str::from_utf8(&bytes) else { return Err(Refused::Left("the page is not UTF-8")) };
    if Source::new(path, raw).text() != source.text() {
        return Err(Refused::Left("the page was changed by somebody else meanwhile"));
    }
    let (mut new, mut text) = (raw.to_owned(), source.text().to_owned());
    for one in apart.iter().rev() {
        let (start, end) = (raw_offset(raw, one.span.start), raw_offset(raw, one.span.end));
        let line = if raw[..start].ends_with("\r\n") || start == 0 && raw.contains("\r\n") { one.text.replace('\n', "\r\n") } else { one.text.clone() };
        new.replace_range(start..end, &line);
        text.replace_range(one.span.start..one.span.end, &one.text);
    }
    if !is_same_but(path, source.text(), &text, &apart) {
        return Err(Refused::Left("the page would be read as another one"));
    }
    rewrite(Path::new(path), Some(&bytes), new.as_bytes()).map_err(|failure| Refused::Failed(failure.into()))?;
    tell(&diff(path, source.text(), &text));
    Ok(apart.len())
}

/// Where a byte of a source, which has neither carriage returns nor a byte order mark, is in the file.
fn raw_offset(raw: &str, offset: usize) -> usize {
    let mark = if raw.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let bytes = raw.as_bytes();
    let (mut at, mut left) = (mark, offset);
    while at < bytes.len() && left > 0 {
        if !bytes[at..].starts_with(b"\r\n") {
            left -= 1;
        }
        at += 1;
    }
    at
}

/// Whether a page has the same blocks as before, but for what was mended in them.
fn is_same_but(path: &str, old: &str, new: &str, mended: &[&Mended]) -> bool {
    let (old, new) = (blocks_of(path, old), blocks_of(path, new));
    let is_mended = |block: &crate::guide::Block| mended.iter().any(|one| one.span.start < block.span().end && block.span().start < one.span.end);
    old.len() == new.len()
        && old.iter().zip(&new).all(|(old, new)| old.role == new.role && old.language == new.language && (is_mended(old) || old.body.text() == new.body.text()))
}

/// What was written, as a diff.
fn diff(path: &str, old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let shown = diff.unified_diff().context_radius(2).header(path, path).to_string();
    shown.lines().map(visible).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_in_the_file_whatever_ends_its_lines() {
        let raw = "\u{feff}a\r\nb\nc\r\n";
        let text = Source::new("x", raw);
        for (offset, letter) in [(0, 'a'), (2, 'b'), (4, 'c')] {
            assert!(raw[raw_offset(raw, offset)..].starts_with(letter) && text.text()[offset..].starts_with(letter), "{letter}");
        }
        assert_eq!(&raw[raw_offset(raw, 1)..], "\r\nb\nc\r\n");
        assert_eq!(raw_offset(raw, 99), raw.len());
    }
}
