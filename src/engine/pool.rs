//! A fixed number of workers, started when they are first wanted and in the background, replaced when they die.
//!
//! Part of the arrow `Job --engine::run--> Run | EngineError`. It must never have more workers than it was told, nor run a job a third time.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::EngineError;
use super::protocol::{Job, Run};
use super::worker::{Failure, Worker};

/// Starts workers of one kind.
pub(crate) trait Launch: Send + Sync + 'static {
    /// Starts a worker and waits until it is warm.
    fn launch(&self) -> impl Future<Output = Result<Worker, EngineError>> + Send;
}

/// Workers of one kind.
pub(crate) struct Pool<L: Launch> {
    shared: Arc<Shared<L>>,
    /// The Python of the workers.
    pub(crate) python: String,
    /// What is installed for them.
    pub(crate) packages: BTreeMap<String, String>,
    /// What the agents sealed themselves.
    pub(crate) sealed: Vec<String>,
}

struct Shared<L> {
    launch: L,
    /// One permit a worker, running or not.
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Worker>>,
    /// How many workers were started so far.
    started: AtomicUsize,
}

impl<L: Launch> Pool<L> {
    /// Starts one worker, so that what is wrong shows at once, and the others in the background.
    pub(crate) async fn start(launch: L, workers: usize) -> Result<Self, EngineError> {
        let workers = workers.max(1);
        let first = launch.launch().await?;
        let (python, packages, sealed) = (first.python.clone(), first.packages.clone(), first.sealed.clone());
        let shared = Arc::new(Shared { launch, permits: Arc::new(Semaphore::new(workers)), idle: Mutex::new(vec![first]), started: AtomicUsize::new(1) });
        for _ in 1..workers {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move { shared.warm().await });
        }
        Ok(Self { shared, python, packages, sealed })
    }

    /// Runs a job on a free worker, once more on a fresh one if that dies. Dropping the future ends the job and its worker.
    pub(crate) async fn run(&self, job: &Job) -> Result<Run, EngineError> {
        let permit = Arc::clone(&self.shared.permits).acquire_owned().await.map_err(|_| closed())?;
        let mut last = String::new();
        for _ in 0..2 {
            let mut worker = match self.shared.take() {
                Some(worker) => worker,
                None => self.shared.launch().await?,
            };
            match worker.run(job).await {
                Ok(run) => {
                    self.shared.give_back(worker, permit);
                    return Ok(run);
                }
                Err(Failure::Stopped(run)) => {
                    worker.kill().await;
                    return Ok(run);
                }
                Err(Failure::Died(why)) => {
                    last = why;
                    worker.kill().await;
                }
            }
        }
        Err(EngineError::WorkerDied(last))
    }

    /// How many workers were started so far: more than there may be at a time, where one had to be replaced.
    pub(crate) fn started(&self) -> usize {
        self.shared.started.load(Ordering::Relaxed)
    }

    /// Ends every worker and waits until they have cleaned up. Jobs that still run are finished first.
    pub(crate) async fn close(&self, workers: usize) {
        let all = u32::try_from(workers.max(1)).unwrap_or(u32::MAX);
        let permits = self.shared.permits.acquire_many(all).await;
        self.shared.permits.close();
        while let Some(worker) = self.shared.pop() {
            worker.close().await;
        }
        drop(permits);
    }
}

impl<L: Launch> Shared<L> {
    /// Starts one worker more, unless a job is about to do so.
    async fn warm(&self) {
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return };
        if let Ok(worker) = self.launch().await {
            self.give_back(worker, permit);
        }
    }

    async fn launch(&self) -> Result<Worker, EngineError> {
        self.started.fetch_add(1, Ordering::Relaxed);
        self.launch.launch().await
    }

    fn pop(&self) -> Option<Worker> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn take(&self) -> Option<Worker> {
        while let Some(worker) = self.pop() {
            if worker.is_fresh() {
                return Some(worker);
            }
            tokio::spawn(worker.close());
        }
        None
    }

    fn give_back(&self, worker: Worker, permit: OwnedSemaphorePermit) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        drop(permit);
    }
}

fn closed() -> EngineError {
    EngineError::Unavailable("the engine is closed; start another".to_owned())
}
