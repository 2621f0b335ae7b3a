//! Links: those within a guide are held against its pages, headings and files; those that lead out of it are only gathered.
//!
//! `Guide -> Findings`. It looks whether files exist, never what is in those that are no page, and never at the network.
//! A wrong alarm is worse than a missed one: where not everything is at hand that a link may lead to, it is left alone.

mod anchors;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::load::{self, Format};
use super::{Guide, Lesson};
use crate::finding::{Code, Finding, Location};
use crate::source::{Source, display_path};

pub(crate) use anchors::Slugs;
pub use read::Link;
use read::Page;

/// Endings of pages that a site shows as `.html`, or without an ending.
const WRITTEN: &[&str] = &["md", "markdown", "mdx", "rst", "ipynb", "html", "htm", "txt", "adoc"];
/// What a folder shows.
const INDEX: &[&str] = &["index.md", "README.md", "readme.md", "index.rst", "index.html", "index.htm", "index.ipynb"];
/// Pages that mdBook writes by itself.
const GENERATED: &[&str] = &["print.html", "toc.html", "404.html", "index.html"];

/// Whether a target names a place by a scheme of its own, or a host.
#[must_use]
pub fn is_outside(target: &str) -> bool {
    let scheme = target.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme = scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme.len() > 1
        && scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.'));
    is_scheme || target.starts_with("//")
}

/// A target with `%20` and the like decoded.
#[must_use]
pub fn decoded(target: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(target.len()), target.as_bytes());
    while let Some((&byte, tail)) = rest.split_first() {
        let code =
            (byte == b'%').then(|| tail.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(byte));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The links of a lesson that lead to the web, once a place.
#[must_use]
pub fn outside(lesson: &Lesson) -> Vec<Link> {
    let mut links = match read::format(&lesson.source) {
        Format::Markdown | Format::Html => read::page(&lesson.source).links,
        _ => read::of_prose(lesson),
    };
    let is_web = |target: &str| target.get(..8).unwrap_or(target).to_ascii_lowercase().starts_with("http");
    links.retain(|link| (link.span.is_empty() || lesson.span.contains(link.span.start)) && is_web(&link.target) && is_outside(&link.target));
    links.sort();
    links.dedup();
    links
}

/// Add a finding for every link within the guide that leads nowhere. `path` is what the guide was loaded from, `ignored` says of a target that it is to be left alone.
pub fn check(guide: &mut Guide, path: &Path, base: &Path, ignored: &dyn Fn(&str) -> bool) {
    let book = load::book(&base.join(path));
    let mut pages: BTreeMap<PathBuf, (Arc<Source>, Page)> = BTreeMap::new();
    for lesson in guide.lessons().filter(|lesson| !lesson.draft) {
        let path = plain(&base.join(lesson.source.path()));
        if path.file_name().is_some_and(|name| name == load::SUMMARY) {
            // A page that the table of contents names in vain has its finding already, in just that line.
            continue;
        }
        pages.entry(path).or_insert_with(|| (Arc::clone(&lesson.source), read::page(&lesson.source)));
    }
    let ground = Ground { pages: &pages, root: book.map(|root| plain(&root)) };
    let mut findings: Vec<Finding> = Vec::new();
    for judged in ground.judge(base, ignored).into_values() {
        // Without a table of contents nobody knows what else belongs to the guide: links are only believed where most of them lead somewhere.
        let (alive, dead) = (judged.alive.len(), judged.dead.len());
        if ground.root.is_some() || alive > dead {
            findings.extend(judged.findings);
        }
    }
    findings.sort_by_key(|finding| finding.location.span);
    for finding in findings {
        let place = finding.location.span.start;
        let lesson =
            guide.chapters.iter_mut().flat_map(|chapter| &mut chapter.lessons).find(|lesson| {
                !lesson.draft && Arc::ptr_eq(&lesson.source, &finding.location.source) && (lesson.span.contains(place) || lesson.span.is_empty())
            });
        if let Some(lesson) = lesson {
            lesson.findings.push(finding);
        }
    }
}

/// What links can lead to.
struct Ground<'a> {
    /// The pages of the guide by their paths, with their anchors.
    pages: &'a BTreeMap<PathBuf, (Arc<Source>, Page)>,
    /// The folder of the table of contents, if there is one.
    root: Option<PathBuf>,
}

/// The links of the pages of a folder: which lead somewhere, which do not.
#[derive(Default)]
struct Judged {
    alive: BTreeSet<String>,
    dead: BTreeSet<String>,
    findings: Vec<Finding>,
}

/// What a link's path leads to.
enum Leads {
    /// A page of the guide.
    Page(PathBuf),
    /// Something else that exists, or that only the site knows.
    Somewhere,
    Nowhere,
}

/// What is wrong with a link, and what to do.
struct Wrong {
    message: String,
    help: String,
}

impl Ground<'_> {
    /// Look at every link, folder by folder; links to places in a page count by their page.
    fn judge(&self, base: &Path, ignored: &dyn Fn(&str) -> bool) -> BTreeMap<PathBuf, Judged> {
        let mut all: BTreeMap<PathBuf, Judged> = BTreeMap::new();
        for (path, (source, page)) in self.pages {
            let mut seen = BTreeSet::new();
            for link in page.links.iter().filter(|link| !is_outside(&link.target) && !is_pattern(&link.target) && !ignored(&link.target)) {
                let Some((is_place, wrong)) = self.look(path, page, &link.target, base) else { continue };
                let group = if is_place { path.clone() } else { path.parent().unwrap_or(path).to_path_buf() };
                let judged = all.entry(group).or_default();
                let Some(Wrong { message, help }) = wrong else {
                    judged.alive.insert(link.target.clone());
                    continue;
                };
                judged.dead.insert(link.target.clone());
                if seen.insert(link.span) {
                    judged.findings.push(Finding::new(Code::DeadLink, Location::new(source, link.span), message).with_help(help));
                }
            }
        }
        all
    }

    /// Whether a link leads to a place in its own page, and what is wrong with it. `None` if nothing can be said.
    fn look(&self, path: &Path, page: &Page, target: &str, base: &Path) -> Option<(bool, Option<Wrong>)> {
        let (file, fragment) = target.split_once('#').map_or((target, None), |(file, fragment)| (file, Some(decoded(fragment))));
        let file = decoded(file.split('?').next().unwrap_or(file));
        let exactly = self.root.is_some();
        if file.is_empty() {
            let fragment = fragment?;
            return Some((true, (!page.anchors.has(&fragment, exactly)).then(|| no_place(&fragment, page, "this page"))));
        }
        // Only the site knows what its own root is.
        if file.starts_with('/') || file.starts_with('@') {
            return None;
        }
        match self.leads(path, &file) {
            Leads::Somewhere => Some((false, None)),
            Leads::Nowhere => {
                let folder = path.parent().unwrap_or(path);
                let help = nearest_file(folder, &file)
                    .map_or_else(|| "correct the link, or add what it leads to".to_owned(), |near| format!("did you mean `{near}`?"));
                Some((false, Some(Wrong { message: format!("this link leads nowhere: there is no `{file}` beside the page"), help })))
            }
            Leads::Page(found) => {
                let (source, other) = self.pages.get(&found)?;
                let wrong = fragment.filter(|fragment| matters(source) && !other.anchors.has(fragment, exactly));
                Some((false, wrong.map(|fragment| no_place(&fragment, other, &format!("`{}`", display_path(&found, base))))))
            }
        }
    }

    /// What a path on a page leads to.
    fn leads(&self, page: &Path, file: &str) -> Leads {
        let folder = page.parent().unwrap_or(page);
        // Sites that show `a.md` as `a/` make its links one step longer.
        for from in [folder.to_path_buf(), page.with_extension("")] {
            let path = plain(&from.join(file));
            for candidate in candidates(&path) {
                if self.pages.contains_key(&candidate) {
                    return Leads::Page(candidate);
                }
                if candidate.exists() {
                    return Leads::Somewhere;
                }
            }
        }
        let path = plain(&folder.join(file));
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        let Some(root) = &self.root else { return Leads::Nowhere };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.parent() == Some(root) && GENERATED.contains(&name.as_str()) {
            return Leads::Somewhere;
        }
        // What lies outside of the guide may be another part of the site.
        let is_site = ending.is_empty() || ending.starts_with("htm") || !path.parent().is_some_and(Path::is_dir);
        if !path.starts_with(root) && is_site { Leads::Somewhere } else { Leads::Nowhere }
    }
}

/// Whether a page's anchors are known.
fn matters(source: &Source) -> bool {
    matches!(read::format(source), Format::Markdown | Format::Html)
}

fn no_place(fragment: &str, page: &Page, shown: &str) -> Wrong {
    let help = page
        .anchors
        .near(fragment)
        .map_or_else(|| "link to a heading by its words in small letters, with a `-` for each blank".to_owned(), |near| format!("did you mean `#{near}`?"));
    Wrong { message: format!("this link leads nowhere: nothing in {shown} has the anchor `#{fragment}`"), help }
}

/// Whether a target is still to be filled in by a template.
fn is_pattern(target: &str) -> bool {
    target.contains("{{") || target.contains("{%") || target.contains("${") || target.contains("<%") || target.contains('|') || target.trim().is_empty()
}

/// Everything that a path may mean on the site that is made of the pages.
fn candidates(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![path.to_path_buf()];
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    if ending == "html" || ending == "htm" {
        found.extend(WRITTEN.iter().map(|other| path.with_extension(other)));
        if path.file_stem().is_some_and(|stem| stem == "index") {
            found.extend(INDEX.iter().map(|index| path.with_file_name(index)));
        }
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    found.extend(WRITTEN.iter().map(|other| path.with_file_name(format!("{name}.{other}"))));
    // A folder by itself exists; it stands for its own page if it has one.
    found.splice(0..0, INDEX.iter().map(|index| path.join(index)));
    found
}

/// The name in the folder that a mistaken one is nearest to.
fn nearest_file(folder: &Path, file: &str) -> Option<String> {
    let (before, name) = file.rsplit_once('/').map_or(("", file), |(before, name)| (before, name));
    let entries = std::fs::read_dir(folder.join(before)).ok()?;
    let mut names: Vec<String> = entries.flatten().take(1000).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let near = super::nearest::nearest(name, names.iter().map(String::as_str))?;
    Some(if before.is_empty() { near.to_owned() } else { format!("{before}/{near}") })
}

/// A path without `.` and `..`, as links mean them.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests;
