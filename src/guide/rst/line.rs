//! Lines of reStructuredText and their columns. Only this file knows how wide a tab is; nothing here knows what a line means.

use crate::guide::BodyLine;
use crate::source::{Source, Span};

/// A tab reaches to the next multiple of this, as in docutils.
const TAB: usize = 8;

/// The rest of a line from some column on: all of it at the top level, what stands behind the marker in the first line of a list item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'s> {
    /// The text, without trailing white space.
    raw: &'s str,
    /// The offset of `raw` in the source.
    start: usize,
    /// The column of `raw`, from 0.
    base: usize,
}

impl<'s> Line<'s> {
    /// Every line of a source.
    pub(super) fn all(source: &'s Source) -> Vec<Self> {
        (1..=source.line_count()).map(|line| Self { raw: source.line(line).trim_end(), start: source.line_span(line).start, base: 0 }).collect()
    }

    /// What stands in this line `bytes` bytes behind its first letter, as a line of its own.
    pub(super) fn behind(self, bytes: usize) -> Self {
        let text = self.text();
        let (before, rest) = text.split_at(bytes.min(text.len()));
        let rest_text = rest.trim_start();
        let column = self.indent() + width(before, self.indent()) + width(&rest[..rest.len() - rest_text.len()], 0);
        Self { raw: rest_text, start: self.text_start() + text.len() - rest_text.len(), base: column }
    }

    /// The same line, said to start at another column: the text behind a directive's name counts as indented like the lines below it.
    pub(super) fn at_column(self, column: usize) -> Self {
        Self { raw: self.text(), start: self.text_start(), base: column }
    }

    /// Whether there is nothing but white space.
    pub(super) fn is_blank(self) -> bool {
        self.raw.is_empty()
    }

    /// The column of the first letter.
    pub(super) fn indent(self) -> usize {
        let text = self.text();
        self.base + width(&self.raw[..self.raw.len() - text.len()], self.base)
    }

    /// The line without its indentation.
    pub(super) fn text(self) -> &'s str {
        self.raw.trim_start()
    }

    /// The offset of the first letter.
    pub(super) fn text_start(self) -> usize {
        self.start + self.raw.len() - self.text().len()
    }

    /// The bytes from the first letter to the end.
    pub(super) fn span(self) -> Span {
        Span::new(self.text_start(), self.start + self.raw.len())
    }

    /// The line as code that is indented by `column`. Tabs of its own indentation become blanks, so that lines with and without tabs agree.
    pub(super) fn code(self, column: usize) -> BodyLine {
        let (mut at, mut bytes) = (self.base, 0);
        for letter in self.raw.chars() {
            if at >= column || !letter.is_whitespace() {
                break;
            }
            at += width(letter.encode_utf8(&mut [0; 4]), at);
            bytes += letter.len_utf8();
        }
        let rest = &self.raw[bytes..];
        let text = if rest.starts_with([' ', '\t']) && rest.contains('\t') || at > column && !rest.is_empty() {
            format!("{}{}", " ".repeat(self.indent().saturating_sub(column)), self.text())
        } else {
            rest.to_owned()
        };
        BodyLine { text, span: Span::new(self.start + bytes, self.start + self.raw.len()) }
    }
}

/// How many columns `text` takes that starts at column `from`.
fn width(text: &str, from: usize) -> usize {
    text.chars().fold(from, |at, letter| if letter == '\t' { (at / TAB + 1) * TAB } else { at + 1 }) - from
}

/// The smallest indentation of the lines that are not blank.
pub(super) fn indent_of(lines: &[Line<'_>]) -> usize {
    lines.iter().filter(|line| !line.is_blank()).map(|line| line.indent()).min().unwrap_or(0)
}

/// The lines without the blank ones at both ends.
pub(super) fn trim<'l, 's>(lines: &'l [Line<'s>]) -> &'l [Line<'s>] {
    let start = lines.iter().position(|line| !line.is_blank()).unwrap_or(lines.len());
    let end = lines.iter().rposition(|line| !line.is_blank()).map_or(start, |last| last + 1);
    &lines[start..end]
}

/// How many of the lines from `from` on are blank or indented by more than `indent`, blank lines at the end left out.
pub(super) fn indented_end(lines: &[Line<'_>], from: usize, indent: usize) -> usize {
    let end = lines[from..].iter().position(|line| !line.is_blank() && line.indent() <= indent).map_or(lines.len(), |at| from + at);
    lines[from..end].iter().rposition(|line| !line.is_blank()).map_or(from, |last| from + last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_reaches_to_the_next_eighth_column() {
        let source = Source::new("a.rst", "\tif x:\n\t    y\n        z\n");
        let lines = Line::all(&source);
        assert_eq!(lines.iter().map(|line| line.indent()).collect::<Vec<_>>(), [8, 12, 8]);
        assert_eq!(lines[1].code(8).text, "    y");
        assert_eq!(lines[1].code(4).text, "        y", "half of the tab belongs to the code");
    }

    #[test]
    fn what_stands_behind_a_marker_keeps_its_place() {
        let source = Source::new("a.rst", "  -   é x\n");
        let line = Line::all(&source)[0].behind(1);
        assert_eq!((line.text(), line.indent(), line.text_start()), ("é x", 6, 6));
    }
}
