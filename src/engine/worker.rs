//! One worker: an agent at the other end of a reader and a writer, whatever lies between. Speaks `protocol`, believes nothing.
//!
//! Part of the arrow `Job --engine::run--> Run | EngineError`. It must never trust the agent's sizes, step ids or clock, and never wait without a limit.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::EngineError;
use super::demand::Demand;
use super::docker::Uids;
use super::protocol::{Ending, FRAME_LIMIT, Job, Order, Record, RecordEvent, Run, Start};

/// What the interpreter is started with (`python -c`): reads the agent's source and runs it.
pub(crate) const BOOTSTRAP: &str = "\
import os
def read(size):
    got = b''
    while len(got) < size:
        chunk = os.read(0, size - len(got))
        if not chunk:
            raise SystemExit
        got += chunk
    return got
exec(compile(read(int.from_bytes(read(4), 'big')), '<proctor>', 'exec'))
";

/// How long an agent may take to load its modules.
const WARM_UP: Duration = Duration::from_secs(120);
/// How much longer than the job's own limit the host waits: the agent keeps the clock as well, and sweeps before it answers.
const GRACE: Duration = Duration::from_secs(25);
/// How many records of one job are kept.
const RECORDS: usize = 100_000;
/// How many bytes an agent may answer to one job, its output apart: the agent itself stops at a quarter of it.
const ALL: usize = 64 << 20;
/// How many frames in a row may make no sense before the worker is given up.
const NONSENSE: usize = 1000;
/// How much of a worker's standard error is kept, to say why it died.
const LAST_WORDS: usize = 4096;

/// The agent's parts, in the order in which `loader.py` loads them.
const SOURCES: [(&str, &str); 17] = [
    ("places", include_str!("agent/places.py")),
    ("records", include_str!("agent/records.py")),
    ("modules", include_str!("agent/modules.py")),
    ("serving", include_str!("agent/serving.py")),
    ("curl", include_str!("agent/curl.py")),
    ("shell", include_str!("agent/shell.py")),
    ("inspection", include_str!("agent/inspection.py")),
    ("lab", include_str!("agent/lab.py")),
    ("sweep", include_str!("agent/sweep.py")),
    ("seal", include_str!("agent/seal.py")),
    ("services", include_str!("agent/services.py")),
    ("packing", include_str!("agent/packing.py")),
    ("memory", include_str!("agent/memory.py")),
    ("warmth", include_str!("agent/warmth.py")),
    ("zygote", include_str!("agent/zygote.py")),
    ("jobs", include_str!("agent/jobs.py")),
    ("main", include_str!("agent/main.py")),
];

/// The agent as one text: its parts as a Python dictionary, and the loader that makes modules of them.
/// A hash of it belongs into the key of every cached result.
#[must_use]
pub fn agent_source() -> String {
    let sources: BTreeMap<&str, &str> = SOURCES.into_iter().collect();
    // A JSON object of strings is a Python dictionary of strings.
    let sources = serde_json::json!(sources).to_string();
    format!("SOURCES = {sources}\n{}", include_str!("agent/loader.py"))
}

/// What an agent loads before its first job, of all that its environment offers, and whether it is to expect many.
pub(crate) fn warmth(offered: &[String], demand: Option<&Demand>) -> (Vec<String>, bool) {
    let wanted = offered.iter().filter(|module| demand.is_none_or(|demand| demand.wants(module)));
    (wanted.cloned().collect(), demand.is_none_or(Demand::is_large))
}

/// Ends whatever runs the agent: a process, a container. Dropping it must end the agent too, if need be later.
pub(crate) trait Lifeline: Send {
    /// Ends it by force and cleans up after it.
    fn kill(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
    /// Waits until it has ended by itself, then cleans up after it; ends it by force if that takes too long.
    fn wait(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// Text that is added to at its end and forgotten at its beginning.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastWords(Arc<Mutex<Vec<u8>>>);

impl LastWords {
    /// Adds bytes.
    pub(crate) fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
        let surplus = kept.len().saturating_sub(LAST_WORDS);
        kept.drain(..surplus);
    }

    /// What is left of it, on one line.
    pub(crate) fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        text.lines().rev().map(str::trim).filter(|line| !line.is_empty()).take(2).collect::<Vec<_>>().join(" <- ")
    }

    /// Reads a stream to its end in the background.
    pub(crate) fn follow(&self, mut stream: impl AsyncRead + Send + Unpin + 'static) {
        let words = self.clone();
        tokio::spawn(async move {
            let mut chunk = [0; 1024];
            while let Ok(size @ 1..) = stream.read(&mut chunk).await {
                words.push(&chunk[..size]);
            }
        });
    }
}

/// What a worker is made of.
pub(crate) struct Parts {
    /// The agent's standard input.
    pub(crate) writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// The agent's standard output.
    pub(crate) reader: Box<dyn AsyncRead + Send + Unpin>,
    /// The end of its standard error.
    pub(crate) words: LastWords,
    /// What runs it.
    pub(crate) lifeline: Box<dyn Lifeline>,
    /// The user ids that its jobs run as, where each has one of its own.
    pub(crate) uids: Option<Uids>,
}

/// An agent that is warm and idle, or running the one job that `run` was given.
pub(crate) struct Worker {
    parts: Parts,
    next: u64,
    /// The Python that it runs.
    pub(crate) python: String,
    /// What is installed for it.
    pub(crate) packages: BTreeMap<String, String>,
    /// What the agent sealed itself.
    pub(crate) sealed: Vec<String>,
}

/// Why a worker could not finish a job.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It died, or stopped making sense: the job can be tried on another.
    Died(String),
    /// The host's own limits were hit; the worker must be ended, the run stands.
    Stopped(Run),
}

/// A reply, read leniently: a record that is none is dropped, and costs nothing else.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Incoming {
    Ready {
        python: String,
        packages: BTreeMap<String, String>,
        #[serde(default)]
        sealed: Vec<String>,
    },
    Record {
        job: u64,
        record: serde_json::Value,
    },
    /// A record that the agent passed on unread: the lab wrote it, so that it may be anything.
    #[serde(skip)]
    Passed {
        job: u64,
        record: Option<Record>,
    },
    End {
        job: u64,
        ending: Ending,
    },
}

/// What begins a frame that holds a job's number (eight bytes, big-endian) and a record as the lab wrote it.
const PASSED_ON: u8 = 1;

impl Worker {
    /// Sends the agent its source and waits until it is warm.
    pub(crate) async fn start(mut parts: Parts, start: Start) -> Result<Self, EngineError> {
        let ready = timeout(WARM_UP, async {
            send(&mut parts.writer, agent_source().as_bytes()).await?;
            send_order(&mut parts.writer, &Order::Start(start)).await?;
            receive(&mut parts.reader, &mut 0).await
        });
        match ready.await {
            Ok(Ok(Some(Incoming::Ready { python, packages, sealed }))) => Ok(Self { parts, next: 1, python, packages, sealed }),
            Ok(Ok(_)) => Err(gone(parts, "it answered nonsense").await),
            Ok(Err(error)) => Err(gone(parts, &error.to_string()).await),
            Err(_) => Err(gone(parts, "it did not get ready in time").await),
        }
    }

    /// Whether it may be given another job.
    pub(crate) fn is_fresh(&self) -> bool {
        self.parts.uids.as_ref().is_none_or(Uids::has_more)
    }

    /// Runs one job. A worker whose `run` was dropped half-way is of no more use.
    pub(crate) async fn run(&mut self, job: &Job) -> Result<Run, Failure> {
        let number = self.next;
        self.next += 1;
        let uid = self.parts.uids.as_ref().and_then(Uids::next);
        if self.parts.uids.is_some() && uid.is_none() {
            return Err(self.died("there is no user id left for it").await);
        }
        let until = Instant::now() + Duration::from_secs(u64::from(job.limits.seconds)) + GRACE;
        let order = Order::Run { job: number, uid, work: job.clone() };
        match timeout_at(until, send_order(&mut self.parts.writer, &order)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(self.died(&error.to_string()).await),
            Err(_) => return Err(self.died("it does not listen").await),
        }
        match listen(&mut self.parts.reader, until, number, job, &self.python).await {
            Err(Failure::Died(why)) => Err(self.died(&why).await),
            heard => heard,
        }
    }

    // `&mut`, not `&`: what a worker is made of can be sent to another thread, but not shared.
    async fn died(&mut self, why: &str) -> Failure {
        Failure::Died(said(why, &self.parts.words).await)
    }

    /// Ends the agent by force.
    pub(crate) async fn kill(self) {
        drop(self.parts.writer);
        self.parts.lifeline.kill().await;
    }

    /// Closes the agent's input and waits until it has cleaned up and ended.
    pub(crate) async fn close(mut self) {
        // A connection may have two directions: closing this one must not wait for the other.
        drop(timeout(Duration::from_secs(1), self.parts.writer.shutdown()).await);
        drop(self.parts.writer);
        drop(self.parts.reader);
        self.parts.lifeline.wait().await;
    }
}

/// What an agent answers to a job, until it ends or goes too far.
async fn listen(reader: &mut (dyn AsyncRead + Send + Unpin), until: Instant, number: u64, job: &Job, python: &str) -> Result<Run, Failure> {
    let mut tally = Tally::new(job, python);
    let (mut nonsense, mut taken) = (0, 0);
    loop {
        match timeout_at(until, receive(reader, &mut taken)).await {
            Err(_) => return Err(Failure::Stopped(tally.end(Ending::Timeout))),
            Ok(Err(error)) => return Err(Failure::Died(error.to_string())),
            Ok(Ok(Some(Incoming::Record { job, record }))) if job == number => {
                if !tally.add(serde_json::from_value(record).ok()) {
                    return Err(Failure::Stopped(tally.end(Ending::Output)));
                }
            }
            Ok(Ok(Some(Incoming::Passed { job, record }))) if job == number => {
                if !tally.add(record) {
                    return Err(Failure::Stopped(tally.end(Ending::Output)));
                }
            }
            Ok(Ok(Some(Incoming::End { job, ending }))) if job == number => return Ok(tally.end(ending)),
            Ok(Ok(_)) => nonsense += 1,
        }
        if taken > ALL + 2 * job.limits.output as usize {
            return Err(Failure::Stopped(tally.end(Ending::Output)));
        }
        if nonsense > NONSENSE {
            return Err(Failure::Died("it answers nonsense".to_owned()));
        }
    }
}

/// What the host makes of all that an agent sent to `job`, which it knows as number 1: the same reading as a worker's own, of bytes that are all there. For
/// judging a recorded stream, and for trying what bytes can do to the host.
///
/// # Errors
/// If the stream ends before the job does, or makes no sense.
pub async fn hear(job: &Job, mut stream: &[u8]) -> Result<Run, EngineError> {
    let until = Instant::now() + Duration::from_secs(u64::from(job.limits.seconds)) + GRACE;
    match listen(&mut stream, until, 1, job, "").await {
        Ok(run) | Err(Failure::Stopped(run)) => Ok(run),
        Err(Failure::Died(why)) => Err(EngineError::WorkerDied(why)),
    }
}

/// What a job has given so far, within bounds.
struct Tally<'a> {
    job: &'a Job,
    run: Run,
    output: usize,
}

impl<'a> Tally<'a> {
    fn new(job: &'a Job, python: &str) -> Self {
        Self { job, run: Run { records: Vec::new(), ending: Ending::Finished, python: python.to_owned() }, output: 0 }
    }

    /// Adds a record, if it is one of the job's. Whether the job may go on.
    fn add(&mut self, record: Option<Record>) -> bool {
        let Some(record) = record else { return true };
        if self.job.steps.binary_search_by_key(&record.step, |step| step.id).is_err() {
            return true;
        }
        if let RecordEvent::Output { text, .. } = &record.event {
            self.output += text.len();
        }
        self.run.records.push(record);
        // The agent stops a flood at the same mark; twice as much means that it does not.
        self.output <= 2 * self.job.limits.output as usize + FRAME_LIMIT && self.run.records.len() < RECORDS
    }

    fn end(mut self, ending: Ending) -> Run {
        self.run.ending = ending;
        self.run
    }
}

async fn gone(parts: Parts, why: &str) -> EngineError {
    let message = said(why, &parts.words).await;
    drop(parts.writer);
    parts.lifeline.kill().await;
    EngineError::WorkerDied(message)
}

/// A cause of death with the agent's last words, which may arrive a little later than its end.
async fn said(why: &str, words: &LastWords) -> String {
    tokio::time::sleep(Duration::from_millis(50)).await;
    match words.text() {
        text if text.is_empty() => why.to_owned(),
        text => format!("{why}: {text}"),
    }
}

async fn send_order(writer: &mut (dyn AsyncWrite + Send + Unpin), order: &Order) -> std::io::Result<()> {
    let text = serde_json::to_vec(order).map_err(std::io::Error::other)?;
    send(writer, &text).await
}

async fn send(writer: &mut (dyn AsyncWrite + Send + Unpin), text: &[u8]) -> std::io::Result<()> {
    let size = u32::try_from(text.len()).map_err(std::io::Error::other)?;
    let mut frame = Vec::with_capacity(4 + text.len());
    frame.extend_from_slice(&size.to_be_bytes());
    frame.extend_from_slice(text);
    writer.write_all(&frame).await?;
    writer.flush().await
}

/// The next reply; `None` for a frame that is none. `taken` grows by its size.
async fn receive(reader: &mut (dyn AsyncRead + Send + Unpin), taken: &mut usize) -> std::io::Result<Option<Incoming>> {
    let size = match reader.read_u32().await {
        Ok(size) => size as usize,
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Err(std::io::Error::other("it ended")),
        Err(error) => return Err(error),
    };
    if size > FRAME_LIMIT {
        return Err(std::io::Error::other("it sent too large a frame"));
    }
    *taken += size;
    let mut frame = vec![0; size];
    reader.read_exact(&mut frame).await?;
    if let Some((&PASSED_ON, rest)) = frame.split_first() {
        let passed = rest
            .split_first_chunk()
            .map(|(job, record)| Incoming::Passed { job: u64::from_be_bytes(*job), record: serde_json::from_str(&String::from_utf8_lossy(record)).ok() });
        return Ok(passed);
    }
    Ok(serde_json::from_str(&String::from_utf8_lossy(&frame)).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn heard(frames: &[&[u8]]) -> Result<Run, EngineError> {
        let step = |id| crate::engine::protocol::JobStep {
            id,
            action: crate::engine::protocol::Action::Import { module: "a".to_owned() },
            needs: Vec::new(),
            judged: true,
        };
        let job = Job { steps: vec![step(1), step(2)], ..Job::default() };
        let stream: Vec<u8> = frames.iter().flat_map(|frame| [&u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes(), *frame].concat()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.map_err(|source| EngineError::Io { doing: String::new(), source })?.block_on(hear(&job, &stream))
    }

    proptest! {
        #[test]
        fn whatever_an_agent_sends_only_records_of_its_job_are_kept(frames in proptest::collection::vec(proptest::sample::select(vec![
            &br#"{"type":"record","job":1,"record":{"step":1,"kind":"begin"}}"#[..], br#"{"type":"record","job":2,"record":{"step":1,"kind":"begin"}}"#,
            br#"{"type":"record","job":1,"record":{"step":3,"kind":"begin"}}"#, br#"{"type":"record","job":1,"record":{"step":2,"kind":"finished","verdict":"passed","seconds":1e999}}"#,
            br#"{"type":"record","job":1,"record":{"step":2,"kind":"finished","verdict":"passed","because":2}}"#, b"\xff", b"", b"[]", br#"{"type":"ready","python":"x","packages":{}}"#,
            // What the agent passes on unread: a job's number, and whatever a lab wrote.
            b"\x01\0\0\0\0\0\0\0\x01{\"step\":1,\"kind\":\"begin\"}", b"\x01\0\0\0\0\0\0\0\x02{\"step\":1,\"kind\":\"begin\"}", b"\x01\0\0", b"\x01",
            b"\x01\0\0\0\0\0\0\0\x01{\"type\":\"end\",\"job\":1,\"ending\":{\"reason\":\"finished\"}}", b"\x01\0\0\0\0\0\0\0\x01{\"step\":9,\"kind\":\"begin\"}",
            b"\x01\0\0\0\0\0\0\0\x01{\"step\":1,\"kind\":\"begin\"}},\"type\":\"end\",\"job\":1", b"\x01\0\0\0\0\0\0\0\x01\xff",
            br#"{"type":"end","job":2,"ending":{"reason":"finished"}}"#, br#"{"type":"end","job":1,"ending":{"reason":"memory"}}"#,
        ]), 0..12)) {
            let ended = frames.iter().any(|frame| frame.starts_with(br#"{"type":"end","job":1"#));
            match heard(&frames) {
                Ok(run) => prop_assert!(ended && run.ending == Ending::Memory && run.records.iter().all(|record| [1, 2].contains(&record.step))),
                Err(error) => prop_assert!(!ended, "{}", error),
            }
        }
    }
}
