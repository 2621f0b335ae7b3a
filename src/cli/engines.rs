//! Which engine a command uses, and how it is started. Shared by every command that runs lessons.

use std::path::PathBuf;

use tokio::sync::mpsc::UnboundedSender;

use crate::engine::docker::connect::connect;
use crate::engine::{Demand, DockerOptions, Engine, EngineError, LocalOptions};
use crate::env::layer::{Packages, Refused};
use crate::env::{Environment, NOTE, cache_dir, choose_python};
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
#[derive(Debug, Clone, clap::Args)]
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
    /// A layer that was made before, to run in as it is.
    #[arg(skip)]
    pub(super) over: Option<Layer>,
}

/// What lessons need on top of their environment.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Packages to install.
    pub packages: Packages,
}

/// The environment with packages on top, made before the engine starts.
#[derive(Debug, Clone)]
pub(super) enum Layer {
    /// An image of the container engine.
    Image(String),
    /// The interpreter of a virtual environment.
    Python(PathBuf),
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
    /// Packages that could not be installed, and why.
    pub refused: Refused,
}

impl EngineArgs {
    /// Decide which engine it is, and lay out the bench. Nothing is started or built before a job needs it, but for packages that are to be installed.
    ///
    /// # Errors
    /// If there is no Python to run on, for the local engine.
    pub async fn open<'a>(&'a self, environment: &'a Environment, needs: &'a Needs, events: &'a UnboundedSender<Event>) -> Result<Opened<'a>, EngineError> {
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
        let (layer, refused) = match &self.over {
            Some(layer) => (Some(layer.clone()), Refused::new()),
            None => self.install(docker, environment, needs, events).await,
        };
        // What was installed is part of what every result depends on, and so is what could not be.
        let lock = match &self.over {
            Some(layer) => format!("{}\n{layer:?}", environment.lock_hash()),
            None if needs.packages.is_empty() => environment.lock_hash(),
            None => format!("{}\n{:?}\n{refused:?}", environment.lock_hash(), needs.packages),
        };
        let cache = cache_dir().ok().filter(|_| !self.no_cache).map(|folder| Cache::new(&folder, &world, &lock));
        let more = layer.clone();
        let demand = Demand::default();
        let expected = demand.clone();
        let start = move || -> std::pin::Pin<Box<dyn Future<Output = Result<Engine, EngineError>> + Send + 'a>> {
            Box::pin(self.start(docker, environment, layer.clone(), jobs, expected.clone(), events))
        };
        let mut bench = Bench::new(cache, Box::new(start)).with_demand(demand.clone());
        if docker {
            let over = more.clone();
            bench = bench.with_servers(Box::new(move || Box::pin(self.serve(environment, over.clone(), jobs, demand.clone(), events))));
        }
        Ok(Opened { bench, name: if docker { "docker" } else { "local" }, note, jobs, refused })
    }

    /// Install what is asked for into a layer of the environment. If there can be none, the check goes on without it.
    async fn install(&self, docker: bool, environment: &Environment, needs: &Needs, events: &UnboundedSender<Event>) -> (Option<Layer>, Refused) {
        if needs.packages.is_empty() {
            return (None, Refused::new());
        }
        let mut prepare = |text: &str| {
            let _ = events.send(Event::Preparing(text.to_owned()));
        };
        let made = if docker {
            self.image_with(environment, needs, &mut prepare).await.map(|(image, refused)| (Layer::Image(image), refused))
        } else {
            let made = environment.ensure_installed_venv(self.python.as_deref(), &needs.packages, &mut prepare).await;
            made.map(|(python, refused)| (Layer::Python(python), refused))
        };
        match made {
            Ok((layer, refused)) => (Some(layer), refused),
            Err(error) => {
                let why = first_line(&error.to_string());
                prepare(&format!("{NOTE}nothing was installed: {why}"));
                (None, needs.packages.keys().map(|name| (name.clone(), why.clone())).collect())
            }
        }
    }

    /// The environment's image with the packages that are needed.
    async fn image_with(&self, environment: &Environment, needs: &Needs, prepare: &mut (dyn FnMut(&str) + Send)) -> Result<(String, Refused), EngineError> {
        let connection = connect().await.map_err(|error| EngineError::Unavailable(error.to_string()))?;
        let image = environment.ensure_image(&connection.docker, prepare).await?;
        if needs.packages.is_empty() {
            return Ok((image, Refused::new()));
        }
        environment.ensure_installed(&connection.docker, &image, &needs.packages, prepare).await
    }

    /// The image that labs run in.
    async fn image(&self, environment: &Environment, layer: Option<Layer>, prepare: &mut (dyn FnMut(&str) + Send)) -> Result<String, EngineError> {
        match layer {
            Some(Layer::Image(image)) => Ok(image),
            _ => Ok(self.image_with(environment, &Needs::default(), prepare).await?.0),
        }
    }

    /// Start the engine, making first what it needs.
    async fn start(
        &self,
        docker: bool,
        environment: &Environment,
        layer: Option<Layer>,
        jobs: usize,
        demand: Demand,
        events: &UnboundedSender<Event>,
    ) -> Result<Engine, EngineError> {
        let mut prepare = preparing(events);
        let warm = environment.warm();
        if docker {
            let image = self.image(environment, layer, &mut prepare).await?;
            let options = DockerOptions { image, workers: jobs, warm, memory: DockerOptions::MEMORY, files: DockerOptions::FILES };
            return Engine::docker_for(options, demand).await;
        }
        let python = match layer {
            Some(Layer::Python(python)) => python,
            _ => environment.ensure_venv(self.python.as_deref(), &mut prepare).await?,
        };
        Engine::local_for(LocalOptions { python, workers: jobs, warm }, demand).await
    }

    /// Start the containers of labs that need servers, making their image first: larger, and few labs ask for it.
    async fn serve(
        &self,
        environment: &Environment,
        layer: Option<Layer>,
        jobs: usize,
        demand: Demand,
        events: &UnboundedSender<Event>,
    ) -> Result<Engine, EngineError> {
        let mut prepare = preparing(events);
        let image = self.image(environment, layer, &mut prepare).await?;
        let connection = connect().await.map_err(|error| EngineError::Unavailable(error.to_string()))?;
        let image = match environment.ensure_services(&connection.docker, &image, &mut prepare).await {
            Ok(image) => image,
            Err(error) => {
                // Lessons that need none are still checked, and each of the others says what it misses.
                prepare(&format!("{NOTE}there is no image with services: {}", first_line(&error.to_string())));
                return Err(error);
            }
        };
        let more = DockerOptions::SERVICES;
        let (memory, files) = (DockerOptions::MEMORY + more, DockerOptions::FILES + more);
        Engine::docker_for(DockerOptions { image, workers: jobs.div_ceil(2), warm: environment.warm(), memory, files }, demand).await
    }
}

/// Tells what is being prepared.
fn preparing(events: &UnboundedSender<Event>) -> impl FnMut(&str) + Send {
    move |text| {
        // Nobody listens any more only when the check is being given up.
        let _ = events.send(Event::Preparing(text.to_owned()));
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
