//! Reports of the parts of one guide, made one: `(name, Kept) ... -> Report | MergeError`. Pure, and total over whatever the parts say.
//!
//! It never guesses: parts that cannot belong together are refused, and what had to be chosen stands in the report's notes.

use std::collections::{BTreeMap, BTreeSet};

use super::Report;
use super::json::Kept;
use super::wording;
use crate::finding::Code;
use crate::outcome::LessonOutcome;

/// How many missing parts are named.
const PARTS_NAMED: usize = 8;

/// Why reports cannot be made one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MergeError {
    /// They were not made in the same way.
    #[error("{first} and {second} do not belong together: {what}; check every part in the same way")]
    Unlike {
        /// The name of one.
        first: String,
        /// The name of the other.
        second: String,
        /// What differs, and how.
        what: String,
    },
    /// A page was edited between two of them.
    #[error("{first} and {second} do not belong together: {path} was not the same when they were made; check every part of one state of the guide")]
    Edited {
        /// The name of one.
        first: String,
        /// The name of the other.
        second: String,
        /// The page.
        path: String,
    },
    /// A part that says of itself what cannot be.
    #[error("{name} says that it is the part `{partition}`, which is none: a part is `slice:1/4` or `hash:1/4`")]
    NoPartition {
        /// The name of the report.
        name: String,
        /// What it says.
        partition: String,
    },
    /// Parts are not there.
    #[error("the report is not whole without {}: name the reports of these parts as well, or show the ones that there are with `proctor report show`", .parts.join(" and "))]
    Missing {
        /// The parts, in the words of `--partition`.
        parts: Vec<String>,
    },
}

/// Make one report of the reports of parts, each with its name: in guide order, where all of them know it, and otherwise one after the other.
///
/// A lesson that is in several has its worst verdict, and a note says so.
///
/// # Errors
/// If the reports do not belong together, or parts are missing.
pub fn merge(parts: Vec<(String, Kept)>) -> Result<Report, MergeError> {
    same_guide(&parts)?;
    whole(&parts)?;
    let mut merged = Report::default();
    let mut lessons: Vec<(String, LessonOutcome)> = Vec::new();
    let mut known: BTreeMap<[String; 3], usize> = BTreeMap::new();
    let mut chosen = Vec::new();
    for (name, Kept { report, .. }) in parts {
        // A part without a lesson had no need of one.
        if !report.engine.is_empty() {
            merged.engine = report.engine;
        }
        merged.environments = report.environments;
        merged.chapters = report.chapters;
        merged.flags = report.flags;
        if let Some(counts) = report.baseline {
            let all = merged.baseline.get_or_insert_default();
            (all.known, all.gone, all.expired) = (all.known + counts.known, all.gone + counts.gone, all.expired + counts.expired);
        }
        // Parts are checked side by side: whoever waited, waited for the longest.
        merged.seconds = merged.seconds.max(report.seconds);
        if let Some(more) = report.baseline {
            let all = merged.baseline.get_or_insert_default();
            (all.known, all.gone, all.expired) = (all.known + more.known, all.gone + more.gone, all.expired + more.expired);
        }
        extend(&mut merged.notes, report.notes);
        extend(&mut merged.wrong, report.wrong);
        for lesson in report.lessons {
            match known.get(&key(&lesson)).copied() {
                None => {
                    known.insert(key(&lesson), lessons.len());
                    lessons.push((name.clone(), lesson));
                }
                Some(place) => {
                    let (first, other) = &lessons[place];
                    chosen.extend((other.status != lesson.status).then(|| wording::two_verdicts(first, other, &name, &lesson)));
                    if lesson.status < other.status {
                        lessons[place] = (name.clone(), lesson);
                    }
                }
            }
        }
    }
    merged.notes.extend(chosen);
    merged.lessons = in_order(lessons.into_iter().map(|(_, lesson)| lesson).collect(), &merged.environments);
    if merged.anything_ran() {
        merged.wrong.retain(|(code, _)| *code != Code::NothingRan);
    }
    Ok(merged)
}

/// What a lesson is known by, in whichever report it stands.
fn key(lesson: &LessonOutcome) -> [String; 3] {
    [lesson.source.path().to_owned(), lesson.id.clone(), lesson.environment.clone()]
}

fn extend<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}

/// Lessons by their place in the guide; as they are if two claim one place, for then they do not know it.
fn in_order(mut lessons: Vec<LessonOutcome>, environments: &[String]) -> Vec<LessonOutcome> {
    let column = |lesson: &LessonOutcome| environments.iter().position(|environment| *environment == lesson.environment);
    let places: BTreeSet<_> = lessons.iter().map(|lesson| (lesson.index, column(lesson))).collect();
    if places.len() == lessons.len() {
        lessons.sort_by_key(|lesson| (lesson.index, column(lesson)));
    } else {
        for (index, lesson) in lessons.iter_mut().enumerate() {
            lesson.index = index;
        }
    }
    lessons
}

/// Whether all parts are of one guide, checked in one way.
fn same_guide(parts: &[(String, Kept)]) -> Result<(), MergeError> {
    let mut texts: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for (name, kept) in parts {
        for (path, digest) in &kept.digests {
            let (first, known) = *texts.entry(path).or_insert((name, digest));
            if known != digest {
                return Err(MergeError::Edited { first: first.to_owned(), second: name.clone(), path: path.clone() });
            }
        }
    }
    let Some(((first, one), rest)) = parts.split_first() else { return Ok(()) };
    for (second, other) in rest {
        let (one, other) = (&one.report, &other.report);
        let flags = |report: &Report| if report.flags.is_empty() { "none".to_owned() } else { report.flags.join(" ") };
        let engine = |report: &Report, other: &Report| if report.engine.is_empty() { other.engine.clone() } else { report.engine.clone() };
        let pairs = [
            ("the engine", engine(one, other), engine(other, one)),
            ("the environment", one.environments.join(", "), other.environments.join(", ")),
            ("the options", flags(one), flags(other)),
            ("the number of chapters", one.chapters.to_string(), other.chapters.to_string()),
        ];
        if let Some((what, one, other)) = pairs.iter().find(|(_, one, other)| one != other) {
            return Err(unlike(first, second, what, one, other));
        }
    }
    Ok(())
}

/// Whether the parts, if they all say which they are, are all there.
fn whole(parts: &[(String, Kept)]) -> Result<(), MergeError> {
    let mut there: Vec<(&str, &str, usize, usize, &str)> = Vec::new();
    for (name, kept) in parts {
        // A report of the whole guide is beside its parts: nothing can be missing.
        let Some(partition) = &kept.report.partition else { return Ok(()) };
        let wrong = || MergeError::NoPartition { name: name.clone(), partition: partition.clone() };
        let (kind, number, count) = parse(partition).ok_or_else(wrong)?;
        there.push((kind, name, number, count, partition));
    }
    let Some(&(kind, first, _, count, one)) = there.first() else { return Ok(()) };
    if let Some((_, second, _, _, other)) = there.iter().find(|part| (part.0, part.3) != (kind, count)) {
        return Err(unlike(first, second, "the part", one, other));
    }
    let missing = (1..=count).filter(|number| there.iter().all(|part| part.2 != *number));
    let parts: Vec<String> = missing.map(|number| format!("{kind}:{number}/{count}")).take(PARTS_NAMED).collect();
    if parts.is_empty() { Ok(()) } else { Err(MergeError::Missing { parts }) }
}

fn unlike(first: &str, second: &str, what: &str, one: &str, other: &str) -> MergeError {
    MergeError::Unlike { first: first.to_owned(), second: second.to_owned(), what: format!("{what} of the one: `{one}`, of the other: `{other}`") }
}

/// `slice:1/4` in its parts; `None` if it is none.
fn parse(partition: &str) -> Option<(&str, usize, usize)> {
    let (kind, part) = partition.split_once(':')?;
    let (number, count) = part.split_once('/')?;
    let (number, count) = (number.parse().ok()?, count.parse().ok()?);
    (["slice", "hash"].contains(&kind) && (1..=count).contains(&number)).then_some((kind, number, count))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::outcome::Status;

    /// The fixture's report in parts, dealt out one lesson after the other.
    fn dealt(count: usize) -> Vec<(String, Kept)> {
        let report = fixture::report();
        let part = |number: usize| {
            let lessons = report.lessons.iter().filter(|lesson| lesson.index % count == number).cloned().collect();
            let partition = Some(format!("slice:{}/{count}", number + 1));
            (format!("{number}.json"), Kept { report: Report { lessons, partition, ..report.clone() }, digests: BTreeMap::new() })
        };
        (0..count).map(part).collect()
    }

    fn words(report: &Report) -> Vec<(usize, String, Status)> {
        report.lessons.iter().map(|lesson| (lesson.index, lesson.id.clone(), lesson.status)).collect()
    }

    #[test]
    fn parts_in_any_order_are_the_whole_in_guide_order() {
        let whole = fixture::report();
        for count in 1..5 {
            let mut parts = dealt(count);
            parts.reverse();
            let merged = merge(parts).unwrap();
            assert_eq!(words(&merged), words(&whole));
            assert_eq!((merged.notes, merged.partition, merged.seconds), (whole.notes.clone(), None, whole.seconds));
        }
    }

    #[test]
    fn the_worst_verdict_on_a_lesson_wins_and_is_told() {
        for worse_first in [true, false] {
            let mut parts = dealt(1);
            parts.push(("other.json".to_owned(), parts[0].1.clone()));
            parts[usize::from(worse_first)].1.report.lessons[2].status = Status::Passed;
            let merged = merge(parts).unwrap();
            assert_eq!(words(&merged), words(&fixture::report()));
            let note = merged.notes.last().unwrap();
            assert!(note.contains("3.1 Routes is ") && note.contains("broken in ") && note.contains("passed in ") && note.contains("the worse"), "{note}");
        }
    }

    #[test]
    fn a_part_that_is_missing_is_named() {
        let mut parts = dealt(4);
        parts.remove(2);
        let error = merge(parts).unwrap_err().to_string();
        assert!(error.starts_with("the report is not whole without slice:3/4: name"), "{error}");
    }

    #[test]
    fn a_whole_report_beside_a_part_misses_nothing() {
        let mut parts = dealt(2);
        parts[1].1.report.partition = None;
        assert!(merge(parts).is_ok());
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let refused = |spoil: fn(&mut Kept)| {
            let mut parts = dealt(2);
            spoil(&mut parts[1].1);
            merge(parts).unwrap_err().to_string()
        };
        let start = "0.json and 1.json do not belong together: ";
        let engine = refused(|kept| kept.report.engine = "docker".to_owned());
        assert_eq!(engine, format!("{start}the engine of the one: `local`, of the other: `docker`; check every part in the same way"));
        assert!(refused(|kept| kept.report.environments = vec!["next".to_owned()]).contains("the environment of the one: `flask`, of the other: `next`"));
        assert!(refused(|kept| kept.report.flags.push("--strict".to_owned())).contains("the options of the one: `none`, of the other: `--strict`"));
        assert!(refused(|kept| kept.report.chapters = 9).contains("the number of chapters"));
        assert!(refused(|kept| kept.report.partition = Some("hash:2/2".to_owned())).contains("the part of the one: `slice:1/2`, of the other: `hash:2/2`"));
        assert!(refused(|kept| kept.report.partition = Some("slice:3/2".to_owned())).starts_with("1.json says that it is the part `slice:3/2`"));
    }

    #[test]
    fn a_page_that_was_edited_between_parts_is_named() {
        let mut parts = dealt(2);
        for (index, (_, kept)) in parts.iter_mut().enumerate() {
            kept.digests.insert("a.md".to_owned(), index.to_string());
        }
        assert!(merge(parts).unwrap_err().to_string().contains("a.md was not the same when they were made"));
    }

    #[test]
    fn that_nothing_ran_holds_only_if_nothing_ran_anywhere() {
        let mut parts = dealt(2);
        for (_, kept) in &mut parts {
            kept.report.wrong.push((Code::NothingRan, "not a single block ran".to_owned()));
        }
        assert!(merge(parts.clone()).unwrap().wrong.is_empty());
        for lesson in parts.iter_mut().flat_map(|(_, kept)| &mut kept.report.lessons) {
            lesson.blocks.clear();
        }
        assert_eq!(merge(parts).unwrap().wrong.len(), 1);
    }

    #[test]
    fn reports_that_do_not_know_their_places_come_one_after_the_other() {
        let mut parts = dealt(2);
        for (index, lesson) in parts.iter_mut().flat_map(|(_, kept)| kept.report.lessons.iter_mut().enumerate()) {
            lesson.index = index;
        }
        let merged = merge(parts.clone()).unwrap();
        let ids: Vec<_> = parts.iter().flat_map(|(_, kept)| &kept.report.lessons).map(|lesson| lesson.id.clone()).collect();
        assert_eq!(merged.lessons.iter().map(|lesson| lesson.id.clone()).collect::<Vec<_>>(), ids);
        assert!(merged.lessons.iter().enumerate().all(|(index, lesson)| lesson.index == index));
    }
}
