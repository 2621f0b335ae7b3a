//! The pages below a folder, in the order of their paths.
//!
//! Hidden files, what `.gitignore` names and what tools build are no pages. Symbolic links to folders are not followed, so no walk goes round in circles.

use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use super::{Format, SUMMARY};
use crate::guide::Guide;

/// Folders that tools make, or that hold other people's pages.
const BUILT: &[&str] = &["_build", "_site", "build", "dist", "env", "node_modules", "public", "site-packages", "target", "vendor", "venv", "__pycache__"];

/// Files that are written for those who work on the guide, not for its readers.
const NOT_LESSONS: &[&str] =
    &["authors", "changelog", "changes", "code_of_conduct", "contributing", "contributors", "copying", "history", "license", "licence", "notice", "security"];

/// Text files that are lists for machines.
const LISTS: &[&str] = &["requirements", "constraints", "robots", "cmakelists", "sources", "top_level"];

/// Every file below `folder` that ends like a page.
pub(super) fn pages(folder: &Path) -> Vec<PathBuf> {
    let walk = WalkBuilder::new(folder).parents(false).git_global(false).git_exclude(false).follow_links(false).filter_entry(is_source).build();
    let files = walk.flatten().filter(|entry| entry.depth() > 0 && entry.file_type().is_some_and(|kind| !kind.is_dir())).map(DirEntry::into_path);
    let mut pages: Vec<PathBuf> = files.filter(|path| Format::of(path).is_some() && !is_named(path, NOT_LESSONS) && path.is_file()).collect();
    pages.sort();
    pages
}

/// Whether a folder is written by hand, as far as its name tells.
fn is_source(entry: &DirEntry) -> bool {
    let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
    let name = entry.file_name().to_string_lossy();
    let is_book = || name == "book" && entry.path().parent().is_some_and(|parent| parent.join("book.toml").is_file());
    entry.depth() == 0 || !is_folder || !BUILT.contains(&name.as_ref()) && !is_book()
}

/// Whether the file's name up to its first full stop is one of `names`, in either case.
fn is_named(path: &Path, names: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let stem = name.split('.').next().unwrap_or("");
    names.iter().any(|other| stem == *other || stem.strip_prefix(other).is_some_and(|rest| rest.starts_with(['-', '_'])))
}

/// Whether a table of contents should name the file.
pub(super) fn must_be_listed(path: &Path) -> bool {
    let is_page = matches!(Format::of(path), Some(Format::Markdown | Format::Rst | Format::Notebook));
    is_page && path.file_name().is_some_and(|name| name != SUMMARY) && !is_named(path, &["readme"])
}

/// Whether a file of a folder without a table of contents is a page. Markdown, reStructuredText and notebooks are. Plain text and HTML are written for much else:
/// they are pages if a reader would find code with prose around it, or several numbered lessons, and if they are no list for machines.
pub(super) fn is_page(path: &Path, guide: &Guide) -> bool {
    match Format::of(path) {
        Some(Format::Text | Format::Html) => {
            let has_code = guide.lessons().any(|lesson| !lesson.blocks.is_empty() && !lesson.prose.is_empty());
            let has_lessons = guide.lessons().filter(|lesson| lesson.number.is_some()).count() > 1;
            !is_named(path, LISTS) && (has_code || has_lessons)
        }
        Some(_) => true,
        None => false,
    }
}
