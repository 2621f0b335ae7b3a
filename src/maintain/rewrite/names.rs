//! What names stand for on a page: followed through imports and aliases, from block to block. Pure.

use super::view::View;
use crate::python::{Dotted, Root, parse};
use crate::source::Span;

/// A place in the code of a lesson: a view, and an offset in it.
pub(super) type At = (usize, usize);

/// A name that the page binds.
#[derive(Debug)]
pub(super) struct Binding {
    pub(super) name: String,
    /// The dotted name that it stands for, if it is imported.
    pub(super) path: Option<String>,
    pub(super) at: At,
    /// The import statement and the name in it, if it is one.
    pub(super) import: Option<(usize, usize)>,
    /// The last word of the call whose value it is.
    pub(super) call: Option<String>,
}

/// Every name that the page binds outside of functions, in its order.
#[derive(Debug, Default)]
pub(super) struct Names(pub(super) Vec<Binding>);

impl Names {
    pub(super) fn of(views: &[View]) -> Self {
        let mut all = Vec::new();
        for (index, view) in views.iter().enumerate() {
            for (number, import) in view.sites.imports.iter().enumerate().filter(|(_, import)| import.top) {
                for (place, imported) in import.names.iter().enumerate() {
                    let (name, path) = import.binding(imported);
                    all.push(Binding { name, path: Some(path), at: (index, import.span.start), import: Some((number, place)), call: None });
                }
            }
            for bind in parse(&view.code).statements.into_iter().flat_map(|statement| statement.binds) {
                let call = match bind.kind {
                    crate::python::BindKind::Import { .. } => continue,
                    crate::python::BindKind::Call(call) => Some(call),
                    _ => None,
                };
                all.push(Binding { name: bind.name, path: None, at: (index, bind.span.start), import: None, call });
            }
        }
        all.sort_by_key(|binding| binding.at);
        Self(all)
    }

    /// What a name is bound to at a place: the last binding before it. A function, and a block that the page runs after a later one, may also find it below.
    pub(super) fn binding(&self, name: &str, at: At) -> Option<&Binding> {
        let of_name = || self.0.iter().filter(|binding| binding.name == name);
        of_name().rfind(|binding| binding.at < at).or_else(|| of_name().next())
    }

    /// The dotted name that a name and its attributes stand for.
    pub(super) fn path(&self, view: usize, dotted: &Dotted) -> Option<String> {
        let root = match &dotted.root {
            Root::Local => return None,
            Root::Imported(path) => path.clone(),
            Root::Module(_) => self.binding(&dotted.words[0].name, (view, dotted.span().start))?.path.clone()?,
        };
        Some(dotted.words[1..].iter().fold(root, |path, word| format!("{path}.{}", word.name)))
    }

    /// The name that is bound to the value of such a call, the last before a place or else the first.
    pub(super) fn called(&self, callee: &str, at: At) -> Option<&str> {
        let of_call = || self.0.iter().filter(|binding| binding.call.as_deref() == Some(callee));
        of_call().rfind(|binding| binding.at < at).or_else(|| of_call().next()).map(|binding| binding.name.as_str())
    }

    /// Every place where a binding is read, with its view.
    pub(super) fn reads<'v>(&'v self, views: &'v [View], binding: &'v Binding) -> impl Iterator<Item = (usize, &'v Dotted)> {
        views.iter().enumerate().flat_map(|(index, view)| view.sites.dotted.iter().map(move |dotted| (index, dotted))).filter(move |(index, dotted)| {
            let is_module = matches!(dotted.root, Root::Module(_));
            is_module
                && dotted.words[0].name == binding.name
                && self.binding(&binding.name, (*index, dotted.span().start)).is_some_and(|found| std::ptr::eq(found, binding))
        })
    }
}

/// The span of the first words of a dotted name.
pub(super) fn first_words(dotted: &Dotted, count: usize) -> Span {
    let last = dotted.words.get(count.saturating_sub(1)).or(dotted.words.last());
    Span::new(dotted.span().start, last.map_or(0, |word| word.span.end))
}
