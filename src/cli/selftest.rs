//! `proctor selftest`: does this machine's own engine hold lessons that mean harm? A line a case, and what is left of all of them.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::engines::{EngineArgs, EngineChoice, Needs};
use super::output::say;
use super::spinner::Spinner;
use super::{Exit, no_engine, usage};
use crate::engine::docker::connect::connect;
use crate::engine::docker::orphans;
use crate::engine::local;
use crate::env::Environment;
use crate::outcome::Event;
use crate::run::bench::Bench;
use crate::selftest::{Attempt, Case, attempt, corpus};

/// How long what was ended may take to be gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// Run lessons that mean harm on this machine's engine, and say which of them it holds.
#[derive(Debug, clap::Args)]
#[command(after_help = "Each lesson is followed by an honest neighbour on the same worker, which must find nothing of it.
Exit status: 0 if all held, 1 if one did not, 3 if no engine could run.")]
pub struct Args {
    #[command(flatten)]
    engine: EngineArgs,
    /// The environment to run in.
    #[arg(long, value_name = "NAME", default_value = "flask")]
    env: String,
    /// Only this case. May be given more than once.
    #[arg(long = "case", value_name = "NAME")]
    cases: Vec<String>,
    /// How to say it.
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
}

/// How to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line a case, as soon as it is known.
    Terminal,
    /// One object, at the end.
    Json,
}

/// What is said of one case.
enum Verdict {
    Tried(Attempt),
    NotSealed(String),
}

/// Runs the command.
///
/// # Errors
/// If there is no such case or environment, or no engine can run.
pub async fn run(args: &Args) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    let (cases, neighbour) = corpus().map_err(anyhow::Error::msg)?;
    let cases = chosen(cases, &args.cases)?;
    let environment = Environment::find(&args.env, None).map_err(|error| usage(error.to_string()))?;
    let docker = match args.engine.engine {
        EngineChoice::Docker => true,
        EngineChoice::Local => false,
        EngineChoice::Auto => connect().await.is_ok(),
    };
    let (sender, mut events) = mpsc::unbounded_channel();
    let telling = tokio::spawn(async move {
        let mut spinner = Spinner::new();
        while let Some(event) = events.recv().await {
            if let Event::Preparing(what) = event {
                spinner.tell(&what);
            }
        }
    });
    let lines = Lines { cases: &cases, format: args.format, told: Mutex::default() };
    let trying = lanes(args, docker, &environment, &neighbour, &lines, &sender);
    let ended = tokio::select! {
        ended = trying => Some(ended),
        _ = tokio::signal::ctrl_c() => None,
    };
    let Some(ended) = ended else {
        if docker {
            orphans::remove_own().await;
        }
        return Ok(Exit::Interrupted);
    };
    drop(sender);
    telling.await?;
    ended?;
    let left = left(docker).await;
    lines.total(docker, begun.elapsed(), left.as_deref())
}

/// The cases that were named; all of them if none was.
fn chosen(cases: Vec<Case>, names: &[String]) -> anyhow::Result<Vec<Case>> {
    if let Some(unknown) = names.iter().find(|name| !cases.iter().any(|case| case.name == **name)) {
        let near = crate::config::nearest(unknown, cases.iter().map(|case| case.name.as_str()));
        let advice = near.map_or_else(|| "`proctor selftest` runs them all".to_owned(), |near| format!("did you mean `{near}`?"));
        return Err(usage(format!("there is no case `{unknown}`: {advice}")).into());
    }
    Ok(cases.into_iter().filter(|case| names.is_empty() || names.contains(&case.name)).collect())
}

/// Tries every case, on as many workers as there may be at a time. Each has an engine of its own, so that a case and its neighbour meet on one worker.
async fn lanes(
    args: &Args,
    docker: bool,
    environment: &Environment,
    neighbour: &Case,
    lines: &Lines<'_>,
    events: &mpsc::UnboundedSender<Event>,
) -> anyhow::Result<()> {
    let needs = Needs::default();
    let engine = if docker { EngineChoice::Docker } else { EngineChoice::Local };
    let one = EngineArgs { engine, python: args.engine.python.clone(), no_cache: true, jobs: Some(1), over: None };
    let first = one.open(environment, &needs, events).await.map_err(|error| no_engine(error.to_string()))?;
    let lanes = args.engine.jobs.map_or_else(|| std::thread::available_parallelism().map_or(2, std::num::NonZero::get), usize::from);
    let mut benches = vec![first.bench];
    for _ in 1..lanes.min(lines.cases.len()) {
        benches.push(one.open(environment, &needs, events).await.map_err(|error| no_engine(error.to_string()))?.bench);
    }
    let waiting = Mutex::new((0..lines.cases.len()).collect::<std::collections::VecDeque<_>>());
    let work = benches.iter().map(|bench| lane(bench, docker, neighbour, lines, &waiting));
    let ended = futures_util::future::try_join_all(work).await;
    for bench in &benches {
        bench.close().await;
    }
    ended.map(drop)
}

async fn lane(bench: &Bench<'_>, docker: bool, neighbour: &Case, lines: &Lines<'_>, waiting: &Mutex<std::collections::VecDeque<usize>>) -> anyhow::Result<()> {
    loop {
        let Some(number) = waiting.lock().ok().and_then(|mut waiting| waiting.pop_front()) else { return Ok(()) };
        let case = &lines.cases[number];
        let verdict = match &case.only_sealed {
            Some(why) if !docker => Verdict::NotSealed(why.clone()),
            _ => {
                let run = async |job: &crate::engine::Job| bench.run_now(job).await;
                Verdict::Tried(attempt(case, neighbour, run, || bench.workers_started()).await.map_err(|error| no_engine(error.to_string()))?)
            }
        };
        lines.add(number, verdict)?;
    }
}

/// What there still is of this process's engines; `None` if nothing.
async fn left(docker: bool) -> Option<String> {
    let until = Instant::now() + PATIENCE;
    loop {
        let (folders, processes) = local::count_own();
        let containers = if docker { orphans::count_own().await } else { Some(0) };
        let left = match containers {
            Some(0) if folders + processes == 0 => return None,
            Some(containers) => format!("{containers} containers, {processes} processes and {folders} folders are left"),
            None => "the engine does not say whether containers are left".to_owned(),
        };
        if Instant::now() > until {
            return Some(left);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Says what came of cases, in their order, as soon as it is known.
struct Lines<'a> {
    cases: &'a [Case],
    format: Format,
    told: Mutex<(usize, BTreeMap<usize, Verdict>)>,
}

impl Lines<'_> {
    fn add(&self, number: usize, verdict: Verdict) -> anyhow::Result<()> {
        let Ok(mut told) = self.told.lock() else { return Ok(()) };
        told.1.insert(number, verdict);
        while let Some(verdict) = told.1.get(&told.0) {
            if self.format == Format::Terminal {
                say(&line(&self.cases[told.0], verdict))?;
            }
            told.0 += 1;
        }
        Ok(())
    }

    /// The last word: how many held, and what is left.
    fn total(&self, docker: bool, took: Duration, left: Option<&str>) -> anyhow::Result<Exit> {
        let Ok(told) = self.told.lock() else { return Ok(Exit::Engine) };
        let count = |wanted: fn(&Verdict) -> bool| told.1.values().filter(|verdict| wanted(verdict)).count();
        let held = count(|verdict| matches!(verdict, Verdict::Tried(Attempt { wrong: None, .. })));
        let broke = count(|verdict| matches!(verdict, Verdict::Tried(Attempt { wrong: Some(_), .. })));
        let engine = if docker { "docker" } else { "local" };
        match self.format {
            Format::Terminal => {
                let not_sealed = match told.1.len() - held - broke {
                    0 => String::new(),
                    others => format!(", {others} not sealed by this engine and not run"),
                };
                let seconds = took.as_secs_f64();
                let left = left.unwrap_or("nothing is left behind: no container, process or folder");
                say(&format!("{engine}: {held} held, {broke} did not{not_sealed}, in {seconds:.1} s; {left}"))?;
            }
            Format::Json => {
                let cases: Vec<_> = told.1.iter().map(|(number, verdict)| object(&self.cases[*number], verdict)).collect();
                let all = serde_json::json!({"version": 1, "engine": engine, "held": held, "broke": broke, "left": left, "seconds": took.as_secs_f64(), "cases": cases});
                say(&serde_json::to_string_pretty(&all)?)?;
            }
        }
        Ok(if broke == 0 && left.is_none() { Exit::Fine } else { Exit::Findings })
    }
}

fn line(case: &Case, verdict: &Verdict) -> String {
    let expected = case.expected.join(" or ");
    match verdict {
        Verdict::Tried(Attempt { happened, wrong: None, milliseconds }) => {
            format!("held        {:<22} {expected:<28} {happened:<16} {milliseconds:>6} ms", case.name)
        }
        Verdict::Tried(Attempt { happened, wrong: Some(why), milliseconds }) => {
            format!("NOT HELD    {:<22} {expected:<28} {happened:<16} {milliseconds:>6} ms  {why}", case.name)
        }
        Verdict::NotSealed(why) => format!("not sealed  {:<22} {expected:<28} not run: {why}", case.name),
    }
}

fn object(case: &Case, verdict: &Verdict) -> serde_json::Value {
    let mut object = serde_json::json!({"case": case.name, "title": case.title, "expected": case.expected});
    let more = match verdict {
        Verdict::Tried(Attempt { happened, wrong, milliseconds }) => {
            serde_json::json!({"verdict": if wrong.is_none() { "held" } else { "not-held" }, "happened": happened, "wrong": wrong, "milliseconds": milliseconds})
        }
        Verdict::NotSealed(why) => serde_json::json!({"verdict": "not-sealed", "happened": null, "wrong": why, "milliseconds": null}),
    };
    if let (Some(object), serde_json::Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}
