//! Where snapshots are kept: `labs/<lesson>/snapshots/<key>.snap`, and `.snap.new` while one is pending. The only file of `snapshot` that touches the disk.
//!
//! A file is replaced whole or not at all: written beside its place, then renamed over it. Nothing that was stored is ever overwritten by what nobody
//! looked at, and a file that is not a snapshot is never overwritten at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::{NamedTempFile, TempPath};

use super::name::{decode, encode, lab_folder, split_variant};
use super::{Snapshot, SnapshotError, format};

/// The folder of a lab that holds its snapshots.
const FOLDER: &str = "snapshots";
/// How the name of an accepted snapshot ends.
const ACCEPTED: &str = ".snap";
/// How the name of a pending one ends.
const PENDING: &str = ".snap.new";
/// How the name of a file that is being written begins and ends.
const STAGED: (&str, &str) = (".proctor-", ".tmp");
/// How old such a file is when nobody can be writing it any more.
const ABANDONED: Duration = Duration::from_secs(600);

/// The snapshots of a course, below its `labs` folder.
#[derive(Debug, Clone)]
pub struct Store {
    labs: PathBuf,
}

/// A snapshot that waits to be accepted or rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The lesson's id.
    pub lesson: String,
    /// The block's key in the lesson.
    pub key: String,
    /// The pending file.
    pub path: PathBuf,
    /// What the block prints now.
    pub fresh: Snapshot,
    /// What was accepted before, if anything; for a variant that is new, what the lesson's own environment prints.
    pub old: Option<Snapshot>,
}

/// All that waits, and all that could not be read. One bad file never hides the others.
#[derive(Debug, Default)]
pub struct Waiting {
    /// By lesson, then in the order of the page.
    pub pending: Vec<Pending>,
    /// Snapshots, pending or accepted, that cannot be read; they are not offered for acceptance.
    pub unreadable: Vec<SnapshotError>,
}

impl Store {
    /// The store below this `labs` folder, which need not exist yet.
    #[must_use]
    pub fn new(labs: impl Into<PathBuf>) -> Self {
        Self { labs: labs.into() }
    }

    /// The file of a lesson's accepted snapshot.
    #[must_use]
    pub fn path(&self, lesson: &str, key: &str) -> PathBuf {
        self.folder(lesson).join(encode(key) + ACCEPTED)
    }

    fn pending_path(&self, lesson: &str, key: &str) -> PathBuf {
        self.folder(lesson).join(encode(key) + PENDING)
    }

    fn folder(&self, lesson: &str) -> PathBuf {
        lab_folder(&self.labs, lesson).join(FOLDER)
    }

    /// The accepted snapshot of a block, if there is one.
    ///
    /// # Errors
    /// If the file cannot be read, or is not a snapshot.
    pub fn load(&self, lesson: &str, key: &str) -> Result<Option<Snapshot>, SnapshotError> {
        read(&self.path(lesson, key))
    }

    /// The pending snapshot of a block, if there is one.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub fn load_pending(&self, lesson: &str, key: &str) -> Result<Option<Snapshot>, SnapshotError> {
        read(&self.pending_path(lesson, key))
    }

    /// Remember what a block prints now, to be looked at later. A pending snapshot of the same block gives way.
    ///
    /// # Errors
    /// If it cannot be written; an earlier pending one is then still whole.
    pub fn write_pending(&self, lesson: &str, key: &str, snapshot: &Snapshot) -> Result<PathBuf, SnapshotError> {
        let path = self.pending_path(lesson, key);
        replace(&path, &format::write(snapshot), "write")?;
        Ok(path)
    }

    /// Forget the pending snapshot of a block, if there is one: its output is the accepted one's again.
    ///
    /// # Errors
    /// If there is one and it cannot be deleted.
    pub fn forget_pending(&self, lesson: &str, key: &str) -> Result<(), SnapshotError> {
        delete(&self.pending_path(lesson, key))
    }

    /// Everything that waits, of every lesson.
    #[must_use]
    pub fn pending(&self) -> Waiting {
        let mut waiting = Waiting::default();
        for (folder, lesson) in self.folders(&mut waiting.unreadable) {
            for name in names(&folder, &mut waiting.unreadable) {
                let Some(stem) = name.strip_suffix(PENDING) else { continue };
                let path = folder.join(&name);
                match (read(&path), held(&folder.join(stem.to_owned() + ACCEPTED))) {
                    (Ok(Some(fresh)), Ok(old)) => waiting.pending.push(Pending { lesson: lesson.clone(), key: decode(stem), path, fresh, old }),
                    // It was accepted or rejected by somebody else just now.
                    (Ok(None), _) => {}
                    (fresh, old) => waiting.unreadable.extend([fresh, old].into_iter().filter_map(Result::err)),
                }
            }
        }
        let place = |pending: &Pending| (pending.lesson.clone(), pending.fresh.metadata.assertion_line, pending.key.clone());
        waiting.pending.sort_by_key(place);
        waiting
    }

    /// Make a pending snapshot the accepted one.
    ///
    /// # Errors
    /// If two runs did not give the same output, if either file is no longer what `pending` says, or if the disk refuses. The old one is then untouched.
    pub fn accept(&self, pending: &Pending) -> Result<(), SnapshotError> {
        if pending.fresh.metadata.stable() == Some(false) {
            return Err(SnapshotError::Unstable { lesson: pending.lesson.clone(), key: pending.key.clone() });
        }
        let accepted = accepted_path(&pending.path);
        // What is accepted is what was looked at, nothing that came in between.
        if read(&pending.path)?.as_ref() != Some(&pending.fresh) {
            return Err(SnapshotError::Moved { path: pending.path.clone() });
        }
        // A variant that is new was looked at beside the plain one, which may just have been accepted as well.
        if read(&accepted)? != pending.old && held(&accepted)? != pending.old {
            return Err(SnapshotError::Moved { path: accepted });
        }
        let kept = Snapshot { metadata: pending.fresh.metadata.accepted(), contents: pending.fresh.contents.clone() };
        replace(&accepted, &format::write(&kept), "accept")?;
        delete(&pending.path)
    }

    /// Throw a pending snapshot away.
    ///
    /// # Errors
    /// If it cannot be deleted.
    pub fn reject(&self, pending: &Pending) -> Result<(), SnapshotError> {
        delete(&pending.path)
    }

    /// The files of a lesson's snapshots, pending ones too, that belong to none of these keys, and variants that say what the plain one says.
    ///
    /// # Errors
    /// If the lesson's folder cannot be read.
    pub fn unreferenced<K: AsRef<str>>(&self, lesson: &str, keys: impl IntoIterator<Item = K>) -> Result<Vec<PathBuf>, SnapshotError> {
        let known: BTreeSet<String> = keys.into_iter().map(|key| encode(key.as_ref())).collect();
        let folder = self.folder(lesson);
        let mut errors = Vec::new();
        let names = names(&folder, &mut errors);
        if let Some(error) = errors.pop() {
            return Err(error);
        }
        let of_none = |stem: &str| !known.contains(&encode(split_variant(&decode(stem)).0));
        let stale = |name: &&String| {
            let stem = name.strip_suffix(PENDING).or_else(|| name.strip_suffix(ACCEPTED));
            stem.is_some_and(|stem| of_none(stem) || name.ends_with(ACCEPTED) && is_superfluous(&folder.join(name)))
        };
        Ok(names.iter().filter(stale).map(|name| folder.join(name)).collect())
    }

    /// The ids of all lessons that have snapshots, whether the guide still has the lesson or not.
    #[must_use]
    pub fn lessons(&self) -> Vec<String> {
        self.folders(&mut Vec::new()).into_values().collect()
    }

    /// Every folder of snapshots, with the id of its lesson. Links are not followed: they may lead in circles, and out of the course.
    fn folders(&self, errors: &mut Vec<SnapshotError>) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        let mut todo = vec![(self.labs.clone(), Vec::new())];
        while let Some((folder, parts)) = todo.pop() {
            for entry in entries(&folder, errors).into_iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name == FOLDER && !parts.is_empty() {
                    found.insert(entry.path(), parts.join("/"));
                }
                let inner = parts.iter().cloned().chain([decode(&name)]).collect();
                todo.push((entry.path(), inner));
            }
        }
        found
    }
}

/// `a.snap` for `a.snap.new`.
fn accepted_path(pending: &Path) -> PathBuf {
    pending.with_extension("")
}

/// The accepted snapshot of an environment that has none of its own: `a.snap` for `a@legacy.snap`.
fn plain_path(accepted: &Path) -> Option<PathBuf> {
    let key = decode(accepted.file_name()?.to_str()?.strip_suffix(ACCEPTED)?);
    let (plain, environment) = split_variant(&key);
    environment.map(|_| accepted.with_file_name(encode(plain) + ACCEPTED))
}

/// What an output is held against: the accepted snapshot, or, for a variant that is not there, the plain one.
fn held(accepted: &Path) -> Result<Option<Snapshot>, SnapshotError> {
    match (read(accepted)?, plain_path(accepted)) {
        (None, Some(plain)) => read(&plain),
        (own, _) => Ok(own),
    }
}

/// Whether a file is a variant that says just what the plain snapshot says.
fn is_superfluous(accepted: &Path) -> bool {
    let Some(plain) = plain_path(accepted) else { return false };
    matches!((read(accepted), read(&plain)), (Ok(Some(variant)), Ok(Some(plain))) if variant.contents == plain.contents)
}

fn io_error(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
    move |source| SnapshotError::Io { verb, path: path.to_owned(), source }
}

/// The snapshot in a file; `None` if there is no such file.
fn read(path: &Path) -> Result<Option<Snapshot>, SnapshotError> {
    let bad = |line, reason: String| SnapshotError::BadSnapshot { path: path.to_owned(), line, reason };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // A folder has nothing to read, and a named pipe would never end.
        Ok(kind) if !kind.is_file() => return Err(bad(1, "it is not a file".to_owned())),
        Ok(_) | Err(_) => {}
    }
    let bytes = fs::read(path).map_err(io_error("read", path))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|&&byte| byte == b'\n').count() + 1;
        bad(line, "it is not UTF-8".to_owned())
    })?;
    format::read(text).map(Some).map_err(|flaw| bad(flaw.line, flaw.reason))
}

fn delete(path: &Path) -> Result<(), SnapshotError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("delete", path)(error)),
        _ => Ok(()),
    }
}

/// Put `text` at `path`, whole or not at all.
fn replace(path: &Path, text: &str, verb: &'static str) -> Result<(), SnapshotError> {
    let staged = stage(path, text).map_err(io_error(verb, path))?;
    staged.persist(path).map_err(|error| io_error(verb, path)(error.error))
}

/// Write `text` beside `path`: all that can go wrong for want of room goes wrong here, where nothing is lost. What is staged is deleted if it is dropped.
fn stage(path: &Path, text: &str) -> io::Result<TempPath> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    sweep(folder, ABANDONED);
    let mut builder = tempfile::Builder::new();
    builder.prefix(STAGED.0).suffix(STAGED.1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Temporary files are private; a snapshot is as public as the umask lets every other file be.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file: NamedTempFile = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file.into_temp_path())
}

/// Delete what a Proctor that was killed had staged here. What is younger than `age` may be another's that is at work; what cannot be deleted does no harm.
fn sweep(folder: &Path, age: Duration) {
    for entry in entries(folder, &mut Vec::new()) {
        let name = entry.file_name();
        let staged = name.to_str().is_some_and(|name| name.starts_with(STAGED.0) && name.ends_with(STAGED.1));
        let old = || entry.metadata().and_then(|metadata| metadata.modified()).is_ok_and(|time| time.elapsed().is_ok_and(|elapsed| elapsed >= age));
        if staged && old() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// What stands in a folder; a folder that is not there is empty.
fn entries(folder: &Path, errors: &mut Vec<SnapshotError>) -> Vec<fs::DirEntry> {
    let listed = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    listed.unwrap_or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            errors.push(io_error("read", folder)(error));
        }
        Vec::new()
    })
}

/// The names of what stands in a folder, sorted.
fn names(folder: &Path, errors: &mut Vec<SnapshotError>) -> BTreeSet<String> {
    entries(folder, errors).iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests;
