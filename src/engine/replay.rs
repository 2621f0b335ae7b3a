//! The replay engine: hands back runs that were recorded before. For tests, and for judging a run again.
//!
//! Part of the arrow `Job --engine::run--> Run | EngineError`. It must never run anything.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::EngineError;
use super::protocol::{Job, Run};

/// Recorded runs, by the key of their job.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replay {
    runs: BTreeMap<String, Run>,
}

/// The key of a job: a hash of all that it is made of.
#[must_use]
pub fn key(job: &Job) -> String {
    // A job is plain data with sorted maps, so that its text is always the same; it cannot fail to be written.
    let text = serde_json::to_vec(job).unwrap_or_default();
    Sha256::digest(&text).iter().fold(String::with_capacity(64), |mut key, byte| {
        // Writing to a string cannot fail.
        let _ = write!(key, "{byte:02x}");
        key
    })
}

impl Replay {
    /// Reads a store: a JSON file of runs by key, or a directory with one file `KEY.json` a run.
    pub fn load(store: &Path) -> Result<Self, EngineError> {
        if !store.is_dir() {
            return Ok(Self { runs: parse(store)? });
        }
        let entries = std::fs::read_dir(store).map_err(|source| reading(store, source))?;
        let mut runs = BTreeMap::new();
        for entry in entries {
            let path = entry.map_err(|source| reading(store, source))?.path();
            if path.extension().is_some_and(|extension| extension == "json")
                && let Some(key) = path.file_stem().and_then(|stem| stem.to_str())
            {
                runs.insert(key.to_owned(), parse(&path)?);
            }
        }
        Ok(Self { runs })
    }

    /// Adds a run.
    pub fn insert(&mut self, job: &Job, run: Run) {
        self.runs.insert(key(job), run);
    }

    /// The recorded run of a job.
    pub fn run(&self, job: &Job) -> Result<Run, EngineError> {
        let key = key(job);
        self.runs.get(&key).cloned().ok_or_else(|| EngineError::Unavailable(format!("no run of job {key} is recorded; record it with another engine")))
    }
}

/// Writes runs to a directory that [`Replay::load`] reads.
#[derive(Debug, Clone)]
pub struct Recorder {
    store: PathBuf,
}

impl Recorder {
    /// Records to a directory, which is made if need be.
    pub fn new(store: PathBuf) -> Result<Self, EngineError> {
        std::fs::create_dir_all(&store).map_err(|source| writing(&store, source))?;
        Ok(Self { store })
    }

    /// Records a run.
    pub fn record(&self, job: &Job, run: &Run) -> Result<(), EngineError> {
        let path = self.store.join(format!("{}.json", key(job)));
        let text = serde_json::to_vec_pretty(run).map_err(|error| writing(&path, error.into()))?;
        std::fs::write(&path, text).map_err(|source| writing(&path, source))
    }
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, EngineError> {
    let text = std::fs::read(path).map_err(|source| reading(path, source))?;
    serde_json::from_slice(&text).map_err(|error| reading(path, error.into()))
}

fn reading(path: &Path, source: std::io::Error) -> EngineError {
    EngineError::Io { doing: format!("could not read recorded runs from {}", path.display()), source }
}

fn writing(path: &Path, source: std::io::Error) -> EngineError {
    EngineError::Io { doing: format!("could not record a run to {}", path.display()), source }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::protocol::{Ending, Limits};
    use super::*;

    fn job(seconds: u32) -> Job {
        Job { limits: Limits { seconds, ..Limits::default() }, ..Job::default() }
    }

    fn run(python: &str) -> Run {
        Run { records: Vec::new(), ending: Ending::Signal { signal: 9 }, python: python.to_owned() }
    }

    #[test]
    fn what_was_recorded_is_replayed() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::new(folder.path().join("runs")).unwrap();
        recorder.record(&job(1), &run("3.13.0")).unwrap();
        recorder.record(&job(2), &run("3.12.0")).unwrap();
        let replay = Replay::load(&folder.path().join("runs")).unwrap();
        assert_eq!(replay.run(&job(1)).unwrap(), run("3.13.0"));
        assert_eq!(replay.run(&job(2)).unwrap(), run("3.12.0"));
        let missing = replay.run(&job(3)).unwrap_err().to_string();
        assert!(missing.contains(&key(&job(3))), "{missing}");
    }

    #[test]
    fn a_single_file_holds_runs_by_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.json");
        std::fs::write(&path, serde_json::to_vec(&BTreeMap::from([(key(&job(1)), run("3.11.0"))])).unwrap()).unwrap();
        assert_eq!(Replay::load(&path).unwrap().run(&job(1)).unwrap(), run("3.11.0"));
        std::fs::write(&path, "{").unwrap();
        assert!(Replay::load(&path).unwrap_err().to_string().contains("runs.json"));
    }
}
