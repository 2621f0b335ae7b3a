//! `proctor check`: read, assemble, run, judge, report.

use crate::cli::baseline;
use crate::cli::claims;
use crate::cli::course::{self, Course};
use crate::cli::engines::EngineArgs;
use crate::cli::links::Links;
use crate::cli::matrix::{EnvArgs, Part, own_name};
use crate::cli::part;
use crate::cli::partition::Partition;
use crate::cli::round::{Leg, Round, run_all};
use crate::cli::watch::{self, How};
use crate::cli::{Exit, tell, usage};
use crate::env::Environment;
use crate::maintain::baseline::Baseline;
use crate::outcome::{Options, Status};
use crate::report::sink::{Request, Sink};
use crate::report::{Report, terminal};
use crate::run::snapshots::Snapshots;
use crate::snapshot::store::Store;

/// Arguments of `proctor check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proctor check                                  the guide that proctor.toml names, or content/
  proctor check guide.txt --no-snapshots         a guide that nobody keeps labs for
  proctor check content/05-databases 5.6         a chapter's folder, and a lesson by its number
  proctor check guide.txt#5.5                    one lesson of a page of many
  proctor check --format json=report.json --format github
  proctor check --env flask --env legacy         in two environments, side by side
  proctor check --matrix                         in each environment that proctor.toml lists under `matrix`, or in all
  proctor check --watch                          again, whenever a file is saved: what it touches
  proctor check --changed-since origin/main      only lessons that this branch touches
  proctor check --update-claims 5.6              mend the outputs that the page shows
  proctor check --partition slice:1/4            the first of four parts, for machines side by side")]
pub struct Args {
    /// Guides (folders or files), PATH#LESSON, or ids or numbers of lessons of the guide that proctor.toml names.
    #[arg(value_name = "PATH|LESSON")]
    pub(super) lessons: Vec<String>,
    #[command(flatten)]
    pub(super) engine: EngineArgs,
    #[command(flatten)]
    pub(super) env: EnvArgs,
    /// Judge without snapshots: for pages that nobody keeps labs for.
    #[arg(long)]
    no_snapshots: bool,
    /// Install what pages install and the environment lacks, into a layer of it that is kept; lessons themselves still run without a network.
    #[arg(long)]
    install: bool,
    /// Refuse whatever a page takes for granted.
    #[arg(long)]
    pub(super) strict: bool,
    /// Ask the web about the links that lead out of the guide. Answers are kept for a day.
    #[arg(long)]
    links: bool,
    /// Fail on what the course's baseline knows of as well.
    #[arg(long)]
    no_baseline: bool,
    /// Let lessons of this status fail the check as well, such as stale or pending.
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = parse_status)]
    deny: Vec<Status>,
    /// Let lessons of this status pass, such as incomplete.
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = parse_status)]
    allow: Vec<Status>,
    /// A report to write: terminal, json, junit, sarif, github, markdown, html or badge, to standard output or to PATH. May be given more than once.
    #[arg(long, value_name = "FORMAT[=PATH]")]
    pub(super) format: Vec<Request>,
    /// Show everything: each consequence, each block that was left out, lessons that passed.
    #[arg(short, long)]
    verbose: bool,
    /// No progress on standard error.
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Write what the code prints over what the pages wrongly say that it prints, where two runs agree on it; `...` and all that holds stay. The diff is shown.
    #[arg(long, conflicts_with = "watch")]
    update_claims: bool,
    /// Check only the lessons that a change touches: by their text, their labs, what they borrow, or the environment. Compared is with where this branch left REV.
    #[arg(long, value_name = "REV", conflicts_with = "watch")]
    pub(super) changed_since: Option<String>,
    /// Check only a part of the lessons: `slice:1/4` by their position, `hash:1/4` by their ids. All parts together have every lesson once.
    #[arg(long, value_name = "HOW:N/M", conflicts_with = "watch")]
    pub(super) partition: Option<Partition>,
    /// Stay, and check what a saved file touches each time one is saved. `--watch=poll` looks instead of being told: for folders that other machines write to.
    #[arg(long, value_enum, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "auto")]
    watch: Option<How>,
}

impl Args {
    /// The flags that change what a lesson's verdict is: a line that re-runs it repeats them.
    pub(super) fn flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        flags.extend(self.no_snapshots.then(|| "--no-snapshots".to_owned()));
        flags.extend(self.install.then(|| "--install".to_owned()));
        flags.extend(self.strict.then(|| "--strict".to_owned()));
        flags.extend(self.links.then(|| "--links".to_owned()));
        flags.extend(self.no_baseline.then(|| "--no-baseline".to_owned()));
        flags.extend(self.env.env.iter().map(|env| format!("--env={env}")));
        flags
    }
}

pub(super) fn parse_status(word: &str) -> Result<Status, String> {
    let words = || Status::ALL.map(Status::word).join(", ");
    Status::ALL.into_iter().find(|status| status.word() == word).ok_or_else(|| format!("there is no status `{word}`: use one of {}", words()))
}

/// Run the command.
///
/// # Errors
/// What keeps the check from being made at all; what is wrong with the course is in the report.
pub async fn run(args: &Args) -> anyhow::Result<Exit> {
    if let Some(how) = args.watch {
        return watch::run(args, how).await;
    }
    let sinks = sinks(&args.format)?;
    let mut course = course::find(&args.lessons)?;
    let baseline = baseline(args, &course)?;
    if args.update_claims && args.env.asked(&course.config)?.len() > 1 {
        return Err(usage("--update-claims writes what is printed in one environment: name it with `--env NAME`").into());
    }
    let part = part::take(args, &mut course)?;
    let parts = args.env.parts(&course)?;
    // Hosts are slow, lessons are busy: both at once.
    let links = args.links.then(|| tokio::spawn(Links::of(&course, !args.engine.no_cache).ask()));
    let ended = if part.is_empty(&course) { Some(part.nothing(&course, &parts)) } else { run_all(&legs(args, &course, &parts), course.chapters).await? };
    let Some(mut report) = ended else { return Ok(interrupted_round()) };
    part.tell(&mut report);
    if let Some(links) = links {
        links.await?.add_to(&mut report);
    }
    if args.update_claims && claims::update(args, &course, &parts, &mut report).await?.is_none() {
        return Ok(interrupted_round());
    }
    report.flags = args.flags();
    if args.env.matrix {
        report.flags.extend(report.environments.iter().map(|name| format!("--env={name}")));
    }
    if let Some(baseline) = baseline {
        baseline::hold(&baseline, args.strict, &mut report);
    }
    write(args, &report, sinks)?;
    Ok(verdict(&report, &args.deny, &args.allow))
}

/// Say that a check was given up.
pub(super) fn interrupted_round() -> Exit {
    tell("interrupted; nothing was reported");
    Exit::Interrupted
}

/// What is known to be wrong with the course, unless nobody wants to know.
pub(super) fn baseline(args: &Args, course: &Course) -> anyhow::Result<Option<Baseline>> {
    if args.no_baseline { Ok(None) } else { Ok(baseline::read(course)?) }
}

/// Where the reports go, each place known to be writable.
pub(super) fn sinks(requests: &[Request]) -> anyhow::Result<Vec<Sink>> {
    let summary = std::env::var_os("GITHUB_STEP_SUMMARY");
    Ok(Sink::open_all(requests, summary.as_deref()).map_err(|error| usage(error.to_string()))?)
}

/// One check of a course as the command line asks for it.
pub(super) fn round<'a>(args: &'a Args, course: &Course, environment: &'a Environment) -> Round<'a> {
    let snapshots = || Snapshots {
        store: Store::new(course::labs_of(&course.config)),
        write: !in_ci(),
        environment: environment.name().to_owned(),
        own: own_name(&course.config).to_owned(),
    };
    Round {
        engine: &args.engine,
        environment,
        install: args.install,
        judging: Options { strict: args.strict },
        snapshots: (!args.no_snapshots).then(snapshots),
        quiet: args.quiet,
    }
}

/// The rounds of a check, each in its environment.
pub(super) fn legs<'a>(args: &'a Args, course: &Course, parts: &'a [Part]) -> Vec<Leg<'a>> {
    parts.iter().map(|part| Leg { round: round(args, course, &part.environment), planned: part.planned.clone() }).collect()
}

/// The one environment of a watch: its workers stay warm.
pub(super) fn environment(args: &Args, course: &Course) -> anyhow::Result<Environment> {
    Ok(args.env.only(course, "--watch")?)
}

pub(super) fn write(args: &Args, report: &Report, sinks: Vec<Sink>) -> anyhow::Result<()> {
    write_all(report, sinks, args.verbose)
}

/// Write a report to all its places.
pub(super) fn write_all(report: &Report, sinks: Vec<Sink>, verbose: bool) -> anyhow::Result<()> {
    let mut failed = Ok(());
    for sink in sinks {
        let format = sink.format;
        let to_terminal = sink.is_stdout();
        let options = if to_terminal { terminal::Options::for_stdout(verbose) } else { terminal::Options { verbose, ..terminal::Options::default() } };
        // One place that cannot be written to keeps no other report from its reader.
        failed = failed.and(sink.finish(|out| crate::report::write(report, format, &options, out)));
    }
    Ok(failed?)
}

/// Whether we run where nobody can answer, and nothing may be written beside the guide.
pub(super) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// The exit that a report means, where lessons of the statuses `deny` fail as well and those of `allow` do not.
pub(super) fn verdict(report: &Report, deny: &[Status], allow: &[Status]) -> Exit {
    let has = |status: Status| report.lessons.iter().any(|lesson| lesson.standing() == status);
    if has(Status::Errored) {
        return Exit::Engine;
    }
    let mut failing = vec![Status::Broken, Status::Changed, Status::Incomplete];
    if in_ci() {
        failing.push(Status::Pending);
    }
    failing.extend(deny);
    failing.retain(|status| !allow.contains(status));
    if !report.wrong.is_empty() || failing.into_iter().any(has) { Exit::Findings } else { Exit::Fine }
}
