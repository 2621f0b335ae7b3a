//! `proctor fix`: what to write instead of what has moved, run before it is offered.

mod rounds;
mod shown;
mod write;

use crate::cli::course;
use crate::cli::engines::EngineArgs;
use crate::cli::matrix::EnvArgs;
use crate::cli::{Exit, tell, usage};
use crate::outcome::Status;
use rounds::{Found, Rounds};

/// Arguments of `proctor fix`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each edit comes from a table of known moves, and was run before it is offered: the finding is gone with it, all that ran before still runs,
with the same output, and nothing new is wrong but what the finding had hidden. What did not stand that test is told as a hint.

Exit status:
  0    there is nothing to offer, or with --apply all of it was written
  1    there are edits that could be applied
  2    the command line or a configuration file is wrong, or a page cannot be written
  3    no engine could run, or a lesson errored
  130  interrupted; nothing was written

Examples:
  proctor fix                          the whole course: a diff, and why
  proctor fix guide.txt#5.5            one lesson
  proctor fix docs | patch -p1         the diff is one that `patch` and `git apply` read
  proctor fix docs --apply             write it"
)]
pub struct Args {
    /// Guides (folders or files), PATH#LESSON, or ids or numbers of lessons of the guide that proctor.toml names.
    #[arg(value_name = "PATH|LESSON")]
    lessons: Vec<String>,
    /// Write the edits into the guide.
    #[arg(long)]
    apply: bool,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    env: EnvArgs,
    /// Install what pages install and the environment lacks, into a layer of it that is kept.
    #[arg(long)]
    install: bool,
    /// How to show it: text, json, or sarif with fixes; to standard output or to PATH.
    #[arg(long, value_name = "FORMAT[=PATH]", default_value = "text", value_parser = parse_format)]
    format: Format,
    /// No progress on standard error.
    #[arg(short, long)]
    quiet: bool,
}

/// How the result is shown, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Format {
    form: Form,
    path: Option<std::path::PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Json,
    Sarif,
}

fn parse_format(word: &str) -> Result<Format, String> {
    let (name, path) = word.split_once('=').map_or((word, None), |(name, path)| (name, Some(path.into())));
    let form = match name {
        "text" => Form::Text,
        "json" => Form::Json,
        "sarif" => Form::Sarif,
        _ => return Err(format!("there is no format `{name}`: use text, json or sarif")),
    };
    Ok(Format { form, path })
}

/// Run the command.
///
/// # Errors
/// What keeps the lessons from being run, or the edits from being written; nothing is half-written then.
pub async fn run(args: &Args) -> anyhow::Result<Exit> {
    let course = course::find(&args.lessons)?;
    let environment = args.env.only(&course, "fix")?;
    let rounds = Rounds { arguments: &args.lessons, engine: &args.engine, environment: &environment, install: args.install, quiet: args.quiet };
    let Some(found) = rounds.run(course).await? else {
        tell("interrupted; nothing was written");
        return Ok(Exit::Interrupted);
    };
    if args.apply {
        write::all(&found.pages)?;
    }
    let text = match args.format.form {
        Form::Text => shown::text(&found, args.apply),
        Form::Json => shown::json(&found, args.apply)?,
        Form::Sarif => shown::sarif(found.clone())?,
    };
    match &args.format.path {
        Some(path) => std::fs::write(path, text).map_err(|error| usage(format!("{} cannot be written: {error}", path.display())))?,
        None => drop(crate::cli::print(text.as_bytes())?),
    }
    Ok(exit(args, &found))
}

fn exit(args: &Args, found: &Found) -> Exit {
    if found.lessons.iter().any(|lesson| lesson.after.status == Status::Errored) {
        return Exit::Engine;
    }
    if found.pages.is_empty() || args.apply { Exit::Fine } else { Exit::Findings }
}
