//! `proctor env upgrade`: resolves an environment anew to the newest, and shows what that does to the course's lessons before the lock is written.

use std::io::{IsTerminal as _, Write as _};

use super::lock::{Place, shown};
use crate::cli::check::in_ci;
use crate::cli::course::{self, Course};
use crate::cli::engines::EngineArgs;
use crate::cli::matrix::{EnvArgs, own_name};
use crate::cli::output::say;
use crate::cli::round::Round;
use crate::cli::{Exit, print, tell, usage};
use crate::config::{Config, nearest};
use crate::env::Environment;
use crate::env::resolve::Newer;
use crate::maintain::upgrade::{Moved, changes, moved};
use crate::outcome::Options;
use crate::report::Report;
use crate::run::Planned;
use crate::run::snapshots::Snapshots;
use crate::snapshot::store::Store;

/// Arguments of `proctor env upgrade`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment's name; the course's own if left out.
    name: Option<String>,
    /// Only this package, and whatever it brings along.
    #[arg(short, long, value_name = "PACKAGE")]
    package: Option<String>,
    /// Only show what would change.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Write the lock without asking.
    #[arg(short, long)]
    yes: bool,
    /// No progress on standard error.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Run the command.
pub(super) async fn run(args: &Args, config: &Config) -> anyhow::Result<Exit> {
    let name = args.name.as_deref().unwrap_or(own_name(config));
    let place = Place::find(name, config)?;
    let Some(old) = &place.old else {
        return Err(usage(format!("`{name}` has no lock yet: make one with `proctor env lock {name}`")).into());
    };
    let newer = newer(args.package.as_deref(), old)?;
    let new = place.resolved(name, newer).await?;
    let changes = changes(old.requirements(), new.requirements());
    if changes.is_empty() {
        say(&format!("{}: nothing is newer", place.shown(&place.lock)))?;
        return Ok(Exit::Fine);
    }
    let lines: String = changes.iter().map(|change| format!("{}\n", shown(change))).collect();
    print(format!("{lines}\n").as_bytes())?;
    let course = course::find(&[])?;
    let planned = lessons(name, &course)?;
    let mut reports = Vec::new();
    for environment in [old, &new] {
        tell(&format!("checking {} with the packages that {}", count(planned.len()), if reports.is_empty() { "are locked now" } else { "would be" }));
        match round(args, &course, environment).run(&planned, course.chapters).await? {
            Some(report) => reports.push(report),
            None => {
                tell("interrupted; nothing was written");
                return Ok(Exit::Interrupted);
            }
        }
    }
    let is_worse = tell_moves(&reports)?;
    decide(args, &place, &new)?;
    Ok(if is_worse { Exit::Findings } else { Exit::Fine })
}

/// What may become newer. A package that is not in the lock can only be a slip.
fn newer<'a>(package: Option<&'a str>, old: &Environment) -> anyhow::Result<Newer<'a>> {
    let Some(package) = package else { return Ok(Newer::All) };
    let normal = package.to_lowercase().replace(['_', '.'], "-");
    let known = || old.requirements().iter().map(|requirement| requirement.name.as_str());
    if known().any(|name| name == normal) {
        return Ok(Newer::Package(package));
    }
    let near = nearest(&normal, known()).map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
    Err(usage(format!("`{}` has no package `{package}`{near}", old.name())).into())
}

/// The lessons that run in an environment; if none does, all of them.
fn lessons(name: &str, course: &Course) -> anyhow::Result<Vec<Planned>> {
    let parts = EnvArgs::default().parts(course)?;
    let own = parts.into_iter().find(|part| part.environment.name() == name && !part.planned.is_empty());
    Ok(own.map_or_else(|| course.planned.clone(), |part| part.planned))
}

fn round<'a>(args: &'a Args, course: &Course, environment: &'a Environment) -> Round<'a> {
    let own = own_name(&course.config).to_owned();
    let store = Store::new(course::labs_of(&course.config));
    let snapshots = Snapshots { store, write: false, environment: environment.name().to_owned(), own };
    Round { engine: &args.engine, environment, install: false, judging: Options::default(), snapshots: Some(snapshots), quiet: args.quiet }
}

/// Say which lessons do otherwise, and whether one does worse.
fn tell_moves(reports: &[Report]) -> anyhow::Result<bool> {
    let [old, new] = reports else { return Ok(false) };
    let moved = moved(&old.lessons, &new.lessons);
    let mut told: String = moved.iter().map(lines).collect();
    let worse = moved.iter().filter(|moved| moved.is_worse()).count();
    let better = moved.len() - worse;
    told.push_str(&match moved.len() {
        0 => format!("{} as before", doing(new.lessons.len())),
        _ => format!("{}: {worse} worse, {better} better", count(new.lessons.len())),
    });
    say(&told)?;
    Ok(worse > 0)
}

/// A lesson that does otherwise, and for what.
fn lines(moved: &Moved<'_>) -> String {
    let lesson = moved.new;
    let title = lesson.number.iter().map(String::as_str).chain([lesson.title.as_str()]).collect::<Vec<_>>().join(" ");
    let statuses = format!("{} -> {}", moved.old.status.word(), moved.new.status.word());
    let mut lines = format!("{statuses}  {}  {}:{}\n", plain(&title), plain(lesson.source.path()), lesson.line);
    let sign = if moved.is_worse() { "" } else { "gone: " };
    for finding in moved.findings() {
        let place = finding.location.place();
        let said = format!("{}[{}]: {}", finding.severity().word(), finding.code.word(), plain(&finding.message));
        lines.push_str(&format!("  {sign}{}:{}:{}: {said}\n", plain(finding.location.path()), place.line, place.column));
    }
    if let Some(error) = &lesson.error {
        lines.push_str(&format!("  {}\n", plain(error)));
    }
    lines
}

/// Text of a guide or a lab on one line, with nothing in it that a terminal would obey.
fn plain(text: &str) -> String {
    crate::cli::review::shown::visible(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Write the lock if that is wanted.
fn decide(args: &Args, place: &Place, new: &Environment) -> anyhow::Result<()> {
    let file = place.shown(&place.lock);
    let is_wanted = if args.dry_run {
        false
    } else if args.yes {
        true
    } else if in_ci() || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        tell(&format!("{file} is as it was: `--yes` writes it"));
        return Ok(());
    } else {
        asked(&file)?
    };
    if !is_wanted {
        tell(&format!("{file} is as it was"));
        return Ok(());
    }
    place.write(new)?;
    say(&format!("wrote {file}"))
}

fn asked(file: &str) -> anyhow::Result<bool> {
    write!(std::io::stderr(), "write {file}? [y/N] ")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn count(lessons: usize) -> String {
    if lessons == 1 { "1 lesson".to_owned() } else { format!("{lessons} lessons") }
}

fn doing(lessons: usize) -> String {
    format!("{} {}", count(lessons), if lessons == 1 { "does" } else { "do" })
}
