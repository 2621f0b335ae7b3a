//! Records sorted by step, and which blocks an error must be tried against once more. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::protocol::{Raised, RecordEvent, Response, Run, Stream, Verdict, Warning};
use crate::guide::Lesson;
use crate::lab::{Lab, Remedy, Revision};
use crate::source::Span;

/// Everything that was recorded of one step.
#[derive(Debug, Clone, Default)]
pub(crate) struct StepRecord {
    pub(crate) began: bool,
    /// What it printed, in order.
    pub(crate) output: Vec<(Stream, String, Option<usize>)>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) raised: Vec<Raised>,
    pub(crate) missed: Vec<(usize, usize)>,
    pub(crate) responses: Vec<Response>,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) because: Option<u32>,
    pub(crate) status: Option<i32>,
}

/// The records of a run by step. Records of steps that the revision does not have are dropped: the lab's own code may have forged them.
pub(crate) fn by_step(revision: &Revision, run: &Run) -> BTreeMap<u32, StepRecord> {
    let mut steps: BTreeMap<u32, StepRecord> = BTreeMap::new();
    for record in &run.records {
        if !revision.origins.contains_key(&record.step) {
            continue;
        }
        let step = steps.entry(record.step).or_default();
        match &record.event {
            RecordEvent::Begin => step.began = true,
            RecordEvent::Output { stream, text, line } => step.output.push((*stream, text.clone(), *line)),
            RecordEvent::Warning(warning) => step.warnings.push(warning.clone()),
            RecordEvent::Raised(raised) => step.raised.push(raised.clone()),
            RecordEvent::Missed { lines } => step.missed.extend(lines),
            RecordEvent::Response(response) => step.responses.push(response.clone()),
            RecordEvent::Finished { verdict, because, status, .. } => {
                step.verdict = Some(*verdict);
                step.because = *because;
                step.status = *status;
            }
        }
    }
    steps
}

/// A judged block in which something failed or could not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// The block.
    pub block: usize,
    /// The first statement of it that did not pass.
    pub span: Option<Span>,
    /// The other assemblies to try, in order, each once.
    pub remedies: Vec<Remedy>,
}

/// The judged blocks of a revision in which something failed or could not run: an error must survive another assembly.
#[must_use]
pub fn suspects(lesson: &Lesson, lab: &Lab, revision: &Revision, run: &Run) -> Vec<Suspect> {
    let steps = by_step(revision, run);
    let mut found: BTreeMap<usize, Suspect> = BTreeMap::new();
    // What was replayed or lent and failed tells as well what the lab lacks.
    let replayed: Vec<Remedy> = revision
        .origins
        .iter()
        .filter(|(_, origin)| !origin.judged)
        .filter_map(|(id, _)| steps.get(id))
        .flat_map(|step| &step.raised)
        .flat_map(remedies_of)
        .collect();
    for (id, origin) in &revision.origins {
        let (Some(block), true) = (origin.block, origin.judged) else { continue };
        let Some(step) = steps.get(id) else { continue };
        let failed = matches!(step.verdict, Some(Verdict::Failed));
        // What an earlier place of the page failed to make is its own fault; what was only lent, or taken from further down, may have a substitute.
        let is_before = |cause: &crate::lab::Origin| cause.judged && cause.block.is_some_and(|cause| cause <= block);
        let dropped = root(&steps, *id).is_some_and(|because| !revision.origins.get(&because).is_some_and(is_before));
        if !failed && !dropped || step.raised.last().is_some_and(|raised| raises_as_said(lesson, lab, (block, origin.span), raised)) {
            continue;
        }
        let suspect = found.entry(block).or_insert_with(|| Suspect { block, span: origin.span, remedies: Vec::new() });
        suspect.remedies.extend(revision.leaves_out_commands().then_some(Remedy::Commands));
        suspect.remedies.extend(step.raised.iter().flat_map(remedies_of));
        suspect.remedies.extend(replayed.iter().copied());
        suspect.remedies.extend([Remedy::Fixtures, Remedy::DefinitionsFirst, Remedy::OnlyNeeded, Remedy::Older]);
    }
    for suspect in found.values_mut() {
        let mut seen = BTreeSet::new();
        suspect.remedies.retain(|remedy| seen.insert(*remedy));
    }
    found.into_values().collect()
}

/// The step whose failure kept a skipped one from running, perhaps through others that it kept as well.
fn root(steps: &BTreeMap<u32, StepRecord>, id: u32) -> Option<u32> {
    let because = |id: &u32| steps.get(id).filter(|step| step.verdict == Some(Verdict::Skipped)).and_then(|step| step.because);
    // Forged records can lead in a circle: no honest chain is longer than there are steps.
    std::iter::successors(because(&id), because).take(steps.len()).last()
}

/// A judged block of which a statement was skipped only because a judged statement failed, with the place of that statement.
#[must_use]
pub fn held_up(revision: &Revision, run: &Run) -> Vec<(usize, (usize, Span))> {
    let steps = by_step(revision, run);
    let mut found: BTreeMap<usize, (usize, Span)> = BTreeMap::new();
    for (id, origin) in &revision.origins {
        let (Some(block), true) = (origin.block, origin.judged) else { continue };
        let cause = root(&steps, *id).and_then(|root| revision.origins.get(&root)).and_then(|cause| Some((cause.block?, cause.span?)));
        if let Some(cause) = cause {
            found.entry(block).or_insert(cause);
        }
    }
    found.into_iter().collect()
}

/// Whether the page says that a statement of a block raises this: it shows the exception as the output, or a directive says so.
pub(crate) fn raises_as_said(lesson: &Lesson, lab: &Lab, (block, span): (usize, Option<Span>), raised: &Raised) -> bool {
    let mut claims = lab.claims.iter().filter(|claim| claim.of == block && (claim.piece.is_none() || claim.piece == span));
    if claims.any(|claim| shows(&claim.text, raised)) {
        return true;
    }
    let Some(directive) = lesson.blocks[block].directive("raises") else { return false };
    let class =
        directive.attributes.get("error").is_none_or(|error| raised.bases.iter().any(|base| base == error || base.rsplit('.').next() == Some(error.as_str())));
    let text = directive.attributes.get("text").is_none_or(|text| raised.message.contains(text.as_str()));
    class && text
}

/// Whether an output that a page shows ends in an exception of this class, whatever it says: messages change from release to release.
pub(super) fn shows(output: &str, raised: &Raised) -> bool {
    let named = |line: &str| {
        let head = line.trim().split(": ").next().unwrap_or_default().trim_end_matches(':');
        let class = head.rsplit('.').next().unwrap_or_default();
        class == raised.class && head.chars().all(|letter| letter.is_alphanumeric() || "._".contains(letter))
    };
    output.lines().any(named)
}

fn remedies_of(raised: &Raised) -> Vec<Remedy> {
    let mut found = Vec::new();
    for raised in std::iter::successors(Some(raised), |raised| raised.cause.as_deref()) {
        if raised.message.contains("Working outside of application context") {
            found.push(Remedy::ApplicationContext);
        }
        // A URL can be built in an application context only where the application knows its own host.
        if raised.message.contains("Working outside of request context")
            || raised.message.contains("without 'SERVER_NAME'")
            || raised.message.contains("outside an active request")
        {
            found.push(Remedy::RequestContext);
        }
        let keyless = raised.message.contains("secret key") || raised.message.contains("Session backend did not open a session");
        if raised.message.contains("SQLALCHEMY_DATABASE_URI") || keyless {
            found.push(Remedy::Configuration);
        }
        if raised.message.contains("no such table") {
            found.push(Remedy::Tables);
        }
    }
    found
}

/// Whether a run of a second assembly leaves nothing of the block's failure but names that nothing on the page binds, where it was another one at first.
#[must_use]
pub fn eases(revision: &Revision, block: usize, run: &Run, first: (&Revision, &Run)) -> bool {
    let bound = revision.bound_names();
    let is_open = |raised: &Raised| raised.class == "NameError" && raised.name.as_ref().is_some_and(|name| !bound.contains(name));
    // Per judged step of the block that did not pass, what it raised, if anything.
    let failures = |revision: &Revision, run: &Run| {
        let steps = by_step(revision, run);
        let own = revision.origins.iter().filter(|(_, origin)| origin.judged && origin.block == Some(block));
        let failed = own.filter_map(|(id, _)| steps.get(id)).filter(|step| step.verdict != Some(Verdict::Passed));
        failed.map(|step| step.raised.last().cloned()).collect::<Vec<_>>()
    };
    failures(revision, run).iter().all(|raised| raised.as_ref().is_some_and(is_open))
        && failures(first.0, first.1).iter().any(|raised| raised.as_ref().is_some_and(|raised| !is_open(raised)))
}

/// Whether a run of a second assembly clears the block: every judged step of it is [`fine`].
#[must_use]
pub fn clears(lesson: &Lesson, lab: &Lab, revision: &Revision, block: usize, run: &Run) -> bool {
    let own = revision.origins.values().filter(|origin| origin.judged && origin.block == Some(block)).count();
    own > 0 && fine(lesson, lab, revision, block, run) == own
}

/// How far a block gets, for comparing two assemblies of it: how many of its steps are [`fine`], and of how many failures something could still be set up.
#[must_use]
pub fn standing(lesson: &Lesson, lab: &Lab, revision: &Revision, block: usize, run: &Run) -> (usize, std::cmp::Reverse<usize>) {
    let steps = by_step(revision, run);
    let own = revision.origins.iter().filter(|(_, origin)| origin.judged && origin.block == Some(block));
    let open = own.filter_map(|(id, _)| steps.get(id)?.raised.last()).filter(|raised| !remedies_of(raised).is_empty()).count();
    (fine(lesson, lab, revision, block, run), std::cmp::Reverse(open))
}

/// How many judged steps of a block passed, or raised what the page says that they raise.
fn fine(lesson: &Lesson, lab: &Lab, revision: &Revision, block: usize, run: &Run) -> usize {
    let steps = by_step(revision, run);
    let own = revision.origins.iter().filter(|(_, origin)| origin.judged && origin.block == Some(block));
    let is_fine = |step: &StepRecord, span: Option<Span>| {
        step.verdict == Some(Verdict::Passed) || step.raised.last().is_some_and(|raised| raises_as_said(lesson, lab, (block, span), raised))
    };
    own.filter(|(id, origin)| steps.get(id).is_some_and(|step| is_fine(step, origin.span))).count()
}

#[cfg(test)]
mod remedy_tests {
    use super::*;

    fn remedies(message: &str) -> Vec<Remedy> {
        let raised = Raised {
            class: "RuntimeError".into(),
            bases: Vec::new(),
            message: message.into(),
            frames: Vec::new(),
            name: None,
            object: None,
            syntax: None,
            cause: None,
        };
        // Under another exception it says the same.
        let outer = Raised { message: "wrapped".into(), cause: Some(Box::new(raised.clone())), ..raised.clone() };
        assert_eq!(remedies_of(&outer), remedies_of(&raised));
        remedies_of(&raised)
    }

    #[test]
    fn steps_that_were_skipped_because_of_each_other_have_an_end() {
        let skipped = |because| StepRecord { verdict: Some(Verdict::Skipped), because: Some(because), ..StepRecord::default() };
        assert_eq!(root(&BTreeMap::from([(1, skipped(1))]), 1), Some(1));
        assert!(root(&BTreeMap::from([(1, skipped(2)), (2, skipped(1))]), 1).is_some());
        assert_eq!(root(&BTreeMap::from([(1, StepRecord::default()), (2, skipped(1)), (3, skipped(2))]), 3), Some(1));
    }

    #[test]
    fn an_exception_says_what_would_have_to_be_set_up() {
        assert_eq!(remedies("Working outside of application context."), [Remedy::ApplicationContext]);
        assert_eq!(remedies("Working outside of request context."), [Remedy::RequestContext]);
        assert_eq!(remedies("Either 'SQLALCHEMY_DATABASE_URI' or 'SQLALCHEMY_BINDS' must be set."), [Remedy::Configuration]);
        assert_eq!(remedies("(sqlite3.OperationalError) no such table: guest"), [Remedy::Tables]);
        assert_eq!(remedies("no such thing"), []);
    }
}
