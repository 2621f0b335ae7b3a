//! A few workers, started side by side when they are wanted, replaced when they die.
//!
//! Part of the arrow `Job --engine::run--> Run | EngineError`. It must never have more workers than it was told, nor run a job a third time.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::EngineError;
use super::demand::Demand;
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
    /// One permit for each worker that has been begun, running or not.
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Worker>>,
    /// How many workers there may be at a time; none more once the pool closes.
    most: AtomicUsize,
    /// How many have been begun and are not to be replaced.
    begun: AtomicUsize,
    /// How many jobs wait for a worker.
    waiting: AtomicUsize,
    /// How many workers were started so far.
    started: AtomicUsize,
}

/// What the first worker says of itself.
type About = (String, BTreeMap<String, String>, Vec<String>);

/// How many jobs must wait for one worker more to pay.
const BACKLOG: usize = 4;
/// How long a job waits for a worker that runs another before one more is started.
const PATIENCE: Duration = Duration::from_millis(300);
/// How often demand is looked at while the first worker starts.
const GLANCE: Duration = Duration::from_millis(4);

impl<L: Launch> Pool<L> {
    /// Starts workers: all at once, or as many as `demand` makes worth while. Returns as soon as one is ready, or what is wrong shows.
    pub(crate) async fn start(launch: L, workers: usize, demand: Option<Demand>) -> Result<Self, EngineError> {
        let workers = workers.max(1);
        let shared = Arc::new(Shared {
            launch,
            permits: Arc::new(Semaphore::new(0)),
            idle: Mutex::default(),
            most: AtomicUsize::new(workers),
            begun: AtomicUsize::default(),
            waiting: AtomicUsize::default(),
            started: AtomicUsize::default(),
        });
        let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
        shared.begin_one(Some(&sender));
        let ready = loop {
            if demand.as_ref().is_none_or(|demand| demand.waiting() >= BACKLOG) {
                (1..workers).for_each(|_| shared.begin_one(Some(&sender)));
            }
            // The sender is held here, so that there is always an answer to come.
            if let Ok(Some(ready)) = timeout(GLANCE, told.recv()).await {
                break ready;
            }
        };
        let (python, packages, sealed) = ready?;
        Ok(Self { shared, python, packages, sealed })
    }

    /// Runs a job on a free worker, once more on a fresh one if that dies. Dropping the future ends the job and its worker.
    pub(crate) async fn run(&self, job: &Job) -> Result<Run, EngineError> {
        let permit = self.shared.permit().await?;
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
    pub(crate) async fn close(&self) {
        self.shared.most.store(0, Ordering::SeqCst);
        let all = u32::try_from(self.shared.begun.load(Ordering::SeqCst)).unwrap_or(u32::MAX);
        let permits = self.shared.permits.acquire_many(all).await;
        self.shared.permits.close();
        let idle = std::iter::from_fn(|| self.shared.pop());
        futures_util::future::join_all(idle.map(Worker::close)).await;
        drop(permits);
    }
}

impl<L: Launch> Shared<L> {
    /// Starts one worker more in the background, if there may be one.
    fn begin_one(self: &Arc<Self>, told: Option<&UnboundedSender<Result<About, EngineError>>>) {
        let most = self.most.load(Ordering::SeqCst);
        if self.begun.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |begun| (begun < most).then_some(begun + 1)).is_err() {
            return;
        }
        let (shared, told) = (Arc::clone(self), told.cloned());
        tokio::spawn(async move {
            let about = shared.launch().await.map(|worker| {
                let about = (worker.python.clone(), worker.packages.clone(), worker.sealed.clone());
                shared.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
                about
            });
            // If that failed, the permit is for a job to try by itself, so that somebody hears what is wrong.
            shared.permits.add_permits(1);
            // Only the first is listened for.
            let _ = told.map(|told| told.send(about));
        });
    }

    /// The right to use a worker. While jobs pile up, or one waits for long, more workers are started.
    async fn permit(self: &Arc<Self>) -> Result<OwnedSemaphorePermit, EngineError> {
        let permits = Arc::clone(&self.permits);
        if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = Waiting::new(&self.waiting);
        let mut permit = std::pin::pin!(permits.acquire_owned());
        loop {
            if self.waiting.load(Ordering::Relaxed) >= BACKLOG {
                self.begin_one(None);
            }
            match timeout(PATIENCE, &mut permit).await {
                Ok(permit) => return permit.map_err(|_| closed()),
                Err(_) => self.begin_one(None),
            }
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

/// A job that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn closed() -> EngineError {
    EngineError::Unavailable("the engine is closed; start another".to_owned())
}
