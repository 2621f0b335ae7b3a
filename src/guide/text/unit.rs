//! Units of what may be Python: a statement with its suite, decorators included, or a comment. Part of `Source --guide::parse--> Guide`.
//!
//! A unit is judged by the parser, and where that fails by its shape: broken code must be found to be reported. Nothing here looks at what stands around a unit.

use super::lines::Lines;
use super::scan::{self, Logical, logical};
use crate::python;

/// A statement, or what may be one.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) weight: Weight,
}

/// How surely a unit is code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// Code, wherever it stands.
    Strong,
    /// Code if other code or the sentence before it vouches for it: it parses, and has brackets or operators.
    Likely,
    /// `f()`: a heading as often as code. Code where it is likely, and after code that binds `f`.
    Named,
    /// Code only in the midst of code: it parses, but words and headings do as well.
    Weak,
    /// A comment; `##` and more are `Heading`.
    Comment,
    /// A comment that Markdown would show as a heading.
    Heading,
    /// `...` or a lone string in triple quotes: never prose, and little by itself.
    Filler,
    /// Not code.
    Prose,
}

/// How a line starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    Decorator,
    Definition,
    Import,
    Clause,
    Simple,
    Assignment,
    Annotation,
    Call,
    Print,
    Other,
}

/// The unit that starts at line `first`, which is not blank.
pub(super) fn unit(lines: &Lines, first: usize, limit: usize) -> Unit {
    let line = lines.get(first).trim();
    if ["{{", "{%", "{#"].iter().any(|mark| line.starts_with(mark)) {
        return Unit { first, end: first + 1, weight: Weight::Prose };
    }
    if line.starts_with('#') {
        let weight = if line.starts_with("##") && line.trim_start_matches('#').starts_with(' ') { Weight::Heading } else { Weight::Comment };
        return Unit { first, end: first + 1, weight };
    }
    let opening = logical(lines, first, limit);
    let head = head(line, &opening);
    if head == Head::Decorator {
        return decorated(lines, first, limit, &opening);
    }
    if opening.excessive || hopeless(head, &opening) || head == Head::Other && !can_start(line, &opening) {
        return Unit { first, end: first + 1, weight: Weight::Prose };
    }
    let end = extent(lines, first, limit, head, &opening);
    weigh(lines, first, end, head, &opening)
}

/// Whether no error explains that this is not Python: it is prose.
fn hopeless(head: Head, opening: &Logical) -> bool {
    match head {
        Head::Definition | Head::Import => opening.prose > 1,
        _ => opening.prose > 0 || opening.prose_inside > 3,
    }
}

/// Whether a line of no known form can start a statement at all: a parser costs more than a look.
fn can_start(line: &str, opening: &Logical) -> bool {
    let starts = line.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '\'' | '(' | '[' | '{' | '-' | '+' | '~' | '*')) || line == "...";
    starts && opening.closed
}

/// One past the last line of a unit whose first logical line is `opening`.
fn extent(lines: &Lines, first: usize, limit: usize, head: Head, opening: &Logical) -> usize {
    let end = if opening.closed { opening.end } else { unclosed(lines, first, limit) };
    match head {
        Head::Definition | Head::Clause if opening.colon || end < limit && !lines.is_blank(end) => suites(lines, first, end, limit, head),
        _ => end,
    }
}

/// Where a line with an open bracket ends: after what is indented deeper or closes brackets.
fn unclosed(lines: &Lines, first: usize, limit: usize) -> usize {
    let base = lines.indent(first);
    let belongs = |line: usize| {
        let text = lines.get(line).trim_start();
        !text.is_empty() && (lines.indent(line) > base || text.starts_with([')', ']', '}']))
    };
    (first + 1..limit).find(|&line| !belongs(line)).unwrap_or(limit)
}

/// One past the suite under a header that ends before `from`, and under the `else` and the like that follow it.
fn suites(lines: &Lines, first: usize, from: usize, limit: usize, head: Head) -> usize {
    let base = lines.indent(first);
    let mut end = from;
    let mut at = lines.written(from, limit);
    while at < limit {
        let text = lines.get(at);
        let deeper = lines.indent(at) > base;
        let goes_on = lines.indent(at) == base && head == Head::Clause && continues(text.trim());
        if !deeper && !goes_on {
            let comment_inside = text.trim_start().starts_with('#') && end == at && lines.written(at + 1, limit) == at + 1 && lines.indent(at + 1) > base;
            if !comment_inside {
                break;
            }
        }
        let line = logical(lines, at, limit);
        end = if line.closed { line.end } else { at + 1 };
        at = lines.written(end, limit);
    }
    end
}

/// Whether a line continues a compound statement.
fn continues(line: &str) -> bool {
    let word = line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
    matches!(word, "else" | "elif" | "except" | "finally" | "case") && line.contains(':')
}

/// A unit that starts with decorators: it is code if a definition follows them.
fn decorated(lines: &Lines, first: usize, limit: usize, opening: &Logical) -> Unit {
    let prose = Unit { first, end: first + 1, weight: Weight::Prose };
    if opening.prose > 0 || opening.excessive {
        return prose;
    }
    let reach = lines.reach(first, limit);
    let mut at = if opening.closed { opening.end } else { unclosed(lines, first, reach) };
    while at < reach && lines.get(at).trim_start().starts_with(['@', '#']) {
        let line = logical(lines, at, limit);
        at = if line.closed { line.end } else { at + 1 };
    }
    if at >= reach || lines.indent(at) != lines.indent(first) {
        lines.spend(at - first);
        return prose;
    }
    let header = logical(lines, at, limit);
    if head(lines.get(at).trim(), &header) != Head::Definition || header.prose > 1 {
        return prose;
    }
    let end = extent(lines, at, limit, Head::Definition, &header);
    weigh(lines, first, end, Head::Definition, &header)
}

/// Judges lines `first..end` by the parser, and shortens them where prose stands under a header.
fn weigh(lines: &Lines, first: usize, end: usize, head: Head, opening: &Logical) -> Unit {
    let parses = |end: usize| {
        let module = python::parse(&lines.dedented(first, end));
        module.errors.is_empty().then(|| module.statements.iter().all(|statement| statement.bare))
    };
    if let Some(bare) = parses(end) {
        return Unit { first, end, weight: weight(lines.get(first).trim(), head, opening, bare) };
    }
    if let Some(cut) = prose_under(lines, first, end) {
        if let Some(bare) = parses(cut) {
            return Unit { first, end: cut, weight: weight(lines.get(first).trim(), head, opening, bare) };
        }
        return Unit { first, end: cut, weight: broken(lines, first, cut, head, opening) };
    }
    let weight = broken(lines, first, end, head, opening);
    Unit { first, end: if weight == Weight::Prose { first + 1 } else { end }, weight }
}

/// The line where the code of a unit ends because indented prose follows it after a blank line.
fn prose_under(lines: &Lines, first: usize, end: usize) -> Option<usize> {
    let at = (first + 2..end).find(|&line| lines.is_blank(line - 1) && is_sentence(lines.get(line).trim()))?;
    (first + 1..at).rev().find(|&line| !lines.is_blank(line)).map(|line| line + 1)
}

/// Whether a line under a header that does not parse reads like a sentence or its end.
fn is_sentence(line: &str) -> bool {
    let signs = scan::prose_signs(line);
    let stops = line.ends_with(['.', '!', '?', ':']) && !matches!(line, "else:" | "try:" | "finally:" | "except:") && !line.starts_with("def ");
    signs > 2 || signs > 0 && stops || stops && line.trim_end_matches(':').chars().all(char::is_alphanumeric)
}

/// The weight of a unit that parses.
fn weight(line: &str, head: Head, opening: &Logical, bare: bool) -> Weight {
    let by_marks = if opening.marks { Weight::Likely } else { Weight::Weak };
    match head {
        Head::Definition | Head::Import | Head::Clause | Head::Decorator | Head::Assignment => Weight::Strong,
        Head::Annotation if opening.assigns && starts_lower(line) => Weight::Strong,
        Head::Annotation => Weight::Weak,
        Head::Call | Head::Print if !bare => call_weight(line),
        Head::Simple if opening.marks || line.contains('.') => Weight::Strong,
        Head::Simple => Weight::Weak,
        _ if is_filler(line) => Weight::Filler,
        _ if line.starts_with(['-', '*', '+']) => Weight::Weak,
        // Nothing but code compares so.
        _ if line.contains(" == ") || line.contains(" != ") => Weight::Strong,
        _ if !bare && !has_spaced_call(line) => Weight::Strong,
        _ => by_marks,
    }
}

/// The weight of a unit that does not parse: strong where it can be meant as nothing but code.
fn broken(lines: &Lines, first: usize, end: usize, head: Head, opening: &Logical) -> Weight {
    let line = lines.get(first).trim();
    if opening.prose_inside > 1 || line.ends_with(['.', '?', '!']) {
        return Weight::Prose;
    }
    let has_suite = end > first + 1 && lines.indent(first + 1) > lines.indent(first) && scan::prose_signs(lines.get(first + 1)) == 0;
    let sure = match head {
        Head::Definition => line.contains(['(', ':']) || has_suite,
        Head::Import | Head::Decorator => opening.prose == 0,
        Head::Clause => has_suite && (opening.colon || !line.starts_with("for ") || line.contains(" in ")),
        Head::Assignment | Head::Call => opening.prose == 0,
        Head::Print => opening.marks,
        Head::Simple | Head::Annotation | Head::Other => false,
    };
    match head {
        _ if sure => Weight::Strong,
        Head::Print | Head::Simple | Head::Clause | Head::Annotation if opening.prose == 0 => Weight::Weak,
        _ => Weight::Prose,
    }
}

/// `f()` and `Note(s)` are headings as often as code.
fn call_weight(line: &str) -> Weight {
    let Some(open) = line.find('(') else { return Weight::Strong };
    let arguments = line[open + 1..].trim_end().strip_suffix(')').unwrap_or("?").trim();
    let is_plain = line[..open].chars().all(|c| c.is_alphanumeric() || c == '_');
    if is_plain && matches!(arguments, "" | "s" | "es") { Weight::Named } else { Weight::Strong }
}

/// Whether there is a blank before the first bracket, as in "Introduction (optional)".
fn has_spaced_call(line: &str) -> bool {
    line.find('(').is_some_and(|open| line[..open].ends_with(' '))
}

fn is_filler(line: &str) -> bool {
    line == "..." || line.trim_start_matches(['r', 'R', 'u', 'f']).starts_with("\"\"\"") || line.trim_start_matches(['r', 'R', 'u', 'f']).starts_with("'''")
}

fn starts_lower(line: &str) -> bool {
    line.starts_with(|c: char| c.is_lowercase() || c == '_')
}

/// How a line starts.
fn head(line: &str, opening: &Logical) -> Head {
    let word_end = line.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(line.len());
    let (word, rest) = line.split_at(word_end);
    let next = rest.trim_start();
    let is_name = |text: &str| text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    match word {
        "" if line.starts_with('@') && is_name(&line[1..]) => return Head::Decorator,
        "def" if rest.starts_with(' ') && is_name(next) && next.contains('(') => return Head::Definition,
        "class" if rest.starts_with(' ') && is_class(next) => return Head::Definition,
        "async" if next.starts_with("def ") => return Head::Definition,
        "async" if next.starts_with("for ") || next.starts_with("with ") => return Head::Clause,
        "from" if next.contains(" import ") || next.ends_with(" import") => return Head::Import,
        "import" if is_name(next) => return Head::Import,
        "if" | "for" | "while" | "with" | "try" | "elif" | "else" | "except" | "finally" => return Head::Clause,
        "match" | "case" if opening.colon => return Head::Clause,
        "return" | "raise" | "assert" | "del" | "global" | "nonlocal" | "pass" | "break" | "continue" | "yield" | "await" => return Head::Simple,
        "print" | "exec" => return Head::Print,
        _ => {}
    }
    if opening.assigns && is_target(line) {
        return if next.starts_with(':') { Head::Annotation } else { Head::Assignment };
    }
    if !word.is_empty() && next.starts_with(':') && !next.starts_with(":=") {
        return Head::Annotation;
    }
    let dotted = line.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(line.len());
    if is_name(line) && line[dotted..].starts_with('(') { Head::Call } else { Head::Other }
}

/// Whether what follows `class` can be the rest of a header: a name, then a bracket, a colon or nothing.
fn is_class(rest: &str) -> bool {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let after = rest[end..].trim();
    end > 0 && (after.is_empty() && rest.starts_with(char::is_uppercase) || after.starts_with(['(', ':']))
}

/// Whether a line starts like the left side of an assignment.
fn is_target(line: &str) -> bool {
    line.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '(' | '[' | '*'))
        && line.split('=').next().is_some_and(|left| {
            !left.trim_end_matches(['+', '-', '*', '/', '|', '&', '%', '@', '^', '<', '>']).trim().contains(['"', '#']) || left.contains('[')
        })
}
