//! A cell of Python: what of it is Python, what goes to the shell, and what only a notebook understands.
//!
//! Shell commands become blocks of their own. Magics that only tell the notebook how to behave (`%matplotlib inline`) are left out of the code, as prompts are;
//! a cell that is nothing else is a block that is not run, with the reason. A cell without commands is one block, letter by letter.

use super::super::page::Page;
use super::body;
use crate::guide::{Body, BodyLine, Info, Language, Mark, Role, language};
use crate::python;
use crate::source::Span;

/// Read a cell whose text starts at `start` in the page's source.
pub(super) fn read(page: &mut Page, text: &str, start: usize) {
    let first = text.len() - text.trim_start().len();
    if let Some(magic) = text[first..].strip_prefix("%%") {
        let (line, rest) = magic.split_once('\n').unwrap_or((magic, ""));
        cell_magic(page, line.trim(), rest, start + text.len() - rest.len(), Span::new(start, start + text.len()));
        return;
    }
    python(page, text, start);
}

/// A cell whose first line says what the notebook does with the others.
fn cell_magic(page: &mut Page, line: &str, rest: &str, start: usize, whole: Span) {
    let (name, arguments) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let first_argument = arguments.split_whitespace().find(|argument| !argument.starts_with('-')).unwrap_or("");
    match name {
        "time" | "timeit" | "capture" | "prun" | "python" | "python3" | "memit" => python(page, rest, start),
        "bash" | "sh" | "!" | "sx" | "system" => add(page, body(rest, start), Language::Shell, None, Info::default()),
        "script" if matches!(first_argument, "bash" | "sh") => add(page, body(rest, start), Language::Shell, None, Info::default()),
        "writefile" | "file" => {
            let mut info = Info::default();
            info.attributes.insert("title".to_owned(), first_argument.to_owned());
            info.words.extend(arguments.split_whitespace().any(|argument| argument == "-a" || argument == "--append").then(|| "append".to_owned()));
            let ending = first_argument.rsplit_once('.').map(|(_, ending)| ending);
            let language = language::resolve(ending, rest);
            add(page, body(rest, start), language, None, info);
        }
        _ => {
            let word = if name == "js" || name == "javascript" { "js" } else { name };
            let language = language::from_word(word).filter(|language| !matches!(language, Language::Other(_))).unwrap_or(Language::Text);
            let code = if rest.trim().is_empty() { Body { lines: vec![BodyLine { text: format!("%%{line}"), span: whole }] } } else { body(rest, start) };
            add(page, code, language, Some(Role::Foreign(format!("`%%{name}` is the notebook's own"))), Info::default());
        }
    }
}

/// What a line of a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Python,
    Shell,
    /// Left out of the code.
    Left,
}

/// Python with IPython's commands in it.
fn python(page: &mut Page, text: &str, start: usize) {
    let commands = python::escapes(text);
    if commands.is_empty() {
        add(page, body(text, start), Language::Python, None, Info::default());
        return;
    }
    let (mut run, mut left): (Vec<(Part, BodyLine)>, Vec<BodyLine>) = (Vec::new(), Vec::new());
    let mut at = 0;
    for raw in text.split_inclusive('\n') {
        let line = BodyLine { text: raw.trim_end_matches('\n').to_owned(), span: Span::new(start + at, start + at + raw.trim_end_matches('\n').len()) };
        match part(text, at, &line, &commands) {
            (Part::Left, _) => left.push(line),
            (part, text) => run.push((part, BodyLine { text, span: line.span })),
        }
        at += raw.len();
    }
    let is_code = |line: &BodyLine| !line.text.trim().is_empty() && !line.text.trim_start().starts_with('#');
    if !run.iter().any(|(_, line)| is_code(line)) {
        let name = left.first().map(|line| line.text.trim().split([' ', '\n']).next().unwrap_or("").to_owned()).unwrap_or_default();
        add(page, Body { lines: left }, Language::Text, Some(Role::Foreign(format!("`{name}` is the notebook's own"))), Info::default());
        return;
    }
    for (part, lines) in pieces(run) {
        let language = if part == Part::Shell { Language::Shell } else { Language::Python };
        add(page, Body { lines }, language, None, Info::default());
    }
}

/// What a line is, and its text as Python or as the shell reads it.
fn part(text: &str, at: usize, line: &BodyLine, commands: &[Span]) -> (Part, String) {
    let end = at + line.text.len();
    let Some(command) = commands.iter().find(|command| command.start <= end && command.end > at) else { return (Part::Python, line.text.clone()) };
    let before = &text[at.min(command.start)..command.start];
    let continues = command.start < at;
    let written = &text[command.start..command.end];
    if !continues && !before.trim().is_empty() {
        // `files = !ls`: what the name then holds, only a notebook can say.
        return (Part::Left, String::new());
    }
    let is_inner = !continues && !before.is_empty();
    match shell(written).filter(|_| !is_inner) {
        Some(_) if continues => (Part::Shell, line.text.clone()),
        Some(shown) => (Part::Shell, shown.split('\n').next().unwrap_or("").to_owned()),
        None if continues && timed(written).is_some() => (Part::Python, line.text.clone()),
        None if continues => (Part::Left, String::new()),
        None => match timed(written) {
            Some(statement) => (Part::Python, format!("{before}{}", statement.split('\n').next().unwrap_or(""))),
            // A block of Python may hold nothing but the command, and must not be empty.
            None if is_inner => (Part::Python, format!("{before}pass")),
            None => (Part::Left, String::new()),
        },
    }
}

/// A command as a shell reads it, if it is one for the shell.
fn shell(command: &str) -> Option<String> {
    if let Some(command) = command.strip_prefix("!!").or_else(|| command.strip_prefix('!')) {
        return Some(command.trim_start().to_owned());
    }
    let magic = command.strip_prefix('%')?;
    let (name, arguments) = magic.split_once(char::is_whitespace).unwrap_or((magic, ""));
    match name {
        "pip" | "conda" | "mamba" | "uv" | "cd" | "mkdir" | "cp" | "mv" | "rm" | "ls" | "cat" => Some(magic.to_owned()),
        "sx" | "system" => Some(arguments.to_owned()),
        "env" | "set_env" if arguments.contains('=') => Some(format!("export {arguments}")),
        _ => None,
    }
}

/// The statement that a magic only measures.
fn timed(command: &str) -> Option<&str> {
    let (name, statement) = command.strip_prefix('%')?.split_once(char::is_whitespace)?;
    let statement = statement.trim();
    (matches!(name, "time" | "timeit" | "prun" | "memit") && !statement.starts_with('-')).then_some(statement)
}

/// Runs of lines of one kind. Comments between commands go with them, so that no block is only a comment.
fn pieces(lines: Vec<(Part, BodyLine)>) -> Vec<(Part, Vec<BodyLine>)> {
    let is_code = |line: &BodyLine| !line.text.trim().is_empty() && !line.text.trim_start().starts_with('#');
    let mut pieces: Vec<(Part, Vec<BodyLine>)> = Vec::new();
    for (part, line) in lines {
        match pieces.last_mut() {
            Some((last, lines)) if *last == part || !is_code(&line) => lines.push(line),
            Some((last, lines)) if !lines.iter().any(is_code) => {
                *last = part;
                lines.push(line);
            }
            _ => pieces.push((part, vec![line])),
        }
    }
    for (_, lines) in &mut pieces {
        let end = lines.iter().rposition(|line| !line.text.trim().is_empty()).map_or(0, |last| last + 1);
        lines.truncate(end);
        let first = lines.iter().position(|line| !line.text.trim().is_empty()).unwrap_or(0);
        lines.drain(..first);
    }
    pieces
}

fn add(page: &mut Page, body: Body, language: Language, role: Option<Role>, info: Info) {
    let role = role.unwrap_or_else(|| language::role(&language, &body.text()));
    page.block(body, language, role, Mark::Cell, info);
}
