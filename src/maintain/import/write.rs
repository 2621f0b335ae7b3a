//! A page's nodes as Markdown. What it writes reads back as the same headings, paragraphs and blocks; it decides nothing about the page.

use super::escape::{code_span, escaped, target};
use super::node::{Inline, Node, Style, folded, words};

/// The lines of the nodes. `code` gives the lines of a block, its fence included.
pub(super) fn lines(nodes: &[Node], code: &dyn Fn(usize) -> Vec<String>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // Two lists of a kind side by side would be one: every other one has other marks.
    let (mut last, mut other) = (None, false);
    for node in nodes {
        if let Node::List(start, _) = node {
            other = last == Some(start.is_some()) && !other;
            last = Some(start.is_some());
        } else {
            (last, other) = (None, false);
        }
        let written = one(node, other, code);
        if written.is_empty() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(written);
    }
    lines
}

fn one(node: &Node, other: bool, code: &dyn Fn(usize) -> Vec<String>) -> Vec<String> {
    match node {
        Node::Heading(level, line) => heading(*level, line),
        Node::Paragraph(line) => inline(line, false).split('\n').filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        Node::List(start, items) => list(*start, items, other, code),
        Node::Quote(nodes) => lines(nodes, code).into_iter().map(|line| if line.is_empty() { ">".to_owned() } else { format!("> {line}") }).collect(),
        Node::Table { headed, rows } => table(*headed, rows),
        Node::Code(index) => code(*index),
        Node::Rule => vec!["***".to_owned()],
    }
}

/// A heading on one line. At its end, marks would close it and braces would be its attributes.
fn heading(level: u8, line: &[Inline]) -> Vec<String> {
    let line: Vec<Inline> = line.iter().map(|piece| if *piece == Inline::Break { Inline::plain(" ") } else { piece.clone() }).collect();
    let written = inline(&folded(line, false), false);
    let bare = written.trim_end_matches('#');
    let closes = bare.len() < written.len() && (bare.is_empty() || bare.ends_with(' '));
    let written = if closes { format!("{bare}{}", "\\#".repeat(written.len() - bare.len())) } else { written };
    let written = if written.ends_with('}') { format!("{}\\}}", &written[..written.len() - 1]) } else { written };
    if written.is_empty() { Vec::new() } else { vec![format!("{} {written}", "#".repeat(usize::from(level.clamp(1, 6))))] }
}

fn list(start: Option<usize>, items: &[Vec<Node>], other: bool, code: &dyn Fn(usize) -> Vec<String>) -> Vec<String> {
    let mut written: Vec<String> = Vec::new();
    let mut was_loose = false;
    for (index, item) in items.iter().enumerate() {
        let marker = match (start, other) {
            (Some(start), false) => format!("{}. ", start + index),
            (Some(start), true) => format!("{}) ", start + index),
            (None, false) => "- ".to_owned(),
            (None, true) => "* ".to_owned(),
        };
        let indent = " ".repeat(marker.len());
        let is_loose = !is_tight(item);
        let mut lines = lines(item, code);
        if !is_loose {
            // A list right under its item's text needs no line between them.
            lines.retain(|line| !line.is_empty());
        }
        if (is_loose || was_loose) && !written.is_empty() {
            written.push(String::new());
        }
        was_loose = is_loose;
        let mut lines = lines.into_iter();
        // Code and lists begin below their marker: there every reader sees where they do.
        let beside = item.first().is_some_and(|node| matches!(node, Node::Paragraph(_) | Node::Heading(..)));
        let first = if beside { lines.next().unwrap_or_default() } else { String::new() };
        written.push(format!("{marker}{first}").trim_end().to_owned());
        written.extend(lines.map(|line| if line.is_empty() { line } else { format!("{indent}{line}") }));
    }
    written
}

/// Whether an item is a line of prose, with nothing below it but a list of such items.
fn is_tight(item: &[Node]) -> bool {
    match item {
        [] | [Node::Paragraph(_)] => true,
        [Node::Paragraph(_), Node::List(start, items)] => interrupts(*start, items) && items.iter().all(|item| is_tight(item)),
        _ => false,
    }
}

/// Whether Markdown sees that a list begins where a line of prose stands right above it: not if it begins with nothing, or with another number than 1.
fn interrupts(start: Option<usize>, items: &[Vec<Node>]) -> bool {
    let says_something = |item: &Vec<Node>| matches!(item.first(), Some(Node::Paragraph(line)) if !words(line).trim().is_empty());
    matches!(start, None | Some(1)) && items.first().is_some_and(says_something)
}

/// A table. One without a head gets an empty one: Markdown knows no other.
fn table(headed: bool, rows: &[Vec<Vec<Inline>>]) -> Vec<String> {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let row = |cells: &[Vec<Inline>]| {
        let cells = (0..width).map(|at| cells.get(at).map_or_else(String::new, |cell| inline(cell, true).replace('\n', " ")));
        cells.fold("|".to_owned(), |row, cell| format!("{row} {cell} |"))
    };
    let (head, body) = if headed { (rows.first().map_or(&[][..], Vec::as_slice), rows.get(1..).unwrap_or_default()) } else { (&[][..], rows) };
    let rule = format!("|{}", " --- |".repeat(width));
    [row(head), rule].into_iter().chain(body.iter().map(|cells| row(cells))).collect()
}

/// A line of prose. A newline in it ends a line of the page.
pub(super) fn inline(line: &[Inline], in_table: bool) -> String {
    let mut written = String::new();
    for (at, group) in groups(line).into_iter().enumerate() {
        let next = line_after(line, at).unwrap_or(' ');
        match group {
            Group::Break => written.push_str(if in_table { "<br>" } else { "\\\n" }),
            Group::Image(alt, address) => written.push_str(&format!("![{}]({})", escaped(&alt.replace('\n', " "), false), target(address))),
            Group::Words(pieces) => words_of(&mut written, &pieces, next, in_table),
        }
    }
    written
}

/// Neighbours that are one link, or that are in none.
enum Group<'a> {
    Break,
    Image(&'a str, &'a str),
    Words(Vec<(&'a str, &'a Style)>),
}

fn groups(line: &[Inline]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for piece in line {
        match (piece, groups.last_mut()) {
            (Inline::Break, _) => groups.push(Group::Break),
            (Inline::Image(alt, address), _) => groups.push(Group::Image(alt, address)),
            (Inline::Text(text, style), Some(Group::Words(pieces))) if pieces.last().is_some_and(|(_, last)| last.link == style.link) => {
                pieces.push((text, style));
            }
            (Inline::Text(text, style), _) => groups.push(Group::Words(vec![(text, style)])),
        }
    }
    groups
}

/// The first letter behind a group; `None` at the end of a line.
fn line_after(line: &[Inline], group: usize) -> Option<char> {
    groups(line).get(group + 1).and_then(|next| match next {
        Group::Words(pieces) => pieces.first().and_then(|(text, _)| text.chars().next()),
        Group::Break | Group::Image(..) => None,
    })
}

/// Write words, and the link that they are.
fn words_of(written: &mut String, pieces: &[(&str, &Style)], next: char, in_table: bool) {
    let link = pieces.first().and_then(|(_, style)| style.link.as_deref());
    let text: String = pieces.iter().map(|(text, _)| *text).collect();
    if let Some(link) = link {
        if text.trim().is_empty() {
            return written.push_str(&text);
        }
        let is_bare = pieces.iter().all(|(_, style)| !style.code && !style.strong && !style.emphasis) && text == link;
        if is_bare && is_web(link) {
            return written.push_str(&format!("<{link}>"));
        }
        let blanks = text.len() - text.trim_start().len();
        written.push_str(&text[..blanks].replace('\n', " "));
        written.push('[');
    }
    for (index, (text, style)) in pieces.iter().enumerate() {
        let next = pieces.get(index + 1).and_then(|(text, _)| text.chars().next()).unwrap_or(if link.is_some() { ']' } else { next });
        let text = match link {
            Some(_) if index == 0 => text.trim_start(),
            _ => text,
        };
        let text = if link.is_some() && index + 1 == pieces.len() { text.trim_end() } else { text };
        styled(written, text, style, next, in_table);
    }
    if let Some(link) = link {
        let link = target(link);
        written.push_str(&format!("]({})", if in_table { link.replace('|', "%7C") } else { link }));
        let blanks = text.trim_end().len();
        written.push_str(&text[blanks..].replace('\n', " "));
    }
}

/// Whether an address can stand between angle brackets and be its own text.
fn is_web(link: &str) -> bool {
    (link.starts_with("http://") || link.starts_with("https://"))
        && !link.contains(|letter: char| letter.is_whitespace() || matches!(letter, '<' | '>' | '\\' | '|'))
}

/// Write words in their style.
fn styled(written: &mut String, text: &str, style: &Style, next: char, in_table: bool) {
    let inner = text.trim();
    if inner.is_empty() {
        return written.push_str(text);
    }
    let lead = &text[..text.len() - text.trim_start().len()];
    let trail = &text[text.trim_end().len()..];
    if lead.contains('\n') && !written.is_empty() {
        written.push('\n')
    } else {
        written.push_str(lead)
    }
    let next = trail.chars().next().unwrap_or(next);
    let marks = marks(style, inner, written.chars().next_back().unwrap_or(' '), next);
    written.extend(marks.iter().map(|(open, _)| *open));
    let at_start = marks.is_empty() && (written.is_empty() || written.ends_with('\n'));
    let content = if style.code { code_span(inner) } else { prose(inner, at_start) };
    written.push_str(&if in_table { content.replace('|', "\\|") } else { content });
    written.extend(marks.iter().rev().map(|(_, close)| *close));
    if trail.contains('\n') { written.push('\n') } else { written.push_str(trail) }
}

/// Words of several lines.
fn prose(text: &str, at_start: bool) -> String {
    let lines = text.split('\n').enumerate().map(|(index, line)| escaped(line.trim(), index > 0 || at_start));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The marks around styled words: stars where Markdown is sure to read them so, else tags.
fn marks(style: &Style, inner: &str, before: char, next: char) -> Vec<(&'static str, &'static str)> {
    let is_word = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric());
    let is_gap = |letter: char| letter.is_whitespace();
    let opens = is_word(inner.chars().next()) || is_gap(before) || before == '(';
    let closes = is_word(inner.chars().next_back()) || is_gap(next) || matches!(next, '.' | ',' | ':' | ';' | ')' | '!' | '?');
    // Marks within marks are read as such only in some places.
    let is_one = [style.struck, style.strong, style.emphasis].into_iter().filter(|has| *has).count() == 1;
    let plain = opens && closes && !style.code && is_one;
    let mut marks = Vec::new();
    for (has, stars, tags) in [
        (style.struck, ("~~", "~~"), ("<del>", "</del>")),
        (style.strong, ("**", "**"), ("<strong>", "</strong>")),
        (style.emphasis, ("*", "*"), ("<em>", "</em>")),
    ] {
        if has {
            marks.push(if plain { stars } else { tags });
        }
    }
    marks
}

/// A line of words, without marks, for a title.
pub(super) fn title(text: &str) -> String {
    escaped(&words(&[Inline::plain(text)]), false)
}
