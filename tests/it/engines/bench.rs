//! What the cases are written with: jobs in a few words, and questions to the runs.

use std::path::PathBuf;
use std::time::Duration;

use proctor::engine::protocol::{Action, JobFile, JobStep, Limits, Raised, RecordEvent, Request, Response, Verdict, Warning};
use proctor::engine::{Engine, Job, Recorder, Run};

/// An engine under test.
pub(crate) struct Bench {
    /// The engine.
    pub(crate) engine: Engine,
    /// Where its runs are recorded.
    pub(crate) recorder: Option<Recorder>,
}

impl Bench {
    /// Runs a job.
    pub(crate) async fn run(&self, lab: LabOf) -> Run {
        let job = lab.job();
        let run = self.engine.run(&job).await.unwrap();
        if let Some(recorder) = &self.recorder {
            recorder.record(&job, &run).unwrap();
        }
        run
    }
}

/// A job in the making. Step N stands on line 10 * N of `guide.md`.
#[derive(Clone, Default)]
pub(crate) struct LabOf(Job);

/// An empty job.
pub(crate) fn lab() -> LabOf {
    LabOf(Job { limits: Limits { seconds: 20, ..Limits::default() }, ..Job::default() })
}

impl LabOf {
    pub(crate) fn py(self, code: &str) -> Self {
        self.module("__main__", None, code)
    }

    pub(crate) fn module(self, module: &str, file: Option<&str>, code: &str) -> Self {
        let line = 10 * (self.0.steps.len() + 1);
        let (module, file) = (module.to_owned(), file.map(str::to_owned));
        self.action(Action::Python { module, file, filename: "guide.md".to_owned(), line, code: code.to_owned(), console: false })
    }

    pub(crate) fn console(mut self, code: &str) -> Self {
        self = self.py(code);
        if let Some(Action::Python { console, .. }) = self.0.steps.last_mut().map(|step| &mut step.action) {
            *console = true;
        }
        self
    }

    pub(crate) fn sh(self, command: &str) -> Self {
        self.action(Action::Shell { command: command.to_owned(), input: String::new() })
    }

    pub(crate) fn get(self, path: &str) -> Self {
        self.action(Action::Request(Request { method: "GET".to_owned(), path: path.to_owned(), ..Request::default() }))
    }

    pub(crate) fn action(mut self, action: Action) -> Self {
        let id = u32::try_from(self.0.steps.len()).unwrap() + 1;
        self.0.steps.push(JobStep { id, action, needs: Vec::new(), judged: true });
        self
    }

    pub(crate) fn needs(mut self, needs: &[u32]) -> Self {
        self.0.steps.last_mut().unwrap().needs = needs.to_vec();
        self
    }

    pub(crate) fn unjudged(mut self) -> Self {
        self.0.steps.last_mut().unwrap().judged = false;
        self
    }

    pub(crate) fn file(mut self, path: &str, text: &str) -> Self {
        self.0.files.push(JobFile { path: path.to_owned(), text: text.to_owned() });
        self
    }

    pub(crate) fn service(mut self, name: &str) -> Self {
        self.0.services.push(name.to_owned());
        self
    }

    pub(crate) fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.0.limits);
        self
    }

    pub(crate) fn job(self) -> Job {
        self.0
    }
}

/// What a step printed on standard output.
pub(crate) fn printed(run: &Run, step: u32) -> String {
    outputs(run, step).into_iter().map(|(_, text)| text).collect()
}

/// What a step printed on either stream, with the lines.
pub(crate) fn outputs(run: &Run, step: u32) -> Vec<(Option<usize>, String)> {
    let of = |record: &proctor::engine::Record| match &record.event {
        RecordEvent::Output { text, line, .. } if record.step == step => Some((*line, text.clone())),
        _ => None,
    };
    run.records.iter().filter_map(of).collect()
}

pub(crate) fn verdict(run: &Run, step: u32) -> Option<Verdict> {
    finished(run, step).map(|(verdict, _, _)| verdict)
}

/// How a step ended: verdict, cause, status.
pub(crate) fn finished(run: &Run, step: u32) -> Option<(Verdict, Option<u32>, Option<i32>)> {
    run.records.iter().find_map(|record| match &record.event {
        RecordEvent::Finished { verdict, because, status, .. } if record.step == step => Some((*verdict, *because, *status)),
        _ => None,
    })
}

pub(crate) fn raised(run: &Run, step: u32) -> Raised {
    let found = run.records.iter().find_map(|record| match &record.event {
        RecordEvent::Raised(raised) if record.step == step => Some(raised.clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("step {step} raised nothing: {run:#?}"))
}

pub(crate) fn warnings(run: &Run, step: u32) -> Vec<Warning> {
    let of = |record: &proctor::engine::Record| match &record.event {
        RecordEvent::Warning(warning) if record.step == step => Some(warning.clone()),
        _ => None,
    };
    run.records.iter().filter_map(of).collect()
}

pub(crate) fn missed(run: &Run, step: u32) -> Vec<(usize, usize)> {
    let of = |record: &proctor::engine::Record| match &record.event {
        RecordEvent::Missed { lines } if record.step == step => Some(lines.clone()),
        _ => None,
    };
    run.records.iter().filter_map(of).flatten().collect()
}

pub(crate) fn responses(run: &Run, step: u32) -> Vec<Response> {
    let of = |record: &proctor::engine::Record| match &record.event {
        RecordEvent::Response(response) if record.step == step => Some(response.clone()),
        _ => None,
    };
    run.records.iter().filter_map(of).collect()
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..6 {
        if until_maybe(&mut holds).await.is_ok() {
            return;
        }
    }
    panic!("it never came about that {what}");
}

/// Waits until something holds, for five seconds.
pub(crate) async fn until_maybe(mut holds: impl FnMut() -> bool) -> Result<(), ()> {
    for _ in 0..100 {
        if holds() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(())
}

/// How many processes have a word as one of their arguments.
pub(crate) fn processes_with(word: &str) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter(|entry| std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| line.split(|byte| *byte == 0).any(|one| one == word.as_bytes())))
        .count()
}

/// The folders of a process's local engines that are there now.
pub(crate) fn lab_folders(pid: u32) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let prefix = format!("proctor-{pid}-");
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)).map(|entry| entry.path()).collect()
}
