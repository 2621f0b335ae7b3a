//! A block as a fence: its language, its file, the directives before it. The choice is the first that our own reader of Markdown reads as the block was read.

use std::collections::BTreeMap;

use super::escape::longest_run;
use crate::guide::{Block, Directive, Language, Role, language};
use crate::lab::FileName;

/// How a block is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fence {
    /// The word behind the fence, if one is needed.
    word: Option<String>,
    /// The file that the block is.
    title: Option<String>,
    /// Directives that its page has not, and that say what the page's form said.
    more: Vec<Directive>,
    /// How often the choice was changed.
    tried: usize,
}

impl Fence {
    /// The first choice for a block that is this file.
    pub(super) fn of(block: &Block, file: Option<&FileName>) -> Self {
        let title = match file {
            Some(FileName::Path(path)) if block.directive("title").is_none() && is_plain(path) => Some(path.clone()),
            _ => None,
        };
        Self { word: word(block), title, ..Self::default() }
    }

    /// The next choice, for a block that was read otherwise: `read` is what came of it. `None` if there is none left.
    pub(super) fn next(mut self, block: &Block, read: &Block) -> Option<Self> {
        self.tried += 1;
        let directive = |word: &str, reason: Option<&str>| Directive {
            word: word.to_owned(),
            attributes: reason.map(|reason| BTreeMap::from([("reason".to_owned(), reason.replace('"', "'"))])).unwrap_or_default(),
            span: block.span(),
        };
        match (self.tried, &block.role) {
            (1, Role::Output) => self.more.push(directive("output", None)),
            (1, Role::Foreign(reason)) => self.more.push(directive("static", Some(reason))),
            (1, _) if block.language != read.language => self.word = Some(language::name(&block.language).to_owned()),
            (1, Role::File) if self.title.is_some() => self.title = None,
            (1 | 2, _) if self.title.is_some() => self.title = None,
            _ => return None,
        }
        Some(self)
    }

    /// The lines of the block.
    pub(super) fn lines(&self, block: &Block) -> Vec<String> {
        let mut lines = Vec::new();
        let directives: Vec<String> = block.directives.iter().chain(&self.more).map(said).collect();
        if !directives.is_empty() {
            lines.push(format!("<!-- proctor: {} -->", directives.join("; ")));
            lines.push(String::new());
        }
        let longest = block.body.lines.iter().map(|line| longest_run(&line.text, '`')).max().unwrap_or(0);
        let marks = "`".repeat((longest + 1).max(3));
        let title = self.title.as_ref().map(|title| format!("title=\"{title}\""));
        let info: Vec<&str> = self.word.as_deref().into_iter().chain(title.as_deref()).collect();
        lines.push(format!("{marks}{}", info.join(" ")));
        lines.extend(block.body.lines.iter().map(|line| line.text.clone()));
        lines.push(marks);
        lines
    }
}

/// Whether a path can stand in an info string as it is.
fn is_plain(path: &str) -> bool {
    path.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '/' | '_' | '-'))
}

/// A directive as a comment says it.
fn said(directive: &Directive) -> String {
    let attributes = directive.attributes.iter().map(|(name, value)| {
        let quote = if value.contains('"') { '\'' } else { '"' };
        format!(" {name}={quote}{value}{quote}")
    });
    format!("{}{}", directive.word, attributes.collect::<String>())
}

/// The word for a block's language: the usual one of those that are read as just that language.
fn word(block: &Block) -> Option<String> {
    let text = block.body.text();
    let has_prompt = text.lines().any(|line| line.trim_start().starts_with("$ "));
    let usual = match &block.language {
        Language::Shell if has_prompt => "console",
        Language::Shell => "bash",
        other => language::name(other),
    };
    let own = block.info.language.as_deref().filter(|own| own.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '+' | '-' | '_')));
    let is_right = |word: &&str| language::resolve(Some(word), &text) == block.language;
    let words = [Some(usual), own, Some(language::name(&block.language)), Some("text")];
    let found = words.into_iter().flatten().filter(|word| !word.is_empty()).find(is_right);
    if found.is_none() && language::resolve(None, &text) == block.language { None } else { Some(found.unwrap_or(usual).to_owned()) }
}
