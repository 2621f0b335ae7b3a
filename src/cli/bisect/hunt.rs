//! A search from beginning to end: which finding, which package, which releases, try after try. `Lesson --search--> Found`.

use std::sync::LazyLock;
use std::time::Instant;

use regex::Regex;

use super::Args;
use super::memory::{Memory, Tried};
use super::shown::{Found, Side, Subject, ranges};
use super::tries::Workshop;
use crate::cli::round::interrupted;
use crate::cli::spinner::Spinner;
use crate::cli::usage;
use crate::env::index::Package;
use crate::env::{Environment, cache_dir};
use crate::finding::Finding;
use crate::maintain::bisect::{Answer, Next, Search, Verdict};
use crate::maintain::releases::{Limits, Line, line_up};
use crate::maintain::suspect::{self, Case, NoSuspect};
use crate::outcome::LessonOutcome;
use crate::run::Planned;

/// Why a search ended without an answer.
pub(super) enum Stopped {
    /// The user wants to stop.
    Interrupted,
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What a search is about.
struct Hunt<'a> {
    args: &'a Args,
    planned: &'a Planned,
    environment: &'a Environment,
    outcome: LessonOutcome,
    finding: Finding,
    case: Case,
    workshop: Workshop<'a>,
    spinner: Spinner,
    begun: Instant,
    /// Resolves when the user wants to stop, whatever is being done.
    stop: tokio::task::JoinHandle<()>,
}

impl Drop for Hunt<'_> {
    fn drop(&mut self) {
        self.stop.abort();
    }
}

pub(super) async fn search(args: &Args, planned: &Planned, environment: &Environment) -> Result<Found, Stopped> {
    let begun = Instant::now();
    let mut spinner = if args.quiet { Spinner::silent() } else { Spinner::new() };
    let stop = tokio::spawn(interrupted());
    let workshop = tokio::select! {
        workshop = Workshop::open(&args.engine, environment, planned, &mut spinner) => workshop?,
        () = interrupted() => return Err(Stopped::Interrupted),
    };
    spinner.tell("checking the lesson as it is");
    let Some(outcome) = workshop.check(None).await? else { return Err(Stopped::Interrupted) };
    let finding = suspect::choose(&outcome, args.line).map_err(|why| nothing(&why, planned))?.clone();
    let case = Case::of(&outcome, &finding);
    let mut hunt = Hunt { args, planned, environment, outcome, finding, case, workshop, spinner, begun, stop };
    hunt.announce();
    let packages = hunt.packages().await?;
    let mut last = None;
    for package in packages {
        let found = hunt.among(&package).await;
        hunt.workshop.close().await;
        let found = found?;
        let is_it = found.answer == "found";
        if !is_it && args.package.is_none() {
            hunt.say(found.text(0).lines().next().unwrap_or_default());
        }
        last = Some(found);
        if is_it {
            break;
        }
    }
    last.ok_or_else(|| usage("there is no package to look at").into())
}

/// The error that says that there is nothing to search for.
fn nothing(why: &NoSuspect, planned: &Planned) -> crate::cli::Failure {
    let lesson = &planned.selector;
    match why {
        NoSuspect::Passes => usage(format!("{lesson} passes: no release broke it (bisect asks which release caused an error or a deprecation)")),
        NoSuspect::Alike(_) => usage(format!("{why}: `proctor check {lesson}` shows it")),
        NoSuspect::NotThere { .. } => usage(format!("{lesson}: {why}")),
    }
}

impl Hunt<'_> {
    fn announce(&mut self) {
        let place = self.finding.location.place();
        let others = self.outcome.findings.iter().filter(|finding| finding.severity() == self.finding.severity() && finding.because.is_none()).count();
        let more = if others > 1 && self.args.line.is_none() { format!(", the first of {others}; `--line N` chooses another") } else { String::new() };
        let message = crate::report::columns::line(&self.finding.message);
        self.say(&format!("{}:{}: {}: {message}{more}", self.finding.location.path(), place.line, self.finding.code.word()));
    }

    /// A line of progress that stays.
    fn say(&mut self, line: &str) {
        self.spinner.keep(line);
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_finished()
    }

    /// The packages that may have broken it, the likeliest first: the one that was named, or those that the lesson imports.
    async fn packages(&mut self) -> Result<Vec<Package>, Stopped> {
        let lab = self.planned.lab();
        let mut names = suspect::modules(&lab, &self.finding);
        let imported = names.len();
        names.extend(self.args.package.clone());
        let answers = tokio::select! {
            answers = self.workshop.ask(&names, &mut self.spinner) => answers?,
            () = interrupted() => return Err(Stopped::Interrupted),
        };
        let mut known: Vec<Package> = Vec::new();
        for package in answers.iter().take(imported.min(answers.len())).filter(|package| package.name.is_some()) {
            if known.iter().all(|other| other.name != package.name) {
                known.push(package.clone());
            }
        }
        let used: Vec<&str> = known.iter().filter_map(|package| package.name.as_deref()).collect();
        self.workshop.others = used.iter().map(|name| (*name).to_owned()).collect();
        let Some(asked) = &self.args.package else {
            return if known.is_empty() {
                Err(usage(format!(
                    "{} imports no package of the environment `{}`, so no release of one broke it",
                    self.planned.selector,
                    self.environment.name()
                ))
                .into())
            } else {
                Ok(known)
            };
        };
        let found = answers.iter().rfind(|package| package.asked == *asked).filter(|package| package.name.is_some());
        let Some(package) = found else {
            return Err(
                usage(format!("there is no package `{asked}` in the environment `{}`: the lesson imports {}", self.environment.name(), listed(&used))).into()
            );
        };
        let name = package.name.as_deref().unwrap_or_default();
        if !used.contains(&name) && !known.iter().any(|user| user.needs.iter().any(|needed| needed == name)) {
            return Err(usage(format!("the lesson does not use {name}: it imports {}", listed(&used))).into());
        }
        Ok(vec![package.clone()])
    }

    /// What is remembered depends on all that the lesson runs, and on what with.
    fn memory(&self, package: &Package) -> Memory {
        let lab = self.planned.lab();
        let jobs: Vec<Vec<u8>> = lab.revisions.iter().filter_map(|revision| serde_json::to_vec(&revision.job).ok()).collect();
        let place = self.finding.location.place();
        let about = format!("{} {:?} {} {}", self.finding.code.word(), place.cell, place.line, self.finding.message);
        let lock = self.environment.lock_hash();
        let name = package.name.as_deref().unwrap_or_default();
        let mut parts: Vec<&[u8]> = [env!("CARGO_PKG_VERSION"), name, &*about, &*lock, &*package.python, self.workshop.name()].map(str::as_bytes).into();
        parts.extend(jobs.iter().map(Vec::as_slice));
        Memory::open(cache_dir().ok().as_deref(), &parts, self.args.engine.no_cache)
    }

    /// Searches the releases of a package.
    async fn among(&mut self, package: &Package) -> Result<Found, Stopped> {
        let (name, installed) = (package.name.as_deref().unwrap_or_default(), package.version.as_deref().unwrap_or_default());
        let limits = Limits { good: self.args.good.as_deref(), bad: self.args.bad.as_deref(), pre: self.args.pre };
        let line = line_up(name, &package.releases, installed, &limits).map_err(usage)?;
        let mut memory = self.memory(package);
        let mut search = Search::new(line.candidates.len());
        let last = line.candidates.len() - 1;
        let earlier = memory.tried.len();
        if self.args.bad.is_none() {
            search.know(last, Verdict::Bad);
        } else {
            self.must_be(package, &line, last, "bad", &mut search, &mut memory).await?;
        }
        if self.args.good.is_some() {
            self.must_be(package, &line, 0, "good", &mut search, &mut memory).await?;
        }
        for tried in &memory.tried[..earlier] {
            if let Some(place) = line.candidates.iter().position(|candidate| candidate.version.to_string() == tried.version) {
                search.tell(place, verdict(tried));
            }
        }
        let at_most = Search::at_most(&search);
        self.say(&format!(
            "{name}: {} releases up to {}, at most {at_most} tries that tell good from bad{}",
            line.candidates.len(),
            line.candidates[last].version,
            if earlier > 0 { format!("; {earlier} are remembered") } else { String::new() }
        ));
        while let Next::Try(place) = search.next() {
            let tried = self.one(package, &line, place, &search, &mut memory).await?;
            search.tell(place, verdict(&tried));
        }
        Ok(self.found(package, &line, &search, &memory, earlier))
    }

    /// Checks that a release is what it was said to be.
    async fn must_be(&mut self, package: &Package, line: &Line, place: usize, said: &str, search: &mut Search, memory: &mut Memory) -> Result<(), Stopped> {
        let version = line.candidates[place].version.to_string();
        let tried = match memory.of(&version) {
            Some(tried) => tried.clone(),
            None => self.one(package, line, place, search, memory).await?,
        };
        if tried.verdict != said {
            let name = package.name.as_deref().unwrap_or_default();
            let what = match tried.verdict.as_str() {
                "good" => "the finding is not there".to_owned(),
                "bad" => "the finding is there".to_owned(),
                _ => format!("nothing can be said of it: {}", tried.reason),
            };
            return Err(usage(format!("--{said} {version} is not {said}: with {name} {version} {what}")).into());
        }
        search.know(place, verdict(&tried));
        Ok(())
    }

    /// Tries one release, and remembers what came of it.
    async fn one(&mut self, package: &Package, line: &Line, place: usize, search: &Search, memory: &mut Memory) -> Result<Tried, Stopped> {
        if self.is_stopped() {
            return Err(Stopped::Interrupted);
        }
        let (name, candidate) = (package.name.as_deref().unwrap_or_default(), &line.candidates[place]);
        let ahead = format!("try {}, at most {} to go, {:.0} s: ", memory.tried.len() + 1, search.at_most(), self.begun.elapsed().as_secs_f64());
        let spinner = &mut self.spinner;
        let mut tell = |what: &str| spinner.tell(&format!("{ahead}{what}"));
        let Some(tried) = self.workshop.attempt(name, candidate, &self.case, &mut tell).await? else { return Err(Stopped::Interrupted) };
        let why = if tried.reason.is_empty() {
            String::new()
        } else {
            format!(": {}", crate::report::columns::line(&tried.reason).chars().take(100).collect::<String>())
        };
        let period = if tried.period { ", with packages of its time" } else { "" };
        self.say(&format!("  {name} {}: {}{period} ({:.0} s){why}", tried.version, tried.verdict, tried.seconds));
        memory.keep(tried.clone());
        Ok(tried)
    }

    /// What has come out.
    fn found(&self, package: &Package, line: &Line, search: &Search, memory: &Memory, earlier: usize) -> Found {
        let answer = search.answer();
        let (word, good, bad) = match answer {
            Answer::Between(good, bad) => ("found", Some(good), Some(bad)),
            Answer::AllBad(bad) => ("all-bad", None, Some(bad)),
            Answer::AllGood(good) => ("all-good", Some(good), None),
            Answer::Nothing => ("nothing", None, None),
        };
        let version = |place: usize| line.candidates[place].version.to_string();
        let own = || self.case.block(&self.outcome).and_then(|block| block.transcript.clone()).unwrap_or_default();
        let side = |place: usize| {
            let tried = memory.of(&version(place));
            Side {
                version: version(place),
                uploaded: line.candidates[place].uploaded.clone(),
                period: tried.is_some_and(|tried| tried.period),
                transcript: without_homes(&tried.map_or_else(own, |tried| tried.transcript.clone())),
            }
        };
        let within = |version: &pep440_rs::Version| {
            good.is_none_or(|good| line.candidates[good].version < *version) && bad.is_none_or(|bad| *version < line.candidates[bad].version)
        };
        let mut kind = String::new();
        let unknown = search.unknown().into_iter().map(|(place, tried)| {
            let known = memory.of(&version(place)).filter(|_| tried);
            if let Some(known) = known {
                kind.clone_from(&known.kind);
            }
            (line.candidates[place].version.clone(), tried, kind.clone(), known.map(|known| known.reason.clone()))
        });
        let unknown: Vec<_> = unknown.collect();
        let left_out = line.left_out.iter().filter(|(version, _)| good.is_some() && within(version));
        let left_out = left_out.map(|(version, why)| (version.clone(), false, why.clone(), Some(format!("it {why}"))));
        let said = memory.tried.iter().filter(|tried| tried.verdict != "unknown").count();
        let place = self.finding.location.place();
        let help = self.finding.help.clone();
        Found {
            version: 1,
            lesson: self.planned.selector.clone(),
            finding: Subject {
                code: self.finding.code.word(),
                path: self.finding.location.path().to_owned(),
                line: place.line,
                message: self.finding.message.clone(),
                help,
            },
            package: package.name.clone().unwrap_or_default(),
            installed: package.version.clone().unwrap_or_default(),
            environment: self.environment.name().to_owned(),
            engine: self.workshop.name().to_owned(),
            python: package.python.clone(),
            answer: word,
            last_good: good.map(side),
            first_bad: bad.map(side),
            unknown: ranges(unknown.into_iter().chain(left_out).collect()),
            earlier_bad: search.earlier_bad().into_iter().map(version).collect(),
            releases: line.candidates.len(),
            yanked: line.yanked,
            tries: said,
            tries_at_most: Search::new(line.candidates.len() - 1).at_most(),
            tries_unknown: memory.tried.len() - said,
            remembered: earlier,
            seconds: self.begun.elapsed().as_secs_f64(),
            seconds_in_all: self.begun.elapsed().as_secs_f64() + memory.tried[..earlier].iter().map(|tried| tried.seconds).sum::<f64>(),
            fix: format!("proctor fix {}", self.planned.selector),
        }
    }
}

fn verdict(tried: &Tried) -> Verdict {
    match tried.verdict.as_str() {
        "good" => Verdict::Good,
        "bad" => Verdict::Bad,
        _ => Verdict::Unknown(tried.kind.clone()),
    }
}

/// Where packages lie differs from layer to layer, and says nothing of them.
fn without_homes(transcript: &str) -> String {
    static HOME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"/[^\s'"()]*/site-packages/"#).expect("the pattern is a constant"));
    HOME.replace_all(transcript, "").into_owned()
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "no package of it".to_owned() } else { names.join(", ") }
}
