//! Sessions and commands: what a console shows, with prompts or without. Part of `Source --guide::parse--> Guide`.
//!
//! A prompt is beyond doubt, so a session takes all that stands attached to it. A command without a prompt must look like nothing but one:
//! a line that a sentence could be is left to the prose.

use super::lines::{Lines, Run};
use crate::guide::{Language, language};

/// The session that starts at line `first`, if a prompt stands there, with the comments above it.
pub(super) fn session(lines: &Lines, first: usize, limit: usize) -> Option<Run> {
    let opening = (first..limit).find(|&line| !lines.get(line).trim_start().starts_with("# ")).unwrap_or(limit);
    let language = prompt(lines.get(opening))?;
    let mut end = lines.paragraph_end(first, limit);
    loop {
        let next = lines.written(end, limit);
        if next >= limit || lines.closes(end, next) || prompt(lines.get(next)) != Some(language.clone()) {
            break;
        }
        end = lines.paragraph_end(next, limit);
    }
    Some(Run { first, end, language })
}

/// The language whose prompt a line starts with.
fn prompt(line: &str) -> Option<Language> {
    let line = line.trim_start();
    if line.starts_with(">>> ") || line.trim_end() == ">>>" || line.starts_with("In [") && line.contains("]: ") {
        return Some(Language::PythonConsole);
    }
    let bare = line.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(line, |(_, rest)| rest.trim_start());
    if is_windows_prompt(bare) {
        return Some(Language::WindowsShell);
    }
    let (place, command) = bare.split_once("$ ")?;
    let is_place = place.is_empty() || !place.contains(' ') && (place.contains('@') || place.starts_with(['~', '/']) && !place.contains('$'));
    let is_command = command.trim_start().starts_with(|c: char| c.is_alphabetic() || matches!(c, '.' | '/' | '~' | '_'));
    (is_place && is_command).then_some(Language::Shell)
}

/// `C:\Users\me> dir`, `PS C:\> ls`.
fn is_windows_prompt(line: &str) -> bool {
    let path = line.strip_prefix("PS").map_or(line, str::trim_start);
    let is_drive = path.starts_with(|c: char| c.is_ascii_uppercase()) && path[1..].starts_with(":\\") && path.contains('>');
    is_drive || line.starts_with("PS> ")
}

/// The shell commands without prompts that start at line `first`. `announced` says that the prose before them ends with a colon.
pub(super) fn commands(lines: &Lines, first: usize, limit: usize, announced: bool) -> Option<Run> {
    let mut end = first;
    let mut at = first;
    let mut windows = false;
    while at < limit {
        let line = lines.get(at).trim();
        let comment = line.starts_with("# ") && at + 1 < limit && !lines.is_blank(at + 1);
        if comment {
            at += 1;
            continue;
        }
        // A lone word is a command among commands, or where a colon announces it.
        if !is_command_line(line, end > first && lines.is_attached(at, first) || announced) {
            break;
        }
        windows |= is_windows(line);
        while at + 1 < limit && lines.get(at).trim_end().ends_with('\\') {
            at += 1;
        }
        end = at + 1;
        at = lines.written(end, limit);
        if lines.closes(end, at) {
            break;
        }
    }
    (end > first).then_some(Run { first, end, language: if windows { Language::WindowsShell } else { Language::Shell } })
}

/// Whether a line is a command and no sentence. `vouched` says that what stands around it makes a command likely.
fn is_command_line(line: &str, vouched: bool) -> bool {
    if line.ends_with(['.', ':', '?', '!', ',', ';', ')']) && !line.ends_with(" .") && !line.contains(['"', '\'', '$']) || line.contains(['`', '“', '’']) {
        return false;
    }
    let words: Vec<&str> = line.split_whitespace().skip_while(|word| is_setting(word)).collect();
    let words = if words.first() == Some(&"sudo") { &words[1..] } else { &words[..] };
    let Some((word, rest)) = words.split_first() else { return false };
    if *word == "." {
        return rest.len() == 1 && rest[0].contains('/');
    }
    let windows = is_windows(line);
    if !windows && !language::is_command(&versionless(word)) {
        return false;
    }
    let has_marks = rest
        .iter()
        .any(|word| word.starts_with('-') && word.len() > 1 || word.contains(['/', '.', '=', '|', '>', '$', '&', '"', '\'', '~', '_', '*', '@', ':']));
    if rest.iter().any(|word| is_english(word)) && !line.contains(['"', '\'', '|', '&', '=']) {
        return false;
    }
    match rest {
        [] => vouched,
        _ if has_marks || windows => true,
        [sub, ..] if is_subcommand(sub) => true,
        // A command that is an English word as well.
        [_] if matches!(*word, "source" | "touch" | "which" | "make" | "service" | "export" | "kill" | "http" | "tree" | "node" | "snap" | "exit" | "cat") => {
            vouched
        }
        [_] => true,
        _ => vouched && rest.len() < 6,
    }
}

/// The small words that no English sentence does without, and no command has.
fn is_english(word: &str) -> bool {
    matches!(
        word,
        "is" | "are"
            | "was"
            | "were"
            | "has"
            | "have"
            | "can"
            | "will"
            | "does"
            | "the"
            | "a"
            | "an"
            | "and"
            | "or"
            | "to"
            | "that"
            | "this"
            | "it"
            | "you"
            | "your"
            | "of"
            | "with"
            | "in"
    )
}

/// What follows the name of a command that has commands of its own.
fn is_subcommand(word: &str) -> bool {
    matches!(
        word,
        "add"
            | "apply"
            | "apps:create"
            | "build"
            | "checkout"
            | "clone"
            | "commit"
            | "compose"
            | "config"
            | "create"
            | "db"
            | "deploy"
            | "downgrade"
            | "enable"
            | "exec"
            | "freeze"
            | "init"
            | "install"
            | "list"
            | "login"
            | "migrate"
            | "open"
            | "pull"
            | "push"
            | "restart"
            | "revision"
            | "routes"
            | "run"
            | "shell"
            | "show"
            | "start"
            | "status"
            | "stop"
            | "sync"
            | "test"
            | "uninstall"
            | "up"
            | "update"
            | "upgrade"
            | "version"
    ) || super::super::language::is_command(word)
}

/// Whether a line is a command of cmd.exe or PowerShell.
fn is_windows(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or("");
    let is_verb = || ["Get-", "Set-", "New-", "Remove-", "Invoke-", "Start-"].iter().any(|verb| word.starts_with(verb));
    let names_windows =
        || word.starts_with("$env:") || word.starts_with("$Env:") || word.contains('\\') || matches!(word, "py" | "set" | "dir" | "copy" | "del");
    (is_verb() || names_windows()) && language::guess(line) == Language::WindowsShell
}

/// `FLASK_APP=app.py` before a command.
fn is_setting(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
}

/// `python3.12` as `python3`.
fn versionless(word: &str) -> String {
    let word = word.rsplit(['/', '\\']).next().unwrap_or(word);
    word.split_once('.').filter(|(_, minor)| minor.chars().all(|c| c.is_ascii_digit())).map_or(word, |(name, _)| name).to_owned()
}
