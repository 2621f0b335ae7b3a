//! Names that have moved: in import statements, and where they are read. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::Plans;
use super::names::{Binding, first_words};
use super::view::Change;
use super::{Group, Page};
use crate::moves::{self, Kind};
use crate::python::{Dotted, Import, Root};

impl Page<'_> {
    /// What import statements bring in and that is elsewhere now: a group a statement, with what is read by its names.
    pub(super) fn imports(&self) -> Vec<Group> {
        let mut groups = Vec::new();
        for (index, view) in self.views.iter().enumerate() {
            for (number, import) in view.sites.imports.iter().enumerate() {
                if import.from.as_ref().is_some_and(|from| from.name.starts_with('.')) {
                    continue;
                }
                let mut group = Group { touches: vec![(index, import.span)], ..Group::default() };
                match &import.from {
                    Some(from) => self.names_from(&mut group, (index, number), import, &from.name),
                    None => self.modules(&mut group, (index, number), import),
                }
                if !group.moves.is_empty() {
                    groups.push(group);
                }
            }
        }
        groups
    }

    fn binding(&self, key: (usize, usize), item: usize) -> Option<&Binding> {
        self.names.0.iter().find(|binding| binding.at.0 == key.0 && binding.import == Some((key.1, item)))
    }

    /// Whether something else than `path` has this name.
    fn is_taken(&self, name: &str, path: &str) -> bool {
        self.names.0.iter().any(|binding| binding.name == name && binding.path.as_deref() != Some(path))
    }

    fn names_from(&self, group: &mut Group, key: (usize, usize), import: &Import, from: &str) {
        let moved: Vec<_> = import.names.iter().map(|name| moves::follow(&import.path(name))).collect();
        for (name, moved) in import.names.iter().zip(&moved) {
            let path = import.path(name);
            let told = || moves::name(&path).or_else(|| moves::module(&path)).filter(|gone| gone.new.is_empty());
            match moved {
                Some((_, steps)) => steps.iter().for_each(|one| group.add(one)),
                None => told().into_iter().for_each(|one| group.add(one)),
            }
        }
        let homes: BTreeSet<Option<&str>> = moved.iter().map(|moved| moved.as_ref().and_then(|(to, _)| Some(to.rsplit_once('.')?.0))).collect();
        let together = homes.len() == 1;
        for (item, (name, moved)) in import.names.iter().zip(&moved).enumerate() {
            let Some((to, steps)) = moved else { continue };
            let old = name.alias.as_ref().unwrap_or(&name.name).name.as_str();
            let (module, new) = to.rsplit_once('.').unwrap_or(("", to));
            let is_module = module.is_empty() && steps.last().is_some_and(|one| one.kind == Kind::Module);
            let keeps = name.alias.is_some() || is_module || self.is_taken(new, to) && new != old;
            let written = if keeps && old != new { format!("{new} as {old}") } else { new.to_owned() };
            let plan = group.plans.of.entry(key).or_default();
            if together && !module.is_empty() {
                plan.module = (module != from).then(|| module.to_owned());
                if new != name.name.name {
                    plan.items.insert(item, Some(written.clone()));
                }
            } else if module == from {
                plan.items.insert(item, Some(written.clone()));
            } else {
                plan.items.insert(item, None);
                if is_module {
                    plan.after.insert(format!("import {written}"));
                } else if !module.is_empty() {
                    plan.after.insert(format!("from {module} import {written}"));
                }
            }
            self.rename(group, key, item, (!keeps && new != old).then_some(new));
        }
    }

    /// Every place that reads an imported name has to do with its move; with a new name, it changes.
    fn rename(&self, group: &mut Group, key: (usize, usize), item: usize, new: Option<&str>) {
        let Some(binding) = self.binding(key, item) else { return };
        for (view, dotted) in self.names.reads(&self.views, binding) {
            group.touches.push((view, dotted.span()));
            if let Some(new) = new {
                group.changes.push((view, Change { span: first_words(dotted, 1), text: new.to_owned() }));
            }
        }
    }

    fn modules(&self, group: &mut Group, key: (usize, usize), import: &Import) {
        for (item, name) in import.names.iter().enumerate() {
            let path = &name.name.name;
            let Some((to, steps)) = moves::follow(path) else {
                moves::module(path).filter(|gone| gone.new.is_empty()).into_iter().for_each(|one| group.add(one));
                continue;
            };
            steps.iter().for_each(|one| group.add(one));
            let root = to.split('.').next().unwrap_or_default();
            let alias = name.alias.as_ref().map(|alias| alias.name.as_str());
            let alias = alias.or_else(|| (self.is_taken(root, root) && !path.contains('.')).then_some(path));
            let mut homes: BTreeSet<String> = BTreeSet::new();
            let reads: Vec<_> = self.binding(key, item).map(|binding| self.names.reads(&self.views, binding).collect()).unwrap_or_default();
            for (view, dotted) in reads {
                let Some(read) = self.names.path(view, dotted).filter(|read| read == path || read.starts_with(&format!("{path}."))) else { continue };
                group.touches.push((view, dotted.span()));
                let Some((now, _)) = moves::follow(&read) else { continue };
                let stays = now == to || now.starts_with(&format!("{to}."));
                homes.insert(if stays { to.clone() } else { now.rsplit_once('.').map_or(&*now, |(module, _)| module).to_owned() });
                if alias.is_none() || !stays {
                    group.changes.push((view, Change { span: dotted.span(), text: now }));
                }
            }
            let (own, mut others) = (homes.is_empty() || homes.contains(&to), homes.into_iter().filter(|home| *home != to));
            let first = if own { alias.map_or_else(|| to.clone(), |alias| format!("{to} as {alias}")) } else { others.next().unwrap_or_default() };
            let written = std::iter::once(first).chain(others).collect::<Vec<_>>().join(", ");
            group.plans.of.entry(key).or_default().items.insert(item, Some(written));
        }
    }

    /// Names that are read through something that stays where it is: `flask.escape`, `validators.Required`, `unicode`, `self.assertEquals`.
    pub(super) fn references(&self) -> Vec<Group> {
        let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
        for (index, view) in self.views.iter().enumerate() {
            for dotted in &view.sites.dotted {
                let found = self.test_method(dotted).or_else(|| self.of_path(index, dotted)).or_else(|| self.builtin(index, dotted));
                let Some((one, words, to)) = found else { continue };
                let group = groups.entry(&one.old).or_default();
                group.add(one);
                group.touches.push((index, dotted.span()));
                let span = first_words(dotted, words);
                let text = match to {
                    To::Nowhere => continue,
                    To::LastWord(word) => {
                        let last = dotted.words[words - 1].span;
                        group.changes.push((index, Change { span: last, text: word }));
                        continue;
                    }
                    To::Path(path) => {
                        let mut plans = std::mem::take(&mut group.plans);
                        let text = self.spelled(&mut plans, (index, span.start), &path);
                        group.plans = plans;
                        text
                    }
                };
                if text != view.text(span) {
                    group.changes.push((index, Change { span, text }));
                }
            }
        }
        groups.into_values().collect()
    }

    pub(super) fn spelled(&self, plans: &mut Plans, at: (usize, usize), path: &str) -> String {
        plans.spelled(&self.views, &self.names, at, path)
    }

    fn test_method(&self, dotted: &Dotted) -> Option<(&'static moves::Move, usize, To)> {
        let [object, method] = &dotted.words[..] else { return None };
        let one = moves::test_methods().find(|one| object.name == "self" && one.old == method.name)?;
        Some((one, 2, if one.new.is_empty() { To::Nowhere } else { To::LastWord(one.new.clone()) }))
    }

    fn builtin(&self, view: usize, dotted: &Dotted) -> Option<(&'static moves::Move, usize, To)> {
        let name = &dotted.words[0].name;
        let one = moves::builtin(name).filter(|_| matches!(dotted.root, Root::Module(_)) && !dotted.store)?;
        self.names.binding(name, (view, dotted.span().start)).is_none().then(|| (one, 1, To::Path(one.new.clone())))
    }

    fn of_path(&self, view: usize, dotted: &Dotted) -> Option<(&'static moves::Move, usize, To)> {
        let path = self.names.path(view, dotted)?;
        let words: Vec<&str> = path.split('.').collect();
        // How many words the first word of the code stands for.
        let root = words.len() - dotted.words.len() + 1;
        if moves::follow(&words[..root].join(".")).is_some() {
            return None;
        }
        (root + 1..=words.len()).find_map(|count| {
            let old = words[..count].join(".");
            let own = count - root + 1;
            if let Some((to, steps)) = moves::follow(&old) {
                let module = |path: &str| path.rsplit_once('.').map(|(module, _)| module.to_owned());
                let last = to.rsplit('.').next().unwrap_or_default().to_owned();
                let to = if module(&to) == module(&old) { To::LastWord(last) } else { To::Path(to) };
                return Some((*steps.last()?, own, to));
            }
            moves::name(&old).filter(|one| one.new.is_empty()).map(|one| (one, own, To::Nowhere))
        })
    }
}

/// Where something that is read is now.
enum To {
    /// Nobody has it any more.
    Nowhere,
    /// In the same place, under another name.
    LastWord(String),
    /// At this dotted name.
    Path(String),
}
