//! The inline markup of reStructuredText: text with roles, links and stars in, text as a reader sees it out. Never fails: what is no markup is text.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// The roles whose text stands in code font.
const CODE_ROLES: &[&str] = &[
    "attr", "class", "code", "command", "const", "data", "envvar", "exc", "file", "func", "kbd", "literal", "meth", "mod", "obj", "option", "paramref",
    "program", "regexp", "samp", "var",
];

/// The roles whose target is a page or a file.
const LINK_ROLES: &[&str] = &["doc", "download", "ref", "any", "numref"];

static MARKUP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?s)``(?<literal>.+?)``",
        r"|:(?<role>[A-Za-z][\w.+:-]*):`(?<content>[^`]+)`",
        r"|`(?<quoted>[^`]+)`(?<reference>__?)?",
        r"|\*\*(?<strong>[^\s*](?:[^*]*[^\s*])?)\*\*",
        r"|\*(?<emphasis>[^\s*](?:[^*]*[^\s*])?)\*",
        r"|\\(?<escaped>.)",
        r"|(?<url>https?://[^\s<>`*]*[^\s<>`*.,;:!?)'\x22])",
    ))
    .ok()
});

/// A text without its markup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Inline {
    /// The text, white space folded.
    pub(super) text: String,
    /// What stands in code font.
    pub(super) code: Vec<String>,
    /// The targets of links.
    pub(super) links: Vec<String>,
}

impl Inline {
    /// Read a piece of prose.
    pub(super) fn of(text: &str) -> Self {
        let mut inline = Self::default();
        let mut plain = String::with_capacity(text.len());
        let mut last = 0;
        for found in MARKUP.iter().flat_map(|markup| markup.captures_iter(text)) {
            let Some(whole) = found.get(0) else { continue };
            plain.push_str(&text[last..whole.start()]);
            plain.push_str(&inline.mark(&found));
            last = whole.end();
        }
        plain.push_str(&text[last..]);
        inline.text = fold(&plain);
        inline
    }

    /// Note what one piece of markup says, and give what a reader sees of it.
    fn mark(&mut self, found: &Captures<'_>) -> String {
        let part = |name| found.name(name).map(|part| part.as_str());
        if let Some(literal) = part("literal") {
            self.code.push(fold(literal));
            return literal.to_owned();
        }
        if let (Some(role), Some(content)) = (part("role"), part("content")) {
            return self.role(role, content);
        }
        if let Some(quoted) = part("quoted") {
            let (title, target) = title_and_target(quoted);
            if let Some(target) = target {
                self.links.push(target.to_owned());
            } else if part("reference").is_none() && !title.contains(char::is_whitespace) {
                // The default role is no code font in docutils, but those who write it mean it so.
                self.code.push(title.to_owned());
            }
            return title.to_owned();
        }
        if let Some(url) = part("url") {
            self.links.push(url.to_owned());
            return url.to_owned();
        }
        // An escaped blank only separates markup from what follows it.
        let text = part("strong").or(part("emphasis")).or(part("escaped").map(str::trim));
        unescaped(text.unwrap_or(""))
    }

    fn role(&mut self, role: &str, content: &str) -> String {
        let (title, target) = title_and_target(content);
        let name = role.rsplit(':').next().unwrap_or(role);
        let mut shown = title.trim_start_matches('!').to_owned();
        if target.is_none()
            && let Some(short) = shown.strip_prefix('~')
        {
            shown = short.rsplit('.').next().unwrap_or(short).to_owned();
        }
        if CODE_ROLES.contains(&name) {
            if matches!(name, "file" | "samp") {
                shown.retain(|letter| !matches!(letter, '{' | '}'));
            }
            self.code.push(fold(&shown));
        }
        if LINK_ROLES.contains(&name) {
            self.links.push(target.unwrap_or(title).to_owned());
        }
        shown
    }
}

/// The text of emphasis without the backslashes that keep its letters from being markup.
fn unescaped(text: &str) -> String {
    let mut letters = text.chars();
    std::iter::from_fn(|| letters.next().and_then(|letter| if letter == '\\' { letters.next() } else { Some(letter) })).collect()
}

/// `title <target>` taken apart.
fn title_and_target(text: &str) -> (&str, Option<&str>) {
    match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((title, target)) if title.trim().is_empty() => (target, Some(target)),
        Some((title, target)) => (title.trim_end(), Some(target)),
        None => (text, None),
    }
}

/// The text with every run of white space as one blank.
fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_links_and_stars_become_what_a_reader_sees() {
        let inline =
            Inline::of("The :class:`~flask.Flask` in :file:`{name}/app.py` and ``x = 1``,\n*so* **it** is: `here <http://a.example/b>`_ or :doc:`/cli`.");
        assert_eq!(inline.text, "The Flask in name/app.py and x = 1, so it is: here or /cli.");
        assert_eq!(inline.code, ["Flask", "name/app.py", "x = 1"]);
        assert_eq!(inline.links, ["http://a.example/b", "/cli"]);
    }

    #[test]
    fn a_role_with_a_title_shows_the_title() {
        let inline = Inline::of(":ref:`the tutorial <tutorial>` :py:func:`!run` \\*not\\* https://a.example/x.");
        assert_eq!(inline.text, "the tutorial run *not* https://a.example/x.");
        assert_eq!(inline.links, ["tutorial", "https://a.example/x"]);
    }

    #[test]
    fn letters_of_emphasis_may_be_escaped() {
        assert_eq!(Inline::of("In *app/\\_\\_init\\_\\_.py*.").text, "In app/__init__.py.");
    }

    #[test]
    fn markup_that_never_ends_is_text() {
        assert_eq!(Inline::of("a ``b *c **d \\").text, "a ``b *c **d \\");
    }
}
