//! What the command line names: guides, and lessons in them. Shared by every command that takes a LESSON.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::{Failure, manifest, usage};
use crate::config::Config;
use crate::guide::links;
use crate::guide::load::{SUMMARY, home, load, reread, select, split_argument};
use crate::guide::nearest::nearest;
use crate::guide::{Guide, Lesson};
use crate::lab::manifest::Manifest;
use crate::lab::{Lenders, Shelf};
use crate::run::Planned;
use crate::source::display_path;

/// The guides and lessons that a command is about.
#[derive(Debug)]
pub struct Course {
    /// The configuration that was found upwards from the first guide.
    pub config: Config,
    /// Every lesson to work on, in guide order, with what it needs.
    pub planned: Vec<Planned>,
    /// How many chapters the guides have.
    pub chapters: usize,
    /// The guides themselves: a page, or a folder of pages.
    pub guides: Vec<PathBuf>,
    /// The ids of all lessons of these guides, in guide order, also of those that are not worked on.
    pub ids: Vec<String>,
}

/// The folder of a course's labs, from here if it lies below: people are shown paths that they can read.
pub(crate) fn labs_of(config: &Config) -> PathBuf {
    let labs = config.labs();
    std::env::current_dir().ok().and_then(|base| labs.strip_prefix(base).map(Path::to_path_buf).ok()).unwrap_or(labs)
}

/// The folder of labs of the course that we stand in.
///
/// # Errors
/// A usage [`Failure`](super::Failure) if its configuration is wrong.
pub fn labs() -> anyhow::Result<PathBuf> {
    Ok(labs_of(&Config::find(Path::new(".")).map_err(|error| usage(error.to_string()))?))
}

/// Find what `arguments` name: paths, `PATH#LESSON`, ids or numbers of lessons of the configured guide. Nothing means the configured guide.
///
/// # Errors
/// A usage [`Failure`](super::Failure) if something does not exist or cannot be read.
pub fn find(arguments: &[String]) -> anyhow::Result<Course> {
    find_with(arguments, &BTreeMap::new())
}

/// As [`find`], but with other texts in place of what some pages hold, by the paths that people are shown. A page that would be other lessons then stays as it is.
///
/// # Errors
/// As [`find`].
pub fn find_with(arguments: &[String], texts: &BTreeMap<String, String>) -> anyhow::Result<Course> {
    let base = std::env::current_dir()?;
    let mut requests: Vec<(PathBuf, Vec<String>)> = Vec::new();
    let mut config: Option<Config> = None;
    let configured = |config: &Config| {
        let guide = config.root.join(config.guide.as_ref()?);
        // Whoever stands in the guide's own folder has no shorter name for it.
        Some(guide.strip_prefix(&base).ok().filter(|rest| !rest.as_os_str().is_empty()).map(Path::to_path_buf).unwrap_or(guide))
    };
    for argument in arguments {
        let (path, selector) = split_argument(argument, &base);
        if path.exists() {
            let own = Config::find(if path.is_dir() { &path } else { path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")) })
                .map_err(|error| usage(error.to_string()))?;
            // A page or a chapter's folder is checked as part of its guide, so that its labs and what it builds on are found.
            let guide = if path.is_file() { home(&path) } else { guide_above(&path, &base) };
            match guide {
                Some(guide) => {
                    let part = display_path(&std::path::absolute(&path)?, &if path.is_file() { base.clone() } else { guide.clone() });
                    let guide = guide.strip_prefix(&base).map(Path::to_path_buf).unwrap_or(guide);
                    requests.push((guide, vec![selector.map_or_else(|| part.clone(), |selector| format!("{part}#{selector}"))]));
                }
                // The folder of a course stands for its guide.
                None => requests.push((guide_of(&path, &own, &base).unwrap_or(path), selector.into_iter().collect())),
            }
            config.get_or_insert(own);
        } else {
            let own = Config::find(&base).map_err(|error| usage(error.to_string()))?;
            let guide = configured(&own).filter(|_| !looks_like_file(&path));
            let Some(guide) = guide else {
                return Err(nothing_called(argument, &path, &base).into());
            };
            requests.push((guide, vec![argument.clone()]));
            config.get_or_insert(own);
        }
    }
    if arguments.is_empty() {
        let own = Config::find(&base).map_err(|error| usage(error.to_string()))?;
        let guide = configured(&own).or_else(|| Some(base.join("content")).filter(|content| content.is_dir()));
        let guide = guide.ok_or_else(|| usage("there is no guide to check: name one (`proctor check PATH`), or say `guide = \"PATH\"` in proctor.toml"))?;
        if let Err(error) = std::fs::metadata(&guide) {
            return Err(usage(format!("proctor.toml names the guide {}, which cannot be opened: {error}", display_path(&guide, &base))).into());
        }
        requests.push((guide, Vec::new()));
        config = Some(own);
    }
    let config = config.unwrap_or_default();
    let mut course = Course { config, planned: Vec::new(), chapters: 0, guides: Vec::new(), ids: Vec::new() };
    let mut wrong = Vec::new();
    for (path, selectors) in merge(requests) {
        course.add(&path, &selectors, (&base, texts), &mut wrong)?;
    }
    // All of them, and before anything runs: whoever mends one should not have to come back for the next.
    if wrong.is_empty() { Ok(course) } else { Err(usage(wrong.join("\nerror: ")).into()) }
}

/// The guide that a course keeps in a folder below its own, where it is that folder which was named.
fn guide_of(folder: &Path, config: &Config, base: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(folder).ok()?;
    if whole != std::path::absolute(&config.root).ok()? || folder.join(SUMMARY).is_file() {
        return None;
    }
    let guide = whole.join(config.guide.as_ref()?);
    (guide.starts_with(&whole) && guide.exists()).then(|| guide.strip_prefix(base).map(Path::to_path_buf).unwrap_or(guide))
}

/// The guide that a folder is a part of: the nearest folder above it whose table of contents names pages in it.
fn guide_above(folder: &Path, base: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    if folder.join(SUMMARY).is_file() || folder.join("book.toml").is_file() {
        return None;
    }
    folder.ancestors().skip(1).take(12).filter(|above| above.join(SUMMARY).is_file()).map(Path::to_path_buf).find(|above| {
        let part = display_path(&folder, above);
        load(above, base).is_ok_and(|guide| select(&guide, &[part]).is_ok())
    })
}

/// Requests about the same path, joined.
fn merge(requests: Vec<(PathBuf, Vec<String>)>) -> Vec<(PathBuf, Vec<String>)> {
    let mut merged: Vec<(PathBuf, Vec<String>)> = Vec::new();
    for (path, selectors) in requests {
        match merged.iter_mut().find(|(known, _)| *known == path) {
            // The whole guide was asked for, and parts of it: the whole it is.
            Some((_, known)) if known.is_empty() || selectors.is_empty() => known.clear(),
            Some((_, known)) => known.extend(selectors),
            None => merged.push((path, selectors)),
        }
    }
    merged
}

/// Why an argument names nothing.
fn nothing_called(argument: &str, path: &Path, base: &Path) -> Failure {
    if argument.trim().is_empty() {
        return usage("an argument is empty: name a path or a lesson");
    }
    let is_number = argument.chars().all(|c| c.is_ascii_digit() || c == '.');
    match load(path, base).err() {
        Some(_) if is_number => {
            usage(format!("there is no guide to look for lesson {argument} in: write PATH#{argument}, or say `guide = \"PATH\"` in proctor.toml"))
        }
        Some(error) => usage(error.to_string()),
        None => usage(format!("{argument} does not exist")),
    }
}

fn looks_like_file(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ["md", "markdown", "txt", "rst", "html", "htm", "ipynb"].iter().any(|known| ending == *known))
}

impl Course {
    /// Whether the course's own guide is among these, whole: what is none of their lessons is none of the course's.
    pub(super) fn is_whole(&self) -> bool {
        let own = self.config.guide.as_ref().map(|guide| self.config.root.join(guide));
        self.guides.iter().any(|guide| own.as_ref().map_or_else(|| guide.is_dir(), |own| own == guide))
    }

    /// Plan the lessons of a guide; what is wrong with their manifests is added to `wrong`.
    fn add(&mut self, path: &Path, selectors: &[String], (base, texts): (&Path, &BTreeMap<String, String>), wrong: &mut Vec<String>) -> anyhow::Result<()> {
        let mut guide = load(path, base).map_err(|error| usage(error.to_string()))?;
        for (page, text) in texts {
            let whole = base.join(path);
            let root = if whole.is_dir() { whole } else { home(&whole).or_else(|| whole.parent().map(Path::to_path_buf)).unwrap_or_default() };
            reread(&mut guide, page, text, &root, base);
        }
        links::check(&mut guide, path, base, &|target| self.config.ignores_link(target));
        let selected: Option<BTreeSet<String>> = if selectors.is_empty() {
            None
        } else {
            let lessons = select(&guide, selectors).map_err(|error| usage(error.to_string()))?;
            Some(lessons.iter().map(|lesson| lesson.id.clone()).collect())
        };
        self.chapters += guide.chapters.iter().filter(|chapter| !chapter.title.is_empty()).count();
        self.guides.push(base.join(path));
        let Guide { chapters, set, .. } = guide;
        let every: Vec<(String, Arc<Lesson>)> =
            chapters.into_iter().flat_map(|chapter| chapter.lessons.into_iter().map(move |lesson| (chapter.title.clone(), Arc::new(lesson)))).collect();
        let on_shelf: Vec<Arc<Lesson>> = every.iter().map(|(_, lesson)| lesson).filter(|lesson| !lesson.blocks.is_empty()).cloned().collect();
        let places: BTreeMap<String, usize> = on_shelf.iter().enumerate().map(|(place, lesson)| (lesson.id.clone(), place)).collect();
        let shelf = Arc::new(Shelf::of(on_shelf));
        let neighbours = Neighbours::of(&every, &places);
        let ids: BTreeSet<&str> = every.iter().map(|(_, lesson)| lesson.id.as_str()).collect();
        self.ids.extend(every.iter().map(|(_, lesson)| lesson.id.clone()));
        let mut before = 0;
        for (chapter, lesson) in &every {
            if selected.as_ref().is_none_or(|selected| selected.contains(&lesson.id)) {
                let mut first = if set { neighbours.linked(lesson) } else { Vec::new() };
                let manifest = manifest::load(&self.config, &lesson.id, base).unwrap_or_else(|message| {
                    wrong.push(message);
                    None
                });
                if let Some(Manifest { uses, .. }) = &manifest {
                    wrong.extend(
                        lend_first(uses, &ids, &places, &mut first).map(|message| format!("{}: {message}", manifest::shown(&self.config, &lesson.id, base))),
                    );
                }
                self.planned.push(Planned {
                    index: self.planned.len(),
                    lesson: Arc::clone(lesson),
                    chapter: chapter.clone(),
                    selector: selector(lesson),
                    earlier: Lenders::on(Arc::clone(&shelf), first, if set { 0 } else { before }),
                    manifest,
                    installed: None,
                });
            }
            before += usize::from(!lesson.blocks.is_empty());
        }
        Ok(())
    }
}

/// Put the lessons that a manifest `uses` before all others. Says so if there is no such lesson.
fn lend_first(uses: &[String], ids: &BTreeSet<&str>, places: &BTreeMap<String, usize>, first: &mut Vec<usize>) -> Option<String> {
    if let Some(id) = uses.iter().find(|id| !ids.contains(id.as_str())) {
        let near = nearest(id, ids.iter().copied());
        let help = near.map_or_else(|| "write a lesson's id: its path in the guide, without its ending".to_owned(), |near| format!("did you mean `{near}`?"));
        return Some(format!("it uses `{id}`, which is no lesson of this guide: {help}"));
    }
    // A lesson without code has nothing to lend.
    let used: Vec<usize> = uses.iter().filter_map(|id| places.get(id).copied()).collect();
    first.retain(|place| !used.contains(place));
    first.splice(0..0, used);
    None
}

/// The words that select just this lesson.
fn selector(lesson: &Lesson) -> String {
    let path = lesson.source.path();
    if let Some(folder) = path.strip_suffix(SUMMARY) {
        // There is no page to name: only the table of contents knows of the lesson.
        let folder = if folder.is_empty() { "." } else { folder.trim_end_matches('/') };
        return format!("{folder}#{}", lesson.number.as_deref().unwrap_or(&lesson.id));
    }
    match lesson.id.split_once('#') {
        Some((_, part)) => format!("{path}#{part}"),
        None => path.to_owned(),
    }
}

/// The pages of a set by their folders, each with its name and its place among those that lend.
struct Neighbours<'a>(BTreeMap<&'a str, Vec<(String, &'a str, usize)>>);

impl<'a> Neighbours<'a> {
    fn of(every: &'a [(String, Arc<Lesson>)], places: &BTreeMap<String, usize>) -> Self {
        let mut folders: BTreeMap<&str, Vec<(String, &str, usize)>> = BTreeMap::new();
        for (_, lesson) in every {
            if let Some(&place) = places.get(&lesson.id) {
                folders.entry(folder(lesson)).or_default().push((stem(lesson.source.path()), &lesson.id, place));
            }
        }
        Self(folders)
    }

    /// The pages beside a page that it links to, by their places.
    fn linked(&self, lesson: &Lesson) -> Vec<usize> {
        let links = lesson.prose.iter().flat_map(|prose| &prose.links).filter(|link| !link.contains("://"));
        let links: BTreeSet<String> = links.map(|link| stem(link.split('#').next().unwrap_or(link))).collect();
        if links.is_empty() {
            return Vec::new();
        }
        let is_named = |stem: &str| stem.len() > 2 && links.iter().any(|link| link == stem || stem.ends_with(&format!("-{link}")));
        let beside = self.0.get(folder(lesson)).into_iter().flatten();
        beside.filter(|(stem, id, _)| *id != lesson.id && is_named(stem)).map(|(.., place)| *place).collect()
    }
}

/// The name of a page, by which others link to it.
fn stem(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).split('.').next().unwrap_or_default().to_lowercase()
}

fn folder(lesson: &Lesson) -> &str {
    lesson.source.path().rsplit_once('/').map_or("", |(folder, _)| folder)
}
