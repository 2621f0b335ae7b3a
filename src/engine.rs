//! Engines: they run one revision in a sealed Python process and hand back records. The only arrow of the design that touches the outside world.
//!
//! `Job --engine::run--> Run | EngineError`. What goes wrong in the *course's* code is in the records; an [`EngineError`] is ours.

pub mod demand;
pub mod docker;
pub mod local;
mod pool;
pub mod protocol;
pub mod replay;
mod worker;

use std::collections::BTreeMap;

pub use demand::Demand;
pub use docker::{DockerEngine, DockerOptions};
pub use local::{Local, LocalOptions};
pub use protocol::{Ending, Job, Record, Run};
pub use replay::{Recorder, Replay};
pub use worker::{agent_source, hear};

/// Why an engine could not run a job, or not be started at all. Each message is in lower case and ends with what to do next.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No engine of the asked kind answers.
    #[error("{0}")]
    Unavailable(String),
    /// The environment could not be built or found.
    #[error("{0}")]
    Environment(String),
    /// A worker ended or answered nonsense in the middle of a job, twice.
    #[error("the worker died: {0}")]
    WorkerDied(String),
    /// Reading or writing failed on our side.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, in lower case.
        doing: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
}

/// Something that runs jobs. The set is closed: an engine is a variant, not a trait object.
pub enum Engine {
    /// In sealed containers.
    Docker(DockerEngine),
    /// On this machine, in a virtual environment.
    Local(Local),
    /// From recorded runs.
    Replay(Replay),
}

impl Engine {
    /// Starts agents on this machine: all at once; returns as soon as one is ready, or what is wrong with the interpreter shows.
    pub async fn local(options: LocalOptions) -> Result<Self, EngineError> {
        Local::start(options, None).await.map(Self::Local)
    }

    /// The same, but no more agents than pay for what is in sight, with no more loaded than that imports.
    pub async fn local_for(options: LocalOptions, demand: Demand) -> Result<Self, EngineError> {
        Local::start(options, Some(demand)).await.map(Self::Local)
    }

    /// Starts sealed containers: all at once; returns as soon as one is ready, or a missing image shows.
    pub async fn docker(options: DockerOptions) -> Result<Self, EngineError> {
        DockerEngine::start(options, None).await.map(Self::Docker)
    }

    /// The same, but no more containers than pay for what is in sight, with no more loaded than that imports.
    pub async fn docker_for(options: DockerOptions, demand: Demand) -> Result<Self, EngineError> {
        DockerEngine::start(options, Some(demand)).await.map(Self::Docker)
    }

    /// Hands back recorded runs.
    #[must_use]
    pub fn replay(replay: Replay) -> Self {
        Self::Replay(replay)
    }

    /// Runs one job on a free worker. Call it as often at once as you like: jobs wait for each other.
    ///
    /// What the job's code did is in the run. A worker that dies is replaced and the job tried once more. Dropping the future ends the job.
    pub async fn run(&self, job: &Job) -> Result<Run, EngineError> {
        match self {
            Self::Docker(docker) => docker.run(job).await,
            Self::Local(local) => local.run(job).await,
            Self::Replay(replay) => replay.run(job),
        }
    }

    /// The word that reports use.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Docker(_) => "docker",
            Self::Local(_) => "local",
            Self::Replay(_) => "replay",
        }
    }

    /// What a report must say about how things were run.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        match self {
            Self::Docker(docker) => docker.notes(),
            Self::Local(local) => local.notes(),
            Self::Replay(_) => vec!["nothing was run: these are recorded runs".to_owned()],
        }
    }

    /// What is installed where labs run: name, as an index spells it, to version.
    #[must_use]
    pub fn packages(&self) -> BTreeMap<String, String> {
        match self {
            Self::Docker(docker) => docker.pool().packages.clone(),
            Self::Local(local) => local.pool().packages.clone(),
            Self::Replay(_) => BTreeMap::new(),
        }
    }

    /// The Python that labs run on, such as `3.13.5`; empty where that differs from run to run.
    #[must_use]
    pub fn python(&self) -> &str {
        match self {
            Self::Docker(docker) => &docker.pool().python,
            Self::Local(local) => &local.pool().python,
            Self::Replay(_) => "",
        }
    }

    /// How many workers were started so far: more than run at a time, where one had to be replaced.
    #[must_use]
    pub fn workers_started(&self) -> usize {
        match self {
            Self::Docker(docker) => docker.pool().started(),
            Self::Local(local) => local.pool().started(),
            Self::Replay(_) => 0,
        }
    }

    /// Ends every worker and waits until nothing of them is left. Jobs that still run are finished first.
    pub async fn close(&self) {
        match self {
            Self::Docker(docker) => docker.close().await,
            Self::Local(local) => local.close().await,
            Self::Replay(_) => {}
        }
    }
}
