//! The local engine: agents in a virtual environment on this machine, for those who have no Docker. Not sealed, and says so.
//!
//! Part of the arrow `Job --engine::run--> Run | EngineError`. It must never need root, and leave nothing behind: an agent ends when its input closes,
//! kills what its labs started and removes their folder; what is left after an agent that was killed is found by the folder's name.

use std::fs::File;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::EngineError;
use super::demand::Demand;
use super::pool::{Launch, Pool};
use super::protocol::{Action, Job, Run, Start};
use super::worker::{BOOTSTRAP, LastWords, Lifeline, Parts, Worker, warmth};

/// How long an agent may take to clean up after its input closed.
const FAREWELL: Duration = Duration::from_secs(15);
/// The variable by which a process of ours is found.
const MARK: &str = "PROCTOR_LABS";
/// The file that an engine locks in its folder; the agent that leaves last removes it.
const LOCK: &str = ".lock";

/// What a local engine is made of.
#[derive(Debug, Clone)]
pub struct LocalOptions {
    /// The interpreter of the virtual environment that labs run in: Python 3.11 or newer.
    pub python: PathBuf,
    /// How many labs run at the same time.
    pub workers: usize,
    /// Modules to load before the first lab.
    pub warm: Vec<String>,
}

/// Agents on this machine.
pub struct Local {
    pool: Pool<Launcher>,
    seal: Seal,
    /// Held by a job that may serve, where labs share this machine's ports.
    ports: Mutex<()>,
}

/// What keeps labs from the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seal {
    None,
    /// The program of that name, by its path: an agent's own search path is not ours.
    Bubblewrap(PathBuf),
}

struct Launcher {
    options: LocalOptions,
    seal: Seal,
    root: TempDir,
    _lock: File,
    started: AtomicUsize,
    demand: Option<Demand>,
}

impl Local {
    /// Starts agents, as many as are wanted; returns when one is ready.
    pub(crate) async fn start(options: LocalOptions, demand: Option<Demand>) -> Result<Self, EngineError> {
        let (root, lock) = folder().map_err(|source| EngineError::Io { doing: "could not make a folder for labs".to_owned(), source })?;
        let workers = options.workers.max(1);
        let seal = seal(&options.python).await;
        let python = options.python.display().to_string();
        let launcher = Launcher { options, seal: seal.clone(), root, _lock: lock, started: AtomicUsize::new(0), demand: demand.clone() };
        let pool = Pool::start(launcher, workers, demand).await.map_err(|error| match error {
            EngineError::WorkerDied(why) => {
                EngineError::Unavailable(format!("{python} cannot run labs ({why}); name an interpreter of Python 3.11 or newer with --python"))
            }
            other => other,
        })?;
        Ok(Self { pool, seal, ports: Mutex::new(()) })
    }

    /// Runs one job.
    pub(crate) async fn run(&self, job: &Job) -> Result<Run, EngineError> {
        let serves = job.steps.iter().any(|step| matches!(step.action, Action::Shell { .. })) || !job.services.is_empty();
        let _ports = if serves && !self.has_own_network() { Some(self.ports.lock().await) } else { None };
        self.pool.run(job).await
    }

    /// The pool, for what its agents said of themselves.
    pub(crate) fn pool(&self) -> &Pool<impl Launch> {
        &self.pool
    }

    fn has_own_network(&self) -> bool {
        self.seal != Seal::None || self.pool.sealed.iter().any(|what| what == "network")
    }

    /// What a report says of this engine.
    pub(crate) fn notes(&self) -> Vec<String> {
        match &self.seal {
            Seal::None if self.has_own_network() => {
                vec!["sealed from the network only: code ran as you, on this machine, with your files; install Docker or bubblewrap to seal it".to_owned()]
            }
            Seal::None => {
                vec!["not sealed: code ran as you, on this machine, with its network and your files; install Docker or bubblewrap to seal it".to_owned()]
            }
            Seal::Bubblewrap(_) => {
                vec!["partly sealed by bubblewrap: no network, a read-only system, a temporary folder of its own; code could read your files".to_owned()]
            }
        }
    }

    /// Ends every agent.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

impl Launch for Launcher {
    async fn launch(&self) -> Result<Worker, EngineError> {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let labs = self.root.path().join(format!("w{number}"));
        std::fs::create_dir_all(&labs).map_err(|source| EngineError::Io { doing: format!("could not make {}", labs.display()), source })?;
        let mut command = command(&self.options.python, &self.seal, &labs);
        command.args(["-s", "-P", "-B", "-c", BOOTSTRAP]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|source| {
            let python = self.options.python.display();
            EngineError::Unavailable(format!("could not start {python} ({source}); name an interpreter of Python 3.11 or newer with --python"))
        })?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
            return Err(EngineError::Unavailable("the agent has no standard streams; this is a bug in proctor".to_owned()));
        };
        let words = LastWords::default();
        words.follow(stderr);
        let (warm, many) = warmth(&self.options.warm, self.demand.as_ref());
        let start = Start { warm, labs: labs.display().to_string(), apart: false, many };
        let lifeline = Box::new(Process { child: Some(child), labs: Arc::from(labs) });
        Worker::start(Parts { writer: Box::new(stdin), reader: Box::new(stdout), words, lifeline, uids: None }, start).await
    }
}

/// How many folders and processes of this process's local engines there are.
#[must_use]
pub fn count_own() -> (usize, usize) {
    let own = std::env::temp_dir().join(format!("proctor-{}-", std::process::id()));
    let prefix = own.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let entries = std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)).count();
    (folders, marked(&own).len())
}

/// A folder for this engine's labs, and the lock that says that it is in use. Folders that nobody uses any more are removed on the way: where
/// bubblewrap shows an agent nothing but its own folder, that one stays behind, empty, if Proctor is killed.
fn folder() -> std::io::Result<(TempDir, File)> {
    for entry in std::fs::read_dir(std::env::temp_dir())?.flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with("proctor-"));
        if ours && File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()) {
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
    // Locked under another name first: the search above must never find a lock that nobody holds yet.
    let root = tempfile::Builder::new().prefix(&format!("proctor-{}-", std::process::id())).tempdir()?;
    let early = root.path().join("lock");
    let lock = File::create(&early)?;
    lock.lock()?;
    std::fs::rename(early, root.path().join(LOCK))?;
    Ok((root, lock))
}

/// The interpreter's command line without its arguments, in a clean environment.
fn command(python: &Path, seal: &Seal, labs: &Path) -> Command {
    let mut command = match seal {
        Seal::None => Command::new(python),
        Seal::Bubblewrap(program) => {
            let mut command = Command::new(program);
            command.args(["--unshare-all", "--as-pid-1", "--new-session", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]);
            // What stands under /tmp itself would be hidden: the environment is shown again.
            if let Some(environment) = python.parent().and_then(Path::parent).filter(|folder| folder.starts_with("/tmp")) {
                command.arg("--ro-bind").args([environment, environment]);
            }
            command.arg("--bind").args([labs, labs]).arg("--").arg(python);
            command
        }
    };
    let folder = python.parent().unwrap_or(Path::new("/usr/bin"));
    command.env_clear().env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display()));
    // A fixed seed: sets of strings print in the same order in every run.
    command.env("LANG", "C.UTF-8").env("TZ", "UTC").env("PYTHONHASHSEED", "0").env(MARK, labs);
    // A group of its own: an interrupt at the terminal is proctor's to deal with.
    command.process_group(0).current_dir("/");
    command
}

/// Bubblewrap where it is installed and this machine lets it work.
async fn seal(python: &Path) -> Seal {
    let found = std::env::var_os("PATH").and_then(|path| std::env::split_paths(&path).map(|folder| folder.join("bwrap")).find(|program| program.is_file()));
    let (Some(program), Ok(folder)) = (found, tempfile::tempdir()) else { return Seal::None };
    let seal = Seal::Bubblewrap(program);
    let mut command = command(python, &seal, folder.path());
    command.args(["-c", ""]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    match timeout(Duration::from_secs(10), command.status()).await {
        Ok(Ok(status)) if status.success() => seal,
        _ => Seal::None,
    }
}

/// An agent's process.
struct Process {
    child: Option<Child>,
    labs: Arc<Path>,
}

impl Lifeline for Process {
    fn kill(mut self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let (child, labs) = (self.child.take(), Arc::clone(&self.labs));
        Box::pin(async move {
            if let Some(child) = child {
                end(child, labs, Duration::ZERO).await;
            }
        })
    }

    fn wait(mut self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let (child, labs) = (self.child.take(), Arc::clone(&self.labs));
        Box::pin(async move {
            if let Some(child) = child {
                end(child, labs, FAREWELL).await;
            }
        })
    }
}

impl Drop for Process {
    /// The agent's input is closed by now, so that it ends by itself; this only makes sure. Without a runtime nobody is left to do so.
    fn drop(&mut self) {
        if let (Some(child), Ok(runtime)) = (self.child.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(end(child, Arc::clone(&self.labs), FAREWELL));
        }
    }
}

/// Waits for an agent's end, ends it by force after a while, and removes what it could not.
async fn end(mut child: Child, labs: Arc<Path>, patience: Duration) {
    if !matches!(timeout(patience, child.wait()).await, Ok(Ok(status)) if status.success()) {
        // An agent that was killed could not end its labs; their processes carry its mark.
        drop(child.start_kill());
        drop(timeout(FAREWELL, child.wait()).await);
        drop(tokio::task::spawn_blocking(move || sweep(&labs)).await);
    }
}

/// Ends every process that carries the mark of these labs, and removes their folder.
fn sweep(labs: &Path) {
    for _ in 0..200 {
        let found = marked(labs);
        if found.is_empty() {
            break;
        }
        for pid in found {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(std::fs::remove_dir_all(labs));
}

/// The processes whose environment names these labs: forked ones carry the agent's variable, others have their home there.
fn marked(labs: &Path) -> Vec<rustix::process::Pid> {
    let needle = labs.as_os_str().as_encoded_bytes();
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mine = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().filter(|name| *name != mine).and_then(|name| name.parse().ok()) else { continue };
        let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
        if environment.split(|byte| *byte == 0).any(|pair| pair.windows(needle.len()).any(|part| part == needle)) {
            found.extend(rustix::process::Pid::from_raw(pid));
        }
    }
    found
}
