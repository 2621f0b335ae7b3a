//! What to write instead: known moves, applied to a lesson's code on its syntax. `Lesson --proposals--> edits of the guide's own bytes`. Pure.
//!
//! Nothing here is known to be right: an edit is offered only after the lesson has been run with it.

mod imports;
mod moved;
mod names;
mod shapes;
mod view;

use std::collections::BTreeSet;

use crate::finding::Edit;
use crate::guide::Lesson;
use crate::moves::Move;
use crate::python;
use imports::Plans;
use names::Names;
use view::{Change, View};

/// What one move, or the moves in one import statement, would change in a lesson.
#[derive(Debug, Clone, Default)]
pub struct Proposal {
    /// The moves.
    pub moves: Vec<&'static Move>,
    /// What changes, by place; they do not overlap. Empty if there are only words to say.
    pub edits: Vec<Edit>,
    /// Lines of the guide, from 1, where what has moved is written or used.
    pub lines: BTreeSet<usize>,
    /// Why there are no edits, or what to do by hand.
    pub hint: Option<String>,
}

/// The page as code.
struct Page<'a> {
    lesson: &'a Lesson,
    views: Vec<View>,
    names: Names,
}

/// What changes together, in code.
#[derive(Debug, Default, Clone)]
struct Group {
    moves: Vec<&'static Move>,
    changes: Vec<(usize, Change)>,
    plans: Plans,
    /// Places that have to do with it.
    touches: Vec<(usize, crate::source::Span)>,
    hint: Option<String>,
}

impl Group {
    fn add(&mut self, one: &'static Move) {
        if !self.moves.contains(&one) {
            self.moves.push(one);
        }
    }

    /// Take over what another changes around a change of this one's: the whole goes with its part.
    fn absorb(&mut self, other: &mut Self) {
        let around = |outer: &(usize, Change), inner: &(usize, Change)| {
            outer.0 == inner.0 && outer.1.span.start <= inner.1.span.start && inner.1.span.end <= outer.1.span.end
        };
        let (taken, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut other.changes).into_iter().partition(|outer| self.changes.iter().any(|inner| around(outer, inner)));
        other.changes = left;
        if taken.is_empty() {
            return;
        }
        self.changes.retain(|inner| !taken.iter().any(|outer| around(outer, inner)));
        self.touches.extend(taken.iter().map(|(view, change)| (*view, change.span)));
        self.changes.extend(taken);
        other.moves.iter().for_each(|one| self.add(one));
        for (key, plan) in std::mem::take(&mut other.plans.of) {
            self.plans.of.entry(key).or_insert(plan);
        }
        self.plans.first.append(&mut other.plans.first);
    }
}

/// Everything on a lesson's page that the table of moves knows, whatever of it is in anybody's way.
#[must_use]
pub fn proposals(lesson: &Lesson) -> Vec<Proposal> {
    let views: Vec<View> = (0..lesson.blocks.len()).filter_map(|index| View::of(lesson, index)).collect();
    let names = Names::of(&views);
    let page = Page { lesson, views, names };
    let (mut imports, mut shapes) = (page.imports(), page.shapes());
    for import in &mut imports {
        shapes.iter_mut().for_each(|shape| import.absorb(shape));
    }
    shapes.retain(|shape| !shape.changes.is_empty() || shape.hint.is_some());
    let groups = page.python2().into_iter().chain(imports).chain(page.references()).chain(shapes);
    groups.map(|group| page.proposal(group)).collect()
}

impl Page<'_> {
    /// A group as edits of the guide.
    fn proposal(&self, mut group: Group) -> Proposal {
        self.tidy(&mut group);
        let source = &self.lesson.source;
        let lines = group.touches.iter().flat_map(|(view, span)| self.views[*view].guide_lines(source, *span)).collect();
        let mut changes = group.changes;
        changes.extend(group.plans.changes(&self.views));
        let edits: Option<Vec<Edit>> = changes.iter().map(|(view, change)| self.views[*view].edit(source, change)).collect();
        let mut hint = group.hint;
        let mut edits = edits.unwrap_or_else(|| {
            hint = Some("the page does not hold this code letter by letter".to_owned());
            Vec::new()
        });
        edits.sort();
        edits.dedup();
        if edits.windows(2).any(|pair| pair[1].span.start < pair[0].span.end) {
            hint = Some("its parts are in each other's way".to_owned());
            edits.clear();
        }
        if edits.is_empty() && hint.is_none() {
            hint = group.moves.first().map(|one| one.instead());
        }
        Proposal { moves: group.moves, edits, lines, hint }
    }

    /// Take out of imports what nothing needs any more once a group's changes are made.
    fn tidy(&self, group: &mut Group) {
        let inside = |view: usize, span: crate::source::Span| {
            group
                .changes
                .iter()
                .find(|(other, change)| *other == view && change.span.start <= span.start && span.end <= change.span.end)
                .map(|(_, change)| change)
        };
        for binding in &self.names.0 {
            let Some((import, item)) = binding.import else { continue };
            let reads: Vec<_> = self.names.reads(&self.views, binding).collect();
            let written = |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == binding.name);
            let gone = !reads.is_empty() && reads.iter().all(|(view, dotted)| inside(*view, dotted.span()).is_some_and(|change| !written(&change.text)));
            // A read of a part of what was replaced counts by the whole.
            if gone && !group.changes.iter().any(|(_, change)| written(&change.text)) {
                let plan = group.plans.of.entry((binding.at.0, import)).or_default();
                plan.items.entry(item).or_insert(None);
                group.touches.push((binding.at.0, self.views[binding.at.0].sites.imports[import].span));
            }
        }
    }

    /// Blocks of Python 2: line by line, and only where all of it parses then.
    fn python2(&self) -> Vec<Group> {
        let told = || crate::moves::of_kind(crate::moves::Kind::Told).collect::<Vec<_>>();
        let of_view = |(index, view): (usize, &View)| {
            let lines: Vec<(usize, &str)> = view.code_lines().collect();
            let modern = python::modern_lines(&view.code)?;
            let changed = lines.iter().filter_map(|(start, line)| {
                let number = view.code[..*start].matches('\n').count();
                let text = modern.get(number).filter(|text| text != line)?;
                Some((index, Change { span: crate::source::Span::new(*start, start + line.len()), text: text.clone() }))
            });
            let changes: Vec<_> = changed.collect();
            let whole = crate::source::Span::new(0, view.code.len().saturating_sub(1));
            Some(Group { moves: told(), touches: vec![(index, whole)], changes, ..Group::default() })
        };
        self.views.iter().enumerate().filter(|(_, view)| !view.parses).filter_map(of_view).filter(|group| !group.changes.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests;
