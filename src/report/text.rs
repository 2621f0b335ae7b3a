//! Text that others wrote, made fit to be shown: what a terminal or a page would obey or hide becomes visible, what is too long is cut in the middle.
//!
//! Every writer for people passes the output of labs and the text of guides through here. Nothing here knows a format.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::wording;

/// How many characters of a message are shown.
pub(super) const MESSAGE_LIMIT: usize = 2_000;
/// How many lines of a message are shown.
pub(super) const MESSAGE_LINES: usize = 30;

/// Whether a reader could not see this character, or a terminal would act on it. Line feeds and tabs are fine; the joiners of emoji and scripts are too.
pub(super) fn hidden(c: char) -> bool {
    if matches!(c, '\n' | '\t') {
        return false;
    }
    let invisible = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    let noncharacter = u32::from(c) & 0xfffe == 0xfffe || matches!(c, '\u{fdd0}'..='\u{fdef}');
    c.is_control() || invisible || noncharacter
}

/// `text` with every hidden character written as a Python programmer would write it.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        push_visible(&mut shown, c);
    }
    Cow::Owned(shown)
}

/// Append one character as [`visible`] shows it.
pub(super) fn push_visible(shown: &mut String, c: char) {
    // Writing to a string cannot fail.
    let _ = match (c, u32::from(c)) {
        _ if !hidden(c) => shown.write_char(c),
        ('\0', _) => shown.write_str("\\0"),
        ('\r', _) => shown.write_str("\\r"),
        (_, code @ 0..=0xff) => write!(shown, "\\x{code:02x}"),
        (_, code @ 0x100..=0xffff) => write!(shown, "\\u{code:04x}"),
        (_, code) => write!(shown, "\\U{code:08x}"),
    };
}

/// At most about `limit` characters of `text`: the middle gives way to a count of what is missing.
pub(super) fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    // A byte count is never below the character count, and it is there for free.
    if text.len() <= limit {
        return Cow::Borrowed(text);
    }
    let count = text.chars().count();
    if count <= limit {
        return Cow::Borrowed(text);
    }
    let tail = limit / 3;
    let head = limit - tail;
    let before: String = text.chars().take(head).collect();
    let after: String = text.chars().skip(count - tail).collect();
    Cow::Owned(format!("{before}{}{after}", wording::characters_left_out(count - limit)))
}

/// At most `limit` lines of `text`, none much longer than `width`: the middle gives way to a count of what is missing.
pub(super) fn shorten_lines(text: &str, limit: usize, width: usize) -> Cow<'_, str> {
    let count = text.lines().count();
    if count <= limit && text.len() <= width {
        return Cow::Borrowed(text);
    }
    let tail = if count <= limit { count } else { limit / 3 };
    let head = if count <= limit { 0 } else { limit - tail };
    let mut lines: Vec<Cow<'_, str>> = text.lines().take(head).map(|line| shorten(line, width)).collect();
    if count > limit {
        lines.push(Cow::Owned(wording::lines_left_out(count - limit)));
    }
    lines.extend(text.lines().skip(count - tail).map(|line| shorten(line, width)));
    Cow::Owned(lines.join("\n"))
}

/// A message as people are shown it: visible, cut, without blank ends.
pub(super) fn message(text: &str) -> String {
    visible(&shorten(&shorten_lines(text.trim(), MESSAGE_LINES, MESSAGE_LIMIT), 2 * MESSAGE_LIMIT)).into_owned()
}

/// A message whose further lines each have a mark before them: no line of it can pass for one of ours, or for a command to whoever reads the log.
pub(super) fn marked(text: &str) -> String {
    message(text).replace('\n', "\n| ")
}

/// A path or a command: on one line, visible, and otherwise as it is.
pub(super) fn exact(text: &str) -> String {
    visible(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// A message on one line.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    visible(&shorten(&words.join(" "), MESSAGE_LIMIT)).into_owned()
}

/// `text` for an HTML page or an attribute of one in double quotes, every hidden character visible.
pub(super) fn html(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 16);
    for c in visible(text).chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            c => shown.push(c),
        }
    }
    shown
}

/// `path` as the relative part of a URI: everything but the unreserved characters and the slash is percent-encoded.
pub(super) fn uri(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len() + 8);
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(visible("\u{1b}[31mred\u{7}\0\r\n\tx"), "\\x1b[31mred\\x07\\0\\r\n\tx");
        assert_eq!(visible("\u{9b}2J \u{202e}abc \u{fffe} \u{e0041}"), "\\x9b2J \\u202eabc \\ufffe \\U000e0041");
    }

    #[test]
    fn joiners_of_emoji_stay() {
        assert_eq!(visible("👩\u{200d}💻 é"), "👩\u{200d}💻 é");
    }

    #[test]
    fn the_middle_gives_way_to_a_count() {
        assert_eq!(shorten("abcdefghij", 6), "abcd … 4 characters left out … ij");
        assert_eq!(shorten("éééééé", 6), "éééééé");
        assert_eq!(shorten_lines("1\n2\n3\n4\n5", 3, 80), "1\n2\n… 2 lines left out …\n5");
        assert_eq!(shorten_lines("1\n2\n3", 3, 80), "1\n2\n3");
    }

    #[test]
    fn a_uri_holds_no_space_colon_or_letter_beyond_ascii() {
        assert_eq!(uri("a b/é#1:2.md"), "a%20b/%C3%A9%231%3A2.md");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(text in any::<String>()) {
            prop_assert!(!visible(&text).chars().any(hidden));
            prop_assert!(!one_line(&text).contains('\n'));
            prop_assert!(!html(&text).contains(['<', '>', '"', '\'']));
        }

        #[test]
        fn cuts_keep_within_their_limits(text in "[a-z\n]{0,400}", limit in 3_usize..50) {
            prop_assert!(shorten(&text, limit).chars().count() <= limit + 40);
            prop_assert!(shorten_lines(&text, limit, 80).lines().count() <= limit + 1);
        }
    }
}
