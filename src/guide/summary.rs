//! The table of contents in mdBook's form, `SUMMARY.md`: which pages there are, in which order, under which numbers.
//!
//! Total, like every reader: what is no entry is prose. It never opens the pages; `load` does.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

use super::links::decoded;
use super::number;
use crate::source::{Source, Span};

/// The table of contents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The title of the whole guide: the first heading, unless it only says "Summary".
    pub title: Option<String>,
    /// Its chapters in order. Lessons that stand in none have a chapter without a title.
    pub chapters: Vec<Part>,
}

/// A chapter as the table of contents has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Its number, such as `5`.
    pub number: Option<String>,
    /// Its title; empty for lessons without a chapter.
    pub title: String,
    /// Its lessons in order.
    pub entries: Vec<Entry>,
}

/// A lesson as the table of contents has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, such as `5.5`.
    pub number: Option<String>,
    /// Its title, without its number.
    pub title: String,
    /// The page, relative to the table of contents; `None` for a draft.
    pub path: Option<String>,
    /// Where it is named.
    pub span: Span,
}

/// A link, or an item without one, at its depth: 0 outside of lists.
#[derive(Debug, Default)]
struct Item {
    depth: usize,
    text: String,
    /// The page that it names.
    target: Option<String>,
    is_link: bool,
    range: Range<usize>,
    /// The title of the part that it stands in, if a heading starts one.
    part: Option<String>,
}

/// Read a table of contents.
#[must_use]
pub fn parse(source: &Source) -> Summary {
    let (title, items) = items(source.text());
    Summary { title, chapters: chapters(items) }
}

/// Every entry in order, and the title of the whole.
fn items(text: &str) -> (Option<String>, Vec<Item>) {
    let mut items: Vec<Item> = Vec::new();
    let (mut title, mut part, mut heading, mut depth) = (None, None, None::<String>, 0_usize);
    // The item being read; text of a list's item counts before its nested list starts.
    let mut open: Option<Item> = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) => {
                items.extend(open.take().filter(|item| item.is_link || item.depth > 0));
                heading = Some(String::new());
            }
            Event::End(TagEnd::Heading(HeadingLevel::H1)) => {
                let words = heading.take().unwrap_or_default().trim().to_owned();
                if title.is_none() && items.is_empty() {
                    title = Some(words);
                } else {
                    part = Some(words);
                }
            }
            Event::Start(Tag::List(_)) => {
                items.extend(open.take());
                depth += 1;
            }
            Event::End(TagEnd::List(_)) => depth = depth.saturating_sub(1),
            Event::Start(Tag::Item) => open = Some(Item { depth, range: first_line(text, &range), part: part.clone(), ..Item::default() }),
            Event::End(TagEnd::Item) => items.extend(open.take()),
            Event::Start(Tag::Link { dest_url, .. }) => {
                let item = open.get_or_insert_with(|| Item { depth, range: range.clone(), part: part.clone(), ..Item::default() });
                if !item.is_link {
                    *item = Item {
                        target: Some(page(&dest_url)).filter(|page| !page.trim().is_empty()),
                        is_link: true,
                        text: String::new(),
                        range,
                        depth: item.depth,
                        part: item.part.take(),
                    };
                }
            }
            Event::End(TagEnd::Link) if depth == 0 => items.extend(open.take()),
            Event::Text(words) | Event::Code(words) => match (&mut heading, &mut open) {
                (Some(heading), _) => heading.push_str(&words),
                (None, Some(item)) if !item.is_link || range.end <= item.range.end => item.text.push_str(&words),
                _ => {}
            },
            _ => {}
        }
    }
    let title = title.filter(|title: &String| !title.is_empty() && !title.eq_ignore_ascii_case("summary"));
    (title, items.into_iter().filter(|item| !item.text.trim().is_empty() || item.target.is_some()).collect())
}

/// The range of an item without what is nested in it.
fn first_line(text: &str, range: &Range<usize>) -> Range<usize> {
    let line = text[range.clone()].lines().next().unwrap_or("").trim_end().len();
    range.start..range.start + line
}

/// The items as chapters: an item at the top with others under it is one; a heading is one for the items at the top that have none.
fn chapters(items: Vec<Item>) -> Vec<Part> {
    let mut chapters: Vec<Part> = Vec::new();
    let mut counts: Vec<usize> = Vec::new();
    let mut part = None;
    let mut items = items.into_iter().peekable();
    while let Some(item) = items.next() {
        let has_children = items.peek().is_some_and(|next| next.depth > item.depth);
        let is_new_part = part != item.part;
        part.clone_from(&item.part);
        let (own, title) = number::of_title(&item.text);
        let counted = (item.depth > 0).then(|| count(&mut counts, item.depth));
        let number = own.or(counted);
        let opens = item.depth == 1 && has_children;
        let stays = item.depth > 1 && !chapters.is_empty();
        if opens {
            chapters.push(Part { number: number.clone(), title: title.clone(), entries: Vec::new() });
        } else if !stays {
            let (number, title) = number::of_title(item.part.as_deref().unwrap_or_default());
            if is_new_part || chapters.last().is_none_or(|last| last.title != title) {
                chapters.push(Part { number, title, entries: Vec::new() });
            }
        }
        // A chapter that is only a heading of the list is no lesson, nor is one whose own page is not written.
        let is_lesson = !opens || item.target.is_some();
        if let Some(last) = chapters.last_mut().filter(|_| is_lesson) {
            last.entries.push(Entry { number, title, path: item.target, span: Span::new(item.range.start, item.range.end) });
        }
    }
    chapters
}

/// The number of the next item at this depth, such as `1.2`.
fn count(counts: &mut Vec<usize>, depth: usize) -> String {
    counts.truncate(depth);
    counts.resize(depth, 0);
    if let Some(last) = counts.last_mut() {
        *last += 1;
    }
    counts.iter().map(|count| count.max(&1).to_string()).collect::<Vec<_>>().join(".")
}

/// The page that a link names: without its fragment, `%20` and the like decoded.
fn page(target: &str) -> String {
    let target = target.split(['#', '?']).next().unwrap_or(target);
    let target = target.strip_prefix("./").unwrap_or(target);
    decoded(target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Vec<String> {
        let summary = parse(&Source::new("SUMMARY.md", text));
        let mut lines = Vec::new();
        for chapter in summary.chapters {
            lines.push(format!("[{}] {}", chapter.number.unwrap_or_default(), chapter.title));
            for entry in chapter.entries {
                lines.push(format!("{} {} <{}>", entry.number.unwrap_or_default(), entry.title, entry.path.unwrap_or_default()));
            }
        }
        lines
    }

    #[test]
    fn a_top_item_with_children_is_a_chapter() {
        let text = "# Summary\n\n[Preface](preface.md)\n\n- [One](one/index.md)\n  - [A](one/a.md)\n    - [Deep](one/deep.md)\n  - [B]()\n- Two\n  - [C](two/c%20d.md#x)\n- [Three](three.md)\n\n---\n\n[End](./end.md)\n";
        assert_eq!(
            shown(text),
            [
                "[] ",
                " Preface <preface.md>",
                "[1] One",
                "1 One <one/index.md>",
                "1.1 A <one/a.md>",
                "1.1.1 Deep <one/deep.md>",
                "1.2 B <>",
                "[2] Two",
                "2.1 C <two/c d.md>",
                "[] ",
                "3 Three <three.md>",
                " End <end.md>"
            ]
        );
    }

    #[test]
    fn a_heading_is_a_chapter_for_items_without_children() {
        let text = "# The guide\n\n# Start\n\n- [A](a.md)\n- [B](b.md)\n\n# 2. More\n\n- [C](c.md)\n- [`D` e](d.md)\n";
        assert_eq!(parse(&Source::new("s", text)).title.as_deref(), Some("The guide"));
        assert_eq!(shown(text), ["[] Start", "1 A <a.md>", "2 B <b.md>", "[2] More", "3 C <c.md>", "4 D e <d.md>"]);
    }

    #[test]
    fn numbers_that_are_written_stand() {
        assert_eq!(shown("- [5. Databases]()\n  - [5.5 Relationships](r.md)\n"), ["[5] Databases", "5.5 Relationships <r.md>"]);
    }

    #[test]
    fn an_entry_knows_its_line() {
        let source = Source::new("SUMMARY.md", "# Summary\n\n- [A](a.md)\n  - [B](b.md)\n");
        let lines: Vec<usize> = parse(&source).chapters[0].entries.iter().map(|entry| source.line_of(entry.span.start)).collect();
        assert_eq!(lines, [3, 4]);
    }

    #[test]
    fn a_link_into_the_table_of_contents_itself_names_no_page() {
        assert_eq!(shown("- [A](#a)\n- [B](?q)\n- [C](./)\n- [D](#d)\n  - [E](e.md#e)\n"), ["[] ", "1 A <>", "2 B <>", "3 C <>", "[4] D", "4.1 E <e.md>"]);
    }

    proptest! {
        #[test]
        fn any_text_is_a_table_of_contents(text in r"(( {0,5}[-*] |# |\n|\[a\]\(b(%2)?\)|\[\]\(\)|x|---\n|    |1\. ){0,30})") {
            let source = Source::new("s", text.clone());
            for entry in parse(&source).chapters.iter().flat_map(|chapter| &chapter.entries) {
                prop_assert!(text.get(entry.span.start..entry.span.end).is_some());
            }
        }
    }
}
