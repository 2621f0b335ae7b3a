//! Markup among prose: HTML and templates, found by following their elements to the end. Part of `Source --guide::parse--> Guide`.
//!
//! A page of prose may have a stray tag or an include of its own, so a line of markup alone is no block.

use super::lines::{Lines, Run};
use crate::guide::{Language, language};

/// Elements without an end.
const VOID: &[&str] = &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];
/// Elements whose end may be left out.
const OPTIONAL: &[&str] = &["dd", "dt", "li", "option", "p", "tbody", "td", "tfoot", "th", "thead", "tr"];
/// Template statements that have an end.
const PAIRED: &[&str] = &["autoescape", "block", "call", "filter", "for", "if", "macro", "raw", "trans", "with"];

/// What is open, and what was seen.
#[derive(Default)]
struct Markup {
    open: Vec<String>,
    /// What a comment or a tag that goes on in the next line waits for.
    until: Option<&'static str>,
    closed: usize,
    /// Elements without an end that are no pictures and line breaks, which prose has as well.
    lone: usize,
    templates: usize,
    /// Values that a template writes out.
    values: usize,
    document: bool,
}

/// The markup that starts at line `first`. `announced` says that the prose before it ends with a colon.
pub(super) fn run(lines: &Lines, first: usize, limit: usize, announced: bool) -> Option<Run> {
    if !is_start(lines.get(first)) {
        return None;
    }
    let mut markup = Markup::default();
    let mut end = first;
    let mut at = first;
    let reach = lines.reach(first, limit);
    while at < reach {
        markup.line(lines.get(at));
        at += 1;
        if !markup.open.is_empty() || markup.until.is_some() {
            continue;
        }
        end = at;
        let next = lines.written(at, limit);
        if next >= limit || lines.closes(at, next) || !is_start(lines.get(next)) {
            break;
        }
        at = next;
    }
    lines.spend(at.saturating_sub(end));
    let written = (first..end).filter(|&line| !lines.is_blank(line)).count();
    let vouched = announced || lines.closes(end, lines.written(end, limit));
    let is_template = written > 1 && markup.open.is_empty() && (markup.templates > 1 || markup.values > 0 && markup.closed > 0);
    let is_fragment = vouched && (markup.closed > 0 || markup.lone > 0) && (written > 1 || markup.templates == 0);
    if end == first || !(markup.document || is_template || is_fragment) {
        return None;
    }
    let text = lines.dedented(first, end);
    let language = match language::guess(&text) {
        found @ (Language::Html | Language::Jinja | Language::Other(_)) => found,
        _ if markup.closed > 0 => Language::Html,
        _ => Language::Jinja,
    };
    Some(Run { first, end, language })
}

/// Whether a line starts as markup does.
fn is_start(line: &str) -> bool {
    let line = line.trim_start();
    let tag = line.strip_prefix('<').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '!' | '/' | '?')));
    // `<https://...>` is an address.
    tag && !line.starts_with("<http") && !line.contains("proctor:") || line.starts_with("{%") || line.starts_with("{{") || line.starts_with("{#")
}

impl Markup {
    /// Follows the elements and template blocks of one line.
    fn line(&mut self, line: &str) {
        let mut rest = line;
        loop {
            if let Some(until) = self.until {
                let Some((_, after)) = rest.split_once(until) else { return };
                self.until = None;
                rest = after;
            }
            let Some(at) = rest.find(['<', '{']) else { return };
            rest = self.mark(&rest[at..]);
        }
    }

    /// Reads one mark at the start of `text` and returns what follows it.
    fn mark<'a>(&mut self, text: &'a str) -> &'a str {
        if let Some(rest) = text.strip_prefix("<!--") {
            self.until = Some("-->");
            return rest;
        }
        if let Some(rest) = text.strip_prefix("{%") {
            self.until = Some("%}");
            let statement = rest.trim_start_matches(['-', '+', ' ']);
            let word: String = statement.chars().take_while(char::is_ascii_alphanumeric).collect();
            if let Some(name) = word.strip_prefix("end") {
                self.templates += usize::from(PAIRED.contains(&name));
                self.close(name);
            } else if PAIRED.contains(&word.as_str()) {
                self.templates += 1;
                self.open.push(word);
            }
            return rest;
        }
        for (mark, end) in [("{{", "}}"), ("{#", "#}")] {
            if let Some(rest) = text.strip_prefix(mark) {
                self.values += usize::from(mark == "{{");
                self.until = Some(end);
                return rest;
            }
        }
        let Some(rest) = text.strip_prefix('<') else { return &text[1..] };
        let (is_end, rest) = rest.strip_prefix('/').map_or((false, rest), |rest| (true, rest));
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '!' | '?')).collect::<String>().to_ascii_lowercase();
        if name.is_empty() {
            return rest;
        }
        self.document |= matches!(name.as_str(), "!doctype" | "html");
        self.lone += usize::from(matches!(name.as_str(), "link" | "meta" | "input" | "base"));
        if is_end {
            self.closed += 1;
            self.close(&name);
        } else if !rest.split('>').next().is_some_and(|tag| tag.ends_with('/'))
            && !VOID.contains(&name.as_str())
            && !OPTIONAL.contains(&name.as_str())
            && !name.starts_with(['!', '?'])
        {
            self.open.push(name.clone());
        }
        self.until = Some(">");
        &rest[name.len()..]
    }

    fn close(&mut self, name: &str) {
        if let Some(at) = self.open.iter().rposition(|open| open == name) {
            self.open.truncate(at);
        }
    }
}
