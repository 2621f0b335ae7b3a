//! A page as it is stored, with edits made: line ends, bytes that are not UTF-8 and a notebook's own form stay as they are. Pure; whoever calls it writes files.

use std::path::Path;

use similar::{DiffOp, TextDiff};

use crate::finding::Edit;
use crate::guide::load::Format;
use crate::maintain::fix::edited;
use crate::source::{Source, Span};

/// The text of a page, as it is stored, once edits of its source are made. `None` where they cannot be put there: a line of a notebook that it holds twice.
#[must_use]
pub fn altered(stored: &str, source: &Source, edits: &[Edit]) -> Option<String> {
    let new = edited(source.text(), edits);
    if Format::of(Path::new(source.path())) != Some(Format::Notebook) {
        return Some(new);
    }
    let mut stored = stored.to_owned();
    let (old, new): (Vec<&str>, Vec<&str>) = (source.text().split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    for op in TextDiff::from_slices(&old, &new).ops() {
        let (old_lines, new_lines) = match *op {
            DiffOp::Equal { .. } => continue,
            _ => (&old[op.old_range()], &new[op.new_range()]),
        };
        stored = in_notebook(&stored, old_lines, new_lines)?;
    }
    Some(stored)
}

/// Lines of a cell in a notebook's JSON, replaced: each is a string of its own there. Only where just one place holds them.
fn in_notebook(stored: &str, old: &[&str], new: &[&str]) -> Option<String> {
    let first = literal(old.first()?);
    // The last line of a cell has no newline there.
    let bare = literal(old.first()?.trim_end_matches('\n'));
    let found = [first, bare].into_iter().find_map(|literal| {
        let mut places = stored.match_indices(&literal).map(|(at, _)| at);
        let at = places.next().filter(|_| places.next().is_none())?;
        Some((at, literal))
    });
    let (start, literal_text) = found?;
    let mut end = start + literal_text.len();
    let line_start = stored[..start].rfind('\n').map_or(0, |at| at + 1);
    let indent = stored.get(line_start..start).filter(|indent| indent.trim().is_empty())?;
    let mut ends_cell = !literal_text.ends_with("\\n\"");
    for line in &old[1..] {
        let rest = &stored[end..];
        let gap = rest.len() - rest.strip_prefix(',')?.trim_start().len();
        let wanted = [literal(line), literal(line.trim_end_matches('\n'))];
        let next = wanted.iter().find(|wanted| stored[end + gap..].starts_with(wanted.as_str()))?;
        ends_cell = !next.ends_with("\\n\"");
        end += gap + next.len();
    }
    let last = new.len().checked_sub(1)?;
    let lines = new.iter().enumerate().map(|(index, line)| if ends_cell && index == last { literal(line.trim_end_matches('\n')) } else { literal(line) });
    let text = lines.collect::<Vec<_>>().join(&format!(",\n{indent}"));
    Some(format!("{}{text}{}", &stored[..start], &stored[end..]))
}

fn literal(line: &str) -> String {
    serde_json::Value::from(line).to_string()
}

/// What of one text gives way to what, to make it the other: whole lines.
#[must_use]
pub fn between(old: &Source, new: &Source) -> Vec<Edit> {
    let line = |line: usize| if line >= old.line_count() { old.text().len() } else { old.line_span(line + 1).start };
    hunks(old.text(), new.text()).into_iter().map(|(first, last, text)| Edit { span: Span::new(line(first - 1), line(last)), text }).collect()
}

/// Lines of one text (the first and the last, from 1; the last is before the first where nothing goes) that give way to a text, to make it the other.
#[must_use]
pub fn hunks(old: &str, new: &str) -> Vec<(usize, usize, String)> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let ops = TextDiff::from_slices(&old, &new).ops().to_vec();
    let changes = ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    changes.map(|op| (op.old_range().start + 1, op.old_range().end, new[op.new_range()].concat())).collect()
}

/// The bytes of a file whose text was `old` and becomes `new`: lines that stay are taken as they are, new ones end as those around them.
#[must_use]
pub fn bytes(stored: &[u8], old: &str, new: &str) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = stored.split_inclusive(|byte| *byte == b'\n').collect();
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let mark: &[u8] = b"\xef\xbb\xbf";
    let (mark, rest) = if stored.starts_with(mark) { stored.split_at(mark.len()) } else { stored.split_at(0) };
    if !mark.is_empty() {
        lines = rest.split_inclusive(|byte| *byte == b'\n').collect();
    }
    let ending = |line: usize| -> &[u8] { if lines.get(line).is_some_and(|line| line.ends_with(b"\r\n")) { b"\r\n" } else { b"\n" } };
    let mut done = mark.to_vec();
    for op in TextDiff::from_slices(&old, &new).ops() {
        if let DiffOp::Equal { .. } = op {
            op.old_range().filter_map(|line| lines.get(line)).for_each(|line| done.extend_from_slice(line));
            continue;
        }
        let near = ending(op.old_range().start.min(lines.len().saturating_sub(1)));
        for line in &new[op.new_range()] {
            done.extend_from_slice(line.trim_end_matches('\n').as_bytes());
            if line.ends_with('\n') {
                done.extend_from_slice(near);
            }
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn line_ends_marks_and_strange_bytes_stay() {
        let stored = b"\xef\xbb\xbfa\r\nb\r\n\xff\nd";
        let source = Source::from_bytes("a.md", stored);
        let new = source.text().replace('b', "x\ny");
        assert_eq!(bytes(stored, source.text(), &new), b"\xef\xbb\xbfa\r\nx\r\ny\r\n\xff\nd");
    }

    #[test]
    fn a_notebook_keeps_its_form() {
        let stored = "{\n \"cells\": [\n  {\n   \"source\": [\n    \"import a\\n\",\n    \"print(\\\"é\\\")\"\n   ]\n  }\n ]\n}\n";
        let source = Source::new("n.ipynb", "import a\nprint(\"é\")\n");
        let edit = |start, end, text: &str| Edit { span: Span::new(start, end), text: text.to_owned() };
        let done = altered(stored, &source, &[edit(7, 8, "b\nimport c")]);
        assert_eq!(done.as_deref(), Some(&*stored.replace("    \"import a\\n\",", "    \"import b\\n\",\n    \"import c\\n\",")));
        let done = altered(stored, &source, &[edit(9, 14, "show")]);
        assert_eq!(done.as_deref(), Some(&*stored.replace("print(", "show(")));
        assert_eq!(altered(&stored.replace("import a", "import z"), &source, &[edit(7, 8, "b")]), None);
    }

    proptest! {
        #[test]
        fn what_is_not_changed_comes_back(text in "[ab\r\n\u{e9}]{0,30}") {
            let source = Source::from_bytes("a.md", text.as_bytes());
            prop_assert_eq!(bytes(text.as_bytes(), source.text(), source.text()), text.as_bytes());
        }
    }
}
