//! The outline of a plain text: its title, its table of contents, and where its lessons begin. Part of `Source --guide::parse--> Guide`.
//!
//! A heading is believed only if the table of contents names it: a line such as "5.5 million users" begins no lesson.

use std::collections::BTreeMap;

use super::lines::Lines;

/// How far into a text a table of contents may begin.
const FRONT: usize = 200;

/// What the top of a text says about the rest.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// The line of the title.
    pub(super) title: Option<usize>,
    /// The chapters that the table of contents names.
    pub(super) chapters: Vec<Announced>,
    /// The first line after the table of contents.
    pub(super) body: usize,
}

/// A chapter in the table of contents.
#[derive(Debug)]
pub(super) struct Announced {
    pub(super) number: u32,
    pub(super) title: String,
    pub(super) lessons: Vec<Entry>,
}

/// A lesson in the table of contents.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) number: (u32, u32),
    pub(super) title: String,
    pub(super) line: usize,
}

/// Where a lesson begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    /// The first line that belongs to it.
    pub(super) from: usize,
    /// Its title line, or the first of them.
    pub(super) title: usize,
    /// One past the last of its title lines.
    pub(super) after: usize,
    pub(super) number: (u32, u32),
}

/// A number at the start of a line, and what follows it.
struct Numbered<'a> {
    number: u32,
    part: Option<u32>,
    /// Whether it is spelled "5 to 5".
    spelled: bool,
    title: &'a str,
}

/// The outline of a text.
pub(super) fn outline(lines: &Lines) -> Outline {
    let mut at = lines.written(0, lines.len());
    let title = (at < lines.len()).then_some(at);
    while at < lines.len().min(FRONT) {
        let (chapters, end) = contents(lines, at);
        if chapters.iter().map(|chapter| chapter.lessons.len()).sum::<usize>() > 1 {
            return Outline { title: title.filter(|&title| title < at), chapters, body: end };
        }
        at = end.max(at + 1);
    }
    Outline { title, chapters: Vec::new(), body: 0 }
}

/// The table of contents that begins at a line, as far as its numbers go up, and the line where it ends.
fn contents(lines: &Lines, first: usize) -> (Vec<Announced>, usize) {
    let mut chapters: Vec<Announced> = Vec::new();
    let mut end = first;
    for line in first..lines.len() {
        if lines.is_blank(line) {
            continue;
        }
        let Some(Numbered { number, part, spelled: false, title }) = numbered(lines.get(line)) else { break };
        let title = without_page(title).to_owned();
        let last = chapters.last().map(|chapter| (chapter.number, chapter.lessons.last().map_or(0, |lesson| lesson.number.1)));
        match (part, last) {
            (None, None) => chapters.push(Announced { number, title, lessons: Vec::new() }),
            (None, Some((chapter, _))) if number == chapter + 1 => chapters.push(Announced { number, title, lessons: Vec::new() }),
            (Some(part), Some((chapter, lesson))) if number == chapter && part > lesson => {
                if let Some(chapter) = chapters.last_mut() {
                    chapter.lessons.push(Entry { number: (number, part), title, line });
                }
            }
            (Some(part), last) if last.is_none_or(|(chapter, _)| number == chapter + 1) => {
                chapters.push(Announced { number, title: String::new(), lessons: vec![Entry { number: (number, part), title, line }] });
            }
            _ => break,
        }
        end = line + 1;
    }
    (chapters, end)
}

impl Outline {
    /// Where the lessons begin in the body, in the text's order; a lesson counts once, where it stands first.
    pub(super) fn starts(&self, lines: &Lines) -> Vec<Start> {
        let entries: BTreeMap<(u32, u32), &Entry> = self.chapters.iter().flat_map(|chapter| &chapter.lessons).map(|entry| (entry.number, entry)).collect();
        let mut titles: BTreeMap<String, (u32, u32)> = BTreeMap::new();
        for entry in entries.values() {
            titles.entry(plain(&entry.title)).or_insert(entry.number);
        }
        let mut starts: Vec<Start> = Vec::new();
        let mut at = lines.written(self.body, lines.len());
        let mut opens = true;
        while at < lines.len() {
            let numbered = heading(lines, at, &entries);
            let bare = titles.get(&plain(lines.get(at))).copied();
            let next = lines.written(at + 1, lines.len());
            let repeated = || {
                bare.is_some_and(|number| {
                    next < lines.len() && (heading(lines, next, &entries) == Some(number) || titles.get(&plain(lines.get(next))) == Some(&number))
                })
            };
            let found = numbered.or_else(|| bare.filter(|_| opens || repeated()));
            if let Some(number) = found {
                let known = starts.iter().any(|start| start.number == number);
                match starts.last_mut() {
                    // The title once more, right under itself.
                    Some(start) if start.number == number && lines.written(start.after, lines.len()) == at => start.after = at + 1,
                    _ if !known => starts.push(Start { from: self.above(lines, at, number.0), title: at, after: at + 1, number }),
                    _ => {}
                }
            }
            opens = false;
            at = next;
        }
        starts
    }

    /// The line from which a lesson counts: its chapter's own heading, if that stands right above.
    fn above(&self, lines: &Lines, title: usize, chapter: u32) -> usize {
        let Some(line) = (self.body..title).rev().find(|&line| !lines.is_blank(line)) else { return title };
        let is_chapter = numbered(lines.get(line)).is_some_and(|found| {
            found.part.is_none()
                && found.number == chapter
                && self.chapters.iter().any(|announced| announced.number == chapter && plain(&announced.title) == plain(found.title))
        });
        if is_chapter { line } else { title }
    }
}

/// The number of the lesson whose numbered heading a line is.
fn heading(lines: &Lines, line: usize, entries: &BTreeMap<(u32, u32), &Entry>) -> Option<(u32, u32)> {
    let found = numbered(lines.get(line))?;
    let number = (found.number, found.part?);
    let entry = entries.get(&number)?;
    let (said, announced) = (plain(found.title), plain(&entry.title));
    if said == announced {
        return Some(number);
    }
    // A title that has drifted from the table of contents: it stands alone, and at least half of its words are the same.
    let alone = (line == 0 || lines.is_blank(line - 1)) && lines.is_blank(line + 1) && !found.title.ends_with(['.', '!', ';', ',']);
    let words = said.split(' ').count();
    let shared = said.split(' ').filter(|word| announced.split(' ').any(|other| other == *word)).count();
    (alone && words < 16 && shared * 2 >= words.max(announced.split(' ').count())).then_some(number)
}

/// Takes a line such as `5.5 Title`, `5 to 5 Title`, `5 Title` or `Chapter 5: Title` apart.
fn numbered(line: &str) -> Option<Numbered<'_>> {
    let line = line.trim();
    let line = match line.split_once(' ') {
        Some((word, rest)) if matches!(word.to_lowercase().as_str(), "chapter" | "lesson" | "part" | "unit" | "module" | "section") => rest.trim_start(),
        _ => line,
    };
    let (number, rest) = digits(line)?;
    let exact = rest.strip_prefix('.').and_then(digits);
    let spelled = rest.strip_prefix(" to ").and_then(digits);
    let (part, rest, is_spelled) = match (exact, spelled) {
        (Some((part, rest)), _) => (Some(part), rest, false),
        (None, Some((part, rest))) => (Some(part), rest, true),
        (None, None) => (None, rest, false),
    };
    let rest = rest.strip_prefix(['.', ')', ':']).unwrap_or(rest);
    let title = rest.strip_prefix([' ', '\t'])?.trim_start_matches([' ', '\t', '-', '–', ':']);
    let is_title = title.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '"' | '\'' | '`' | '“' | '(' | '_'));
    is_title.then_some(Numbered { number, part, spelled: is_spelled, title })
}

/// The number at the start of a text, of at most three digits, and the rest.
fn digits(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (1..=3).contains(&end).then(|| Some((text[..end].parse().ok()?, &text[end..])))?
}

/// A title without the dots and the page number that a table of contents may end with.
fn without_page(title: &str) -> &str {
    let bare = title.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
    match bare.strip_suffix("...").or_else(|| bare.strip_suffix(". .")) {
        Some(bare) => bare.trim_end_matches(['.', ' ']),
        None => title,
    }
}

/// A title as it is compared: its words in small letters.
pub(super) fn plain(title: &str) -> String {
    let words: Vec<String> = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    words.join(" ")
}
