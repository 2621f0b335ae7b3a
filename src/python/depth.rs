//! How deep code nests, counted before it is parsed: a tree of ten thousand levels overflows the stack of whoever walks it or lets it go.
//!
//! It never says that code is too deep which CPython would run: brackets, indentation and chains of operators are counted far beyond what anybody writes.

use crate::source::Span;

/// The most levels that are parsed. CPython itself ends at 200 brackets and 100 indentations.
const LIMIT: usize = 1000;

/// What is open at a place of the code, and how long the chain of operators in it is.
struct Frame {
    kind: Kind,
    chain: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bracket,
    /// The text of an f-string, outside of its braces.
    Text {
        quote: u8,
        triple: bool,
    },
}

/// The place at which `code` nests too deep to be parsed, if it does anywhere.
pub(super) fn too_deep(code: &str) -> Option<Span> {
    // Code that is shorter than the limit cannot exceed it.
    if code.len() <= LIMIT {
        return None;
    }
    indentation(code).or_else(|| Scan { bytes: code.as_bytes(), at: 0, frames: vec![Frame { kind: Kind::Bracket, chain: 0 }], total: 0 }.run())
}

/// The line at which indentation alone is too deep.
fn indentation(code: &str) -> Option<Span> {
    let (mut open, mut at): (Vec<usize>, usize) = (vec![0], 0);
    for line in code.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if !line.trim().is_empty() {
            while open.last().is_some_and(|last| *last > indent) {
                open.pop();
            }
            if open.last().is_none_or(|last| *last < indent) {
                open.push(indent);
            }
            if open.len() > LIMIT / 4 {
                return Some(Span::new(at, at + line.trim_end().len()));
            }
        }
        at += line.len();
    }
    None
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    frames: Vec<Frame>,
    /// The sum of all chains.
    total: usize,
}

impl Scan<'_> {
    fn run(mut self) -> Option<Span> {
        while let Some(&byte) = self.bytes.get(self.at) {
            match self.frames.last().map(|frame| frame.kind) {
                Some(Kind::Text { quote, triple }) => self.text(byte, quote, triple),
                _ => self.code(byte),
            }
            if self.total + self.frames.len() > LIMIT {
                return Some(Span::new(self.at.min(self.bytes.len()), self.at.min(self.bytes.len())));
            }
        }
        None
    }

    fn open(&mut self, kind: Kind) {
        self.frames.push(Frame { kind, chain: 0 });
    }

    fn close(&mut self) {
        if self.frames.len() > 1 {
            self.total -= self.frames.pop().map_or(0, |frame| frame.chain);
        }
    }

    fn link(&mut self) {
        self.total += 1;
        if let Some(frame) = self.frames.last_mut() {
            frame.chain += 1;
        }
    }

    fn unlink(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            self.total -= std::mem::take(&mut frame.chain);
        }
    }

    /// One step through the text of an f-string.
    fn text(&mut self, byte: u8, quote: u8, triple: bool) {
        let ends = byte == quote && (!triple || self.bytes[self.at..].starts_with(&[quote; 3]));
        match byte {
            b'\\' => self.at += 2,
            _ if ends => {
                self.close();
                self.at += if triple { 3 } else { 1 };
            }
            b'\n' if !triple => {
                self.close();
                self.at += 1;
            }
            b'{' if self.bytes.get(self.at + 1) == Some(&b'{') => self.at += 2,
            b'{' => {
                self.open(Kind::Bracket);
                self.at += 1;
            }
            _ => self.at += 1,
        }
    }

    /// One step through code.
    fn code(&mut self, byte: u8) {
        match byte {
            b'#' => return self.skip_until(|byte| byte == b'\n'),
            b'\'' | b'"' => return self.string(byte),
            b'\\' => self.at += 1,
            b'(' | b'[' | b'{' => self.open(Kind::Bracket),
            b')' | b']' | b'}' => {
                self.close();
                self.link();
            }
            b',' => self.unlink(),
            b';' | b'\n' if self.frames.len() == 1 => self.unlink(),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'@' | b'&' | b'|' | b'^' | b'~' | b'<' | b'>' | b'=' | b'.' | b'!' => self.link(),
            _ if byte.is_ascii_alphabetic() => return self.word(),
            _ => {}
        }
        self.at += 1;
    }

    fn word(&mut self) {
        let start = self.at;
        self.skip_until(|byte| !byte.is_ascii_alphanumeric() && byte != b'_');
        if matches!(&self.bytes[start..self.at], b"not" | b"lambda" | b"if" | b"else" | b"await" | b"and" | b"or" | b"in" | b"is" | b"for" | b"yield") {
            self.link();
        }
    }

    /// Enter an f-string, or pass over a plain one.
    fn string(&mut self, quote: u8) {
        let prefix = &self.bytes[self.at.saturating_sub(2)..self.at];
        let formats = prefix.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).any(|byte| matches!(byte, b'f' | b'F' | b't' | b'T'));
        let triple = self.bytes[self.at..].starts_with(&[quote; 3]);
        self.at += if triple { 3 } else { 1 };
        if formats {
            return self.open(Kind::Text { quote, triple });
        }
        while let Some(&byte) = self.bytes.get(self.at) {
            if byte == quote && (!triple || self.bytes[self.at..].starts_with(&[quote; 3])) {
                self.at += if triple { 3 } else { 1 };
                return;
            }
            if byte == b'\n' && !triple {
                return;
            }
            self.at += if byte == b'\\' { 2 } else { 1 };
        }
    }

    fn skip_until(&mut self, ends: impl Fn(u8) -> bool) {
        self.at += self.bytes[self.at.min(self.bytes.len())..].iter().position(|byte| ends(*byte)).unwrap_or(self.bytes.len() - self.at.min(self.bytes.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::parse;

    #[test]
    fn hostile_nesting_is_a_syntax_error_and_no_crash() {
        let deep = 50_000;
        for unit in
            ["(", "[", "{a:", "-", "not ", "1 + ", "a.", "a(", "lambda: ", "a if b else ", "a ** ", "await ", "[a", "f'{", "f\"{(", "a[0].b().", "[{\"a\":"]
        {
            let code = unit.repeat(deep);
            assert!(!parse(&code).errors.is_empty(), "{unit}");
            let called = format!("a{}\n", "()".repeat(deep));
            assert!(!parse(&called).errors.is_empty());
        }
        let blocks: String = (0..400).flat_map(|depth| [" ".repeat(depth), "if a:\n".to_owned()]).collect();
        assert!(too_deep(&blocks).is_some());
    }

    #[test]
    fn long_code_is_not_deep() {
        let table = format!("x = [{}]\n", "{'a': -1.5, 'b': f(1, 2).c}, ".repeat(5000));
        let program = "if a.b(c) and not d:\n    e = f'{g.h!r:>10} {{'  # (((\n    i = '((('\n\"\"\"\n(((\n\"\"\"\n".repeat(2000);
        let strings = format!("s = ({})\n", "'a' 'b'\n".repeat(5000));
        for code in [table, program, strings, "a = 1; ".repeat(5000), "# (\n".repeat(5000)] {
            assert_eq!(too_deep(&code), None);
            assert_eq!(parse(&code).errors, []);
        }
    }
}
