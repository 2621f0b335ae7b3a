//! Frames: findings on the guide's own lines, as annotate-snippets draws them.
//!
//! Only the lines in question are handed on, cut to a sane length and with every hidden character written out, so that a hostile page can neither
//! drive the terminal nor make drawing slow. Nothing here prints.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Element, Level, Message, Origin, Renderer, Snippet};
use anstyle::{AnsiColor, Effects, Style};

use super::cause::Cause;
use super::terminal::Options;
use super::text::{self, push_visible};
use super::{last_line, wording};
use crate::finding::{Location, Severity};
use crate::source::{Source, Span};

/// Notes are not green: nothing is well because of them.
const NOTE: Style = AnsiColor::BrightCyan.on_default().effects(Effects::BOLD);
/// Places that are further apart than this many lines get a frame each.
const FRAME_LINES: usize = 60;
/// How many characters of a line are drawn.
const LINE_LIMIT: usize = 400;

/// A finding with its related places, its help and what follows from it, as text that ends in a newline.
pub(super) fn render(cause: &Cause<'_>, options: &Options) -> String {
    let finding = cause.finding;
    let (told, drawn): (Vec<_>, Vec<_>) = finding.related.iter().partition(|related| related.location.source.is_outline());
    let (near, far): (Vec<_>, Vec<_>) = drawn.into_iter().partition(|related| near(&finding.location, &related.location));
    let mut marks = vec![(&finding.location, None)];
    marks.extend(near.iter().map(|related| (&related.location, Some(text::one_line(&related.message)))));

    let mut elements = frame(&marks, AnnotationKind::Primary);
    for related in far {
        elements.extend(frame(&[(&related.location, Some(text::one_line(&related.message)))], AnnotationKind::Context));
    }
    elements.extend(told.into_iter().map(|related| Level::NOTE.message(text::one_line(&wording::related(related))).into()));
    elements.extend(remarks(cause, options).into_iter().map(Element::from));

    let level = level(finding.severity());
    let group = level.primary_title(text::marked(&finding.message)).id(finding.code.word()).elements(elements);
    let renderer = if options.colour { Renderer::styled().hyperlink(false).note(NOTE) } else { Renderer::plain() };
    let mut drawn = renderer.decor_style(DecorStyle::Ascii).term_width(options.width.max(40)).render(&[group]);
    drawn.push('\n');
    drawn
}

/// What stands below the lines: help, and what follows.
fn remarks<'a>(cause: &Cause<'_>, options: &Options) -> Vec<Message<'a>> {
    let mut messages = Vec::new();
    if let Some(help) = &cause.finding.help {
        messages.push(Level::HELP.message(text::marked(help)));
    }
    if options.verbose {
        messages.extend(cause.consequences.iter().map(|finding| Level::NOTE.message(text::one_line(&wording::consequence(finding)))));
    } else if let Some(note) = wording::consequences(cause) {
        messages.push(Level::NOTE.message(text::one_line(&note)));
    }
    if let Some(environments) = &cause.environments {
        messages.push(Level::NOTE.message(text::one_line(environments)));
    }
    messages
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

/// Whether two places fit into one frame: the same text, the same cell, not far apart.
fn near(one: &Location, other: &Location) -> bool {
    one.source.path() == other.source.path()
        && one.place().cell == other.place().cell
        && one.source.text().len() == other.source.text().len()
        && one.source.line_of(one.span.start).abs_diff(other.source.line_of(other.span.start)) <= FRAME_LINES
}

/// The origin line and the excerpt of some marks of one source; the first mark is the one that counts, and `kind` is how it is drawn.
fn frame(marks: &[(&Location, Option<String>)], kind: AnnotationKind) -> Vec<Element<'static>> {
    let Some((main, _)) = marks.first() else { return Vec::new() };
    let place = main.place();
    let path = text::exact(&wording::path(main.path(), place.cell));
    let excerpt = Excerpt::new(&main.source, marks.iter().map(|(location, _)| clamp(location)));
    if main.source.is_outline() || excerpt.text.trim().is_empty() {
        return vec![Origin::path(path).line(place.line).char_column(place.column).into()];
    }
    let annotations = marks.iter().enumerate().map(|(index, (location, label))| {
        let kind = if index == 0 { kind } else { AnnotationKind::Context };
        let span = clamp(location);
        kind.span(excerpt.at(span.start)..excerpt.at(span.end).max(excerpt.at(span.start))).label(label.clone())
    });
    let annotations: Vec<Annotation<'static>> = annotations.collect();
    let shift = main.source.line_of(main.span.start) - place.line;
    let snippet = Snippet::source(excerpt.text.clone()).line_start(excerpt.first - shift).annotations(annotations);
    // Where the line is drawn otherwise than it stands in the page, the column has to be said, not counted.
    if excerpt.column(excerpt.at(clamp(main).start)) == place.column {
        vec![snippet.path(path).into()]
    } else {
        vec![Origin::path(path).line(place.line).char_column(place.column).into(), snippet.into()]
    }
}

/// The span of a location inside its text, without blank ends, so that a mark never runs over a line's end for nothing.
fn clamp(location: &Location) -> Span {
    let length = location.source.text().len();
    let span = Span::new(location.span.start.min(length), location.span.end.min(length));
    let text = location.source.slice(span);
    let end = span.start + text.trim_end().len();
    let last = location.source.line_of(span.start) + FRAME_LINES;
    Span::new(span.start, end.min(location.source.line_span(last).end))
}

/// Some lines of a source as they are drawn, and where in them each offset of the source went.
struct Excerpt {
    /// The line of the source (from 1) that comes first.
    first: usize,
    /// What is drawn.
    text: String,
    /// Offsets of the source with theirs in `text`, ascending.
    map: Vec<(usize, usize)>,
}

impl Excerpt {
    fn new(source: &Source, spans: impl Iterator<Item = Span> + Clone) -> Self {
        let first = spans.clone().map(|span| source.line_of(span.start)).min().unwrap_or(1);
        let last = spans.clone().map(|span| source.line_of(span.end)).max().unwrap_or(first);
        let mut excerpt = Self { first, text: String::new(), map: Vec::new() };
        for line in first..=last {
            let span = source.line_span(line);
            // A line that is too long is drawn from shortly before its first mark.
            let mark = spans.clone().map(|mark| mark.start).filter(|&at| span.start <= at && at <= span.end).min();
            excerpt.push_line(source.slice(span), span, mark.unwrap_or(span.start));
        }
        excerpt
    }

    fn push_line(&mut self, line: &str, span: Span, mark: usize) {
        let long = line.len() > LINE_LIMIT && line.chars().count() > LINE_LIMIT;
        let skip = if long { line.char_indices().take_while(|(at, _)| span.start + at < mark).count().saturating_sub(LINE_LIMIT / 4) } else { 0 };
        if skip > 0 {
            self.text.push('…');
        }
        let mut cut = false;
        for (index, (at, c)) in line.char_indices().enumerate().skip(skip) {
            self.map.push((span.start + at, self.text.len()));
            if long && index - skip >= LINE_LIMIT {
                self.text.push('…');
                cut = true;
                break;
            }
            push_visible(&mut self.text, c);
        }
        if !cut {
            self.map.push((span.end, self.text.len()));
        }
        self.text.push('\n');
    }

    /// The column, in characters from 1, of an offset of the text.
    fn column(&self, at: usize) -> usize {
        let line = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        self.text[line..at].chars().count() + 1
    }

    /// Where an offset of the source is in the text: the place itself, or the nearest one that is drawn.
    fn at(&self, offset: usize) -> usize {
        let index = self.map.partition_point(|(from, _)| *from < offset);
        let nearest = self.map.get(index).or_else(|| self.map.last());
        nearest.map_or(0, |(_, to)| *to)
    }
}

/// A quiet finding on one line.
pub(super) fn line(cause: &Cause<'_>) -> String {
    let finding = cause.finding;
    let environments = cause.environments.as_ref().map(|environments| format!(" ({environments})")).unwrap_or_default();
    let lines = if last_line(&finding.location) == finding.location.place().line { String::new() } else { format!(" ({})", wording::lines(&finding.location)) };
    let (severity, code, place) = (finding.severity().word(), finding.code.word(), wording::place(&finding.location));
    text::one_line(&format!("{severity}[{code}]: {place}{lines}: {}{environments}", finding.message))
}
