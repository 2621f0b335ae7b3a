//! Blocks in other languages than Python that nothing marks: SQL, JSON, CSS, JavaScript, configuration, trees. Part of `Source --guide::parse--> Guide`.
//!
//! Each has a form that can be followed to its end: brackets, a semicolon, or lines that are all of one kind. Nothing is taken on a first word alone.

use super::lines::{Lines, Run};
use super::scan::prose_signs;
use crate::guide::{Language, language};

/// The block that starts at line `first`, which is not blank.
pub(super) fn block(lines: &Lines, first: usize, limit: usize) -> Option<Run> {
    let line = lines.get(first).trim();
    if line.len() > 2_000 {
        return None;
    }
    tree(lines, first, limit)
        .or_else(|| traceback(lines, first, limit))
        .or_else(|| sql(lines, first, limit))
        .or_else(|| braces(lines, first, limit))
        .or_else(|| settings(lines, first, limit))
}

/// A drawn directory tree, and the root above it.
fn tree(lines: &Lines, first: usize, limit: usize) -> Option<Run> {
    let is_arm = |line: usize| {
        let text = lines.get(line).trim_start_matches([' ', '\t', '│', '|', '\u{a0}']);
        text.starts_with(['├', '└'])
            || lines.get(line).trim_start().starts_with('│')
            || text.starts_with("-- ") && lines.get(line).contains('|')
            || text.starts_with("`-- ")
    };
    let root = lines.get(first).trim();
    let is_root = !root.contains(' ') && prose_signs(root) == 0 || root.ends_with('/');
    let from = if is_arm(first) {
        first
    } else if is_root && first + 1 < limit && is_arm(first + 1) {
        first + 1
    } else {
        return None;
    };
    let end = (from..limit).find(|&line| !is_arm(line)).unwrap_or(limit);
    (end > from).then_some(Run { first, end, language: Language::Tree })
}

/// What Python prints when it gives up.
fn traceback(lines: &Lines, first: usize, limit: usize) -> Option<Run> {
    let opens = lines.get(first).trim().starts_with("Traceback (most recent call last)");
    opens.then(|| Run { first, end: lines.paragraph_end(first, limit), language: Language::Text })
}

/// SQL statements, up to the last semicolon.
fn sql(lines: &Lines, first: usize, limit: usize) -> Option<Run> {
    let mut end = first;
    let mut at = first;
    while at < limit {
        let statement = (at..lines.reach(at, limit)).find(|&line| !lines.get(line).trim_start().starts_with("--"))?;
        let word: String = lines.get(statement).trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
        // A sentence starts with one capital, and has no sign of a statement.
        let is_lower = word.chars().all(|c| c.is_ascii_lowercase());
        let signs = is_lower && [" table ", " from ", " into ", "*", "("].iter().any(|sign| lines.get(statement).contains(sign));
        if !is_sql_word(&word.to_ascii_uppercase()) || !signs && word.chars().any(|c| c.is_ascii_lowercase()) {
            break;
        }
        let reach = lines.paragraph_end(statement, lines.reach(statement, limit));
        let Some(stop) = (statement..reach).find(|&line| lines.get(line).trim_end().ends_with(';')) else {
            lines.spend(reach - statement);
            break;
        };
        if language::guess(&lines.dedented(at, stop + 1)) != Language::Sql {
            break;
        }
        end = stop + 1;
        at = lines.written(end, limit);
        if lines.closes(end, at) {
            break;
        }
    }
    (end > first).then_some(Run { first, end, language: Language::Sql })
}

fn is_sql_word(word: &str) -> bool {
    matches!(
        word,
        "SELECT"
            | "INSERT"
            | "UPDATE"
            | "DELETE"
            | "CREATE"
            | "DROP"
            | "ALTER"
            | "PRAGMA"
            | "GRANT"
            | "WITH"
            | "BEGIN"
            | "COMMIT"
            | "ROLLBACK"
            | "EXPLAIN"
            | "REVOKE"
    )
}

/// CSS, JavaScript, JSON and the like: lines whose brackets close.
fn braces(lines: &Lines, first: usize, limit: usize) -> Option<Run> {
    let opens = |line: usize| {
        let text = lines.get(line).trim();
        let selects =
            || text.ends_with(',') && (line + 1..limit.min(line + 9)).take_while(|&line| !lines.is_blank(line)).any(|line| lines.get(line).ends_with('{'));
        let is_statement = || text.ends_with(';') && prose_signs(text) < 3 && !text.starts_with(['-', '*']);
        text.ends_with(['{', '[', '(', '}']) || is_statement() || selects() || text.starts_with("//") || text.starts_with("/*") || text == "[" || text == "{"
    };
    if !opens(first) || lines.get(first).trim_start().starts_with("{{") || lines.get(first).trim_start().starts_with("{%") {
        return None;
    }
    let mut depth = 0_usize;
    let mut end = first;
    let mut at = first;
    let mut comment = false;
    let reach = lines.reach(first, limit);
    while at < reach {
        let text = lines.get(at);
        comment = text.contains("/*") && !text.contains("*/") || comment && !text.contains("*/");
        depth = nesting(text, depth);
        at += 1;
        if depth > 0 || comment {
            continue;
        }
        end = at;
        let next = lines.written(at, limit);
        if next >= limit || lines.closes(at, next) || !opens(next) {
            break;
        }
        at = next;
    }
    lines.spend(at.saturating_sub(end));
    if end == first {
        return None;
    }
    let language = match language::guess(&lines.dedented(first, end)) {
        found @ (Language::Css | Language::JavaScript | Language::Json) => found,
        Language::Other(word) if word == "nginx" => Language::Other(word),
        _ => return None,
    };
    Some(Run { first, end, language })
}

/// The depth of brackets after a line.
fn nesting(line: &str, depth: usize) -> usize {
    let mut depth = depth;
    let mut quote = None;
    let code = if line.trim_start().starts_with("//") { "" } else { line };
    for c in code.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{' | '[' | '(') => depth += 1,
            (None, '}' | ']' | ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    depth
}

/// Files of settings: a paragraph whose every line is of one kind.
fn settings(lines: &Lines, first: usize, limit: usize) -> Option<Run> {
    let kind = kind(lines.get(first));
    if kind == Kind::None {
        return None;
    }
    let mut end = lines.paragraph_end(first, lines.reach(first, limit));
    loop {
        let next = lines.written(end, limit);
        let goes_on = next < limit && !lines.closes(end, next) && next < lines.reach(first, limit) && self::kind(lines.get(next)) == kind;
        if !goes_on || !matches!(kind, Kind::Section | Kind::Key) {
            break;
        }
        end = lines.paragraph_end(next, limit);
    }
    let written: Vec<&str> = (first..end).map(|line| lines.get(line)).filter(|line| !line.trim().is_empty()).collect();
    let text = lines.dedented(first, end);
    let found = language::guess(&text);
    let margin = |line: &str| line.starts_with([' ', '\t']) && !lines.get(first).starts_with([' ', '\t']);
    let is_whole = match (&found, kind) {
        (Language::Ini | Language::Toml, Kind::Section) => {
            written.iter().all(|line| margin(line) || line.contains('=') || line.trim().starts_with(['[', '#', ';', '"', ']', '}']))
        }
        (Language::Ini, Kind::Setting) => true,
        (Language::Yaml, Kind::Key) => is_nested(&written) && written.iter().all(|line| prose_signs(line) < 4) && !is_front_matter(lines, first),
        (_, Kind::Requirement) => {
            let all = written.iter().all(|line| self::kind(line) == Kind::Requirement && !line.trim().contains(' '));
            return all.then(|| Run { first, end, language: Language::Other("requirements".to_owned()) });
        }
        (Language::Other(word), Kind::Key) => word == "procfile",
        (Language::Other(word), Kind::Instruction) => {
            word == "dockerfile" && written.iter().all(|line| self::kind(line) == Kind::Instruction || line.starts_with([' ', '\t', '#']))
        }
        (Language::Http, Kind::Message) => true,
        _ => false,
    };
    if !is_whole {
        // Guessing is dear.
        lines.spend((end - first) * 16);
    }
    is_whole.then_some(Run { first, end, language: found })
}

/// The instructions of a Dockerfile.
const INSTRUCTIONS: &[&str] =
    &["ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN", "SHELL", "USER", "VOLUME", "WORKDIR"];

/// What kind of settings a line can belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Section,
    Setting,
    Key,
    Requirement,
    Instruction,
    Message,
    None,
}

fn kind(line: &str) -> Kind {
    let line = line.trim();
    let word = line.split([' ', '=', ':', '[', '>', '<', '~']).next().unwrap_or("");
    let after = &line[word.len()..];
    if line.starts_with('[') && line.ends_with(']') {
        Kind::Section
    } else if line.starts_with("HTTP/") || line.ends_with(" HTTP/1.1") || line.ends_with(" HTTP/1.0") {
        Kind::Message
    } else if word.is_empty() {
        Kind::None
    } else if after.starts_with("==") || after.starts_with(">=") || after.starts_with("~=") {
        Kind::Requirement
    } else if after.starts_with('=') && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_') {
        Kind::Setting
    } else if after.starts_with(':') && !after.starts_with("://") {
        Kind::Key
    } else if INSTRUCTIONS.contains(&word) && after.starts_with(' ') {
        Kind::Instruction
    } else {
        Kind::None
    }
}

/// Whether a key has something under it, indented or as a list.
fn is_nested(written: &[&str]) -> bool {
    written.windows(2).any(|pair| {
        pair[0].trim_end().ends_with(':') && (super::lines::indent(pair[1]) > super::lines::indent(pair[0]) || pair[1].trim_start().starts_with("- "))
    })
}

/// Whether a page's own settings stand here, at its top between rules.
fn is_front_matter(lines: &Lines, first: usize) -> bool {
    (0..first).all(|line| lines.is_blank(line) || lines.get(line).trim() == "---")
}
