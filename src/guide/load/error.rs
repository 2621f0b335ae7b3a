//! Why there is no guide to read. What is wrong *in* a guide is a finding, never one of these.

use std::path::Path;

use crate::guide::nearest::near;
use crate::source::display_path;

/// Why a guide cannot be loaded, or a lesson of it not be found. Each message says what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Nothing is at the path.
    #[error("{path} does not exist{help}")]
    Missing {
        /// The path.
        path: String,
        /// The nearest names that do exist, as the end of the sentence.
        help: String,
    },
    /// The path may not be opened.
    #[error("{path} may not be read: give yourself permission, or run as somebody who has it")]
    Denied {
        /// The path.
        path: String,
    },
    /// Symbolic links lead in a circle.
    #[error("{path} is a symbolic link that leads back to itself: remove it")]
    Loop {
        /// The path.
        path: String,
    },
    /// The path is neither a plain file nor a folder.
    #[error("{path} is {what}, not a file: name a page or a folder of pages")]
    Special {
        /// The path.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// The file is larger than any page.
    #[error("{path} has {size} bytes, and a page has at most {cap}: name a smaller file, or split it")]
    TooLarge {
        /// The path.
        path: String,
        /// Its size.
        size: u64,
        /// The largest size that is read.
        cap: u64,
    },
    /// The operating system gives another reason.
    #[error("{path} cannot be read: {why}")]
    Unreadable {
        /// The path.
        path: String,
        /// The reason.
        why: String,
    },
    /// A page that the table of contents names lies elsewhere.
    #[error("{path} lies outside the guide's folder: move the page into it")]
    Outside {
        /// The path.
        path: String,
    },
    /// A folder holds no page.
    #[error("{path} holds no page: a guide is a folder with SUMMARY.md or with pages ending in .md, .rst, .html, .ipynb or .txt")]
    NoPages {
        /// The folder.
        path: String,
    },
    /// A table of contents names nothing.
    #[error("{path} names no lesson: list the pages in it, as in `- [Title](page.md)`")]
    EmptyContents {
        /// The table of contents.
        path: String,
    },
    /// No lesson is called so.
    #[error("no lesson is called `{selector}`{help}")]
    NoLesson {
        /// What was asked for.
        selector: String,
        /// The nearest ids, as the end of the sentence.
        help: String,
    },
    /// Several lessons are called so.
    #[error("`{selector}` is the end of several ids: {ids}; write one in full", ids = ids.join(", "))]
    Ambiguous {
        /// What was asked for.
        selector: String,
        /// The ids.
        ids: Vec<String>,
    },
}

/// The end of a sentence that offers `names`, or says nothing.
pub(super) fn offer(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("; did you mean `{one}`?"),
        [first @ .., last] => format!("; did you mean {} or `{last}`?", first.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
    }
}

/// The end of a sentence about a path that does not exist: what does exist beside it.
pub(super) fn nearest_names(path: &Path, base: &Path) -> String {
    let Some(folder) = path.ancestors().skip(1).find(|folder| folder.exists()) else { return String::new() };
    let wanted = path.strip_prefix(folder).ok().and_then(|rest| rest.components().next()).map(|name| name.as_os_str().to_string_lossy().into_owned());
    let mut names: Vec<String> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    let near = near(wanted.as_deref().unwrap_or(""), names.iter().map(String::as_str), 3);
    let shown: Vec<String> = near.into_iter().map(|name| display_path(&folder.join(name), base)).collect();
    if shown.is_empty() {
        let folder = display_path(folder, base);
        let folder = if folder.is_empty() { "the working directory".to_owned() } else { folder };
        return format!(": nothing of that name is in {folder}");
    }
    offer(&shown.iter().map(String::as_str).collect::<Vec<_>>())
}
