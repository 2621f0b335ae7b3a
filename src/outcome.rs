//! Outcome and Status: what a run says about blocks and lessons. `judge` is pure: a recorded run can be judged again.

mod answers;
mod beyond;
mod claims;
mod classify;
mod commands;
mod judge;
mod notices;
mod remarks;
mod services;
mod steps;
mod views;

pub use judge::{Judged, Options, Ran, judge, status};
pub use services::{Served, refusing};
pub use steps::{Suspect, clears, eases, held_up, standing, suspects};

use std::sync::Arc;

use crate::finding::{Effect, Finding, root};
use crate::lab::{Assumption, BlockPlan};
use crate::source::Source;

/// How a block did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It ran clean.
    Passed,
    /// It failed, on current versions, whatever one adds.
    Failed,
    /// It needs something that the page never shows.
    Incomplete,
    /// It failed only because of an earlier failure.
    Blocked,
}

impl Outcome {
    /// The word that reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
            Self::Blocked => "blocked",
        }
    }
}

/// How a lesson is, in the order in which the first that holds wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Our side failed.
    Errored,
    /// It fails on current versions.
    Broken,
    /// Its output is not the snapshot's.
    Changed,
    /// It takes for granted what it never shows.
    Incomplete,
    /// Its output has no accepted snapshot yet.
    Pending,
    /// It passed, but what it teaches is deprecated.
    Stale,
    /// It passed.
    Passed,
    /// Every block of it was left out.
    Skipped,
    /// It has no blocks.
    Empty,
}

impl Status {
    /// Every status, worst first.
    pub const ALL: [Self; 9] =
        [Self::Errored, Self::Broken, Self::Changed, Self::Incomplete, Self::Pending, Self::Stale, Self::Passed, Self::Skipped, Self::Empty];

    /// The word that reports and flags use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Errored => "errored",
            Self::Broken => "broken",
            Self::Changed => "changed",
            Self::Incomplete => "incomplete",
            Self::Pending => "pending",
            Self::Stale => "stale",
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Empty => "empty",
        }
    }
}

/// Everything that is known about one lesson after a run: what a report is made of.
#[derive(Debug, Clone)]
pub struct LessonOutcome {
    /// Its place in guide order, from 0: the same in every part of a guide that is checked by itself, so that the parts' reports can be merged.
    pub index: usize,
    /// The lesson's id.
    pub id: String,
    /// Its number.
    pub number: Option<String>,
    /// Its title.
    pub title: String,
    /// The title of its chapter; empty if it stands in none.
    pub chapter: String,
    /// The words that select just this lesson on the command line.
    pub selector: String,
    /// The name of the environment that it ran in.
    pub environment: String,
    /// The text it stands in.
    pub source: Arc<Source>,
    /// Its first line, from 1.
    pub line: usize,
    /// How it is.
    pub status: Status,
    /// What it takes for granted.
    pub assumptions: Vec<Assumption>,
    /// Its blocks, in order.
    pub blocks: Vec<BlockOutcome>,
    /// What is wrong with it, by place.
    pub findings: Vec<Finding>,
    /// Why our side failed, for an errored lesson.
    pub error: Option<String>,
    /// Seconds that its runs took.
    pub seconds: f64,
}

impl LessonOutcome {
    /// The status that counts for the check's exit: [`Self::status`], but for what the course's baseline knows of already.
    #[must_use]
    pub fn standing(&self) -> Status {
        let is_known = |index: usize| self.findings[root(&self.findings, index)].known.is_some();
        if !matches!(self.status, Status::Broken | Status::Incomplete | Status::Stale) || !(0..self.findings.len()).any(is_known) {
            return self.status;
        }
        let left = self.findings.iter().enumerate().filter(|(index, _)| !is_known(*index)).map(|(_, finding)| match finding.code.effect() {
            Effect::Breaks => Status::Broken,
            Effect::Changes => Status::Changed,
            Effect::Incompletes => Status::Incomplete,
            Effect::Stales => Status::Stale,
            Effect::Informs => Status::Passed,
        });
        left.min().unwrap_or(Status::Passed)
    }

    /// Whether it does not pass, and all that keeps it from that is in the course's baseline.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.standing() != self.status && self.standing() == Status::Passed
    }
}

/// Everything that is known about one block.
#[derive(Debug, Clone)]
pub struct BlockOutcome {
    /// The first line of the code, from 1; in a notebook, in its cell.
    pub line: usize,
    /// The last line of the code.
    pub end_line: usize,
    /// The notebook cell, from 0.
    pub cell: Option<usize>,
    /// The language, in the word that reports use.
    pub language: String,
    /// What became of it.
    pub plan: BlockPlan,
    /// How it did; `None` where nothing ran.
    pub outcome: Option<Outcome>,
    /// What it printed, answered and raised: the text that a snapshot holds. `None` where nothing ran.
    pub transcript: Option<String>,
}

/// Something that happened in a check, in order of time. Reports fold these; a runner knows nothing of reports.
#[derive(Debug, Clone)]
pub enum Event {
    /// The guide was read.
    Read {
        /// How many chapters.
        chapters: usize,
        /// How many lessons.
        lessons: usize,
        /// How many of them will be run.
        to_run: usize,
    },
    /// An environment is being built, an engine started: something that takes a while, in words.
    Preparing(String),
    /// A lesson has begun.
    Started {
        /// Its id.
        id: String,
    },
    /// A lesson is judged. `index` is its place in guide order.
    Judged {
        /// Its place in guide order, from 0.
        index: usize,
        /// All that is known.
        lesson: Box<LessonOutcome>,
    },
}
