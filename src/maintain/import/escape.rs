//! Words as Markdown: whatever Markdown would take for a mark is written so that it is read as the letters it is. Pure text.

/// The words of a line, `at_start` if nothing stands before them on it.
pub(super) fn escaped(text: &str, at_start: bool) -> String {
    let mut written = String::with_capacity(text.len() + 8);
    let letters: Vec<char> = text.chars().collect();
    let start = if at_start { line_start(text) } else { None };
    let mut at_byte = 0;
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at)).copied();
        let next = letters.get(at + 1).copied();
        let is_mark = start == Some(at_byte)
            || match letter {
                '\\' | '`' | '*' | '[' | ']' | '<' | '~' => true,
                // Within a word it marks nothing.
                '_' => !(before.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric)),
                '&' => is_entity(&text[at_byte..]),
                '!' => next.is_none_or(|next| next == '['),
                // Templates, includes and attributes in the dialects of Markdown.
                '{' => !next.is_some_and(|next| next.is_alphanumeric() || next == ' '),
                ':' => text[at_byte..].starts_with(":::"),
                _ => false,
            };
        if is_mark {
            written.push('\\');
        }
        written.push(letter);
        at_byte += letter.len_utf8();
    }
    written
}

/// The byte of a line's start that has to be escaped: of what would open a heading, a list, a quotation, a rule, a table or a box.
fn line_start(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    let marks = text.len() - text.trim_start_matches(first).len();
    let is_alone = |mark: char| text.chars().all(|letter| letter == mark || letter.is_whitespace());
    match first {
        '#' => (marks <= 6 && ends_mark(&text[marks..])).then_some(0),
        '+' => (ends_mark(&text[1..]) || text.trim_end() == "+++").then_some(0),
        '-' => (ends_mark(&text[1..]) || is_alone('-') || is_delimiter(text)).then_some(0),
        '=' => (is_alone('=') || text.starts_with("===")).then_some(0),
        '>' | '|' => Some(0),
        '!' => text.starts_with("!!!").then_some(0),
        '?' => text.starts_with("???").then_some(0),
        ':' => is_delimiter(text).then_some(0),
        '%' => Some(0),
        '0'..='9' => {
            let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
            let mark = text[digits..].chars().next().filter(|mark| matches!(mark, '.' | ')'))?;
            (digits < 10 && ends_mark(&text[digits + mark.len_utf8()..])).then_some(digits)
        }
        _ => None,
    }
}

/// Whether what follows a mark lets it be one.
fn ends_mark(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(char::is_whitespace)
}

/// Whether a line may be the one below the head of a table.
fn is_delimiter(text: &str) -> bool {
    text.contains('-') && text.chars().all(|letter| matches!(letter, '-' | ':' | '|' | ' ' | '\t'))
}

/// Whether a text starts with an entity.
fn is_entity(text: &str) -> bool {
    let end = text.find(';').filter(|end| (2..40).contains(end));
    end.is_some_and(|end| text[1..end].chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '#'))
}

/// A text in code font.
pub(super) fn code_span(text: &str) -> String {
    let text = text.replace('\n', " ");
    if text.trim().is_empty() {
        return text;
    }
    let marks = "`".repeat(longest_run(&text, '`') + 1);
    let is_padded = text.starts_with(' ') && text.ends_with(' ') || text.starts_with('`') || text.ends_with('`');
    let pad = if is_padded { " " } else { "" };
    format!("{marks}{pad}{text}{pad}{marks}")
}

/// How many of a letter stand side by side at most. Runs of exactly the length of a closing mark would close it.
pub(super) fn longest_run(text: &str, letter: char) -> usize {
    text.split(|other| other != letter).map(str::len).max().unwrap_or(0)
}

/// The target of a link, between its brackets.
pub(super) fn target(address: &str) -> String {
    let mut written = String::with_capacity(address.len());
    for (at, letter) in address.char_indices() {
        match letter {
            '<' => written.push_str("%3C"),
            '>' => written.push_str("%3E"),
            '\\' => written.push_str("%5C"),
            '&' if is_entity(&address[at..]) => written.push_str("&amp;"),
            letter if letter.is_control() => {}
            letter => written.push(letter),
        }
    }
    if written.is_empty() || written.contains(|letter: char| letter.is_whitespace() || matches!(letter, '(' | ')' | '*' | '_' | '`')) {
        format!("<{written}>")
    } else {
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_escaped_and_nothing_else() {
        for (text, written) in [
            ("snake_case and __init__", r"snake_case and \_\_init\_\_"),
            ("2 * 3 < 7 & so on", r"2 \* 3 \< 7 & so on"),
            ("&lt; is an entity", r"\&lt; is an entity"),
            ("[x](y) ![z]", r"\[x\](y) \!\[z\]"),
            ("a {{ b }} {% c %} {d}", r"a \{{ b }} \{% c %} {d}"),
            ("C# and a - b", "C# and a - b"),
        ] {
            assert_eq!(escaped(text, true), written);
        }
    }

    #[test]
    fn the_start_of_a_line_is_looked_at_alone() {
        for (text, written) in [
            ("# no heading", r"\# no heading"),
            ("#hashtag", "#hashtag"),
            ("1. no item", r"1\. no item"),
            ("1.5 is a number", "1.5 is a number"),
            ("- no item", r"\- no item"),
            ("---", r"\---"),
            ("-x", "-x"),
            ("===", r"\==="),
            ("> no quote", r"\> no quote"),
            ("!!! note", r"\!!! note"),
            ("::: box", r"\::: box"),
            (":-- | --:", r"\:-- | --:"),
        ] {
            assert_eq!(escaped(text, true), written);
        }
        assert_eq!(escaped("# x", false), "# x");
    }

    #[test]
    fn code_may_hold_backticks() {
        assert_eq!(code_span("a"), "`a`");
        assert_eq!(code_span("a`b"), "``a`b``");
        assert_eq!(code_span("``"), "``` `` ```");
        assert_eq!(code_span(" a "), "`  a  `");
    }

    #[test]
    fn targets_may_hold_anything() {
        assert_eq!(target("a b(c)"), "<a b(c)>");
        assert_eq!(target("https://x.org/?a=1&b=2"), "https://x.org/?a=1&b=2");
        assert_eq!(target("a<b"), "a%3Cb");
    }
}
