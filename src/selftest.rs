//! The selftest: lessons that mean harm, run on this machine's own engine, each followed by an honest neighbour that must find nothing of it.
//!
//! `(Case, engine) --selftest::attempt--> Attempt`, over the same arrows as any other lesson. It must never run on this machine itself what only a
//! container may hold: a case says of itself whether it may, and is told as not sealed where it may not.

mod corpus;

use std::sync::Arc;
use std::time::Instant;

use crate::engine::protocol::{Ending, RecordEvent, Run, Stream};
use crate::engine::{EngineError, Job};
use crate::finding::{Code, Severity};
use crate::guide::markdown;
use crate::guide::{Language, Lesson};
use crate::lab::manifest::Manifest;
use crate::lab::{Lab, Setup, assemble};
use crate::outcome::{Options, Ran, judge};
use crate::source::Source;

/// A lesson of the hostile corpus, and how its run must end.
#[derive(Debug, Clone)]
pub struct Case {
    /// The name of its page.
    pub name: String,
    /// Its title.
    pub title: String,
    /// How it may end: `passed`, `timeout`, `memory`, `output`, `signal N`, `exited N`, or the word of a finding.
    pub expected: Vec<String>,
    /// Why it is run in containers only.
    pub only_sealed: Option<String>,
    /// What it must print, where the page says so.
    prints: Option<String>,
    lesson: Lesson,
    lab: Lab,
}

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// How it ended, in the words of [`Case::expected`].
    pub happened: String,
    /// What is wrong, if it did not hold.
    pub wrong: Option<String>,
    /// How long the case took, without its neighbour, in milliseconds.
    pub milliseconds: u128,
}

/// The hostile corpus, by name, and the neighbour.
///
/// # Errors
/// If a page of it is not written as it should be.
pub fn corpus() -> Result<(Vec<Case>, Case), String> {
    let mut cases = corpus::PAGES.iter().map(|(name, text)| Case::read(name, text)).collect::<Result<Vec<_>, _>>()?;
    let neighbour = cases.iter().position(|case| case.name == corpus::NEIGHBOUR).ok_or("there is no neighbour")?;
    let neighbour = cases.remove(neighbour);
    Ok((cases, neighbour))
}

impl Case {
    /// Reads a page: what it expects stands in its front matter.
    fn read(name: &str, text: &str) -> Result<Self, String> {
        let source = Arc::new(Source::new(format!("{name}.md"), text));
        let guide = markdown::parse(&source, name);
        let lesson = guide.lessons().next().cloned().ok_or_else(|| format!("{name}: there is no lesson on the page"))?;
        let (mut expected, mut only_sealed, mut limits) = (Vec::new(), None, String::from("[limits]\n"));
        for line in text.lines().skip(1).take_while(|line| *line != "---") {
            let (key, value) = line.split_once(": ").ok_or_else(|| format!("{name}: `{line}` is no setting"))?;
            match key {
                "expect" => expected = value.split(" | ").map(str::to_owned).collect(),
                "local" => only_sealed = Some(value.trim_start_matches("no, ").to_owned()),
                _ => limits.push_str(&format!("{key} = {value}\n")),
            }
        }
        let manifest = Manifest::parse(&limits).map_err(|error| format!("{name}: {error}"))?;
        let lab = assemble(&lesson, &Setup { earlier: None, manifest: Some(&manifest), installed: None });
        let shown: Vec<String> = lesson.blocks.iter().filter(|block| block.language == Language::Text).map(|block| block.body.text()).collect();
        let prints = (!shown.is_empty()).then(|| shown.concat());
        Ok(Self { name: name.to_owned(), title: lesson.title.clone(), expected, only_sealed, prints, lesson, lab })
    }

    /// Runs every revision of the page.
    async fn run(&self, run: &impl AsyncFn(&Job) -> Result<Run, EngineError>) -> Result<Vec<Run>, EngineError> {
        let mut runs = Vec::new();
        for revision in &self.lab.revisions {
            runs.push(run(&revision.job).await?);
        }
        Ok(runs)
    }

    /// How a page's runs ended, as a report would tell it.
    fn told(&self, runs: &[Run]) -> String {
        let rans: Vec<Ran> = runs.iter().cloned().map(Ran::from).collect();
        let judged = judge(&self.lesson, &self.lab, &rans, Options::default());
        let ending = runs.iter().map(|run| &run.ending).find(|ending| **ending != Ending::Finished).unwrap_or(&Ending::Finished);
        let codes: Vec<Code> = judged.findings.iter().filter(|finding| finding.severity() == Severity::Error).map(|finding| finding.code).collect();
        let (code, word) = match *ending {
            Ending::Finished => return codes.first().map_or("passed", |code| code.word()).to_owned(),
            Ending::Timeout => (Code::Timeout, "timeout".to_owned()),
            Ending::Memory => (Code::Memory, "memory".to_owned()),
            Ending::Output => (Code::OutputLimit, "output".to_owned()),
            Ending::Signal { signal } => (Code::Killed, format!("signal {signal}")),
            Ending::Exited { status } => (Code::Killed, format!("exited {status}")),
            Ending::Cancelled | Ending::NoService { .. } => return "not run".to_owned(),
        };
        if codes.contains(&code) { word } else { format!("{word}, untold") }
    }

    /// What is wrong with the runs of this page, if anything.
    fn wrong(&self, runs: &[Run], happened: &str) -> Option<String> {
        if !self.expected.iter().any(|expected| expected == happened) {
            return Some(format!("it should have ended as {}{}", self.expected.join(" or "), said(runs)));
        }
        let printed = printed(runs);
        let wanted = self.prints.as_deref().filter(|wanted| wanted.trim_end() != printed.trim_end())?;
        let differs = printed.lines().find(|line| !wanted.lines().any(|other| other == *line));
        Some(format!("it should not have printed {:?}", differs.unwrap_or(&printed)))
    }
}

/// Runs a case and then its neighbour. `run` runs a job, always on the same worker; `workers` says how many there have been so far.
///
/// # Errors
/// If the neighbour cannot be run.
pub async fn attempt(
    case: &Case,
    neighbour: &Case,
    run: impl AsyncFn(&Job) -> Result<Run, EngineError>,
    workers: impl Fn() -> usize,
) -> Result<Attempt, EngineError> {
    // On a worker that has run something already, and something that a case may look for.
    neighbour.run(&run).await?;
    let before = workers();
    let begun = Instant::now();
    let (happened, mut wrong) = match case.run(&run).await {
        Ok(runs) => {
            let happened = case.told(&runs);
            let wrong = case.wrong(&runs, &happened);
            (happened, wrong)
        }
        Err(error) => ("worker died".to_owned(), Some(error.to_string())),
    };
    let milliseconds = begun.elapsed().as_millis();
    let after = neighbour.run(&run).await?;
    let told = neighbour.told(&after);
    if let Some(why) = neighbour.wrong(&after, &told) {
        wrong = wrong.or(Some(format!("its neighbour was harmed: {why}")));
    }
    if workers() > before {
        wrong = wrong.or_else(|| Some("its worker had to be replaced".to_owned()));
    }
    Ok(Attempt { happened, wrong, milliseconds })
}

/// What blocks printed.
fn printed(runs: &[Run]) -> String {
    let text = |event: &RecordEvent| match event {
        RecordEvent::Output { stream: Stream::Stdout, text, .. } => Some(text.clone()),
        _ => None,
    };
    runs.iter().flat_map(|run| &run.records).filter_map(|record| text(&record.event)).collect()
}

/// The last exception, for whoever looks into a case.
fn said(runs: &[Run]) -> String {
    let raised = runs.iter().flat_map(|run| &run.records).rev().find_map(|record| match &record.event {
        RecordEvent::Raised(raised) => Some(format!(": {}: {}", raised.class, raised.message.lines().next().unwrap_or_default())),
        _ => None,
    });
    raised.unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_in_the_binary_and_says_how_it_ends() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<String> = files.collect();
        files.sort();
        assert_eq!(files, corpus::PAGES.iter().map(|(name, _)| format!("{name}.md")).collect::<Vec<_>>());
        let (cases, neighbour) = corpus().unwrap();
        for case in cases.iter().chain([&neighbour]) {
            assert!(!case.expected.is_empty() && !case.title.is_empty(), "{}", case.name);
            assert!(!case.lab.revisions.is_empty(), "{}", case.name);
            assert!(case.lab.assumptions.is_empty(), "{}: {:?}", case.name, case.lab.assumptions);
            let ends = case.expected.iter().map(|word| word.split(' ').next().unwrap());
            let known = ["passed", "timeout", "memory", "output", "signal", "exited"];
            assert!(ends.into_iter().all(|end| known.contains(&end) || Code::ALL.iter().any(|code| code.word() == end)), "{}", case.name);
        }
    }

    #[test]
    fn a_case_that_does_not_hold_says_why() {
        let (cases, _) = corpus().unwrap();
        let case = cases.iter().find(|case| case.name == "waits-for-input").unwrap();
        let run = |ending| [Run { records: Vec::new(), ending, python: String::new() }];
        assert_eq!(case.told(&run(Ending::Finished)), "passed");
        assert!(case.wrong(&run(Ending::Finished), "passed").unwrap().starts_with("it should not have printed"));
        assert_eq!(case.wrong(&run(Ending::Timeout), "timeout").unwrap(), "it should have ended as passed");
        assert_eq!(case.told(&run(Ending::Timeout)), "timeout, untold", "no step began, so that no report could name a block");
    }
}
