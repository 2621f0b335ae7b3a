//! What a page is made of, whatever it was written in: headings, paragraphs, lists, tables and the places of its blocks. Between `Lesson` and the Markdown that `import` writes.
//!
//! Pure data and the folding of white space; it knows no format.

/// A piece of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// A heading of this level, from 1.
    Heading(u8, Vec<Inline>),
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// A list; with the number of its first item if its items are counted.
    List(Option<usize>, Vec<Vec<Node>>),
    /// A quotation.
    Quote(Vec<Node>),
    /// A table, its head first if it has one.
    Table {
        /// Whether the first row is its head.
        headed: bool,
        /// The rows and their cells.
        rows: Vec<Vec<Vec<Inline>>>,
    },
    /// The block of this index in its lesson.
    Code(usize),
    /// A line across the page.
    Rule,
}

/// A piece of a line of prose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Inline {
    /// Words of one style. A newline in them is one that the page has and that a reader does not see.
    Text(String, Style),
    /// A line break that a reader sees.
    Break,
    /// A picture that lies somewhere else: what it shows, and its address.
    Image(String, String),
}

/// How words are set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Style {
    /// In code font.
    pub(super) code: bool,
    /// In bold type.
    pub(super) strong: bool,
    /// In italics.
    pub(super) emphasis: bool,
    /// Struck out.
    pub(super) struck: bool,
    /// The target of the link that they are.
    pub(super) link: Option<String>,
}

impl Inline {
    /// Words without any style.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::Text(text.into(), Style::default())
    }

    /// Words in code font.
    pub(super) fn code(text: impl Into<String>) -> Self {
        Self::Text(text.into(), Style { code: true, ..Style::default() })
    }
}

/// A line of prose with its white space folded: one blank between words, none at its ends; neighbours of one style are one. Newlines stay if `keep_lines`.
pub(super) fn folded(line: Vec<Inline>, keep_lines: bool) -> Vec<Inline> {
    let mut found: Vec<Inline> = Vec::new();
    // Whether a blank here would stand at the start of a line or behind another.
    let mut after_blank = true;
    for piece in line {
        let Inline::Text(text, style) = piece else {
            after_blank = piece == Inline::Break;
            if after_blank {
                trim_end(&mut found);
            }
            found.push(piece);
            continue;
        };
        let mut kept = String::with_capacity(text.len());
        for letter in text.chars() {
            if !letter.is_whitespace() {
                kept.push(letter);
                after_blank = false;
            } else if keep_lines && letter == '\n' && !kept.trim_end().is_empty() {
                kept.truncate(kept.trim_end().len());
                kept.push('\n');
                after_blank = true;
            } else if !after_blank {
                kept.push(' ');
                after_blank = true;
            }
        }
        if kept.is_empty() {
            continue;
        }
        match found.last_mut() {
            Some(Inline::Text(last, known)) if *known == style => last.push_str(&kept),
            _ => found.push(Inline::Text(kept, style)),
        }
    }
    trim_end(&mut found);
    while found.first() == Some(&Inline::Break) {
        found.remove(0);
    }
    found
}

/// Take blanks and breaks from the end of a line.
fn trim_end(line: &mut Vec<Inline>) {
    while let Some(last) = line.last_mut() {
        match last {
            Inline::Text(text, _) => {
                text.truncate(text.trim_end().len());
                if !text.is_empty() {
                    return;
                }
            }
            Inline::Break => {}
            Inline::Image(..) => return,
        }
        line.pop();
    }
}

/// The words of a line, as a reader sees them.
pub(super) fn words(line: &[Inline]) -> String {
    let mut words = String::new();
    for piece in line {
        match piece {
            Inline::Text(text, _) | Inline::Image(text, _) => words.push_str(text),
            Inline::Break => words.push(' '),
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_folded_across_styles() {
        let line = vec![Inline::plain(" a\n "), Inline::code(" b "), Inline::plain(" c"), Inline::Break, Inline::plain(" d "), Inline::Break];
        assert_eq!(folded(line, false), [Inline::plain("a "), Inline::code("b "), Inline::plain("c"), Inline::Break, Inline::plain("d")]);
        assert_eq!(folded(vec![Inline::plain("a \n b\n")], true), [Inline::plain("a\nb")]);
        assert_eq!(folded(vec![Inline::plain(" \n ")], true), []);
    }
}
