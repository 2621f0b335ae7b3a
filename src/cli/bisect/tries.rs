//! One try: a layer with another release, the lesson run in it, and what that says of the finding.

use std::collections::{BTreeSet, HashSet};
use std::time::Instant;

use bollard::Docker;
use pep440_rs::Version;

use super::memory::Tried;
use crate::cli::engines::{EngineArgs, EngineChoice, Layer};
use crate::cli::no_engine;
use crate::cli::round::{Round, interrupted};
use crate::cli::spinner::Spinner;
use crate::engine::EngineError;
use crate::engine::docker::connect::connect;
use crate::env::Environment;
use crate::env::index::Package;
use crate::env::release::{self, Change, Period};
use crate::maintain::releases::Candidate;
use crate::maintain::suspect::{Case, Seen};
use crate::outcome::{LessonOutcome, Options, Status};
use crate::run::Planned;

/// How much of a message tells it from others.
const TELLING: usize = 60;

/// Where releases are tried.
pub(super) struct Workshop<'a> {
    engine: &'a EngineArgs,
    environment: &'a Environment,
    planned: &'a Planned,
    /// The container engine and the environment's image in it.
    docker: Option<(Docker, String)>,
    /// Packages that the lesson imports: they go along to another time.
    pub(super) others: BTreeSet<String>,
    /// The newest release that could be judged only with packages of its own time: older ones will hardly do without.
    needed_period: Option<Version>,
    /// Troubles that were the same with packages of that time.
    in_vain: HashSet<String>,
}

impl<'a> Workshop<'a> {
    /// A workshop; the environment is made now if it is not there.
    pub(super) async fn open(engine: &'a EngineArgs, environment: &'a Environment, planned: &'a Planned, spinner: &mut Spinner) -> anyhow::Result<Self> {
        let connection = match engine.engine {
            EngineChoice::Local => None,
            EngineChoice::Docker => Some(connect().await?),
            EngineChoice::Auto => connect().await.ok(),
        };
        let mut tell = |line: &str| spinner.tell(line);
        let docker = match connection {
            Some(connection) => {
                let image = environment.ensure_image(&connection.docker, &mut tell).await.map_err(failed)?;
                Some((connection.docker, image))
            }
            None => {
                environment.ensure_venv(engine.python.as_deref(), &mut tell).await.map_err(failed)?;
                None
            }
        };
        Ok(Self { engine, environment, planned, docker, others: BTreeSet::new(), needed_period: None, in_vain: HashSet::new() })
    }

    /// The engine's name.
    pub(super) fn name(&self) -> &'static str {
        if self.docker.is_some() { "docker" } else { "local" }
    }

    /// What the index has of modules or packages.
    pub(super) async fn ask(&self, names: &[String], spinner: &mut Spinner) -> anyhow::Result<Vec<Package>> {
        let mut tell = |line: &str| spinner.tell(line);
        let asked = match &self.docker {
            Some((docker, image)) => self.environment.ask_in_image(docker, image, names, &mut tell).await,
            None => self.environment.ask_in_venv(self.engine.python.as_deref(), names, &mut tell).await,
        };
        Ok(asked.map_err(failed)?)
    }

    /// The lesson as it does in a layer, or in the environment itself. `None` if the user interrupted it.
    pub(super) async fn check(&self, layer: Option<Layer>) -> anyhow::Result<Option<LessonOutcome>> {
        let engine = EngineArgs { engine: if self.docker.is_some() { EngineChoice::Docker } else { EngineChoice::Local }, over: layer, ..self.engine.clone() };
        let round = Round { engine: &engine, environment: self.environment, install: false, judging: Options::default(), snapshots: None, quiet: true };
        let Some(report) = round.run(std::slice::from_ref(self.planned), 0).await? else { return Ok(None) };
        let lesson = report.lessons.into_iter().next();
        let lesson = lesson.ok_or_else(|| no_engine("the check told nothing of the lesson; this is a bug in proctor"))?;
        match &lesson.error {
            // Where the lesson cannot be run at all there is nothing to search for; with one release among others it says nothing.
            Some(error) if lesson.status == Status::Errored && engine.over.is_none() => Err(no_engine(error.clone()).into()),
            _ => Ok(Some(lesson)),
        }
    }

    /// Makes a layer; or why its release cannot be installed.
    async fn layer(&self, change: &Change) -> Result<Result<Layer, String>, EngineError> {
        match &self.docker {
            Some((docker, image)) => Ok(self.environment.ensure_release_image(docker, image, change, &mut |_| {}).await?.map(Layer::Image)),
            None => Ok(self.environment.ensure_release_venv(self.engine.python.as_deref(), change, &mut |_| {}).await?.map(Layer::Python)),
        }
    }

    /// Tries a release: with the lock held, and with packages of its own time where something else fails first. `None` if the user interrupted it.
    pub(super) async fn attempt(
        &mut self,
        package: &str,
        candidate: &Candidate,
        case: &Case,
        tell: &mut (dyn FnMut(&str) + Send),
    ) -> anyhow::Result<Option<Tried>> {
        let begun = Instant::now();
        let version = candidate.version.to_string();
        let mut told: Vec<(bool, Tried)> = Vec::new();
        let period_first = self.needed_period.as_ref().is_some_and(|newest| candidate.version <= *newest);
        for period in if period_first { [true, false] } else { [false, true] } {
            if told.last().is_some_and(|(_, before)| before.kind == REFUSED || self.in_vain.contains(&telling(&before.reason))) {
                break;
            }
            let what = if period { " with packages of its time" } else { "" };
            tell(&format!("installing {package} {version}{what}"));
            let change = Change {
                package: package.to_owned(),
                version: version.clone(),
                period: period.then(|| Period { time: candidate.uploaded.clone(), others: self.others.clone() }),
            };
            let layer = tokio::select! {
                layer = self.layer(&change) => layer.map_err(failed)?,
                () = interrupted() => return Ok(None),
            };
            let mut tried = Tried { version: version.clone(), verdict: "unknown".to_owned(), period, ..Tried::default() };
            match layer {
                Err(why) => (tried.kind, tried.reason) = (REFUSED.to_owned(), format!("it cannot be installed: {why}")),
                Ok(layer) => {
                    tell(&format!("running the lesson with {package} {version}{what}"));
                    let Some(outcome) = self.check(Some(layer)).await? else { return Ok(None) };
                    tried.transcript = case.block(&outcome).and_then(|block| block.transcript.clone()).unwrap_or_default();
                    match case.judge(&outcome) {
                        Seen::Good => "good".clone_into(&mut tried.verdict),
                        Seen::Bad => "bad".clone_into(&mut tried.verdict),
                        Seen::Unknown { kind, reason } => (tried.kind, tried.reason) = (kind, reason),
                    }
                }
            }
            if tried.verdict != "unknown" {
                if period && !period_first {
                    self.needed_period = Some(candidate.version.clone());
                }
                return Ok(Some(Tried { seconds: begun.elapsed().as_secs_f64(), ..tried }));
            }
            told.push((period, tried));
        }
        let alike = |told: &[(bool, Tried)]| told.len() == 2 && telling(&told[0].1.reason) == telling(&told[1].1.reason);
        if alike(&told) {
            self.in_vain.insert(telling(&told[0].1.reason));
        }
        // What fails with packages of its own time is the release's own trouble; where those cannot be had, what fails beside the others says more.
        let own = told.iter().find(|(period, tried)| *period && tried.kind != REFUSED).or(told.first());
        Ok(own.map(|(_, tried)| Tried { seconds: begun.elapsed().as_secs_f64(), ..tried.clone() }))
    }

    /// Keeps the layers to their number.
    pub(super) async fn close(&self) {
        release::prune(self.docker.as_ref().map(|(docker, _)| docker)).await;
    }
}

/// The kind of releases that cannot be installed.
const REFUSED: &str = "not installable";

fn telling(reason: &str) -> String {
    reason.chars().take(TELLING).collect()
}

fn failed(error: EngineError) -> crate::cli::Failure {
    no_engine(error.to_string())
}
