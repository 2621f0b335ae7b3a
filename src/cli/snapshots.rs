//! `proctor snapshots`: which snapshots a course has, and which of them no block refers to any more. Deletes only when it is told to, and only those.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::cli::course::{self, Course};
use crate::cli::review::shown::visible;
use crate::cli::{Exit, print, usage};
use crate::finding::Code;
use crate::guide::Lesson;
use crate::run::snapshots::keys;
use crate::snapshot::store::Store;

/// Arguments of `proctor snapshots`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only those that no block of the course refers to: their block is gone, or their lesson.
    #[arg(long)]
    unreferenced: bool,
    /// Delete them.
    #[arg(long, requires = "unreferenced")]
    delete: bool,
}

/// Run the command.
///
/// # Errors
/// If the course cannot be read: then nobody knows what is referred to, and nothing is deleted.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let course = course::find(&[])?;
    let labs = course::labs_of(&course.config);
    let listed = files(&Store::new(&labs), &course, args.unreferenced)?;
    let mut text = String::new();
    for (lesson, files) in &listed {
        for file in files {
            if args.delete {
                std::fs::remove_file(file).map_err(|error| usage(format!("cannot delete {}: {error}", file.display())))?;
                sweep(file, &labs);
            }
            let lead = if args.delete { "deleted " } else { "" };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{lead}{}{}", visible(&file.display().to_string()), why(&course, lesson, args.unreferenced));
        }
    }
    let number = listed.values().map(Vec::len).sum::<usize>();
    match (number, args.unreferenced, args.delete) {
        (0, true, _) => text.push_str("every snapshot belongs to a block\n"),
        (0, false, _) => text.push_str("there are no snapshots: `proctor check` makes pending ones\n"),
        (_, true, false) => text.push_str("to delete them: proctor snapshots --unreferenced --delete\n"),
        _ => {}
    }
    print(text.as_bytes())?;
    Ok(if number > 0 && args.unreferenced && !args.delete { Exit::Findings } else { Exit::Fine })
}

/// The files of snapshots, by lesson.
fn files(store: &Store, course: &Course, unreferenced: bool) -> anyhow::Result<BTreeMap<String, Vec<PathBuf>>> {
    let lessons: BTreeMap<&str, &Lesson> = course.planned.iter().map(|planned| (planned.lesson.id.as_str(), &*planned.lesson)).collect();
    let mut listed = BTreeMap::new();
    for id in store.lessons() {
        let keys = match lessons.get(id.as_str()) {
            // A page that could not be read says nothing about its blocks.
            Some(lesson) if unreferenced && lesson.findings.iter().any(|finding| finding.code == Code::Unreadable) => continue,
            Some(lesson) if unreferenced => keys(lesson),
            _ => Vec::new(),
        };
        let files = store.unreferenced(&id, keys).map_err(|error| usage(error.to_string()))?;
        if !files.is_empty() {
            listed.insert(id, files);
        }
    }
    Ok(listed)
}

fn why(course: &Course, lesson: &str, unreferenced: bool) -> String {
    match () {
        () if !unreferenced => String::new(),
        () if course.ids.iter().any(|id| id == lesson) => format!(": no block of {} has this name", visible(lesson)),
        () => format!(": the guide has no lesson {}", visible(lesson)),
    }
}

/// Remove the folders of labs that a deleted file has left empty.
fn sweep(file: &Path, labs: &Path) {
    for folder in file.ancestors().skip(1).take_while(|folder| *folder != labs && folder.starts_with(labs)) {
        // Not empty: it stays.
        if std::fs::remove_dir(folder).is_err() {
            return;
        }
    }
}
