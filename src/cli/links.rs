//! `proctor check --links`: asks about the links that lead out of a guide, and adds what is wrong to a report. Answers are findings like any other; a machine without a network is a note.

mod ask;
mod kept;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::course::Course;
use crate::env::cache_dir;
use crate::finding::{Code, Finding, Location, sort_by_place};
use crate::guide::Lesson;
use crate::guide::links::outside;
use crate::report::Report;

use ask::{Answer, Asking, is_askable};
use kept::Kept;

/// The links of a course that lead out of it, and where they stand: lesson by lesson.
#[derive(Debug)]
pub(crate) struct Links {
    lessons: Vec<(Arc<Lesson>, Vec<crate::guide::links::Link>)>,
    how: Asking,
    folder: Option<PathBuf>,
}

/// What was heard.
#[derive(Debug)]
pub(crate) struct Answers {
    links: Links,
    answers: BTreeMap<String, Answer>,
    notes: Vec<String>,
}

impl Links {
    /// The links of the lessons that are checked, without those that the course ignores. `use_kept`: the answers of the last day will do.
    pub(crate) fn of(course: &Course, use_kept: bool) -> Self {
        let folder = if use_kept { cache_dir().ok() } else { None };
        Self::with(course.planned.iter().map(|planned| &planned.lesson), &|target| course.config.ignores_link(target), Asking::default(), folder)
    }

    fn with<'a>(lessons: impl Iterator<Item = &'a Arc<Lesson>>, ignored: &dyn Fn(&str) -> bool, how: Asking, folder: Option<PathBuf>) -> Self {
        let lessons = lessons.filter(|lesson| !lesson.draft).map(|lesson| {
            let mut links = outside(lesson);
            links.retain(|link| is_askable(&link.target, how.own_network) && !ignored(&link.target));
            (Arc::clone(lesson), links)
        });
        Self { lessons: lessons.collect(), how, folder }
    }

    /// Ask about all of them.
    pub(crate) async fn ask(self) -> Answers {
        let mut kept = Kept::read(self.folder.as_deref(), jiff::Timestamp::now().as_second());
        let targets: BTreeSet<String> = self.lessons.iter().flat_map(|(_, links)| links).map(|link| address(&link.target)).collect();
        let (known, unknown): (BTreeSet<String>, BTreeSet<String>) = targets.into_iter().partition(|target| kept.answer(target).is_some());
        let mut answers: BTreeMap<String, Answer> = known.into_iter().filter_map(|target| Some((target.clone(), kept.answer(&target)?.clone()))).collect();
        let mut notes = Vec::new();
        match ask::ask(&unknown, &self.how).await {
            Err(why) => notes.push(why),
            Ok(heard) => {
                let silent = heard.values().filter(|answer| matches!(answer, Answer::Unreached(_))).count();
                if silent > 0 && silent == heard.len() {
                    let links = if silent == 1 { "the one link that was asked about".to_owned() } else { format!("{silent} links") };
                    notes.push(format!("no host answers, so there seems to be no network: nothing is known of {links}"));
                } else {
                    heard.iter().for_each(|(target, answer)| kept.keep(target, answer));
                    kept.write();
                    notes.extend(undecided(&heard));
                    answers.extend(heard);
                }
            }
        }
        Answers { links: self, answers, notes }
    }
}

/// What is asked about: the place in a page is its own affair.
fn address(target: &str) -> String {
    target.split('#').next().unwrap_or(target).to_owned()
}

/// A note about hosts that answer and do not say.
fn undecided(heard: &BTreeMap<String, Answer>) -> Option<String> {
    const SHOWN: usize = 3;
    let doubts: Vec<String> =
        heard.iter().filter_map(|(target, answer)| if let Answer::Undecided(why) = answer { Some(format!("{target} ({why})")) } else { None }).collect();
    let more = doubts.len().saturating_sub(SHOWN);
    let shown = doubts.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!doubts.is_empty()).then(|| format!("of some links nothing is known: {shown}{rest}"))
}

impl Answers {
    /// Add what was heard to a report: once a place, in the lesson where the link stands.
    pub(crate) fn add_to(self, report: &mut Report) {
        for (lesson, links) in &self.links.lessons {
            let findings: Vec<Finding> = links.iter().filter_map(|link| finding(lesson, link, self.answers.get(&address(&link.target))?)).collect();
            if findings.is_empty() {
                continue;
            }
            for outcome in report.lessons.iter_mut().filter(|outcome| outcome.id == lesson.id && outcome.source.path() == lesson.source.path()) {
                outcome.findings.extend(findings.iter().cloned());
                sort_by_place(&mut outcome.findings);
            }
        }
        report.notes.extend(self.notes);
    }
}

fn finding(lesson: &Lesson, link: &crate::guide::links::Link, answer: &Answer) -> Option<Finding> {
    let (code, message, help) = match answer {
        Answer::Dead(why) | Answer::Unreached(why) => {
            (Code::DeadLink, format!("{} leads nowhere: {why}", link.target), "correct the link, or name it under `[links] ignore` in proctor.toml".to_owned())
        }
        Answer::Moved(to) => (Code::MovedLink, format!("{} has moved for good", link.target), format!("link to {to}")),
        Answer::Alive | Answer::Undecided(_) => return None,
    };
    Some(Finding::new(code, Location::new(&lesson.source, link.span), message).with_help(help))
}

#[cfg(test)]
mod tests;
