//! LESSON on the command line: a path, `PATH#5.5`, an id, the end of one, or a number.
//!
//! The rerun line of a report uses the same words, so what [`select`] takes is what people can copy.

use std::path::{Path, PathBuf};

use super::{LoadError, error::offer, page};
use crate::guide::nearest::near;
use crate::guide::{Guide, Lesson};

/// Take a PATH argument apart: `guide.txt#5.5` is the page and the lesson in it. A file that really is called so stays whole.
#[must_use]
pub fn split_argument(argument: &str, base: &Path) -> (PathBuf, Option<String>) {
    match argument.rsplit_once('#') {
        Some((path, lesson)) if !path.is_empty() && !lesson.is_empty() && !base.join(argument).exists() => (PathBuf::from(path), Some(lesson.to_owned())),
        _ => (PathBuf::from(argument), None),
    }
}

/// The lessons that the selectors name, in the guide's order; all without selectors.
///
/// # Errors
///
/// If a selector names no lesson, or is the end of several ids.
pub fn select<'a>(guide: &'a Guide, selectors: &[String]) -> Result<Vec<&'a Lesson>, LoadError> {
    let all: Vec<(Option<&str>, &Lesson)> =
        guide.chapters.iter().flat_map(|chapter| chapter.lessons.iter().map(move |lesson| (chapter.number.as_deref(), lesson))).collect();
    if selectors.is_empty() {
        return Ok(all.into_iter().map(|(_, lesson)| lesson).collect());
    }
    let mut chosen = vec![false; all.len()];
    for selector in selectors {
        for index in one(&all, selector)? {
            chosen[index] = true;
        }
    }
    Ok(all.into_iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|((_, lesson), _)| lesson).collect())
}

/// A selector, read as everything that it may be.
struct Wanted<'s> {
    whole: &'s str,
    /// It without a page's ending.
    stem: String,
    /// What stands before its `#`, and that without a page's ending.
    page: &'s str,
    page_stem: String,
    /// What stands behind its `#`.
    number: &'s str,
}

/// A way of reading a selector: whether it names a lesson that stands in a chapter of this number.
type Reading = fn(&Wanted<'_>, Option<&str>, &Lesson) -> bool;

/// The ways of reading a selector, the strictest first.
const READINGS: &[Reading] = &[
    |wanted, _, lesson| lesson.id == wanted.whole || lesson.id == wanted.stem,
    |wanted, _, lesson| lesson.source.path() == wanted.whole,
    // A number may be a whole chapter's, but a lesson's own number stands for it alone.
    |wanted, _, lesson| wanted.whole.contains('.') && lesson.number.as_deref() == Some(wanted.whole),
    |wanted, chapter, lesson| !wanted.number.is_empty() && wanted.has_page(lesson) && is_numbered(wanted.number, chapter, lesson),
    |wanted, chapter, lesson| is_numbered(wanted.whole, chapter, lesson),
    |wanted, _, lesson| lesson.id.strip_prefix(wanted.whole).is_some_and(|rest| rest.starts_with(['/', '#'])),
];

impl Wanted<'_> {
    /// Whether the lesson stands in the page before the `#`.
    fn has_page(&self, lesson: &Lesson) -> bool {
        let own = lesson.id.split('#').next().unwrap_or("");
        self.page.is_empty() || lesson.source.path() == self.page || is_end(own, &self.page_stem)
    }
}

/// Whether the lesson or its chapter has this number, or the lesson's starts with it.
fn is_numbered(number: &str, chapter: Option<&str>, lesson: &Lesson) -> bool {
    let own = lesson.number.as_deref();
    own == Some(number) || chapter == Some(number) || own.and_then(|own| own.strip_prefix(number)).is_some_and(|rest| rest.starts_with('.'))
}

/// Whether `end` is `id` or its last parts.
fn is_end(id: &str, end: &str) -> bool {
    id.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with(['/', '#']))
}

/// The lessons of one selector: the first way of reading it that finds any.
fn one(all: &[(Option<&str>, &Lesson)], selector: &str) -> Result<Vec<usize>, LoadError> {
    let whole = selector.trim().trim_end_matches('/');
    let whole = whole.strip_prefix("./").unwrap_or(whole);
    if whole.is_empty() {
        return Err(LoadError::NoLesson { selector: selector.to_owned(), help: ": name a page, an id or a number".to_owned() });
    }
    let stem = |path: &str| page::id(Path::new(path), Path::new(""));
    let (page, number) = whole.rsplit_once('#').unwrap_or((whole, ""));
    let wanted = Wanted { whole, stem: stem(whole), page, page_stem: stem(page), number };
    let indices = |is_it: &dyn Fn(Option<&str>, &Lesson) -> bool| -> Vec<usize> {
        all.iter().enumerate().filter(|(_, (chapter, lesson))| is_it(*chapter, lesson)).map(|(index, _)| index).collect()
    };
    let read = READINGS.iter().map(|reading| indices(&|chapter, lesson| reading(&wanted, chapter, lesson))).find(|found| !found.is_empty());
    if let Some(found) = read {
        return Ok(found);
    }
    let by_end = indices(&|_, lesson| is_end(&lesson.id, &wanted.stem));
    match by_end.len() {
        1 => Ok(by_end),
        0 => Err(LoadError::NoLesson { selector: selector.to_owned(), help: help(all, &wanted.stem) }),
        _ => Err(LoadError::Ambiguous { selector: selector.to_owned(), ids: by_end.into_iter().map(|index| all[index].1.id.clone()).collect() }),
    }
}

/// The ids most like `stem`, whole or in their last part.
fn nearest_ids<'a>(all: &[(Option<&str>, &'a Lesson)], stem: &str) -> Vec<&'a str> {
    let ids: Vec<&str> = all.iter().map(|(_, lesson)| lesson.id.as_str()).collect();
    let mut offered = near(stem, ids.iter().copied(), 3);
    let by_last_part = ids.iter().filter(|id| !near(stem, id.rsplit('/').next(), 1).is_empty());
    for id in by_last_part {
        if !offered.contains(id) {
            offered.push(id);
        }
    }
    offered.truncate(3);
    offered
}

/// The end of a sentence about a lesson that does not exist: the nearest ids, or else between which they lie.
fn help(all: &[(Option<&str>, &Lesson)], stem: &str) -> String {
    let near = nearest_ids(all, stem);
    match all {
        [] => ": the guide has none".to_owned(),
        [(_, only)] if near.is_empty() => format!(": there is only `{}`", only.id),
        [(_, first), .., (_, last)] if near.is_empty() => format!(": there are {}, from `{}` to `{}`", all.len(), first.id, last.id),
        _ => offer(&near),
    }
}
