//! What went wrong where no line of the page asked for it: in a view that was probed, a test that was tried, or while importing the page's main file. Pure.

use crate::engine::protocol::Frame;
use crate::finding::{Code, Finding, Location, Severity};
use crate::lab::{BlockPlan, Fate, Revision};
use crate::moves;
use crate::outcome::Outcome;
use crate::outcome::classify::{Evidence, classify, frame_location};
use crate::outcome::judge::{Judge, outcome_of};
use crate::outcome::steps::StepRecord;
use crate::python::BindKind;
use crate::source::Span;

impl Judge<'_> {
    /// What went wrong where no line of the page asked for it: in a view that was probed, or while importing the page's main file.
    pub(super) fn unplaced(&mut self, revision: &Revision, record: &StepRecord, importing: bool) {
        let bound = revision.bound_names();
        let own_modules = revision.own_modules();
        let (classes, supplied, unserved) = (self.classes.clone(), self.supplied(), self.unserved.clone());
        let evidence = Evidence {
            lesson: self.lesson,
            span: None,
            bound: &bound,
            own_modules: &own_modules,
            classes: &classes,
            supplied: &supplied,
            unserved: &unserved,
            // Nobody asked for these pages, so nobody filled the tables that they read; what they look up in their own code is theirs.
            rests_on_assumption: true,
        };
        let supplied_any = revision.origins.values().any(|origin| origin.assumption.is_some());
        for (index, raised) in record.raised.iter().enumerate() {
            // An answer that a view gives by raising it is no failure of the view.
            if raised.bases.iter().any(|base| base == "werkzeug.exceptions.HTTPException") {
                continue;
            }
            let response = record.responses.iter().filter(|response| response.status >= 500).nth(index);
            if self.meant.contains(&(raised.class.clone(), raised.message.clone())) || response.is_some_and(|response| self.shows_failing(&response.path)) {
                continue;
            }
            let place = frame_location(&raised.frames, self.lesson, None);
            let block = place
                .as_ref()
                .and_then(|place| self.lesson.blocks.iter().position(|block| block.span().start <= place.span.start && place.span.start <= block.span().end));
            let block = block.or_else(|| importing.then(|| revision.blocks.first().copied()).flatten());
            let Some(block) = block.filter(|block| revision.blocks.contains(block)) else { continue };
            if let Some(cause) = self.cause(raised, &own_modules) {
                // What is only left out leaves the view incomplete, as it does the block that needs it at once.
                if self.judged.findings[cause].severity() == Severity::Error {
                    self.block_by(cause, block, None);
                }
                continue;
            }
            let evidence = Evidence { rests_on_assumption: supplied_any || raised.class != "KeyError", ..evidence };
            let mut finding = classify(raised, &evidence);
            if place.is_none() {
                finding.location = Location::line(&self.lesson.source, self.lesson.source.line_of(self.lesson.blocks[block].span().start));
            }
            if let Some(template) = self.in_file(&raised.frames) {
                let view = std::mem::replace(&mut finding.location, template);
                finding = finding.with_related(view, "rendered here");
            }
            if raised.message.contains("did not return a valid response") {
                finding.code = Code::Unsupplied;
            }
            let in_request = raised.frames.iter().any(|frame| frame.module.starts_with("flask."));
            if finding.code == Code::MissingService && self.judged.findings.iter().any(|known| known.message == finding.message) {
                continue;
            }
            if finding.code == Code::Raised && !importing && in_request {
                finding.code = Code::HttpError;
                if let Some(response) = response {
                    finding.message = format!("{} {} answers {}: {}", response.method, response.path, response.status, finding.message);
                }
            }
            if self.told.insert((finding.code, finding.location.span.start, finding.message.clone())) {
                let outcome = outcome_of(finding.code);
                let at = finding.location.span.start;
                let block = self.lesson.blocks.iter().position(|block| block.span().start <= at && at <= block.span().end).unwrap_or(block);
                self.add(finding);
                // The block itself ran: what only a view would need leaves the lesson incomplete, not the block.
                if importing || outcome == Outcome::Failed {
                    self.worsen(block, outcome);
                }
            }
        }
    }

    /// Whether the page itself asks for a path and shows that the server fails.
    fn shows_failing(&self, path: &str) -> bool {
        let asks = |block: usize| {
            let text = self.lesson.blocks[block].body.text();
            ['"', '\''].iter().any(|quote| text.contains(&format!("{quote}{path}{quote}")))
        };
        self.lab.claims.iter().any(|claim| claim.text.contains("500") && asks(claim.of))
    }

    /// The place of the innermost frame if it stands in a file of the page that is no Python, such as a template.
    fn in_file(&self, frames: &[Frame]) -> Option<Location> {
        let frame = frames.last()?;
        let is_it = |plan: &BlockPlan| plan.fate == Fate::Written && plan.file.as_ref().is_some_and(|file| frame.file.ends_with(&format!("/{file}")));
        let block = self.lab.blocks.iter().rposition(is_it)?;
        let line = self.lesson.blocks[block].body.lines.get(frame.line.checked_sub(1)?)?;
        Some(Location::line(&self.lesson.source, self.lesson.source.line_of(line.span.start)))
    }

    /// What current versions no longer have, although the interpreter that ran it may be an older one: methods of test cases, modules that Python dropped.
    pub(super) fn dropped(&mut self, revision: &Revision) {
        let mut found: Vec<(usize, Span, &'static moves::Move)> = Vec::new();
        for piece in revision.draft.pieces() {
            let Some(block) = piece.block().filter(|block| revision.blocks.contains(block)) else { continue };
            let is_case =
                piece.facts.binds.iter().any(|bind| matches!(&bind.kind, BindKind::Class { bases } if bases.iter().any(|base| base.ends_with("TestCase"))));
            if is_case {
                let text = self.lesson.source.slice(piece.span);
                for gone in moves::test_methods() {
                    let call = format!("self.{}(", gone.old);
                    found.extend(
                        text.match_indices(&call).map(|(at, _)| (block, Span::new(piece.span.start + at, piece.span.start + at + call.len() - 1), gone)),
                    );
                }
            }
            if piece.facts.is_import() {
                let modules = piece.facts.imports.iter().filter_map(|import| moves::module(&import.name)).filter(|gone| gone.since.starts_with("Python 3.1"));
                found.extend(modules.map(|gone| (block, piece.span, gone)));
            }
        }
        for (block, span, gone) in found {
            let location = Location::new(&self.lesson.source, span);
            let known = self.judged.findings.iter().any(|finding| finding.code == Code::RemovedApi && finding.location.place().line == location.place().line);
            if !known && self.told.insert((Code::RemovedApi, span.start, gone.old.clone())) {
                let finding = Finding::new(Code::RemovedApi, location, format!("`{}` is gone since {}", gone.old, gone.since)).with_help(gone.instead());
                self.add(finding);
                self.worsen(block, Outcome::Failed);
            }
        }
    }
}
