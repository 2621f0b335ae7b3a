//! Reads reStructuredText: `Source --rst::parse--> Guide`, line by line as docutils does, but kinder: where docutils would drop code with a warning, it is read.
//! It never fails, never includes another file, and knows no substitution.

mod explicit;
mod inline;
mod line;
mod session;

use std::sync::{Arc, LazyLock};

use regex::Regex;

use self::inline::Inline;
use self::line::{Line, indent_of, indented_end, trim};
use super::page::Page;
use super::{Body, Guide, Info, Language, Mark, Prose, ProseKind, Role};
use crate::source::{Source, Span};

/// Lists in lists in quotes deeper than this are not read: nobody writes them, and a page must not exhaust the stack.
const DEEPEST: usize = 40;

/// How many lines are searched for the end of a table.
const LONGEST_TABLE: usize = 1000;

static ENUMERATOR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:\((?:\d{1,4}|#|[A-Za-z]|[ivxlcIVXLC]{2,6})\)|(?:\d{1,4}|#|[A-Za-z]|[ivxlcIVXLC]{2,6})[.)])(?: |$)").ok());
static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^:[^:\s`](?:[^:`]*[^:\s`])?:(?: |$)").ok());

/// Read a page. Its id is `id`, its title that of its first section.
#[must_use]
pub fn parse(source: &Arc<Source>, id: &str) -> Guide {
    let mut reader = Reader { page: Page::new(source), styles: Vec::new(), highlight: None, expects_literal: false };
    reader.region(&Line::all(source), Region { depth: 0, titles: true });
    reader.page.guide(id, None)
}

/// Where in the page a run of lines stands.
#[derive(Debug, Clone, Copy)]
struct Region {
    /// In how many lists, quotes and directives.
    depth: usize,
    /// Whether a section may start there.
    titles: bool,
}

impl Region {
    fn inside(self) -> Self {
        Self { depth: self.depth + 1, titles: false }
    }
}

/// What is known of the page while it is read.
struct Reader {
    page: Page,
    /// The underlines in order of appearance, and whether each goes with an overline: their order gives the levels.
    styles: Vec<(char, bool)>,
    /// The language of `.. highlight::`.
    highlight: Option<String>,
    /// Whether the last paragraph ended with `::` and its block has not come yet.
    expects_literal: bool,
}

impl Reader {
    /// Read the lines of one list item, quote, directive or page.
    fn region(&mut self, lines: &[Line<'_>], region: Region) {
        if region.depth > DEEPEST {
            return;
        }
        let indent = indent_of(lines);
        let mut at = 0;
        while let Some(&line) = lines.get(at) {
            if line.is_blank() {
                at += 1;
                continue;
            }
            let expects_literal = std::mem::take(&mut self.expects_literal);
            at = if line.indent() > indent {
                let end = indented_end(lines, at, indent);
                if expects_literal {
                    self.literal(&lines[at..end]);
                } else {
                    self.region(&lines[at..end], region.inside());
                }
                end
            } else {
                self.element(lines, at, indent, region)
            };
        }
    }

    /// Read the element that starts at line `at`, which stands at the region's own indentation, and give the line behind it.
    fn element(&mut self, lines: &[Line<'_>], at: usize, indent: usize, region: Region) -> usize {
        let line = lines[at];
        let text = line.text();
        if text == ".." || text.starts_with(".. ") || text.starts_with("__ ") {
            return self.explicit(lines, at, indent, region);
        }
        if text == ">>>" || text.starts_with(">>> ") {
            return self.doctest(lines, at);
        }
        if let Some(end) = table_end(lines, at) {
            return end;
        }
        if region.titles
            && let Some(end) = self.section(lines, at)
        {
            return end;
        }
        if underline(text).is_some() && text.len() >= 4 {
            return at + 1;
        }
        if region.depth < DEEPEST
            && let Some(marker) = marker(lines, at)
        {
            return self.item(lines, at, line.behind(marker), region);
        }
        self.paragraph(lines, at, indent)
    }

    /// A list item or a field: what is indented like the text behind its marker.
    fn item(&mut self, lines: &[Line<'_>], at: usize, first: Line<'_>, region: Region) -> usize {
        let indent = lines[at].indent();
        let end = lines[at + 1..].iter().position(|line| !line.is_blank() && line.indent() <= indent).map_or(lines.len(), |end| at + 1 + end);
        let body = &lines[at + 1..end];
        let item = joined(first, body, indent);
        self.region(&item, region.inside());
        end
    }

    /// A title with its underline, and an overline or none.
    fn section(&mut self, lines: &[Line<'_>], at: usize) -> Option<usize> {
        let line = |offset: usize| lines.get(at + offset).filter(|line| !line.is_blank());
        let (title, style, end) = match (underline(line(0)?.text()), line(1), line(2)) {
            (Some(over), Some(title), Some(under)) if underline(under.text()) == Some(over) => (*title, (over, true), at + 3),
            (None, Some(under), _) => {
                let mark = underline(under.text())?;
                let long = under.text().len() >= line(0)?.text().chars().count().min(4);
                if !long || under.text() == "::" || under.text() == ".." || under.indent() != line(0)?.indent() {
                    return None;
                }
                (*line(0)?, (mark, false), at + 2)
            }
            _ => return None,
        };
        let level = self.styles.iter().position(|known| *known == style).unwrap_or_else(|| {
            self.styles.push(style);
            self.styles.len() - 1
        });
        self.prose(ProseKind::Heading(u8::try_from(level + 1).unwrap_or(u8::MAX)), title.span(), title.text());
        Some(end)
    }

    /// A paragraph, and the literal block that it announces.
    fn paragraph(&mut self, lines: &[Line<'_>], at: usize, indent: usize) -> usize {
        let more = lines[at + 1..].iter().position(|line| line.is_blank() || line.indent() > indent || starts_code(line.text()));
        let end = more.map_or(lines.len(), |more| at + 1 + more);
        let text = lines[at..end].iter().map(|line| line.text().trim_start_matches("| ")).collect::<Vec<_>>().join("\n");
        let announced = text.strip_suffix("::");
        let shown = announced
            .map_or(text.clone(), |before| if before.is_empty() || before.ends_with(char::is_whitespace) { before.to_owned() } else { format!("{before}:") });
        self.prose(ProseKind::Paragraph, Span::new(lines[at].span().start, lines[end - 1].span().end), &shown);
        if announced.is_none() {
            return end;
        }
        let Some(next) = lines[end..].iter().position(|line| !line.is_blank()).map(|blank| end + blank) else {
            // The block may still come, indented by less than the list item that announces it.
            self.expects_literal = true;
            return end;
        };
        if lines[next].indent() > indent {
            let end = indented_end(lines, next, indent);
            self.literal(&lines[next..end]);
            return end;
        }
        self.quoted(lines, next)
    }

    /// A literal block without indentation: each line begins with the same mark. Gives `at` itself if there is none.
    fn quoted(&mut self, lines: &[Line<'_>], at: usize) -> usize {
        let text = lines[at].text();
        let Some(mark) = text.chars().next().filter(char::is_ascii_punctuation) else { return at };
        if text == ".." || text.starts_with(".. ") || text.starts_with(">>>") || starts_markup(text) {
            return at;
        }
        let end = lines[at..].iter().position(|line| !line.text().starts_with(mark)).map_or(lines.len(), |end| at + end);
        self.literal(&lines[at..end]);
        end
    }

    /// A session that stands as a paragraph of its own.
    fn doctest(&mut self, lines: &[Line<'_>], at: usize) -> usize {
        let end = lines[at..].iter().position(|line| line.is_blank()).map_or(lines.len(), |end| at + end);
        let body = session::without_echo(body_of(&lines[at..end]), false);
        self.page.code(body, Some("pycon"), Mark::Doctest, Info::default());
        end
    }

    fn literal(&mut self, lines: &[Line<'_>]) {
        self.code(lines, None, Mark::Indented, Info::default());
    }

    /// Code of a language that the page names or leaves to its default.
    fn code(&mut self, lines: &[Line<'_>], word: Option<&str>, mark: Mark, info: Info) {
        let word = word.or(self.highlight.as_deref()).map(str::to_owned);
        let displays_sql = word.as_deref().is_some_and(|word| word.ends_with("+sql"));
        let written = body_of(lines);
        let body = session::without_echo(written.clone(), displays_sql);
        if body.lines.is_empty() && !written.lines.is_empty() {
            let role = Role::Foreign("SQL that the engine logs".to_owned());
            return self.page.block(session::log(&written), Language::Sql, role, mark, info);
        }
        self.page.code(body, word.as_deref(), mark, info);
    }

    fn prose(&mut self, kind: ProseKind, span: Span, text: &str) {
        let Inline { text, code, links } = Inline::of(text);
        self.page.prose(Prose { span, kind, text, code, links });
    }
}

/// A first line that stands behind a marker, with the lines below it: it counts as indented like the least of them, but less than the block that it announces.
fn joined<'s>(first: Line<'s>, body: &[Line<'s>], marker: usize) -> Vec<Line<'s>> {
    let paragraph = body.iter().position(|line| line.is_blank()).unwrap_or(body.len());
    let below = if paragraph > 0 { indent_of(&body[..paragraph]) } else { indent_of(body) };
    let next = body.iter().find(|line| !line.is_blank()).map(|line| line.indent());
    let column = match next {
        None => first.indent(),
        Some(next) if paragraph == 0 && first.text().ends_with("::") && next == below.min(first.indent()) => marker + 1,
        Some(_) if first.is_blank() => below,
        Some(_) => below.min(first.indent()),
    };
    std::iter::once(first.at_column(column)).chain(body.iter().copied()).collect()
}

/// The lines as code, without the indentation that all of them have and without blank lines at the ends.
fn body_of(lines: &[Line<'_>]) -> Body {
    let lines = trim(lines);
    let indent = indent_of(lines);
    Body { lines: lines.iter().map(|line| line.code(indent)).collect() }
}

/// The mark that a line consists of, if it consists of one.
fn underline(text: &str) -> Option<char> {
    let first = text.chars().next().filter(char::is_ascii_punctuation)?;
    text.chars().all(|letter| letter == first).then_some(first)
}

/// How long the marker of a list item or a field is at line `at`.
fn marker(lines: &[Line<'_>], at: usize) -> Option<usize> {
    let text = lines[at].text();
    let mut letters = text.chars();
    if let Some(bullet) = letters.next().filter(|bullet| "*+-\u{2022}\u{2023}\u{2043}".contains(*bullet)) {
        return matches!(letters.next(), None | Some(' ' | '\t')).then_some(bullet.len_utf8());
    }
    if let Some(found) = ENUMERATOR.as_ref().and_then(|enumerator| enumerator.find(text)) {
        // `A. Name` that goes on in the next line is a paragraph; an item's next line is blank, indented or an item.
        let next = lines.get(at + 1);
        let listed = next.is_none_or(|next| {
            next.is_blank() || next.indent() > lines[at].indent() || ENUMERATOR.as_ref().is_some_and(|enumerator| enumerator.is_match(next.text()))
        });
        return listed.then(|| found.as_str().trim_end().len());
    }
    FIELD.as_ref().and_then(|field| field.find(text)).map(|found| found.as_str().trim_end().len())
}

/// Whether a line starts a list item or a directive of its own.
fn starts_markup(text: &str) -> bool {
    text.len() > 2 && (text.starts_with("* ") || text.starts_with("- ") || text.starts_with("+ "))
}

/// Whether a line is a code directive: one that follows a paragraph without a blank line is still meant as one.
fn starts_code(text: &str) -> bool {
    explicit::name_of(text).is_some_and(explicit::is_code)
}

/// The line behind the table that starts at line `at`. What a table holds is not read.
fn table_end(lines: &[Line<'_>], at: usize) -> Option<usize> {
    let text = lines[at].text();
    let blank = |from: usize| lines[from..].iter().position(|line| line.is_blank()).map_or(lines.len(), |end| from + end);
    if text.len() > 2 && text.ends_with('+') && (text.starts_with("+-") || text.starts_with("+=")) && text.chars().all(|letter| "+-=".contains(letter)) {
        return Some(blank(at));
    }
    let is_border = |text: &str| text.starts_with("==") && text.contains(' ') && text.chars().all(|letter| letter == '=' || letter == ' ');
    is_border(text).then(|| {
        let closes = |end: usize| is_border(lines[end].text()) && lines.get(end + 1).is_none_or(|next| next.is_blank());
        (at + 1..lines.len()).take(LONGEST_TABLE).find(|&end| closes(end)).map_or_else(|| blank(at), |end| end + 1)
    })
}

#[cfg(test)]
mod tests;
