//! Snapshots: what a block printed when somebody last looked at it and said that it was right.
//!
//! They are insta's `.snap` files, one a block, under `labs/<lesson>/snapshots/`; a new one is pending, `.snap.new`, until it is accepted.
//! This is what `outcome::judge` holds records against. Nothing here runs code, prints, or knows what a guide, a lab or a finding is.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

pub mod format;
pub mod matching;
pub mod name;
pub mod normalise;
pub mod store;

/// The output of one block, with what is known about where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// What is known about it.
    pub metadata: Metadata,
    /// The output. Kept as insta compares it: lines end in `\n` and nothing blank stands at the end.
    pub contents: String,
}

impl Snapshot {
    /// A snapshot of what a block printed, every normalisation applied.
    #[must_use]
    pub fn of(transcript: &str) -> Self {
        Self { metadata: Metadata::default(), contents: normalise::normalise(transcript) }
    }

    /// The same snapshot with this metadata.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }
}

/// What the head of a `.snap` file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// The path of the guide's file that the block stands in.
    pub source: Option<String>,
    /// The block's first line, from 1. Pending snapshots alone have it, so that an accepted one does not change when text moves above it.
    pub assertion_line: Option<u32>,
    /// A line for people.
    pub description: Option<String>,
    /// The code that gave the output.
    pub expression: Option<String>,
    /// Scalars by name: `environment`, [`Metadata::STABLE`] and whatever else the one who writes wants to remember.
    pub info: BTreeMap<String, String>,
    /// The path of a file that the output came from.
    pub input_file: Option<String>,
}

impl Metadata {
    /// The name in [`Metadata::info`] that says whether two runs gave the same output: `true` or `false`.
    pub const STABLE: &'static str = "stable";
    /// The name in [`Metadata::info`] of the lesson's number, by which people select it.
    pub const NUMBER: &'static str = "number";

    /// Whether two runs gave the same output; `None` where nobody looked.
    #[must_use]
    pub fn stable(&self) -> Option<bool> {
        match self.info.get(Self::STABLE)?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// What an accepted snapshot keeps: not the line, which moves, and not the mark of the two runs, which has done its work.
    #[must_use]
    pub fn accepted(&self) -> Self {
        let mut kept = self.clone();
        kept.assertion_line = None;
        kept.info.remove(Self::STABLE);
        kept
    }
}

/// Why a snapshot could not be read, written or accepted. Each message ends with what to do; whatever was stored before is still there.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A file that has the name of a snapshot and is none.
    #[error(
        "{path}:{line}: not a snapshot: {reason}; it is left as it is: restore it from version control, or delete it and accept the output again",
        path = .path.display()
    )]
    BadSnapshot {
        /// The file.
        path: PathBuf,
        /// The line at which it stops being one, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The file system refused.
    #[error("cannot {verb} {path}: {source}; {advice}", path = .path.display(), advice = advice(source))]
    Io {
        /// What was tried: `read`, `write`, `accept`, ...
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A pending snapshot whose output was not the same in two runs.
    #[error(
        "{lesson}, {key}: two runs did not give the same output, so it cannot be accepted; \
         make the example say the same every time (a fixed date, a seeded random, a sorted list), then run `proctor check` again"
    )]
    Unstable {
        /// The lesson's id.
        lesson: String,
        /// The block's key in it.
        key: String,
    },
    /// A pending snapshot that is not the one that was looked at.
    #[error("{path}: changed since it was read; nothing was accepted: look at it again with `proctor review`", path = .path.display())]
    Moved {
        /// The pending file.
        path: PathBuf,
    },
}

/// What to do about an error of the file system.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "nothing was changed: see who owns the file and its folder, and whether they may be written"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => "nothing was changed: make room on the disk, then try again",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists | io::ErrorKind::IsADirectory | io::ErrorKind::DirectoryNotEmpty => {
            "nothing was changed: something else has its name: move that away, then try again"
        }
        _ => "nothing was changed: put that right, then try again",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accepted_snapshot_forgets_what_moves() {
        let info = BTreeMap::from([("stable".to_owned(), "true".to_owned()), ("environment".to_owned(), "flask".to_owned())]);
        let pending = Metadata { assertion_line: Some(12), info, ..Metadata::default() };
        assert_eq!(pending.stable(), Some(true));
        let accepted = pending.accepted();
        assert_eq!((accepted.assertion_line, accepted.stable()), (None, None));
        assert_eq!(accepted.info.get("environment").map(String::as_str), Some("flask"));
    }

    #[test]
    fn every_error_says_where_and_what_to_do() {
        let full = SnapshotError::Io { verb: "write", path: "labs/a.snap.new".into(), source: io::ErrorKind::StorageFull.into() };
        assert_eq!(full.to_string(), "cannot write labs/a.snap.new: no storage space; nothing was changed: make room on the disk, then try again");
        let bad = SnapshotError::BadSnapshot { path: "labs/a.snap".into(), line: 3, reason: "it is empty".to_owned() };
        assert!(bad.to_string().starts_with("labs/a.snap:3: not a snapshot: it is empty; "), "{bad}");
    }
}
