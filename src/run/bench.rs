//! The bench: where jobs are run. The result cache is asked first; the engine is started when the first job needs it, so a run that is all cached needs none.

use std::pin::Pin;
use std::sync::Mutex;

use tokio::sync::OnceCell;

use crate::engine::{Engine, EngineError, Job, Run};
use crate::run::cache::Cache;

/// Starts the engine: called once at most.
pub type Start<'a> = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Engine, EngineError>> + Send + 'a>> + Send + Sync + 'a>;

/// A cache and an engine.
pub struct Bench<'a> {
    cache: Option<Cache>,
    start: Start<'a>,
    engine: OnceCell<Option<Engine>>,
    /// Why the engine could not be started.
    refused: Mutex<Option<String>>,
}

impl<'a> Bench<'a> {
    /// A bench whose engine `start` starts.
    #[must_use]
    pub fn new(cache: Option<Cache>, start: Start<'a>) -> Self {
        Self { cache, start, engine: OnceCell::new(), refused: Mutex::new(None) }
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
        let run = self.engine().await?.run(job).await?;
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
        match self.engine.get() {
            Some(Some(engine)) => engine.notes(),
            _ => vec!["every result was remembered from an earlier run; `--no-cache` runs everything".to_owned()],
        }
    }

    /// End the engine, if one was started, and bring the cache back to its size.
    pub async fn close(&self) {
        if let Some(Some(engine)) = self.engine.get() {
            engine.close().await;
        }
        if let Some(cache) = &self.cache
            && self.engine.get().is_some()
        {
            cache.trim();
        }
    }
}
