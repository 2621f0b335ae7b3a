//! What lies beyond a failure: functions that need what it kept from being bound, and calls that fit no signature whatever it would have been. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::protocol::{Run, Verdict};
use crate::finding::{Code, Finding, Location, Severity};
use crate::lab::Revision;
use crate::lab::piece::Piece;
use crate::outcome::Outcome;
use crate::outcome::classify::{frame_location, title};
use crate::outcome::judge::Judge;
use crate::outcome::steps::{StepRecord, by_step};
use crate::source::Span;

impl Judge<'_> {
    /// Functions of judged blocks that need a name which an error kept from being bound: nobody has called them yet, and nobody can.
    pub(super) fn needs_lost(&mut self, revision: &Revision, steps: &BTreeMap<u32, StepRecord>) {
        let passed: BTreeSet<(usize, Span)> = revision
            .origins
            .iter()
            .filter(|(id, _)| steps.get(id).is_some_and(|step| step.verdict == Some(Verdict::Passed)))
            .filter_map(|(_, origin)| Some((origin.block?, origin.span?)))
            .collect();
        let ran = |piece: &Piece| piece.block().is_none_or(|block| passed.contains(&(block, piece.span)));
        let bound: BTreeSet<&str> =
            revision.draft.pieces().filter(|piece| ran(piece)).flat_map(|piece| piece.facts.binds.iter().map(|bind| bind.name.as_str())).collect();
        for piece in revision.draft.pieces() {
            let Some(block) = piece.block().filter(|block| revision.blocks.contains(block)) else { continue };
            let lost = piece.facts.later.iter().filter(|name| !bound.contains(name.name.as_str())).find_map(|name| self.lost.get(&name.name).copied());
            if let Some(cause) = lost.filter(|&cause| self.judged.findings[cause].severity() == Severity::Error) {
                self.block_by(cause, block, None);
            }
        }
    }

    /// Calls that fit no signature, whatever the failed definition before them would have bound.
    pub(super) fn beyond(&mut self, revision: &Revision, run: &Run, held_up: &BTreeSet<(usize, Span)>) {
        let steps = by_step(revision, run);
        for (id, origin) in &revision.origins {
            let (Some(block), Some(span), true) = (origin.block, origin.span, origin.judged) else { continue };
            let Some(raised) = steps.get(id).and_then(|record| record.raised.last()) else { continue };
            if !held_up.contains(&(block, span)) || raised.class != "TypeError" || !raised.message.contains("argument") {
                continue;
            }
            let location = frame_location(&raised.frames, self.lesson, Some(span))
                .unwrap_or_else(|| Location::line(&self.lesson.source, self.lesson.source.line_of(span.start)));
            if self.told.insert((Code::Raised, location.span.start, title(raised))) {
                self.add(Finding::new(Code::Raised, location, title(raised)));
                self.worsen(block, Outcome::Failed);
            }
        }
    }
}
