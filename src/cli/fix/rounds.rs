//! Edits are tried: all of a lesson's together, then one by one, round after round, until nothing more helps. What helped is run once more, all of it, at the end.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::course::{self, Course};
use crate::cli::engines::EngineArgs;
use crate::cli::no_engine;
use crate::cli::round::Round;
use crate::env::Environment;
use crate::finding::{Edit, Finding};
use crate::maintain::fix::{STILL, Verdict, compare, fit, meant};
use crate::maintain::patch::{altered, between};
use crate::maintain::rewrite::{Proposal, proposals};
use crate::moves::Move;
use crate::outcome::{LessonOutcome, Options};
use crate::run::Planned;

/// How many times what an edit uncovered is looked at again.
const ROUNDS: usize = 8;

/// What lessons are tried with.
pub(super) struct Rounds<'a> {
    pub(super) arguments: &'a [String],
    pub(super) engine: &'a EngineArgs,
    pub(super) environment: &'a Environment,
    pub(super) install: bool,
    pub(super) quiet: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) engine: String,
    pub(super) environment: String,
    pub(super) lessons: Vec<Lesson>,
    pub(super) pages: Vec<Page>,
}

/// A lesson with anything to say.
#[derive(Debug, Clone)]
pub(super) struct Lesson {
    pub(super) before: LessonOutcome,
    pub(super) after: LessonOutcome,
    /// Findings of the lesson as it was, by index, that the edits end.
    pub(super) fixed: Vec<usize>,
    pub(super) steps: Vec<Step>,
    pub(super) hints: Vec<Hint>,
}

/// Edits that helped.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) moves: Vec<&'static Move>,
    /// The findings that they are for.
    pub(super) findings: Vec<Finding>,
}

/// A move that is not offered.
#[derive(Debug, Clone)]
pub(super) struct Hint {
    pub(super) moves: Vec<&'static Move>,
    pub(super) finding: Finding,
    pub(super) why: String,
}

/// A page that changes.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) path: String,
    /// Its text as it was read and as it becomes; of a notebook, the file's.
    pub(super) before: String,
    pub(super) after: String,
    pub(super) edits: Vec<(usize, usize, String)>,
}

/// The course at some point.
struct State {
    /// Texts of pages that differ from their files, by path.
    texts: BTreeMap<String, String>,
    planned: Vec<Planned>,
    outcomes: BTreeMap<String, LessonOutcome>,
    steps: BTreeMap<String, Vec<Step>>,
    hints: BTreeMap<String, Vec<Hint>>,
    /// Proposals that were tried or told, by lesson.
    tried: BTreeSet<(String, String)>,
}

/// A proposal, and the findings that it is for.
#[derive(Clone)]
struct Candidate {
    proposal: Proposal,
    wanted: Vec<usize>,
}

/// Edits of lessons, by id.
type Chosen = BTreeMap<String, Vec<Candidate>>;

/// Interrupted, where there is none.
type Tried = Option<(Course, BTreeMap<String, String>, BTreeMap<String, LessonOutcome>)>;

impl Rounds<'_> {
    /// Try whatever there is. `None` if the user interrupted it.
    pub(super) async fn run(&self, course: Course) -> anyhow::Result<Option<Found>> {
        let chapters = course.chapters;
        let Some(report) = self.round().run(&course.planned, chapters).await? else { return Ok(None) };
        let first: BTreeMap<String, LessonOutcome> = report.lessons.iter().map(|lesson| (lesson.id.clone(), lesson.clone())).collect();
        let original: Vec<Planned> = course.planned.clone();
        let mut state = State {
            texts: BTreeMap::new(),
            planned: course.planned,
            outcomes: first.clone(),
            steps: BTreeMap::new(),
            hints: BTreeMap::new(),
            tried: BTreeSet::new(),
        };
        for _ in 0..ROUNDS {
            let (chosen, waiting) = state.choose();
            let Some(accepted) = self.accepted(&mut state, chosen).await? else { return Ok(None) };
            let helped = !accepted.is_empty();
            if helped && self.take(&mut state, accepted).await?.is_none() {
                return Ok(None);
            }
            if !helped && !waiting {
                break;
            }
        }
        let mut found = Found { engine: report.engine, environment: self.environment.name().to_owned(), ..Found::default() };
        let Some(last) = self.settle(&mut state, &original, &first).await? else { return Ok(None) };
        for planned in &original {
            let id = &planned.lesson.id;
            let (Some(before), Some((after, fixed))) = (first.get(id), last.get(id)) else { continue };
            let (steps, hints) = (state.steps.remove(id).unwrap_or_default(), state.hints.remove(id).unwrap_or_default());
            found.lessons.push(Lesson { before: before.clone(), after: after.clone(), fixed: fixed.clone(), steps, hints });
        }
        for (path, after) in state.texts {
            let Some(planned) = original.iter().find(|planned| planned.lesson.source.path() == path) else { continue };
            let before = stored(planned)?;
            let edits = crate::maintain::patch::hunks(&before, &after);
            found.pages.push(Page { path, before, after, edits });
        }
        Ok(Some(found))
    }

    fn round(&self) -> Round<'_> {
        Round { engine: self.engine, environment: self.environment, install: self.install, judging: Options::default(), snapshots: None, quiet: self.quiet }
    }

    /// Which of the chosen edits make their lessons better: all of a lesson's, or each that does.
    async fn accepted(&self, state: &mut State, chosen: Chosen) -> anyhow::Result<Option<Chosen>> {
        let mut accepted = Chosen::new();
        if chosen.is_empty() {
            return Ok(Some(accepted));
        }
        let Some((_, _, outcomes)) = self.attempt(state, &chosen).await? else { return Ok(None) };
        let mut alone: Chosen = Chosen::new();
        for (id, candidates) in chosen {
            match state.verdict(&id, &candidates, outcomes.get(&id)) {
                Ok(()) => drop(accepted.insert(id, candidates)),
                Err(why) if candidates.len() == 1 => state.hint(&id, &candidates[0], &why),
                Err(_) => drop(alone.insert(id, candidates)),
            }
        }
        let most = alone.values().map(Vec::len).max().unwrap_or(0);
        for place in 0..most {
            let one = alone.iter().filter_map(|(id, candidates)| {
                let mut with: Vec<Candidate> = accepted.get(id).cloned().unwrap_or_default();
                with.push(candidates.get(place)?.clone());
                Some((id.clone(), with))
            });
            let step: Chosen = one.collect();
            let Some((_, _, outcomes)) = self.attempt(state, &step).await? else { return Ok(None) };
            for (id, candidates) in step {
                match (state.verdict(&id, &candidates, outcomes.get(&id)), candidates.last()) {
                    (Ok(()), _) => drop(accepted.insert(id, candidates)),
                    (Err(why), Some(last)) => state.hint(&id, last, &why),
                    (Err(_), None) => {}
                }
            }
        }
        Ok(Some(accepted))
    }

    /// The course with edits made, and how the lessons do that stand on the pages that they change.
    async fn attempt(&self, state: &State, chosen: &Chosen) -> anyhow::Result<Tried> {
        let mut texts = state.texts.clone();
        let mut by_page: BTreeMap<&str, (&Planned, Vec<Edit>)> = BTreeMap::new();
        for planned in &state.planned {
            let Some(candidates) = chosen.get(&planned.lesson.id) else { continue };
            let page = by_page.entry(planned.lesson.source.path()).or_insert((planned, Vec::new()));
            page.1.extend(candidates.iter().flat_map(|candidate| candidate.proposal.edits.clone()));
        }
        let pages: BTreeSet<String> = by_page.keys().map(|&page| page.to_owned()).collect();
        for (page, (planned, mut edits)) in by_page {
            edits.sort();
            let now = texts.get(page).cloned().map_or_else(|| stored(planned), Ok)?;
            if let Some(text) = altered(&now, &planned.lesson.source, &edits) {
                texts.insert(page.to_owned(), text);
            }
        }
        let mut course = course::find_with(self.arguments, &texts)?;
        let on_pages = course.planned.iter().filter(|planned| pages.contains(planned.lesson.source.path())).cloned().collect::<Vec<_>>();
        let Some(report) = self.round().run(&on_pages, course.chapters).await? else { return Ok(None) };
        course.chapters = 0;
        Ok(Some((course, texts, report.lessons.into_iter().map(|lesson| (lesson.id.clone(), lesson)).collect())))
    }

    /// Make what was accepted the course's state.
    async fn take(&self, state: &mut State, accepted: Chosen) -> anyhow::Result<Option<()>> {
        let Some((course, texts, outcomes)) = self.attempt(state, &accepted).await? else { return Ok(None) };
        for (id, candidates) in accepted {
            let Some(before) = state.outcomes.get(&id) else { continue };
            for candidate in candidates {
                let findings = candidate.wanted.iter().map(|index| before.findings[*index].clone()).collect();
                state.steps.entry(id.clone()).or_default().push(Step { moves: candidate.proposal.moves, findings });
            }
        }
        state.planned = course.planned;
        state.texts = texts;
        state.outcomes.extend(outcomes);
        Ok(Some(()))
    }

    /// Run once more, with all that helped, whatever that can have changed: lessons on the pages that change, and those that borrow from them. A page with a
    /// lesson that is not better for it stays as it was, and so do all if a lesson of another page is worse.
    async fn settle(&self, state: &mut State, original: &[Planned], first: &BTreeMap<String, LessonOutcome>) -> anyhow::Result<Option<Settled>> {
        let mut settled: Settled = first.iter().map(|(id, lesson)| (id.clone(), (lesson.clone(), Vec::new()))).collect();
        while !state.texts.is_empty() {
            let course = course::find_with(self.arguments, &state.texts)?;
            let jobs = |planned: &Planned| planned.lab().revisions.into_iter().map(|revision| revision.job).collect::<Vec<_>>();
            let both = original.iter().zip(&course.planned);
            let touched = both.filter(|(old, new)| old.lesson.source != new.lesson.source || jobs(old) != jobs(new)).map(|(_, new)| new.clone());
            let Some(report) = self.round().run(&touched.collect::<Vec<_>>(), course.chapters).await? else { return Ok(None) };
            let mut refused: BTreeMap<String, String> = BTreeMap::new();
            for after in report.lessons {
                let id = after.id.clone();
                let before = first.get(&id).ok_or_else(|| no_engine("the lessons of the course changed while it was run; run it again"))?;
                let wanted: Vec<usize> = (0..before.findings.len()).collect();
                let page = before.source.path();
                match compare(before, &after, &between(&before.source, &after.source), &wanted) {
                    Verdict::Better(fixed) => drop(settled.insert(id, (after, fixed))),
                    Verdict::Not(why) if state.texts.contains_key(page) && (why != STILL || state.steps.contains_key(&id)) => {
                        refused.insert(page.to_owned(), format!("{}: {why}", before.selector));
                    }
                    // Whose edits harm it cannot be told; no page is changed for the better at the cost of another.
                    Verdict::Not(why) if why != STILL => {
                        refused.extend(state.texts.keys().map(|page| (page.clone(), format!("{} would be worse: {why}", before.selector))));
                    }
                    Verdict::Not(_) => drop(settled.insert(id, (after, Vec::new()))),
                }
            }
            if refused.is_empty() {
                break;
            }
            state.refuse(original, &refused);
            settled.retain(|id, (lesson, fixed)| {
                if refused.contains_key(lesson.source.path()) {
                    *lesson = first.get(id).unwrap_or(lesson).clone();
                    fixed.clear();
                }
                true
            });
        }
        Ok(Some(settled))
    }
}

/// How lessons are at the end, by id, with the findings that are gone.
type Settled = BTreeMap<String, (LessonOutcome, Vec<usize>)>;

impl State {
    /// What is to be tried for each lesson, and whether something has to wait because it is in the way of that.
    fn choose(&mut self) -> (Chosen, bool) {
        let mut chosen = Chosen::new();
        let mut waiting = false;
        for planned in self.planned.clone() {
            let id = &planned.lesson.id;
            let Some(outcome) = self.outcomes.get(id).filter(|outcome| !outcome.findings.is_empty()).cloned() else { continue };
            let mut own: Vec<Candidate> = Vec::new();
            for proposal in proposals(&planned.lesson) {
                let candidate = Candidate { wanted: meant(&proposal, &outcome), proposal };
                let key = |candidate: &Candidate| (id.clone(), format!("{:?}", candidate.proposal));
                if candidate.wanted.is_empty() || self.tried.contains(&key(&candidate)) {
                    continue;
                }
                if candidate.proposal.edits.is_empty() {
                    let why = candidate.proposal.hint.clone().unwrap_or_default();
                    self.tried.insert(key(&candidate));
                    self.hint(id, &candidate, &why);
                } else if own.iter().all(|other| fit(&other.proposal.edits, &candidate.proposal.edits)) {
                    self.tried.insert(key(&candidate));
                    own.push(candidate);
                } else {
                    waiting = true;
                }
            }
            if !own.is_empty() {
                chosen.insert(id.clone(), own);
            }
        }
        (chosen, waiting)
    }

    /// Whether a lesson is better with edits, each of them for something.
    fn verdict(&self, id: &str, candidates: &[Candidate], after: Option<&LessonOutcome>) -> Result<(), String> {
        let (Some(before), Some(after)) = (self.outcomes.get(id), after) else { return Err("the page would not be read as the same lessons".to_owned()) };
        let mut edits: Vec<Edit> = candidates.iter().flat_map(|candidate| candidate.proposal.edits.clone()).collect();
        edits.sort();
        let wanted: Vec<usize> = candidates.iter().flat_map(|candidate| candidate.wanted.clone()).collect();
        match compare(before, after, &edits, &wanted) {
            Verdict::Better(fixed) if candidates.iter().all(|candidate| candidate.wanted.iter().any(|index| fixed.contains(index))) => Ok(()),
            Verdict::Better(_) => Err(STILL.to_owned()),
            Verdict::Not(why) => Err(why),
        }
    }

    fn hint(&mut self, id: &str, candidate: &Candidate, why: &str) {
        let Some(finding) = self.outcomes.get(id).and_then(|outcome| outcome.findings.get(*candidate.wanted.first()?)) else { return };
        let hint = Hint { moves: candidate.proposal.moves.clone(), finding: finding.clone(), why: why.to_owned() };
        self.hints.entry(id.to_owned()).or_default().push(hint);
    }

    /// Give pages back what they held, with a hint for each step that was made on them.
    fn refuse(&mut self, original: &[Planned], refused: &BTreeMap<String, String>) {
        for (page, why) in refused {
            self.texts.remove(page);
            for planned in original.iter().filter(|planned| planned.lesson.source.path() == page) {
                for step in self.steps.remove(&planned.lesson.id).unwrap_or_default() {
                    let hints = step.findings.into_iter().take(1).map(|finding| Hint { moves: step.moves.clone(), finding, why: why.clone() });
                    self.hints.entry(planned.lesson.id.clone()).or_default().extend(hints);
                }
            }
        }
    }
}

/// The text of a lesson's page as it is stored: of a notebook its JSON, of any other what was read.
fn stored(planned: &Planned) -> anyhow::Result<String> {
    let source = &planned.lesson.source;
    if source.path().ends_with(".ipynb") { Ok(std::fs::read_to_string(source.path())?) } else { Ok(source.text().to_owned()) }
}
