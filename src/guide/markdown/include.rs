//! Code that stands elsewhere: mdBook's `{{#include}}`, which is read where it may be, and Liquid's `{% include %}`, which cannot be.
//!
//! It never reads a file outside the guide's folder, never anything but a plain file, and never more than [`CAP`] bytes.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use crate::guide::BodyLine;

/// Where a page lies and how far its includes may reach.
#[derive(Debug, Clone, Copy)]
pub struct Folder<'a> {
    /// The folder of the page itself.
    pub page: &'a Path,
    /// The guide's root.
    pub root: &'a Path,
}

/// The largest file that an include may name, in bytes.
const CAP: u64 = 4 * 1024 * 1024;

static MDBOOK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(\s*)\{\{\s*#(?:rustdoc_include|include|playground)\s+([^:}\s]+)(?::([^}\s]*))?[^}]*\}\}\s*$").expect("the pattern is a constant")
});
static ESCAPED: &str = "\\{{#";
static LIQUID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*\{%-?\s*(?:include|include_cached|include_relative|render|remote_include|code_snippet)\s+(\S.*?)\s*-?%\}\s*$")
        .expect("the pattern is a constant")
});

/// What Liquid includes on this line, if it stands there alone. With `templates`, a quoted name is a template's own include and is left alone.
pub(super) fn liquid(line: &str, templates: bool) -> Option<&str> {
    let name = LIQUID.captures(line)?.get(1)?.as_str();
    (!templates || !name.starts_with(['"', '\'', '['])).then_some(name)
}

/// The names in a piece of prose that Liquid or mdBook would include.
pub(super) fn named(prose: &str) -> Option<&str> {
    liquid(prose, false).or_else(|| MDBOOK.captures(prose).and_then(|found| found.get(2)).map(|name| name.as_str()))
}

/// Put the included files' lines in the place of mdBook's directives; each stands at its directive. An error says what cannot be read and why.
pub(super) fn resolve(lines: Vec<BodyLine>, folder: Option<&Folder<'_>>) -> Result<Vec<BodyLine>, (Vec<BodyLine>, String)> {
    if !lines.iter().any(|line| MDBOOK.is_match(&line.text)) {
        return Ok(lines);
    }
    let mut resolved = Vec::with_capacity(lines.len());
    for line in &lines {
        let Some(found) = MDBOOK.captures(&line.text).filter(|_| !line.text.contains(ESCAPED)) else {
            resolved.push(line.clone());
            continue;
        };
        let (indent, name, part) = (&found[1], &found[2], found.get(3).map_or("", |part| part.as_str()));
        match read(name, folder) {
            Ok(text) => resolved.extend(chosen(&text, part).into_iter().map(|text| BodyLine { text: format!("{indent}{text}"), span: line.span })),
            Err(reason) => return Err((lines.clone(), format!("its code is included from `{name}`, which {reason}"))),
        }
    }
    Ok(resolved)
}

/// The text of an included file.
fn read(name: &str, folder: Option<&Folder<'_>>) -> Result<String, &'static str> {
    let folder = folder.ok_or("is not at hand")?;
    let missing = |_| "does not exist";
    let path: PathBuf = folder.page.join(name).canonicalize().map_err(missing)?;
    let root = folder.root.canonicalize().map_err(missing)?;
    if !path.starts_with(&root) {
        return Err("lies outside the guide");
    }
    let about = path.metadata().map_err(missing)?;
    if !about.is_file() {
        return Err("is not a file");
    }
    if about.len() > CAP {
        return Err("is too large");
    }
    let bytes = std::fs::read(&path).map_err(|_| "cannot be read")?;
    Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))
}

/// The lines of `text` that `part` means: all, `5`, `1:5`, `1:`, `:5`, or those between an anchor's marks. Marks of anchors are never code.
fn chosen<'t>(text: &'t str, part: &str) -> Vec<&'t str> {
    let is_mark = |line: &str| line.contains("ANCHOR:") || line.contains("ANCHOR_END:");
    let lines: Vec<&str> = text.lines().collect();
    let number = |text: &str, default: usize| if text.is_empty() { Some(default) } else { text.parse::<usize>().ok() };
    let range = match part.split_once(':') {
        None if part.is_empty() => Some((1, lines.len())),
        None => part.parse().ok().map(|line| (line, line)),
        Some((from, to)) => number(from, 1).zip(number(to, lines.len())),
    };
    if let Some((from, to)) = range {
        let (from, to) = (from.clamp(1, lines.len() + 1), to.min(lines.len()));
        return lines.get(from - 1..to.max(from - 1)).unwrap_or_default().iter().copied().filter(|line| !is_mark(line)).collect();
    }
    let is_named = |line: &str, mark: &str| line.split_once(mark).is_some_and(|(_, name)| name.split_whitespace().next() == Some(part));
    let from = lines.iter().position(|line| is_named(line, "ANCHOR:")).map_or(lines.len(), |at| at + 1);
    let anchored = lines.iter().skip(from).copied().take_while(|line| !is_named(line, "ANCHOR_END:"));
    anchored.filter(|line| !is_mark(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    const TEXT: &str = "a\n# ANCHOR: x\nb\n# ANCHOR_END: x\nc\n";

    #[test]
    fn parts_of_files_are_lines_or_anchors() {
        assert_eq!(chosen(TEXT, ""), ["a", "b", "c"]);
        assert_eq!(chosen(TEXT, "5"), ["c"]);
        assert_eq!(chosen(TEXT, "1:3"), ["a", "b"]);
        assert_eq!(chosen(TEXT, ":1"), ["a"]);
        assert_eq!(chosen(TEXT, "4:"), ["c"]);
        assert_eq!(chosen(TEXT, "x"), ["b"]);
        assert_eq!(chosen(TEXT, "y"), Vec::<&str>::new());
        assert_eq!(chosen(TEXT, "9:3"), Vec::<&str>::new());
    }

    #[test]
    fn an_include_without_a_folder_says_so() {
        let line = BodyLine { text: "{{#include a.py:1:5}}".to_owned(), span: Span::new(0, 21) };
        let reason = resolve(vec![line], None).err().map(|(_, reason)| reason);
        assert_eq!(reason.as_deref(), Some("its code is included from `a.py`, which is not at hand"));
    }

    #[test]
    fn a_template_may_include_templates() {
        assert_eq!(liquid("  {% include 'nav.html' %}", true), None);
        assert_eq!(liquid("{% include example/app.py %}", true), Some("example/app.py"));
        assert_eq!(liquid("{% include 'nav.html' %}", false), Some("'nav.html'"));
    }
}
