//! The form of a JSON report, version 1: what is written and what is read back. Pure; it knows nothing of how either is done.
//!
//! The structs are the form's own and frozen: a change of the inner types must never change what is written. Keys may be added, each with a default for
//! reports that do not have it yet; none is renamed or removed without a new `version`.

use std::borrow::Cow;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::outcome::Status;

/// The version of the form.
pub(super) const VERSION: u32 = 1;

/// The whole report.
#[derive(Serialize, Deserialize)]
pub(super) struct ReportForm<'a> {
    pub(super) version: u32,
    pub(super) engine: Cow<'a, str>,
    /// The first environment, or the only one.
    pub(super) environment: Cow<'a, str>,
    /// Every environment that lessons were checked in.
    #[serde(default)]
    pub(super) environments: Cow<'a, [String]>,
    /// The part of the guide that was checked: `slice:1/4` or `hash:1/4`; null where it was not parted.
    #[serde(default)]
    pub(super) partition: Option<Cow<'a, str>>,
    /// What was found of the course's baseline; null where it has none.
    #[serde(default)]
    pub(super) baseline: Option<BaselineForm>,
    pub(super) notes: Cow<'a, [String]>,
    pub(super) seconds: f64,
    pub(super) chapters: usize,
    #[serde(skip_deserializing)]
    pub(super) summary: Summary,
    pub(super) findings: Vec<WrongForm<'a>>,
    /// What a line that re-runs a lesson repeats.
    #[serde(default)]
    pub(super) flags: Cow<'a, [String]>,
    /// Every text that a place in the report lies in.
    #[serde(default)]
    pub(super) sources: Vec<SourceForm<'a>>,
    pub(super) lessons: Vec<LessonForm<'a>>,
}

/// How many findings the baseline knows of, and how many of its entries are past.
#[derive(Serialize, Deserialize)]
pub(super) struct BaselineForm {
    pub(super) known: usize,
    pub(super) gone: usize,
    pub(super) expired: usize,
}

/// A finding about the check as a whole.
#[derive(Serialize, Deserialize)]
pub(super) struct WrongForm<'a> {
    pub(super) code: Cow<'a, str>,
    #[serde(default)]
    pub(super) severity: Cow<'a, str>,
    pub(super) message: Cow<'a, str>,
    #[serde(default)]
    pub(super) help: Cow<'a, str>,
}

/// Counts by status, worst first.
#[derive(Default)]
pub(super) struct Summary(pub(super) Vec<(Status, usize)>);

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (status, count) in &self.0 {
            map.serialize_entry(status.word(), count)?;
        }
        map.end()
    }
}

/// A text of the guide, known by what it said when it was checked.
#[derive(Serialize, Deserialize)]
pub(super) struct SourceForm<'a> {
    pub(super) path: Cow<'a, str>,
    pub(super) sha256: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct LessonForm<'a> {
    /// Its place in guide order.
    #[serde(default)]
    pub(super) index: Option<usize>,
    pub(super) id: Cow<'a, str>,
    pub(super) number: Option<Cow<'a, str>>,
    pub(super) title: Cow<'a, str>,
    pub(super) chapter: Cow<'a, str>,
    /// The environment that it was checked in; the report's own where that is not said.
    #[serde(default)]
    pub(super) environment: Cow<'a, str>,
    pub(super) path: Cow<'a, str>,
    pub(super) line: usize,
    pub(super) status: Cow<'a, str>,
    /// Whether it does not pass, and the baseline knows of all that keeps it from that.
    #[serde(default)]
    pub(super) known: bool,
    pub(super) error: Option<Cow<'a, str>>,
    /// The words that select it on the command line.
    #[serde(default)]
    pub(super) selector: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) rerun: String,
    pub(super) seconds: f64,
    pub(super) assumptions: Vec<AssumptionForm<'a>>,
    pub(super) blocks: Vec<BlockForm<'a>>,
    pub(super) findings: Vec<FindingForm<'a>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct AssumptionForm<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) line: usize,
    #[serde(default = "one")]
    pub(super) column: usize,
    pub(super) cell: Option<usize>,
    pub(super) what: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct BlockForm<'a> {
    pub(super) line: usize,
    pub(super) end_line: usize,
    pub(super) cell: Option<usize>,
    pub(super) language: Cow<'a, str>,
    pub(super) fate: Cow<'a, str>,
    pub(super) outcome: Option<Cow<'a, str>>,
    pub(super) reason: Option<Cow<'a, str>>,
    pub(super) file: Option<Cow<'a, str>>,
    pub(super) revisions: Cow<'a, [usize]>,
    /// What it printed, answered and raised.
    #[serde(default)]
    pub(super) transcript: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FindingForm<'a> {
    pub(super) code: Cow<'a, str>,
    #[serde(default)]
    pub(super) severity: Cow<'a, str>,
    pub(super) path: Cow<'a, str>,
    pub(super) line: usize,
    pub(super) end_line: usize,
    pub(super) column: usize,
    /// The column behind its last character.
    #[serde(default)]
    pub(super) end_column: Option<usize>,
    pub(super) cell: Option<usize>,
    pub(super) message: Cow<'a, str>,
    pub(super) help: Option<Cow<'a, str>>,
    pub(super) because: Option<usize>,
    /// Changes of its page that were run, and end it.
    #[serde(default)]
    pub(super) edits: Vec<EditForm<'a>>,
    pub(super) related: Vec<RelatedForm<'a>>,
    pub(super) comparison: Option<ComparisonForm<'a>>,
    /// What the baseline says of it, if it knows of it.
    #[serde(default)]
    pub(super) baseline: Option<KnownForm<'a>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct KnownForm<'a> {
    pub(super) reason: Cow<'a, str>,
    pub(super) expires: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct EditForm<'a> {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
    pub(super) cell: Option<usize>,
    pub(super) text: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RelatedForm<'a> {
    pub(super) path: Cow<'a, str>,
    pub(super) line: usize,
    #[serde(default)]
    pub(super) end_line: Option<usize>,
    #[serde(default = "one")]
    pub(super) column: usize,
    #[serde(default)]
    pub(super) end_column: Option<usize>,
    pub(super) cell: Option<usize>,
    pub(super) message: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ComparisonForm<'a> {
    pub(super) expected: Cow<'a, str>,
    pub(super) actual: Cow<'a, str>,
}

fn one() -> usize {
    1
}
