//! Runs of Python: units that belong together, and where among prose a run begins and ends. Part of `Source --guide::parse--> Guide`.
//!
//! Never takes a line that a sentence needs, and never leaves out one that the code needs.

use super::lines::{Lines, Run};
use super::unit::{Unit, Weight, unit};
use crate::guide::Language;

/// How many lines above a call its name is looked for.
const MEMORY: usize = 400;

/// What stands at a line: a run, or prose up to a line.
pub(super) enum Found {
    Code(Run),
    Prose { end: usize },
}

/// The run of Python at line `first`, which is not blank. `start` is the first line that is not taken yet.
pub(super) fn python(lines: &Lines, start: usize, first: usize, limit: usize) -> Found {
    let units = gather(lines, first, limit);
    let Some(taken) = select(lines, start, &units, limit) else {
        return Found::Prose { end: units.last().map_or(first + 1, |unit| unit.end) };
    };
    Found::Code(taken)
}

/// The units from `first` on, up to prose or the end of a block.
fn gather(lines: &Lines, first: usize, limit: usize) -> Vec<Unit> {
    let base = lines.indent(first);
    let mut units: Vec<Unit> = Vec::new();
    let mut at = first;
    let mut has_code = false;
    while at < limit {
        let attached = lines.is_attached(at, first);
        let indent = lines.indent(at);
        if indent < base || indent > base && !(attached && has_code) {
            break;
        }
        let next = unit(lines, at, limit);
        if next.weight == Weight::Prose {
            break;
        }
        has_code |= next.weight == Weight::Strong;
        let end = next.end;
        units.push(next);
        at = lines.written(end, limit);
        if lines.closes(end, at) {
            break;
        }
    }
    units
}

/// The part of `units` that is code, if any is.
fn select(lines: &Lines, start: usize, units: &[Unit], limit: usize) -> Option<Run> {
    let anchor = units.iter().position(|unit| unit.weight == Weight::Strong).or_else(|| vouched(lines, start, units, limit))?;
    let mut first = anchor;
    while first > 0 && leads(lines, &units[first - 1], &units[first], first == 1 && is_opening(lines, units[0].first)) {
        first -= 1;
    }
    let mut last = anchor;
    for at in anchor + 1..units.len() {
        let (next, attached) = (&units[at], units[at - 1].end == units[at].first);
        let adjoins = last + 1 == at;
        let goes_on = units.get(at + 1).is_some_and(|after| after.first == next.end);
        match next.weight {
            Weight::Strong => last = at,
            Weight::Likely | Weight::Named | Weight::Comment if attached && adjoins => last = at,
            Weight::Named if adjoins && (next.end >= limit || is_bound(lines, units[first].first, next)) => last = at,
            Weight::Heading if !attached || !goes_on => break,
            Weight::Likely | Weight::Weak | Weight::Named if !attached && !goes_on => break,
            Weight::Weak if is_wordy(lines, next) && !(attached && goes_on) => break,
            Weight::Weak if attached && adjoins && !is_wordy(lines, next) => last = at,
            Weight::Filler if adjoins => last = at,
            _ => {}
        }
    }
    let run = Run { first: units[first].first, end: units[last].end, language: Language::Python };
    (!is_in_sentence(lines, start, &run, limit, last == first)).then_some(run)
}

/// A unit that is code because the sentence before it ends with a colon or the block is closed as the legacy form does.
fn vouched(lines: &Lines, start: usize, units: &[Unit], limit: usize) -> Option<usize> {
    let at = units.iter().position(|unit| matches!(unit.weight, Weight::Likely | Weight::Named))?;
    let unit = &units[at];
    let before = (start..units[0].first).rev().find(|&line| !lines.is_blank(line));
    let announced = before.is_some_and(|line| lines.get(line).trim_end().ends_with(':'));
    let after = lines.written(unit.end, limit);
    (announced || lines.closes(unit.end, after)).then_some(at)
}

/// Whether `unit` belongs to the code that starts with `next`.
fn leads(lines: &Lines, unit: &Unit, next: &Unit, opens_text: bool) -> bool {
    let attached = unit.end == next.first;
    match unit.weight {
        Weight::Filler => true,
        Weight::Likely | Weight::Named => attached,
        Weight::Weak => attached && !is_wordy(lines, unit),
        Weight::Comment => attached || !opens_text || is_file_comment(lines.get(unit.first)),
        Weight::Heading | Weight::Prose => false,
        Weight::Strong => true,
    }
}

/// Whether the lines from `first` to a unit bind the name that the unit calls.
fn is_bound(lines: &Lines, first: usize, unit: &Unit) -> bool {
    let Some((name, _)) = lines.get(unit.first).trim().split_once('(') else { return false };
    let binds = |line: &str| {
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
        let word = words.next().unwrap_or("");
        word == name && line.contains('=') || matches!(word, "def" | "class" | "async" | "from" | "import") && words.any(|word| word == name)
    };
    (first.max(unit.first.saturating_sub(MEMORY))..unit.first).any(|line| binds(lines.get(line)))
}

/// Whether nothing but blank lines stands above a line.
fn is_opening(lines: &Lines, line: usize) -> bool {
    (0..line).all(|line| lines.is_blank(line))
}

/// `# app.py`: a comment that names a file.
fn is_file_comment(line: &str) -> bool {
    let text = line.trim_start_matches(['#', ' ', '\t']).trim();
    !text.contains(' ') && text.contains(['.', '/'])
}

/// Whether a unit is words alone, the first with a capital: a heading, or the end of a sentence.
fn is_wordy(lines: &Lines, unit: &Unit) -> bool {
    lines.get(unit.first).trim().starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || matches!(c, '-' | '*' | '+'))
}

/// Whether a run is a line of a wrapped sentence: the line above stops in its midst, or the line below goes on with a small letter.
pub(super) fn is_in_sentence(lines: &Lines, start: usize, run: &Run, limit: usize, single: bool) -> bool {
    if !single || run.end > run.first + 1 {
        return false;
    }
    let stops = |line: &str| {
        line.trim_end().ends_with(['.', ':', '!', '?', ';', ')', '`', '*', '>', '|', '"', '}', ']', '-', '=']) || line.trim_start().starts_with(['#', '`'])
    };
    if run.end < limit && is_underline(lines.get(run.end)) {
        return true;
    }
    // A heading of few words stands right above code as often as alone.
    let heads = |line: usize| {
        let text = lines.get(line).trim();
        (line == start || lines.is_blank(line - 1)) && text.starts_with(char::is_uppercase) && text.split(' ').count() < 4
    };
    let above = lines.is_attached(run.first, start) && !stops(lines.get(run.first - 1)) && !heads(run.first - 1);
    let below = run.end < limit && lines.get(run.end).starts_with(char::is_lowercase) && super::scan::prose_signs(lines.get(run.end)) > 0;
    above || below
}

/// Whether a line underlines a heading.
fn is_underline(line: &str) -> bool {
    let line = line.trim_end();
    line.len() > 2
        && line.starts_with(['=', '-', '~', '^', '"', '\'', '*', '+', '#', '.'])
        && line.bytes().all(|byte| byte == line.as_bytes()[0])
        && line != "..."
        && !line.starts_with("###")
}
