//! Who binds and who reads which name in a program. Pure look-ups over pieces; nothing here knows where a piece comes from.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::lab::exports;
use crate::lab::piece::Piece;
use crate::python::Name;

/// A name that a piece reads and that nothing before it binds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The index of the piece.
    pub(crate) piece: usize,
    /// The name, at its place in the piece's own code.
    pub(crate) name: Name,
    /// Whether it is read only when a function is called.
    pub(crate) later: bool,
}

/// Whether a piece binds a name, `from m import *` of a known module included.
pub(crate) fn binds(piece: &Piece, name: &str) -> bool {
    piece.facts.binds_name(name) || piece.facts.stars.iter().any(|module| exports::exports(module, name))
}

/// The index of the last piece before `before` that binds `name`.
pub(crate) fn binder(pieces: &[Arc<Piece>], before: usize, name: &str) -> Option<usize> {
    pieces[..before].iter().rposition(|piece| binds(piece, name))
}

/// Every name that is read before anything binds it, or read later and bound nowhere; each once, at its first reader, in order.
pub(crate) fn missing(pieces: &[Arc<Piece>]) -> Vec<Missing> {
    let mut found: Vec<Missing> = Vec::new();
    let mut seen = BTreeSet::new();
    let (mut everywhere, mut above) = (Bound::default(), Bound::default());
    pieces.iter().for_each(|piece| everywhere.add(piece));
    for (index, piece) in pieces.iter().enumerate() {
        let now = piece.facts.reads.iter().filter(|name| !above.has(&name.name)).map(|name| (name, false));
        let later = piece.facts.later.iter().filter(|name| !everywhere.has(&name.name)).map(|name| (name, true));
        for (name, later) in now.chain(later) {
            if seen.insert((name.name.as_str(), later)) {
                found.push(Missing { piece: index, name: name.clone(), later });
            }
        }
        above.add(piece);
    }
    found
}

/// What some pieces bind: they are asked for many names, and a page may have thousands of them.
#[derive(Default)]
struct Bound<'a> {
    names: HashSet<&'a str>,
    /// Modules of which they import everything.
    stars: BTreeSet<&'a str>,
}

impl<'a> Bound<'a> {
    fn add(&mut self, piece: &'a Piece) {
        self.names.extend(piece.facts.binds.iter().map(|bind| bind.name.as_str()));
        self.stars.extend(piece.facts.stars.iter().map(String::as_str));
    }

    fn has(&self, name: &str) -> bool {
        self.names.contains(name) || self.stars.iter().any(|module| exports::exports(module, name))
    }
}

/// What a run of pieces needs from outside: names read before it binds them, and names read later that it never binds.
pub(crate) fn needs(pieces: &[Arc<Piece>]) -> BTreeSet<String> {
    missing(pieces).into_iter().map(|missing| missing.name.name).collect()
}

/// The pieces that the one at `index` cannot run without: the last binders of what it reads, directly.
pub(crate) fn requirements(pieces: &[Arc<Piece>], index: usize) -> BTreeSet<usize> {
    pieces[index].facts.reads.iter().filter_map(|name| binder(pieces, index, &name.name)).collect()
}

/// The indices of everything that the pieces in `wanted` rest on, themselves included: what they read now or later, and what that reads.
pub(crate) fn closure(pieces: &[Arc<Piece>], wanted: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open: Vec<usize> = wanted.into_iter().collect();
    while let Some(index) = open.pop() {
        if !found.insert(index) {
            continue;
        }
        open.extend(requirements(pieces, index));
        let facts = &pieces[index].facts;
        let mentioned = facts.mentioned(crate::python::MentionKind::Class).map(|text| text.rsplit('.').next().unwrap_or(text).to_owned());
        let later = facts.later.iter().map(|name| name.name.clone()).chain(mentioned);
        open.extend(later.filter_map(|name| binder(pieces, pieces.len(), &name)));
        for table in facts.mentioned(crate::python::MentionKind::Table) {
            open.extend(pieces.iter().rposition(|piece| piece.facts.mentioned(crate::python::MentionKind::OwnTable).any(|own| own == table)));
        }
    }
    found
}
