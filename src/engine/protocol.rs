//! What host and agent say to each other. Every frame is a length (four bytes, big-endian) and that many bytes of JSON.
//!
//! The host sends the agent's own source first (a length and the bytes, not JSON), then [`Order`]s; the agent answers with [`Reply`]s.
//! A record that the agent has not read is passed on in a frame of its own kind: the byte 1, the job's number (eight bytes, big-endian), and the record as the lab
//! wrote it.
//! The host trusts nothing that comes back: sizes are capped, text is read lossily, records of unknown steps are dropped.

use serde::{Deserialize, Serialize};

/// The largest frame that the host accepts, in bytes. A larger one ends the worker.
pub const FRAME_LIMIT: usize = 4 << 20;

/// What the host tells the agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Order {
    /// The first order: what to load before the first fork, and where labs live. Answered by [`Reply::Ready`].
    Start(Start),
    /// Run one job. Answered by any number of [`Reply::Record`]s and one [`Reply::End`].
    Run {
        /// The number that the replies carry.
        job: u64,
        /// The user id that it runs as, in a sealed worker; never used before in that worker.
        uid: Option<u32>,
        /// What to run.
        #[serde(flatten)]
        work: Job,
    },
    /// End the job now; its [`Reply::End`] says `cancelled`.
    Cancel {
        /// The job's number.
        job: u64,
    },
}

/// How a worker is set up.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Start {
    /// Modules to import before the first fork; one that cannot be imported is passed over.
    pub warm: Vec<String>,
    /// The directory under which each job gets an empty directory of its own. In a sealed worker it is a tmpfs of mode 1777.
    pub labs: String,
    /// Whether each job comes with a user id of its own: so it is in a sealed worker. Otherwise labs run as the agent's own user.
    pub apart: bool,
    /// Whether many jobs are to be expected: then the agent takes its time to make each cheap.
    pub many: bool,
}

/// What the agent answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Reply {
    /// The agent is warm.
    Ready {
        /// Its Python, such as `3.13.5`.
        python: String,
        /// Installed distributions: name as the index spells it (lower case, dashes) to version.
        packages: std::collections::BTreeMap<String, String>,
        /// What labs are kept from beside what the host sees to: `network`, and `calls` that only a filter of system calls can refuse.
        #[serde(default)]
        sealed: Vec<String>,
    },
    /// Something happened in a job.
    Record {
        /// The job's number.
        job: u64,
        /// What happened.
        record: Record,
    },
    /// A job is over and everything of it is gone: processes, files, shared memory.
    End {
        /// The job's number.
        job: u64,
        /// How it ended.
        ending: Ending,
    },
}

/// One revision, ready to run. Pure data: its hash is the key of the result cache.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Files to write before anything runs, in this order; paths are relative to the lab's root, with forward slashes.
    pub files: Vec<JobFile>,
    /// Every step, by ascending id. A step of a module that is not `__main__` runs when that module is first imported.
    pub steps: Vec<JobStep>,
    /// Environment variables to set on top of the clean ones.
    pub env: std::collections::BTreeMap<String, String>,
    /// What the lab may use.
    pub limits: Limits,
    /// Servers to start before the first step, by name (`redis`, `postgresql`): each on its usual port of 127.0.0.1, with nothing in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// Whether it is a job that ran before, to see whether its output is the same: its result is remembered by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// A file of a lab.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFile {
    /// Its path from the lab's root.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Limits of one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Wall clock, in seconds. Kept by the host; the agent keeps it as well.
    pub seconds: u32,
    /// Memory, in MiB.
    pub memory: u32,
    /// Processes and threads.
    pub processes: u32,
    /// Output of all streams together, in bytes.
    pub output: u32,
    /// The largest file, in MiB.
    pub file: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { seconds: 30, memory: 512, processes: 64, output: 1 << 20, file: 32 }
    }
}

/// One step of a job: the smallest thing that passes or fails by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStep {
    /// Its id, ascending in the order in which steps run.
    pub id: u32,
    /// What to do.
    #[serde(flatten)]
    pub action: Action,
    /// Steps that must have passed (or been left out as not judged): if one failed or was itself skipped, this one is skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<u32>,
    /// Whether the step is judged. Output, warnings and unreached lines of a step that is not are not recorded (its exception and its end are).
    pub judged: bool,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Run one top-level statement (or a few) of a module.
    Python {
        /// The module: `__main__`, or the dotted name of a lab file. Steps of `__main__` run in their turn; steps of another module all run, in order, when
        /// it is first imported: the agent's import hook finds it by `file`. An exception in one ends that step, not the import.
        module: String,
        /// The lab file that the module is, if it is one: it gives `__file__` (and `__path__` for a package's `__init__.py`).
        file: Option<String>,
        /// The file name to compile with: what a traceback or a warning shows.
        filename: String,
        /// The line (from 1) of `filename` on which `code` starts.
        line: usize,
        /// The code.
        code: String,
        /// Whether expressions print their value, as a console does (`single` mode, statement by statement).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        console: bool,
    },
    /// Import a module, so that its steps run; nothing happens if it was imported before.
    Import {
        /// Its dotted name.
        module: String,
    },
    /// Run a command with `bash` (`/bin/sh` where there is none: courses are written for what their readers have) in the lab's directory.
    /// `cd`, `export`, shell variables and, in `bash`, functions and aliases carry over to later shell steps.
    /// A command that starts a development server (`flask run`, `python app.py` whose `app.run()` would block) is started in the background
    /// and counts as passed once its port answers; it is ended with the job.
    Shell {
        /// The command line.
        command: String,
        /// What to give it as standard input.
        #[serde(default)]
        input: String,
    },
    /// Write a file, as a reader edits one between two commands. Nothing happens where the path would leave the lab.
    Write(JobFile),
    /// Request a path of the Flask application, through its test client, with cookies kept from request to request.
    Request(Request),
    /// Request each rule of the application's URL map that answers GET and needs no argument, and that was not requested before.
    Probe {
        /// Where to find the application: `module:name`; `None` for the one that the lab's modules define (an instance, or what `create_app` returns).
        app: Option<String>,
        /// Paths that the page names: of each rule whose arguments the lab's own converters take, the first of these that it matches is requested as well.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        paths: Vec<String>,
    },
}

/// A request to the lab's own application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Where to find the application, as in [`Action::Probe`].
    pub app: Option<String>,
    /// The method, in capitals.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// Form fields.
    #[serde(default)]
    pub form: Vec<(String, String)>,
    /// A JSON body.
    #[serde(default)]
    pub json: Option<serde_json::Value>,
    /// A body as text.
    #[serde(default)]
    pub body: Option<String>,
    /// Header fields.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Whether to follow redirects.
    #[serde(default)]
    pub follows: bool,
}

/// Something that happened in a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The step in which it happened.
    pub step: u32,
    /// What happened.
    #[serde(flatten)]
    pub event: RecordEvent,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RecordEvent {
    /// The step began.
    Begin,
    /// Text was printed. Neighbouring writes of one stream and line are joined.
    Output {
        /// Which stream.
        stream: Stream,
        /// The text, undecodable bytes replaced.
        text: String,
        /// The innermost line of the step's own `filename` from which it was printed, where that is known; in a request, of any step's.
        #[serde(default)]
        line: Option<usize>,
    },
    /// A warning was issued.
    Warning(Warning),
    /// An exception left the step (or a view that a request called).
    Raised(Raised),
    /// Lines of a judged Python step that never ran (also because it failed before), function bodies and `except` suites apart: ranges of lines of its `filename`, both ends included.
    Missed {
        /// The ranges.
        lines: Vec<(usize, usize)>,
    },
    /// The application answered a request.
    Response(Response),
    /// The step ended.
    Finished {
        /// How.
        verdict: Verdict,
        /// The step that it needed and that did not pass: why it was skipped; or why it failed, where that step only ran while this one did
        /// (an import, and a statement of the imported module).
        #[serde(default)]
        because: Option<u32>,
        /// The exit status of a shell step; `None` for one that goes on in the background, as a server does.
        #[serde(default)]
        status: Option<i32>,
        /// How long it took, in seconds.
        #[serde(default)]
        seconds: f64,
    },
}

/// A standard stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error; `logging` and shell errors come here.
    Stderr,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It ran to its end. `SystemExit` with status 0 or nothing passes as well, and what follows still runs.
    Passed,
    /// An exception left it, or a command's status was not zero, or a response was a 5xx.
    Failed,
    /// It was not run, because a step that it needs did not pass.
    Skipped,
}

/// A warning, with where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The class name, such as `MovedIn20Warning`.
    pub category: String,
    /// The names of its base classes, nearest first, `Warning` last.
    pub bases: Vec<String>,
    /// What it says.
    pub message: String,
    /// The stack, outermost first; frames of the agent itself left out.
    pub frames: Vec<Frame>,
}

/// A stack frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The file name it was compiled with.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The byte column of the expression, from 0, if known.
    #[serde(default)]
    pub column: Option<usize>,
    /// The last line of the expression.
    #[serde(default)]
    pub end_line: Option<usize>,
    /// The byte column after the expression.
    #[serde(default)]
    pub end_column: Option<usize>,
    /// The function, `<module>` at top level.
    pub function: String,
    /// The dotted module the frame belongs to, such as `sqlalchemy.orm.query`.
    #[serde(default)]
    pub module: String,
}

/// An exception, with what it carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Raised {
    /// The class name.
    pub class: String,
    /// The names of its base classes with their modules (`builtins.Exception`), nearest first, its own first.
    pub bases: Vec<String>,
    /// `str()` of it, capped.
    pub message: String,
    /// The stack, outermost first; frames of the agent itself left out.
    pub frames: Vec<Frame>,
    /// `name` of a `NameError`, `AttributeError` or `ImportError` (what could not be imported: the module, or a name of it); the template of a `TemplateNotFound`; the file of a `FileNotFoundError`.
    #[serde(default)]
    pub name: Option<String>,
    /// What the missing attribute or imported name was asked of: a module's or class's dotted name, or that of the object's class.
    #[serde(default)]
    pub object: Option<String>,
    /// The line and column (both from 1) of a `SyntaxError` in the step's own code.
    #[serde(default)]
    pub syntax: Option<(usize, usize)>,
    /// The exception it was raised from, or while handling.
    #[serde(default)]
    pub cause: Option<Box<Raised>>,
}

/// An answer of the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The status, such as 404.
    pub status: u16,
    /// The content type without parameters.
    pub mimetype: String,
    /// The `Location` header, if there is one.
    #[serde(default)]
    pub location: Option<String>,
    /// The header fields, by name in lower case; of several with one name the last.
    #[serde(default)]
    pub headers: std::collections::BTreeMap<String, String>,
    /// The body as text, capped.
    pub text: String,
    /// The endpoint that answered, if one did, and the file name and line of its view function.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The view function's place.
    #[serde(default)]
    pub view: Option<(String, usize)>,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Ending {
    /// Every step was run or skipped.
    Finished,
    /// The wall clock ran out.
    Timeout,
    /// The memory limit was hit and a process ended for it. A Python process more often gets a `MemoryError`, which is recorded as any exception.
    Memory,
    /// The output limit was hit.
    Output,
    /// The process was ended by this signal, its own or another's.
    Signal {
        /// The signal's number.
        signal: i32,
    },
    /// The process left by itself (`os._exit`) before its steps were done.
    Exited {
        /// Its exit status.
        status: i32,
    },
    /// A service that the job asks for cannot be had where it runs; no step was run.
    NoService {
        /// Its name.
        service: String,
        /// Why, and what to do.
        why: String,
    },
    /// The host asked for it.
    Cancelled,
}

/// All that a job gave: what `outcome::judge` reads. It can be stored and judged again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What happened, in order.
    pub records: Vec<Record>,
    /// How it ended.
    pub ending: Ending,
    /// The Python that ran it.
    pub python: String,
}
