//! Which finding a search is about, and what a lesson's run with another release says of it. `(LessonOutcome, Finding) --judge--> Seen`. Pure.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::engine::demand::imports;
use crate::engine::protocol::Action;
use crate::finding::{Code, Effect, Finding, Severity};
use crate::lab::Lab;
use crate::outcome::{BlockOutcome, LessonOutcome, Outcome, Status};

/// Why there is nothing to search for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSuspect {
    /// Nothing is wrong with the lesson.
    #[error("nothing is wrong with it")]
    Passes,
    /// What is wrong with it is so whatever is installed.
    #[error("what is wrong with it ({0}) is the same with every release of every package")]
    Alike(String),
    /// Nothing is wrong in that line.
    #[error("no finding stands in line {line}; there are some in {}", .lines.iter().map(usize::to_string).collect::<Vec<_>>().join(", "))]
    NotThere {
        /// The line that was asked for.
        line: usize,
        /// The lines that have findings.
        lines: Vec<usize>,
    },
}

/// Whether what is installed has a say in a finding of this kind.
fn depends_on_packages(code: Code) -> bool {
    use Code::{
        BadSnapshot, Memory, MissingFile, MissingService, NothingRan, OutputLimit, ProcessLimit, ShadowedLibrary, SyntaxError, Timeout, UnclosedFence,
        UnknownDirective, Unreadable, UnsafePath,
    };
    let alike = [
        SyntaxError,
        UnknownDirective,
        UnclosedFence,
        Unreadable,
        NothingRan,
        BadSnapshot,
        UnsafePath,
        ShadowedLibrary,
        MissingFile,
        MissingService,
        Memory,
        Timeout,
        OutputLimit,
        ProcessLimit,
    ];
    code.effect() != Effect::Informs && !alike.contains(&code)
}

/// The finding that a search is about: of those in `line`, or of all, the first error, else the first warning, else (only in a `line`) the first of all.
///
/// # Errors
/// If there is none.
pub fn choose(outcome: &LessonOutcome, line: Option<usize>) -> Result<&Finding, NoSuspect> {
    let here: Vec<&Finding> = outcome.findings.iter().filter(|finding| finding.code.effect() != Effect::Informs && finding.because.is_none()).collect();
    let chosen: Vec<&Finding> = here.iter().copied().filter(|finding| line.is_none_or(|line| finding.location.place().line == line)).collect();
    let able = || chosen.iter().copied().filter(|finding| depends_on_packages(finding.code));
    let of = |severity: Severity| able().find(|finding| finding.severity() == severity);
    let found = of(Severity::Error).or_else(|| of(Severity::Warning)).or_else(|| of(Severity::Note).filter(|_| line.is_some()));
    found.ok_or_else(|| match (line, chosen.first().or(here.first())) {
        (_, None) => NoSuspect::Passes,
        (Some(line), Some(_)) if chosen.is_empty() => {
            let lines: BTreeSet<usize> = here.iter().map(|finding| finding.location.place().line).collect();
            NoSuspect::NotThere { line, lines: lines.into_iter().collect() }
        }
        (_, Some(first)) => NoSuspect::Alike(first.code.word().to_owned()),
    })
}

/// The kind of trouble that is ours, and not the release's.
pub const ERRORED: &str = "errored";

/// What a run says of the finding in question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Its block runs past its line.
    Good,
    /// It is there.
    Bad,
    /// Something else fails first.
    Unknown {
        /// Its kind: the same for the same trouble, whatever the release.
        kind: String,
        /// What it is, in a line.
        reason: String,
    },
}

/// The finding in question, and what else is wrong with the lesson beside it.
#[derive(Debug, Clone)]
pub struct Case {
    code: Code,
    place: (Option<usize>, usize),
    message: String,
    /// Findings that were there before: they are in nobody's way.
    beside: Vec<(Code, (Option<usize>, usize), String)>,
}

/// What differs from release to release without meaning anything.
static NUMBERS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"0x[0-9a-f]+|\d+(\.\d+)*|\. Did you mean.*$").expect("the pattern is a constant"));

/// What a message says, as far as it can be compared: the exception's class, and for a name that is gone all of it.
fn gist(code: Code, message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let whole = NUMBERS.replace_all(first, "").into_owned();
    let class = whole.split(':').next().unwrap_or_default();
    let is_class = !class.is_empty() && class.chars().all(|letter| letter.is_alphanumeric() || "._".contains(letter));
    if code != Code::RemovedApi && is_class && class.len() < whole.len() { class.to_owned() } else { whole }
}

fn place(finding: &Finding) -> (Option<usize>, usize) {
    let place = finding.location.place();
    (place.cell, place.line)
}

fn key(finding: &Finding) -> (Code, (Option<usize>, usize), String) {
    (finding.code, place(finding), gist(finding.code, &finding.message))
}

impl Case {
    /// The case of a finding of a lesson.
    #[must_use]
    pub fn of(outcome: &LessonOutcome, finding: &Finding) -> Self {
        let beside = outcome.findings.iter().map(key).collect();
        Self { code: finding.code, place: place(finding), message: gist(finding.code, &finding.message), beside }
    }

    /// The block that the finding stands in.
    #[must_use]
    pub fn block<'a>(&self, outcome: &'a LessonOutcome) -> Option<&'a BlockOutcome> {
        outcome.blocks.iter().find(|block| block.cell == self.place.0 && (block.line..=block.end_line).contains(&self.place.1))
    }

    /// What a run of the lesson says of it.
    #[must_use]
    pub fn judge(&self, outcome: &LessonOutcome) -> Seen {
        let unknown = |kind: &str, reason: &str| Seen::Unknown { kind: kind.to_owned(), reason: reason.lines().next().unwrap_or_default().to_owned() };
        if outcome.status == Status::Errored {
            return unknown(ERRORED, outcome.error.as_deref().unwrap_or("proctor failed"));
        }
        if outcome.findings.iter().any(|finding| key(finding) == (self.code, self.place, self.message.clone())) {
            return Seen::Bad;
        }
        let fails =
            |finding: &Finding| matches!(finding.code.effect(), Effect::Breaks | Effect::Incompletes | Effect::Changes) && finding.code != Code::Changed;
        let new: Vec<&Finding> = outcome.findings.iter().filter(|finding| fails(finding) && !self.beside.contains(&key(finding))).collect();
        let because = |finding: &Finding| unknown(&format!("{} {}", finding.code.word(), gist(Code::Raised, &finding.message)), &finding.message);
        let anything = || new.first().map_or_else(|| unknown("blocked", "something before it fails"), |finding| because(finding));
        let Some(block) = self.block(outcome) else {
            return if new.is_empty() { Seen::Good } else { anything() };
        };
        let before = |(cell, line): (Option<usize>, usize)| cell == block.cell && (block.line..=self.place.1).contains(&line);
        if let Some(first) = new.iter().find(|finding| before(place(finding))) {
            return because(first);
        }
        let held_up = |finding: &&&Finding| finding.related.iter().map(|related| related.location.place()).any(|place| before((place.cell, place.line)));
        match block.outcome {
            Some(Outcome::Passed) => Seen::Good,
            None | Some(Outcome::Blocked) => anything(),
            Some(Outcome::Failed | Outcome::Incomplete) => new.iter().find(held_up).map_or(Seen::Good, |finding| because(finding)),
        }
    }
}

/// Names of modules that a finding may be about: those that it or its line speaks of, then the others that the lesson's programs import.
#[must_use]
pub fn modules(lab: &Lab, finding: &Finding) -> Vec<String> {
    let steps = lab.revisions.iter().flat_map(|revision| &revision.job.steps);
    let code = steps.filter_map(|step| if let Action::Python { code, .. } = &step.action { Some(code.lines()) } else { None });
    let used = imports(code.flatten());
    let source = &finding.location.source;
    let mut first = imports([source.slice(source.line_span(source.line_of(finding.location.span.start)))]);
    let words = finding.message.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).map(str::to_lowercase);
    first.extend(words.filter(|word| used.contains(word)));
    let rest = used.into_iter().filter(|name| !first.contains(name)).collect::<Vec<_>>();
    first.into_iter().chain(rest).collect()
}

#[cfg(test)]
mod tests;
