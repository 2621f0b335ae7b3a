//! Outputs held against accepted snapshots. Reads them, and writes pending ones where that is allowed; it never accepts anything.

use std::collections::BTreeMap;
use std::path::Path;

use crate::finding::{Code, Comparison, Finding, Location};
use crate::guide::{Lesson, ProseKind};
use crate::lab::Fate;
use crate::outcome::{BlockOutcome, Judged, LessonOutcome, Outcome, Status};
use crate::snapshot::name::variant;
use crate::snapshot::store::Store;
use crate::snapshot::{Metadata, Snapshot, SnapshotError, matching};
use crate::source::Span;

/// Where snapshots are, and what may be done to them.
#[derive(Debug, Clone)]
pub struct Snapshots {
    /// The store.
    pub store: Store,
    /// Whether pending snapshots are written. Not in CI.
    pub write: bool,
    /// The environment's name, remembered with each.
    pub environment: String,
    /// The environment of lessons that name no other: its outputs are the plain snapshots, and others have variants where theirs differ.
    pub own: String,
}

impl Snapshots {
    /// Hold a judged lesson's outputs against its snapshots. `own` is the environment that the lesson itself names, if it does; `again` runs the lesson once more, to see whether a new output is the same twice.
    pub async fn hold<F: Future<Output = Option<Judged>>>(&self, lesson: &Lesson, own: Option<&str>, outcome: &mut LessonOutcome, again: impl FnOnce() -> F) {
        let keys = keys(lesson);
        let is_own = own.unwrap_or(&self.own) == self.environment;
        let mut differing = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            let Some(transcript) = transcript(&outcome.blocks[index], lesson) else { continue };
            match self.compare(&lesson.id, key, is_own, &transcript) {
                Ok(None) => {}
                Ok(Some(differs)) => differing.push((index, differs)),
                Err(error) => self.report(lesson, outcome, Some(error)),
            }
        }
        for (index, differs) in &differing {
            self.tell(lesson, outcome, *index, differs);
        }
        self.unreferenced(lesson, outcome, &keys);
        if self.write && !differing.is_empty() {
            let second = again().await;
            for (index, differs) in &differing {
                if let Some(key) = &differs.waits_as {
                    self.write_pending(lesson, outcome, *index, key, second.as_ref());
                }
            }
        }
        outcome.findings.sort_by_key(|finding| finding.location.span.start);
    }

    /// Hold an output against the snapshot of its block; `None` if it is that one. What waited for review and is out of date then is forgotten.
    fn compare(&self, lesson: &str, key: &str, is_own: bool, output: &str) -> Result<Option<Differs>, SnapshotError> {
        let is = |kept: &Option<Snapshot>| kept.as_ref().is_some_and(|kept| matching::matches(&kept.contents, output));
        let forget = |key: &str| if self.write { self.store.forget_pending(lesson, key) } else { Ok(()) };
        let plain = self.store.load(lesson, key)?;
        if is_own {
            return if is(&plain) { forget(key).map(|()| None) } else { Ok(Some(Differs { accepted: plain, waits_as: Some(key.to_owned()) })) };
        }
        let name = variant(key, &self.environment);
        let own = self.store.load(lesson, &name)?;
        if is(&own) || own.is_none() && is(&plain) {
            return forget(&name).map(|()| None);
        }
        // No variant is made of an output that is the plain one, or waits to be.
        let is_plain = is(&plain) || plain.is_none() && is(&self.store.load_pending(lesson, key)?);
        if is_plain {
            forget(&name)?;
        }
        Ok(Some(Differs { accepted: own.or(plain), waits_as: (!is_plain).then_some(name) }))
    }

    fn tell(&self, lesson: &Lesson, outcome: &mut LessonOutcome, index: usize, differs: &Differs) {
        let Some(accepted) = &differs.accepted else {
            if !matches!(outcome.status, Status::Errored | Status::Broken | Status::Changed | Status::Incomplete) {
                outcome.status = Status::Pending;
            }
            return;
        };
        let line = lesson.source.line_of(lesson.blocks[index].span().start);
        let help = match differs.waits_as {
            Some(_) => "see it with `proctor review`, and accept it there if it is right".to_owned(),
            None => format!("it is the output of the lesson's own environment again: delete the variant for `{}`", self.environment),
        };
        let mut finding = Finding::new(Code::Changed, Location::line(&lesson.source, line), "the output is not the accepted snapshot's").with_help(help);
        let actual = crate::snapshot::normalise::normalise(&transcript(&outcome.blocks[index], lesson).unwrap_or_default());
        finding.comparison = Some(Comparison { expected: accepted.contents.clone(), actual });
        outcome.findings.push(finding);
        if !matches!(outcome.status, Status::Errored | Status::Broken) {
            outcome.status = Status::Changed;
        }
    }

    fn write_pending(&self, lesson: &Lesson, outcome: &mut LessonOutcome, index: usize, key: &str, second: Option<&Judged>) {
        let Some(text) = transcript(&outcome.blocks[index], lesson) else { return };
        let snapshot = Snapshot::of(&text);
        let stable = second
            .and_then(|second| second.blocks.get(index))
            .and_then(|block| transcript(block, lesson))
            .map(|other| Snapshot::of(&other).contents == snapshot.contents);
        let mut info = BTreeMap::from([("environment".to_owned(), self.environment.clone())]);
        info.insert(Metadata::STABLE.to_owned(), stable.unwrap_or(false).to_string());
        info.extend(lesson.number.clone().map(|number| (Metadata::NUMBER.to_owned(), number)));
        let metadata = Metadata {
            source: Some(lesson.source.path().to_owned()),
            assertion_line: u32::try_from(lesson.source.line_of(lesson.blocks[index].span().start)).ok(),
            expression: Some(lesson.blocks[index].body.text().trim_end().to_owned()),
            info,
            ..Metadata::default()
        };
        let written = self.store.write_pending(&lesson.id, key, &snapshot.with_metadata(metadata));
        self.report(lesson, outcome, written.err());
    }

    fn unreferenced(&self, lesson: &Lesson, outcome: &mut LessonOutcome, keys: &[String]) {
        match self.store.unreferenced(&lesson.id, keys) {
            Ok(stale) => {
                for path in stale {
                    let message = match plain_of(&path, keys) {
                        Some(plain) => format!("`{}` says what `{plain}` says", path.display()),
                        None => format!("`{}` belongs to no block any more", path.display()),
                    };
                    let location = Location::line(&lesson.source, lesson.line);
                    outcome.findings.push(Finding::new(Code::UnreferencedSnapshot, location, message).with_help("delete it"));
                }
            }
            Err(error) => self.report(lesson, outcome, Some(error)),
        }
    }

    /// A snapshot that is none is the course's fault; a disk that refuses is ours.
    fn report(&self, lesson: &Lesson, outcome: &mut LessonOutcome, error: Option<SnapshotError>) {
        let Some(error) = error else { return };
        if matches!(error, SnapshotError::BadSnapshot { .. }) {
            let location = Location::new(&lesson.source, Span::new(lesson.span.start, lesson.span.start));
            outcome.findings.push(Finding::new(Code::BadSnapshot, location, error.to_string()));
            outcome.status = outcome.status.min(Status::Broken);
        } else {
            outcome.error = Some(error.to_string());
            outcome.status = Status::Errored;
        }
    }
}

/// An output that is not the accepted one.
struct Differs {
    /// What it was held against, if there is anything.
    accepted: Option<Snapshot>,
    /// The key of the pending snapshot that it becomes; `None` if it is to become none.
    waits_as: Option<String>,
}

/// The file of the plain snapshot that a variant stands beside, if that belongs to one of these keys.
fn plain_of(variant: &Path, keys: &[String]) -> Option<String> {
    let (plain, _) = variant.file_name()?.to_str()?.split_once('@')?;
    keys.iter().any(|key| key == plain).then(|| format!("{plain}.snap"))
}

/// The output of a block that is worth a snapshot: it ran clean and said something.
fn transcript(block: &BlockOutcome, lesson: &Lesson) -> Option<String> {
    let ran = block.plan.fate == Fate::Run && block.outcome == Some(Outcome::Passed);
    let text = block.transcript.as_deref().filter(|text| ran && !text.trim().is_empty())?;
    Some(without_lines(text, lesson.source.path()))
}

/// `text` without the lines of the page itself in tracebacks: they move with every edit, and the path is seen from where the check was started.
fn without_lines(text: &str, path: &str) -> String {
    let mark = format!("File \"{path}\", line ");
    let mut parts = text.split(&mark);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("File \"[page]\", line [line]");
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    out
}

/// A key for each block that moves with its section: the nearest heading, and the block's number under it.
#[must_use]
pub fn keys(lesson: &Lesson) -> Vec<String> {
    let heading = |block: &crate::guide::Block| {
        let start = block.span().start;
        let headings = lesson.prose.iter().filter(|prose| matches!(prose.kind, ProseKind::Heading(_)) && prose.span.start < start);
        headings.max_by_key(|prose| prose.span.start).map_or("start", |prose| prose.text.as_str())
    };
    crate::snapshot::name::keys(lesson.blocks.iter().map(heading))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_page_are_no_part_of_a_snapshot() {
        let text = "Traceback:\n  File \"content/a.md\", line 166, in share\n  File \"b.py\", line 2\n";
        assert_eq!(without_lines(text, "content/a.md"), "Traceback:\n  File \"[page]\", line [line], in share\n  File \"b.py\", line 2\n");
    }
}
