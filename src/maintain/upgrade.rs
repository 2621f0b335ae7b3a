//! What an upgrade of an environment changes: its packages, and how lessons do. Pure: two locks in, or two checks in, differences out.

use std::collections::BTreeMap;

use crate::env::Requirement;
use crate::finding::Finding;
use crate::outcome::{LessonOutcome, Status};

/// A package whose version changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The package.
    pub name: String,
    /// The version that is locked now, or those of different systems; `None` if it is new.
    pub old: Option<String>,
    /// The version that would be; `None` if it is no longer needed.
    pub new: Option<String>,
}

/// The packages that two locks have in different versions, by name.
#[must_use]
pub fn changes(old: &[Requirement], new: &[Requirement]) -> Vec<Change> {
    let (old, new) = (versions(old), versions(new));
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |name: &String| Change { name: name.clone(), old: old.get(name).cloned(), new: new.get(name).cloned() };
    names.into_iter().map(change).filter(|change| change.old != change.new).collect()
}

/// The version of each package; more than one where systems or Pythons differ.
fn versions(requirements: &[Requirement]) -> BTreeMap<String, String> {
    let mut versions: BTreeMap<String, String> = BTreeMap::new();
    for requirement in requirements {
        let version = requirement.version.as_deref().unwrap_or("any version");
        versions.entry(requirement.name.clone()).and_modify(|known| *known = format!("{known}, {version}")).or_insert_with(|| version.to_owned());
    }
    versions
}

/// A lesson whose status changes.
#[derive(Debug)]
pub struct Moved<'a> {
    /// How it does with the packages that are locked now.
    pub old: &'a LessonOutcome,
    /// How it would do.
    pub new: &'a LessonOutcome,
}

/// The lessons that have another status in the second of two checks of the same lessons, in guide order.
#[must_use]
pub fn moved<'a>(old: &'a [LessonOutcome], new: &'a [LessonOutcome]) -> Vec<Moved<'a>> {
    let before: BTreeMap<usize, &LessonOutcome> = old.iter().map(|lesson| (lesson.index, lesson)).collect();
    let pairs = new.iter().filter_map(|new| Some(Moved { old: before.get(&new.index)?, new }));
    pairs.filter(|moved| moved.old.status != moved.new.status).collect()
}

impl<'a> Moved<'a> {
    /// Whether it does worse.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        let rank = |status: Status| Status::ALL.iter().position(|other| *other == status);
        rank(self.new.status) < rank(self.old.status)
    }

    /// The findings that make the difference: what is new where it does worse, what goes where it does better. None that only follows from another.
    #[must_use]
    pub fn findings(&self) -> Vec<&'a Finding> {
        let (with, without) = if self.is_worse() { (self.new, self.old) } else { (self.old, self.new) };
        let said = |finding: &Finding| (finding.code, finding.location.span, finding.message.clone());
        let known: Vec<_> = without.findings.iter().map(said).collect();
        with.findings.iter().filter(|finding| finding.because.is_none() && !known.contains(&said(finding))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> Requirement {
        Requirement { name: name.to_owned(), version: Some(version.to_owned()), marker: None, hashes: 1, direct: true }
    }

    #[test]
    fn packages_come_go_and_change() {
        let old = [package("flask", "3.0.0"), package("gone", "1.0"), package("same", "1.0")];
        let new = [package("flask", "3.1.0"), package("here", "2.0"), package("here", "2.1"), package("same", "1.0")];
        let change =
            |name: &str, old: Option<&str>, new: Option<&str>| Change { name: name.to_owned(), old: old.map(str::to_owned), new: new.map(str::to_owned) };
        let expected = [change("flask", Some("3.0.0"), Some("3.1.0")), change("gone", Some("1.0"), None), change("here", None, Some("2.0, 2.1"))];
        assert_eq!(changes(&old, &new), expected);
        assert!(changes(&new, &new).is_empty());
    }
}
