//! Tells which files change: the system says so, or, where it does not, they are looked at again and again. Folders are watched, not files, since most
//! editors put a new file in the old one's place; and only those that hold a guide or its labs, since a repository holds much else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ignore::WalkBuilder;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{sleep, timeout};

use super::How;
use super::touched::matters;
use crate::cli::course::Course;
use crate::env::{Environment, Origin};

/// How long nothing changes before a save is taken to be whole.
const QUIET: Duration = Duration::from_millis(30);
/// How often files are looked at.
const EVERY: Duration = Duration::from_millis(300);

/// The files of a course, watched.
#[derive(Debug)]
pub(super) struct Changes {
    folders: BTreeSet<PathBuf>,
    by: By,
    told: UnboundedReceiver<PathBuf>,
}

#[derive(Debug)]
enum By {
    /// The system tells of every change.
    Telling(RecommendedWatcher),
    /// Every file, as it was when it was last looked at. Ours and not notify's own: that one counts in whole seconds, so that the second of two quick saves
    /// is lost, as is a file that is put back with the time it had.
    Looking(BTreeMap<PathBuf, Stamp>),
}

/// When a file was changed, and how long it is.
type Stamp = (SystemTime, u64);

impl Changes {
    /// Watch the files of a course, one way or the other.
    pub(super) fn of(how: How, course: &Course, environment: &Environment) -> Self {
        let (sender, told) = unbounded_channel();
        let folders = folders(course, environment);
        let by = match how {
            How::Auto if !folders.iter().any(|folder| is_shared(folder)) => {
                watcher(sender).ok().and_then(|mut watcher| folders.iter().try_for_each(|folder| watch(&mut watcher, folder)).ok().map(|()| watcher))
            }
            _ => None,
        };
        let by = by.map_or_else(|| By::Looking(look(&folders)), By::Telling);
        Self { folders, by, told }
    }

    /// Whether files are looked at again and again.
    pub(super) fn looks(&self) -> bool {
        matches!(self.by, By::Looking(_))
    }

    /// Watch the folders that the course has now. Says whether there are new ones: what was written to them before was not told.
    pub(super) fn follow(&mut self, course: &Course, environment: &Environment) -> bool {
        let folders = folders(course, environment);
        let new: Vec<PathBuf> = folders.difference(&self.folders).cloned().collect();
        if let By::Telling(watcher) = &mut self.by {
            for gone in self.folders.difference(&folders) {
                // It may have been deleted, which ends its watch as well.
                let _ = watcher.unwatch(gone);
            }
            if new.iter().any(|folder| watch(watcher, folder).is_err()) {
                self.by = By::Looking(look(&folders));
            }
        }
        self.folders = folders;
        !new.is_empty()
    }

    /// The paths that changed since the last call, once they stay as they are. Waits until there are some.
    pub(super) async fn next(&mut self) -> BTreeSet<PathBuf> {
        let mut changed = BTreeSet::new();
        if let By::Looking(known) = &mut self.by {
            loop {
                sleep(if changed.is_empty() { EVERY } else { QUIET }).await;
                let now = look(&self.folders);
                let more = differing(known, &now);
                *known = now;
                if more.is_empty() && !changed.is_empty() {
                    return changed;
                }
                changed.extend(more);
            }
        }
        while let Some(path) = if changed.is_empty() { self.told.recv().await } else { timeout(QUIET, self.told.recv()).await.unwrap_or(None) } {
            changed.insert(path);
        }
        changed
    }
}

fn watcher(sender: UnboundedSender<PathBuf>) -> notify::Result<RecommendedWatcher> {
    notify::recommended_watcher(move |event: notify::Result<Event>| {
        let Ok(event) = event else { return };
        // We read every page ourselves; a look is no change.
        if !matches!(event.kind, EventKind::Access(_)) {
            event.paths.into_iter().filter(|path| matters(path)).for_each(|path| sender.send(path).unwrap_or_default());
        }
    })
}

fn watch(watcher: &mut RecommendedWatcher, folder: &Path) -> notify::Result<()> {
    match watcher.watch(folder, RecursiveMode::NonRecursive) {
        // It went away between the walk and now; that is told by the folder above it.
        Err(error) if matches!(error.kind, notify::ErrorKind::PathNotFound) => Ok(()),
        ended => ended,
    }
}

/// The folders that hold what a course is made of.
fn folders(course: &Course, environment: &Environment) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::from([course.config.root.clone()]);
    for path in course.guides.iter().chain([&course.config.labs()]) {
        if path.is_dir() {
            let is_folder = |entry: &ignore::DirEntry| entry.file_type().is_some_and(|kind| kind.is_dir());
            let is_ours = |entry: &ignore::DirEntry| entry.depth() == 0 || !matches!(entry.file_name().to_str(), Some("node_modules" | "__pycache__"));
            let walk = WalkBuilder::new(path).parents(false).git_global(false).git_exclude(false).filter_entry(is_ours).build();
            folders.extend(walk.flatten().filter(is_folder).map(ignore::DirEntry::into_path));
        } else {
            folders.extend(path.parent().map(Path::to_path_buf));
        }
    }
    if let Origin::File(path) = environment.origin() {
        folders.extend(std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_path_buf)));
    }
    // A folder of labs that does not exist yet is told by the one above it.
    folders.retain(|folder| folder.is_dir());
    folders
}

/// Every file of the folders, as it is now.
fn look(folders: &BTreeSet<PathBuf>) -> BTreeMap<PathBuf, Stamp> {
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten().map(|entry| entry.path());
    let stamp = |path: PathBuf| {
        let about = path.metadata().ok()?;
        // A folder's time changes with whatever is written into it, and its length means nothing.
        let stamp = if about.is_dir() { (SystemTime::UNIX_EPOCH, 0) } else { (about.modified().ok()?, about.len()) };
        Some((path, stamp))
    };
    entries.filter(|path| matters(path)).filter_map(stamp).collect()
}

/// The paths that are not in both as they are in the other.
fn differing(old: &BTreeMap<PathBuf, Stamp>, new: &BTreeMap<PathBuf, Stamp>) -> Vec<PathBuf> {
    let changed = new.iter().filter(|(path, stamp)| old.get(*path) != Some(stamp)).map(|(path, _)| path);
    changed.chain(old.keys().filter(|path| !new.contains_key(*path))).cloned().collect()
}

/// Whether a folder may be written to by another machine, of which the system tells nothing: a network's, or a virtual machine's.
#[cfg(target_os = "linux")]
fn is_shared(folder: &Path) -> bool {
    /// NFS, SMB, CIFS, SMB2, FUSE (as virtual machines share folders), 9P, VirtualBox, VMware, AFS, Ceph.
    const SHARED: [u32; 10] = [0x6969, 0x517B, 0xFF53_4D42, 0xFE53_4D42, 0x6573_5546, 0x0102_1997, 0x786F_4256, 0xBACB_ACBC, 0x5346_414F, 0x00C3_6400];
    // The field's type differs between machines; the number does not.
    rustix::fs::statfs(folder).is_ok_and(|about| u32::try_from(about.f_type & 0xFFFF_FFFF).is_ok_and(|kind| SHARED.contains(&kind)))
}

/// Elsewhere nobody knows; `--watch=poll` says so.
#[cfg(not(target_os = "linux"))]
fn is_shared(_: &Path) -> bool {
    false
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::cli::course::find;

    async fn told(how: How) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("content")).unwrap();
        std::fs::write(root.join("content/a.md"), "# A\n").unwrap();
        std::fs::write(root.join("proctor.toml"), "").unwrap();
        let course = find(&[root.join("content").display().to_string()]).unwrap();
        let environment = Environment::find("flask", None).unwrap();
        let mut changes = Changes::of(how, &course, &environment);
        assert_eq!(changes.looks(), how == How::Poll);
        std::fs::write(root.join("content/.hidden.swp"), "").unwrap();
        std::fs::write(root.join("content/a.md"), "# B\n").unwrap();
        assert_eq!(changes.next().await, BTreeSet::from([root.join("content/a.md")]));
        // A folder that is new is told, and from then on watched.
        std::fs::create_dir(root.join("content/more")).unwrap();
        assert_eq!(changes.next().await, BTreeSet::from([root.join("content/more")]));
        assert!(changes.follow(&course, &environment) && !changes.follow(&course, &environment));
        std::fs::write(root.join("content/more/b.md"), "# B\n").unwrap();
        assert_eq!(changes.next().await, BTreeSet::from([root.join("content/more/b.md")]));
        // Put in its place, as editors do, with the time that another file has.
        std::fs::rename(root.join("content/more/b.md"), root.join("content/a.md")).unwrap();
        assert_eq!(changes.next().await, BTreeSet::from([root.join("content/a.md"), root.join("content/more/b.md")]));
    }

    #[tokio::test]
    async fn every_change_is_told_whichever_way() {
        told(How::Auto).await;
        told(How::Poll).await;
    }
}
