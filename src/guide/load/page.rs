//! One page: its bytes, its format, its id.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use super::LoadError;
use crate::finding::{Code, Finding, Location};
use crate::guide::{Block, Chapter, Guide, Lesson, html, markdown, notebook, rst, text};
use crate::source::{Source, Span, display_path};

/// The largest page that is read, in bytes.
pub const CAP: u64 = 64 * 1024 * 1024;

/// The form that a page is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Markdown.
    Markdown,
    /// Plain text, in which nothing marks the code.
    Text,
    /// reStructuredText.
    Rst,
    /// HTML.
    Html,
    /// A Jupyter notebook.
    Notebook,
}

impl Format {
    /// The format that a file's ending stands for; `None` if pages do not end so.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        ENDINGS.iter().find(|(ending, _)| name.strip_suffix(ending).is_some_and(|stem| !stem.is_empty())).map(|(_, format)| *format)
    }
}

/// The endings of pages. A longer one stands before its own end.
const ENDINGS: &[(&str, Format)] = &[
    (".md.txt", Format::Markdown),
    (".md", Format::Markdown),
    (".markdown", Format::Markdown),
    (".mdx", Format::Markdown),
    (".myst", Format::Markdown),
    (".qmd", Format::Markdown),
    (".rst.txt", Format::Rst),
    (".rst", Format::Rst),
    (".rest", Format::Rst),
    (".html", Format::Html),
    (".htm", Format::Html),
    (".ipynb", Format::Notebook),
    (".txt", Format::Text),
];

/// The id of the page at `path`: its path from `root` without its ending, with forward slashes.
pub(super) fn id(path: &Path, root: &Path) -> String {
    let shown = display_path(path, root);
    let lower = shown.to_lowercase();
    let ending = ENDINGS.iter().find(|(ending, _)| lower.ends_with(ending)).map_or(0, |(ending, _)| ending.len());
    // Lower case may have another length; an ending is plain ASCII, so it is cut only where the text allows it.
    let stem = shown.len().checked_sub(ending).and_then(|end| shown.get(..end)).filter(|stem| !stem.is_empty() && !stem.ends_with('/'));
    stem.unwrap_or(&shown).to_owned()
}

/// The text of a page. What is no plain file is never opened for long enough to wait on it.
pub(super) fn read(path: &Path, base: &Path) -> Result<Arc<Source>, LoadError> {
    let shown = display_path(path, base);
    let failed = |error: std::io::Error| LoadError::of(path, base, &error);
    let kind = std::fs::metadata(path).map_err(failed)?.file_type();
    if !kind.is_file() {
        let what = match () {
            () if kind.is_dir() => "a folder",
            () if kind.is_fifo() => "a named pipe",
            () if kind.is_socket() => "a socket",
            () => "a device",
        };
        return Err(LoadError::Special { path: shown, what });
    }
    // Between the look and the opening, a pipe may have taken the file's place: opening it must not wait either.
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file: File = std::fs::OpenOptions::new().read(true).custom_flags(nonblock).open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    if size > CAP {
        return Err(LoadError::TooLarge { path: shown, size, cap: CAP });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(CAP).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Arc::new(Source::from_bytes(shown, &bytes)))
}

/// Parse a page by its ending; plain text if it has none that is known.
pub(super) fn parse(source: &Arc<Source>, id: &str, path: &Path, root: &Path) -> Guide {
    match Format::of(path).unwrap_or(Format::Text) {
        Format::Markdown => {
            let folder = markdown::Folder { page: path.parent().unwrap_or(root), root };
            markdown::parse_in(source, id, Some(&folder))
        }
        Format::Text => text::parse(source, id),
        Format::Rst => rst::parse(source, id),
        Format::Html => html::parse(source, id),
        Format::Notebook => notebook::parse(source, id),
    }
}

/// The blocks that a page of this path would have if it said `text`.
#[must_use]
pub fn blocks_of(path: &str, text: &str) -> Vec<Block> {
    let path = Path::new(path);
    let source = Arc::new(Source::new(path.display().to_string(), text));
    let guide = parse(&source, "", path, path.parent().unwrap_or(Path::new("")));
    guide.chapters.into_iter().flat_map(|chapter| chapter.lessons).flat_map(|lesson| lesson.blocks).collect()
}

/// The lessons of a page that a table of contents names; an empty one if its reader finds none.
pub(super) fn lessons(path: &Path, root: &Path, base: &Path) -> Result<Vec<Lesson>, LoadError> {
    let source = read(path, base)?;
    let id = id(path, root);
    let mut guide = parse(&source, &id, path, root);
    if guide.lessons().next().is_none() {
        guide.chapters = vec![Chapter { lessons: vec![empty(&source, &id)], ..Chapter::default() }];
    }
    note_lossy_lines(&source, &mut guide.chapters);
    Ok(guide.chapters.into_iter().flat_map(|chapter| chapter.lessons).collect())
}

/// A lesson with nothing in it.
pub(super) fn empty(source: &Arc<Source>, id: &str) -> Lesson {
    Lesson {
        id: id.to_owned(),
        number: None,
        title: id.rsplit('/').next().unwrap_or(id).to_owned(),
        source: Arc::clone(source),
        span: Span::new(0, source.text().len()),
        line: 1,
        blocks: Vec::new(),
        prose: Vec::new(),
        draft: false,
        findings: Vec::new(),
    }
}

/// Add the finding for bytes that are not UTF-8, at the first line that has any, to the lesson that it stands in.
pub(super) fn note_lossy_lines(source: &Arc<Source>, chapters: &mut [Chapter]) {
    let Some(&line) = source.lossy_lines().first() else { return };
    let others = source.lossy_lines().len() - 1;
    let message = match others {
        0 => "this line has bytes that are not UTF-8; they were read as U+FFFD".to_owned(),
        _ => format!("this line and {others} more have bytes that are not UTF-8; they were read as U+FFFD"),
    };
    let location = Location::line(source, line);
    let at = source.line_span(line).start;
    let finding = Finding::new(Code::InvalidUtf8, location, message).with_help("save the page as UTF-8");
    let lessons: Vec<&mut Lesson> = chapters.iter_mut().flat_map(|chapter| &mut chapter.lessons).collect();
    let place = lessons.iter().position(|lesson| lesson.span.contains(at)).unwrap_or(0);
    if let Some(lesson) = lessons.into_iter().nth(place) {
        lesson.findings.push(finding);
    }
}
