//! Writes pages: each beside itself and then in its own place, so that none is ever half-written. Nothing is written unless everything can be.

use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::rounds::Page;
use crate::cli::usage;
use crate::maintain::patch::bytes;
use crate::source::Source;

/// Write every page, or none if one has changed since it was read or may not be written.
pub(super) fn all(pages: &[Page]) -> anyhow::Result<()> {
    let ready = pages.iter().map(prepared).collect::<anyhow::Result<Vec<_>>>()?;
    for (path, file) in ready {
        file.persist(&path).map_err(|error| usage(format!("{} cannot be replaced: {}", path.display(), error.error)))?;
    }
    Ok(())
}

/// The new file of a page, beside it, with its permissions.
fn prepared(page: &Page) -> anyhow::Result<(PathBuf, NamedTempFile)> {
    let shown = &page.path;
    let cannot = |what: &str, error: &std::io::Error| usage(format!("{shown} {what}: {error}; nothing was written"));
    // What a link points to is written, not the link.
    let path = Path::new(shown).canonicalize().map_err(|error| cannot("cannot be found any more", &error))?;
    let stored = std::fs::read(&path).map_err(|error| cannot("cannot be read", &error))?;
    let permissions = std::fs::metadata(&path).map_err(|error| cannot("cannot be read", &error))?.permissions();
    if permissions.readonly() {
        return Err(usage(format!("{shown} is read-only; nothing was written: allow it to be written, or use the diff")).into());
    }
    let notebook = shown.ends_with(".ipynb");
    let now = if notebook { String::from_utf8_lossy(&stored).into_owned() } else { Source::from_bytes(shown.as_str(), &stored).text().to_owned() };
    if now != page.before {
        return Err(usage(format!("{shown} has changed since it was read; nothing was written: run `proctor fix` again")).into());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder).map_err(|error| cannot("cannot be written beside itself", &error))?;
    let new = if notebook { page.after.clone().into_bytes() } else { bytes(&stored, &page.before, &page.after) };
    file.write_all(&new)
        .and_then(|()| file.as_file().set_permissions(permissions))
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| cannot("cannot be written", &error))?;
    Ok((path, file))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_changed_meanwhile_keeps_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.md");
        std::fs::write(&path, "one\r\ntwo\r\n").unwrap();
        let page = |before: &str| Page { path: path.display().to_string(), before: before.to_owned(), after: "one\nthree\n".to_owned(), edits: Vec::new() };
        let error = all(&[page("one\n")]).unwrap_err();
        assert!(error.to_string().contains("has changed since it was read"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\r\ntwo\r\n");
        all(&[page("one\ntwo\n")]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\r\nthree\r\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
