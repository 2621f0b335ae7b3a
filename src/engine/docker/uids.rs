//! User ids for labs: each lab has one of its own, and no two running workers share a range.
//!
//! Part of the arrow `Job --engine::run--> Run | EngineError`. The kernel counts a user's processes across containers, so that two labs with the same
//! id would take each other's share. A range is held by a lock on a file, which the kernel gives back however a process ends.

use std::fs::{File, OpenOptions, create_dir_all};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::EngineError;

/// Ids that no distribution gives to anybody.
const FIRST: u32 = 10_000;
/// How many ids a range has. A worker that has used them up takes another range.
const SIZE: u32 = 100;
/// How many ranges there are, up to 59999.
const RANGES: u32 = 500;

/// A range of user ids, ours until it is dropped.
#[derive(Debug)]
pub(super) struct UidRange {
    index: u32,
    _lock: File,
}

impl UidRange {
    /// Takes a range that nobody holds. Where another user's Proctor runs on the same machine their locks are not seen, so that the search starts anywhere.
    pub(super) fn take() -> Result<Self, EngineError> {
        // A cache that cannot be written, as on a full disk, keeps no lab from being run.
        Self::take_in(&folder()).or_else(|error| match error {
            EngineError::Io { .. } => Self::take_in(&temporary()).map_err(|_| error),
            other => Err(other),
        })
    }

    fn take_in(folder: &Path) -> Result<Self, EngineError> {
        let failed = |source| EngineError::Io { doing: format!("could not lock a range of user ids in {}", folder.display()), source };
        create_dir_all(folder).map_err(failed)?;
        let start = std::process::id().wrapping_mul(97);
        for step in 0..RANGES {
            let index = start.wrapping_add(step) % RANGES;
            // Never truncated: the file may be anything by that name.
            let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(index.to_string())).map_err(failed)?;
            if lock.try_lock().is_ok() {
                return Ok(Self { index, _lock: lock });
            }
        }
        Err(EngineError::Unavailable(format!("all {RANGES} ranges of user ids are taken; end some of the other proctors on this machine")))
    }

    /// The first and the last id.
    pub(super) fn ends(&self) -> (u32, u32) {
        let first = FIRST + self.index * SIZE;
        (first, first + SIZE - 1)
    }
}

/// User ids for the jobs of one worker, each given once. Its ranges stay taken while anybody holds on to it: as long as the worker's container is there.
#[derive(Debug, Clone)]
pub(crate) struct Uids(Arc<Mutex<Given>>);

#[derive(Debug)]
struct Given {
    ranges: Vec<UidRange>,
    next: u32,
    left: u32,
}

impl Uids {
    /// Ids of a range that nobody holds.
    pub(super) fn take() -> Result<Self, EngineError> {
        let mut given = Given { ranges: Vec::new(), next: 0, left: 0 };
        given.add()?;
        Ok(Self(Arc::new(Mutex::new(given))))
    }

    /// Whether there is another: if need be, of a further range.
    pub(crate) fn has_more(&self) -> bool {
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        given.left > 0 || given.add().is_ok()
    }

    /// The next id; `None` once every range of this machine is taken.
    pub(crate) fn next(&self) -> Option<u32> {
        if !self.has_more() {
            return None;
        }
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = given.next;
        given.next += 1;
        given.left -= 1;
        Some(id)
    }
}

impl Given {
    fn add(&mut self) -> Result<(), EngineError> {
        let range = UidRange::take()?;
        let (first, last) = range.ends();
        (self.next, self.left) = (first, last - first + 1);
        self.ranges.push(range);
        Ok(())
    }
}

/// Proctor's cache folder, where the locks may stay; the system's temporary one for a user without a home.
fn folder() -> PathBuf {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    match cache {
        Some(cache) => cache.join("proctor").join("uids"),
        None => temporary(),
    }
}

fn temporary() -> PathBuf {
    std::env::temp_dir().join(format!("proctor-uids-{}", rustix::process::getuid().as_raw()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_disjoint_and_come_back() {
        let ranges: Vec<_> = (0..20).map(|_| UidRange::take().unwrap()).collect();
        let mut ends: Vec<_> = ranges.iter().map(UidRange::ends).collect();
        ends.sort_unstable();
        assert!(ends.windows(2).all(|pair| pair[0].1 < pair[1].0), "{ends:?}");
        assert!(ends.iter().all(|(first, last)| (10_000..60_000).contains(first) && last - first == 99 && *last < 60_000));
        let first = ranges[0].ends();
        drop(ranges);
        assert_eq!(UidRange::take().unwrap().ends(), first);
    }

    #[test]
    fn a_worker_takes_range_after_range_and_no_id_twice() {
        let (one, other) = (Uids::take().unwrap(), Uids::take().unwrap());
        let mut ids: Vec<u32> = (0..250).flat_map(|_| [one.next().unwrap(), other.next().unwrap()]).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 500);
    }
}
