//! Answers that are kept for a day, so that a check asks no host more than it must. Losing them costs requests, never a finding.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ask::Answer;

/// How long an answer holds, in seconds.
const DAY: i64 = 24 * 60 * 60;

/// An answer, and when it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    asked: i64,
    answer: Answer,
}

/// The answers of the last day.
#[derive(Debug, Default)]
pub(super) struct Kept {
    path: Option<PathBuf>,
    entries: BTreeMap<String, Entry>,
    now: i64,
}

impl Kept {
    /// Read what is kept in a folder. What cannot be read was never there.
    pub(super) fn read(folder: Option<&Path>, now: i64) -> Self {
        let path = folder.map(|folder| folder.join("links.json"));
        let text = path.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let mut entries: BTreeMap<String, Entry> = serde_json::from_str(&text).unwrap_or_default();
        entries.retain(|_, entry| (0..DAY).contains(&(now - entry.asked)));
        Self { path, entries, now }
    }

    /// What was heard of a link.
    pub(super) fn answer(&self, target: &str) -> Option<&Answer> {
        self.entries.get(target).map(|entry| &entry.answer)
    }

    /// Keep what is sure to hold for a while.
    pub(super) fn keep(&mut self, target: &str, answer: &Answer) {
        if matches!(answer, Answer::Alive | Answer::Moved(_) | Answer::Dead(_)) {
            self.entries.insert(target.to_owned(), Entry { asked: self.now, answer: answer.clone() });
        }
    }

    /// Write it down, whole or not at all.
    pub(super) fn write(&self) {
        let Some(path) = &self.path else { return };
        let Some(folder) = path.parent() else { return };
        let written = std::fs::create_dir_all(folder).and_then(|()| tempfile::NamedTempFile::new_in(folder)).and_then(|mut file| {
            file.write_all(&serde_json::to_vec(&self.entries).map_err(std::io::Error::other)?)?;
            file.persist(path).map(drop).map_err(|error| error.error)
        });
        // The next check asks again.
        drop(written);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_for_a_day_and_doubts_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Kept::read(Some(folder.path()), 1000);
        kept.keep("a", &Answer::Alive);
        kept.keep("b", &Answer::Moved("c".to_owned()));
        kept.keep("d", &Answer::Unreached("why".to_owned()));
        kept.write();
        let later = Kept::read(Some(folder.path()), 1000 + DAY - 1);
        assert_eq!((later.answer("a"), later.answer("b"), later.answer("d")), (Some(&Answer::Alive), Some(&Answer::Moved("c".to_owned())), None));
        assert_eq!(Kept::read(Some(folder.path()), 1000 + DAY).answer("a"), None);
        std::fs::write(folder.path().join("links.json"), "{").unwrap();
        assert_eq!(Kept::read(Some(folder.path()), 1000).answer("a"), None);
    }
}
