//! Takes a page of many lessons apart at its numbered headings. A page with fewer than two of them is one lesson.

use std::collections::BTreeMap;

use super::super::page::Page;
use super::super::{number, settle};
use crate::finding::Finding;
use crate::guide::{Block, Chapter, Guide, Lesson, Prose, ProseKind};
use crate::source::Span;

/// A heading at which something starts.
#[derive(Debug, Clone)]
struct Start {
    at: usize,
    number: String,
    title: String,
    is_chapter: bool,
}

/// The page as a guide.
pub(super) fn guide(mut page: Page, id: &str, title: Option<String>) -> Guide {
    let starts = starts(&page.prose);
    let Some(first) = starts.first().filter(|_| starts.iter().filter(|start| !start.is_chapter).count() > 1) else {
        return page.guide(id, title);
    };
    page.end();
    let first_at = first.at;
    let unnumbered = page.prose.iter().take_while(|prose| prose.span.start < first_at).find(|prose| matches!(prose.kind, ProseKind::Heading(_)));
    let mut guide = Guide { title: title.or_else(|| unnumbered.map(|prose| prose.text.clone())), ..Guide::default() };
    let end = page.source.text().len();
    let mut rest = Rest { blocks: page.blocks, prose: page.prose, findings: page.findings };
    let before = rest.until(first_at);
    if !before.blocks.is_empty() {
        let lesson = before.lesson(&page.source, Span::new(0, first_at), id.to_owned(), None, guide.title.clone().unwrap_or_else(|| id.to_owned()));
        guide.chapters.push(Chapter { lessons: vec![lesson], ..Chapter::default() });
    }
    let mut seen = BTreeMap::<String, usize>::new();
    for (index, start) in starts.iter().enumerate() {
        let next = starts.get(index + 1).map_or(end, |next| next.at);
        let part = rest.until(next);
        if start.is_chapter {
            guide.chapters.push(Chapter { number: Some(start.number.clone()), title: start.title.clone(), lessons: Vec::new() });
            if part.blocks.is_empty() {
                continue;
            }
        }
        let times = seen.entry(start.number.clone()).or_default();
        *times += 1;
        let id = if *times == 1 { format!("{id}#{}", start.number) } else { format!("{id}#{}-{times}", start.number) };
        let lesson = part.lesson(&page.source, Span::new(start.at, next), id, Some(start.number.clone()), start.title.clone());
        if guide.chapters.last().is_none_or(|chapter| chapter.number.as_deref() != start.number.split('.').next()) {
            let number = start.number.split('.').next().map(str::to_owned);
            guide.chapters.push(Chapter { number, ..Chapter::default() });
        }
        if let Some(chapter) = guide.chapters.last_mut() {
            chapter.lessons.push(lesson);
        }
    }
    guide
}

/// The headings at which chapters and lessons start. A title that is repeated right away starts nothing.
fn starts(prose: &[Prose]) -> Vec<Start> {
    let mut starts: Vec<Start> = Vec::new();
    for prose in prose.iter().filter(|prose| matches!(prose.kind, ProseKind::Heading(_))) {
        let start = match number::of_title(&prose.text) {
            (Some(number), title) if number.split('.').count() == 2 => Start { at: prose.span.start, number, title, is_chapter: false },
            (Some(number), _) if number.contains('.') => continue,
            _ => match chapter(&prose.text) {
                Some((number, title)) => Start { at: prose.span.start, number, title, is_chapter: true },
                None => continue,
            },
        };
        if starts.last().is_none_or(|last| last.number != start.number) {
            starts.push(start);
        }
    }
    // `1. Install` is a chapter only if there is a lesson of chapter 1; else it is a step.
    let lessons: Vec<String> = starts.iter().filter(|start| !start.is_chapter).map(|start| start.number.clone()).collect();
    starts.retain(|start| !start.is_chapter || lessons.iter().any(|lesson| lesson.split('.').next() == Some(start.number.as_str())));
    starts
}

/// The number and title of a chapter's heading: `5 Databases`, `5. Databases`, `Chapter 5: Databases`.
fn chapter(text: &str) -> Option<(String, String)> {
    let rest = text.strip_prefix("Chapter ").unwrap_or(text);
    let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (number, title) = rest.split_at(digits);
    let title = title.strip_prefix(['.', ':', ')']).unwrap_or(title);
    let is_chapter = (1..=3).contains(&digits) && (title.starts_with(' ') || title.is_empty() && rest.len() < text.len());
    is_chapter.then(|| (number.to_owned(), title.trim_start_matches([' ', '-', '\u{2013}', '\u{2014}']).to_owned()))
}

/// What of a page is not yet in a lesson.
struct Rest {
    blocks: Vec<Block>,
    prose: Vec<Prose>,
    findings: Vec<Finding>,
}

impl Rest {
    /// Take what stands before an offset.
    fn until(&mut self, offset: usize) -> Self {
        let mut blocks = self.blocks.split_off(self.blocks.partition_point(|block| block.span().start < offset));
        std::mem::swap(&mut blocks, &mut self.blocks);
        let mut prose = self.prose.split_off(self.prose.partition_point(|prose| prose.span.start < offset));
        std::mem::swap(&mut prose, &mut self.prose);
        let (findings, later) = std::mem::take(&mut self.findings).into_iter().partition(|finding| finding.location.span.start < offset);
        self.findings = later;
        Self { blocks, prose, findings }
    }

    fn lesson(self, source: &std::sync::Arc<crate::source::Source>, span: Span, id: String, number: Option<String>, title: String) -> Lesson {
        let Self { mut blocks, prose, findings } = self;
        settle::settle(&mut blocks, &prose);
        Lesson { id, number, title, source: std::sync::Arc::clone(source), span, line: source.line_of(span.start), blocks, prose, draft: false, findings }
    }
}
