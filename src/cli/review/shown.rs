//! A pending snapshot as a person sees it: where it stands, and what it changes. Pure: text in, text out; what goes to no terminal is stripped of its
//! colours on the way out. Must never let through a control character of a lab's output: it could rewrite the screen.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

use crate::snapshot::name::split_variant;
use crate::snapshot::store::Pending;

/// How many lines of a diff are shown; the rest is in the file.
const MOST_LINES: usize = 400;
/// How many lines of the block itself are shown.
const MOST_CODE: usize = 12;
/// How many characters of a line are shown.
const MOST_COLUMNS: usize = 500;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const OLD: Style = AnsiColor::Red.on_default();
const NEW: Style = AnsiColor::Green.on_default();

/// `text` with every character made visible that would move, hide or colour others: controls but the tab, and Unicode's directions and joiners.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let hides = c.is_control() && c != '\t' || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if hides { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// Where a pending snapshot stands and what it changes, in colours.
#[must_use]
pub fn pending(pending: &Pending) -> String {
    let mut out = heading(pending);
    let old = pending.old.as_ref().map_or("", |old| old.contents.as_str());
    out.push_str(&diff(old, &pending.fresh.contents, &pending.path.display().to_string()));
    out
}

fn heading(pending: &Pending) -> String {
    let metadata = &pending.fresh.metadata;
    let place = match (&metadata.source, metadata.assertion_line) {
        (Some(source), Some(line)) => format!("{source}:{line}"),
        (Some(source), None) => source.clone(),
        (None, Some(line)) => format!("line {line}"),
        (None, None) => pending.key.clone(),
    };
    let changed = if pending.old.is_some() { "changed output" } else { "new output" };
    let what = split_variant(&pending.key).1.map_or_else(|| changed.to_owned(), |environment| format!("{changed} in {}", visible(environment)));
    // Writing to a String cannot fail.
    let mut out = String::new();
    let _ = writeln!(out, "{BOLD}{}{BOLD:#}: {what} at {}", visible(&pending.lesson), visible(&place));
    let code: Vec<&str> = metadata.expression.as_deref().unwrap_or_default().trim_end().lines().collect();
    for (index, line) in code.iter().take(MOST_CODE).enumerate() {
        let number = metadata.assertion_line.map_or_else(String::new, |first| (first as usize + index).to_string());
        let _ = writeln!(out, "{}", format!("{DIM}  {number:>5} | {}", shorten(line)).trim_end().to_owned() + &format!("{DIM:#}"));
    }
    if code.len() > MOST_CODE {
        let _ = writeln!(out, "{DIM}        | {} more lines{DIM:#}", code.len() - MOST_CODE);
    }
    if let Some(description) = metadata.description.as_deref().filter(|text| !text.trim().is_empty()) {
        let _ = writeln!(out, "{DIM}  {}{DIM:#}", shorten(description.trim()));
    }
    if metadata.stable() == Some(false) {
        let _ = writeln!(out, "{DIM}  two runs gave different outputs, so it cannot be accepted as it is{DIM:#}");
    }
    out
}

/// The lines that differ, with three around them.
fn diff(old: &str, new: &str, path: &str) -> String {
    let ended = |text: &str| if text.is_empty() { String::new() } else { format!("{text}\n") };
    let (old, new) = (ended(old), ended(new));
    let diff = TextDiff::configure().timeout(Duration::from_secs(2)).diff_lines(old.as_str(), new.as_str());
    let groups = diff.grouped_ops(3);
    let mut lines = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            lines.push(format!("{DIM}  ...{DIM:#}"));
        }
        for change in group.iter().flat_map(|op| diff.iter_inline_changes(op)) {
            lines.push(line(change.tag(), change.values()));
        }
    }
    if groups.is_empty() {
        lines.push(if new.is_empty() { "  (it prints nothing)".to_owned() } else { "  (the same text as before)".to_owned() });
    }
    let more = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    if more > 0 {
        lines.push(format!("{DIM}  {more} more lines: see {}{DIM:#}", visible(path)));
    }
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

/// A line of a diff; what changed inside of it is underlined.
fn line(tag: ChangeTag, pieces: &[(bool, &str)]) -> String {
    let (mark, style) = match tag {
        ChangeTag::Equal => (' ', Style::new()),
        ChangeTag::Delete => ('-', OLD),
        ChangeTag::Insert => ('+', NEW),
    };
    let text: String = pieces.iter().map(|(_, text)| *text).collect();
    let text = text.strip_suffix('\n').unwrap_or(&text);
    // Blanks at the end of a line cannot be seen, and are a reason why two lines differ.
    let marked_from = if tag == ChangeTag::Equal { text.len() } else { text.trim_end_matches([' ', '\t']).len() };
    let mut out = if text.is_empty() { format!("{style}{mark}{style:#}") } else { format!("{style}{mark} {style:#}") };
    let (mut at, mut room) = (0, MOST_COLUMNS);
    for (changed, piece) in pieces {
        let mut shown = String::new();
        for c in piece.chars().take(room) {
            match c {
                _ if at >= text.len() => {}
                ' ' if at >= marked_from => shown.push('·'),
                '\t' if at >= marked_from => shown.push('→'),
                c => shown.push(c),
            }
            at += c.len_utf8();
            room -= 1;
        }
        let style = if *changed { style.underline() } else { style };
        let _ = write!(out, "{style}{}{style:#}", visible(&shown));
    }
    if at < text.len() {
        out.push('…');
    }
    out
}

fn shorten(text: &str) -> String {
    let short: String = text.chars().take(100).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    visible(&short) + more
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Metadata, Snapshot};

    fn shown(old: Option<&str>, new: &str) -> String {
        let metadata =
            Metadata { source: Some("content/a.md".into()), assertion_line: Some(12), expression: Some("x = 2\nprint(x)\n".into()), ..Metadata::default() };
        let fresh = Snapshot { metadata, contents: new.to_owned() };
        let old = old.map(|contents| Snapshot { metadata: Metadata::default(), contents: contents.to_owned() });
        let pending = Pending { lesson: "a".into(), key: "a-1".into(), path: "labs/a/snapshots/a-1.snap.new".into(), fresh, old };
        anstream::adapter::strip_str(&super::pending(&pending)).to_string()
    }

    #[test]
    fn a_change_is_shown_with_what_is_around_it() {
        insta::assert_snapshot!(shown(Some("1\n2\n3\n4\nLeft ID: 1\n6\n7\n8\n9"), "1\n2\n3\n4\nLeft ID: 2 \n6\n7\n8\n9"), @"
        a: changed output at content/a.md:12
             12 | x = 2
             13 | print(x)
          2
          3
          4
        - Left ID: 1
        + Left ID: 2·
          6
          7
          8
        ");
    }

    #[test]
    fn a_new_one_is_all_new_and_an_empty_one_says_so() {
        insta::assert_snapshot!(shown(None, "one\n\ntwo"), @r"
        a: new output at content/a.md:12
             12 | x = 2
             13 | print(x)
        + one
        +
        + two
        ");
        assert!(shown(None, "").ends_with("(it prints nothing)\n"));
        assert!(shown(Some("a"), "a").ends_with("(the same text as before)\n"));
    }

    #[test]
    fn no_output_can_touch_the_screen() {
        let text = shown(Some("ok"), "\u{1b}[2J\u{1b}]0;title\u{7}\rgone\u{8}\u{202e}txt\u{9b}31m");
        assert!(text.contains("+ \\u{1b}[2J\\u{1b}]0;title\\u{7}\\r"), "{text}");
        assert!(text.contains("gone\\u{8}\\u{202e}txt\\u{9b}31m"), "{text}");
        assert!(text.chars().all(|c| !c.is_control() || c == '\n'));
    }

    #[test]
    fn what_is_long_is_cut() {
        let long = "x".repeat(10_000) + &"\ny".repeat(1000);
        let text = shown(None, &long);
        assert!(text.contains(&("+ ".to_owned() + &"x".repeat(MOST_COLUMNS) + "…")));
        assert!(text.ends_with("601 more lines: see labs/a/snapshots/a-1.snap.new\n"), "{text}");
    }
}
