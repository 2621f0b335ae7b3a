//! `proctor bisect`: which release of which package broke a lesson.

mod hunt;
mod memory;
mod shown;
mod tries;

use crate::cli::bisect::hunt::{Stopped, search};
use crate::cli::bisect::shown::Found;
use crate::cli::course::{self, Course};
use crate::cli::engines::EngineArgs;
use crate::cli::output::say;
use crate::cli::{Exit, matrix, tell, usage};
use crate::env::Environment;
use crate::report::sink::{Request, Sink};
use crate::report::{Format, terminal};
use crate::run::Planned;

/// Arguments of `proctor bisect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Releases come from the package index that pip is configured with; each is tried in a layer over the environment, with the rest of the lock held or, where that
does not go together, with the packages that the lesson uses as they were at the release's time. A layer is made once and takes some 5 to 30 MB; the last 48
are kept (`proctor clean` removes their images, `proctor clean --cache` their virtual environments). What was tried is remembered: a search that was
interrupted goes on where it was when the same command is given again.

Examples:
  proctor bisect guide.txt#5.5                        find the package and its release
  proctor bisect 5.5 --package sqlalchemy --line 140  of this package, for the finding in this line
  proctor bisect 5.5 --good 1.4.0 --bad 2.0.31        between two releases
  proctor bisect 5.5 --engine local --python python3.11
  proctor bisect 5.5 --format json=bisect.json")]
pub struct Args {
    /// The lesson: PATH, PATH#LESSON, an id or a number.
    lesson: String,
    /// The package whose releases are tried; found out if left out.
    #[arg(long, value_name = "NAME")]
    package: Option<String>,
    /// The line of the finding; the first error if left out.
    #[arg(long, value_name = "N")]
    line: Option<usize>,
    /// A release that is good: none before it is tried.
    #[arg(long, value_name = "VERSION")]
    good: Option<String>,
    /// A release that is bad, if not the environment's: none behind it is tried.
    #[arg(long, value_name = "VERSION")]
    bad: Option<String>,
    /// Try pre-releases as well.
    #[arg(long)]
    pre: bool,
    #[command(flatten)]
    engine: EngineArgs,
    /// The environment to run in, in place of the course's.
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// What to write: terminal or json, to standard output or to PATH. May be given more than once.
    #[arg(long, value_name = "FORMAT[=PATH]")]
    format: Vec<Request>,
    /// No progress on standard error.
    #[arg(short, long)]
    quiet: bool,
}

/// Run the command.
///
/// # Errors
/// If there is nothing to search for, the index does not answer, or nothing can run.
pub async fn run(args: &Args) -> anyhow::Result<Exit> {
    let sinks = sinks(args)?;
    let course = course::find(std::slice::from_ref(&args.lesson))?;
    let planned = only(&course, &args.lesson)?;
    let environment = environment(args, &course, planned)?;
    match search(args, planned, &environment).await {
        Ok(found) => {
            write(&found, sinks)?;
            Ok(if found.answer == "found" { Exit::Fine } else { Exit::Findings })
        }
        Err(Stopped::Interrupted) => {
            tell("interrupted; what was tried is remembered, and the same command goes on from there");
            Ok(Exit::Interrupted)
        }
        Err(Stopped::Failed(error)) => Err(error),
    }
}

fn sinks(args: &Args) -> anyhow::Result<Vec<Sink>> {
    if let Some(other) = args.format.iter().find(|request| !matches!(request.format, Format::Terminal | Format::Json)) {
        return Err(usage(format!("bisect writes no {}: use terminal or json", other.format.word())).into());
    }
    Ok(Sink::open_all(&args.format, None).map_err(|error| usage(error.to_string()))?)
}

fn write(found: &Found, sinks: Vec<Sink>) -> anyhow::Result<()> {
    for sink in sinks {
        match sink.format {
            Format::Json => sink.finish(|out| {
                serde_json::to_writer_pretty(&mut *out, found)?;
                out.write_all(b"\n")
            })?,
            _ if sink.is_stdout() => say(&found.text(terminal::Options::for_stdout(false).width))?,
            _ => sink.finish(|out| out.write_all(found.text(terminal::Options::default().width).as_bytes()))?,
        }
    }
    Ok(())
}

/// The one lesson that was named.
fn only<'a>(course: &'a Course, named: &str) -> anyhow::Result<&'a Planned> {
    let mut with_code = course.planned.iter().filter(|planned| !planned.lesson.blocks.is_empty());
    match (with_code.next(), with_code.count()) {
        (Some(planned), 0) => Ok(planned),
        (None, _) => Err(usage(format!("{named} has no code to run")).into()),
        (Some(first), more) => Err(usage(format!("{named} names {} lessons with code: name one of them, such as {}", more + 1, first.selector)).into()),
    }
}

/// Where the lesson runs: in the environment that was named, or its own.
fn environment(args: &Args, course: &Course, planned: &Planned) -> anyhow::Result<Environment> {
    let asked = args.env.as_deref().or_else(|| planned.manifest.as_ref()?.environment.as_deref());
    Ok(matrix::find(asked.unwrap_or_else(|| matrix::own_name(&course.config)), &course.config)?)
}
