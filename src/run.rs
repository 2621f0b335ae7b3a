//! Runs lessons: schedules revisions over an engine's workers, tries failures against a second assembly, has them judged, and tells what happens as events.
//! It knows nothing of reports and prints nothing.

pub mod bench;
pub mod cache;
pub mod snapshots;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc::UnboundedSender;

use crate::engine::demand::imports;
use crate::engine::{Ending, EngineError, Run};
use crate::guide::Lesson;
use crate::lab::manifest::Manifest;
use crate::lab::{Installed, Lab, Lenders, Remedy, Revision, Setup, assemble};
use crate::outcome::{
    Event, Judged, LessonOutcome, Options, Ran, Served, Status, Suspect, clears, eases, held_up, judge, refusing, standing, status, suspects,
};
use bench::Bench;
use snapshots::Snapshots;

/// A lesson that is to be checked.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Its place in guide order, from 0.
    pub index: usize,
    /// The lesson.
    pub lesson: Arc<Lesson>,
    /// The title of its chapter.
    pub chapter: String,
    /// The words that select just this lesson on the command line.
    pub selector: String,
    /// Lessons that lend to it, the nearest first.
    pub earlier: Lenders,
    /// Its `lab.toml`, if it has one.
    pub manifest: Option<Manifest>,
    /// What the environment has, where that is known.
    pub installed: Option<Arc<Installed>>,
}

impl Planned {
    /// The lab that the lesson assembles into.
    #[must_use]
    pub fn lab(&self) -> Lab {
        assemble(&self.lesson, &Setup { earlier: Some(&self.earlier), manifest: self.manifest.as_ref(), installed: self.installed.as_deref() })
    }
}

/// How to check.
#[derive(Debug, Clone, Default)]
pub struct Check {
    /// The name of the environment.
    pub environment: String,
    /// How strictly to judge.
    pub judging: Options,
    /// The snapshots to hold outputs against, if any.
    pub snapshots: Option<Snapshots>,
    /// How many lessons are under way at a time.
    pub concurrency: usize,
}

/// Check lessons on a bench, telling what happens to `events`.
pub async fn check(planned: Vec<Planned>, bench: &Bench<'_>, how: &Check, events: &UnboundedSender<Event>) {
    // All that is in sight is known to the engine before it starts; a lesson that is settled without it is not counted any more.
    let planned: Vec<_> = planned.into_iter().map(|planned| (bench.demand().expect(imports_of(&planned.lesson)), planned)).collect();
    let lessons = stream::iter(planned.into_iter().map(|(expected, planned)| async move {
        // Nobody listens any more only when the check is being given up.
        if !planned.lesson.blocks.is_empty() {
            let _ = events.send(Event::Started { id: planned.lesson.id.clone() });
        }
        let index = planned.index;
        let lesson = Box::new(lesson(&planned, bench, how).await);
        drop(expected);
        let _ = events.send(Event::Judged { index, lesson });
    }));
    lessons.buffer_unordered(how.concurrency.max(1)).collect::<Vec<()>>().await;
}

fn imports_of(lesson: &Lesson) -> BTreeSet<String> {
    imports(lesson.blocks.iter().flat_map(|block| &block.body.lines).map(|line| line.text.as_str()))
}

/// The lab of a lesson, assembled beside the task that waits for the workers: while they run one, the other cores make the next.
async fn assembled(planned: &Planned) -> Lab {
    let own = planned.clone();
    match tokio::task::spawn_blocking(move || own.lab()).await.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(lab) => lab,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // Only a runtime that is being shut down cancels what has not begun.
        Err(Err(_)) => planned.lab(),
    }
}

async fn lesson(planned: &Planned, bench: &Bench<'_>, how: &Check) -> LessonOutcome {
    let begun = std::time::Instant::now();
    let lab = assembled(planned).await;
    let mut outcome = blank(planned, &how.environment);
    match runs(&planned.lesson, &lab, bench, true).await {
        Err(error) => {
            let judged = judge(&planned.lesson, &lab, &[], how.judging);
            fill(&mut outcome, judged);
            outcome.status = Status::Errored;
            outcome.error = Some(error.to_string());
        }
        Ok(mut runs) => {
            let mut judged = judge(&planned.lesson, &lab, &runs, how.judging);
            for &revision in &judged.doubtful {
                let job = crate::engine::Job { again: true, ..lab.revisions[revision].job.clone() };
                runs[revision].again = bench.run(&job).await.ok();
            }
            if !judged.doubtful.is_empty() {
                judged = judge(&planned.lesson, &lab, &runs, how.judging);
            }
            outcome.status = status(&judged);
            fill(&mut outcome, judged);
            if let Some(snapshots) = &how.snapshots {
                let own = planned.manifest.as_ref().and_then(|manifest| manifest.environment.as_deref());
                let again = || async {
                    let runs = self::runs(&planned.lesson, &lab, bench, false).await.ok()?;
                    Some(judge(&planned.lesson, &lab, &runs, how.judging))
                };
                snapshots.hold(&planned.lesson, own, &mut outcome, again).await;
            }
        }
    }
    outcome.seconds = begun.elapsed().as_secs_f64();
    outcome
}

fn blank(planned: &Planned, environment: &str) -> LessonOutcome {
    let lesson = &planned.lesson;
    LessonOutcome {
        index: planned.index,
        id: lesson.id.clone(),
        number: lesson.number.clone(),
        title: lesson.title.clone(),
        chapter: planned.chapter.clone(),
        selector: planned.selector.clone(),
        environment: environment.to_owned(),
        source: Arc::clone(&lesson.source),
        line: lesson.line,
        status: Status::Empty,
        assumptions: Vec::new(),
        blocks: Vec::new(),
        findings: Vec::new(),
        error: None,
        seconds: 0.0,
    }
}

fn fill(outcome: &mut LessonOutcome, judged: Judged) {
    outcome.blocks = judged.blocks;
    outcome.findings = judged.findings;
    outcome.assumptions = judged.assumptions;
}

/// Run every revision of a lab; those of one lab run side by side. `remembered`: an earlier result will do.
async fn runs(lesson: &Lesson, lab: &Lab, bench: &Bench<'_>, remembered: bool) -> Result<Vec<Ran>, EngineError> {
    futures_util::future::try_join_all(lab.revisions.iter().map(|revision| one(lesson, lab, revision, bench, remembered))).await
}

/// How many things are set up one after the other for one revision: a context, then its tables, then a request.
const SETUPS: usize = 5;

/// Run a revision, and whatever failed in it once more, assembled another way: an error must survive that.
async fn one(lesson: &Lesson, lab: &Lab, revision: &Revision, bench: &Bench<'_>, remembered: bool) -> Result<Ran, EngineError> {
    let (revision, run, served) = with_servers(lesson, revision, bench, remembered).await?;
    let revision = &revision;
    let mut instead = BTreeMap::new();
    let mut current = (revision.clone(), run.clone());
    let mut applied: Vec<Remedy> = Vec::new();
    let mut tried = BTreeSet::new();
    for _ in 0..SETUPS {
        let wanted = suspects(lesson, lab, &current.0, &current.1).into_iter().find_map(|suspect| {
            let remedy = suspect.remedies.iter().copied().find(|remedy| remedy.is_setup() && !tried.contains(remedy))?;
            Some((suspect, remedy))
        });
        let Some((suspect, remedy)) = wanted else { break };
        tried.insert(remedy);
        let Some(other) = current.0.again(suspect.block, suspect.span, remedy) else { continue };
        let again = self::run(&other, bench, remembered).await?;
        applied.push(remedy);
        current = (other, again);
    }
    if !applied.is_empty() {
        for &block in revision.blocks.iter().filter(|&&block| !clears(lesson, lab, revision, block, &run) && clears(lesson, lab, &current.0, block, &current.1))
        {
            instead.insert(block, (current.0.clone(), current.1.clone(), applied.clone()));
        }
    }
    for Suspect { block, span, remedies } in suspects(lesson, lab, revision, &run) {
        let mut eased = None;
        for remedy in remedies.into_iter().filter(|remedy| !remedy.is_setup()) {
            if instead.contains_key(&block) {
                break;
            }
            for (base, mut before) in [(revision, Vec::new()), (&current.0, applied.clone())] {
                let Some(other) = base.again(block, span, remedy) else { break };
                let again = self::run(&other, bench, remembered).await?;
                if clears(lesson, lab, &other, block, &again) {
                    before.push(remedy);
                    instead.insert(block, (other, again, before));
                    break;
                }
                if remedy == Remedy::DefinitionsFirst && eased.is_none() && eases(&other, block, &again, (revision, &run)) {
                    eased = Some((other, again, before.into_iter().chain([remedy]).collect()));
                }
                if applied.is_empty() {
                    break;
                }
            }
        }
        if let Some(eased) = eased {
            instead.entry(block).or_insert(eased);
        }
        // What was set up is the verdict where the block gets further with it, even if something else is in its way then.
        if standing(lesson, lab, &current.0, block, &current.1) > standing(lesson, lab, revision, block, &run) {
            instead.entry(block).or_insert_with(|| (current.0.clone(), current.1.clone(), applied.clone()));
        }
    }
    let beyond = beyond(revision, &run, bench, remembered).await?;
    Ok(Ran { instead, beyond, served, ..Ran::from(run) })
}

/// Run a revision, and where the usual port of a server refuses its connections, once more with that server beside it. A run that the server only lets go on
/// until its time is over says less than the first: something else is missing as well.
async fn with_servers(lesson: &Lesson, revision: &Revision, bench: &Bench<'_>, remembered: bool) -> Result<(Revision, Run, Vec<Served>), EngineError> {
    let mut current = (revision.clone(), run(revision, bench, remembered).await?);
    let mut served: Vec<Served> = Vec::new();
    while let Some((service, span)) =
        refusing(lesson, &current.0, &current.1).into_iter().find(|(service, _)| served.iter().all(|known| known.service != *service))
    {
        let other = current.0.with_services(current.0.job.services.iter().cloned().chain([service.clone()]).collect());
        let again = run(&other, bench, remembered).await?;
        match again.ending.clone() {
            Ending::Finished => {
                served.push(Served { service, span, why: None });
                current = (other, again);
            }
            Ending::NoService { why, .. } => served.push(Served { service, span, why: Some(why) }),
            _ => break,
        }
    }
    Ok((current.0, current.1, served))
}

/// How many failed statements give way one after the other.
const STEPS_BACK: usize = 3;

/// Run what a failed statement holds up once more, with an older version of what that statement binds in its place: what fails then fails by itself.
async fn beyond(revision: &Revision, run: &Run, bench: &Bench<'_>, remembered: bool) -> Result<Vec<(Revision, Run)>, EngineError> {
    let mut found: Vec<(Revision, Run)> = Vec::new();
    let mut tried = BTreeSet::new();
    for _ in 0..STEPS_BACK {
        let (base, before) = found.last().map_or((revision, run), |(revision, run)| (revision, run));
        let causes = held_up(base, before).into_iter().map(|(_, cause)| cause).filter(|cause| !tried.contains(cause));
        let other = causes.collect::<BTreeSet<_>>().into_iter().find_map(|cause| Some((cause, base.without(cause)?)));
        let Some((cause, other)) = other else { break };
        tried.insert(cause);
        let again = self::run(&other, bench, remembered).await?;
        found.push((other, again));
    }
    Ok(found)
}

async fn run(revision: &Revision, bench: &Bench<'_>, remembered: bool) -> Result<Run, EngineError> {
    if remembered { bench.run(&revision.job).await } else { bench.run_now(&revision.job).await }
}
