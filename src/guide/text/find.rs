//! Finds the code in lines that nothing marks: every recogniser in turn, line by line. Part of `Source --guide::parse--> Guide`.
//!
//! Each line is looked at a bounded number of times, whatever the text.

use super::lines::{Lines, Run};
use super::runs::{self, Found};
use super::{console, foreign, markup};
use crate::guide::{Language, language};

/// The code in lines `from..limit`, in order, without overlaps.
pub(super) fn code(lines: &Lines, from: usize, limit: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    // The first line after the last run, and the last written line of prose since.
    let (mut at, mut start) = (from, from);
    let mut before: Option<usize> = None;
    loop {
        at = lines.written(at, limit);
        if at >= limit {
            return runs;
        }
        let announced = before.is_some_and(|line| lines.get(line).trim_end().ends_with(':'));
        match found(lines, start, at, limit, announced) {
            Found::Code(run) => {
                at = run.end;
                start = run.end;
                before = None;
                runs.push(run);
            }
            Found::Prose { end } => {
                at = end.max(at + 1);
                before = (start..at).rev().find(|&line| !lines.is_blank(line));
            }
        }
    }
}

/// What stands at line `at`.
fn found(lines: &Lines, start: usize, at: usize, limit: usize, announced: bool) -> Found {
    if let Some(run) = console::session(lines, at, limit).or_else(|| markup::run(lines, at, limit, announced)) {
        return Found::Code(run);
    }
    let python = runs::python(lines, start, at, limit);
    if let Found::Code(run) = &python
        && run.first == at
    {
        return Found::Code(Run { language: language_of(lines, run), ..run.clone() });
    }
    if let Some(run) = foreign::block(lines, at, limit)
        .or_else(|| console::commands(lines, at, limit, announced).filter(|run| !runs::is_in_sentence(lines, start, run, limit, true)))
    {
        return Found::Code(run);
    }
    match python {
        // The lines before it are prose.
        Found::Code(run) => Found::Code(Run { language: language_of(lines, &run), ..run }),
        prose @ Found::Prose { .. } => prose,
    }
}

/// The language of what parses as Python: a file of settings and some JavaScript do as well.
fn language_of(lines: &Lines, run: &Run) -> Language {
    match language::guess(&lines.dedented(run.first, run.end)) {
        found @ (Language::Ini | Language::JavaScript | Language::Json) => found,
        _ => Language::Python,
    }
}
