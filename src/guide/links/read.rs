//! Where the links of a page stand and what they lead to, in every format. Part of `Source --guide::parse--> Guide`; it opens nothing and judges nothing.

use std::sync::{Arc, LazyLock};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use regex::Regex;

use super::anchors::{Anchors, Slugs};
use crate::guide::html::{self, Piece, Step};
use crate::guide::load::Format;
use crate::guide::{Lesson, markdown};
use crate::source::{Source, Span};

/// Anchors that the dialects of Markdown let an author name: `{#id}`, `{: #id}`, `[]{#id}`, and MyST's `(id)=`.
static NAMED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{:?[^{}\n]*#([\w.:-]+)[^{}\n]*\}|^\(([\w.:-]+)\)=\s*$").expect("the pattern is a constant"));
/// The targets of reStructuredText that stand alone: `.. _name: address`.
static RST: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\s*\.\. _[^:\n]*:\s+(https?://\S+)").expect("the pattern is a constant"));

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// Where it stands.
    pub span: Span,
    /// What it leads to, as written.
    pub target: String,
}

/// What a page has to do with links.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    pub(super) links: Vec<Link>,
    pub(super) anchors: Anchors,
}

/// Read the links and anchors of a page. Those of plain text and notebooks are known to their lessons alone: see [`of_prose`].
pub(super) fn page(source: &Arc<Source>) -> Page {
    match format(source) {
        Format::Markdown => of_markdown(source),
        Format::Html => of_html(source),
        Format::Rst | Format::Text | Format::Notebook => Page::default(),
    }
}

/// The form of a page, as its file says.
pub(super) fn format(source: &Source) -> Format {
    Format::of(std::path::Path::new(source.path())).unwrap_or(Format::Text)
}

/// The links that a lesson's prose names.
pub(super) fn of_prose(lesson: &Lesson) -> Vec<Link> {
    let mut links = Vec::new();
    for prose in &lesson.prose {
        let written = lesson.source.slice(prose.span);
        for target in &prose.links {
            let at = written.find(target.as_str()).map_or(prose.span, |at| Span::new(prose.span.start + at, prose.span.start + at + target.len()));
            links.push(Link { span: at, target: target.clone() });
        }
    }
    if format(&lesson.source) == Format::Rst {
        for line in 1..=lesson.source.line_count() {
            let start = lesson.source.line_span(line).start;
            if let Some(target) = RST.captures(lesson.source.line(line)).and_then(|found| found.get(1)) {
                links.push(Link { span: Span::new(start + target.start(), start + target.end()), target: target.as_str().to_owned() });
            }
        }
    }
    links
}

fn of_markdown(source: &Arc<Source>) -> Page {
    let rewritten = markdown::rewrite(source);
    let mut page = Page::default();
    let mut slugs = Slugs::default();
    // The heading that is being read, and up to where code is shown as HTML.
    let (mut heading, mut in_code, mut pre_until) = (None::<String>, false, 0);
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_HEADING_ATTRIBUTES;
    for (event, range) in Parser::new_ext(&rewritten.text, options).into_offset_iter() {
        let span = rewritten.back_span(&range);
        if span.start < pre_until {
            continue;
        }
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Start(Tag::Heading { id, .. }) => {
                id.iter().for_each(|id| page.anchors.insert(id));
                heading = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some(text) = heading.take() {
                    page.anchors.insert(&slugs.add(&text));
                }
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => page.links.push(Link { span, target: dest_url.into_string() }),
            Event::Text(text) | Event::Code(text) if !in_code => heading.iter_mut().for_each(|heading| heading.push_str(&text)),
            Event::Start(Tag::HtmlBlock) => pre_until = of_tags(source, span, &mut page),
            Event::InlineHtml(_) => {
                of_tags(source, span, &mut page);
            }
            _ => {}
        }
    }
    for line in (1..=source.line_count()).map(|line| source.line(line)).filter(|line| line.contains(['{', '('])) {
        for found in NAMED.captures_iter(line) {
            found.get(1).or_else(|| found.get(2)).iter().for_each(|name| page.anchors.insert(name.as_str()));
        }
    }
    page
}

/// Read the tags in a page that is not HTML itself. Says up to where a `<pre>` reaches that begins in them and does not end: what it shows is code.
fn of_tags(source: &Source, span: Span, page: &mut Page) -> usize {
    let mut in_pre = None;
    for piece in html::pieces(source.slice(span), span.start) {
        match piece {
            Piece::Open(tag) => {
                if tag.name == "pre" {
                    in_pre = Some(tag.span.end);
                }
                of_tag(&tag, in_pre.is_none(), page);
            }
            Piece::Close(name, _) if name == "pre" => in_pre = None,
            _ => {}
        }
    }
    let Some(from) = in_pre else { return 0 };
    let rest = source.text().get(from..).unwrap_or("").to_ascii_lowercase();
    from + rest.find("</pre").unwrap_or(rest.len())
}

/// The anchors of a tag, and its link if it is `shown`.
fn of_tag(tag: &html::Tag, shown: bool, page: &mut Page) {
    page.anchors.insert(tag.attribute("id"));
    if tag.name == "a" {
        page.anchors.insert(tag.attribute("name"));
    }
    let target = match tag.name.as_str() {
        "a" => tag.attribute("href"),
        "img" => tag.attribute("src"),
        _ => "",
    };
    if shown && !target.trim().is_empty() {
        page.links.push(Link { span: tag.span, target: target.trim().to_owned() });
    }
}

fn of_html(source: &Arc<Source>) -> Page {
    let mut page = Page::default();
    for step in html::trace(source) {
        if let Step::Open { tag, seen } | Step::Void { tag, seen } = step {
            of_tag(&tag, seen, &mut page);
        }
    }
    page
}
