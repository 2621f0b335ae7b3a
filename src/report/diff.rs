//! What was expected and what came, line by line. Pure: every format shows the same lines in its own way.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use super::{text, wording};
use crate::finding::Comparison;

/// How many characters of a line are shown where there is little room.
pub(super) const COLUMNS: usize = 240;
/// How many lines of each side are compared at all.
const INPUT_LINES: usize = 2_000;
/// How many lines there are at most.
const LINES: usize = 500;

/// The lines of a diff with `-`, `+` or a blank before each, three lines of what is the same around each change, each of at most about `columns` characters.
/// Blanks at the end of a changed line are visible.
pub(super) fn diff(comparison: &Comparison, columns: usize) -> Vec<(char, String)> {
    let expected = text::shorten_lines(comparison.expected.trim_end(), INPUT_LINES, text::MESSAGE_LIMIT);
    let actual = text::shorten_lines(comparison.actual.trim_end(), INPUT_LINES, text::MESSAGE_LIMIT);
    let (expected, actual) = (expected.lines().collect::<Vec<_>>(), actual.lines().collect::<Vec<_>>());
    let diff = TextDiff::configure().timeout(Duration::from_secs(1)).diff_slices(&expected, &actual);
    let mut lines = Vec::new();
    for (index, group) in diff.grouped_ops(3).iter().enumerate() {
        if index > 0 {
            lines.push((' ', "…".to_owned()));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let value = change.value();
            let (mark, changed) = match change.tag() {
                ChangeTag::Delete => ('-', true),
                ChangeTag::Insert => ('+', true),
                ChangeTag::Equal => (' ', false),
            };
            let body = if changed { value.trim_end() } else { value };
            let blanks = if changed { "·".repeat(value[body.len()..].chars().count()) } else { String::new() };
            lines.push((mark, format!("{}{blanks}", text::visible(&text::shorten(body, columns)))));
        }
    }
    if lines.len() > LINES {
        let rest = lines.len() - LINES;
        lines.truncate(LINES);
        lines.push((' ', wording::lines_left_out(rest)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(expected: &str, actual: &str) -> Vec<String> {
        let comparison = Comparison { expected: expected.to_owned(), actual: actual.to_owned() };
        diff(&comparison, COLUMNS).into_iter().map(|(mark, line)| format!("{mark}{line}")).collect()
    }

    #[test]
    fn what_is_the_same_far_away_is_left_out() {
        let same = "1\n2\n3\n4\n";
        assert_eq!(shown(&format!("a\n{same}{same}b"), &format!("x\n{same}{same}y")), ["-a", "+x", " 1", " 2", " 3", " …", " 2", " 3", " 4", "-b", "+y"]);
    }

    #[test]
    fn a_last_newline_is_no_difference_and_other_blanks_are_seen() {
        assert!(shown("a\n", "a").is_empty());
        assert_eq!(shown("a \nb", "a\nb"), ["-a·", "+a", " b"]);
    }

    #[test]
    fn a_flood_is_cut() {
        let flood: String = (0..100_000).map(|line| format!("{line}\n")).collect();
        let lines = shown("", &flood);
        assert_eq!(lines.len(), LINES + 1);
        assert!(lines[LINES].ends_with("lines left out …"));
    }
}
