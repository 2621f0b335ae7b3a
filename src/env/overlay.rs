//! Copies a virtual environment without copying its files: they are linked, so that it takes milliseconds and no room. Whoever installs into the copy replaces
//! files and never writes into one, as pip does. It never follows a link.

use std::fs;
use std::io;
use std::path::Path;

/// Copies a virtual environment to a place that is not there yet. Programs that name their own folder name the new one.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        // What says that the other is complete says nothing of this one.
        if name != super::venv::MARKER {
            link(&entry.path(), &to.join(&name), (from, to))?;
        }
    }
    Ok(())
}

fn link(old: &Path, new: &Path, places: (&Path, &Path)) -> io::Result<()> {
    let about = fs::symlink_metadata(old)?;
    if about.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(old)?, new);
    }
    if about.is_dir() {
        fs::create_dir(new)?;
        return fs::read_dir(old)?.try_for_each(|entry| entry.and_then(|entry| link(&entry.path(), &new.join(entry.file_name()), places)));
    }
    let is_program = old.parent().is_some_and(|folder| folder == places.0.join("bin")) || old.file_name().is_some_and(|name| name == "pyvenv.cfg");
    if is_program && let Ok(text) = fs::read_to_string(old) {
        let [from, to] = [places.0, places.1].map(|place| place.display().to_string());
        fs::write(new, text.replace(&from, &to))?;
        return fs::set_permissions(new, about.permissions());
    }
    // Another file system, or one without links.
    fs::hard_link(old, new).or_else(|_| fs::copy(old, new).map(drop))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn programs_are_moved_and_everything_else_is_shared() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("deep/b"));
        fs::create_dir_all(from.join("bin")).unwrap();
        fs::create_dir_all(from.join("lib/flask")).unwrap();
        fs::write(from.join("lib/flask/app.py"), "x = 1\n").unwrap();
        fs::write(from.join("bin/flask"), format!("#!{}/bin/python\n", from.display())).unwrap();
        fs::set_permissions(from.join("bin/flask"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(from.join(super::super::venv::MARKER), "").unwrap();
        std::os::unix::fs::symlink("lib", from.join("lib64")).unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("bin/flask")).unwrap(), format!("#!{}/bin/python\n", to.display()));
        assert_eq!(fs::metadata(to.join("bin/flask")).unwrap().permissions().mode() & 0o777, 0o755);
        let inode = |root: &Path| fs::metadata(root.join("lib/flask/app.py")).unwrap().ino();
        assert_eq!(inode(&from), inode(&to));
        assert_eq!(fs::read_link(to.join("lib64")).unwrap(), Path::new("lib"));
        assert!(!to.join(super::super::venv::MARKER).exists());
    }
}
