//! One check from beginning to end: open the engine, run what was planned, collect a report. Shared by every command that checks lessons, once or many times.

use std::time::Instant;

use tokio::sync::mpsc;

use crate::cli::engines::{EngineArgs, EngineChoice, Needs, Opened};
use crate::cli::{no_engine, packages};
use crate::engine::docker::orphans::remove_own;
use crate::env::Environment;
use crate::finding::Code;
use crate::lab::Installed;
use crate::outcome::{Event, Options};
use crate::report::Report;
use crate::report::progress::Progress;
use crate::run::snapshots::Snapshots;
use crate::run::{Check, Planned, check};

/// How many lessons wait for workers, beside those that keep them busy: enough to see what is to come.
const UNDER_WAY: usize = 12;

/// What lessons are checked with.
#[derive(Clone)]
pub struct Round<'a> {
    /// The engine, as the command line names it.
    pub engine: &'a EngineArgs,
    /// Where the lessons run.
    pub environment: &'a Environment,
    /// Install what pages install and the environment lacks.
    pub install: bool,
    /// How strictly to judge.
    pub judging: Options,
    /// The snapshots to hold outputs against, if any.
    pub snapshots: Option<Snapshots>,
    /// No progress on standard error.
    pub quiet: bool,
}

/// A round of a check in several environments, and the lessons that it is about.
pub struct Leg<'a> {
    /// What they are checked with.
    pub round: Round<'a>,
    /// The lessons, each with its place in guide order.
    pub planned: Vec<Planned>,
}

/// How a round went, beside its events.
struct Went {
    engine: &'static str,
    notes: Vec<String>,
    /// Why there was no engine, if one was needed.
    refused: Option<String>,
}

/// Check lessons in one environment after the other: one report of all. `None` if the user interrupted it; then everything is stopped and removed already.
///
/// # Errors
/// A [`Failure`](super::Failure) if no engine could run in any of them. In an environment that alone could not be had, every lesson errored.
pub async fn run_all(legs: &[Leg<'_>], chapters: usize) -> anyhow::Result<Option<Report>> {
    let begun = Instant::now();
    let (sender, receiver) = mpsc::unbounded_channel();
    let progress = tokio::spawn(follow(receiver, Progress::new(legs.iter().all(|leg| leg.round.quiet))));
    let lessons = || legs.iter().flat_map(|leg| &leg.planned);
    let to_run = lessons().filter(|planned| !planned.lesson.blocks.is_empty()).count();
    let _ = sender.send(Event::Read { chapters, lessons: lessons().count(), to_run });
    let work = async {
        let mut went = Vec::new();
        for leg in legs {
            went.push(leg.round.work(&leg.planned, &sender).await?);
        }
        match went.iter().map(|went| went.refused.clone()).collect::<Option<Vec<_>>>().and_then(|refused| refused.into_iter().next()) {
            Some(refused) => Err(no_engine(refused).into()),
            None => anyhow::Ok(went),
        }
    };
    let ended = tokio::select! {
        ended = work => Some(ended),
        () = interrupted() => None,
    };
    drop(sender);
    let events = progress.await?;
    let Some(ended) = ended else {
        if legs.iter().any(|leg| leg.round.engine.engine != EngineChoice::Local) {
            // Whoever does not want to wait for that says so: containers end by themselves, a little later.
            tokio::select! {
                () = remove_own() => {}
                () = interrupted() => {}
            }
        }
        return Ok(None);
    };
    let went = ended?;
    let mut report = Report::collect(events);
    report.engine = went.first().map_or("", |went| went.engine).to_owned();
    let names: Vec<&str> = legs.iter().map(|leg| leg.round.environment.name()).collect();
    report.notes = if to_run > 0 { notes(&names, went) } else { Vec::new() };
    for name in names {
        if !report.environments.iter().any(|known| known == name) {
            report.environments.push(name.to_owned());
        }
    }
    report.seconds = begun.elapsed().as_secs_f64();
    if to_run == 0 || !report.anything_ran() {
        report.wrong.push((Code::NothingRan, "not a single block ran, so this check proves nothing".to_owned()));
    }
    Ok(Some(report))
}

/// What a report must say of how rounds went: what holds in each environment once, everything else with its environment.
fn notes(names: &[&str], went: Vec<Went>) -> Vec<String> {
    let rounds = went.len();
    let mut merged: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, note) in went.into_iter().zip(names).flat_map(|(went, name)| went.notes.into_iter().map(move |note| (name, note))) {
        match merged.iter_mut().find(|(known, _)| *known == note) {
            Some((_, names)) => names.push(name),
            None => merged.push((note, vec![name])),
        }
    }
    merged.into_iter().map(|(note, names)| if names.len() == rounds { note } else { format!("in {}: {note}", names.join(", ")) }).collect()
}

impl Round<'_> {
    /// Check lessons of guides with so many chapters. `None` if the user interrupted it; then everything is stopped and removed already.
    ///
    /// # Errors
    /// A [`Failure`](super::Failure) if no engine could run. What is wrong with the course is in the report.
    pub async fn run(&self, planned: &[Planned], chapters: usize) -> anyhow::Result<Option<Report>> {
        run_all(&[Leg { round: self.clone(), planned: planned.to_vec() }], chapters).await
    }

    /// Run the lessons and end the engine again.
    async fn work(&self, planned: &[Planned], events: &mpsc::UnboundedSender<Event>) -> anyhow::Result<Went> {
        let mut installed = packages::of(self.environment);
        let needs = self.needs(planned, &installed);
        let Opened { bench, name, note, jobs, refused } =
            self.engine.open(self.environment, &needs, events).await.map_err(|error| no_engine(error.to_string()))?;
        packages::add(&mut installed, &needs.packages, refused);
        check(packages::tell(planned, installed), &bench, &self.how(jobs), events).await;
        bench.close().await;
        Ok(Went { engine: name, notes: note.into_iter().chain(bench.notes()).collect(), refused: bench.refused() })
    }

    /// What the lessons need on top of their environment.
    pub(super) fn needs(&self, planned: &[Planned], installed: &Installed) -> Needs {
        Needs { packages: if self.install { packages::wanted(planned, installed) } else { Default::default() } }
    }

    /// How lessons are checked, `jobs` labs at a time.
    pub(super) fn how(&self, jobs: usize) -> Check {
        let environment = self.environment.name().to_owned();
        Check { environment, judging: self.judging, snapshots: self.snapshots.clone(), concurrency: jobs * 2 + UNDER_WAY }
    }
}

/// Resolves when the user wants to stop.
pub(super) async fn interrupted() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(_) => return std::future::pending().await,
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

async fn follow(mut events: mpsc::UnboundedReceiver<Event>, mut progress: Progress) -> Vec<Event> {
    let mut all = Vec::new();
    while let Some(event) = events.recv().await {
        progress.observe(&event);
        all.push(event);
    }
    progress.finish();
    all
}
