//! Lines of a text and the stretches of code found in them. Part of `Source --guide::parse--> Guide`.
//!
//! Line numbers here count from 0, as indices do; they become places only where a lesson is made. Nothing here looks at what a line says.

use std::cell::Cell;
use std::collections::BTreeSet;

use crate::guide::Language;
use crate::source::Source;

/// How many lines an unclosed bracket or string may reach before it counts as a mistake on its own line.
const REACH: usize = 400;

/// The lines of a text.
pub(super) struct Lines<'a> {
    lines: Vec<&'a str>,
    /// The lines that are hidden.
    hidden: BTreeSet<usize>,
    /// How many lines may still be read in vain. Each unclosed bracket costs what it reached, so that a text full of them is read in linear time.
    patience: Cell<usize>,
}

/// A stretch of code, from its first line up to and without `end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) language: Language,
}

impl<'a> Lines<'a> {
    /// The lines of a source.
    pub(super) fn of(source: &'a Source) -> Self {
        let lines: Vec<&str> = (1..=source.line_count()).map(|line| source.line(line)).collect();
        let patience = Cell::new(lines.len() * 4 + REACH);
        Self { lines, hidden: BTreeSet::new(), patience }
    }

    /// The same lines, of which one reads as empty from now on: it speaks to Proctor, not to the reader.
    pub(super) fn hide(&mut self, line: usize) {
        if let Some(text) = self.lines.get_mut(line) {
            *text = "";
            self.hidden.insert(line);
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// A line; empty past the end.
    pub(super) fn get(&self, line: usize) -> &'a str {
        self.lines.get(line).copied().unwrap_or("")
    }

    /// Whether a line has nothing but blanks, or lies past the end.
    pub(super) fn is_blank(&self, line: usize) -> bool {
        self.get(line).trim().is_empty()
    }

    /// How many bytes of blanks a line starts with.
    pub(super) fn indent(&self, line: usize) -> usize {
        indent(self.get(line))
    }

    /// The first line from `line` on that is not blank; `limit` if there is none before it.
    pub(super) fn written(&self, line: usize, limit: usize) -> usize {
        (line..limit).find(|&line| !self.is_blank(line)).unwrap_or(limit)
    }

    /// The first blank line from `line` on, or `limit`.
    pub(super) fn paragraph_end(&self, line: usize, limit: usize) -> usize {
        (line..limit).find(|&line| self.is_blank(line)).unwrap_or(limit)
    }

    /// Lines `first..end` without the first one's indentation, as one text.
    pub(super) fn dedented(&self, first: usize, end: usize) -> String {
        let base = self.indent(first);
        let mut text = String::new();
        for line in first..end {
            let line = self.get(line);
            text.push_str(&line[base.min(indent(line))..]);
            text.push('\n');
        }
        text
    }

    /// Whether the line before `line` is written on: no blank line stands between them.
    pub(super) fn is_attached(&self, line: usize, start: usize) -> bool {
        line > start && !self.is_blank(line - 1)
    }

    /// Whether lines `from..to`, which are blank, end a block: a hidden line, which speaks of the next block, or the legacy form's end:
    /// a line of blanks alone, then an empty one or the end, then the margin.
    pub(super) fn closes(&self, from: usize, to: usize) -> bool {
        let is_closer = |line: usize| {
            let text = self.get(line);
            !text.is_empty() && text.trim().is_empty() && (line + 1 >= self.len() || self.get(line + 1).is_empty())
        };
        if from < to && self.hidden.range(from..to).next().is_some() {
            return true;
        }
        from < to && is_closer(from) && (to >= self.len() || self.indent(to) == 0)
    }

    /// How far a bracket or string that is open may reach from `line`, at most to `limit`.
    pub(super) fn reach(&self, line: usize, limit: usize) -> usize {
        limit.min(line + REACH.min(self.patience.get()).max(1))
    }

    /// Remember that `lines` were read in vain.
    pub(super) fn spend(&self, lines: usize) {
        self.patience.set(self.patience.get().saturating_sub(lines));
    }
}

/// How many bytes of blanks `line` starts with.
pub(super) fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}
