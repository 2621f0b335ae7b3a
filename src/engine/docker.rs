//! The Docker engine: agents in a few warm, sealed containers, each running one job at a time.
//!
//! Part of the arrow `Job --engine::run--> Run | EngineError`. It must never open a path that a lab could have made, nor leave a container behind:
//! one ends when its standard input closes, whatever became of Proctor, and is removed by the engine itself. What seals it stands in `seal`.

pub mod connect;
pub mod guarantees;
pub mod orphans;
mod seal;
mod uids;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::query_parameters::{AttachContainerOptionsBuilder, RemoveContainerOptionsBuilder};
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::EngineError;
use super::demand::Demand;
use super::pool::{Launch, Pool};
use super::protocol::{Job, Run, Start};
use super::worker::{LastWords, Lifeline, Parts, Worker, warmth};
pub(crate) use uids::Uids;

/// How long a container may take to end after its input closed.
const FAREWELL: Duration = Duration::from_secs(15);
/// How much of an agent's answer is buffered on our side.
const BUFFER: usize = 1 << 20;

/// What a Docker engine is made of.
#[derive(Debug, Clone)]
pub struct DockerOptions {
    /// The image of the environment: a name or an id. It must be there already, with a `python3` of 3.11 or newer first on its path.
    pub image: String,
    /// How many containers run at the same time, each with one job.
    pub workers: usize,
    /// Modules to load before the first lab.
    pub warm: Vec<String>,
    /// Memory of a container, in MiB: the largest job's, what the agent itself takes (some 100), and the files of the lab.
    pub memory: u32,
    /// Room for the files of a lab, in MiB: they lie in memory.
    pub files: u32,
}

impl DockerOptions {
    /// Enough for a job of the usual limits.
    pub const MEMORY: u32 = 1024;
    /// Enough for what a lesson writes.
    pub const FILES: u32 = 128;
    /// What services take on top of either: a cluster of PostgreSQL's is about 40 MB when it is new.
    pub const SERVICES: u32 = 192;
}

/// Sealed containers.
pub struct DockerEngine {
    pool: Pool<Launcher>,
    version: String,
}

struct Launcher {
    docker: Docker,
    options: DockerOptions,
    demand: Option<Demand>,
}

impl DockerEngine {
    /// Starts containers, as many as are wanted; returns when one is ready.
    pub(crate) async fn start(options: DockerOptions, demand: Option<Demand>) -> Result<Self, EngineError> {
        let connection = connect::connect().await.map_err(|error| EngineError::Unavailable(error.to_string()))?;
        let workers = options.workers.max(1);
        let docker = connection.docker.clone();
        tokio::spawn(async move { orphans::remove_orphans(&docker).await });
        let pool = Pool::start(Launcher { docker: connection.docker, options, demand: demand.clone() }, workers, demand).await?;
        Ok(Self { pool, version: connection.version })
    }

    /// Runs one job.
    pub(crate) async fn run(&self, job: &Job) -> Result<Run, EngineError> {
        self.pool.run(job).await
    }

    /// The pool, for what its agents said of themselves.
    pub(crate) fn pool(&self) -> &Pool<impl Launch> {
        &self.pool
    }

    /// What a report says of this engine.
    pub(crate) fn notes(&self) -> Vec<String> {
        vec![format!("sealed by Docker {}: no network, a read-only system, limits on memory, processes, files, output and time", self.version)]
    }

    /// Ends every container.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

impl Launch for Launcher {
    async fn launch(&self) -> Result<Worker, EngineError> {
        let uids = Uids::take()?;
        let body = seal::container(&self.options);
        let created = self.docker.create_container(None, body).await.map_err(|error| self.explained("could not make a container", &error))?;
        // From here on the container is somebody's: whatever fails, dropping `container` removes it.
        let container = Box::new(Container { docker: self.docker.clone(), id: Some(created.id.clone()), streams: None, _uids: uids.clone() });
        let parts = self.attach(&created.id, container, uids).await?;
        self.docker.start_container(&created.id, None).await.map_err(|error| self.explained("could not start a container", &error))?;
        // Asked only now: while the container was being made, more of the course was read.
        let (warm, many) = warmth(&self.options.warm, self.demand.as_ref());
        Worker::start(parts, Start { warm, labs: seal::LABS.to_owned(), apart: true, many }).await
    }
}

impl Launcher {
    /// Takes hold of a container's streams, before it is started.
    async fn attach(&self, id: &str, mut container: Box<Container>, uids: Uids) -> Result<Parts, EngineError> {
        let options = AttachContainerOptionsBuilder::new().stream(true).stdin(true).stdout(true).stderr(true).build();
        let attached = self.docker.attach_container(id, Some(options)).await.map_err(|error| self.explained("could not attach to a container", &error))?;
        let (mut sink, reader) = tokio::io::duplex(BUFFER);
        let words = LastWords::default();
        let (mut output, said) = (attached.output, words.clone());
        container.streams = Some(tokio::spawn(async move {
            while let Some(Ok(chunk)) = output.next().await {
                match chunk {
                    LogOutput::StdOut { message } => {
                        if sink.write_all(&message).await.is_err() {
                            break;
                        }
                    }
                    LogOutput::StdErr { message } | LogOutput::Console { message } => said.push(&message),
                    LogOutput::StdIn { .. } => {}
                }
            }
        }));
        Ok(Parts { writer: Box::new(attached.input), reader: Box::new(reader), words, lifeline: container, uids: Some(uids) })
    }

    fn explained(&self, doing: &str, error: &bollard::errors::Error) -> EngineError {
        match error {
            bollard::errors::Error::DockerResponseServerError { status_code: 404, .. } => {
                EngineError::Environment(format!("the image {} is not there; build it with `proctor env build`, or use `--engine local`", self.options.image))
            }
            other => EngineError::Unavailable(format!("{doing}: {other}; see whether `docker info` answers, or use `--engine local`")),
        }
    }
}

/// An agent's container.
struct Container {
    docker: Docker,
    /// `None` once it is gone.
    id: Option<String>,
    /// What reads the container's output: the connection stays open as long as it lives, and with it the container's input.
    streams: Option<JoinHandle<()>>,
    _uids: Uids,
}

impl Lifeline for Container {
    fn kill(mut self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            if let Some(id) = self.id.take() {
                remove(&self.docker, &id).await;
            }
        })
    }

    fn wait(mut self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            // Its output ends with it. That the engine then takes away an ended container is the engine's part, and takes it some time.
            let ended = match self.streams.take() {
                Some(streams) => timeout(FAREWELL, streams).await.is_ok(),
                None => false,
            };
            if let (Some(id), false) = (self.id.take(), ended) {
                remove(&self.docker, &id).await;
            }
        })
    }
}

impl Drop for Container {
    /// Hanging up closes the container's input, upon which it ends and is removed; this only makes sure. Without a runtime nobody is left to do so.
    fn drop(&mut self) {
        if let Some(streams) = self.streams.take() {
            streams.abort();
        }
        if let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current()) {
            let docker = self.docker.clone();
            runtime.spawn(async move { remove(&docker, &id).await });
        }
    }
}

/// Ends and removes a container. One that is gone already is what was wanted.
async fn remove(docker: &Docker, id: &str) {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    drop(timeout(FAREWELL, docker.remove_container(id, Some(options))).await);
}
