//! The bench: where jobs are run. The result cache is asked first; the engine is started when the first job needs it, so a run that is all cached needs none.
//! So is a second one beside it, for jobs that need servers: only they pay for it, and where it cannot be had only they miss it.

use std::pin::Pin;
use std::sync::Mutex;

use tokio::sync::OnceCell;

use crate::engine::{Demand, Ending, Engine, EngineError, Job, Run};
use crate::run::cache::Cache;

/// Starts an engine: called once at most.
pub type Start<'a> = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Engine, EngineError>> + Send + 'a>> + Send + Sync + 'a>;

/// A cache and an engine, or two.
pub struct Bench<'a> {
    cache: Option<Cache>,
    start: Start<'a>,
    engine: OnceCell<Option<Engine>>,
    /// Starts the engine of jobs that need servers; `None` if it is no other.
    serve: Option<Start<'a>>,
    served: OnceCell<Result<Engine, String>>,
    /// Why the engine could not be started.
    refused: Mutex<Option<String>>,
    demand: Demand,
}

impl<'a> Bench<'a> {
    /// A bench whose engine `start` starts.
    #[must_use]
    pub fn new(cache: Option<Cache>, start: Start<'a>) -> Self {
        Self { cache, start, engine: OnceCell::new(), serve: None, served: OnceCell::new(), refused: Mutex::new(None), demand: Demand::default() }
    }

    /// The same bench, with another engine for jobs that need servers.
    #[must_use]
    pub fn with_servers(self, serve: Start<'a>) -> Self {
        Self { serve: Some(serve), ..self }
    }

    /// The same bench, which tells its engines what to expect by `demand`.
    #[must_use]
    pub fn with_demand(self, demand: Demand) -> Self {
        Self { demand, ..self }
    }

    /// What there is to be run: whoever has more in sight says so here.
    #[must_use]
    pub fn demand(&self) -> &Demand {
        &self.demand
    }

    /// What a job gives: remembered, or run now.
    ///
    /// # Errors
    /// If no engine can be started, or the one that is there fails.
    pub async fn run(&self, job: &Job) -> Result<Run, EngineError> {
        if let Some(run) = self.cache.as_ref().and_then(|cache| cache.find(job)) {
            return Ok(run);
        }
        self.run_now(job).await
    }

    /// What a job gives when it is run now, whatever is remembered.
    ///
    /// # Errors
    /// As [`Bench::run`].
    pub async fn run_now(&self, job: &Job) -> Result<Run, EngineError> {
        let _waits = self.demand.wait_for(job);
        let run = match (&self.serve, job.services.first()) {
            (Some(serve), Some(service)) => match self.served.get_or_init(|| async { serve().await.map_err(|error| error.to_string()) }).await {
                Ok(engine) => engine.run(job).await?,
                Err(why) => without(service, why),
            },
            _ => self.engine().await?.run(job).await?,
        };
        if let Some(cache) = &self.cache {
            cache.keep(job, &run);
        }
        Ok(run)
    }

    async fn engine(&self) -> Result<&Engine, EngineError> {
        let engine = self.engine.get_or_init(|| async {
            match (self.start)().await {
                Ok(engine) => Some(engine),
                Err(error) => {
                    if let Ok(mut refused) = self.refused.lock() {
                        *refused = Some(error.to_string());
                    }
                    None
                }
            }
        });
        engine.await.as_ref().ok_or_else(|| EngineError::Unavailable(self.refused().unwrap_or_default()))
    }

    /// Start the engine now, if that was not done: the next job will not wait for it.
    pub async fn warm(&self) {
        // If it cannot be started, the job that needs it says so.
        drop(self.engine().await);
    }

    /// Why there is no engine, if one was needed and could not be started.
    #[must_use]
    pub fn refused(&self) -> Option<String> {
        self.refused.lock().ok().and_then(|refused| refused.clone())
    }

    /// How many workers were started so far.
    #[must_use]
    pub fn workers_started(&self) -> usize {
        match self.engine.get() {
            Some(Some(engine)) => engine.workers_started(),
            _ => 0,
        }
    }

    /// What a report must say about how things were run.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        match (self.engine.get(), self.served.get()) {
            (Some(Some(engine)), _) | (_, Some(Ok(engine))) => engine.notes(),
            _ => vec!["every result was remembered from an earlier run; `--no-cache` runs everything".to_owned()],
        }
    }

    /// End the engine, if one was started, and bring the cache back to its size.
    pub async fn close(&self) {
        let engines = self.engine.get().and_then(Option::as_ref).into_iter().chain(self.served.get().and_then(|served| served.as_ref().ok()));
        for engine in engines {
            engine.close().await;
        }
        if let Some(cache) = &self.cache
            && (self.engine.get().is_some() || self.served.get().is_some())
        {
            cache.trim();
        }
    }
}

/// What a job gives whose servers cannot be had: no step was run.
fn without(service: &str, why: &str) -> Run {
    let why = format!("there is no image with its server: {}", why.lines().next().unwrap_or_default());
    Run { records: Vec::new(), ending: Ending::NoService { service: service.to_owned(), why }, python: String::new() }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::engine::Replay;

    #[tokio::test]
    async fn only_jobs_that_need_servers_miss_the_engine_that_has_them() {
        let plain: Start<'_> = Box::new(|| Box::pin(async { Ok(Engine::replay(Replay::default())) }));
        let none: Start<'_> = Box::new(|| Box::pin(async { Err(EngineError::Environment("apt-get failed\nand more".to_owned())) }));
        let bench = Bench::new(None, plain).with_servers(none);
        let run = bench.run(&Job { services: vec!["redis".to_owned()], ..Job::default() }).await.unwrap();
        let why = "there is no image with its server: apt-get failed".to_owned();
        assert_eq!(run.ending, Ending::NoService { service: "redis".to_owned(), why });
        assert!(bench.engine.get().is_none(), "the other engine was not even started");
        // Nothing was recorded of it, which says that it was asked.
        assert!(bench.run(&Job::default()).await.is_err() && bench.engine.get().is_some() && bench.refused().is_none());
    }
}
