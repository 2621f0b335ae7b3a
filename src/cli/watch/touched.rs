//! Which lessons a change touches: pure, but for the time it takes. What a lesson says is compared, not when it was saved, so a page of fifty lessons in which
//! one was edited has one lesson to check again, and a file that was saved as it was has none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::cli::course::Course;
use crate::engine::protocol::{Action, Job};
use crate::run::Planned;
use crate::snapshot::name::lab_folder;

/// Whether a change of the file at `path` can mean anything: it is no editor's temporary file, and none that a check writes itself.
pub(in crate::cli) fn matters(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // What lies hidden in a folder of the guide is no page, and reports and snapshots are written beside their place under a hidden name.
    !name.starts_with('.') && !name.ends_with(".snap.new") && !name.ends_with('~')
}

/// The lessons of `now`, by index, that say something else than `before`, or in whose folder of labs one of `paths` lies.
pub(in crate::cli) fn touched(before: &Course, now: &Course, paths: &BTreeSet<PathBuf>) -> BTreeSet<usize> {
    if before.config != now.config {
        return (0..now.planned.len()).collect();
    }
    let known = by_id(before);
    let in_labs = in_labs(now, paths);
    let is_touched = |planned: &Planned| {
        let id = planned.lesson.id.as_str();
        in_labs.contains(id) || known.get(id).is_none_or(|old| !says_the_same(old, planned))
    };
    now.planned.iter().enumerate().filter(|(_, planned)| is_touched(planned)).map(|(index, _)| index).collect()
}

/// Whether a lesson of `before` is not there any more.
pub(in crate::cli) fn is_gone(before: &Course, now: &Course) -> bool {
    let known = by_id(now);
    before.planned.iter().any(|planned| !known.contains_key(planned.lesson.id.as_str()))
}

/// The lessons that have not changed themselves, but borrow from one that has: their labs are not what they were.
pub(in crate::cli) fn borrowers(before: &Course, now: &Course, touched: &BTreeSet<usize>) -> BTreeSet<usize> {
    let known = by_id(before);
    let changed: BTreeSet<&str> = touched.iter().map(|&index| now.planned[index].lesson.id.as_str()).collect();
    let ids = |planned: &Planned| planned.earlier.iter().map(|lesson| lesson.id.clone()).collect::<Vec<_>>();
    let may_borrow: Vec<(usize, &Planned, &Planned)> = (now.planned.iter().enumerate())
        .filter(|(index, planned)| !touched.contains(index) && !planned.lesson.blocks.is_empty())
        .filter_map(|(index, planned)| Some((index, *known.get(planned.lesson.id.as_str())?, planned)))
        .filter(|(_, old, planned)| planned.earlier.iter().any(|lesson| changed.contains(lesson.id.as_str())) || ids(old) != ids(planned))
        .collect();
    // Assembling is quick, but a guide may have thousands of lessons after the one that changed.
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let differ = |part: &[(usize, &Planned, &Planned)]| -> Vec<usize> {
        part.iter().filter(|(_, old, planned)| jobs(old) != jobs(planned)).map(|(index, ..)| *index).collect()
    };
    std::thread::scope(|scope| {
        let parts = may_borrow.chunks(may_borrow.len().div_ceil(threads).max(1));
        let running: Vec<_> = parts.map(|part| scope.spawn(move || differ(part))).collect();
        running.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    })
}

fn by_id(course: &Course) -> BTreeMap<&str, &Planned> {
    course.planned.iter().map(|planned| (planned.lesson.id.as_str(), planned)).collect()
}

/// Whether a lesson reads as it did: its text, the code that stands elsewhere and is included, its manifest, and what is wrong with the page itself.
fn says_the_same(old: &Planned, new: &Planned) -> bool {
    let text = |planned: &Planned| planned.lesson.source.slice(planned.lesson.span).to_owned();
    let code = |planned: &Planned| planned.lesson.blocks.iter().map(|block| block.body.text()).collect::<Vec<_>>();
    let wrong = |planned: &Planned| planned.lesson.findings.iter().map(|finding| finding.message.clone()).collect::<Vec<_>>();
    let about = |planned: &Planned| (planned.lesson.number.clone(), planned.lesson.title.clone(), planned.manifest.clone());
    about(old) == about(new) && text(old) == text(new) && code(old) == code(new) && wrong(old) == wrong(new)
}

/// The ids of the lessons in whose own folders of labs the paths lie: a folder in a lesson's may be another lesson's.
fn in_labs<'a>(course: &'a Course, paths: &BTreeSet<PathBuf>) -> BTreeSet<&'a str> {
    let labs = course.config.labs();
    if !paths.iter().any(|path| path.starts_with(&labs)) {
        return BTreeSet::new();
    }
    let folders: BTreeMap<PathBuf, &str> = course.planned.iter().map(|planned| (lab_folder(&labs, &planned.lesson.id), planned.lesson.id.as_str())).collect();
    let own = |path: &PathBuf| path.ancestors().take_while(|folder| *folder != labs).find_map(|folder| folders.get(folder).copied());
    // A folder that is new says nothing; what is in it does.
    paths.iter().filter(|path| matters(path) && !path.is_dir()).filter_map(own).collect()
}

/// What a lesson's labs run, wherever in the guide it stands: a line that was put in above moves it and changes nothing.
fn jobs(planned: &Planned) -> Vec<Job> {
    let lab = planned.lab();
    let mut jobs: Vec<Job> = lab.revisions.into_iter().map(|revision| revision.job).collect();
    for step in jobs.iter_mut().flat_map(|job| &mut job.steps) {
        if let Action::Python { line, filename, .. } = &mut step.action {
            *line = 0;
            filename.clear();
        }
    }
    jobs
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::cli::course::find;

    /// A course in a folder, and what of it is touched when files are written.
    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(files: &[(&str, &str)]) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            folder.write(files);
            folder
        }

        fn write(&self, files: &[(&str, &str)]) -> BTreeSet<PathBuf> {
            let write = |(path, text): &(&str, &str)| {
                let path = self.0.path().canonicalize().unwrap().join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, text).unwrap();
                path
            };
            files.iter().map(write).collect()
        }

        fn course(&self) -> Course {
            find(&[self.0.path().canonicalize().unwrap().join("content").display().to_string()]).unwrap()
        }

        /// The ids that writing these files touches, and those that borrow from them.
        fn touched_by(&self, files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
            let before = self.course();
            let paths = self.write(files);
            let now = self.course();
            let ids = |indices: &BTreeSet<usize>| indices.iter().map(|&index| now.planned[index].lesson.id.clone()).collect();
            let touched = touched(&before, &now, &paths);
            (ids(&touched), ids(&borrowers(&before, &now, &touched)))
        }
    }

    const FIRST: &str = "# First\n\n```python\ndef greet():\n    return 'hello'\n```\n";

    fn book() -> Folder {
        Folder::with(&[
            ("proctor.toml", "guide = 'content'\n"),
            ("content/SUMMARY.md", "# Contents\n\n- [First](a.md)\n- [Second](a/b.md)\n- [Third](c.md)\n"),
            ("content/a.md", FIRST),
            ("content/a/b.md", "# Second\n\n```python\nprint(greet())\n```\n"),
            ("content/c.md", "# Third\n\n```python\nprint(3)\n```\n"),
        ])
    }

    fn names(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn a_page_touches_its_lesson_and_those_that_borrow_what_changed() {
        let book = book();
        assert_eq!(book.touched_by(&[("content/a.md", FIRST)]), (names(&[]), names(&[])), "saved as it was");
        assert_eq!(book.touched_by(&[("content/a.md", &FIRST.replace("hello", "hi"))]), (names(&["a"]), names(&["a/b"])));
        let moved = FIRST.replace("hello", "hi").replace("# First\n", "# First\n\nA line more.\n");
        assert_eq!(book.touched_by(&[("content/a.md", &moved)]), (names(&["a"]), names(&[])), "nobody borrows prose");
        assert_eq!(book.touched_by(&[("content/c.md", "# Third\n\n```python\nprint(4)\n```\n")]), (names(&["c"]), names(&[])));
    }

    #[test]
    fn what_lies_in_a_lessons_folder_of_labs_touches_just_that_lesson() {
        let book = book();
        assert_eq!(book.touched_by(&[("labs/a/snapshots/first.snap", "x")]), (names(&["a"]), names(&[])));
        assert_eq!(book.touched_by(&[("labs/a/b/snapshots/second.snap", "x")]), (names(&["a/b"]), names(&[])), "a folder in another lesson's");
        assert_eq!(book.touched_by(&[("labs/a/b/lab.toml", "setup = 'x = 1'\n")]).0, names(&["a/b"]));
        assert_eq!(book.touched_by(&[("labs/c/snapshots/third.snap.new", "x"), ("labs/c/snapshots/.proctor-1.tmp", "x"), ("labs/x", "")]).0, names(&[]));
    }

    #[test]
    fn what_a_manifest_uses_is_lent_first() {
        let book = book();
        book.write(&[("content/a/b.md", "# Second\n\n```python\ndef greet():\n    return 'b'\n```\n"), ("content/c.md", "# C\n\n```python\ngreet()\n```\n")]);
        assert_eq!(book.touched_by(&[("labs/c/lab.toml", "uses = ['a']\n")]).0, names(&["c"]));
        assert_eq!(book.touched_by(&[("content/a.md", &FIRST.replace("hello", "hi"))]), (names(&["a"]), names(&["c"])));
        assert_eq!(book.touched_by(&[("content/a/b.md", "# Second\n\n```python\ndef greet():\n    return 'B'\n```\n")]), (names(&["a/b"]), names(&[])));
    }

    #[test]
    fn the_table_of_contents_touches_what_it_renames_and_the_configuration_everything() {
        let book = book();
        let contents = "# Contents\n\n- [First](a.md)\n- [Second](a/b.md)\n- [The third](c.md)\n- [New](new.md)\n";
        let touched = book.touched_by(&[("content/SUMMARY.md", contents), ("content/new.md", "# New\n\n```python\nprint(1)\n```\n")]);
        assert_eq!(touched.0, names(&["c", "new"]));
        let before = book.course();
        // Their numbers are other ones.
        let contents = "# Contents\n\n- [Second](a/b.md)\n- [The third](c.md)\n- [New](new.md)\n";
        assert_eq!(book.touched_by(&[("content/SUMMARY.md", contents)]).0, names(&["a/b", "c", "new"]));
        assert!(is_gone(&before, &book.course()) && !is_gone(&book.course(), &before));
        assert_eq!(book.touched_by(&[("proctor.toml", "guide = 'content'\nlabs = 'other'\n")]).0, names(&["a/b", "c", "new"]));
    }

    #[test]
    fn of_a_page_of_many_lessons_only_the_one_that_was_edited_is_touched() {
        let page = |second: &str| {
            let lesson = |number: &str, title: &str, more: &str, n: u8| format!("{number} {title}\n\nSome words about it.\n\n{more}print({n})\n\n");
            let contents = "A Guide\n\nTable of Contents\n\n1 Basics\n1.1 First things\n1.2 Second things\n1.3 Third things\n\n";
            let lessons = [lesson("1.1", "First things", "", 1), lesson("1.2", "Second things", second, 2), lesson("1.3", "Third things", "", 3)];
            format!("{contents}1 Basics\n\n{}", lessons.concat())
        };
        let book = Folder::with(&[("proctor.toml", ""), ("content/old.txt", &page(""))]);
        assert_eq!(book.course().planned.len(), 3);
        assert_eq!(book.touched_by(&[("content/old.txt", &page("More of it.\n\n"))]), (names(&["old#1.2"]), names(&[])));
    }

    #[test]
    fn what_editors_leave_about_does_not_matter() {
        let matter = |path: &str| matters(Path::new(path));
        assert!(matter("content/a.md") && matter("labs/a/snapshots/x.snap") && matter("proctor.toml"));
        assert!(!matter("content/.a.md.swp") && !matter("content/a.md~") && !matter("labs/a/snapshots/x.snap.new"));
    }
}
