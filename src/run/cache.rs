//! The result cache: what a job gave, kept by the hash of all that it depends on. Work not done is fastest.
//!
//! It lies in `results/` of Proctor's cache folder, a file a run, and may be deleted at any time. A file is written beside its place and renamed, so two
//! Proctors at once, or one that is killed, never leave half a result. What cannot be read or written is no error: the job is run instead.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::engine::{Ending, Job, Run, agent_source};

/// How many bytes the cache may take; the results that were not used for the longest time go first.
const BOUND: u64 = 256 << 20;

/// Runs by the hash of their jobs.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    /// What every job's result depends on beside the job: engine, environment, agent, Proctor.
    world: String,
}

impl Cache {
    /// The cache in `folder`, for jobs that run in this world: `engine` says where (its kind, and the Python of a local one), `lock` is the environment's hash.
    #[must_use]
    pub fn new(folder: &Path, engine: &str, lock: &str) -> Self {
        let agent = hex(&Sha256::digest(agent_source().as_ref() as &[u8]));
        Self { folder: folder.join("results"), world: format!("{}\n{engine}\n{lock}\n{agent}", env!("CARGO_PKG_VERSION")) }
    }

    fn path(&self, job: &Job) -> Option<PathBuf> {
        let job = serde_json::to_vec(job).ok()?;
        let mut hash = Sha256::new();
        hash.update(self.world.as_bytes());
        hash.update([0]);
        hash.update(job);
        let name = hex(&hash.finalize());
        Some(self.folder.join(&name[..2]).join(format!("{name}.json")))
    }

    /// What the job gave before, if it is known.
    #[must_use]
    pub fn find(&self, job: &Job) -> Option<Run> {
        let path = self.path(job)?;
        let run = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        // Used now: the last to be thrown away. Where that cannot be said, it is only thrown away earlier.
        let _ = std::fs::File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(run)
    }

    /// Keep what the job gave. A run that was ended by a limit is not kept: it may end otherwise on a quieter machine.
    pub fn keep(&self, job: &Job, run: &Run) {
        if run.ending != Ending::Finished {
            return;
        }
        let Some((path, text)) = self.path(job).zip(serde_json::to_vec(run).ok()) else { return };
        let Some(folder) = path.parent() else { return };
        let written = std::fs::create_dir_all(folder).and_then(|()| {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&text)?;
            file.persist(&path).map_err(|error| error.error)
        });
        // A full disk costs only the speed of the next run.
        drop(written);
    }

    /// Throw away the results that were not used for the longest time, until the rest fits.
    pub fn trim(&self) {
        self.trim_to(BOUND);
    }

    fn trim_to(&self, bound: u64) {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        let folders = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in folders.filter_map(|folder| std::fs::read_dir(folder.path()).ok()).flatten().flatten() {
            if let Ok(about) = entry.metadata()
                && let Ok(modified) = about.modified()
            {
                files.push((modified, about.len(), entry.path()));
            }
        }
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        files.sort();
        for (_, size, path) in files {
            if total <= bound {
                break;
            }
            if std::fs::remove_file(path).is_ok() {
                total -= size;
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::engine::protocol::{Action, JobStep};

    fn job(code: &str) -> Job {
        let action = Action::Python { module: "__main__".into(), file: None, filename: "a.md".into(), line: 1, code: code.into(), console: false };
        Job { steps: vec![JobStep { id: 1, action, needs: Vec::new(), judged: true }], ..Job::default() }
    }

    fn run(ending: Ending) -> Run {
        Run { records: Vec::new(), ending, python: "3.13.5".into() }
    }

    #[test]
    fn a_result_is_found_by_all_that_it_depends_on() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), "docker", "lock 1");
        cache.keep(&job("x"), &run(Ending::Finished));
        assert_eq!(cache.find(&job("x")), Some(run(Ending::Finished)));
        assert_eq!(cache.find(&job("y")), None);
        let mut longer = job("x");
        longer.limits.seconds += 1;
        assert_eq!(cache.find(&longer), None);
        assert_eq!(Cache::new(folder.path(), "docker", "lock 2").find(&job("x")), None);
        assert_eq!(Cache::new(folder.path(), "local", "lock 1").find(&job("x")), None);
    }

    #[test]
    fn limits_and_damage_are_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), "docker", "lock");
        cache.keep(&job("x"), &run(Ending::Timeout));
        assert_eq!(cache.find(&job("x")), None);
        cache.keep(&job("y"), &run(Ending::Finished));
        std::fs::write(cache.path(&job("y")).unwrap(), "{\"records\":").unwrap();
        assert_eq!(cache.find(&job("y")), None);
    }

    #[test]
    fn writers_and_readers_at_once_see_whole_results_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), "docker", "lock");
        let text = "x".repeat(1 << 20);
        let large = Run { python: text.clone(), ..run(Ending::Finished) };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..20).for_each(|_| cache.keep(&job("x"), &large)));
                scope.spawn(|| (0..200).filter_map(|_| cache.find(&job("x"))).for_each(|run| assert_eq!(run.python, text)));
                scope.spawn(|| (0..20).for_each(|_| cache.trim_to(0)));
            }
        });
        cache.keep(&job("x"), &large);
        assert!(cache.find(&job("x")).is_some());
    }

    #[test]
    fn what_a_crash_left_half_written_is_never_read_and_goes_in_its_turn() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), "docker", "lock");
        cache.keep(&job("x"), &run(Ending::Finished));
        let path = cache.path(&job("x")).unwrap();
        let half = path.with_file_name(".tmpabc");
        std::fs::rename(&path, &half).unwrap();
        assert_eq!(cache.find(&job("x")), None);
        cache.trim_to(0);
        assert!(!half.exists());
    }

    #[test]
    fn the_oldest_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), "docker", "lock");
        for code in ["a", "b"] {
            cache.keep(&job(code), &run(Ending::Finished));
        }
        let old = SystemTime::now() - std::time::Duration::from_secs(60);
        std::fs::File::options().append(true).open(cache.path(&job("a")).unwrap()).unwrap().set_modified(old).unwrap();
        let size = std::fs::metadata(cache.path(&job("b")).unwrap()).unwrap().len();
        cache.trim_to(size);
        assert_eq!((cache.find(&job("a")).is_some(), cache.find(&job("b")).is_some()), (false, true));
    }
}
