//! `proctor baseline`: record what is wrong today, so that a course which is not green can be held to what it is. Also how `check` reads what was recorded.

use std::fmt::Write as _;
use std::path::Path;

use jiff::civil::Date;
use jiff::{ToSpan as _, Zoned};

use crate::cli::check::interrupted_round;
use crate::cli::course::{self, Course};
use crate::cli::engines::EngineArgs;
use crate::cli::matrix::EnvArgs;
use crate::cli::rewrite::rewrite;
use crate::cli::round::{Leg, Round, run_all};
use crate::cli::{Exit, Failure, print, usage};
use crate::finding::Severity;
use crate::maintain::baseline::{Baseline, Held, New, Renewed};
use crate::outcome::{Options, Status};
use crate::report::{Baselined, Report};
use crate::source::display_path;

/// What an entry says where nobody gave a reason.
const REASON: &str = "known when the baseline was made";
/// How long an entry lasts where nobody said how long.
const DAYS: &str = "90";

/// Arguments of `proctor baseline`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proctor baseline                               record what is wrong today; `proctor check` then fails only on what is new
  proctor baseline --reason 'see issue 12' --expires 2027-06-30 5.6
  proctor baseline --expires 30                  also renews, for 30 days, entries that have expired

The file is `proctor-baseline.toml` beside proctor.toml (`baseline = \"PATH\"` there names another). Commit it. Its reasons and dates can be edited by hand;
running this again keeps them, and drops the entries of what is gone.")]
pub struct Args {
    /// Lessons to record; entries of all others stay as they are. Everything if left out.
    #[arg(value_name = "PATH|LESSON")]
    lessons: Vec<String>,
    /// Why the findings may stay for now; for new entries.
    #[arg(long, value_name = "TEXT", default_value = REASON, hide_default_value = true)]
    reason: String,
    /// The last day on which they may, or for how many days from now; 90 if left out. For new entries, and, if given, for those that have expired.
    #[arg(long, value_name = "DATE|DAYS")]
    expires: Option<String>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    env: EnvArgs,
    /// Install what pages install and the environment lacks.
    #[arg(long)]
    install: bool,
    /// Record whatever a page takes for granted as well: for courses that are checked with --strict.
    #[arg(long)]
    strict: bool,
    /// No progress on standard error.
    #[arg(short, long)]
    quiet: bool,
}

/// Run the command.
///
/// # Errors
/// What keeps the check from being made, or the file from being read or written.
pub async fn run(args: &Args) -> anyhow::Result<Exit> {
    let today = today();
    let until = until(args.expires.as_deref().unwrap_or(DAYS), today)?;
    let course = course::find(&args.lessons)?;
    let (old, read) = load(&course)?;
    let parts = args.env.parts(&course)?;
    // Snapshots have a review of their own.
    let judging = Options { strict: args.strict };
    let round = |environment| Round { engine: &args.engine, environment, install: args.install, judging, snapshots: None, quiet: args.quiet };
    let legs: Vec<Leg<'_>> = parts.iter().map(|part| Leg { round: round(&part.environment), planned: part.planned.clone() }).collect();
    let Some(report) = run_all(&legs, course.chapters).await? else { return Ok(interrupted_round()) };
    let new = New { reason: args.reason.trim().to_owned(), until, renews: args.expires.is_some(), today };
    let (baseline, renewed) = old.renew(&report.lessons, &course.ids, &new);
    let path = course.config.baseline();
    let is_new = read.is_none();
    if baseline.entries.is_empty() && is_new {
        print(b"nothing to record: no lesson is broken, incomplete or stale\n")?;
    } else {
        rewrite(&path, read.as_deref(), baseline.text().as_bytes())?;
        print(told(&path, &baseline, &renewed, is_new).as_bytes())?;
    }
    let errored: Vec<&str> = report.lessons.iter().filter(|lesson| lesson.status == Status::Errored).map(|lesson| lesson.id.as_str()).collect();
    if errored.is_empty() {
        return Ok(Exit::Fine);
    }
    print(format!("Proctor itself failed on {}; entries about that are as they were: `proctor check` says why\n", errored.join(", ")).as_bytes())?;
    Ok(Exit::Engine)
}

/// What was done, in words.
fn told(path: &Path, baseline: &Baseline, renewed: &Renewed, is_new: bool) -> String {
    let path = display_path(path, &std::env::current_dir().unwrap_or_default());
    let number = baseline.entries.len();
    let mut text = format!("{path}: {}", findings(number));
    if !is_new {
        let _ = write!(text, " ({} new, {} kept, {} dropped)", renewed.added, renewed.kept, renewed.dropped);
    }
    if let (Some(first), true) = (baseline.entries.iter().map(|entry| entry.expires).min(), renewed.expired == 0) {
        let _ = write!(text, "; the first expires after {first}");
    }
    text.push('\n');
    if renewed.expired > 0 {
        let _ = writeln!(
            text,
            "of these have expired, and count again: {}; mend what they are about, or renew them with `proctor baseline --expires DAYS`",
            renewed.expired
        );
    }
    if number > 0 && is_new {
        text.push_str("commit the file: `proctor check` now fails only on what is not in it\n");
    }
    text
}

/// The date of today, where the user is.
pub(super) fn today() -> Date {
    Zoned::now().date()
}

/// The day that `--expires` names.
fn until(text: &str, today: Date) -> Result<Date, Failure> {
    let text = text.trim();
    let wrong = |why: &str| usage(format!("--expires {text}: {why}: give a date such as {}, or a number of days", today.saturating_add(90.days())));
    let day = if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        let days = text.parse::<i64>().ok().filter(|days| (1..=3650).contains(days)).ok_or_else(|| wrong("a baseline lasts from 1 to 3650 days"))?;
        today.saturating_add(days.days())
    } else {
        text.parse::<Date>().map_err(|_| wrong("this is no date"))?
    };
    if day < today { Err(wrong("that day is over")) } else { Ok(day) }
}

/// The course's baseline, with the bytes that it was read from; an empty one if there is none.
fn load(course: &Course) -> Result<(Baseline, Option<Vec<u8>>), Failure> {
    let path = course.config.baseline();
    let shown = display_path(&path, &std::env::current_dir().unwrap_or_default());
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Baseline::default(), None)),
        Err(error) => return Err(usage(format!("cannot read the baseline {shown}: {error}"))),
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| usage(format!("the baseline {shown} is not UTF-8")))?;
    let baseline = Baseline::parse(text).map_err(|message| usage(format!("{shown}: {message}")))?;
    Ok((baseline, Some(bytes)))
}

/// The baseline that a check is held against, if the course has one.
///
/// # Errors
/// If it cannot be read, or speaks of a lesson that there is none of.
pub(super) fn read(course: &Course) -> Result<Option<Baseline>, Failure> {
    let (baseline, bytes) = load(course)?;
    if course.is_whole()
        && let Some(message) = baseline.stray(course.ids.iter().map(String::as_str))
    {
        return Err(usage(format!("{}: {message}", display_path(&course.config.baseline(), &std::env::current_dir().unwrap_or_default()))));
    }
    Ok(bytes.map(|_| baseline))
}

/// Mark what is known in a report, and say in its notes what has become of the rest.
pub(super) fn hold(baseline: &Baseline, strict: bool, report: &mut Report) {
    let Held { known, gone, expired } = baseline.hold(&mut report.lessons, today(), strict);
    report.baseline = Some(Baselined { known, gone: gone.len(), expired: expired.len() });
    if known > 0 {
        report
            .notes
            .push(format!("{} in the baseline, and fail nothing", if known == 1 { "1 finding is".to_owned() } else { format!("{known} findings are") }));
    }
    if !gone.is_empty() {
        let it = if gone.len() == 1 { "it" } else { "them" };
        report.notes.push(format!(
            "{} of the baseline {} gone: run `proctor baseline` to drop {it}",
            findings(gone.len()),
            if gone.len() == 1 { "is" } else { "are" }
        ));
    }
    if !expired.is_empty() {
        let first = &expired[0];
        let place = format!("the first, `{}` of {}, after {}", first.code.word(), first.lesson, first.expires);
        report.notes.push(format!(
            "{} of the baseline {} expired, {place}: mend what counts again, or renew it with `proctor baseline --expires DAYS`",
            findings(expired.len()),
            if expired.len() == 1 { "has" } else { "have" }
        ));
    }
    debug_assert_eq!(known, report.findings(Severity::Note).filter(|(_, finding)| finding.known.is_some()).count());
}

fn findings(number: usize) -> String {
    if number == 1 { "1 finding".to_owned() } else { format!("{number} findings") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_named_or_counted() {
        let today = jiff::civil::date(2026, 11, 23);
        let until = |text: &str| until(text, today).map(|day| day.to_string()).map_err(|failure| failure.message);
        assert_eq!(until("90"), Ok("2027-02-21".to_owned()));
        assert_eq!(until("2026-11-23"), Ok("2026-11-23".to_owned()));
        for wrong in ["2026-11-22", "2027-02-30", "soon", "", "0", "-3", "99999999999999999999"] {
            assert!(until(wrong).is_err_and(|message| message.contains("2027-02-21, or a number of days")), "{wrong}");
        }
    }
}
