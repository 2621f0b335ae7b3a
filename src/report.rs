//! The report: a pure fold over events, in guide order, and one writer a format over it. It never sees an engine.

use std::io::{self, Write};

use crate::finding::{Code, Finding, Location, Severity};
use crate::outcome::{BlockOutcome, Event, LessonOutcome, Outcome, Status};

mod cause;
pub mod columns;
mod diff;
#[cfg(test)]
mod fixture;
mod frame;
mod matrix;
mod table;
mod text;
mod wording;

pub mod badge;
pub mod github;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod merge;
pub mod progress;
pub mod sarif;
pub mod sink;
pub mod terminal;

/// What a check found, in guide order.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The engine that ran it: `docker`, `local` or `replay`.
    pub engine: String,
    /// What a reader must know about how it ran, such as that it was not sealed.
    pub notes: Vec<String>,
    /// What is wrong with the check as a whole, which has no place in the guide.
    pub wrong: Vec<(Code, String)>,
    /// The names of the environments that lessons ran in, in the order of the report's columns.
    pub environments: Vec<String>,
    /// How many chapters the guide has.
    pub chapters: usize,
    /// The lessons, in guide order; a lesson that ran in several environments stands there once for each, in their order.
    pub lessons: Vec<LessonOutcome>,
    /// Seconds that the whole check took.
    pub seconds: f64,
    /// The part of the guide that was checked, in the words of `--partition`: `slice:1/4`. `None` where it was not parted.
    pub partition: Option<String>,
    /// Flags that a line which re-runs a lesson has to repeat, such as `--no-snapshots`.
    pub flags: Vec<String>,
    /// What was found of the course's baseline, if it has one.
    pub baseline: Option<Baselined>,
}

/// How many findings a baseline knows of, and how many of its entries are past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Baselined {
    /// Findings that are in it: they fail nothing.
    pub known: usize,
    /// Entries whose finding is gone.
    pub gone: usize,
    /// Entries that have expired, and whose finding counts again.
    pub expired: usize,
}

/// Write a report in a format. `options` are the terminal's.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(report: &Report, format: Format, options: &terminal::Options, mut out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Terminal => terminal::write(report, options, &mut out),
        Format::Json => json::write(report, &mut out),
        Format::Junit => junit::write(report, &mut out),
        Format::Sarif => sarif::write(report, &mut out),
        Format::Github => github::write(report, &mut out),
        Format::Markdown => markdown::write(report, &mut out),
        Format::Html => html::write(report, &mut out),
        Format::Badge => badge::write(report, &mut out),
    }
}

/// How a format wants to be written, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Frames on the guide's lines, for people.
    Terminal,
    /// The versioned form of the design, for programs.
    Json,
    /// JUnit XML, with file and line.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
    /// GitHub workflow annotations.
    Github,
    /// A job summary.
    Markdown,
    /// A page of lesson health.
    Html,
    /// An SVG with the number of lessons of the worst status.
    Badge,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 8] = [Self::Terminal, Self::Json, Self::Junit, Self::Sarif, Self::Github, Self::Markdown, Self::Html, Self::Badge];

    /// The word that the command line uses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Badge => "badge",
        }
    }

    /// The format of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }
}

impl Report {
    /// Fold events into a report. The order of `Judged` events does not matter, but for which environment comes first.
    #[must_use]
    pub fn collect(events: impl IntoIterator<Item = Event>) -> Self {
        let mut report = Self::default();
        let mut lessons = std::collections::BTreeMap::new();
        for event in events {
            match event {
                Event::Read { chapters, .. } => report.chapters = chapters,
                Event::Judged { index, lesson } => {
                    let known = report.environments.iter().position(|environment| *environment == lesson.environment);
                    let place = known.unwrap_or_else(|| {
                        report.environments.push(lesson.environment.clone());
                        report.environments.len() - 1
                    });
                    lessons.insert((index, place), *lesson);
                }
                Event::Preparing(_) | Event::Started { .. } => {}
            }
        }
        report.lessons = lessons.into_values().collect();
        report
    }

    /// How many lessons have each status; statuses that none has are left out. A lesson counts once for each environment that it ran in.
    #[must_use]
    pub fn summary(&self) -> std::collections::BTreeMap<Status, usize> {
        count(self.lessons.iter())
    }

    /// How many lessons have each status in one environment.
    #[must_use]
    pub fn summary_in(&self, environment: &str) -> std::collections::BTreeMap<Status, usize> {
        count(self.lessons.iter().filter(|lesson| lesson.environment == environment))
    }

    /// Whether a single block ran. A check in which none did proves nothing.
    #[must_use]
    pub fn anything_ran(&self) -> bool {
        let ran = |block: &BlockOutcome| matches!(block.outcome, Some(Outcome::Passed | Outcome::Failed | Outcome::Incomplete));
        self.lessons.iter().flat_map(|lesson| &lesson.blocks).any(ran)
    }

    /// Every finding of at least this severity (errors are the worst), in guide order, with its lesson.
    pub fn findings(&self, least: Severity) -> impl Iterator<Item = (&LessonOutcome, &Finding)> {
        self.lessons
            .iter()
            .flat_map(|lesson| lesson.findings.iter().map(move |finding| (lesson, finding)))
            .filter(move |(_, finding)| finding.severity() <= least)
    }

    /// The course's own environment, or else the first that was asked for.
    #[must_use]
    pub fn environment(&self) -> &str {
        self.environments.first().map_or("", String::as_str)
    }

    /// The command that re-runs just this lesson, where environments were asked for in its own.
    #[must_use]
    pub fn rerun(&self, lesson: &LessonOutcome) -> String {
        let own = |flag: &&String| flag.strip_prefix("--env=").is_none_or(|environment| environment == lesson.environment);
        let flags: String = self.flags.iter().filter(own).map(|flag| format!(" {}", shell_word(flag))).collect();
        format!("proctor check {}{flags}", shell_word(&lesson.selector))
    }
}

fn count<'a>(lessons: impl Iterator<Item = &'a LessonOutcome>) -> std::collections::BTreeMap<Status, usize> {
    let mut counts = std::collections::BTreeMap::new();
    for lesson in lessons {
        *counts.entry(lesson.status).or_insert(0) += 1;
    }
    counts
}

/// The last line of a location, counted as its place counts them.
fn last_line(location: &Location) -> usize {
    let first = location.place();
    let text = location.source.slice(location.span).trim_end();
    first.line + text.matches('\n').count()
}

/// `word` as a POSIX shell takes it back: quoted where it has to be.
fn shell_word(word: &str) -> String {
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./#:@%+=,".contains(c)) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::*;

    #[test]
    fn lessons_come_in_guide_order_however_they_were_judged() {
        let lessons = fixture::report().lessons;
        let judged = lessons.iter().cloned().enumerate().rev().map(|(index, lesson)| Event::Judged { index, lesson: Box::new(lesson) });
        let read = Event::Read { chapters: 4, lessons: lessons.len(), to_run: 7 };
        let report = Report::collect(std::iter::once(read).chain(judged));
        assert_eq!(report.chapters, 4);
        let ids = |lessons: &[LessonOutcome]| lessons.iter().map(|lesson| lesson.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&report.lessons), ids(&lessons));
        assert_eq!(report.summary()[&Status::Broken], 3);
        assert!(!report.summary().contains_key(&Status::Changed));
    }

    #[test]
    fn a_command_is_quoted_for_the_shell() {
        assert_eq!(shell_word("guide.txt#5.5"), "guide.txt#5.5");
        assert_eq!(shell_word("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn every_format_writes_the_report_and_no_two_the_same() {
        let report = fixture::report();
        let written = Format::ALL.map(|format| {
            let mut out = Vec::new();
            write(&report, format, &terminal::Options::default(), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        });
        let distinct: std::collections::BTreeSet<_> = written.iter().collect();
        assert_eq!(distinct.len(), Format::ALL.len());
        assert!(written.iter().all(|text| (text.contains("has no attribute") || text.contains("<svg")) && text.ends_with('\n')));
    }

    #[test]
    fn causes_that_go_in_a_circle_stand_for_themselves() {
        let mut report = fixture::saying("x");
        let lesson = &mut report.lessons[0];
        lesson.findings[0].because = Some(1);
        assert_eq!(cause::causes(lesson).len(), 2);
        lesson.findings[0].because = Some(7);
        assert_eq!(cause::causes(lesson).len(), 1);
    }
}
