//! Remarks to Proctor in a plain text: its directives, each in a comment of its own. Part of `Source --guide::parse--> Guide`.
//!
//! A remark is neither prose nor code, so its lines read as empty for everything that comes after.

use std::sync::Arc;

use super::lines::Lines;
use crate::guide::directive::{self, Parsed};
use crate::source::{Source, Span};

/// How many lines a remark may have.
const LONGEST: usize = 10;

/// A remark and its first line, from 0.
pub(super) struct Remark {
    pub(super) line: usize,
    pub(super) parsed: Parsed,
}

/// Takes every remark out of the lines.
pub(super) fn take(source: &Arc<Source>, lines: &mut Lines) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for line in 0..lines.len() {
        let text = lines.get(line).trim();
        let Some(end) = extent(lines, line, text) else { continue };
        let start = source.line_span(line + 1).start + lines.indent(line);
        let span = Span::new(start, source.line_span(end).start + lines.get(end - 1).trim_end().len());
        if let Some(parsed) = directive::parse(source, span) {
            (line..end).for_each(|line| lines.hide(line));
            remarks.push(Remark { line, parsed });
        }
    }
    remarks
}

/// One past the last line of the comment that is all of a line and speaks of Proctor.
fn extent(lines: &Lines, line: usize, text: &str) -> Option<usize> {
    let closing = match text {
        _ if text.starts_with("<!--") => "-->",
        _ if text.starts_with("{#") => "#}",
        // In the midst of code, a comment is the code's.
        _ if text.starts_with("# proctor:") && (line == 0 || lines.is_blank(line - 1)) => "",
        _ => return None,
    };
    let end = (line..lines.len().min(line + LONGEST)).find(|&line| lines.get(line).contains(closing))?;
    lines.get(end).trim_end().ends_with(closing).then_some(end + 1)
}
