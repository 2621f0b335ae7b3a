//! `proctor check --watch`: after a first whole check, what a saved file touches, on workers that stay warm. Nothing that is wrong with a file in the middle
//! of an edit ends it.

mod changes;
pub(super) mod touched;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::cli::baseline;
use crate::cli::check::{self, Args};
use crate::cli::course::{self, Course};
use crate::cli::engines::{EngineChoice, Opened};
use crate::cli::{Exit, no_engine, packages, round, tell, usage};
use crate::engine::docker::orphans::remove_own;
use crate::env::Environment;
use crate::finding::Code;
use crate::outcome::{Event, LessonOutcome};
use crate::report::progress::Progress;
use crate::report::{Format, Report};
use crate::run::bench::Bench;
use crate::run::{Check, Planned};
use crate::source::display_path;
use changes::Changes;

/// How to learn of saved files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum How {
    /// The system tells, and where it does not (too many folders, shared ones) they are looked at.
    Auto,
    /// Look at every file a few times a second.
    Poll,
}

/// How long a file may be broken in the middle of a save before that is said.
const MENDS: Duration = Duration::from_millis(150);

/// Check, and again what is touched, until interrupted.
///
/// # Errors
/// What keeps the first check from being made; what goes wrong later is told, and the watch goes on.
pub(super) async fn run(args: &Args, how: How) -> anyhow::Result<Exit> {
    if let Some(request) = args.format.iter().find(|request| request.path.is_none() && !matches!(request.format, Format::Terminal | Format::Github)) {
        let word = request.format.word();
        return Err(usage(format!("with --watch, standard output is for people: give the {word} report a path (`--format {word}=PATH`)")).into());
    }
    drop(check::sinks(&args.format)?);
    let course = course::find(&args.lessons)?;
    let environment = check::environment(args, &course)?;
    check::baseline(args, &course)?;
    // Before the first check, so that what is saved meanwhile is not lost.
    let changes = Changes::of(how, &course, &environment);
    let todo = (0..course.planned.len()).collect();
    let mut watch = Watch { args, course, before: None, changes, todo, verdicts: BTreeMap::new(), stop: Box::pin(round::interrupted()) };
    loop {
        let environment = check::environment(args, &watch.course)?;
        if let Some(exit) = watch.on(&environment).await? {
            if exit == Exit::Interrupted {
                if args.engine.engine != EngineChoice::Local {
                    remove_own().await;
                }
                tell("interrupted");
            }
            return Ok(exit);
        }
    }
}

/// A course that is watched.
struct Watch<'a> {
    args: &'a Args,
    course: Course,
    /// The course as it was before the last change, until those who borrow from what changed are known.
    before: Option<Course>,
    changes: Changes,
    /// The lessons to check next, by index.
    todo: BTreeSet<usize>,
    /// The last outcome of each lesson, by id.
    verdicts: BTreeMap<String, LessonOutcome>,
    /// Resolves when the user wants to stop.
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Where events go in, and come out.
type Channel<'a> = (&'a UnboundedSender<Event>, &'a mut UnboundedReceiver<Event>);

impl Watch<'_> {
    /// Watch on one engine. `None` if the next round needs another.
    async fn on(&mut self, environment: &Environment) -> anyhow::Result<Option<Exit>> {
        let args = self.args;
        let mut installed = packages::of(environment);
        let needs = check::round(args, &self.course, environment).needs(&self.course.planned, &installed);
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let opened = tokio::select! {
            opened = gather(&mut receiver, args, args.engine.open(environment, &needs, &sender)) => opened.0,
            () = &mut self.stop => return Ok(Some(Exit::Interrupted)),
        };
        let Opened { bench, name, note, jobs, refused } = opened.map_err(|error| no_engine(error.to_string()))?;
        packages::add(&mut installed, &needs.packages, refused);
        let how = check::round(args, &self.course, environment).how(jobs);
        loop {
            if !self.todo.is_empty() {
                let planned = packages::tell(&self.todo.iter().map(|&index| self.course.planned[index].clone()).collect::<Vec<_>>(), installed.clone());
                let begun = Instant::now();
                let Some(events) = self.round(planned, &bench, &how, (&sender, &mut receiver)).await else { return Ok(Some(Exit::Interrupted)) };
                let is_first = self.verdicts.is_empty();
                if let Some(refused) = bench.refused() {
                    bench.close().await;
                    if is_first {
                        return Err(no_engine(refused).into());
                    }
                    tell(&format!("error: {refused}"));
                }
                let mut report = Report::collect(events);
                report.engine = name.to_owned();
                report.seconds = begun.elapsed().as_secs_f64();
                report.flags = args.flags();
                if is_first {
                    report.notes = note.iter().cloned().chain(bench.notes()).collect();
                    if !report.anything_ran() {
                        report.wrong.push((Code::NothingRan, "not a single block ran, so this check proves nothing".to_owned()));
                    }
                }
                self.hold(&mut report);
                self.told(&report);
            }
            if let Some(before) = self.before.take() {
                self.todo = touched::borrowers(&before, &self.course, &self.todo);
                if !self.todo.is_empty() {
                    self.say(&format!("{} from there: checking", count(self.todo.len(), "lesson borrows", "lessons borrow")));
                    continue;
                }
            }
            self.say(&self.state());
            let waiting = async {
                // The first save does not wait for workers that a remembered check had no need of.
                bench.warm().await;
                self::next(args, &mut self.changes, &self.course, environment).await
            };
            let (course, touched) = tokio::select! {
                next = waiting => next,
                () = &mut self.stop => {
                    bench.close().await;
                    return Ok(Some(Exit::Fine));
                }
            };
            let is_same = bench.refused().is_none() && check::environment(args, &course).is_ok_and(|other| other == *environment);
            let is_enough = check::round(args, &course, environment).needs(&course.planned, &packages::of(environment)).packages == needs.packages
                && course.config == self.course.config;
            self.before = Some(std::mem::replace(&mut self.course, course));
            self.todo = if is_same { touched } else { (0..self.course.planned.len()).collect() };
            if !(is_same && is_enough) {
                bench.close().await;
                return Ok(None);
            }
        }
    }

    /// Check some lessons. `None` if the user wants to stop.
    async fn round(&mut self, planned: Vec<Planned>, bench: &Bench<'_>, how: &Check, (sender, receiver): Channel<'_>) -> Option<Vec<Event>> {
        let to_run = planned.iter().filter(|planned| !planned.lesson.blocks.is_empty()).count();
        let _ = sender.send(Event::Read { chapters: self.course.chapters, lessons: planned.len(), to_run });
        tokio::select! {
            ended = gather(receiver, self.args, crate::run::check(planned, bench, how, sender)) => Some(ended.1),
            () = &mut self.stop => None,
        }
    }

    /// Mark what the baseline knows of, as it is now.
    fn hold(&self, report: &mut Report) {
        match check::baseline(self.args, &self.course) {
            Ok(Some(baseline)) => baseline::hold(&baseline, self.args.strict, report),
            Ok(None) => {}
            Err(error) => tell(&format!("error: {error}")),
        }
    }

    /// Tell what a round found: on standard output just that, in files the whole course.
    fn told(&mut self, report: &Report) {
        self.verdicts.extend(report.lessons.iter().map(|lesson| (lesson.id.clone(), lesson.clone())));
        let ids: BTreeSet<&str> = self.course.planned.iter().map(|planned| planned.lesson.id.as_str()).collect();
        self.verdicts.retain(|id, _| ids.contains(id.as_str()));
        let written = check::sinks(&self.args.format).and_then(|sinks| {
            let (shown, kept): (Vec<_>, Vec<_>) = sinks.into_iter().partition(|sink| sink.is_stdout());
            check::write(self.args, report, shown).and(check::write(self.args, &Report { lessons: self.lessons(), ..report.clone() }, kept))
        });
        if let Err(error) = written {
            tell(&format!("error: {error}"));
        }
    }

    /// The last outcome of every lesson, in guide order.
    fn lessons(&self) -> Vec<LessonOutcome> {
        self.course.planned.iter().filter_map(|planned| self.verdicts.get(&planned.lesson.id).cloned()).collect()
    }

    /// How the course stands, what is watched, and how to leave.
    fn state(&self) -> String {
        let base = std::env::current_dir().unwrap_or_default();
        let names: Vec<String> = self.course.guides.iter().map(|guide| display_path(guide, &base)).collect();
        let mut counts = BTreeMap::new();
        for verdict in self.verdicts.values() {
            *counts.entry(verdict.status).or_insert(0_usize) += 1;
        }
        let counts: Vec<String> = counts.iter().map(|(status, number)| format!("{number} {}", status.word())).collect();
        let looks = if self.changes.looks() { " (looking at its files)" } else { "" };
        format!("watching {}{looks}, now {}; save a file to check what it touches, Ctrl-C leaves", names.join(", "), counts.join(", "))
    }

    /// Say where we are, to whoever wants to know.
    fn say(&self, text: &str) {
        if !self.args.quiet {
            tell(text);
        }
    }
}

/// The course after the next change that touches a lesson of it, and which lessons that are. What is wrong meanwhile is told.
async fn next(args: &Args, changes: &mut Changes, before: &Course, environment: &Environment) -> (Course, BTreeSet<usize>) {
    let mut paths = BTreeSet::new();
    let mut trouble = String::new();
    let reports: Vec<PathBuf> = args.format.iter().filter_map(|request| std::path::absolute(request.path.as_ref()?).ok()).collect();
    loop {
        paths.extend(changes.next().await);
        // What we write ourselves is nobody's change.
        paths.retain(|path| !reports.contains(path));
        let mut read = reread(args);
        if read.is_err() {
            // A file that is being saved may be gone, or half there, for a moment.
            tokio::time::sleep(MENDS).await;
            read = reread(args);
        }
        let (mut course, now) = match read {
            Ok(read) => read,
            Err(error) => {
                // Once: standard error may go to a file in a folder that is watched.
                let error = format!("error: {error}");
                if trouble != error {
                    tell(&error);
                    trouble = error;
                }
                continue;
            }
        };
        if changes.follow(&course, &now) {
            // What was written to a new folder before it was watched.
            course = reread(args).map_or(course, |(course, _)| course);
        }
        let touched = touched::touched(before, &course, &paths);
        if !touched.is_empty() || now != *environment || touched::is_gone(before, &course) {
            if !args.quiet {
                tell(&format!("{} changed: checking {}", shown(&paths), count(touched.len(), "lesson", "lessons")));
            }
            return (course, touched);
        }
        if !std::mem::take(&mut trouble).is_empty() {
            tell("mended, and nothing else has changed");
        }
        paths.clear();
    }
}

fn reread(args: &Args) -> anyhow::Result<(Course, Environment)> {
    let course = course::find(&args.lessons)?;
    let environment = check::environment(args, &course)?;
    Ok((course, environment))
}

/// What changed, in few words.
fn shown(paths: &BTreeSet<PathBuf>) -> String {
    let base = std::env::current_dir().unwrap_or_default();
    let files: Vec<&PathBuf> = paths.iter().filter(|path| !path.is_dir()).collect();
    let first = files.first().or(paths.first().as_ref()).map_or_else(String::new, |path| display_path(path, &base).escape_debug().to_string());
    if files.len() > 1 { format!("{first} and {}", count(files.len() - 1, "other", "others")) } else { first }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Do some work while showing how far it is; what it gives, and what happened.
async fn gather<T>(events: &mut UnboundedReceiver<Event>, args: &Args, work: impl Future<Output = T>) -> (T, Vec<Event>) {
    let mut progress = Progress::new(args.quiet);
    let mut all = Vec::new();
    let mut work = std::pin::pin!(work);
    let ended = loop {
        tokio::select! {
            Some(event) = events.recv() => {
                progress.observe(&event);
                all.push(event);
            }
            ended = &mut work => break ended,
        }
    };
    // All that was told until then is in the channel.
    all.extend(std::iter::from_fn(|| events.try_recv().ok()));
    progress.finish();
    (ended, all)
}
