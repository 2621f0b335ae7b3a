//! Which file a block is: from its info string, its directive, its first line, or the prose before it. Pure text; it opens nothing.

use std::collections::BTreeSet;

use crate::guide::{Block, Language, Lesson, Prose, ProseKind, Role};
use crate::python::MentionKind;

/// A file name, or why what looks like one cannot be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileName {
    /// A path in the lab, with forward slashes.
    Path(String),
    /// A path that leaves the lab, as written.
    Unsafe(String),
}

/// The file that a block says it is.
pub(crate) fn file_name(lesson: &Lesson, block: &Block) -> Option<FileName> {
    let said = block.directive("title").and_then(|directive| directive.attributes.get("name"));
    let info = ["title", "file", "filename"].iter().find_map(|key| block.info.attributes.get(*key));
    let caption = block.info.attributes.get("caption").map(|caption| inside(caption.trim().trim_matches('`')));
    if let Some(name) = said.or_else(|| info.filter(|name| looks_like_path(&name.trim().replace(is_no_letter, "x")))) {
        return Some(checked(name.trim()));
    }
    if let Some(name) = caption.filter(|name| looks_like_path(name)) {
        return Some(checked(&name));
    }
    if matches!(block.role, Role::Console | Role::Shell | Role::Output) {
        return None;
    }
    from_comment(block).or_else(|| from_prose(lesson, block)).filter(|name| fits(name, &block.language)).map(|name| checked(&name))
}

/// The path of a template by the name that code asks for it.
pub(crate) fn template_path(name: &str) -> String {
    format!("templates/{name}")
}

/// Templates that Python code asks for, by name.
pub(crate) fn templates<'a>(statements: impl IntoIterator<Item = &'a crate::python::Statement>) -> BTreeSet<String> {
    statements.into_iter().flat_map(|statement| statement.mentioned(MentionKind::Template).map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// What no file's name has; a reader of Markdown puts U+FFFD in the place of NUL.
fn is_no_letter(letter: char) -> bool {
    letter.is_control() || letter == char::REPLACEMENT_CHARACTER
}

/// A path made safe: a leading slash is the lab's root, `.` parts go, `..` parts make it unsafe.
fn checked(written: &str) -> FileName {
    let name = written.replace('\\', "/");
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let safe = !parts.is_empty() && parts.iter().all(|part| *part != ".." && !part.contains(is_no_letter) && !part.contains(':') && part.len() < 200);
    if safe { FileName::Path(parts.join("/")) } else { FileName::Unsafe(written.to_owned()) }
}

/// A first line that is a comment with nothing but a path in it.
fn from_comment(block: &Block) -> Option<String> {
    let line = block.body.lines.iter().map(|line| line.text.trim()).find(|line| !line.is_empty())?;
    let inner = [("<!--", "-->"), ("{#", "#}"), ("/*", "*/"), ("#", ""), ("//", ""), ("--", ""), (";", "")]
        .iter()
        .find_map(|(open, close)| line.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)))?;
    let inner = inner.trim().trim_end_matches(':');
    let inner = ["file:", "filename:", "File:", "Filename:", "in "].iter().find_map(|word| inner.strip_prefix(word)).unwrap_or(inner).trim();
    looks_like_path(inner).then(|| inner.to_owned())
}

/// A path in the heading, caption or paragraph before the block.
fn from_prose(lesson: &Lesson, block: &Block) -> Option<String> {
    let start = block.span().start;
    let previous_block = lesson.blocks.iter().map(Block::span).filter(|span| span.end <= start && span.start < start).map(|span| span.end).max().unwrap_or(0);
    let before = lesson.prose.iter().filter(|prose| prose.span.start < start && prose.span.start >= previous_block).max_by_key(|prose| prose.span.start)?;
    let mut paths = paths_in(before);
    // What the block itself asks for by name, or the page says to be imported from, is another file: what this one builds on.
    let body = block.body.text();
    let is_asked = |path: &str| ['"', '\''].iter().any(|quote| body.contains(&format!("{quote}{path}{quote}")));
    paths.retain(|path| !is_asked(path) && !is_imported_from(&before.text, path));
    let found = match before.kind {
        ProseKind::Caption => {
            let text = before.text.trim().trim_end_matches(':').trim();
            if looks_like_path(text) { Some(text.to_owned()) } else { paths.first().cloned() }
        }
        ProseKind::Heading(_) => paths.iter().find(|path| bare_end(&before.text).ends_with(path.as_str())).cloned(),
        ProseKind::Paragraph => from_paragraph(before, &paths, &block.language),
    };
    found.map(|path| inside(&path))
}

/// Whether prose says that something is imported from a file.
fn is_imported_from(text: &str, path: &str) -> bool {
    let before = text.split(path).next().unwrap_or_default();
    let sentence = before.rsplit_once(". ").map_or(before, |(_, last)| last);
    sentence.rsplit_once(" from ").is_some_and(|(verb, rest)| rest.split_whitespace().count() < 5 && verb.contains("import"))
}

/// Every path in a piece of prose: what stands in code font, and words that can be nothing else.
fn paths_in(prose: &Prose) -> Vec<String> {
    let code = prose.code.iter().map(|code| code.trim());
    let words = prose.text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && !"_./".contains(c)).trim_end_matches(['.', '/']));
    let mut found: Vec<String> = Vec::new();
    for word in code.chain(words).filter(|word| looks_like_path(word)) {
        if !found.iter().any(|known| known == word) {
            found.push(word.to_owned());
        }
    }
    found
}

/// A path that prose names is one for the reader's project: steps that lead out of the page's own folder are not part of it.
fn inside(path: &str) -> String {
    let mut rest = path;
    while let Some(shorter) = rest.strip_prefix("../").or_else(|| rest.strip_prefix("./")) {
        rest = shorter;
    }
    rest.to_owned()
}

/// The text without the marks that may close it.
fn bare_end(text: &str) -> &str {
    let text = text.trim().trim_end_matches([':', '.', ',', ';']).trim_end();
    text.trim_end_matches(['`', '"', '\'', '*', ')', '¶'])
}

/// A paragraph names the file if a path ends it ("Create `templates/index.html`:"), or if its last sentence leads to the block and has one fitting path.
fn from_paragraph(prose: &Prose, paths: &[String], language: &Language) -> Option<String> {
    let text = bare_end(&prose.text);
    if let Some(path) = paths.iter().filter(|path| text.ends_with(path.as_str())).max_by_key(|path| path.len()) {
        return Some(path.clone());
    }
    if !prose.text.trim_end().ends_with(':') {
        return None;
    }
    let sentence = prose.text.trim_end().rsplit_once(". ").map_or(prose.text.as_str(), |(_, last)| last);
    let fitting = |text: &str| {
        let mut found: Vec<&String> = paths.iter().filter(|path| text.contains(path.as_str()) && fits(path, language)).collect();
        // The bare name of a longer path is the same file.
        found.sort_by_key(|path| std::cmp::Reverse(path.len()));
        let longest: Vec<&String> =
            found.iter().enumerate().filter(|(at, path)| !found[..*at].iter().any(|longer| longer.ends_with(path.as_str()))).map(|(_, path)| *path).collect();
        (longest.len() == 1).then(|| longest[0].clone())
    };
    let speaks_of_a_file = || {
        let lower = prose.text.to_ascii_lowercase();
        ["create ", "add ", "save ", "edit ", "update ", "open ", "put ", "file", "called ", "named ", "replace ", "modify ", "change "]
            .iter()
            .any(|word| lower.contains(word))
    };
    fitting(sentence).or_else(|| fitting(&prose.text).filter(|_| speaks_of_a_file()))
}

/// Whether a word looks like a relative file path: no spaces, and an ending that a course's file has.
pub(crate) fn looks_like_path(word: &str) -> bool {
    let known = [
        "py", "html", "htm", "css", "js", "sql", "json", "yaml", "yml", "toml", "ini", "cfg", "txt", "env", "sh", "md", "j2", "jinja", "jinja2", "xml", "csv",
        "po", "pot", "mako", "conf",
    ];
    let bare = ["Procfile", "Dockerfile", "Makefile", ".flaskenv", ".env", ".gitignore", "requirements.txt"];
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let plain = !word.is_empty() && word.len() < 200 && !word.contains("://") && word.chars().all(|c| c.is_alphanumeric() || "_-./\\@".contains(c));
    plain && (bare.contains(&name) || name.rsplit_once('.').is_some_and(|(stem, ending)| !stem.is_empty() && known.contains(&ending)))
}

/// Whether a file of that name can hold that language.
fn fits(name: &str, language: &Language) -> bool {
    let ending = name.rsplit('.').next().unwrap_or_default();
    match language {
        Language::Python => ending == "py",
        Language::Html | Language::Jinja => ["html", "htm", "j2", "jinja", "jinja2", "txt", "xml", "mako"].contains(&ending),
        Language::Css => ending == "css",
        Language::JavaScript => ending == "js",
        Language::Sql => ending == "sql",
        Language::Json => ending == "json",
        Language::Yaml => ["yml", "yaml"].contains(&ending),
        Language::Toml => ending == "toml",
        _ => ending != "py",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_the_lab() {
        assert_eq!(checked("/templates/./a.html"), FileName::Path("templates/a.html".into()));
        assert_eq!(checked("../a.py"), FileName::Unsafe("../a.py".into()));
        assert_eq!(checked("a/../../b.py"), FileName::Unsafe("a/../../b.py".into()));
        assert_eq!(checked("a\0.py"), FileName::Unsafe("a\0.py".into()));
    }

    #[test]
    fn a_file_that_something_is_imported_from_is_another_one() {
        assert!(is_imported_from("It has a list. The function was imported from the file named prices.py.", "prices.py"));
        assert!(is_imported_from("We import it from `prices.py`:", "prices.py"));
        for text in ["Here is the code from prices.py:", "Import nothing yet. Put this in prices.py:", "Save it as prices.py and import from it:"] {
            assert!(!is_imported_from(text, "prices.py"), "{text}");
        }
    }

    #[test]
    fn a_path_is_told_from_a_word() {
        for path in ["app.py", "templates/index.html", "Procfile", "/flaskr/schema.sql", ".flaskenv"] {
            assert!(looks_like_path(path), "{path}");
        }
        for word in ["app.run", "Flask", "http://a/b.html", "flask.Flask", "a b.py", ".py"] {
            assert!(!looks_like_path(word), "{word}");
        }
    }
}
