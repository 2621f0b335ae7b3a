//! Sessions: what a console shows, with prompts. Part of `Source --guide::parse--> Guide`.
//!
//! A prompt is beyond doubt, so a session takes all that stands attached to it; it never reaches over a blank line unless another prompt follows.

use super::lines::{Lines, Run};
use crate::guide::Language;

/// The session that starts at line `first`, if a prompt stands there.
pub(super) fn session(lines: &Lines, first: usize, limit: usize) -> Option<Run> {
    let prompt = prompt(lines.get(first))?;
    let mut end = lines.paragraph_end(first, limit);
    loop {
        let next = lines.written(end, limit);
        if next >= limit || lines.closes(end, next) || self::prompt(lines.get(next)) != Some(prompt.clone()) {
            break;
        }
        end = lines.paragraph_end(next, limit);
    }
    Some(Run { first, end, language: prompt })
}

/// The language whose prompt a line starts with.
fn prompt(line: &str) -> Option<Language> {
    let line = line.trim_start();
    if line.starts_with(">>> ") || line.trim_end() == ">>>" || line.starts_with("In [") && line.contains("]: ") {
        return Some(Language::PythonConsole);
    }
    let bare = line.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(line, |(_, rest)| rest.trim_start());
    bare.strip_prefix("$ ").filter(|command| command.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '/' | '~' | '_'))).map(|_| Language::Shell)
}
