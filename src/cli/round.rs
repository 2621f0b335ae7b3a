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

impl Round<'_> {
    /// Check lessons of guides with so many chapters. `None` if the user interrupted it; then everything is stopped and removed already.
    ///
    /// # Errors
    /// A [`Failure`](super::Failure) if no engine could run. What is wrong with the course is in the report.
    pub async fn run(&self, planned: &[Planned], chapters: usize) -> anyhow::Result<Option<Report>> {
        let begun = Instant::now();
        let mut installed = packages::of(self.environment);
        let needs = self.needs(planned, &installed);
        let (sender, receiver) = mpsc::unbounded_channel();
        let progress = tokio::spawn(follow(receiver, Progress::new(self.quiet)));
        let to_run = planned.iter().filter(|planned| !planned.lesson.blocks.is_empty()).count();
        let _ = sender.send(Event::Read { chapters, lessons: planned.len(), to_run });
        let work = async {
            let Opened { bench, name, note, jobs, refused } =
                self.engine.open(self.environment, &needs, &sender).await.map_err(|error| no_engine(error.to_string()))?;
            packages::add(&mut installed, &needs.packages, refused);
            check(packages::tell(planned, installed), &bench, &self.how(jobs), &sender).await;
            bench.close().await;
            if let Some(refused) = bench.refused() {
                return Err(no_engine(refused).into());
            }
            anyhow::Ok((name, note.into_iter().chain(bench.notes()).collect::<Vec<_>>()))
        };
        let ended = tokio::select! {
            ended = work => Some(ended),
            () = interrupted() => None,
        };
        drop(sender);
        let events = progress.await?;
        let Some(ended) = ended else {
            if self.engine.engine != EngineChoice::Local {
                // Whoever does not want to wait for that says so: containers end by themselves, a little later.
                tokio::select! {
                    () = remove_own() => {}
                    () = interrupted() => {}
                }
            }
            return Ok(None);
        };
        let (engine, notes) = ended?;
        let mut report = Report::collect(events);
        report.engine = engine.to_owned();
        report.notes = if to_run > 0 { notes } else { Vec::new() };
        report.environment = self.environment.name().to_owned();
        report.seconds = begun.elapsed().as_secs_f64();
        if to_run == 0 || !report.anything_ran() {
            report.wrong.push((Code::NothingRan, "not a single block ran, so this check proves nothing".to_owned()));
        }
        Ok(Some(report))
    }

    /// What the lessons need on top of their environment.
    pub(super) fn needs(&self, planned: &[Planned], installed: &Installed) -> Needs {
        Needs { packages: if self.install { packages::wanted(planned, installed) } else { Default::default() } }
    }

    /// How lessons are checked, `jobs` labs at a time.
    pub(super) fn how(&self, jobs: usize) -> Check {
        Check { judging: self.judging, snapshots: self.snapshots.clone(), concurrency: jobs * 2 + UNDER_WAY }
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
