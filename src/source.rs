//! Source and Span: the only place where bytes become lines and columns.
//!
//! A [`Source`] is one text of a guide as it was read. It never changes and it never fails: what could not be decoded is replaced and remembered.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// A half-open range of byte offsets into one [`Source`]'s text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span from `start` up to, and without, `end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// Whether `offset` lies inside.
    #[must_use]
    pub fn contains(&self, offset: usize) -> bool {
        self.start <= offset && offset < self.end
    }

    /// How many bytes it covers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether it covers nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

/// Where an offset is, as a person says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line, from 1; in a notebook, the line in its cell.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The notebook cell, from 0; `None` in every other format.
    pub cell: Option<usize>,
}

/// One text of a guide, with what is needed to say where in it something is.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    path: String,
    text: String,
    /// The byte offset at which each line starts; never empty.
    starts: Vec<usize>,
    /// The byte offset at which each notebook cell starts, with the cell's index; empty in every other format.
    cells: Vec<(usize, usize)>,
    /// Lines (from 1) in which bytes were not UTF-8 and were replaced.
    lossy: Vec<usize>,
    /// Where only places are known, and not what stands there: what the text was known by.
    outline: Option<String>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("path", &self.path).field("lines", &self.line_count()).finish()
    }
}

impl Source {
    /// A source of `text`, shown to people as `path`. Carriage returns before line feeds and a byte order mark are dropped: neither moves a line.
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text: String = text.into();
        if text.starts_with('\u{feff}') {
            text.remove(0);
        }
        if text.contains("\r\n") {
            text = text.replace("\r\n", "\n");
        }
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { path: path.into(), text, starts, cells: Vec::new(), lossy: Vec::new(), outline: None }
    }

    /// A source of raw bytes. What is not UTF-8 becomes U+FFFD, and [`Source::lossy_lines`] names the lines.
    #[must_use]
    pub fn from_bytes(path: impl Into<String>, bytes: &[u8]) -> Self {
        let mut lossy = Vec::new();
        let mut line = 1;
        for chunk in bytes.utf8_chunks() {
            line += chunk.valid().matches('\n').count();
            if !chunk.invalid().is_empty() && lossy.last() != Some(&line) {
                lossy.push(line);
            }
        }
        Self { lossy, ..Self::new(path, String::from_utf8_lossy(bytes)) }
    }

    /// The same source, told where its notebook cells start: `(byte offset, cell index from 0)`, ascending.
    #[must_use]
    pub fn with_cells(mut self, cells: Vec<(usize, usize)>) -> Self {
        self.cells = cells;
        self
    }

    /// A source whose text is not at hand: each of `places` is in it, and nothing that could be shown. `known_by` is what the text was known by.
    #[must_use]
    pub fn outline(path: impl Into<String>, known_by: impl Into<String>, places: impl IntoIterator<Item = Place>) -> Self {
        let mut cells: BTreeMap<Option<usize>, BTreeMap<usize, usize>> = BTreeMap::new();
        for Place { line, column, cell } in places {
            let widest = cells.entry(cell).or_default().entry(line.max(1)).or_default();
            *widest = column.max(*widest);
        }
        let (mut text, mut starts) = (String::new(), Vec::new());
        for (cell, lines) in cells {
            starts.extend(cell.map(|cell| (text.len(), cell)));
            let mut at = 1;
            for (line, column) in lines {
                text.extend(std::iter::repeat_n('\n', line - at));
                text.extend(std::iter::repeat_n('.', column.saturating_sub(1)));
                at = line;
            }
            text.push('\n');
        }
        Self { outline: Some(known_by.into()), ..Self::new(path, text).with_cells(starts) }
    }

    /// Whether the text is not at hand: places can be told, and no line of it shown.
    #[must_use]
    pub fn is_outline(&self) -> bool {
        self.outline.is_some()
    }

    /// What the text was known by, if it is not at hand.
    #[must_use]
    pub fn known_by(&self) -> Option<&str> {
        self.outline.as_deref()
    }

    /// The path to show, relative to the working directory where that is possible.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Lines (from 1) that held bytes which are not UTF-8.
    #[must_use]
    pub fn lossy_lines(&self) -> &[usize] {
        &self.lossy
    }

    /// How many lines there are; a text that ends in a newline has no empty line after it.
    #[must_use]
    pub fn line_count(&self) -> usize {
        if self.text.ends_with('\n') { self.starts.len() - 1 } else { self.starts.len() }
    }

    /// The span of a line (from 1), without its newline; empty past the end.
    #[must_use]
    pub fn line_span(&self, line: usize) -> Span {
        let Some(&start) = line.checked_sub(1).and_then(|index| self.starts.get(index)) else {
            return Span::new(self.text.len(), self.text.len());
        };
        let end = self.starts.get(line).map_or(self.text.len(), |next| next - 1);
        Span::new(start, end)
    }

    /// The text of a line (from 1), without its newline.
    #[must_use]
    pub fn line(&self, line: usize) -> &str {
        self.slice(self.line_span(line))
    }

    /// The text of a span; what lies outside the source is left out.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end.min(self.text.len())).unwrap_or("")
    }

    /// The line of the file (from 1) in which an offset lies, notebooks included.
    #[must_use]
    pub fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|&start| start <= offset).max(1)
    }

    /// The place of an offset. An offset inside a character counts as that character's.
    #[must_use]
    pub fn place(&self, offset: usize) -> Place {
        let offset = offset.min(self.text.len());
        let line = self.line_of(offset);
        let start = self.starts[line - 1];
        let column = self.text[start..].char_indices().take_while(|(at, _)| start + at < offset).count();
        let inside = !self.text.is_char_boundary(offset);
        let cell = self.cells.iter().rev().find(|(start, _)| *start <= offset);
        Place {
            line: cell.map_or(line, |(start, _)| line - self.line_of(*start) + 1),
            column: (column + usize::from(!inside)).max(1),
            cell: cell.map(|(_, index)| *index),
        }
    }

    /// The offset of a line and column (both from 1, the column in characters), at the line's end if it is shorter.
    #[must_use]
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let span = self.line_span(line);
        self.slice(span).char_indices().nth(column.saturating_sub(1)).map_or(span.end, |(at, _)| span.start + at)
    }

    /// The line of the file (from 1) that a line (from 1) of a notebook's cell is; of any other text, the line itself.
    #[must_use]
    pub fn line_in(&self, cell: Option<usize>, line: usize) -> usize {
        let start = cell.and_then(|cell| self.cells.iter().find(|(_, index)| *index == cell));
        start.map_or(line, |(start, _)| self.line_of(*start) + line.max(1) - 1)
    }

    /// The offset of a place: the way back from [`Source::place`].
    #[must_use]
    pub fn offset_of(&self, place: Place) -> usize {
        self.offset(self.line_in(place.cell, place.line), place.column)
    }
}

/// `path` as people want to read it: relative to `base` if it lies under it, with forward slashes.
#[must_use]
pub fn display_path(path: &Path, base: &Path) -> String {
    let shown: PathBuf = path.strip_prefix(base).map_or_else(|_| path.to_path_buf(), Path::to_path_buf);
    let shown = shown.to_string_lossy().replace('\\', "/");
    shown.strip_prefix("./").map_or(shown.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let source = Source::new("a.md", "één\r\ntwo\n");
        assert_eq!(source.line_count(), 2);
        assert_eq!(source.line(1), "één");
        assert_eq!(source.line(2), "two");
        assert_eq!(source.place(2), Place { line: 1, column: 2, cell: None });
        assert_eq!(source.offset(1, 3), 4);
        assert_eq!(source.line(9), "");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced_and_their_lines_named() {
        let source = Source::from_bytes("a.md", b"ok\n\xff\xfe bad\nok\n");
        assert_eq!(source.lossy_lines(), [2]);
        assert_eq!(source.line(3), "ok");
    }

    #[test]
    fn a_cell_counts_its_own_lines() {
        let source = Source::new("a.ipynb", "a\nb\nc\nd\n").with_cells(vec![(0, 0), (4, 3)]);
        assert_eq!(source.place(6), Place { line: 2, column: 1, cell: Some(3) });
    }

    #[test]
    fn an_outline_has_its_places_and_nothing_else() {
        let place = |line, column, cell| Place { line, column, cell };
        for places in [vec![place(3, 7, None), place(1, 1, None), place(3, 2, None)], vec![place(2, 4, Some(5)), place(1, 2, Some(1)), place(9, 1, Some(1))]] {
            let source = Source::outline("a.md", "x", places.clone());
            assert_eq!(source.known_by(), Some("x"));
            for place in places {
                assert_eq!(source.place(source.offset_of(place)), place);
            }
        }
        assert_eq!(Source::outline("a.md", "x", []).place(0), place(1, 1, None));
    }

    proptest! {
        #[test]
        fn an_offset_goes_to_a_place_and_back(text in "[a-zé\n\u{1F600}]{0,40}") {
            let source = Source::new("x", text);
            for (offset, _) in source.text().char_indices() {
                let place = source.place(offset);
                prop_assert_eq!(source.offset(place.line, place.column), offset);
            }
        }
    }
}
