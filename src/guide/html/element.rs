//! What elements and their classes mean: which hide their text, which number lines, which caption code, and which name a language. Tables of names, nothing else.

use super::token::Tag;
use crate::guide::Language;
use crate::guide::language;

/// What a reader of a page does with an element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Element {
    /// Its name.
    pub(super) name: String,
    /// Whether no reader sees what is in it, code included.
    pub(super) dead: bool,
    /// Whether its text is no part of the lesson: navigation and the like.
    pub(super) aside: bool,
    /// Whether it stands in code without being code: the numbers of its lines, a button that copies it.
    pub(super) gutter: bool,
    /// Whether its text stands in code font.
    pub(super) code_font: bool,
    /// Whether its text is the caption of code.
    pub(super) caption: bool,
    /// The words by which it may name a language, the surest first.
    pub(super) words: Vec<String>,
    /// How many blocks the page had when it was opened.
    pub(super) blocks_before: usize,
}

impl Element {
    /// What the tag opens.
    pub(super) fn of(tag: &Tag) -> Self {
        let name = tag.name.as_str();
        let has = |names: &[&str]| tag.classes().any(|class| names.contains(&class));
        Self {
            name: name.to_owned(),
            dead: matches!(name, "script" | "style" | "template" | "title"),
            aside: matches!(name, "nav" | "head" | "footer" | "button" | "select" | "svg" | "iframe" | "object" | "textarea" | "noscript")
                || name == "aside" && !has(ADMONITIONS)
                || matches!(tag.attribute("role"), "navigation" | "search" | "contentinfo" | "banner")
                || has(ASIDES),
            gutter: is_gutter(tag) || name == "button" || has(COPIERS),
            code_font: matches!(name, "code" | "kbd" | "tt" | "samp"),
            caption: name == "figcaption" || has(CAPTIONS),
            words: words(tag),
            blocks_before: 0,
        }
    }
}

/// Boxes of a lesson that stand in an `aside` element.
const ADMONITIONS: &[&str] = &["admonition", "note", "tip", "warning", "callout", "important", "hint"];

/// Classes of what stands beside a lesson, or is a mark for the mouse.
const ASIDES: &[&str] = &[
    "sphinxsidebar",
    "sidebar",
    "breadcrumb",
    "breadcrumbs",
    "related",
    "footer",
    "toc",
    "toctree-wrapper",
    "headerlink",
    "header-anchor",
    "anchor-link",
    "hash-link",
    "heading-anchor",
    "skip-link",
    "screen-reader-text",
    "sr-only",
    "pagination",
];

/// Classes of what copies code with a click, where it is no button.
const COPIERS: &[&str] = &["copybtn", "copy-btn", "copy-button", "btn-copy", "btn-clipboard", "clipboard-copy"];

/// Classes of captions of code. A picture's have others.
const CAPTIONS: &[&str] = &["caption", "code-block-caption", "code-caption", "code-title", "code-filename", "filename", "file-name", "codeblock-title"];

/// Classes of line numbers, by the tools that write them: Pygments, docutils, Rouge, highlight.js, Chroma, Prism.
const GUTTERS: &[&str] = &[
    "linenos",
    "linenodiv",
    "lineno",
    "linenumber",
    "linenumbers",
    "line-number",
    "line-numbers",
    "line-numbers-rows",
    "gutter",
    "rouge-gutter",
    "hljs-ln-numbers",
    "hljs-ln-n",
    "blob-num",
    "lnt",
    "ln",
];

/// Whether an element holds line numbers. Prism's `line-numbers` says of the code itself that it has some.
fn is_gutter(tag: &Tag) -> bool {
    let numbers = tag.classes().any(|class| GUTTERS.contains(&class));
    let holds_code = match tag.name.as_str() {
        "pre" | "code" => tag.classes().any(|class| class == "line-numbers" || class == "linenos" || is_language_class(class)),
        "div" | "figure" | "table" => tag.classes().any(|class| class == "highlight" || is_language_class(class)),
        _ => false,
    };
    numbers && !holds_code
}

/// What stands before a language's name in a class.
const PREFIXES: &[&str] = &["language-", "lang-", "highlight-source-", "highlight-text-", "highlight-", "brush-", "src-"];

fn is_language_class(class: &str) -> bool {
    PREFIXES.iter().any(|prefix| class.starts_with(prefix))
}

/// The words by which a tag may name a language: attributes, classes with a prefix, and for the code itself a class that is a language's name and nothing else.
fn words(tag: &Tag) -> Vec<String> {
    let mut words: Vec<String> = ["data-lang", "data-language"].iter().map(|name| tag.attribute(name).to_owned()).filter(|word| !word.is_empty()).collect();
    let classes: Vec<&str> = tag.classes().flat_map(|class| class.split_inclusive(':')).map(|class| class.trim_end_matches(';')).collect();
    let is_sphinx = classes.contains(&"notranslate");
    let names_one = |class: &&str| {
        let word = PREFIXES.iter().find_map(|prefix| class.strip_prefix(prefix))?;
        // Sphinx and docutils write `highlight-`, and so does whoever wants a box in colour.
        (is_sphinx || !class.starts_with("highlight-") || names_known(word)).then(|| word.to_owned())
    };
    words.extend(classes.iter().filter_map(names_one));
    words.extend(classes.windows(2).filter(|pair| pair[0] == "brush:").map(|pair| pair[1].to_owned()));
    if matches!(tag.name.as_str(), "pre" | "code") || classes.contains(&"sourceCode") {
        // Here `lang` is a programming language only if it is one: a page may also say that its code is in English.
        let plain = classes.iter().copied().chain([tag.attribute("lang")]);
        words.extend(plain.filter(|word| names_known(word)).map(str::to_owned));
    }
    words.retain(|word| language::from_word(word.strip_suffix("+sql").unwrap_or(word)).is_some());
    words
}

/// Whether a word is that of a language that Proctor knows.
fn names_known(word: &str) -> bool {
    let word = word.strip_suffix("+sql").unwrap_or(word);
    language::from_word(word).is_some_and(|language| !matches!(language, Language::Other(_)))
}

/// The elements that never hold anything.
pub(super) fn is_void(name: &str) -> bool {
    matches!(name, "area" | "base" | "br" | "col" | "embed" | "hr" | "img" | "input" | "link" | "meta" | "param" | "source" | "track" | "wbr")
}

/// The elements that stand on lines of their own.
pub(crate) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "br"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "head"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "legend"
            | "li"
            | "main"
            | "nav"
            | "ol"
            | "option"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "title"
            | "tr"
            | "ul"
    )
}

/// The level of a heading.
pub(crate) fn heading(name: &str) -> Option<u8> {
    name.strip_prefix('h').and_then(|level| level.parse().ok()).filter(|level| (1..=6).contains(level))
}

/// Whether a browser knows an element of this name that may stand in code. In `/user/<name>`, whose brackets somebody forgot to write as entities, `name` is none.
pub(super) fn is_known_in_code(name: &str) -> bool {
    is_block(name)
        || is_void(name)
        || name.contains('-')
        || matches!(
            name,
            "a" | "abbr"
                | "acronym"
                | "b"
                | "bdi"
                | "bdo"
                | "big"
                | "button"
                | "cite"
                | "code"
                | "colgroup"
                | "del"
                | "dfn"
                | "em"
                | "font"
                | "i"
                | "iframe"
                | "ins"
                | "kbd"
                | "mark"
                | "nobr"
                | "noscript"
                | "q"
                | "ruby"
                | "rt"
                | "s"
                | "samp"
                | "script"
                | "select"
                | "small"
                | "span"
                | "strike"
                | "strong"
                | "style"
                | "sub"
                | "sup"
                | "svg"
                | "template"
                | "textarea"
                | "tt"
                | "u"
                | "var"
        )
}

#[cfg(test)]
mod tests {
    use super::super::token::{Piece, pieces};
    use super::*;

    fn element(tag: &str) -> Element {
        match pieces(tag, 0).first() {
            Some(Piece::Open(tag)) => Element::of(tag),
            other => panic!("no tag: {other:?}"),
        }
    }

    #[test]
    fn languages_are_named_in_many_ways() {
        for (tag, word) in [
            ("<code class='language-python'>", "python"),
            ("<div class='highlight-html+jinja notranslate'>", "html+jinja"),
            ("<div class='highlight highlight-source-shell'>", "shell"),
            ("<pre class='brush: python; gutter: true'>", "python"),
            ("<pre class='brush:py'>", "py"),
            ("<pre lang='python'>", "python"),
            ("<code data-lang='sql'>", "sql"),
            ("<code class='hljs bash'>", "bash"),
            ("<pre class='code python literal-block'>", "python"),
            ("<div class='highlight-pycon+sql'>", "pycon+sql"),
        ] {
            assert_eq!(element(tag).words.first().map(String::as_str), Some(word), "{tag}");
        }
        for tag in ["<div class='highlight-default'>", "<pre lang='en'>", "<div class='python'>", "<pre class='code literal-block'>"] {
            assert_eq!(element(tag).words, Vec::<String>::new(), "{tag}");
        }
    }

    #[test]
    fn line_numbers_are_told_from_code_that_has_some() {
        for tag in ["<td class='linenos'>", "<span class=lnt>", "<pre class='lineno'>", "<td class='gutter gl'>", "<small class='ln'>"] {
            assert!(element(tag).gutter, "{tag}");
        }
        for tag in ["<pre class='line-numbers'>", "<pre class='line-numbers language-python'>", "<div class='highlight linenos'>", "<span class='n'>"] {
            assert!(!element(tag).gutter, "{tag}");
        }
    }
}
