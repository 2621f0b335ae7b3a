//! What lessons use that is going away: `(outcomes, what is to come) -> stale places`. Pure.

use crate::finding::{Code, Effect, Finding};
use crate::guide::Lesson;
use crate::maintain::rewrite::{Proposal, proposals};
use crate::moves::Move;
use crate::outcome::LessonOutcome;

/// A place that is stale.
#[derive(Debug, Clone)]
pub struct Stale {
    /// What was found there.
    pub finding: Finding,
    /// The environments in which it was found.
    pub environments: Vec<String>,
    /// What is known of it.
    pub moves: Vec<&'static Move>,
}

/// The places of a lesson that are stale, once each: what its packages warn of in any environment, and what is wrong in the one that is `to_come` and not yet
/// in the others.
#[must_use]
pub fn stale(lesson: &Lesson, outcomes: &[&LessonOutcome], to_come: &str) -> Vec<Stale> {
    let known = proposals(lesson);
    let mut found: Vec<Stale> = Vec::new();
    let is_same = |one: &Finding, other: &Finding| one.code == other.code && one.location.span.start == other.location.span.start && said(one) == said(other);
    for outcome in outcomes {
        for finding in &outcome.findings {
            let elsewhere =
                || outcomes.iter().filter(|other| other.environment != to_come).any(|other| other.findings.iter().any(|one| same_line(one, finding)));
            let breaks = outcome.environment == to_come && finding.code.effect() == Effect::Breaks && !elsewhere();
            if finding.code != Code::Deprecated && !breaks {
                continue;
            }
            match found.iter_mut().find(|stale| is_same(&stale.finding, finding)) {
                Some(stale) if stale.environments.contains(&outcome.environment) => {}
                Some(stale) => stale.environments.push(outcome.environment.clone()),
                None => found.push(Stale { finding: finding.clone(), environments: vec![outcome.environment.clone()], moves: moves(&known, outcome, finding) }),
            }
        }
    }
    found.sort_by_key(|stale| (stale.finding.location.span.start, stale.finding.code));
    found
}

/// A warning's own words, without what differs between releases: the class stays.
fn said(finding: &Finding) -> &str {
    finding.message.split(':').next().unwrap_or_default()
}

/// Whether something that makes a lesson fail was found on the same line: it is broken already.
fn same_line(one: &Finding, other: &Finding) -> bool {
    let line = |finding: &Finding| finding.location.source.line_of(finding.location.span.start);
    line(one) == line(other) && matches!(one.code.effect(), Effect::Breaks | Effect::Incompletes)
}

/// The moves that have to do with a finding.
fn moves(known: &[Proposal], outcome: &LessonOutcome, finding: &Finding) -> Vec<&'static Move> {
    let place = outcome.findings.iter().position(|other| other == finding);
    let about = known.iter().filter(|proposal| place.is_some_and(|place| crate::maintain::fix::meant(proposal, outcome).contains(&place)));
    let mut moves: Vec<&'static Move> = about.flat_map(|proposal| proposal.moves.iter().copied()).collect();
    moves.dedup();
    moves
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::finding::Location;
    use crate::outcome::Status;
    use crate::source::Source;

    #[test]
    fn a_place_is_told_once_and_what_is_to_come_only_where_it_is_new() {
        let source = Arc::new(Source::new("a.md", "```python\nfrom sqlalchemy.ext.declarative import declarative_base\nBase = declarative_base()\nx()\n```\n"));
        let lesson = crate::guide::markdown::parse(&source, "a").chapters.into_iter().flat_map(|chapter| chapter.lessons).next().unwrap();
        let finding = |code, line, message: &str| Finding::new(code, Location::line(&source, line), message);
        let outcome = |environment: &str, findings: Vec<Finding>| LessonOutcome {
            index: 0,
            id: "a".into(),
            number: None,
            title: "A".into(),
            chapter: String::new(),
            environment: environment.into(),
            selector: "a.md".into(),
            source: Arc::clone(&source),
            line: 1,
            status: Status::Stale,
            assumptions: Vec::new(),
            blocks: Vec::new(),
            findings,
            error: None,
            seconds: 0.0,
        };
        let warned = || finding(Code::Deprecated, 3, "MovedIn20Warning: it moved");
        let now = outcome("flask", vec![warned(), finding(Code::Raised, 4, "TypeError: no")]);
        let next = outcome("next", vec![warned(), finding(Code::RemovedApi, 2, "ImportError: gone"), finding(Code::Raised, 4, "TypeError: never")]);
        let found = stale(&lesson, &[&now, &next], "next");
        let shown: Vec<_> = found.iter().map(|stale| (stale.finding.code.word(), stale.environments.join(" "), stale.moves.len())).collect();
        assert_eq!(shown, [("removed-api", "next".to_owned(), 1), ("deprecated", "flask next".to_owned(), 1)]);
    }
}
