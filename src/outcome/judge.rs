//! `(Lab, Records) --outcome::judge--> Outcomes, Findings`. Pure: a recorded run can be judged again. It never runs anything.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::protocol::{Action, Raised, Run, Verdict};
use crate::finding::{Code, Effect, Finding, Location};
use crate::guide::Lesson;
use crate::lab::{Assumption, Fate, Lab, Origin, Remedy, Revision};
use crate::outcome::claims::write_transcript;
use crate::outcome::classify::{DefinedClass, Evidence, classify, title};
use crate::outcome::services::{Served, described};
use crate::outcome::steps::{StepRecord, by_step, raises_as_said};
use crate::outcome::{BlockOutcome, Outcome, Status};
use crate::python::BindKind;
use crate::source::Span;

/// A revision's run, with the second assemblies that cleared a block.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The run of the revision itself.
    pub run: Run,
    /// By block: the other assembly, its run, and what it did differently.
    pub instead: BTreeMap<usize, (Revision, Run, Vec<Remedy>)>,
    /// Runs in which failed statements gave way to older versions of what they bind: what fails in them by itself.
    pub beyond: Vec<(Revision, Run)>,
    /// Servers that the page plainly needs.
    pub served: Vec<Served>,
    /// The run of the revision itself once more, where a claim is in doubt: see [`Judged::doubtful`].
    pub again: Option<Run>,
}

impl From<Run> for Ran {
    /// A run that nothing was tried beside.
    fn from(run: Run) -> Self {
        Self { run, instead: BTreeMap::new(), beyond: Vec::new(), served: Vec::new(), again: None }
    }
}

/// How strictly to judge.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whether assumptions are refused.
    pub strict: bool,
}

/// A lesson, judged.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// Its blocks, in order.
    pub blocks: Vec<BlockOutcome>,
    /// What is wrong, by place.
    pub findings: Vec<Finding>,
    /// What had to be assumed.
    pub assumptions: Vec<Assumption>,
    /// Revisions, by index, of whose output a claim says something else, and whose code may well print something else each time: only a second run can tell.
    pub doubtful: BTreeSet<usize>,
}

pub(super) struct Judge<'a> {
    pub(super) lesson: &'a Lesson,
    pub(super) lab: &'a Lab,
    pub(super) judged: Judged,
    pub(super) classes: Vec<DefinedClass>,
    /// Failed or blocked steps, by block and start: the finding that they come from.
    pub(super) failures: BTreeMap<(usize, usize), usize>,
    /// Names that nothing binds because of a failure: the finding.
    pub(super) lost: BTreeMap<String, usize>,
    /// Places of warnings and exceptions that were told already.
    pub(super) told: BTreeSet<(Code, usize, String)>,
    /// What blocks raise whose author says so: class and message.
    pub(super) meant: BTreeSet<(String, String)>,
    /// Servers that the page needs and that cannot be had: why.
    pub(super) unserved: BTreeMap<String, String>,
}

/// Judge a lesson by its runs, one for each revision of its lab.
#[must_use]
pub fn judge(lesson: &Lesson, lab: &Lab, runs: &[Ran], options: Options) -> Judged {
    let mut findings = lesson.findings.clone();
    findings.extend(lab.findings.iter().cloned());
    let assumptions = lab.assumptions.clone();
    let blocks = lesson.blocks.iter().zip(&lab.blocks).map(|(block, plan)| block_outcome(lesson, block, plan)).collect();
    let mut judge = Judge {
        lesson,
        lab,
        classes: classes(lab),
        judged: Judged { blocks, findings, assumptions, doubtful: BTreeSet::new() },
        failures: BTreeMap::new(),
        lost: BTreeMap::new(),
        told: BTreeSet::new(),
        meant: meant(lesson, lab, runs),
        unserved: BTreeMap::new(),
    };
    judge.unparsed();
    for (revision, ran) in lab.revisions.iter().zip(runs) {
        judge.revision(revision, ran);
    }
    judge.finish(options)
}

/// What blocks raise whose author says so: class and message.
fn meant(lesson: &Lesson, lab: &Lab, runs: &[Ran]) -> BTreeSet<(String, String)> {
    let steps = lab.revisions.iter().zip(runs).flat_map(|(revision, ran)| {
        let steps = by_step(revision, &ran.run);
        revision
            .origins
            .iter()
            .filter(|(_, origin)| origin.judged)
            .filter_map(move |(id, origin)| Some(((origin.block?, origin.span), steps.get(id)?.raised.last()?.clone())))
    });
    steps.filter(|(at, raised)| raises_as_said(lesson, lab, *at, raised)).map(|(_, raised)| (raised.class, raised.message)).collect()
}

/// The classes that a page defines.
fn classes(lab: &Lab) -> Vec<DefinedClass> {
    let imported = |base: &String| lab.imports.iter().any(|import| import.name == *base && crate::lab::is_library(&import.module));
    let pieces = lab.revisions.iter().flat_map(|revision| revision.draft.pieces()).filter(|piece| piece.block().is_some());
    let mut found: Vec<DefinedClass> = Vec::new();
    for piece in pieces {
        for bind in &piece.facts.binds {
            let BindKind::Class { bases } = &bind.kind else { continue };
            let of_library = !bases.is_empty() && bases.iter().all(imported);
            found.push(DefinedClass { name: bind.name.clone(), bases: bases.clone(), span: piece.span, of_library });
        }
    }
    found
}

fn block_outcome(lesson: &Lesson, block: &crate::guide::Block, plan: &crate::lab::BlockPlan) -> BlockOutcome {
    let span = block.span();
    let (start, end) = (lesson.source.place(span.start), lesson.source.place(span.end));
    let language = crate::guide::language::name(&block.language).to_owned();
    BlockOutcome { line: start.line, end_line: end.line.max(start.line), cell: start.cell, language, plan: plan.clone(), outcome: None, transcript: None }
}

/// The status of a lesson by its findings and blocks. Errors of our own and pending snapshots are not seen here.
#[must_use]
pub fn status(judged: &Judged) -> Status {
    let has = |effect: Effect| judged.findings.iter().any(|finding| finding.code.effect() == effect);
    let stuck = judged.blocks.iter().any(|block| matches!(block.outcome, Some(Outcome::Incomplete | Outcome::Blocked)));
    let ran = judged.blocks.iter().any(|block| matches!(block.plan.fate, Fate::Run | Fate::Written | Fate::Compared));
    if has(Effect::Breaks) || judged.blocks.iter().any(|block| block.outcome == Some(Outcome::Failed)) {
        Status::Broken
    } else if has(Effect::Changes) {
        Status::Changed
    } else if has(Effect::Incompletes) || stuck {
        Status::Incomplete
    } else if has(Effect::Stales) {
        Status::Stale
    } else if judged.blocks.is_empty() {
        Status::Empty
    } else if ran {
        Status::Passed
    } else {
        Status::Skipped
    }
}

impl Judge<'_> {
    /// Blocks that do not parse: what they would bind is lost.
    fn unparsed(&mut self) {
        for (block, names) in &self.lab.unparsed {
            let span = self.lesson.blocks[*block].span();
            let finding =
                self.judged.findings.iter().position(|finding| {
                    finding.code == Code::SyntaxError && span.start <= finding.location.span.start && finding.location.span.start <= span.end
                });
            self.worsen(*block, Outcome::Failed);
            if let Some(finding) = finding {
                self.lost.extend(names.iter().map(|name| (name.clone(), finding)));
            }
        }
    }

    pub(super) fn worsen(&mut self, block: usize, outcome: Outcome) {
        let rank = |outcome: Outcome| match outcome {
            Outcome::Failed => 3,
            Outcome::Incomplete => 2,
            Outcome::Blocked => 1,
            Outcome::Passed => 0,
        };
        let slot = &mut self.judged.blocks[block].outcome;
        if slot.is_none_or(|old| rank(outcome) > rank(old)) {
            *slot = Some(outcome);
        }
    }

    fn revision(&mut self, revision: &Revision, ran: &Ran) {
        self.servers(&ran.served);
        for &block in &revision.blocks {
            let (revision, run, again) = match ran.instead.get(&block) {
                Some((other, run, remedies)) => {
                    for remedy in remedies {
                        self.assume(*remedy, block);
                    }
                    (other, run, None)
                }
                None => (revision, &ran.run, ran.again.as_ref()),
            };
            self.block(revision, run, again, block);
        }
        let steps = by_step(revision, &ran.run);
        self.ended_late(revision, &ran.run, &steps);
        self.dropped(revision);
        let held_up: BTreeSet<(usize, Span)> = revision
            .origins
            .iter()
            .filter(|(id, _)| steps.get(id).is_some_and(|step| step.verdict == Some(Verdict::Skipped)))
            .filter_map(|(_, origin)| Some((origin.block?, origin.span?)))
            .collect();
        self.needs_lost(revision, &steps);
        for (other, run) in &ran.beyond {
            self.beyond(other, run, &held_up);
        }
        for step in &revision.job.steps {
            if matches!(step.action, Action::Probe { .. } | Action::Import { .. } | Action::Request(_))
                && let Some(record) = steps.get(&step.id)
                && !self.wants_an_error(revision, step.id)
            {
                self.unplaced(revision, record, matches!(step.action, Action::Import { .. }));
            }
        }
        self.answers(revision, &steps);
    }

    /// Servers that had to be started, and those that could not be.
    fn servers(&mut self, served: &[Served]) {
        for Served { service, span, why } in served {
            if let Some(why) = why {
                self.unserved.insert(service.clone(), why.clone());
            } else if !self.judged.assumptions.iter().any(|known| known.name == *service) {
                let what = format!("{} on its usual port, empty", described(service));
                self.judged.assumptions.push(Assumption { name: service.clone(), span: *span, what });
            }
        }
    }

    fn assume(&mut self, remedy: Remedy, block: usize) {
        if let Some((name, what)) = remedy.assumption()
            && !self.judged.assumptions.iter().any(|known| known.name == name)
        {
            let span = self.lesson.blocks[block].span();
            self.judged.assumptions.push(Assumption { name: name.to_owned(), span, what: what.to_owned() });
        }
    }

    fn block(&mut self, revision: &Revision, run: &Run, again: Option<&Run>, block: usize) {
        let steps = by_step(revision, run);
        let mut transcript = String::new();
        let mut ended = false;
        for (id, origin) in &revision.origins {
            if origin.block != Some(block) || !origin.judged {
                continue;
            }
            let empty = StepRecord::default();
            let record = steps.get(id).unwrap_or(&empty);
            write_transcript(&mut transcript, record);
            self.worsen(block, Outcome::Passed);
            self.warnings(record, origin);
            match record.verdict {
                Some(Verdict::Passed) => self.missed(record),
                Some(Verdict::Failed) => self.failed(revision, record, block, origin, *id),
                Some(Verdict::Skipped) => self.skipped(revision, record, block, origin),
                None if ended => self.worsen(block, Outcome::Blocked),
                None => {
                    ended = true;
                    self.ended(revision, *id, run, record, block, origin);
                }
            }
        }
        self.not_raised(revision, &steps, block);
        self.claims(revision, &steps, again.map(|run| by_step(revision, run)).as_ref(), block);
        self.remarks(revision, &steps, block);
        self.judged.blocks[block].transcript = Some(transcript);
    }

    /// What a block whose author says that it raises must have done.
    fn expected(&self, block: usize) -> Option<String> {
        self.lesson.blocks[block].directive("raises").map(|directive| directive.attributes.get("error").cloned().unwrap_or_default())
    }

    fn failed(&mut self, revision: &Revision, record: &StepRecord, block: usize, origin: &Origin, id: u32) {
        let expected = self.expected(block);
        if record.raised.last().is_some_and(|raised| raises_as_said(self.lesson, self.lab, (block, origin.span), raised)) {
            return;
        }
        let Some(raised) = record.raised.last() else {
            return self.command_failed(revision, record, block, origin, id);
        };
        // A `raise` that stands alone shows what a function would do: it does what it says.
        if origin.span.is_some_and(|span| self.lesson.source.slice(span).starts_with("raise ")) {
            return;
        }
        // A test runner leaves with its verdict on tests; where the block has none of its own, that says nothing about it.
        let is_runner = raised.class == "SystemExit" && raised.frames.iter().any(|frame| frame.module.starts_with("unittest"));
        if is_runner && (raised.message == "5" || !self.lesson.blocks[block].body.text().contains("TestCase)")) {
            return;
        }
        let own_modules = revision.own_modules();
        if let Some(cause) = self.cause(raised, &own_modules) {
            return self.block_by(cause, block, Some(origin));
        }
        let bound = revision.bound_names();
        let supplied = self.supplied();
        let evidence = Evidence {
            lesson: self.lesson,
            span: origin.span,
            bound: &bound,
            own_modules: &own_modules,
            classes: &self.classes,
            supplied: &supplied,
            unserved: &self.unserved,
            rests_on_assumption: revision.rests_on_assumption(id),
        };
        let mut finding = classify(raised, &evidence);
        if let Some(expected) = expected {
            finding = Finding::new(Code::NotRaised, finding.location, format!("the page says that this raises {expected}, and it raises {}", title(raised)));
        }
        // A server that cannot be had is said once, where it is first asked.
        if finding.code == Code::MissingService
            && let Some(first) = self.judged.findings.iter().position(|known| known.code == finding.code && known.message == finding.message)
        {
            self.lose(revision, origin, first);
            return self.block_by(first, block, Some(origin));
        }
        let lost = (finding.code == Code::UndefinedName).then(|| raised.name.clone()).flatten();
        let outcome = outcome_of(finding.code);
        let index = self.add(finding);
        self.lost.extend(lost.map(|name| (name, index)));
        self.lose(revision, origin, index);
        self.worsen(block, outcome);
    }

    /// Names that were supplied to the lesson.
    pub(super) fn supplied(&self) -> Vec<String> {
        self.lab.assumptions.iter().map(|assumption| assumption.name.clone()).collect()
    }

    /// The finding that an exception only follows from: it is about a name that an earlier failure kept from being bound. An import that fails does so by itself,
    /// but for one from a file of the page that failed to bind the name.
    pub(super) fn cause(&self, raised: &Raised, own_modules: &BTreeSet<String>) -> Option<usize> {
        std::iter::successors(Some(raised), |raised| raised.cause.as_deref())
            .filter(|raised| match raised.class.as_str() {
                "NameError" => true,
                "AttributeError" | "ImportError" => raised.object.as_ref().is_some_and(|object| own_modules.contains(object)),
                _ => false,
            })
            .filter_map(|raised| raised.name.as_ref())
            .find_map(|name| self.lost.get(name).copied())
            .or_else(|| self.lost.get(&format!(".{}", raised.name.as_deref().filter(|_| raised.class == "AttributeError")?)).copied())
    }

    /// A block that cannot run because of an earlier finding; `origin` is the step that cannot, `None` for a view that was asked for.
    pub(super) fn block_by(&mut self, cause: usize, block: usize, origin: Option<&Origin>) {
        let first = self.judged.blocks[block].outcome.is_none_or(|outcome| outcome == Outcome::Passed);
        self.worsen(block, Outcome::Blocked);
        if origin.is_none() || origin.is_some_and(|origin| origin.span.is_some()) {
            let span = origin.and_then(|origin| origin.span).unwrap_or_else(|| self.lesson.blocks[block].span());
            if origin.is_some() {
                self.failures.insert((block, span.start), cause);
            }
            let cause_line = self.judged.findings[cause].location.place();
            let location = Location::line(&self.lesson.source, self.lesson.source.line_of(span.start));
            if first && location.place() != cause_line {
                self.judged.findings[cause].related.push(crate::finding::Related { location, message: "cannot run because of it".to_owned() });
            }
        }
    }

    fn skipped(&mut self, revision: &Revision, record: &StepRecord, block: usize, origin: &Origin) {
        let needed = record.because.and_then(|because| revision.origins.get(&because));
        let cause = needed.and_then(|needed| Some((needed.block?, needed.span?.start))).and_then(|key| self.failures.get(&key).copied());
        match cause {
            Some(cause) => {
                self.lose(revision, origin, cause);
                self.block_by(cause, block, Some(origin));
            }
            None => {
                let at = needed.and_then(|needed| needed.span).map(|span| self.lesson.source.line_of(span.start));
                let why = at.map_or_else(
                    || "what had to be assumed for it fails".to_owned(),
                    |line| format!("line {line}, which it needs, does not work beside what the page has by now"),
                );
                let span = origin.span.unwrap_or_default();
                let index = self.add(Finding::new(Code::Unsupplied, Location::line(&self.lesson.source, self.lesson.source.line_of(span.start)), why));
                self.lose(revision, origin, index);
                self.worsen(block, Outcome::Incomplete);
            }
        }
    }

    /// Remember that a step did not pass, and what it would have bound.
    fn lose(&mut self, revision: &Revision, origin: &Origin, finding: usize) {
        if let (Some(block), Some(span)) = (origin.block, origin.span) {
            self.failures.insert((block, span.start), finding);
            for name in revision.binds_at(block, span) {
                self.lost.entry(name).or_insert(finding);
            }
            // `Base.query = ...` binds an attribute; it is looked for with its dot.
            let target = self.lesson.source.slice(span).split('=').next().unwrap_or_default().trim();
            if let Some((_, attribute)) = target.rsplit_once('.').filter(|(_, name)| name.chars().all(|c| c.is_alphanumeric() || c == '_')) {
                self.lost.entry(format!(".{attribute}")).or_insert(finding);
            }
        }
    }

    fn not_raised(&mut self, revision: &Revision, steps: &BTreeMap<u32, StepRecord>, block: usize) {
        let Some(expected) = self.expected(block) else { return };
        let own = revision.origins.iter().filter(|(_, origin)| origin.judged && origin.block == Some(block));
        let all_passed = own.clone().count() > 0 && own.clone().all(|(id, _)| steps.get(id).is_some_and(|step| step.verdict == Some(Verdict::Passed)));
        if all_passed {
            let span = self.lesson.blocks[block].span();
            let location = Location::line(&self.lesson.source, self.lesson.source.line_of(span.start));
            self.add(Finding::new(Code::NotRaised, location, format!("the page says that this raises {expected}, and it does not")));
            self.worsen(block, Outcome::Failed);
        }
    }

    fn finish(mut self, options: Options) -> Judged {
        if options.strict {
            for assumption in self.judged.assumptions.clone() {
                let finding = Finding::new(
                    Code::Assumed,
                    Location::new(&self.lesson.source, assumption.span),
                    format!("`{}` had to be assumed: {}", assumption.name, assumption.what),
                );
                self.add(finding.with_help("define it on the page, or supply it in lab.toml"));
            }
        }
        crate::finding::sort_by_place(&mut self.judged.findings);
        self.judged
    }
}

pub(super) fn outcome_of(code: Code) -> Outcome {
    match code.effect() {
        Effect::Breaks | Effect::Changes => Outcome::Failed,
        Effect::Incompletes => Outcome::Incomplete,
        Effect::Stales | Effect::Informs => Outcome::Passed,
    }
}
