//! Puts files where they belong: all of them or none, and never over a file that is there.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why nothing was written. Each message is in lower case and says what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlaceError {
    /// Files are in the way.
    #[error("{shown} {} there already: name another folder with --into, or move {} away", if *more { "are" } else { "is" }, if *more { "them" } else { "it" })]
    Taken {
        /// The first of them.
        shown: String,
        /// Whether there are several.
        more: bool,
    },
    /// The disk, or who owns it, does not let us.
    #[error("cannot write to {path}: {source}; nothing was written")]
    Unwritable {
        /// Where.
        path: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

/// Write files, by their paths in `folder`, which is made if it is not there.
///
/// # Errors
/// If a file is in the way or nothing can be written there. Then everything is as it was.
pub(super) fn write(folder: &Path, files: &BTreeMap<String, String>) -> Result<(), PlaceError> {
    let failed = |source| PlaceError::Unwritable { path: folder.display().to_string(), source };
    if folder.symlink_metadata().is_ok() && !folder.is_dir() {
        return Err(PlaceError::Taken { shown: folder.display().to_string(), more: false });
    }
    let taken: Vec<&str> = files.keys().filter(|path| is_taken(folder, path)).map(String::as_str).collect();
    if !taken.is_empty() {
        let shown: Vec<String> = taken.iter().take(3).map(|path| folder.join(path).display().to_string()).collect();
        let more = taken.len().saturating_sub(shown.len());
        let rest = if more > 0 { format!(" and {more} more files") } else { String::new() };
        return Err(PlaceError::Taken { more: taken.len() > 1, shown: format!("{}{rest}", shown.join(", ")) });
    }
    let above = std::path::absolute(folder).map_err(failed)?;
    let near = if folder.is_dir() { above.clone() } else { above.parent().unwrap_or(&above).to_path_buf() };
    fs::create_dir_all(&near).map_err(failed)?;
    // In the same folder, so that what is written is only renamed into its place.
    let temporary = tempfile::Builder::new().prefix(".proctor-import-").tempdir_in(&near).map_err(failed)?;
    // The temporary folder itself is for our eyes alone; what is moved must not be.
    let tree = temporary.path().join("tree");
    for (path, text) in files {
        let path = tree.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&tree)).and_then(|()| fs::write(&path, text)).map_err(failed)?;
    }
    if !folder.is_dir() {
        return fs::rename(&tree, &above).map_err(failed);
    }
    let mut moved = Vec::new();
    transfer(&tree, &above, &mut moved).map_err(|error| {
        for (from, to) in moved.iter().rev() {
            // What cannot be taken back was ours all the same.
            let _ = fs::rename(to, from);
        }
        failed(error)
    })
}

/// Whether something is in the way of a file: the file itself, or a file where one of its folders has to be.
fn is_taken(folder: &Path, path: &str) -> bool {
    let path = folder.join(path);
    path.symlink_metadata().is_ok()
        || path.ancestors().skip(1).take_while(|above| above.starts_with(folder)).any(|above| above.symlink_metadata().is_ok() && !above.is_dir())
}

/// Move what is in a folder into another: whole folders where there are none of that name. What was moved is added to `moved`.
fn transfer(from: &Path, to: &Path, moved: &mut Vec<(PathBuf, PathBuf)>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(from)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for entry in entries {
        let target = to.join(entry.file_name().unwrap_or_default());
        if target.is_dir() {
            transfer(&entry, &target, moved)?;
        } else if target.symlink_metadata().is_ok() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} appeared meanwhile", target.display())));
        } else {
            fs::rename(&entry, &target)?;
            moved.push((entry, target));
        }
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn files(paths: &[&str]) -> BTreeMap<String, String> {
        paths.iter().map(|path| ((*path).to_owned(), format!("{path}\n"))).collect()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_folder_appears_whole() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("deep/new");
        write(&folder, &files(&["content/a.md", "proctor.toml"])).unwrap();
        assert_eq!(fs::read_to_string(folder.join("content/a.md")).unwrap(), "content/a.md\n");
        assert_eq!(names(root.path().join("deep").as_path()), ["new"]);
    }

    #[test]
    fn what_is_there_stays_and_is_never_written_over() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("labs/x")).unwrap();
        write(root.path(), &files(&["labs/y/lab.toml", "content/a.md"])).unwrap();
        assert_eq!(names(root.path()), ["content", "labs"]);
        let error = write(root.path(), &files(&["content/a.md", "content/b.md"])).unwrap_err().to_string();
        assert!(error.ends_with("content/a.md is there already: name another folder with --into, or move it away"), "{error}");
        assert_eq!(names(&root.path().join("content")), ["a.md"]);
        fs::write(root.path().join("other"), "").unwrap();
        assert!(matches!(write(root.path(), &files(&["other/a.md"])), Err(PlaceError::Taken { .. })));
        assert!(matches!(write(&root.path().join("other"), &files(&["a.md"])), Err(PlaceError::Taken { .. })));
        assert_eq!(names(root.path()), ["content", "labs", "other"]);
    }

    #[test]
    fn what_fails_halfway_is_taken_back() {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        fs::create_dir_all(from.join("b")).unwrap();
        fs::create_dir_all(&to).unwrap();
        fs::write(from.join("a"), "").unwrap();
        fs::write(to.join("b"), "").unwrap();
        let mut moved = Vec::new();
        assert!(transfer(&from, &to, &mut moved).is_err());
        assert_eq!(moved, [(from.join("a"), to.join("a"))]);
    }
}
