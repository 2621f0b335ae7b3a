//! Import statements, changed name by name: what stays keeps its form and its comments. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{At, Names};
use super::view::{Change, View};
use crate::python::Import;
use crate::source::Span;

/// What becomes of one import statement.
#[derive(Debug, Default, Clone)]
pub(super) struct Plan {
    /// What each name becomes, by its place: other text, or nothing.
    pub(super) items: BTreeMap<usize, Option<String>>,
    /// The module that the whole statement imports from instead.
    pub(super) module: Option<String>,
    /// Names that it imports as well.
    pub(super) adds: Vec<String>,
    /// Statements that follow it.
    pub(super) after: BTreeSet<String>,
}

/// What becomes of the import statements of a lesson: by view and number.
#[derive(Debug, Default, Clone)]
pub(super) struct Plans {
    pub(super) of: BTreeMap<(usize, usize), Plan>,
    /// Statements for views that import nothing, before their first.
    pub(super) first: BTreeMap<usize, BTreeSet<String>>,
    /// Names that are bound by what is planned: by view, what they stand for.
    bound: BTreeMap<String, String>,
}

impl Plans {
    /// How code at a place writes a dotted name, with whatever has to be imported for that planned.
    pub(super) fn spelled(&mut self, views: &[View], names: &Names, at: At, path: &str) -> String {
        let Some((module, name)) = path.rsplit_once('.') else { return path.to_owned() };
        let gone = |binding: &super::names::Binding| {
            let plan = binding.import.and_then(|(import, item)| Some((self.of.get(&(binding.at.0, import))?, item)));
            plan.is_some_and(|(plan, item)| plan.items.contains_key(&item))
        };
        let bound_to = |wanted: &str| {
            let known = names.0.iter().filter(|binding| binding.path.as_deref() == Some(wanted) && binding.at <= at && !gone(binding));
            known.map(|binding| binding.name.clone()).next_back()
        };
        let planned = self.bound.iter().find(|(_, known)| *known == path).map(|(name, _)| name.clone());
        if let Some(name) = planned.or_else(|| bound_to(path)) {
            return name;
        }
        if let Some(known) = bound_to(module) {
            return format!("{known}.{name}");
        }
        // Somebody else's name: the module is written with it.
        let taken = names.0.iter().any(|binding| binding.name == name && binding.path.as_deref() != Some(path) && !gone(binding));
        let statement = if taken { format!("import {module}") } else { format!("from {module} import {name}") };
        let spelled = if taken { path.to_owned() } else { name.to_owned() };
        if !taken {
            self.bound.insert(name.to_owned(), path.to_owned());
        }
        self.import(views, at, module, (!taken).then_some(name), statement);
        spelled
    }

    /// Plan an import: in a statement that imports from the same module, after the last import above, or before everything.
    fn import(&mut self, views: &[View], at: At, module: &str, name: Option<&str>, statement: String) {
        let tops = |view: usize| {
            let own = views[view].sites.imports.iter().enumerate().filter(move |(_, import)| import.top && (view, import.span.start) <= at);
            own.map(move |(number, import)| ((view, number), import))
        };
        let same =
            |(_, import): &(_, &Import)| name.is_some() && import.from.as_ref().is_some_and(|from| from.name == module) && import.names[0].name.name != "*";
        let own: Vec<_> = tops(at.0).collect();
        let above: Vec<_> = (0..at.0).rev().flat_map(tops).collect();
        let in_same = own.iter().rfind(|import| same(import)).or_else(|| above.iter().find(|import| own.is_empty() && same(import)));
        if let (Some((key, _)), Some(name)) = (in_same, name) {
            self.of.entry(*key).or_default().adds.push(name.to_owned());
        } else if let Some((key, _)) = own.last().or_else(|| above.first()) {
            self.of.entry(*key).or_default().after.insert(statement);
        } else {
            self.first.entry(at.0).or_default().insert(statement);
        }
    }

    /// The changes that were planned, by view.
    pub(super) fn changes(&self, views: &[View]) -> Vec<(usize, Change)> {
        let of_statements = self.of.iter().flat_map(|((view, number), plan)| {
            let changes = plan.changes(&views[*view], &views[*view].sites.imports[*number]);
            changes.into_iter().map(move |change| (*view, change))
        });
        let first = self.first.iter().filter_map(|(view, statements)| {
            let start = views[*view].code_lines().find(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))?.0;
            let text = statements.iter().map(|statement| format!("{statement}\n")).collect();
            Some((*view, Change { span: Span::new(start, start), text }))
        });
        of_statements.chain(first).collect()
    }
}

impl Plan {
    fn changes(&self, view: &View, import: &Import) -> Vec<Change> {
        let (_, indent) = view.line_start(import.span.start);
        let stays: Vec<usize> = (0..import.names.len()).filter(|place| self.items.get(place).is_none_or(Option::is_some)).collect();
        let joined = merged(&self.after).join(&format!("\n{indent}"));
        if stays.is_empty() && self.adds.is_empty() {
            return vec![replaced(view, import, joined)];
        }
        let mut changes = Vec::new();
        if let (Some(module), Some(from)) = (&self.module, &import.from) {
            changes.push(Change { span: from.span, text: module.clone() });
        }
        let mut adds: Vec<&str> = self
            .adds
            .iter()
            .map(String::as_str)
            .filter(|name| !import.names.iter().any(|known| known.span.len() == name.len() && known.name.name == **name))
            .collect();
        adds.dedup();
        changes.extend(self.names(import, &stays, &adds));
        if !joined.is_empty() {
            let end = view.line_end(import.span.end);
            changes.push(Change { span: Span::new(end, end), text: format!("\n{indent}{joined}") });
        }
        changes
    }

    /// What happens to the names themselves.
    fn names(&self, import: &Import, stays: &[usize], adds: &[&str]) -> Vec<Change> {
        let span = |place: usize| import.names[place].span;
        let mut adds = adds.join(", ");
        let mut changes = Vec::new();
        let mut place = 0;
        while place < import.names.len() {
            match self.items.get(&place) {
                None => {}
                Some(Some(text)) => changes.push(Change { span: span(place), text: text.clone() }),
                // What comes takes the place of the first that goes.
                Some(None) if !adds.is_empty() => changes.push(Change { span: span(place), text: std::mem::take(&mut adds) }),
                Some(None) => {
                    let next = stays.iter().find(|stay| **stay > place);
                    let gone = match next {
                        Some(&next) => Span::new(span(place).start, span(next).start),
                        None => Span::new(place.checked_sub(1).map_or(span(place).start, |before| span(before).end), span(import.names.len() - 1).end),
                    };
                    changes.push(Change { span: gone, text: String::new() });
                    place = next.map_or(import.names.len(), |next| next - 1);
                }
            }
            place += 1;
        }
        if let (false, Some(last)) = (adds.is_empty(), stays.last()) {
            let end = span(*last).end;
            // Behind the last name, and behind what becomes of it.
            match changes.iter_mut().find(|change| change.span == span(*last)) {
                Some(change) => change.text = format!("{}, {adds}", change.text),
                None => changes.push(Change { span: Span::new(end, end), text: format!(", {adds}") }),
            }
        }
        changes
    }
}

/// Statements, those that import from one module made one.
fn merged(statements: &BTreeSet<String>) -> Vec<String> {
    let mut merged: Vec<String> = Vec::new();
    for statement in statements {
        let head = statement.find(" import ").map(|at| &statement[..at + " import ".len()]).filter(|head| head.starts_with("from "));
        match head.and_then(|head| Some((head, merged.iter_mut().find(|known| known.starts_with(head))?))) {
            Some((head, known)) => known.extend([", ", &statement[head.len()..]]),
            None => merged.push(statement.clone()),
        }
    }
    merged
}

/// A statement that gives way to others, or to nothing: then its line goes as well.
fn replaced(view: &View, import: &Import, text: String) -> Change {
    let (start, indent) = view.line_start(import.span.start);
    let end = view.line_end(import.span.end);
    let alone = start + indent.len() == import.span.start && end == import.span.end;
    if text.is_empty() && alone && end + 1 < view.code.len() {
        return Change { span: Span::new(start, end + 1), text };
    }
    Change { span: import.span, text }
}
