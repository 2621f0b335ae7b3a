//! Supplying a name that nobody binds, in the order of the design: other blocks of the page, earlier lessons, fixtures, a forgotten import.
//! What is supplied is an assumption, and shown; what cannot be is left for the run to find.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::guide::{Lesson, Role};
use crate::lab::bindings::{Missing, missing};
use crate::lab::exports;
use crate::lab::fixtures::{Page, fixture};
use crate::lab::lenders::Lenders;
use crate::lab::piece::{Piece, PieceOrigin, is_lendable, pieces};
use crate::python::BindKind;
use crate::source::Span;

/// What is there to lend from.
#[derive(Debug, Default)]
pub(crate) struct Offers<'a> {
    /// Every piece of the page, in its order.
    pub(crate) page: Vec<Arc<Piece>>,
    /// Earlier lessons, the nearest first.
    pub(crate) earlier: Option<&'a Lenders>,
    /// What is known of the page.
    pub(crate) about: Page,
    /// Pieces of earlier lessons, by index, taken apart when first asked for.
    pub(crate) cache: RefCell<BTreeMap<usize, Vec<Arc<Piece>>>>,
}

/// Something that was supplied to a program.
#[derive(Debug, Clone)]
pub(crate) struct Supply {
    pub(crate) name: String,
    /// The place in the page where it is first needed; `None` where a supplied piece needed it.
    pub(crate) span: Option<Span>,
    pub(crate) what: String,
    /// The key of the piece that was supplied.
    pub(crate) piece: (PieceOrigin, Span),
    /// The fixture for the same name, where another block lends it.
    pub(crate) spare: Option<Arc<Piece>>,
}

/// A program with all supplied that can be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Completed {
    pub(crate) pieces: Vec<Arc<Piece>>,
    pub(crate) supplies: Vec<Supply>,
}

/// Supply what `pieces` miss. `seat` is the block at whose place a piece stands that is in no block; `own` are names that a module of the page's own binds, which
/// these pieces may import.
pub(crate) fn complete(pieces: Vec<Arc<Piece>>, offers: &Offers<'_>, seat: Option<usize>, own: &BTreeMap<String, String>) -> Completed {
    let mut completed = Completed { pieces, supplies: Vec::new() };
    let mut given_up = BTreeSet::new();
    // Every round supplies a name or gives one up, and a piece is moved or lent at most once; the bound only guards against a mistake in that.
    for _ in 0..500 {
        let open = missing(&completed.pieces).into_iter().find(|missing| !given_up.contains(&(missing.name.name.clone(), missing.later)));
        let Some(open) = open else { break };
        if !supply(&mut completed, &open, offers, seat, own) {
            given_up.insert((open.name.name, open.later));
        }
    }
    completed
}

fn supply(completed: &mut Completed, open: &Missing, offers: &Offers<'_>, seat: Option<usize>, own: &BTreeMap<String, String>) -> bool {
    let name = open.name.name.as_str();
    let imported = own.get(name).map(|module| {
        (Piece::supplied(&format!("{name} of {module}"), &format!("from {module} import {name}\n")), format!("what the page imports from `{module}`"))
    });
    let Some((piece, what)) = imported.or_else(|| find(completed, open, offers, seat)) else { return false };
    let needed_by = Arc::clone(&completed.pieces[open.piece]);
    if completed.supplies.iter().any(|supply| supply.piece == piece.key()) {
        return false;
    }
    // A piece that stands further down is moved up, not doubled.
    let mut at = open.piece;
    if let Some(index) = completed.pieces.iter().position(|other| other.key() == piece.key()) {
        completed.pieces.remove(index);
        at -= usize::from(index < at);
    }
    // What is lent goes above the fixtures for the same line: a database is made when the classes that it is for are there.
    if !matches!(piece.origin, PieceOrigin::Supplied(_)) {
        while at > 0 && matches!(completed.pieces[at - 1].origin, PieceOrigin::Supplied(_)) {
            at -= 1;
        }
    }
    let span = needed_by.block().map(|_| place(&needed_by, open));
    let is_lent = !matches!(piece.origin, PieceOrigin::Supplied(_));
    let spare = if is_lent { fixture(name, &offers.about, &needed_by, open.later).map(|fixture| fixture.piece) } else { None };
    completed.supplies.push(Supply { name: name.to_owned(), span, what, piece: piece.key(), spare });
    completed.pieces.insert(at, piece);
    true
}

/// The place of a missing name in the page. A piece's facts count from the start of its block; its own start is known in both.
fn place(piece: &Piece, open: &Missing) -> Span {
    let inside = open.name.span.start.saturating_sub(piece.facts.span.start);
    let start = (piece.span.start + inside).min(piece.span.end);
    Span::new(start, (start + open.name.span.len()).min(piece.span.end.max(start)))
}

/// The pieces of another lesson, told apart from this one's.
pub(crate) fn pieces_of(lesson: &Lesson) -> Vec<Arc<Piece>> {
    let blocks = lesson.blocks.iter().enumerate().filter(|(_, block)| matches!(block.role, Role::Python | Role::Console) && block.directive("skip").is_none());
    let foreign = |index: usize, piece: Arc<Piece>| Arc::new(Piece { origin: PieceOrigin::Lesson(lesson.id.clone(), index), ..(*piece).clone() });
    blocks.flat_map(|(index, block)| pieces(lesson, index, block).pieces.into_iter().map(move |piece| foreign(index, piece))).collect()
}

fn find(completed: &Completed, open: &Missing, offers: &Offers<'_>, seat: Option<usize>) -> Option<(Arc<Piece>, String)> {
    let name = open.name.name.as_str();
    let needed_by = &completed.pieces[open.piece];
    let own = needed_by.block().or(seat);
    let lends = |piece: &&Arc<Piece>| {
        piece.facts.binds.iter().any(|bind| bind.name == name && is_lendable(&bind.kind))
            && piece.key() != needed_by.key()
            && !completed.supplies.iter().any(|supply| supply.piece == piece.key())
    };
    // The page: what stands before, nearest first, in its own block as well, which it may have been moved out of; then what comes after, nearest first.
    let above = |piece: &Piece| piece.block() == needed_by.block() && piece.span.start < needed_by.span.start;
    let mut before = offers.page.iter().filter(|piece| piece.block() < own || above(piece)).rev();
    let mut after = offers.page.iter().filter(|piece| own.is_some() && piece.block() > own);
    if let Some(piece) = before.find(lends).or_else(|| after.find(lends)) {
        return Some((Arc::clone(piece), format!("what line {} of this page defines", piece.line)));
    }
    // Most lessons do not so much as mention the name: they need not be parsed.
    for (index, lesson) in offers.earlier.into_iter().flat_map(|earlier| earlier.naming(name)) {
        let mut cache = offers.cache.borrow_mut();
        let pieces = cache.entry(index).or_insert_with(|| pieces_of(lesson));
        if let Some(piece) = pieces.iter().rev().find(lends) {
            return Some((Arc::clone(piece), format!("what {} defines at its line {}", lesson.id, piece.line)));
        }
    }
    if let Some(fixture) = fixture(name, &offers.about, needed_by, open.later) {
        return Some((fixture.piece, fixture.what));
    }
    let asks_module = |module: &str| needed_by.code.contains(&format!("{module}."));
    if crate::lab::own::is_library(name) && (exports::knows(name) || crate::lab::own::is_standard(name)) && asks_module(name) {
        return Some((Piece::supplied(&format!("import of {name}"), &format!("import {name}\n")), "imported, which the page forgot".to_owned()));
    }
    let module = exports::forgotten(offers.about.modules.iter().map(String::as_str), name)?;
    Some((Piece::supplied(&format!("import of {name}"), &format!("from {module} import {name}\n")), format!("imported from {module}, which the page forgot")))
}

/// For each definition of a program that the page has an older version of, elsewhere or before: that version, with what it needs.
pub(crate) fn older(pieces: &[Arc<Piece>], offers: &Offers<'_>, own: &BTreeMap<String, String>) -> BTreeMap<(PieceOrigin, Span), Vec<Arc<Piece>>> {
    let mut found = BTreeMap::new();
    for piece in pieces.iter().filter(|piece| piece.block().is_some()) {
        let binds = |old: &Piece| {
            let mut binds = piece.facts.binds.iter().filter(|bind| is_lendable(&bind.kind) && !matches!(bind.kind, BindKind::Import { .. })).peekable();
            binds.peek().is_some()
                && binds.all(|bind| old.facts.binds.iter().any(|other| other.name == bind.name && !matches!(other.kind, BindKind::Import { .. })))
        };
        let old = offers.page.iter().rev().find(|old| old.block() < piece.block() && binds(old));
        if let Some(old) = old {
            found.insert(piece.key(), complete(vec![Arc::clone(old)], offers, None, own).pieces);
        }
    }
    found
}
