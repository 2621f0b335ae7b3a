//! `proctor check`: read, assemble, run, judge, report.

use std::path::PathBuf;
use std::time::Instant;

use tokio::sync::mpsc;

use crate::cli::course::{self, Course};
use crate::cli::{Exit, no_engine, tell, usage};
use crate::engine::docker::connect::connect;
use crate::engine::{DockerOptions, Engine, LocalOptions};
use crate::env::Environment;
use crate::finding::Code;
use crate::outcome::{Event, Options, Outcome, Status};
use crate::report::progress::Progress;
use crate::report::sink::{Request, Sink};
use crate::report::{Report, terminal};
use crate::run::snapshots::Snapshots;
use crate::run::{Check, check};
use crate::snapshot::store::Store;

/// Arguments of `proctor check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proctor check                                  the guide that proctor.toml names, or content/
  proctor check guide.txt --no-snapshots         a guide that nobody keeps labs for
  proctor check content/05-databases 5.6         a chapter's folder, and a lesson by its number
  proctor check guide.txt#5.5                    one lesson of a page of many
  proctor check --format json=report.json --format github")]
pub struct Args {
    /// Guides (folders or files), PATH#LESSON, or ids or numbers of lessons of the guide that proctor.toml names.
    #[arg(value_name = "PATH|LESSON")]
    lessons: Vec<String>,
    /// Where to run: docker, local (not sealed), or auto: Docker if it answers, else local.
    #[arg(long, value_enum, default_value_t = EngineChoice::Auto, env = "PROCTOR_ENGINE")]
    engine: EngineChoice,
    /// The Python that the local engine makes its virtual environment with.
    #[arg(long, value_name = "PYTHON")]
    python: Option<PathBuf>,
    /// The environment to run in, in place of the course's.
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Judge without snapshots: for pages that nobody keeps labs for.
    #[arg(long)]
    no_snapshots: bool,
    /// Refuse whatever a page takes for granted.
    #[arg(long)]
    strict: bool,
    /// Let lessons of this status fail the check as well.
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = parse_status)]
    deny: Vec<Status>,
    /// Let lessons of this status pass.
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = parse_status)]
    allow: Vec<Status>,
    /// A report to write: terminal, json, junit, sarif, github, markdown or html, to standard output or to PATH. May be given more than once.
    #[arg(long, value_name = "FORMAT[=PATH]")]
    format: Vec<Request>,
    /// How many labs run at a time; as many as there are cores if left out.
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Show everything: each consequence, each block that was left out, lessons that passed.
    #[arg(short, long)]
    verbose: bool,
    /// No progress on standard error.
    #[arg(short, long)]
    quiet: bool,
}

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

fn parse_status(word: &str) -> Result<Status, String> {
    let words = || Status::ALL.map(Status::word).join(", ");
    Status::ALL.into_iter().find(|status| status.word() == word).ok_or_else(|| format!("there is no status `{word}`: use one of {}", words()))
}

/// Run the command.
///
/// # Errors
/// What keeps the check from being made at all; what is wrong with the course is in the report.
pub async fn run(args: &Args) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    let summary = std::env::var_os("GITHUB_STEP_SUMMARY");
    let sinks = Sink::open_all(&args.format, summary.as_deref()).map_err(|error| usage(error.to_string()))?;
    let course = course::find(&args.lessons)?;
    let environment = environment(args, &course)?;
    let (sender, receiver) = mpsc::unbounded_channel();
    let progress = tokio::spawn(follow(receiver, Progress::new(args.quiet)));
    let to_run = course.planned.iter().filter(|planned| !planned.lesson.blocks.is_empty()).count();
    let _ = sender.send(Event::Read { chapters: course.chapters, lessons: course.planned.len(), to_run });
    let jobs = args.jobs.map_or_else(|| std::thread::available_parallelism().map_or(2, std::num::NonZero::get), usize::from);
    let mut notes = Vec::new();
    let work = async {
        let engine = if to_run > 0 { Some(start(args, &environment, jobs, &sender, &mut notes).await?) } else { None };
        let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
        let snapshots = Snapshots { store: Store::new(course.config.labs()), write: !in_ci, environment: environment.name().to_owned() };
        let how = Check { judging: Options { strict: args.strict }, snapshots: (!args.no_snapshots).then_some(snapshots), concurrency: jobs * 2 };
        check(course.planned.clone(), engine.as_ref(), &how, &sender).await;
        let name = engine.as_ref().map_or("none", Engine::name);
        if let Some(engine) = engine {
            notes.extend(engine.notes());
            engine.close().await;
        }
        anyhow::Ok(name)
    };
    let ended = tokio::select! {
        ended = work => Some(ended),
        () = interrupted() => None,
    };
    drop(sender);
    let events = progress.await?;
    let Some(ended) = ended else {
        tell("interrupted; nothing was reported");
        return Ok(Exit::Interrupted);
    };
    let mut report = Report::collect(events);
    report.engine = ended?.to_owned();
    report.notes = notes;
    report.environment = environment.name().to_owned();
    report.seconds = begun.elapsed().as_secs_f64();
    report.guide.clone_from(&course.named);
    if to_run == 0 || !anything_ran(&report) {
        report.notes.push(format!("{}: not a single block ran, so this check proves nothing", Code::NothingRan.word()));
    }
    write(args, &report, sinks)?;
    Ok(exit(args, &report))
}

/// Resolves when the user wants to stop.
async fn interrupted() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(_) => return std::future::pending().await,
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

async fn follow(mut events: mpsc::UnboundedReceiver<Event>, mut progress: Progress) -> Vec<Event> {
    let mut all = Vec::new();
    while let Some(event) = events.recv().await {
        progress.observe(&event);
        all.push(event);
    }
    progress.finish();
    all
}

fn environment(args: &Args, course: &Course) -> anyhow::Result<Environment> {
    let config = &course.config;
    let name = args.env.as_deref().or(config.environment.as_deref()).unwrap_or("flask");
    let found = match &config.requirements {
        Some(path) if args.env.is_none() => Environment::from_requirements(name, &config.root.join(path)),
        _ => Environment::find(name, Some(&config.root)),
    };
    let found = found.map_err(|error| usage(error.to_string()))?;
    let mut manifests = course.planned.iter().filter_map(|planned| Some((&planned.lesson.id, planned.manifest.as_ref()?.environment.as_deref()?)));
    if let Some((id, other)) = manifests.find(|(_, other)| *other != found.name()) {
        Environment::find(other, Some(&config.root)).map_err(|error| usage(format!("the lab.toml of {id}: {error}")))?;
        let message = format!(
            "the lab.toml of {id} asks for the environment `{other}`, and this check runs in `{}`: check that lesson by itself, with `--env {other}`",
            found.name()
        );
        return Err(usage(message).into());
    }
    Ok(found)
}

/// Start the engine that was asked for, making first what it needs.
async fn start(args: &Args, environment: &Environment, jobs: usize, events: &mpsc::UnboundedSender<Event>, notes: &mut Vec<String>) -> anyhow::Result<Engine> {
    let mut prepare = |text: &str| {
        let _ = events.send(Event::Preparing(text.to_owned()));
    };
    if args.engine != EngineChoice::Local {
        match connect().await {
            Ok(connection) => {
                let image = environment.ensure_image(&connection.docker, &mut prepare).await.map_err(|error| no_engine(error.to_string()))?;
                let options = DockerOptions { image, workers: jobs, warm: environment.warm(), memory: DockerOptions::MEMORY };
                return Engine::docker(options).await.map_err(|error| no_engine(error.to_string()).into());
            }
            Err(error) if args.engine == EngineChoice::Docker => return Err(no_engine(error.to_string()).into()),
            Err(_) => notes.push("no container engine answers, so labs ran on this machine itself; `proctor doctor` says why".to_owned()),
        }
    }
    let python = environment.ensure_venv(args.python.as_deref(), &mut prepare).await.map_err(|error| no_engine(error.to_string()))?;
    let options = LocalOptions { python, workers: jobs, warm: environment.warm() };
    Engine::local(options).await.map_err(|error| no_engine(error.to_string()).into())
}

fn write(args: &Args, report: &Report, sinks: Vec<Sink>) -> anyhow::Result<()> {
    for sink in sinks {
        let format = sink.format;
        let to_terminal = sink.is_stdout();
        let options =
            if to_terminal { terminal::Options::for_stdout(args.verbose) } else { terminal::Options { verbose: args.verbose, ..terminal::Options::default() } };
        sink.finish(|out| crate::report::write(report, format, &options, out))?;
    }
    Ok(())
}

fn anything_ran(report: &Report) -> bool {
    report.lessons.iter().flat_map(|lesson| &lesson.blocks).any(|block| matches!(block.outcome, Some(Outcome::Passed | Outcome::Failed | Outcome::Incomplete)))
}

/// The exit that a report means.
fn exit(args: &Args, report: &Report) -> Exit {
    let has = |status: Status| report.lessons.iter().any(|lesson| lesson.status == status);
    if has(Status::Errored) {
        return Exit::Engine;
    }
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    let mut failing = vec![Status::Broken, Status::Changed, Status::Incomplete];
    if in_ci {
        failing.push(Status::Pending);
    }
    failing.extend(&args.deny);
    failing.retain(|status| !args.allow.contains(status));
    if !anything_ran(report) || failing.into_iter().any(has) { Exit::Findings } else { Exit::Fine }
}
