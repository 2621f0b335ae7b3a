//! insta's `.snap` files, read and written: `---`, metadata in YAML, `---`, text. `Snapshot <-> String`, pure.
//!
//! The writer keeps to a form that any YAML reader takes; the reader takes the metadata that insta writes (`key: value` lines, one level of map below
//! `info`, block scalars) and passes over what it does not know. It must never take for a snapshot what is none: that would be overwritten.

use std::collections::BTreeMap;

use super::{Metadata, Snapshot};

/// What YAML takes for blank; Unicode's other blanks are text.
const BLANK: [char; 2] = [' ', '\t'];

/// Why a text is not a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The line at which it stops being one, from 1.
    pub line: usize,
    /// What is wrong there, in lower case.
    pub reason: String,
}

impl Flaw {
    fn new(line: usize, reason: impl Into<String>) -> Self {
        Self { line, reason: reason.into() }
    }
}

/// `text` as insta compares it: carriage returns before line feeds dropped, nothing blank at the end.
#[must_use]
pub fn canonical(text: &str) -> String {
    let text = text.trim_end();
    let mut out = String::with_capacity(text.len());
    // A lone carriage return is part of the output. One that is left before a line feed would be dropped by the next reader, so none is left, however many there are.
    for line in text.split_inclusive('\n') {
        match line.strip_suffix('\n') {
            Some(line) => out.extend([line.trim_end_matches('\r'), "\n"]),
            None => out.push_str(line),
        }
    }
    out
}

/// The text of a `.snap` file.
#[must_use]
pub fn write(snapshot: &Snapshot) -> String {
    let metadata = &snapshot.metadata;
    let text = |key: &str, value: &Option<String>| value.as_deref().map(|value| format!("{key}: {}", scalar(value)));
    let mut fields = Vec::new();
    fields.extend(text("source", &metadata.source));
    fields.extend(metadata.assertion_line.map(|line| format!("assertion_line: {line}")));
    fields.extend(text("description", &metadata.description));
    fields.extend(text("expression", &metadata.expression));
    if !metadata.info.is_empty() {
        fields.push("info:".to_owned());
        fields.extend(metadata.info.iter().map(|(key, value)| format!("  {}: {}", scalar(key), typed(value))));
    }
    fields.extend(text("input_file", &metadata.input_file));
    if fields.is_empty() {
        // A document with nothing in it is no map, and insta wants one.
        fields.push("{}".to_owned());
    }
    format!("---\n{}\n---\n{}\n", fields.join("\n"), canonical(&snapshot.contents))
}

/// A string as YAML: plain where it cannot be taken for anything else, quoted everywhere else.
fn scalar(value: &str) -> String {
    const WORDS: [&str; 11] = ["true", "false", "yes", "no", "on", "off", "null", "nan", "inf", "infinity", "~"];
    let plain = value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value.chars().all(|c| c.is_ascii_alphanumeric() || " _./+-()=@".contains(c))
        && !value.ends_with(' ')
        && !WORDS.contains(&value.to_ascii_lowercase().as_str());
    if plain { value.to_owned() } else { quote(value) }
}

/// A scalar of `info`: a truth value or a number stands bare, so that insta and other tools see what it is.
fn typed(value: &str) -> String {
    let bare = value == "true" || value == "false" || value.parse::<i64>().is_ok_and(|number| number.to_string() == value);
    if bare { value.to_owned() } else { scalar(value) }
}

/// `value` between double quotes, with everything escaped that a YAML reader could stumble over, or that could move text on a screen.
fn quote(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Read the text of a `.snap` file.
///
/// # Errors
/// If it is not a snapshot; the flaw says at which line.
pub fn read(text: &str) -> Result<Snapshot, Flaw> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rest = text;
    let mut lines = Vec::new();
    loop {
        let Some((line, after)) = rest.split_once('\n').or_else(|| (!rest.is_empty()).then_some((rest, ""))) else {
            return Err(match lines.len() {
                0 => Flaw::new(1, "the file is empty"),
                last => Flaw::new(last, "its head, which `---` opens, is never closed by a second `---`"),
            });
        };
        if lines.is_empty() && line.trim_end() != "---" {
            return Err(Flaw::new(1, "it does not begin with a line `---`"));
        }
        rest = after;
        if !lines.is_empty() && line.trim_end() == "---" {
            break;
        }
        lines.push(line.strip_suffix('\r').unwrap_or(line));
    }
    Ok(Snapshot { metadata: Head { lines: &lines, at: 1 }.read()?, contents: canonical(rest) })
}

/// The lines of the metadata, being read. The first is the `---`, so that an index is one less than its line.
struct Head<'a> {
    lines: &'a [&'a str],
    at: usize,
}

impl<'a> Head<'a> {
    fn read(mut self) -> Result<Metadata, Flaw> {
        let mut metadata = Metadata::default();
        while let Some((number, line)) = self.next_line() {
            if line == "{}" {
                continue;
            }
            // A key of the head is a word: text that happens to have a colon in it is a sign that this is no head.
            let word = |key: &str| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
            let (key, value) =
                pair(line).filter(|(key, _)| word(key)).ok_or_else(|| Flaw::new(number, format!("`{}` is no `key: value`", line.escape_debug())))?;
            let value = self.value(number, value)?;
            match key.as_str() {
                "source" => metadata.source = value,
                "assertion_line" => metadata.assertion_line = value.and_then(|value| value.parse().ok()),
                "description" => metadata.description = value,
                "expression" => metadata.expression = value,
                "input_file" => metadata.input_file = value,
                "info" => metadata.info = self.map()?,
                "snapshot_kind" if value.as_deref() == Some("binary") => {
                    return Err(Flaw::new(number, "it is a binary snapshot, and Proctor keeps text alone"));
                }
                _ => {}
            }
            self.skip_nested();
        }
        Ok(metadata)
    }

    /// The next line that says something, with its number.
    fn next_line(&mut self) -> Option<(usize, &'a str)> {
        while let Some(line) = self.lines.get(self.at) {
            self.at += 1;
            if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
                return Some((self.at, line.trim_end_matches(BLANK)));
            }
        }
        None
    }

    /// The lines below this one that belong to it: indented, blank, or the items of a list.
    fn nested(&self) -> &'a [&'a str] {
        let rest = &self.lines[self.at..];
        let inside = |line: &&str| line.is_empty() || line.starts_with([' ', '\t']) || line.starts_with("- ");
        &rest[..rest.iter().take_while(|line| inside(line)).count()]
    }

    fn skip_nested(&mut self) {
        self.at += self.nested().len();
    }

    /// The scalar that `written` begins; `None` for null, maps and lists.
    fn value(&mut self, number: usize, written: &str) -> Result<Option<String>, Flaw> {
        match written.chars().next() {
            None | Some('{' | '[') => Ok(None),
            Some('|') => {
                let block = literal(self.nested(), written);
                self.skip_nested();
                Ok(Some(block))
            }
            Some('"' | '\'') => {
                let (value, rest) = unquote(written).ok_or_else(|| Flaw::new(number, "a quoted value is not closed, or has an unknown escape"))?;
                let rest = rest.trim_start_matches(BLANK);
                if rest.is_empty() || rest.starts_with('#') { Ok(Some(value)) } else { Err(Flaw::new(number, "something stands behind a quoted value")) }
            }
            Some(_) => {
                let plain = written.split(" #").next().unwrap_or(written).trim_end_matches(BLANK);
                Ok((!matches!(plain, "~" | "null" | "Null" | "NULL")).then(|| plain.to_owned()))
            }
        }
    }

    /// The scalars of the map that is indented below; deeper maps and lists are passed over.
    fn map(&mut self) -> Result<BTreeMap<String, String>, Flaw> {
        let end = self.at + self.nested().len();
        let depth = |line: &str| line.len() - line.trim_start_matches(BLANK).len();
        let indent = self.nested().iter().find(|line| !line.trim().is_empty()).map_or(0, |line| depth(line));
        let mut map = BTreeMap::new();
        while self.at < end {
            let Some((number, line)) = self.next_line().filter(|(number, _)| *number <= end) else { break };
            if depth(line) != indent {
                continue;
            }
            if let Some((key, value)) = pair(line.trim_start_matches(BLANK))
                && let Some(value) = self.value(number, value)?
            {
                map.insert(key, value);
            }
        }
        self.at = end;
        Ok(map)
    }
}

/// A `key: value` line, taken apart; the value is empty where a nested one follows.
fn pair(line: &str) -> Option<(String, &str)> {
    if line.starts_with(['"', '\'']) {
        let (key, rest) = unquote(line)?;
        return Some((key, rest.strip_prefix(':')?.trim_start_matches(BLANK)));
    }
    if line.starts_with([' ', '\t']) {
        return None;
    }
    let (key, value) = line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, "")))?;
    Some((key.to_owned(), value.trim_matches(BLANK)))
}

/// The value of the quoted string that `text` begins with, and what stands behind it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut chars = text.chars();
    let mark = chars.next()?;
    let mut value = String::new();
    loop {
        match chars.next()? {
            '\'' if mark == '\'' && chars.as_str().starts_with('\'') => {
                chars.next();
                value.push('\'');
            }
            c if c == mark => return Some((value, chars.as_str())),
            '\\' if mark == '"' => value.push(unescape(&mut chars)?),
            c => value.push(c),
        }
    }
}

/// The character that an escape of a double-quoted string stands for.
fn unescape(chars: &mut std::str::Chars<'_>) -> Option<char> {
    let length = match chars.next()? {
        'n' => return Some('\n'),
        't' | '\t' => return Some('\t'),
        'r' => return Some('\r'),
        '0' => return Some('\0'),
        'a' => return Some('\u{7}'),
        'b' => return Some('\u{8}'),
        'v' => return Some('\u{b}'),
        'f' => return Some('\u{c}'),
        'e' => return Some('\u{1b}'),
        'N' => return Some('\u{85}'),
        '_' => return Some('\u{a0}'),
        'L' => return Some('\u{2028}'),
        'P' => return Some('\u{2029}'),
        c @ ('"' | '\\' | '/' | ' ') => return Some(c),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => return None,
    };
    let digits = chars.as_str().get(..length)?;
    let code = u32::from_str_radix(digits, 16).ok()?;
    chars.nth(length - 1)?;
    char::from_u32(code)
}

/// The text of a literal block scalar whose lines are these and whose mark is `|`, `|-` or `|+`.
fn literal(lines: &[&str], mark: &str) -> String {
    let indent = lines.iter().filter(|line| !line.trim().is_empty()).map(|line| line.len() - line.trim_start_matches(' ').len()).min().unwrap_or(0);
    let text: String = lines.iter().flat_map(|line| [line.get(indent..).unwrap_or(""), "\n"]).collect();
    let body = text.trim_end_matches('\n');
    match mark.as_bytes().get(1) {
        Some(b'-') => body.to_owned(),
        Some(b'+') => text,
        _ if body.is_empty() => String::new(),
        _ => format!("{body}\n"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

    use super::*;
    use proptest::prelude::*;

    fn flaw(text: &str) -> (usize, String) {
        let flaw = read(text).unwrap_err();
        (flaw.line, flaw.reason)
    }

    #[test]
    fn the_form_is_instas() {
        let metadata = Metadata {
            source: Some("content/05-databases/05-relationships.md".to_owned()),
            assertion_line: Some(138),
            expression: Some("print(\"a: b\")\n".to_owned()),
            info: BTreeMap::from([("environment".to_owned(), "flask".to_owned()), ("stable".to_owned(), "true".to_owned())]),
            ..Metadata::default()
        };
        let snapshot = Snapshot { metadata, contents: "Left ID: 1\n---\n".to_owned() };
        insta::assert_snapshot!(write(&snapshot), @r#"
        ---
        source: content/05-databases/05-relationships.md
        assertion_line: 138
        expression: "print(\"a: b\")\n"
        info:
          environment: flask
          stable: true
        ---
        Left ID: 1
        ---
        "#);
    }

    #[test]
    fn what_people_and_other_tools_write_is_read() {
        let text = "---\r\n# a comment\r\nsource: 'it''s.md'  # here\r\nexpression: |-\r\n  a:\r\n    b\r\nunknown: [1, 2]\r\nlist:\r\n- a: b\r\n- c\r\ninfo:\r\n  \
                    environment: flask\r\n  deep:\r\n    er: 1\r\n  n: 3\r\n  \"odd: key\": \"\\u00e9\\x21\"\r\ndescription: ~\r\nsnapshot_kind: text\r\n---\r\n\r\none\r\n\r\n";
        let snapshot = read(text).unwrap();
        assert_eq!(snapshot.metadata.source.as_deref(), Some("it's.md"));
        assert_eq!(snapshot.metadata.expression.as_deref(), Some("a:\n  b"));
        assert_eq!(snapshot.metadata.description, None);
        let info: Vec<_> = snapshot.metadata.info.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(info, [("environment", "flask"), ("n", "3"), ("odd: key", "é!")]);
        assert_eq!(snapshot.contents, "\none");
    }

    #[test]
    fn any_number_of_carriage_returns_is_dropped_in_time() {
        assert_eq!(canonical("a\r\r\nb\rc\r\n"), "a\nb\rc");
        let begun = std::time::Instant::now();
        assert_eq!(canonical(&format!("a{}\nb", "\r".repeat(1_000_000))), "a\nb");
        assert!(begun.elapsed().as_secs() < 5);
    }

    #[test]
    fn what_is_no_snapshot_is_refused_at_its_line() {
        assert_eq!(flaw(""), (1, "the file is empty".to_owned()));
        assert_eq!(flaw("{\"a\": 1}\n"), (1, "it does not begin with a line `---`".to_owned()));
        assert_eq!(flaw("---\nsource: a.md\nLeft ID: 1\n").0, 3);
        assert_eq!(flaw("---\nsource: a.md\n<<<<<<< HEAD\n---\n"), (3, "`<<<<<<< HEAD` is no `key: value`".to_owned()));
        assert_eq!(flaw("---\nsource: \"a.md\n---\n").0, 2);
        assert_eq!(flaw("---\nsource: \"a.md\" b\n---\n").0, 2);
        assert_eq!(flaw("---\nextension: png\nsnapshot_kind: binary\n---\n").0, 3);
    }

    pub(super) fn any_snapshot() -> impl Strategy<Value = Snapshot> {
        let text = "(?s).{0,12}|true|~|-|1e3|a: b|é #|0x1|'\"|\u{85}|\u{feff}";
        let info = proptest::collection::btree_map("(?s).{1,8}", text, 0..3);
        let optional = || proptest::option::of(text);
        let contents = r"(a|é|---|\.\.\.| |	|\r|\n|\r\n|: |#){0,24}";
        (optional(), proptest::option::of(any::<u32>()), optional(), optional(), info, optional(), contents).prop_map(
            |(source, assertion_line, description, expression, info, input_file, contents)| Snapshot {
                metadata: Metadata { source, assertion_line, description, expression, info, input_file },
                contents,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(snapshot in any_snapshot()) {
            let back = read(&write(&snapshot)).unwrap();
            prop_assert_eq!(&back.metadata, &snapshot.metadata);
            prop_assert_eq!(back.contents, canonical(&snapshot.contents));
        }

        #[test]
        fn the_reader_takes_any_text_without_a_panic(head in "(?s)(.|---|\n|: |\"|'| ){0,40}") {
            let _ = read(&head);
            let _ = read(&format!("---\n{head}\n---\n"));
        }
    }
}
