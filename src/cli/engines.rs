//! Which engine a command uses, and how it is started. Shared by every command that runs lessons.

use std::path::PathBuf;

use tokio::sync::mpsc::UnboundedSender;

use crate::engine::docker::connect::connect;
use crate::engine::{DockerOptions, Engine, EngineError, LocalOptions};
use crate::env::{Environment, cache_dir, choose_python};
use crate::outcome::Event;
use crate::run::bench::Bench;
use crate::run::cache::Cache;

/// Which engine to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum EngineChoice {
    /// Docker if it answers, else local.
    Auto,
    /// Sealed containers.
    Docker,
    /// This machine's own Python.
    Local,
}

/// Flags about where lessons run.
#[derive(Debug, clap::Args)]
pub struct EngineArgs {
    /// Where to run: docker, local (not sealed), or auto: Docker if it answers, else local.
    #[arg(long, value_enum, default_value_t = EngineChoice::Auto, env = "PROCTOR_ENGINE", hide_env_values = true)]
    pub engine: EngineChoice,
    /// The Python that the local engine makes its virtual environment with.
    #[arg(long, value_name = "PYTHON")]
    pub python: Option<PathBuf>,
    /// Run everything, also what an earlier run has the result of.
    #[arg(long)]
    pub no_cache: bool,
    /// How many labs run at a time; as many as there are cores if left out.
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: Option<u16>,
}

/// A bench, and what a report says of it.
pub struct Opened<'a> {
    /// Where jobs run.
    pub bench: Bench<'a>,
    /// The engine's name.
    pub name: &'static str,
    /// Why it is not the one that a user may have expected.
    pub note: Option<String>,
    /// How many labs run at a time.
    pub jobs: usize,
}

impl EngineArgs {
    /// Decide which engine it is, and lay out the bench. Nothing is started or built before a job needs it.
    ///
    /// # Errors
    /// If there is no Python to run on, for the local engine.
    pub async fn open<'a>(&'a self, environment: &'a Environment, events: &'a UnboundedSender<Event>) -> Result<Opened<'a>, EngineError> {
        let jobs = self.jobs.map_or_else(|| std::thread::available_parallelism().map_or(2, std::num::NonZero::get), usize::from);
        let mut note = None;
        let docker = match self.engine {
            EngineChoice::Docker => true,
            EngineChoice::Local => false,
            EngineChoice::Auto => {
                let answers = connect().await.is_ok();
                if !answers {
                    note = Some("no container engine answers, so labs ran on this machine itself; `proctor doctor` says why".to_owned());
                }
                answers
            }
        };
        let world = if docker { "docker".to_owned() } else { format!("local, Python {}", choose_python(self.python.as_deref()).await?.version) };
        let cache = cache_dir().ok().filter(|_| !self.no_cache).map(|folder| Cache::new(&folder, &world, &environment.lock_hash()));
        let start = move || -> std::pin::Pin<Box<dyn Future<Output = Result<Engine, EngineError>> + Send + 'a>> {
            Box::pin(self.start(docker, environment, jobs, events))
        };
        Ok(Opened { bench: Bench::new(cache, Box::new(start)), name: if docker { "docker" } else { "local" }, note, jobs })
    }

    /// Start the engine, making first what it needs.
    async fn start(&self, docker: bool, environment: &Environment, jobs: usize, events: &UnboundedSender<Event>) -> Result<Engine, EngineError> {
        let mut prepare = |text: &str| {
            // Nobody listens any more only when the check is being given up.
            let _ = events.send(Event::Preparing(text.to_owned()));
        };
        if docker {
            let connection = connect().await.map_err(|error| EngineError::Unavailable(error.to_string()))?;
            let image = environment.ensure_image(&connection.docker, &mut prepare).await?;
            return Engine::docker(DockerOptions { image, workers: jobs, warm: environment.warm(), memory: DockerOptions::MEMORY }).await;
        }
        let python = environment.ensure_venv(self.python.as_deref(), &mut prepare).await?;
        Engine::local(LocalOptions { python, workers: jobs, warm: environment.warm() }).await
    }
}
