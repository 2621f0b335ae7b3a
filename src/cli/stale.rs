//! `proctor stale`: what lessons use that their packages say will go away, and what only breaks with the packages to come.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cli::course::{self, Course};
use crate::cli::engines::EngineArgs;
use crate::cli::matrix::{self, EnvArgs, Part};
use crate::cli::round::{Leg, Round, run_all};
use crate::cli::{Exit, tell};
use crate::maintain::stale::{Stale, stale};
use crate::outcome::{LessonOutcome, Options, Status};
use crate::report::Report;

/// The environment of pre-releases.
const NEXT: &str = "next";
/// SQLAlchemy 1.4 warns of what 2.0 removed only where this is set.
const WARNS: (&str, &str) = ("SQLALCHEMY_WARN_20", "1");

/// Arguments of `proctor stale`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Every place is told once, at the guide's own line, in the package's own words, with what replaces it where that is known; `proctor fix` writes it.
What fails already is no news here: `proctor check` tells it, and what stands behind a failure was not seen.

Exit status:
  0    nothing is stale
  1    something is: a job that runs this every week goes red when a course begins to age
  2    the command line or a configuration file is wrong
  3    no engine could run, or a lesson errored
  130  interrupted

Examples:
  proctor stale                        the whole course, in its own environment and in `next`
  proctor stale --env legacy --no-next what SQLAlchemy 1.4 says of a course of its time"
)]
pub struct Args {
    /// Guides (folders or files), PATH#LESSON, or ids or numbers of lessons of the guide that proctor.toml names.
    #[arg(value_name = "PATH|LESSON")]
    lessons: Vec<String>,
    /// Do not run the environment `next` as well.
    #[arg(long)]
    no_next: bool,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    env: EnvArgs,
    /// How to show it: text or json.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
    /// No progress on standard error.
    #[arg(short, long)]
    quiet: bool,
}

/// Run the command.
///
/// # Errors
/// What keeps the lessons from being run at all.
pub async fn run(args: &Args) -> anyhow::Result<Exit> {
    let course = course::find(&args.lessons)?;
    let mut parts = args.env.parts(&course)?;
    if !args.no_next && parts.iter().all(|part| part.environment.name() != NEXT) {
        parts.push(Part { environment: matrix::find(NEXT, &course.config)?, planned: course.planned.clone() });
    }
    for planned in parts.iter_mut().flat_map(|part| &mut part.planned) {
        planned.manifest.get_or_insert_default().env.entry(WARNS.0.to_owned()).or_insert_with(|| WARNS.1.to_owned());
    }
    let legs: Vec<Leg<'_>> = parts
        .iter()
        .map(|part| {
            let round =
                Round { engine: &args.engine, environment: &part.environment, install: false, judging: Options::default(), snapshots: None, quiet: args.quiet };
            Leg { round, planned: part.planned.clone() }
        })
        .collect();
    let Some(report) = run_all(&legs, course.chapters).await? else {
        tell("interrupted; nothing was reported");
        return Ok(Exit::Interrupted);
    };
    let found = found(&course, &report);
    let text = if args.format == "json" { json(&report, &found)? } else { text(&report, &found) };
    crate::cli::print(text.as_bytes())?;
    let errored = report.lessons.iter().any(|lesson| lesson.status == Status::Errored);
    Ok(match (errored, found.is_empty()) {
        (true, _) => Exit::Engine,
        (false, false) => Exit::Findings,
        (false, true) => Exit::Fine,
    })
}

/// The stale places, lesson by lesson.
fn found<'r>(course: &Course, report: &'r Report) -> Vec<(&'r LessonOutcome, Vec<Stale>)> {
    let of_lesson = course.planned.iter().filter_map(|planned| {
        let outcomes: Vec<&LessonOutcome> = report.lessons.iter().filter(|lesson| lesson.id == planned.lesson.id).collect();
        let places = stale(&planned.lesson, &outcomes, NEXT);
        Some((*outcomes.first()?, places)).filter(|(_, places)| !places.is_empty())
    });
    of_lesson.collect()
}

/// For people: a place a line, with what to do below it.
fn text(report: &Report, found: &[(&LessonOutcome, Vec<Stale>)]) -> String {
    let mut out = String::new();
    for (lesson, places) in found {
        let number = lesson.number.as_deref().map_or_else(String::new, |number| format!("{number} "));
        let _ = writeln!(out, "{number}{}  {}", lesson.title, lesson.source.path());
        for Stale { finding, environments, moves } in places {
            let place = finding.location.place();
            let cell = place.cell.map_or_else(String::new, |cell| format!("cell {cell}:"));
            let where_found = if environments.as_slice() == [NEXT] && report.environments.len() > 1 { " (only in next)" } else { "" };
            let _ = writeln!(out, "  {cell}{}:{} {}{where_found}", place.line, place.column, finding.message);
            for one in moves {
                let to = if one.new.is_empty() { String::new() } else { format!(" -> {}", one.new.replace('\n', " ")) };
                let _ = writeln!(out, "      {}{to}, since {}: {}", one.old, one.since, one.note);
            }
        }
        out.push('\n');
    }
    let places: usize = found.iter().map(|(_, places)| places.len()).sum();
    let failing = report.lessons.iter().filter(|lesson| matches!(lesson.status, Status::Broken | Status::Errored)).map(|lesson| &lesson.id);
    let failing = failing.collect::<std::collections::BTreeSet<_>>().len();
    for note in &report.notes {
        let _ = writeln!(out, "note: {note}");
    }
    if failing > 0 {
        let _ =
            writeln!(out, "note: {failing} lesson{} did not run to the end in every environment; what stands behind a failure was not seen", plural(failing));
    }
    let _ = writeln!(out, "{places} stale place{} in {} lesson{} ({})", plural(places), found.len(), plural(found.len()), report.environments.join(", "));
    out
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// For programs.
fn json(report: &Report, found: &[(&LessonOutcome, Vec<Stale>)]) -> anyhow::Result<String> {
    let place_form = |stale: &Stale| {
        let place = stale.finding.location.place();
        let moves: Vec<Value> =
            stale.moves.iter().map(|one| json!({"old": one.old, "new": one.new, "since": one.since, "note": one.note, "source": one.source})).collect();
        json!({
            "code": stale.finding.code.word(), "line": place.line, "column": place.column, "cell": place.cell, "message": stale.finding.message,
            "environments": stale.environments, "moves": moves,
        })
    };
    let lessons: Vec<Value> = found
        .iter()
        .map(|(lesson, places)| json!({"id": lesson.id, "path": lesson.source.path(), "stale": places.iter().map(place_form).collect::<Vec<_>>()}))
        .collect();
    let form = json!({"version": 1, "engine": report.engine, "environments": report.environments, "lessons": lessons});
    Ok(format!("{}\n", serde_json::to_string_pretty(&form)?))
}
