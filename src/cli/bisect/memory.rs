//! What was tried before, kept in Proctor's cache folder, so that a search that was interrupted goes on where it was. Whatever cannot be read or written costs
//! only time.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::env::hash;
use crate::maintain::suspect::ERRORED;

/// A release that was tried.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tried {
    /// Its version.
    pub(super) version: String,
    /// `good`, `bad` or `unknown`.
    pub(super) verdict: String,
    /// The kind of what keeps it from being known: the same for the same trouble.
    pub(super) kind: String,
    /// What keeps it from being known, in a line.
    pub(super) reason: String,
    /// Whether it took other packages of its own time.
    pub(super) period: bool,
    /// What the block printed and raised.
    pub(super) transcript: String,
    /// How long it took.
    pub(super) seconds: f64,
}

/// All that was tried in one search, in the order of time.
#[derive(Debug)]
pub(super) struct Memory {
    path: Option<PathBuf>,
    pub(super) tried: Vec<Tried>,
}

impl Memory {
    /// What is remembered of a search that depends on these parts; nothing if it is to be forgotten.
    pub(super) fn open(folder: Option<&Path>, parts: &[&[u8]], forget: bool) -> Self {
        let path = folder.map(|folder| folder.join("bisect").join("verdicts").join(format!("{}.json", hash(parts))));
        let read = path.as_ref().filter(|_| !forget).and_then(|path| std::fs::read(path).ok());
        let tried = read.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { path, tried }
    }

    /// Remember a try, at once: the next moment may bring an interruption.
    pub(super) fn keep(&mut self, tried: Tried) {
        self.tried.push(tried);
        // What failed on our side may go well the next time.
        let lasting: Vec<&Tried> = self.tried.iter().filter(|tried| tried.kind != ERRORED).collect();
        let Some((path, text)) = self.path.as_ref().zip(serde_json::to_vec(&lasting).ok()) else { return };
        let Some(folder) = path.parent() else { return };
        let written = std::fs::create_dir_all(folder).and_then(|()| {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&text)?;
            file.persist(path).map_err(|error| error.error)
        });
        drop(written);
    }

    /// What is known of a release.
    pub(super) fn of(&self, version: &str) -> Option<&Tried> {
        self.tried.iter().rfind(|tried| tried.version == version)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_is_remembered_for_the_same_search_alone() {
        let folder = tempfile::tempdir().unwrap();
        let open = |part: &str, forget| Memory::open(Some(folder.path()), &[part.as_bytes()], forget);
        let tried = Tried { version: "1.0".to_owned(), verdict: "good".to_owned(), ..Tried::default() };
        let mut memory = open("a", false);
        memory.keep(Tried { version: "2.0".to_owned(), kind: ERRORED.to_owned(), ..Tried::default() });
        memory.keep(tried.clone());
        assert!(memory.of("2.0").is_some() && open("a", false).of("2.0").is_none());
        assert_eq!(open("a", false).of("1.0"), Some(&tried));
        assert!(open("a", true).tried.is_empty() && open("b", false).tried.is_empty());
        let path = open("a", false).path.unwrap();
        std::fs::write(&path, "[{").unwrap();
        assert!(open("a", false).tried.is_empty());
    }
}
