//! Replaces a file of the course's own, whole or not at all: written beside its place, then renamed over it. Never overwrites what somebody else wrote meanwhile.

use std::io::{self, Write as _};
use std::path::Path;

use super::{Failure, usage};

/// Put `new` in the place of a file that was read as `old`; `None` if there was none.
///
/// # Errors
/// If it is not what it was any more, or cannot be written; then it is as it was.
pub(super) fn rewrite(path: &Path, old: Option<&[u8]>, new: &[u8]) -> Result<(), Failure> {
    let failed = |error: io::Error| usage(format!("cannot write {}: {error}; nothing of it was changed", path.display()));
    // Where a link leads, not in the link's place.
    let place = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let is_now = match std::fs::read(&place) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    if is_now.as_deref() != old {
        return Err(usage(format!("{} was changed by somebody else meanwhile; nothing of it was written: run the command again", path.display())));
    }
    if old.is_some() {
        // A rename would pass over what a file's own permissions say.
        std::fs::OpenOptions::new().append(true).open(&place).map_err(failed)?;
    }
    let write = || {
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".proctor-").suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(new)?;
        if let Ok(about) = std::fs::metadata(&place) {
            file.as_file().set_permissions(about.permissions())?;
        }
        file.as_file().sync_all()?;
        file.persist(&place).map_err(|error| error.error)?;
        io::Result::Ok(())
    };
    write().map_err(failed)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_wrote_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.md");
        rewrite(&path, None, b"one").unwrap();
        rewrite(&path, Some(b"one"), b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        for old in [None, Some(&b"one"[..])] {
            let error = rewrite(&path, old, b"three").unwrap_err();
            assert!(error.message.contains("meanwhile"), "{error}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_and_the_permissions_stay_what_they_are() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.md"), folder.path().join("b.md"));
        std::fs::write(&path, "one").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        rewrite(&link, Some(b"one"), b"two").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    }
}
