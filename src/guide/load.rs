//! From a path to a guide: a file by its ending, a folder by its table of contents, and without one every page in it.
//!
//! The only part of `guide` that opens files. It never blocks on what is no plain file, never reads more than [`CAP`] bytes of one, and never leaves the guide's folder.

mod cores;
mod error;
mod page;
mod select;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::summary::{self, Entry, Summary};
use super::{Chapter, Guide, Lesson};
use crate::finding::{Code, Finding, Location};
use crate::source::{Source, Span, display_path};

pub(crate) use cores::on_all_cores;
pub use error::LoadError;
pub use page::{CAP, Format, blocks_of};
pub use select::{select, split_argument};

/// The name of the table of contents.
pub const SUMMARY: &str = "SUMMARY.md";

/// Load the guide at `path`: a page, or a folder of pages. Paths are shown relative to `base`, the working directory.
///
/// # Errors
///
/// If there is nothing to read at `path`: it is missing, may not be opened, is no plain file or folder, is too large, or holds no page.
pub fn load(path: &Path, base: &Path) -> Result<Guide, LoadError> {
    let path = &base.join(path);
    let about = std::fs::metadata(path).map_err(|error| LoadError::of(path, base, &error))?;
    if about.is_dir() {
        return match contents(path) {
            Some(contents) => load_contents(&contents, base),
            None => load_set(path, base),
        };
    }
    load_page(path, base)
}

/// Put a page's lessons, with `text` in place of what the file holds, where they stood in a guide: ids, numbers and titles stay. `false`, and nothing is
/// changed, if the page would not be the same lessons any more.
pub fn reread(guide: &mut Guide, shown: &str, text: &str, root: &Path, base: &Path) -> bool {
    let mut old: Vec<&mut Lesson> = guide.chapters.iter_mut().flat_map(|chapter| &mut chapter.lessons).filter(|lesson| lesson.source.path() == shown).collect();
    let Some(id) = old.first().map(|lesson| lesson.id.split('#').next().unwrap_or_default().to_owned()) else { return false };
    let source = Arc::new(Source::new(shown, text));
    let new: Vec<Lesson> = page::parse(&source, &id, &base.join(shown), root).chapters.into_iter().flat_map(|chapter| chapter.lessons).collect();
    if new.len() != old.len() {
        return false;
    }
    for (old, new) in old.iter_mut().zip(new) {
        let (id, number, title) = (old.id.clone(), old.number.clone(), old.title.clone());
        **old = Lesson { id, number, title, ..new };
    }
    true
}

/// The text of the page at `path` as its reader has it, in every form that places in it may be told of: as it stands in the file and, where they are put
/// together from it, as its lessons have it. Empty if there is no such page.
#[must_use]
pub fn texts(path: &Path, base: &Path) -> Vec<Arc<Source>> {
    let path = &base.join(path);
    let Ok(source) = page::read(path, base) else { return Vec::new() };
    let root = path.parent().unwrap_or(base);
    let put_together = matches!(Format::of(path), Some(Format::Markdown | Format::Notebook));
    let lessons = if put_together { page::lessons(path, root, base).unwrap_or_default() } else { Vec::new() };
    std::iter::once(source).chain(lessons.into_iter().map(|lesson| lesson.source)).collect()
}

/// The folder of the guide that the page at `path` belongs to: the nearest one above it whose table of contents names the page.
#[must_use]
pub fn home(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors()
        .skip(1)
        .take(12)
        .find(|folder| {
            let contents = folder.join(SUMMARY);
            let relative = path.strip_prefix(folder).ok().map(|relative| relative.to_string_lossy().replace('\\', "/"));
            contents.is_file() && entry_of(&contents, folder, relative.as_deref().unwrap_or_default()).is_some()
        })
        .map(Path::to_path_buf)
}

/// The folder of the pages of a guide with a table of contents; `None` for everything else.
#[must_use]
pub fn book(path: &Path) -> Option<PathBuf> {
    let contents = path.is_dir().then(|| contents(path)).flatten()?;
    contents.parent().map(Path::to_path_buf)
}

/// What a table of contents says of the page at `relative`.
fn entry_of(contents: &Path, base: &Path, relative: &str) -> Option<(summary::Part, Entry)> {
    let source = page::read(contents, base).ok()?;
    let chapters = summary::parse(&source).chapters;
    chapters.into_iter().find_map(|part| part.entries.iter().find(|entry| entry.path.as_deref() == Some(relative)).cloned().map(|entry| (part, entry)))
}

/// The table of contents of a folder, also of an mdBook's.
fn contents(folder: &Path) -> Option<PathBuf> {
    let book = std::fs::read_to_string(folder.join("book.toml")).ok();
    let named = book.as_deref().and_then(|book| toml::from_str::<toml::Table>(book).ok()).and_then(|book| {
        let source = book.get("book")?.get("src")?.as_str()?;
        Some(folder.join(source).join(SUMMARY))
    });
    let in_source = book.is_some().then(|| folder.join("src").join(SUMMARY));
    [Some(folder.join(SUMMARY)), named, in_source].into_iter().flatten().find(|path| path.is_file())
}

/// A guide of one page. A page that a table of contents above it names has its id and number from there.
fn load_page(path: &Path, base: &Path) -> Result<Guide, LoadError> {
    let source = page::read(path, base)?;
    let home = home(path);
    let root = home.as_deref().or_else(|| path.parent()).unwrap_or(base);
    let id = page::id(path, root);
    let mut guide = page::parse(&source, &id, path, root);
    if guide.lessons().next().is_none() {
        guide.chapters = vec![Chapter { lessons: vec![page::empty(&source, &id)], ..Chapter::default() }];
    }
    page::note_lossy_lines(&source, &mut guide.chapters);
    let relative = path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
    if let Some((part, entry)) = home.as_deref().and_then(|home| entry_of(&home.join(SUMMARY), base, &relative))
        && let [chapter] = guide.chapters.as_mut_slice()
        && chapter.lessons.len() == 1
    {
        (chapter.number, chapter.title) = (part.number, part.title);
        for lesson in &mut chapter.lessons {
            name(lesson, &entry);
        }
    }
    Ok(guide)
}

/// A guide in the order of its table of contents.
fn load_contents(contents: &Path, base: &Path) -> Result<Guide, LoadError> {
    let source = page::read(contents, base)?;
    let root = contents.parent().unwrap_or(base);
    let Summary { title, chapters } = summary::parse(&source);
    let named = chapters.iter().flat_map(|part| &part.entries).filter_map(|entry| entry.path.as_deref()).collect();
    let mut loading = Loading { source: &source, root, base, seen: BTreeSet::new(), read: read_all(named, root, base) };
    let chapters = chapters.into_iter().map(|part| {
        let lessons = part.entries.iter().flat_map(|entry| loading.entry(entry)).collect();
        Chapter { number: part.number, title: part.title, lessons }
    });
    let mut chapters: Vec<Chapter> = chapters.collect();
    chapters.retain(|chapter| !chapter.lessons.is_empty() || !chapter.title.is_empty());
    let unlisted = loading.unlisted();
    let Some(first) = chapters.iter_mut().flat_map(|chapter| &mut chapter.lessons).next() else {
        return Err(LoadError::EmptyContents { path: display_path(contents, base) });
    };
    first.findings.extend(unlisted);
    Ok(Guide { title, chapters, set: false })
}

/// A guide as its table of contents is followed.
struct Loading<'a> {
    source: &'a Arc<Source>,
    root: &'a Path,
    base: &'a Path,
    /// The pages that are read, each once.
    seen: BTreeSet<PathBuf>,
    /// What is on the pages, by the name that the table of contents has for them.
    read: BTreeMap<String, Result<(PathBuf, Vec<Lesson>), LoadError>>,
}

/// Read pages, as many at a time as there are cores.
fn read_all(named: BTreeSet<&str>, root: &Path, base: &Path) -> BTreeMap<String, Result<(PathBuf, Vec<Lesson>), LoadError>> {
    let whole_root = root.canonicalize();
    let read = |named: &str| {
        let path = root.join(named);
        let whole = path.canonicalize().map_err(|error| LoadError::of(&path, base, &error))?;
        if !whole_root.as_ref().is_ok_and(|root| whole.starts_with(root)) {
            return Err(LoadError::Outside { path: display_path(&path, base) });
        }
        Ok((whole, page::lessons(&path, root, base)?))
    };
    let named: Vec<&str> = named.into_iter().collect();
    on_all_cores(&named, |named| ((*named).to_owned(), read(named))).into_iter().collect()
}

impl Loading<'_> {
    /// The lessons of an entry: one, unless its page holds many or was named before.
    fn entry(&mut self, entry: &Entry) -> Vec<Lesson> {
        let Some(named) = &entry.path else { return vec![self.draft(entry)] };
        match self.page(named) {
            Ok(None) => Vec::new(),
            Ok(Some(mut lessons)) => {
                if let [lesson] = lessons.as_mut_slice() {
                    name(lesson, entry);
                }
                lessons
            }
            Err(error) => {
                let mut lesson = self.draft(entry);
                lesson.draft = false;
                lesson.id = page::id(Path::new(named), Path::new(""));
                let finding = Finding::new(Code::Unreadable, Location::new(self.source, entry.span), error.to_string());
                lesson.findings.push(finding.with_help("correct the link, or leave it empty for a lesson that is not written yet"));
                vec![lesson]
            }
        }
    }

    /// The lessons of a page; `None` if it was read before.
    fn page(&mut self, named: &str) -> Result<Option<Vec<Lesson>>, LoadError> {
        let Some(read) = self.read.remove(named) else {
            // Named twice: it stands in the first place, if it is there at all.
            let path = self.root.join(named);
            return path.canonicalize().map(|_| None).map_err(|error| LoadError::of(&path, self.base, &error));
        };
        let (whole, lessons) = read?;
        Ok(self.seen.insert(whole).then_some(lessons))
    }

    /// A lesson that only the table of contents knows.
    fn draft(&self, entry: &Entry) -> Lesson {
        let at = entry.span.start;
        let slug = entry.number.clone().unwrap_or_else(|| entry.title.to_lowercase().split_whitespace().collect::<Vec<_>>().join("-"));
        Lesson {
            id: format!("SUMMARY#{slug}"),
            number: entry.number.clone(),
            title: entry.title.clone(),
            span: Span::new(at, at),
            line: self.source.line_of(at),
            draft: true,
            ..page::empty(self.source, "")
        }
    }

    /// A warning for every page in the folder that the table of contents does not name.
    fn unlisted(&self) -> Vec<Finding> {
        let pages = walk::pages(self.root).into_iter().filter(|path| walk::must_be_listed(path));
        let unnamed = pages.filter(|path| path.canonicalize().is_ok_and(|path| !self.seen.contains(&path)));
        let finding = |path: PathBuf| {
            let source = page::read(&path, self.base).ok()?;
            let message = format!("{} does not name this page", self.source.path());
            Some(
                Finding::new(Code::Unlisted, Location::line(&source, 1), message)
                    .with_help(format!("add `{}` to it, or remove the page", display_path(&path, self.root))),
            )
        };
        unnamed.filter_map(finding).collect()
    }
}

/// Give a page's only lesson the number and title that the table of contents has for it.
fn name(lesson: &mut Lesson, entry: &Entry) {
    lesson.number = entry.number.clone().or_else(|| lesson.number.take());
    if !entry.title.is_empty() {
        lesson.title.clone_from(&entry.title);
    }
}

/// The pages of a folder without a table of contents, each a guide of its own.
fn load_set(folder: &Path, base: &Path) -> Result<Guide, LoadError> {
    // A folder that cannot be listed holds no page that could be read; say that rather than that it is empty.
    std::fs::read_dir(folder).map_err(|error| LoadError::of(folder, base, &error))?;
    let mut chapters: Vec<Chapter> = Vec::new();
    let mut ids = BTreeSet::new();
    let pages: Vec<(PathBuf, String)> = walk::pages(folder).into_iter().map(|path| own_id(path, folder, &mut ids)).collect();
    for page in on_all_cores(&pages, |(path, id)| set_page(path, id, folder, base)) {
        for chapter in page {
            match chapters.last_mut().filter(|last| last.title.is_empty() && chapter.title.is_empty()) {
                Some(last) => last.lessons.extend(chapter.lessons),
                None => chapters.push(chapter),
            }
        }
    }
    if chapters.iter().all(|chapter| chapter.lessons.is_empty()) {
        return Err(LoadError::NoPages { path: display_path(folder, base) });
    }
    Ok(Guide { title: None, chapters, set: true })
}

/// A page of a set with its id: its name with its ending, if another page has the one without.
fn own_id(path: PathBuf, folder: &Path, ids: &mut BTreeSet<String>) -> (PathBuf, String) {
    let mut id = page::id(&path, folder);
    if !ids.insert(id.clone()) {
        id = display_path(&path, folder);
        ids.insert(id.clone());
    }
    (path, id)
}

/// The chapters of one page of a set. A page that cannot be read is a lesson that says so; a file that is no page is left out.
fn set_page(path: &Path, id: &str, folder: &Path, base: &Path) -> Vec<Chapter> {
    let alone = |lesson| vec![Chapter { lessons: vec![lesson], ..Chapter::default() }];
    let source = match page::read(path, base) {
        Ok(source) => source,
        Err(error) => {
            let source = Arc::new(Source::new(display_path(path, base), ""));
            let mut lesson = page::empty(&source, id);
            lesson.findings.push(Finding::new(Code::Unreadable, Location::line(&source, 1), error.to_string()));
            return alone(lesson);
        }
    };
    let mut guide = page::parse(&source, id, path, folder);
    if !walk::is_page(path, &guide) {
        return Vec::new();
    }
    page::note_lossy_lines(&source, &mut guide.chapters);
    if guide.lessons().next().is_none() { alone(page::empty(&source, id)) } else { guide.chapters }
}

impl LoadError {
    /// What an error of the operating system means for `path`.
    fn of(path: &Path, base: &Path, error: &io::Error) -> Self {
        let shown = display_path(path, base);
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing { help: error::nearest_names(path, base), path: shown },
            io::ErrorKind::PermissionDenied => Self::Denied { path: shown },
            _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => Self::Loop { path: shown },
            _ => Self::Unreadable { path: shown, why: error.to_string() },
        }
    }
}

#[cfg(test)]
mod tests;
