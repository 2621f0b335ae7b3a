//! The page of a pending snapshot, opened in the user's own editor at the block in question. It starts that program and waits for it, and touches nothing itself.

use std::io;
use std::path::Path;
use std::process::Command;

use crate::snapshot::store::Pending;

/// Editors that take a line as `+12`.
const PLUS: &[&str] = &["vi", "vim", "nvim", "view", "nano", "pico", "emacs", "emacsclient", "micro", "kak", "joe", "jed", "ne", "mcedit", "gedit", "kate"];
/// Editors that take it behind the path.
const COLON: &[&str] = &["hx", "helix", "subl", "zed", "zeditor"];
/// Editors that take it behind the path of a flag.
const GOTO: &[&str] = &["code", "codium", "code-insiders", "cursor", "windsurf"];

/// Open the page of a pending snapshot, and wait until the user is done. What there is to say then.
pub(super) fn open(pending: &Pending) -> String {
    let named = ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()));
    let Some(editor) = named else { return "no editor is known: say which with the variable EDITOR".to_owned() };
    let metadata = &pending.fresh.metadata;
    let Some(page) = metadata.source.as_deref().filter(|page| Path::new(page).is_file()) else {
        return format!("the page is not here: {}", metadata.source.as_deref().unwrap_or("its snapshot names none"));
    };
    match run(&editor, &arguments(&editor, page, metadata.assertion_line)) {
        Ok(true) => "what it prints now, the next `proctor check` shows".to_owned(),
        Ok(false) => format!("{editor} ended with an error"),
        Err(error) => format!("{editor} cannot be started: {error}"),
    }
}

/// An editor is a command line, as everywhere: `code --wait`.
fn run(editor: &str, arguments: &[String]) -> io::Result<bool> {
    let line = format!("{editor} \"$@\"");
    Ok(Command::new("sh").args(["-c", &line, "sh"]).args(arguments).status()?.success())
}

/// How an editor is told the page and the line.
fn arguments(editor: &str, page: &str, line: Option<u32>) -> Vec<String> {
    let program = editor.split_whitespace().next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    // A page may be called `-x.md`.
    let page = if page.starts_with('-') { format!("./{page}") } else { page.to_owned() };
    match line {
        Some(line) if PLUS.contains(&program) => vec![format!("+{line}"), page],
        Some(line) if COLON.contains(&program) => vec![format!("{page}:{line}")],
        Some(line) if GOTO.contains(&program) => vec!["--goto".to_owned(), format!("{page}:{line}")],
        _ => vec![page],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_editor_is_told_the_line_in_its_own_way() {
        let told = |editor: &str| arguments(editor, "a b.md", Some(12)).join(" | ");
        assert_eq!(told("/usr/bin/vim -n"), "+12 | a b.md");
        assert_eq!(told("hx"), "a b.md:12");
        assert_eq!(told("code --wait"), "--goto | a b.md:12");
        assert_eq!(told("ed"), "a b.md");
        assert_eq!(arguments("vi", "-x.md", None), ["./-x.md"]);
    }
}
