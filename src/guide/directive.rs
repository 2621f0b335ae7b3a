//! Proctor's directives: what a page says to Proctor, in comments that no renderer shows.
//!
//! `<!-- proctor: skip reason="needs an account" ; title name="app.py" -->` stands before a block. Part of `Source --guide::parse--> (Guide, Findings)`.
//! A word that is not in the table is a finding, never ignored.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Directive;
use super::nearest::nearest;
use crate::finding::{Code, Finding, Location};
use crate::source::{Source, Span};

/// An attribute that a directive knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// Whether the directive means nothing without it.
    pub required: bool,
}

/// A directive that Proctor knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its word.
    pub word: &'static str,
    /// Its attributes.
    pub attributes: &'static [Attribute],
    /// One line that says what it does.
    pub help: &'static str,
}

const fn required(name: &'static str) -> Attribute {
    Attribute { name, required: true }
}

const fn optional(name: &'static str) -> Attribute {
    Attribute { name, required: false }
}

/// Every directive, in the order of the documentation.
pub const KNOWN: &[Known] = &[
    Known { word: "skip", attributes: &[required("reason")], help: "The block is not run; the report shows the reason." },
    Known { word: "static", attributes: &[required("reason")], help: "The block is parsed and not run; the report shows the reason." },
    Known {
        word: "run",
        attributes: &[],
        help: "The block's commands are carried out, also those that a lab otherwise leaves out, such as making a virtual environment.",
    },
    Known { word: "raises", attributes: &[required("error"), optional("text")], help: "The block must raise this exception, with this text in its message." },
    Known { word: "title", attributes: &[required("name")], help: "The block is the file of this name." },
    Known { word: "new", attributes: &[], help: "The block starts a new program." },
    Known { word: "output", attributes: &[optional("of")], help: "The block is the output of the block before it, or of the file it names." },
    Known { word: "continue", attributes: &[required("of")], help: "The block continues the file that it names." },
];

/// What a comment said: its directives, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The directives that are right.
    pub directives: Vec<Directive>,
    /// What is not.
    pub findings: Vec<Finding>,
}

/// Read the comment that stands in `source` at `span`, with or without its marks (`<!-- -->`, `{/* */}`, `{# #}`, `..`, `%`, `#`). `None` if it does not speak to Proctor.
#[must_use]
pub fn parse(source: &Arc<Source>, span: Span) -> Option<Parsed> {
    let comment = source.slice(span);
    let inner = strip_marks(comment);
    let start = span.start + (inner.as_ptr() as usize - comment.as_ptr() as usize);
    let word_end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(inner.len());
    let (prefix, rest) = inner.split_at(word_end);
    let location = |at: usize, length: usize| Location::new(source, Span::new(start + at, start + at + length));
    let Some(body) = rest.trim_start().strip_prefix(':').filter(|_| prefix == "proctor") else {
        return mistaken_prefix(prefix, rest).map(|message| Parsed {
            findings: vec![Finding::new(Code::UnknownDirective, location(0, word_end), message).with_help("write `proctor:`, then the directive's word")],
            ..Parsed::default()
        });
    };
    let mut parsed = Parsed::default();
    let mut reader = Reader { text: inner, at: inner.len() - body.len() };
    loop {
        reader.skip_blanks();
        let from = reader.at;
        let word = reader.name();
        if word.is_empty() && reader.rest().is_empty() {
            let said_nothing = parsed.directives.is_empty() && parsed.findings.is_empty();
            if said_nothing {
                parsed.findings.push(Finding::new(Code::UnknownDirective, location(0, inner.len()), "this directive says nothing").with_help(words()));
            }
            return Some(parsed);
        }
        one(&mut reader, word, from, &location, &mut parsed);
    }
}

/// One directive and its attributes, up to the next `;`.
fn one(reader: &mut Reader<'_>, word: &str, from: usize, location: &dyn Fn(usize, usize) -> Location, parsed: &mut Parsed) {
    let Some(known) = KNOWN.iter().find(|known| known.word == word) else {
        let shown = if word.is_empty() { reader.rest().chars().take(1).collect() } else { word.to_owned() };
        let help = nearest(word, KNOWN.iter().map(|known| known.word)).map_or_else(words, |near| format!("did you mean `{near}`?"));
        parsed.findings.push(Finding::new(Code::UnknownDirective, location(from, shown.len()), format!("no directive is called `{shown}`")).with_help(help));
        reader.skip_past_semicolon();
        return;
    };
    let mut attributes = BTreeMap::new();
    let mut is_right = true;
    loop {
        reader.skip_blanks();
        if reader.rest().is_empty() || reader.eat(';') {
            break;
        }
        let at = reader.at;
        match reader.attribute() {
            Some((name, value)) if known.attributes.iter().any(|attribute| attribute.name == name) => {
                attributes.insert(name.to_owned(), value);
            }
            Some((name, _)) => {
                let names: Vec<&str> = known.attributes.iter().map(|attribute| attribute.name).collect();
                let help = match nearest(name, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if names.is_empty() => format!("`{word}` takes no attributes"),
                    None => format!("`{word}` knows {}", listed(&names)),
                };
                parsed
                    .findings
                    .push(Finding::new(Code::UnknownDirective, location(at, name.len()), format!("`{word}` has no attribute `{name}`")).with_help(help));
            }
            None => {
                let shown = reader.rest().split([' ', ';']).next().unwrap_or("").to_owned();
                let message = format!("`{shown}` is no attribute of the form key=\"value\"");
                parsed.findings.push(
                    Finding::new(Code::UnknownDirective, location(at, shown.len()), message)
                        .with_help("put two directives apart with `;` and values in quotation marks"),
                );
                is_right = false;
                reader.skip_past_semicolon();
                break;
            }
        }
    }
    for missing in
        known.attributes.iter().filter(|attribute| attribute.required && attributes.get(attribute.name).is_none_or(|value: &String| value.trim().is_empty()))
    {
        let message = format!("`{word}` needs the attribute `{}`", missing.name);
        let help = format!("write {word} {}=\"...\"", missing.name);
        parsed.findings.push(Finding::new(Code::UnknownDirective, location(from, word.len()), message).with_help(help));
        is_right = false;
    }
    if is_right {
        let end = reader.at.min(reader.text.trim_end().len()).max(from + word.len());
        parsed.directives.push(Directive { word: word.to_owned(), attributes, span: location(from, end - from).span });
    }
}

/// The finding for directives after which the page has no block that they could speak of.
#[must_use]
pub fn stray(source: &Arc<Source>, directive: &Directive) -> Finding {
    Finding::new(Code::UnknownDirective, Location::new(source, directive.span), format!("no block follows the directive `{}`", directive.word))
        .with_help("a directive stands directly before its block")
}

/// What to say of a comment that was meant for Proctor and is not written so: its prefix is off, but a directive's word follows.
fn mistaken_prefix(prefix: &str, rest: &str) -> Option<String> {
    let rest = rest.trim_start();
    let next: String = rest.trim_start_matches(':').trim_start().chars().take_while(|c| c.is_alphanumeric()).collect();
    if !KNOWN.iter().any(|known| known.word == next) {
        return None;
    }
    if prefix == "proctor" {
        return Some("a directive needs a colon after `proctor`".to_owned());
    }
    let is_near = rest.starts_with(':') && prefix.len() > 4 && nearest(prefix, ["proctor"]).is_some();
    is_near.then(|| format!("`{prefix}:` is not `proctor:`"))
}

/// `words` as a sentence lists them.
fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The help line that names every directive.
fn words() -> String {
    format!("the directives are {}", listed(&KNOWN.iter().map(|known| known.word).collect::<Vec<_>>()))
}

/// The text inside a comment's marks.
fn strip_marks(comment: &str) -> &str {
    let comment = comment.trim();
    for (open, close) in [("<!--", "-->"), ("{/*", "*/}"), ("{#", "#}"), ("/*", "*/")] {
        if let Some(rest) = comment.strip_prefix(open) {
            return rest.strip_suffix(close).unwrap_or(rest).trim();
        }
    }
    for open in ["..", "%", "#", "//"] {
        if let Some(rest) = comment.strip_prefix(open) {
            return rest.trim();
        }
    }
    comment
}

/// A place in a directive's text.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, mark: char) -> bool {
        let found = self.rest().starts_with(mark);
        if found {
            self.at += mark.len_utf8();
        }
        found
    }

    /// The longest run of letters, digits, `-` and `_`.
    fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// `key="value"` with either kind of quotation mark, or a bare value without blanks. Nothing is consumed if it is not one.
    fn attribute(&mut self) -> Option<(&'a str, String)> {
        let start = self.at;
        let name = self.name();
        self.skip_blanks();
        if name.is_empty() || !self.eat('=') {
            self.at = start;
            return None;
        }
        self.skip_blanks();
        let rest = self.rest();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let Some(quote) = quote else {
            let end = rest.find(|c: char| c.is_whitespace() || c == ';').unwrap_or(rest.len());
            self.at += end;
            return Some((name, rest[..end].to_owned()));
        };
        let Some(end) = rest[1..].find(quote) else {
            self.at = start;
            return None;
        };
        self.at += end + 2;
        Some((name, rest[1..=end].to_owned()))
    }

    fn skip_past_semicolon(&mut self) {
        let mut quoted = None;
        for (at, c) in self.rest().char_indices() {
            match c {
                '"' | '\'' if quoted == Some(c) => quoted = None,
                '"' | '\'' if quoted.is_none() => quoted = Some(c),
                ';' if quoted.is_none() => {
                    self.at += at + 1;
                    return;
                }
                _ => {}
            }
        }
        self.at = self.text.len();
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(comment: &str) -> Option<Parsed> {
        let source = Arc::new(Source::new("a.md", comment));
        parse(&source, Span::new(0, comment.len()))
    }

    fn messages(comment: &str) -> Vec<String> {
        read(comment).unwrap().findings.iter().map(|finding| format!("{} | {}", finding.message, finding.help.clone().unwrap_or_default())).collect()
    }

    #[test]
    fn directives_are_read_one_after_the_other() {
        let text = r#"<!-- proctor: skip reason="no; account" ; title name='a b.py';new -->"#;
        let parsed = read(text).unwrap();
        assert_eq!(parsed.findings, []);
        let words: Vec<&str> = parsed.directives.iter().map(|directive| directive.word.as_str()).collect();
        assert_eq!(words, ["skip", "title", "new"]);
        assert_eq!(parsed.directives[0].attributes["reason"], "no; account");
        assert_eq!(parsed.directives[1].attributes["name"], "a b.py");
        assert!(text[parsed.directives[2].span.start..].starts_with("new"));
    }

    #[test]
    fn other_comments_are_left_alone() {
        assert_eq!(read("<!-- more -->"), None);
        assert_eq!(read("<!-- doctor: who -->"), None);
        assert_eq!(read("<!-- proctor is a tool -->"), None);
        assert!(read("{/* proctor: new */}").is_some());
        assert!(read(".. proctor: new").is_some());
    }

    #[test]
    fn what_is_wrong_is_named_with_the_right_word() {
        assert_eq!(messages("<!-- proctor: skp reason=\"x\" -->"), ["no directive is called `skp` | did you mean `skip`?"]);
        assert_eq!(messages("<!-- proctor: skip raeson=\"x\" -->")[0], "`skip` has no attribute `raeson` | did you mean `reason`?");
        assert_eq!(messages("<!-- proctor: skip -->"), ["`skip` needs the attribute `reason` | write skip reason=\"...\""]);
        assert_eq!(messages("<!-- proctor: new now=\"x\" -->"), ["`new` has no attribute `now` | `new` takes no attributes"]);
        assert!(messages("<!-- proctor: setup -->")[0].starts_with("no directive is called `setup` | the directives are `skip`, "));
        assert!(messages("<!-- proctor: skip reason=\"x -->")[0].starts_with("`reason=\"x` is no attribute"));
        assert_eq!(messages("<!-- procter: new -->"), ["`procter:` is not `proctor:` | write `proctor:`, then the directive's word"]);
        assert!(messages("<!-- proctor skip -->")[0].starts_with("a directive needs a colon"));
        assert!(messages("<!-- proctor: -->")[0].starts_with("this directive says nothing"));
    }

    #[test]
    fn a_wrong_directive_spoils_no_other() {
        let parsed = read("<!-- proctor: skp reason=\"a;b\"; new -->").unwrap();
        assert_eq!(parsed.findings.len(), 1);
        assert_eq!(parsed.directives[0].word, "new");
    }

    proptest! {
        #[test]
        fn any_comment_can_be_read(text in r#"(<!-- )?(proctor|prxctor)?[:;= ]{0,3}((skip|new|reason|é|=|"|'|;| |\n){0,12})(-->)?"#) {
            if let Some(parsed) = read(&text) {
                prop_assert!(parsed.directives.len() + parsed.findings.len() > 0);
                for directive in parsed.directives {
                    prop_assert!(text.get(directive.span.start..directive.span.end).is_some());
                }
            }
        }
    }
}
