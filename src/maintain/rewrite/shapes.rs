//! Expressions that are written in another shape now: patterns, keywords, decorators, strings that became attributes. Pure.

use std::collections::BTreeMap;

use super::imports::Plans;
use super::view::{Change, View};
use super::{Group, Page};
use crate::moves::{self, Kind, Move};
use crate::python::{Called, Match, Pattern};
use crate::source::Span;

/// Holes that only an engine fills, however the page calls it.
const ENGINE: &str = "engine";

impl Page<'_> {
    /// Every expression that has another shape now: a group a move.
    pub(super) fn shapes(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let mut taken: Vec<(usize, Span)> = Vec::new();
        let mut shapes: Vec<&'static Move> = moves::of_kind(Kind::Shape).collect();
        // What says most comes first: statements before expressions, texts before anything, the longer before the shorter.
        shapes.sort_by_key(|one| (!one.old.starts_with("statement "), !one.old.contains("_str"), std::cmp::Reverse(one.old.len())));
        let patterns = shapes.into_iter().filter_map(|one| Some((one, Pattern::new(&one.old)?)));
        for (one, pattern) in patterns {
            let mut group = Group::default();
            for (index, view) in self.views.iter().enumerate() {
                let path = |span: Span| self.path_at(index, span);
                for found in pattern.find(&view.code, &path) {
                    let is_engine = found.holes.get(ENGINE).is_none_or(|hole| self.is_engine(view.text(*hole), index));
                    if !is_engine || taken.iter().any(|(other, span)| *other == index && span.start < found.span.end && found.span.start < span.end) {
                        continue;
                    }
                    let text = self.rendered(&mut group.plans, one, (index, view), &found);
                    // A name that the page has nowhere: it may be about something else altogether.
                    if text.is_none() && !one.new.contains("$db") {
                        continue;
                    }
                    taken.push((index, found.span));
                    group.add(one);
                    group.touches.push((index, found.span));
                    match text {
                        Some(text) => group.changes.push((index, Change { span: found.span, text })),
                        None => group.hint = Some("the page does not show the name of its database object".to_owned()),
                    }
                }
            }
            groups.push(group);
        }
        groups.extend(moves::of_kind(Kind::Keyword).map(|one| self.keyword(one)));
        groups.extend(moves::of_kind(Kind::Attribute).map(|one| self.attribute(one)));
        groups.extend(moves::of_kind(Kind::Method).map(|one| self.method(one)));
        groups.extend(moves::of_kind(Kind::Decorator).flat_map(|one| self.decorated(one)));
        groups.retain(|group| !group.moves.is_empty());
        groups
    }

    /// What the dotted name at a span stands for.
    fn path_at(&self, view: usize, span: Span) -> Option<String> {
        let sites = &self.views[view].sites.dotted;
        let at = sites.binary_search_by_key(&span, |dotted| dotted.span()).ok()?;
        self.names.path(view, &sites[at])
    }

    fn is_engine(&self, text: &str, view: usize) -> bool {
        let last = text.rsplit('.').next().unwrap_or(text);
        last.to_lowercase().ends_with(ENGINE) || self.names.called("create_engine", (view, usize::MAX)) == Some(text)
    }

    /// A name that a template needs and no hole holds: what the page calls its engine, or its database.
    fn known(&self, hole: &str, view: usize, at: usize) -> Option<String> {
        let callee = match hole {
            ENGINE => "create_engine",
            "db" => "SQLAlchemy",
            _ => return None,
        };
        let reads = || self.views.iter().any(|view| view.sites.dotted.iter().any(|dotted| dotted.words[0].name == hole));
        self.names.called(callee, (view, at)).map(str::to_owned).or_else(|| reads().then(|| hole.to_owned()))
    }

    /// A move's new side, filled in. `None` if something for it is not on the page.
    fn rendered(&self, plans: &mut Plans, one: &Move, (index, view): (usize, &View), found: &Match) -> Option<String> {
        let holes: BTreeMap<&str, &str> = found.holes.iter().map(|(name, span)| (name.as_str(), view.text(*span))).collect();
        self.filled(plans, &one.new, (index, view), found.span.start, &holes)
    }

    fn filled(&self, plans: &mut Plans, template: &str, (index, view): (usize, &View), at: usize, holes: &BTreeMap<&str, &str>) -> Option<String> {
        let (_, indent) = view.line_start(at);
        let mut text = String::new();
        let mut rest = template;
        while let Some(mark) = rest.find(['$', '{', '\n']) {
            text.push_str(&rest[..mark]);
            let (sign, after) = rest[mark..].split_at(1);
            if sign == "\n" {
                text.push('\n');
                text.push_str(indent);
                rest = after;
            } else if sign == "{" {
                let (path, after) = after.split_once('}')?;
                text.push_str(&self.spelled(plans, (index, at), path));
                rest = after;
            } else {
                let many = after.starts_with('$');
                let after = after.trim_start_matches('$');
                let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
                let (name, after) = after.split_at(end);
                rest = after;
                match holes.get(name) {
                    Some(hole) => text.push_str(hole),
                    None if many => {
                        // No comma stands before or after nothing.
                        let cut = text.trim_end_matches(", ").len();
                        if cut < text.len() { text.truncate(cut) } else { rest = rest.trim_start_matches(", ") }
                    }
                    None => text.push_str(&self.known(name, index, at)?),
                }
            }
        }
        text.push_str(rest);
        Some(text)
    }

    /// Whether a call is of this dotted name; a last word `*` stands for any.
    fn calls(&self, view: usize, call: &Called, wanted: &str) -> bool {
        let Some(path) = self.path_at(view, call.callee) else { return false };
        match wanted.strip_suffix(".*") {
            Some(module) => path.rsplit_once('.').is_some_and(|(of, _)| of == module),
            None => path == wanted,
        }
    }

    fn keyword(&self, one: &'static Move) -> Group {
        let mut group = Group::default();
        let Some((callee, keyword)) = one.old.split_once('(').and_then(|(callee, rest)| Some((callee, rest.strip_suffix("=)")?))) else { return group };
        for (index, view) in self.views.iter().enumerate() {
            for call in view.sites.calls.iter().filter(|call| self.calls(index, call, callee)) {
                let is = |argument: &(Option<crate::python::Name>, Span), word: &str| argument.0.as_ref().is_some_and(|name| name.name == word);
                let Some(place) = call.arguments.iter().position(|argument| is(argument, keyword)) else { continue };
                group.add(one);
                let (name, span) = &call.arguments[place];
                group.touches.push((index, call.span));
                let new = one.new.split('=').next().unwrap_or_default();
                if one.new.is_empty() || call.arguments.iter().any(|argument| is(argument, new)) {
                    group.changes.push((index, Change { span: without(call, place), text: String::new() }));
                } else if let (Some(name), true) = (name, one.new.ends_with('=')) {
                    group.changes.push((index, Change { span: name.span, text: new.to_owned() }));
                } else {
                    match self.filled(&mut group.plans, &one.new, (index, view), call.span.start, &BTreeMap::new()) {
                        Some(text) => group.changes.push((index, Change { span: *span, text })),
                        None => group.hint = Some(one.note.clone()),
                    }
                }
            }
        }
        group
    }

    fn attribute(&self, one: &'static Move) -> Group {
        let mut group = Group::default();
        for (index, view) in self.views.iter().enumerate() {
            for call in &view.sites.calls {
                let is = match one.old.strip_prefix('.') {
                    Some(method) => call.method.as_deref() == Some(method) && call.model.is_some() && self.path_at(index, call.callee).is_none(),
                    None => self.calls(index, call, &one.old),
                };
                let names = || call.strings.iter().all(|text| text.name.chars().all(|c| c.is_alphanumeric() || c == '_') && !text.name.is_empty());
                if !is || call.strings.is_empty() || !names() {
                    continue;
                }
                group.add(one);
                group.touches.push((index, call.span));
                match &call.model {
                    Some(model) => {
                        group.changes.extend(call.strings.iter().map(|text| (index, Change { span: text.span, text: format!("{model}.{}", text.name) })));
                    }
                    None => group.hint = Some(one.note.clone()),
                }
            }
        }
        group
    }

    fn method(&self, one: &'static Move) -> Group {
        let mut group = Group::default();
        for (index, view) in self.views.iter().enumerate() {
            for call in view.sites.calls.iter().filter(|call| call.method.as_deref() == Some(&one.old) && call.arguments.is_empty()) {
                group.add(one);
                group.touches.push((index, call.span));
                let span = Span::new(call.callee.end - one.old.len(), call.callee.end);
                group.changes.push((index, Change { span, text: one.new.clone() }));
            }
        }
        group
    }

    /// A group a function: each is put elsewhere by itself.
    fn decorated(&self, one: &'static Move) -> Vec<Group> {
        let mut groups = Vec::new();
        for (index, view) in self.views.iter().enumerate() {
            for found in &view.sites.decorated {
                let Some((last, object)) = found.words.split_last().filter(|(last, object)| last.name == one.old && !object.is_empty()) else { continue };
                let object = view.text(Span::new(object[0].span.start, last.span.start - 1));
                let holes = BTreeMap::from([("object", object), ("function", found.function.as_str())]);
                let mut group = Group { touches: vec![(index, found.decorator)], ..Group::default() };
                group.add(one);
                let (start, indent) = view.line_start(found.decorator.start);
                let line = Span::new(start, view.line_end(found.decorator.end) + 1);
                let mut plans = std::mem::take(&mut group.plans);
                if let Some(text) = self.filled(&mut plans, &one.new, (index, view), found.decorator.start, &holes) {
                    let end = view.line_end(found.whole.end);
                    group.changes.push((index, Change { span: line, text: String::new() }));
                    group.changes.push((index, Change { span: Span::new(end, end), text: format!("\n\n{indent}{text}") }));
                }
                group.plans = plans;
                groups.push(group);
            }
        }
        groups
    }
}

/// An argument with the comma that goes with it.
fn without(call: &Called, place: usize) -> Span {
    let spans: Vec<Span> = call.arguments.iter().map(|(_, span)| *span).collect();
    match (place.checked_sub(1), spans.get(place + 1)) {
        (Some(before), _) => Span::new(spans[before].end, spans[place].end),
        (None, Some(next)) => Span::new(spans[place].start, next.start),
        (None, None) => spans[place],
    }
}
