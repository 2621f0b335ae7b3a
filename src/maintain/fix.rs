//! Whether a lesson is better with an edit: `(before, after, edits) -> Verdict`. Pure, and strict: nothing that worked may change.

use std::collections::BTreeSet;

use crate::finding::{Code, Edit, Effect, Finding};
use crate::maintain::rewrite::Proposal;
use crate::outcome::{BlockOutcome, LessonOutcome, Outcome, Status};
use crate::snapshot::normalise::normalise;
use crate::source::Source;

/// Why a lesson is not better although nothing is worse.
pub const STILL: &str = "what was found is still found with it";

/// What an edit did to a lesson.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Findings, by their index before, are gone, and all that worked works as before.
    Better(Vec<usize>),
    /// It is not better: why.
    Not(String),
}

/// What a report is about: what informs only is not mended.
fn counts(finding: &Finding) -> bool {
    finding.code.effect() != Effect::Informs
}

/// The lines of the guide that a finding speaks of, from 1. Where other lines only fail because of it, they are not meant.
fn lines(finding: &Finding) -> BTreeSet<usize> {
    let of = |location: &crate::finding::Location| {
        let last = location.span.end.saturating_sub(1).max(location.span.start);
        location.source.line_of(location.span.start)..=location.source.line_of(last)
    };
    let related = finding.related.iter().filter(|related| related.message != "cannot run because of it");
    of(&finding.location).chain(related.flat_map(|related| of(&related.location))).collect()
}

/// The findings of a lesson, by index, that a proposal has to do with.
#[must_use]
pub fn meant(proposal: &Proposal, lesson: &LessonOutcome) -> Vec<usize> {
    let is = |finding: &Finding| counts(finding) && !lines(finding).is_disjoint(&proposal.lines);
    lesson.findings.iter().enumerate().filter(|(_, finding)| is(finding)).map(|(index, _)| index).collect()
}

/// A text with edits made; they are in order and do not overlap.
#[must_use]
pub fn edited(text: &str, edits: &[Edit]) -> String {
    let mut done = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        done.push_str(text.get(at..edit.span.start).unwrap_or(""));
        done.push_str(&edit.text);
        at = edit.span.end.max(at);
    }
    done.push_str(text.get(at..).unwrap_or(""));
    done
}

/// Whether two lists of edits can be made together.
#[must_use]
pub fn fit(one: &[Edit], other: &[Edit]) -> bool {
    one.iter().all(|a| other.iter().all(|b| a.span.end < b.span.start || b.span.end < a.span.start))
}

/// Hold a lesson after `edits` against the same lesson before. `wanted` are the findings, by index, that the edits are for.
#[must_use]
pub fn compare(before: &LessonOutcome, after: &LessonOutcome, edits: &[Edit], wanted: &[usize]) -> Verdict {
    match judge(before, after, edits, wanted) {
        Ok(fixed) => Verdict::Better(fixed),
        Err(why) => Verdict::Not(why),
    }
}

fn judge(before: &LessonOutcome, after: &LessonOutcome, edits: &[Edit], wanted: &[usize]) -> Result<Vec<usize>, String> {
    if after.status == Status::Errored {
        return Err(format!("the lesson could not be run with it: {}", after.error.as_deref().unwrap_or("the engine failed")));
    }
    let moved = Lines::of(&before.source, edits);
    same_blocks(before, after)?;
    let kept: Vec<(usize, &Finding)> = before.findings.iter().enumerate().filter(|(_, finding)| counts(finding)).collect();
    let is_same = |old: &Finding, new: &Finding| {
        old.code == new.code
            && moved.after(old.location.source.line_of(old.location.span.start)) == new.location.source.line_of(new.location.span.start)
            && digitless(&old.message) == digitless(&new.message)
    };
    let fixed: Vec<usize> = kept.iter().filter(|(_, old)| !after.findings.iter().any(|new| is_same(old, new))).map(|(index, _)| *index).collect();
    for new in after.findings.iter().filter(|new| counts(new) && !kept.iter().any(|(_, old)| is_same(old, new))) {
        allowed(before, after, new, &moved, edits)?;
    }
    for assumption in &after.assumptions {
        let is_new = !before.assumptions.iter().any(|known| known.name == assumption.name);
        if is_new && edits.iter().any(|edit| words(&edit.text).any(|word| word == assumption.name)) {
            return Err(format!("`{}` would have to be assumed for it", assumption.name));
        }
    }
    if !wanted.iter().any(|index| fixed.contains(index)) {
        return Err(STILL.to_owned());
    }
    Ok(fixed)
}

/// Every block that ran clean still does, with the same transcript, and the page is read as the same blocks.
fn same_blocks(before: &LessonOutcome, after: &LessonOutcome) -> Result<(), String> {
    if before.blocks.len() != after.blocks.len() {
        return Err("the page would be read as other blocks".to_owned());
    }
    for (old, new) in before.blocks.iter().zip(&after.blocks) {
        let at = old.line;
        match (old.outcome, new.outcome) {
            (Some(Outcome::Passed), Some(Outcome::Passed)) if transcript(old) != transcript(new) => {
                return Err(format!("the block at line {at} would print something else"));
            }
            (Some(Outcome::Passed), now) if now != Some(Outcome::Passed) => return Err(format!("the block at line {at} would not run any more")),
            (None, Some(Outcome::Failed)) => return Err(format!("the block at line {at} would fail")),
            _ => {}
        }
    }
    Ok(())
}

fn transcript(block: &BlockOutcome) -> String {
    normalise(block.transcript.as_deref().unwrap_or_default())
}

/// Whether a finding that is new may be one that the mended one hid: in a block that had not run clean, and not on a line that was edited.
fn allowed(before: &LessonOutcome, after: &LessonOutcome, new: &Finding, moved: &Lines, edits: &[Edit]) -> Result<(), String> {
    let place = new.location.place();
    let said = || format!("with it, line {} has `{}`: {}", place.line, new.code.word(), new.message);
    let block = after.blocks.iter().position(|block| block.cell == place.cell && (block.line..=block.end_line).contains(&place.line));
    // That a template lacks something shows only once a view gets as far as to render it; the block itself is as it was.
    let incompletes = new.code.effect() == Effect::Incompletes;
    if !incompletes && block.is_some_and(|block| before.blocks[block].outcome == Some(Outcome::Passed)) {
        return Err(said());
    }
    let name = new.message.split('`').nth(1).unwrap_or_default();
    if new.code == Code::UndefinedName && edits.iter().any(|edit| words(&edit.text).any(|word| word == name)) {
        return Err(said());
    }
    // A package that has another name now and is not installed here: the page is right, and the environment lacks something.
    let line = new.location.source.line_of(new.location.span.start);
    if new.code != Code::MissingModule && moved.edited.contains(&line) {
        return Err(said());
    }
    Ok(())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// A message without its numbers: lines move.
fn digitless(message: &str) -> String {
    message.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// Where lines are after edits.
struct Lines {
    /// For each edit: the last line that it takes from, and how many more lines there are after it.
    shifts: Vec<(usize, isize)>,
    /// Lines, after the edits, that were edited.
    edited: BTreeSet<usize>,
}

impl Lines {
    fn of(source: &Source, edits: &[Edit]) -> Self {
        let count = |text: &str| isize::try_from(text.matches('\n').count()).unwrap_or(0);
        let mut lines = Self { shifts: Vec::new(), edited: BTreeSet::new() };
        let mut shift = 0;
        for edit in edits {
            let first = source.line_of(edit.span.start).saturating_add_signed(shift);
            lines.edited.extend(first..=first + edit.text.matches('\n').count());
            let more = count(&edit.text) - count(source.slice(edit.span));
            shift += more;
            lines.shifts.push((source.line_of(edit.span.end), more));
        }
        lines
    }

    /// Where a line is after the edits.
    fn after(&self, line: usize) -> usize {
        let shift: isize = self.shifts.iter().filter(|(last, _)| *last < line).map(|(_, more)| more).sum();
        // A line whose beginning was taken with those above it moves with them.
        let own: isize = self.shifts.iter().filter(|(last, more)| *last == line && *more < 0).map(|(_, more)| more).sum();
        line.saturating_add_signed(shift + own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;
    use proptest::prelude::*;

    fn edit(start: usize, end: usize, text: &str) -> Edit {
        Edit { span: Span::new(start, end), text: text.to_owned() }
    }

    #[test]
    fn lines_are_followed_through_edits() {
        let source = Source::new("a.md", "a\nb\nc\nd\n");
        let more = Lines::of(&source, &[edit(0, 1, "x\ny"), edit(4, 6, "")]);
        assert_eq!(edited(source.text(), &[edit(0, 1, "x\ny"), edit(4, 6, "")]), "x\ny\nb\nd\n");
        assert_eq!((more.after(1), more.after(2), more.after(4)), (1, 3, 4));
        assert_eq!(more.edited, BTreeSet::from([1, 2, 4]));
    }

    #[test]
    fn edits_that_touch_do_not_fit() {
        assert!(fit(&[edit(0, 2, "")], &[edit(3, 4, "")]));
        assert!(!fit(&[edit(0, 2, "")], &[edit(2, 4, "")]));
        assert!(!fit(&[edit(2, 2, "a")], &[edit(2, 2, "b")]));
    }

    proptest! {
        #[test]
        fn lines_that_no_edit_touches_are_found_again(lines in prop::collection::vec("[a-c]{1,3}", 3..9), at in 0usize..9, text in "[x\n]{0,4}") {
            let whole: String = lines.iter().enumerate().map(|(index, line)| format!("{index}{line}\n")).collect();
            let source = Source::new("a.md", whole);
            let at = at % lines.len();
            let span = source.line_span(at + 1);
            let edits = [Edit { span, text }];
            let moved = Lines::of(&source, &edits);
            let after = Source::new("a.md", edited(source.text(), &edits));
            for line in (1..=lines.len()).filter(|line| *line != at + 1) {
                prop_assert_eq!(source.line(line), after.line(moved.after(line)));
            }
        }
    }
}
