//! Lessons by environment: how one lesson did in each, side by side, and what is wrong with it told once, with the environments named.
//!
//! Pure. A report of one environment is the matrix of one column, so every writer for people goes by rows; nothing here knows a format.

use super::cause::{Cause, causes};
use super::{Report, wording};
use crate::finding::Finding;
use crate::outcome::{LessonOutcome, Status};

/// A lesson in every environment that it ran in.
#[derive(Debug, Clone)]
pub(super) struct Row<'a> {
    /// How it did, in the order of the report's environments. Never empty.
    pub(super) outcomes: &'a [LessonOutcome],
    /// Whether its environments have to be named: the report has several.
    named: bool,
    /// How many environments the report has.
    columns: usize,
}

/// The lessons of a report, each once.
pub(super) fn rows(report: &Report) -> Vec<Row<'_>> {
    let columns = report.environments.len();
    let same = |one: &LessonOutcome, next: &LessonOutcome| one.index == next.index && one.id == next.id && one.environment != next.environment;
    report.lessons.chunk_by(same).map(|outcomes| Row { outcomes, named: columns > 1, columns }).collect()
}

/// Whether lessons ran in more than one environment, so that there is something to compare.
pub(super) fn compares(report: &Report) -> bool {
    rows(report).iter().any(|row| row.outcomes.len() > 1)
}

impl<'a> Row<'a> {
    /// The outcome that says most: the worst, of those the first.
    pub(super) fn worst(&self) -> &'a LessonOutcome {
        // Never empty: `chunk_by` makes no empty chunks.
        self.outcomes.iter().min_by_key(|outcome| outcome.status).unwrap_or(&self.outcomes[0])
    }

    /// The word for how it did, and that the baseline knows of all that keeps it from passing.
    pub(super) fn status(&self) -> String {
        let worst = self.worst();
        let is_known = |outcome: &LessonOutcome| outcome.is_known() || matches!(outcome.status, Status::Passed | Status::Skipped | Status::Empty);
        if self.outcomes.iter().all(is_known) { wording::status(worst) } else { worst.status.word().to_owned() }
    }

    /// How it did in an environment, if it ran there.
    pub(super) fn within(&self, environment: &str) -> Option<&'a LessonOutcome> {
        self.outcomes.iter().find(|outcome| outcome.environment == environment)
    }

    /// Whether it has the same status everywhere.
    pub(super) fn agrees(&self) -> bool {
        self.outcomes.iter().all(|outcome| outcome.status == self.outcomes[0].status)
    }

    /// Its statuses, worst first, each with its environments.
    pub(super) fn statuses(&self) -> Vec<(Status, Vec<&'a str>)> {
        let with = |status| self.outcomes.iter().filter(move |outcome| outcome.status == status).map(|outcome| outcome.environment.as_str()).collect();
        Status::ALL.map(|status| (status, with(status))).into_iter().filter(|(_, environments): &(_, Vec<&str>)| !environments.is_empty()).collect()
    }

    /// The words for some of its environments: none where there is just one, and nothing to tell apart.
    pub(super) fn names(&self, environments: &[&str]) -> Option<String> {
        self.named.then(|| if environments.len() == self.columns { wording::EVERYWHERE.to_owned() } else { wording::within(environments) })
    }

    /// What is wrong with it, by place: the same finding of several environments once.
    pub(super) fn causes(&self) -> Vec<Cause<'a>> {
        let mut merged: Vec<(Cause<'a>, Vec<&str>)> = Vec::new();
        for outcome in self.outcomes {
            for cause in causes(outcome) {
                match merged.iter_mut().find(|(known, _)| same(known.finding, cause.finding)) {
                    Some((known, environments)) => {
                        environments.push(&outcome.environment);
                        let new = cause.consequences.into_iter().filter(|finding| !known.consequences.iter().any(|other| same(other, finding)));
                        let new: Vec<&Finding> = new.collect();
                        known.consequences.extend(new);
                    }
                    None => merged.push((cause, vec![&outcome.environment])),
                }
            }
        }
        if self.outcomes.len() > 1 {
            merged.sort_by_key(|(cause, _)| cause.finding.location.span.start);
        }
        merged.into_iter().map(|(cause, environments)| Cause { environments: self.names(&environments), ..cause }).collect()
    }

    /// Why our side failed on it.
    pub(super) fn errors(&self) -> Vec<String> {
        let failed = |lesson: &LessonOutcome| lesson.status == Status::Errored || lesson.error.is_some();
        self.each(|lesson| if failed(lesson) { vec![wording::errored(lesson)] } else { Vec::new() })
    }

    /// Texts that each of its outcomes has, each once, with its environments where it is not said of all.
    pub(super) fn each(&self, texts: impl Fn(&LessonOutcome) -> Vec<String>) -> Vec<String> {
        let mut merged: Vec<(String, Vec<&str>)> = Vec::new();
        for outcome in self.outcomes {
            for text in texts(outcome) {
                match merged.iter_mut().find(|(known, _)| *known == text) {
                    Some((_, environments)) if environments.last() == Some(&outcome.environment.as_str()) => {}
                    Some((_, environments)) => environments.push(&outcome.environment),
                    None => merged.push((text, vec![&outcome.environment])),
                }
            }
        }
        let all = self.outcomes.len();
        let told = |(text, environments): (String, Vec<&str>)| match self.names(&environments).filter(|_| environments.len() < all) {
            Some(names) => format!("{text} ({names})"),
            None => text,
        };
        merged.into_iter().map(told).collect()
    }
}

/// Whether two findings say the same of the same place.
fn same(one: &Finding, other: &Finding) -> bool {
    let told = |finding: &Finding| (finding.code, finding.location.span);
    told(one) == told(other)
        && one.location.path() == other.location.path()
        && one.message == other.message
        && one.comparison == other.comparison
        && one.known == other.known
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn a_report_of_one_environment_names_none() {
        let report = fixture::report();
        assert!(!compares(&report));
        let rows = rows(&report);
        assert_eq!(rows.len(), report.lessons.len());
        assert!(rows.iter().flat_map(Row::causes).all(|cause| cause.environments.is_none()));
    }

    #[test]
    fn the_same_finding_is_told_once_with_its_environments() {
        let report = fixture::matrix();
        assert!(compares(&report));
        let rows = rows(&report);
        assert_eq!(rows.len(), 4);
        let told = |row: &Row<'_>| row.causes().iter().map(|cause| (cause.finding.code.word(), cause.environments.clone().unwrap())).collect::<Vec<_>>();
        assert_eq!(told(&rows[1]), [("deprecated", "in legacy".to_owned()), ("removed-api", "in next".to_owned())]);
        assert_eq!(told(&rows[2]), [("raised", "in every environment".to_owned()), ("wrong-output", "in flask and next".to_owned())]);
        assert_eq!((rows[1].worst().status, rows[1].worst().environment.as_str()), (Status::Broken, "next"));
        assert_eq!(rows[1].statuses(), [(Status::Broken, vec!["next"]), (Status::Stale, vec!["legacy"]), (Status::Passed, vec!["flask"])]);
        assert!(rows[0].agrees() && !rows[1].agrees());
        assert!(rows[3].within("legacy").is_none(), "it ran nowhere else");
    }
}
