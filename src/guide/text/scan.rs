//! One logical line of what may be Python, seen without a parser: how far its brackets and strings reach, and how much of it reads like prose.
//!
//! Part of `Source --guide::parse--> Guide`. A parser says only whether text is code; this says how nearly prose it is, so that broken code is still code and a heading that happens to
//! parse is not. It never looks a phrase up: in Python no two names stand side by side, and in prose they always do.

use super::lines::Lines;

/// A longer logical line is not parsed: nobody writes it by hand.
const LONGEST: usize = 64 * 1024;
/// More operators than this in a row, without a comma, would nest deeper than a parser's stack.
const DEEPEST: usize = 400;

/// A logical line.
#[derive(Debug, Clone, Default)]
pub(super) struct Logical {
    /// One past its last physical line.
    pub(super) end: usize,
    /// Whether all its brackets and strings are closed.
    pub(super) closed: bool,
    /// Signs of prose outside brackets: neighbouring names, sentence ends, apostrophes.
    pub(super) prose: usize,
    /// Signs of prose inside brackets.
    pub(super) prose_inside: usize,
    /// Whether its code ends with a colon.
    pub(super) colon: bool,
    /// Whether it has an assignment sign outside brackets.
    pub(super) assigns: bool,
    /// Whether it has a string, a bracket or a comparison: more than words.
    pub(super) marks: bool,
    /// Whether it is too long or too deep for the parser.
    pub(super) excessive: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Start,
    Name,
    Keyword,
    Number,
    Text,
    Close,
    Sign,
}

#[derive(Default)]
struct Scan {
    out: Logical,
    depth: usize,
    /// The quote of the triple-quoted string that is open.
    triple: Option<u8>,
    operators: usize,
    bytes: usize,
}

/// The logical line that starts at `first`. If it is not closed before `limit`, or a line of prose comes first, it is the physical line alone.
pub(super) fn logical(lines: &Lines, first: usize, limit: usize) -> Logical {
    let reach = lines.reach(first, limit);
    let mut scan = Scan::default();
    let mut alone = None;
    for line in first..reach {
        let before = scan.out.prose_inside;
        let inside_text = scan.triple.is_some();
        let goes_on = scan.line(lines.get(line));
        if !goes_on {
            scan.out.end = line + 1;
            scan.out.closed = true;
            return scan.out;
        }
        if line == first {
            alone = Some(scan.out.clone());
        } else if !inside_text && scan.out.prose_inside - before > 2 {
            lines.spend(line - first);
            break;
        }
        if line + 1 == reach {
            lines.spend(reach - first);
        }
    }
    Logical { end: first + 1, closed: false, ..alone.unwrap_or_default() }
}

/// How much a single line reads like prose.
pub(super) fn prose_signs(line: &str) -> usize {
    let mut scan = Scan::default();
    scan.line(line);
    scan.out.prose + scan.out.prose_inside
}

impl Scan {
    /// Reads one physical line; returns whether the logical line goes on.
    fn line(&mut self, line: &str) -> bool {
        self.bytes += line.len() + 1;
        if line.len() > LONGEST || self.bytes > 4 * LONGEST {
            self.out.excessive = true;
            return false;
        }
        self.out.colon = false;
        let bytes = line.as_bytes();
        let mut last = Last::Start;
        let mut at = 0;
        while at < bytes.len() {
            if let Some(quote) = self.triple {
                let Some(close) = find_close(line, at, quote) else { return true };
                self.triple = None;
                at = close;
                last = Last::Text;
                continue;
            }
            match bytes[at] {
                b'#' => break,
                b' ' | b'\t' | 0x0c => at += 1,
                b'\\' if at + 1 == bytes.len() => return true,
                b'\'' | b'"' => (at, last) = self.text(line, at, last),
                byte if byte.is_ascii_digit() => {
                    self.pair(matches!(last, Last::Name | Last::Close));
                    at = word_end(bytes, at, true);
                    last = Last::Number;
                    self.out.colon = false;
                }
                byte if byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80 => (at, last) = self.word(line, at, last),
                byte => (at, last) = self.sign(bytes, at, byte, last),
            }
        }
        self.depth > 0 || self.triple.is_some()
    }

    /// Counts a sign of prose.
    fn pair(&mut self, is_prose: bool) {
        if is_prose && self.depth > 0 {
            self.out.prose_inside += 1;
        } else if is_prose {
            self.out.prose += 1;
        }
    }

    fn word(&mut self, line: &str, at: usize, last: Last) -> (usize, Last) {
        let bytes = line.as_bytes();
        let end = word_end(bytes, at, false);
        let word = &line[at..end];
        self.out.colon = false;
        if !word.is_ascii() && !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
            self.pair(true);
        }
        if matches!(bytes.get(end), Some(b'\'' | b'"')) && is_prefix(word) {
            self.pair(matches!(last, Last::Name | Last::Close | Last::Number));
            return (end, Last::Start);
        }
        // Keywords only where a statement of theirs can stand.
        let soft = last == Last::Start && (matches!(word, "match" | "case") && line.trim_end().ends_with(':') || word == "type" && line.contains('='));
        if soft || is_keyword(word) {
            self.nest(matches!(word, "not" | "lambda" | "if" | "await"));
            return (end, Last::Keyword);
        }
        self.pair(matches!(last, Last::Name | Last::Close | Last::Number | Last::Text));
        (end, Last::Name)
    }

    fn text(&mut self, line: &str, at: usize, last: Last) -> (usize, Last) {
        let bytes = line.as_bytes();
        let quote = bytes[at];
        self.out.colon = false;
        if at > 0 && matches!(last, Last::Name | Last::Keyword | Last::Number) && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] >= 0x80) {
            // The apostrophe of "don't".
            self.pair(true);
            self.pair(true);
            return (at + 1, Last::Sign);
        }
        self.out.marks = true;
        if bytes[at..].starts_with(&[quote; 3]) {
            self.triple = Some(quote);
            return (at + 3, Last::Text);
        }
        let mut end = at + 1;
        while end < bytes.len() && bytes[end] != quote {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        ((end + 1).min(bytes.len()), Last::Text)
    }

    fn sign(&mut self, bytes: &[u8], at: usize, byte: u8, last: Last) -> (usize, Last) {
        let next = bytes.get(at + 1).copied();
        self.out.colon = byte == b':' && self.depth == 0;
        match byte {
            b'(' | b'[' | b'{' => {
                self.out.marks = true;
                self.nest(true);
                self.depth += 1;
                return (at + 1, Last::Sign);
            }
            b')' | b']' | b'}' => {
                self.depth = self.depth.saturating_sub(1);
                return (at + 1, Last::Close);
            }
            b'.' => {
                let ends = next.is_none_or(|next| next.is_ascii_whitespace());
                let is_dots = at > 0 && bytes[at - 1] == b'.' || next == Some(b'.');
                self.pair(ends && !is_dots && matches!(last, Last::Name | Last::Close | Last::Text | Last::Keyword));
                self.nest(true);
            }
            b'!' => {
                self.pair(next != Some(b'='));
                return (at + if next == Some(b'=') { 2 } else { 1 }, Last::Sign);
            }
            b'?' | b'$' | b'`' => self.pair(true),
            b'=' => {
                let before = at.checked_sub(1).map(|at| bytes[at]);
                let compares = next == Some(b'=') || matches!(before, Some(b'=' | b'<' | b'>' | b'!'));
                self.out.assigns |= self.depth == 0 && !compares && before != Some(b':');
                self.out.marks = true;
                self.operators = 0;
            }
            b',' | b':' => self.operators = 0,
            b'<' | b'>' => {
                self.out.marks = true;
                self.nest(true);
            }
            // Words have hyphens and slashes as well.
            b'+' | b'-' | b'*' | b'~' | b'%' | b'/' | b'|' | b'&' | b'^' | b'@' => self.nest(true),
            _ => {}
        }
        (at + 1, Last::Sign)
    }

    fn nest(&mut self, deeper: bool) {
        self.operators += usize::from(deeper);
        self.out.excessive |= self.operators > DEEPEST || self.depth > DEEPEST;
    }
}

/// One past the three quotes that close a string.
fn find_close(line: &str, at: usize, quote: u8) -> Option<usize> {
    let bytes = line.as_bytes();
    let mut at = at;
    while at < bytes.len() {
        if bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at..].starts_with(&[quote; 3]) {
            return Some(at + 3);
        } else {
            at += 1;
        }
    }
    None
}

/// One past the word or number that starts at `at`.
fn word_end(bytes: &[u8], at: usize, number: bool) -> usize {
    let is_part = |at: usize| {
        let byte = bytes[at];
        // A point ends a number if it ends a sentence.
        let point = number && byte == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 || point
    };
    (at..bytes.len()).find(|&at| !is_part(at)).unwrap_or(bytes.len())
}

/// Whether a quote after `word` belongs to a string.
fn is_prefix(word: &str) -> bool {
    word.len() <= 2 && word.bytes().all(|byte| b"rbfutRBFUT".contains(&byte))
}

/// Python's keywords, and what older code writes like one.
pub(super) fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "False"
            | "None"
            | "True"
            | "and"
            | "as"
            | "assert"
            | "async"
            | "await"
            | "break"
            | "class"
            | "continue"
            | "def"
            | "del"
            | "elif"
            | "else"
            | "except"
            | "finally"
            | "for"
            | "from"
            | "global"
            | "if"
            | "import"
            | "in"
            | "is"
            | "lambda"
            | "nonlocal"
            | "not"
            | "or"
            | "pass"
            | "raise"
            | "return"
            | "try"
            | "while"
            | "with"
            | "yield"
            | "print"
            | "exec"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn at(text: &str, line: usize) -> Logical {
        let source = Source::new("a.txt", text);
        let lines = Lines::of(&source);
        logical(&lines, line, lines.len())
    }

    #[test]
    fn code_has_no_signs_of_prose() {
        for code in [
            "x = 1",
            "from a.b import c as d, e",
            "class A(B, metaclass=C):",
            "return not a in b or [x for x in y if z]",
            "print(f\"a {b} c\", 'd e', r'f', x.y[1:2])  # a comment, with words",
            "x = yield a",
            "print \"old\" % x",
            "@app.route('/a/<int:b>')",
            "x: int = 5.5",
            "a = 1.",
            "s = 'it\\'s'",
        ] {
            assert_eq!(prose_signs(code), 0, "{code}");
        }
    }

    #[test]
    fn prose_has_signs_of_prose() {
        for prose in [
            "Flask is a framework",
            "import the module",
            "print is a function",
            "don't",
            "It works.",
            "Call app.run() to start it",
            "Step 1",
            "5 apples",
            "Why?",
            "A “quoted” word",
            "eval() function. DO NOT PASS",
        ] {
            assert!(prose_signs(prose) > 0, "{prose}");
        }
    }

    #[test]
    fn brackets_and_strings_reach_over_lines() {
        assert_eq!(at("x = (\n  1,\n\n  2\n)\ny\n", 0).end, 5);
        assert_eq!(at("x = '''\n(\n'''\ny\n", 0).end, 3);
        assert_eq!(at("x = 1 + \\\n  2\ny\n", 0).end, 2);
        assert!(at("def f(\n    a,\n):\n", 0).colon);
    }

    #[test]
    fn an_open_bracket_does_not_swallow_prose() {
        let found = at("x = (1,\n\nNow we see what the bracket does to the text.\n)\n", 0);
        assert!(!found.closed);
        assert_eq!(found.end, 1);
    }
}
