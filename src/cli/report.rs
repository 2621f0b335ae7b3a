//! `proctor report`: a JSON report written again in another format, and reports of parts made one.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::cli::{Exit, check, usage};
use crate::guide::load;
use crate::outcome::Status;
use crate::report::Report;
use crate::report::json::{self, Kept};
use crate::report::merge::merge;
use crate::report::sink::Request;

/// Arguments of `proctor report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proctor check --format json=a.json                       what these commands read
  proctor report show a.json --format html=health.html     the same report in another format, without running anything
  proctor report merge a.json b.json --format junit=report.xml --format terminal")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write a JSON report again, in other formats.
    Show {
        /// A report that `check --format json=PATH` wrote.
        #[arg(value_name = "REPORT")]
        report: PathBuf,
        #[command(flatten)]
        how: How,
    },
    /// Make one report of the reports of the parts of a guide, such as those that `check --partition` leaves in CI.
    Merge {
        /// Reports that `check --format json=PATH` wrote, of the same guide, engine and environment. A lesson that is in several keeps its worst verdict.
        #[arg(value_name = "REPORT", required = true)]
        reports: Vec<PathBuf>,
        #[command(flatten)]
        how: How,
    },
}

/// What is done with the report.
#[derive(Debug, clap::Args)]
struct How {
    /// A report to write, as for `check`, to standard output or to PATH. May be given more than once.
    #[arg(long, value_name = "FORMAT[=PATH]")]
    format: Vec<Request>,
    /// Let lessons of this status fail as well, as for `check`.
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = check::parse_status)]
    deny: Vec<Status>,
    /// Let lessons of this status pass, as for `check`.
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = check::parse_status)]
    allow: Vec<Status>,
    /// Show everything, as `check` does.
    #[arg(short, long)]
    verbose: bool,
}

/// Run the command. It ends as the check would have.
///
/// # Errors
/// If a report cannot be read, they do not belong together, or a place cannot be written to; then nothing is written at all.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let (report, how): (Report, &How) = match &args.action {
        Action::Show { report, how } => (read(report)?.report, how),
        Action::Merge { reports, how } => {
            let parts = reports.iter().map(|path| Ok((path.display().to_string(), read(path)?))).collect::<anyhow::Result<Vec<_>>>()?;
            (merge(parts).map_err(|error| usage(error.to_string()))?, how)
        }
    };
    check::write_all(&report, check::sinks(&how.format)?, how.verbose)?;
    Ok(check::verdict(&report, &how.deny, &how.allow))
}

/// Read a report from a file, with the lines of the guide as it is here.
fn read(path: &Path) -> anyhow::Result<Kept> {
    let told = |what: &dyn std::fmt::Display| usage(format!("cannot use {} as a report: {what}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => told(&"there is no such file; name one that `proctor check --format json=PATH` wrote"),
        std::io::ErrorKind::IsADirectory => told(&"it is a folder; name the files in it"),
        _ => told(&error),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| told(&"it is no text; name a report that `proctor check --format json=PATH` wrote"))?;
    let base = std::env::current_dir()?;
    Ok(json::read(&text, &|page| load::texts(Path::new(page), &base)).map_err(|error| told(&error))?)
}
