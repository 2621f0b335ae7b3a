//! Causes: a lesson's findings with those that only follow from them. Every format for people shows a consequence under its cause.
//!
//! Pure, and never trusts `because`.

use crate::finding::{Effect, Finding, Severity, root};
use crate::outcome::LessonOutcome;

/// A finding and what follows from it.
#[derive(Debug, Clone)]
pub(super) struct Cause<'a> {
    /// The finding.
    pub(super) finding: &'a Finding,
    /// The findings that only follow from it, by place.
    pub(super) consequences: Vec<&'a Finding>,
    /// The lesson that it is a finding of; of several environments, in the first that has it.
    pub(super) lesson: &'a LessonOutcome,
    /// The environments that have it, in words, where there are several.
    pub(super) environments: Option<String>,
}

/// The findings of `lesson` that stand for themselves, each with its consequences.
pub(super) fn causes(lesson: &LessonOutcome) -> Vec<Cause<'_>> {
    let mut consequences: Vec<Vec<&Finding>> = vec![Vec::new(); lesson.findings.len()];
    let mut roots = Vec::new();
    for (index, finding) in lesson.findings.iter().enumerate() {
        let root = root(&lesson.findings, index);
        if root == index {
            roots.push(index);
        } else {
            consequences[root].push(finding);
        }
    }
    let cause = |index: usize| {
        let consequences = std::mem::take(&mut consequences[index]);
        Cause { finding: &lesson.findings[index], consequences, lesson, environments: None }
    };
    roots.into_iter().map(cause).collect()
}

/// Whether a finding only informs about what is not known, and so takes one quiet line.
pub(super) fn quiet(finding: &Finding) -> bool {
    finding.severity() == Severity::Note && finding.code.effect() == Effect::Informs
}
