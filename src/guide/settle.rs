//! What a block is for, by its place: text straight after code is that code's output, a titled block is a file.
//!
//! The last step of `Source --guide::parse--> Guide`, for every format. It changes roles only, never text or language.

use std::sync::LazyLock;

use regex::Regex;

use super::{Block, Language, Prose, ProseKind, Role, is_file_name};

/// How many words may stand between code and its output.
const SHORT: usize = 30;

static ANNOUNCES_OUTPUT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(outputs?|prints?|printed|responses?|responds|returns?|results?|displays?|looks? like this|you(.ll| will| should)? (now )?(get|see))\b")
        .expect("the pattern is a constant")
});

/// Give every block of a lesson the role that its place and its directives say. Blocks and prose are in reading order.
pub fn settle(blocks: &mut [Block], prose: &[Prose]) {
    for index in 0..blocks.len() {
        let (before, rest) = blocks.split_at_mut(index);
        let Some(block) = rest.first_mut() else { return };
        let role = role(block, before.last(), prose);
        if let Some(role) = role {
            block.role = role;
        }
    }
}

/// The role that a block's place gives it; `None` where its own stands.
fn role(block: &Block, before: Option<&Block>, prose: &[Prose]) -> Option<Role> {
    if block.body.text().trim().is_empty() || is_included(&block.role) {
        return None;
    }
    if block.directive("output").is_some() {
        return Some(Role::Output);
    }
    let title = block.directive("title").and_then(|directive| directive.attributes.get("name")).or_else(|| block.info.attributes.get("title"));
    let is_text = matches!(block.language, Language::Text | Language::Other(_));
    if let Some(title) = title {
        let is_script = block.role == Role::Shell && title.ends_with(".sh");
        return (is_script || is_text || block.role == Role::Output).then_some(Role::File);
    }
    let follows = before.is_some_and(|before| matches!(before.role, Role::Python | Role::Console | Role::Shell | Role::Output));
    let between = before.map(|before| between(before, block, prose)).unwrap_or_default();
    let is_near = follows && !between.has_heading && between.words <= SHORT;
    let is_said_output = matches!(&block.language, Language::Json | Language::Http | Language::Html) && block.role != Role::Output && between.announces_output;
    let after_shell = before.is_some_and(|before| before.role == Role::Shell);
    match &block.language {
        Language::Text if between.names_file => Some(Role::File),
        Language::Text if is_address(&block.body.text()) => Some(Role::Foreign("an address to visit".to_owned())),
        Language::Text if is_near => Some(Role::Output),
        Language::Text => Some(Role::Foreign("text that is neither code nor the output of a block before it".to_owned())),
        Language::Html if is_near && is_said_output && after_shell => Some(Role::Output),
        Language::Json | Language::Http if is_near && is_said_output => Some(Role::Output),
        _ => None,
    }
}

/// Whether a reader has already said why the block's text is not its code.
fn is_included(role: &Role) -> bool {
    matches!(role, Role::Foreign(_))
}

/// Whether a text is the address of a page and nothing else.
fn is_address(text: &str) -> bool {
    let text = text.trim();
    (text.starts_with("http://") || text.starts_with("https://")) && !text.contains(char::is_whitespace)
}

/// What stands between two blocks.
#[derive(Debug, Default)]
struct Between {
    words: usize,
    has_heading: bool,
    announces_output: bool,
    /// Whether the last of it ends with the name of a file.
    names_file: bool,
}

fn between(before: &Block, block: &Block, prose: &[Prose]) -> Between {
    let (from, to) = (before.span().end, block.span().start);
    let first = prose.partition_point(|piece| piece.span.start < from);
    let mut found = Between::default();
    for piece in prose[first..].iter().take_while(|piece| piece.span.start < to) {
        found.words += piece.text.split_whitespace().count();
        found.has_heading |= matches!(piece.kind, ProseKind::Heading(_));
        found.announces_output |= ANNOUNCES_OUTPUT.is_match(&piece.text);
        let last = piece.text.split_whitespace().next_back().unwrap_or("").trim_end_matches([':', '.', ',']);
        found.names_file = is_file_name(last);
    }
    found
}
