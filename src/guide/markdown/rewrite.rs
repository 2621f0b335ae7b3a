//! Dialects of Markdown become CommonMark, line by line: indented admonitions and tabs become quotations, `{% highlight %}` and `:::` become fences,
//! front matter and the marks of admonitions become empty lines.
//!
//! A line of the rewritten text is the same line of the source, and an offset goes back to where it came from. It never touches a line of code.

use std::sync::LazyLock;

use regex::Regex;

use crate::source::{Source, Span};

use super::front_matter;

static ADMONITION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"^ *((!!!|\?\?\?\+?) +["\w]|===[!+]* +["'])"#).expect("the pattern is a constant"));
static FENCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)?(`{3,}|~{3,}|:{3,})\s*(.*)$").expect("the pattern is a constant"));
static HIGHLIGHT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^( {0,3})(?:\{%-?\s*(?:highlight|codeblock|code-block)\s*(.*?)\s*-?%\}|\{\{[<%]\s*highlight\s*(.*?)\s*[>%]\}\})\s*$"#)
        .expect("the pattern is a constant")
});
static END_HIGHLIGHT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:\{%-?\s*end(?:highlight|codeblock|code-block)\s*-?%\}|\{\{[<%]\s*/\s*highlight\s*[>%]\}\})\s*$").expect("the pattern is a constant")
});
static RAW: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\s*\{%-?\s*(end)?(raw|verbatim)\s*-?%\}\s*$").expect("the pattern is a constant"));
static OPTION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\s*:[\w-]+:(\s|$)").expect("the pattern is a constant"));

/// The most admonitions that stand in one another; each adds a mark to every line in it.
const LEVELS: usize = 16;

/// A fence that no page's code contains.
const RARE_FENCE: &str = "~~~~~~~~~~~~~~~~";

/// Whether a line holds nothing but Liquid's `raw` mark or its end.
pub(super) fn is_raw_mark(line: &str) -> bool {
    RAW.is_match(line)
}

/// The fence that opens on this line, and what stands behind it.
pub(super) fn fence(line: &str) -> Option<(char, usize, &str)> {
    let found = FENCE.captures(line)?;
    let (marks, info) = (found.get(1)?.as_str(), found.get(2)?.as_str());
    let mark = marks.chars().next()?;
    (mark != '`' || !info.contains('`')).then_some((mark, marks.len(), info))
}

/// Whether a line closes the fence of this mark and length.
pub(super) fn closes(line: &str, mark: char, length: usize) -> bool {
    let line = line.trim_start_matches([' ', '\t', '>']).trim_end();
    line.len() >= length && line.chars().all(|c| c == mark)
}

/// Some bytes of a source line and what stands for them.
#[derive(Debug, Clone, Copy)]
struct Edit {
    at: usize,
    removed: usize,
    added: usize,
}

/// A line of the rewritten text.
#[derive(Debug, Clone, Default)]
struct Line {
    start: usize,
    source: Span,
    edits: Vec<Edit>,
}

/// The page as CommonMark, with the way back.
#[derive(Debug, Clone, Default)]
pub(in crate::guide) struct Rewritten {
    /// The text to parse.
    pub(in crate::guide) text: String,
    /// The title that the front matter gives.
    pub(super) title: Option<String>,
    lines: Vec<Line>,
}

impl Rewritten {
    /// The line (from 1) in which an offset of the rewritten text lies. It is the same line in the source.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.lines.partition_point(|line| line.start <= offset).max(1)
    }

    /// Where in the source an offset of the rewritten text came from.
    pub(super) fn back(&self, offset: usize) -> usize {
        let Some(line) = self.lines.get(self.line_of(offset) - 1) else { return 0 };
        let (column, mut shift) = (offset.saturating_sub(line.start), 0_isize);
        for edit in &line.edits {
            let at = edit.at.saturating_add_signed(shift);
            if column < at {
                break;
            }
            if column < at + edit.added {
                return (line.source.start + edit.at + edit.removed).min(line.source.end);
            }
            shift += edit.added as isize - edit.removed as isize;
        }
        (line.source.start + column.saturating_add_signed(-shift)).min(line.source.end)
    }

    /// The source span of a range of the rewritten text, without the blanks around it.
    pub(in crate::guide) fn back_span(&self, range: &std::ops::Range<usize>) -> Span {
        let text = self.text.get(range.clone()).unwrap_or("");
        let start = range.start + (text.len() - text.trim_start().len());
        let end = range.start + text.trim_end().len();
        if start >= end {
            let at = self.back(range.start);
            return Span::new(at, at);
        }
        Span::new(self.back(start), self.back(end))
    }
}

/// What the lines above say about a line.
#[derive(Debug, Default)]
struct State {
    /// The indentation of each open admonition, outermost first.
    levels: Vec<usize>,
    /// The fence that is open: its mark, its length, and how many admonitions were open around it.
    fence: Option<(char, usize, usize)>,
    /// Fences of directives that hold prose: their marks and lengths.
    prose_fences: Vec<(char, usize)>,
    /// Whether the line before opened such a directive, or was one of its options.
    in_options: bool,
}

/// What becomes of a line.
enum Fate {
    /// It stays, within the quotation of its admonitions.
    Stays,
    /// It becomes empty.
    Goes,
    /// It becomes this text.
    Becomes(String),
}

/// Rewrite `source` as CommonMark.
pub(in crate::guide) fn rewrite(source: &Source) -> Rewritten {
    let (front, title) = front_matter::read(source);
    let mut page = Rewritten { text: String::with_capacity(source.text().len()), title, lines: Vec::with_capacity(source.line_count()) };
    let mut state = State::default();
    let mut blank_levels = Blanks::default();
    for number in 1..=source.line_count() {
        let span = source.line_span(number);
        let text = source.slice(span);
        let (levels, fate) = if number <= front { (Vec::new(), Fate::Goes) } else { state.step(text, blank_levels.indent_after(source, number)) };
        push(&mut page, span, text, &levels, &fate);
    }
    // A carriage return alone ends a line for CommonMark but not for us.
    if page.text.contains('\r') {
        page.text = page.text.replace('\r', " ");
    }
    page
}

/// Looks past blank lines, each line once.
#[derive(Debug, Default)]
struct Blanks {
    next: usize,
    indent: usize,
}

impl Blanks {
    /// The indentation of the first line at or after `number` that is not blank; 0 at the end.
    fn indent_after(&mut self, source: &Source, number: usize) -> usize {
        if number >= self.next {
            self.next = number;
            while self.next <= source.line_count() && source.line(self.next).trim().is_empty() {
                self.next += 1;
            }
            self.indent = if self.next > source.line_count() { 0 } else { indent(source.line(self.next)) };
            self.next += 1;
        }
        self.indent
    }
}

/// The columns of blanks that a line starts with; a tab counts as four.
fn indent(text: &str) -> usize {
    text.bytes().map_while(|byte| [(b' ', 1), (b'\t', 4)].iter().find(|(blank, _)| *blank == byte).map(|(_, width)| width)).sum()
}

impl State {
    /// The admonitions around a line, and what becomes of it. `next_indent` is the indentation of the first line from here on that is not blank.
    fn step(&mut self, text: &str, next_indent: usize) -> (Vec<usize>, Fate) {
        while self.levels.last().is_some_and(|level| next_indent < level + 4) {
            self.levels.pop();
            if self.fence.is_some_and(|(_, _, depth)| depth > self.levels.len()) {
                self.fence = None;
            }
        }
        let around = self.levels.clone();
        let fate = if self.fence.is_some() { self.within_fence(text) } else { self.outside(text) };
        (around, fate)
    }

    fn within_fence(&mut self, text: &str) -> Fate {
        match self.fence {
            Some(('%', _, _)) if END_HIGHLIGHT.is_match(text) => {
                self.fence = None;
                Fate::Becomes(RARE_FENCE.to_owned())
            }
            Some((mark @ ('`' | '~' | ':'), length, _)) if closes(text, mark, length) => {
                self.fence = None;
                if mark == ':' { Fate::Becomes(RARE_FENCE.to_owned()) } else { Fate::Stays }
            }
            _ => Fate::Stays,
        }
    }

    fn outside(&mut self, text: &str) -> Fate {
        if std::mem::take(&mut self.in_options) && OPTION.is_match(text) {
            self.in_options = true;
            return Fate::Goes;
        }
        if self.levels.len() < LEVELS && ADMONITION.is_match(text) {
            self.levels.push(indent(text));
            return Fate::Stays;
        }
        if let Some(found) = HIGHLIGHT.captures(text) {
            self.fence = Some(('%', 0, self.levels.len()));
            let info = found.get(2).or_else(|| found.get(3)).map_or("", |info| info.as_str());
            return Fate::Becomes(format!("{}{RARE_FENCE} {}", &found[1], info.replace(['<', '>'], "")));
        }
        if RAW.is_match(text) {
            return Fate::Goes;
        }
        let Some((mark, length, info)) = fence(text) else { return Fate::Stays };
        if let Some(&(_, open)) = self.prose_fences.last().filter(|(open, _)| *open == mark)
            && info.trim().is_empty()
            && length >= open
        {
            self.prose_fences.pop();
            return Fate::Goes;
        }
        let directive = info.strip_prefix('{').and_then(|rest| rest.split('}').next());
        let is_prose = if mark == ':' { !directive.is_some_and(holds_code) } else { directive.is_some_and(holds_prose) };
        if !is_prose {
            self.fence = Some((mark, length, self.levels.len()));
            return if mark == ':' { Fate::Becomes(format!("{RARE_FENCE} {info}")) } else { Fate::Stays };
        }
        if !info.trim().is_empty() {
            self.prose_fences.push((mark, length));
            self.in_options = true;
        }
        Fate::Goes
    }
}

/// Whether a MyST directive holds code, whatever fence it has.
pub(super) fn holds_code(directive: &str) -> bool {
    matches!(
        directive,
        "code"
            | "code-block"
            | "code-cell"
            | "sourcecode"
            | "literalinclude"
            | "include"
            | "doctest"
            | "testcode"
            | "testoutput"
            | "prompt"
            | "eval-rst"
            | "parsed-literal"
    )
}

/// Whether a MyST directive holds Markdown of its own.
fn holds_prose(directive: &str) -> bool {
    matches!(
        directive,
        "note"
            | "warning"
            | "tip"
            | "important"
            | "caution"
            | "danger"
            | "error"
            | "hint"
            | "attention"
            | "seealso"
            | "admonition"
            | "dropdown"
            | "tab-set"
            | "tab-item"
            | "tabs"
            | "tab"
            | "grid"
            | "grid-item"
            | "grid-item-card"
            | "card"
            | "exercise"
            | "solution"
            | "div"
            | "sidebar"
            | "topic"
            | "versionadded"
            | "versionchanged"
            | "deprecated"
            | "details"
            | "exercise-start"
            | "exercise-end"
            | "solution-start"
            | "solution-end"
    )
}

/// Add a line to the page.
fn push(page: &mut Rewritten, span: Span, text: &str, levels: &[usize], fate: &Fate) {
    let mut line = Line { start: page.text.len(), source: span, edits: Vec::new() };
    let (mut at, mut column) = (0, 0);
    for level in levels {
        let kept = text.bytes().skip(at).take(level.saturating_sub(column)).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        page.text.push_str(&text[at..at + kept]);
        at += kept;
        let removed = match text.as_bytes().get(at) {
            Some(b'\t') => 1,
            _ => text.bytes().skip(at).take(4).take_while(|byte| *byte == b' ').count(),
        };
        // An empty line has no blanks of its own, but must stay in the list that the admonition stands in.
        let missing = level.saturating_sub(column).saturating_sub(kept).min(if text.len() == at { usize::MAX } else { 0 });
        line.edits.push(Edit { at, removed, added: missing + 2 });
        page.text.extend(std::iter::repeat_n(' ', missing));
        page.text.push_str("> ");
        at += removed;
        column = level + 4;
    }
    let rest = &text[at..];
    match fate {
        Fate::Stays => page.text.push_str(rest),
        Fate::Goes => line.edits.push(Edit { at, removed: rest.len(), added: 0 }),
        Fate::Becomes(new) => {
            page.text.push_str(new);
            line.edits.push(Edit { at, removed: rest.len(), added: new.len() });
        }
    }
    page.text.push('\n');
    page.lines.push(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(markdown: &str) -> String {
        rewrite(&Source::new("a.md", markdown)).text
    }

    #[test]
    fn an_admonition_becomes_a_quotation() {
        let markdown = "!!! note \"T\"\n    ```python\n    a\n\n    b\n    ```\n\nend\n";
        assert_eq!(text(markdown), "!!! note \"T\"\n> ```python\n> a\n> \n> b\n> ```\n\nend\n");
        assert_eq!(text("=== \"A\"\n\n    !!! tip\n\n        x\n\ny\n"), "=== \"A\"\n> \n> !!! tip\n> > \n> > x\n\ny\n");
        assert_eq!(text("- x\n\n    !!! tip\n        a\n\n        b\n"), "- x\n\n    !!! tip\n    > a\n    > \n    > b\n");
        assert_eq!(text("Title\n=====\n\n    x\n"), "Title\n=====\n\n    x\n");
    }

    #[test]
    fn highlight_marks_become_fences_and_raw_marks_go() {
        assert_eq!(text("{% highlight python linenos %}\nx\n{% endhighlight %}\n"), format!("{RARE_FENCE} python linenos\nx\n{RARE_FENCE}\n"));
        assert_eq!(text("{% raw %}\n```html\n{% raw %}\n```\n{% endraw %}\n"), "\n```html\n{% raw %}\n```\n\n");
        assert_eq!(text(":::{code-block} python\nx\n:::\n"), format!("{RARE_FENCE} {{code-block}} python\nx\n{RARE_FENCE}\n"));
    }

    #[test]
    fn a_directive_that_holds_prose_shows_what_is_in_it() {
        assert_eq!(text("````{note} Look\n:class: x\n```python\nx\n```\n````\n"), "\n\n```python\nx\n```\n\n");
        assert_eq!(text("::: tip\n```python\nx\n```\n:::\n"), "\n```python\nx\n```\n\n");
    }

    #[test]
    fn offsets_go_back_to_their_letters() {
        let source = Source::new("a.md", "!!! note\n    éa\n\tb\n");
        let page = rewrite(&source);
        for letter in ["éa", "b"] {
            let at = page.text.find(letter).map(|at| page.back(at));
            assert_eq!(at, source.text().find(letter));
        }
    }
}
