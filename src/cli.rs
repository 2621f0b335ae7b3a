//! The command line: one command a file. Only here and in `report::{terminal, progress}` is anything printed.

pub mod accept;
pub mod baseline;
pub mod bisect;
mod changed;
pub mod check;
mod claims;
pub mod clean;
pub mod course;
pub mod doctor;
pub mod engines;
pub mod env;
pub mod fix;
pub mod import;
mod links;
pub(crate) mod manifest;
pub mod matrix;
pub mod output;
mod packages;
mod part;
pub mod partition;
pub mod report;
pub mod review;
mod rewrite;
pub mod round;
pub mod selftest;
pub mod show;
pub mod snapshots;
pub mod spinner;
pub mod stale;
pub mod watch;

use std::io::Write;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};

/// How Proctor ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Fine,
    /// Some lesson is broken, changed or incomplete, or pending in CI.
    Findings,
    /// The command line or a configuration file is wrong.
    Usage,
    /// No engine could run, or a lesson errored.
    Engine,
    /// Interrupted by the user.
    Interrupted,
}

impl Exit {
    /// The exit status of the process.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Engine => 3,
            Self::Interrupted => 130,
        }
    }
}

/// Run every code block of a programming course, sealed in containers, and say which lessons are broken, where and why.
#[derive(Debug, Parser)]
#[command(name = "proctor", version, after_help = EXIT_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Work as if started in this folder.
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    directory: Option<PathBuf>,
}

const EXIT_HELP: &str = "Exit status:
  0    all is well
  1    some lesson is broken, changed or incomplete, or pending in CI
  2    the command line or a configuration file is wrong
  3    no engine could run, or a lesson errored
  130  interrupted";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the blocks of a guide, or of some lessons of it, and report what is wrong.
    Check(Box<check::Args>),
    /// Print the program that a lesson assembles into, with the guide line beside each line.
    Show(show::Args),
    /// Look at outputs that are new or have changed, and accept or reject them.
    Review(review::Args),
    /// Accept what waits for review in some lessons.
    Accept(accept::Args),
    /// Say what to write instead of what has moved, run before it is offered, and write it with --apply.
    Fix(Box<fix::Args>),
    /// List what lessons use that their packages say will go away, and what only breaks with the packages to come.
    Stale(stale::Args),
    /// Find the release of a package that broke a lesson.
    Bisect(Box<bisect::Args>),
    /// List snapshots, and those that no block refers to any more.
    Snapshots(snapshots::Args),
    /// Record what is wrong today, so that a check fails only on what is new.
    Baseline(Box<baseline::Args>),
    /// The environments that lessons run in: list, build, image, lock, upgrade, save, load.
    Env(env::Args),
    /// Write a report again in other formats, and make one of the reports of parts: show, merge.
    Report(report::Args),
    /// Turn a legacy guide, plain text or HTML, into a tree of Markdown with a table of contents.
    Import(import::Args),
    /// Say what this machine has to run lessons with, and what is missing.
    Doctor(doctor::Args),
    /// Run lessons that mean harm on this machine's engine, and say which of them it holds.
    Selftest(selftest::Args),
    /// Remove what Proctor made, by its label, and nothing else.
    Clean(clean::Args),
    /// Print a script that completes commands in your shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

impl Cli {
    /// Run the command that was asked for.
    ///
    /// # Errors
    /// What is wrong with the command line, the configuration or this machine, in words for the user; see [`Failure`] for its exit status.
    pub async fn run(self) -> anyhow::Result<Exit> {
        if let Some(directory) = &self.directory {
            std::env::set_current_dir(directory).map_err(|error| usage(format!("cannot work in {}: {error}", directory.display())))?;
        }
        match self.command {
            Command::Check(args) => check::run(&args).await,
            Command::Show(args) => show::run(&args),
            Command::Review(args) => review::run(&args, &course::labs()?),
            Command::Accept(args) => accept::run(&args, &course::labs()?),
            Command::Fix(args) => fix::run(&args).await,
            Command::Stale(args) => stale::run(&args).await,
            Command::Bisect(args) => bisect::run(&args).await,
            Command::Snapshots(args) => snapshots::run(&args),
            Command::Baseline(args) => baseline::run(&args).await,
            Command::Env(args) => env::run(&args).await,
            Command::Report(args) => report::run(&args),
            Command::Import(args) => import::run(&args),
            Command::Doctor(args) => doctor::run(&args).await,
            Command::Selftest(args) => selftest::run(&args).await,
            Command::Clean(args) => clean::run(&args).await,
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Self::command(), "proctor", &mut script);
                print(&script)
            }
        }
    }
}

/// An error with the exit status that it means.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What is wrong, and what to do next.
    pub message: String,
    /// How Proctor ends because of it.
    pub exit: Exit,
}

/// An error of the user's: a wrong argument or configuration.
pub fn usage(message: impl Into<String>) -> Failure {
    Failure { message: message.into(), exit: Exit::Usage }
}

/// An error of ours or the machine's: nothing could run.
pub fn no_engine(message: impl Into<String>) -> Failure {
    Failure { message: message.into(), exit: Exit::Engine }
}

/// Say what went wrong, and with which status to end.
#[must_use]
pub fn fail(error: &anyhow::Error) -> Exit {
    if is_broken_pipe(error) {
        return Exit::Fine;
    }
    let mut message = error.to_string();
    if let Some(first) = message.get(..1).map(str::to_lowercase)
        && message.starts_with("Cannot")
    {
        message.replace_range(..1, &first);
    }
    // Where not even that can be written, there is nobody to tell.
    let _ = writeln!(anstream::stderr(), "error: {message}");
    error.downcast_ref::<Failure>().map_or(Exit::Engine, |failure| failure.exit)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe))
}

/// Print to standard output. A reader that has gone away is no error.
pub(crate) fn print(text: &[u8]) -> anyhow::Result<Exit> {
    match std::io::stdout().lock().write_all(text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Exit::Fine),
    }
}

/// Tell the user something that is not the result: on standard error.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}
