//! A JSON report read back: text -> `Report`. Total: whatever the text is, it ends in a report or in words about what is wrong with it.
//!
//! What the form does not hold, the lines of the guide, comes from the pages themselves, where they are still what they were; otherwise a place is an
//! outline, and no frame is drawn around it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::error::Category;

use super::digest;
use super::form::{AssumptionForm, BlockForm, EditForm, FindingForm, LessonForm, RelatedForm, ReportForm, VERSION};
use crate::finding::{Code, Comparison, Edit, Finding, Known, Location, Related};
use crate::lab::{Assumption, BlockPlan, Fate};
use crate::outcome::{BlockOutcome, LessonOutcome, Outcome, Status};
use crate::report::{Baselined, Report};
use crate::source::{Place, Source, Span};

/// How many lines and columns places may ask for, all together: more than any guide has, and little enough to make outlines of.
const REACH: usize = 64 << 20;

/// Where the pages are that a report speaks of: by the path that it gives, each text that the page may have been read as.
pub type Texts<'a> = &'a dyn Fn(&str) -> Vec<Arc<Source>>;

/// A report that was read back.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The report.
    pub report: Report,
    /// What each text of the guide was known by when it was checked, by its path.
    pub digests: BTreeMap<String, String>,
}

/// Why a text is no report.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReadError {
    /// It ends too soon.
    #[error("it ends in the middle, at line {line}: it was cut off while it was written or copied; make it again with `proctor check --format json=PATH`")]
    CutOff {
        /// Its last line.
        line: usize,
    },
    /// It is something else.
    #[error("it is no JSON (line {line}, column {column}): name a report that `proctor check --format json=PATH` wrote")]
    NotJson {
        /// Where that shows.
        line: usize,
        /// The column.
        column: usize,
    },
    /// It is JSON of something else.
    #[error("it is JSON, and no report of Proctor's: name one that `proctor check --format json=PATH` wrote")]
    NotAReport,
    /// It is a report that this Proctor does not know.
    #[error("it is a report of version {found}, and this Proctor reads version {VERSION}: check and merge with one and the same Proctor")]
    Version {
        /// Its version.
        found: u64,
    },
    /// A word that this Proctor does not know.
    #[error("it has the {what} `{word}`, which this Proctor does not know: check and merge with one and the same Proctor")]
    Unknown {
        /// What the word should be.
        what: &'static str,
        /// The word.
        word: String,
    },
    /// A part of it is not as it should be.
    #[error("it is no whole report: {0}; make it again with `proctor check --format json=PATH`")]
    Malformed(String),
    /// Its places are beyond any page.
    #[error("it names lines and columns that no guide has; make it again with `proctor check --format json=PATH`")]
    OutOfReach,
}

/// The keys that tell a report from any other JSON.
#[derive(Deserialize)]
struct Head {
    version: u64,
    #[serde(rename = "engine")]
    _engine: IgnoredAny,
    #[serde(rename = "lessons")]
    _lessons: IgnoredAny,
}

/// Read a report back.
///
/// # Errors
/// If `text` is no report that this Proctor knows.
pub fn read(text: &str, texts: Texts<'_>) -> Result<Kept, ReadError> {
    let head: Head = serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Eof => ReadError::CutOff { line: error.line() },
        Category::Syntax | Category::Io => ReadError::NotJson { line: error.line(), column: error.column() },
        Category::Data => ReadError::NotAReport,
    })?;
    if head.version != u64::from(VERSION) {
        return Err(ReadError::Version { found: head.version });
    }
    let form: ReportForm<'_> = serde_json::from_str(text).map_err(|error| ReadError::Malformed(error.to_string()))?;
    let digests: BTreeMap<String, String> = form.sources.iter().map(|source| (source.path.to_string(), source.sha256.to_string())).collect();
    let sources = sources(&form, &digests, texts)?;
    // Reports of one environment did not always name it with each lesson.
    let environments = if form.environments.is_empty() { vec![form.environment.into_owned()] } else { form.environments.into_owned() };
    let own = environments.first().map_or("", String::as_str);
    let lessons = form.lessons.into_iter().enumerate().map(|(place, form)| lesson(place, form, own, &sources)).collect::<Result<_, _>>()?;
    let wrong = form.findings.into_iter().map(|wrong| Ok((code(&wrong.code)?, wrong.message.into_owned()))).collect::<Result<_, _>>()?;
    let report = Report {
        engine: form.engine.into_owned(),
        notes: form.notes.into_owned(),
        wrong,
        environments,
        chapters: form.chapters,
        lessons,
        seconds: form.seconds,
        partition: form.partition.map(Cow::into_owned),
        baseline: form.baseline.map(|counts| Baselined { known: counts.known, gone: counts.gone, expired: counts.expired }),
        flags: form.flags.into_owned(),
    };
    Ok(Kept { report, digests })
}

/// The text that each path of a report stands for.
struct Sources(BTreeMap<String, Arc<Source>>);

/// A place, and the one behind its last character.
type Ends = (Place, Place);

fn sources(form: &ReportForm<'_>, digests: &BTreeMap<String, String>, texts: Texts<'_>) -> Result<Sources, ReadError> {
    let mut places: BTreeMap<&str, Vec<Place>> = BTreeMap::new();
    for lesson in &form.lessons {
        places.entry(&lesson.path).or_default().extend(lesson.assumptions.iter().map(assumption_place));
        for finding in &lesson.findings {
            places.entry(&finding.path).or_default().extend(<[Place; 2]>::from(finding_ends(finding)));
            for edit in &finding.edits {
                places.entry(&finding.path).or_default().extend(<[Place; 2]>::from(edit_ends(edit)));
            }
            for related in &finding.related {
                places.entry(&related.path).or_default().extend(<[Place; 2]>::from(related_ends(related)));
            }
        }
    }
    let reach = places.values().flatten().try_fold(0_usize, |reach, place| reach.checked_add(place.column)?.checked_add(place.line / 16));
    let deepest = places.values().flatten().map(|place| place.line).max().unwrap_or(0);
    if reach.and_then(|reach| reach.checked_add(deepest)).is_none_or(|reach| reach > REACH) {
        return Err(ReadError::OutOfReach);
    }
    let found = places.into_iter().map(|(path, places)| {
        let digest_of = digests.get(path);
        let same = digest_of.and_then(|known| texts(path).into_iter().find(|source| digest(source) == *known));
        // Its path stays the one that the report gives, from wherever it was read.
        let source =
            same.filter(|source| source.path() == path).unwrap_or_else(|| Arc::new(Source::outline(path, digest_of.map_or("", String::as_str), places)));
        (path.to_owned(), source)
    });
    Ok(Sources(found.collect()))
}

impl Sources {
    fn at(&self, path: &str) -> Arc<Source> {
        self.0.get(path).map_or_else(|| Arc::new(Source::outline(path, "", [])), Arc::clone)
    }

    fn location(&self, path: &str, (start, end): Ends) -> Location {
        let source = self.at(path);
        let span = Span::new(source.offset_of(start), source.offset_of(end));
        Location { source, span }
    }
}

fn assumption_place(form: &AssumptionForm<'_>) -> Place {
    Place { line: form.line, column: form.column, cell: form.cell }
}

fn finding_ends(form: &FindingForm<'_>) -> Ends {
    let start = Place { line: form.line, column: form.column, cell: form.cell };
    (start, form.end_column.map_or(start, |column| Place { line: form.end_line, column, cell: form.cell }))
}

fn edit_ends(form: &EditForm<'_>) -> Ends {
    let at = |line, column| Place { line, column, cell: form.cell };
    (at(form.line, form.column), at(form.end_line, form.end_column))
}

fn related_ends(form: &RelatedForm<'_>) -> Ends {
    let start = Place { line: form.line, column: form.column, cell: form.cell };
    let end = form.end_line.zip(form.end_column).map(|(line, column)| Place { line, column, cell: form.cell });
    (start, end.unwrap_or(start))
}

fn lesson(place: usize, form: LessonForm<'_>, environment: &str, sources: &Sources) -> Result<LessonOutcome, ReadError> {
    let source = sources.at(&form.path);
    let assumption = |form: AssumptionForm<'_>| {
        let at = source.offset_of(assumption_place(&form));
        Assumption { name: form.name.into_owned(), span: Span::new(at, at), what: form.what.into_owned() }
    };
    Ok(LessonOutcome {
        index: form.index.unwrap_or(place),
        selector: form.selector.as_ref().unwrap_or(&form.path).to_string(),
        id: form.id.into_owned(),
        number: form.number.map(Cow::into_owned),
        title: form.title.into_owned(),
        chapter: form.chapter.into_owned(),
        environment: if form.environment.is_empty() { environment.to_owned() } else { form.environment.into_owned() },
        line: form.line,
        status: word("status", &form.status, &Status::ALL, |status| status.word())?,
        assumptions: form.assumptions.into_iter().map(assumption).collect(),
        blocks: form.blocks.into_iter().map(block).collect::<Result<_, _>>()?,
        findings: form.findings.into_iter().map(|form| finding(form, sources)).collect::<Result<_, _>>()?,
        error: form.error.map(Cow::into_owned),
        seconds: form.seconds,
        source,
    })
}

fn block(form: BlockForm<'_>) -> Result<BlockOutcome, ReadError> {
    const FATES: [Fate; 5] = [Fate::Run, Fate::Written, Fate::Compared, Fate::Static, Fate::Skipped];
    const OUTCOMES: [Outcome; 4] = [Outcome::Passed, Outcome::Failed, Outcome::Incomplete, Outcome::Blocked];
    let outcome = form.outcome.map(|outcome| word("outcome", &outcome, &OUTCOMES, |outcome| outcome.word())).transpose()?;
    Ok(BlockOutcome {
        line: form.line,
        end_line: form.end_line,
        cell: form.cell,
        language: form.language.into_owned(),
        plan: BlockPlan {
            fate: word("fate", &form.fate, &FATES, |fate| fate.word())?,
            reason: form.reason.map(Cow::into_owned),
            file: form.file.map(Cow::into_owned),
            revisions: form.revisions.into_owned(),
        },
        outcome,
        transcript: form.transcript.map(Cow::into_owned),
    })
}

fn finding(form: FindingForm<'_>, sources: &Sources) -> Result<Finding, ReadError> {
    let location = sources.location(&form.path, finding_ends(&form));
    let path = form.path;
    let related = form.related.into_iter().map(|form| {
        let location = sources.location(&form.path, related_ends(&form));
        Related { location, message: form.message.into_owned() }
    });
    let edits = form.edits.into_iter().map(|form| Edit { span: sources.location(&path, edit_ends(&form)).span, text: form.text.into_owned() }).collect();
    let comparison = form.comparison.map(|both| Comparison { expected: both.expected.into_owned(), actual: both.actual.into_owned() });
    Ok(Finding {
        help: form.help.map(Cow::into_owned),
        because: form.because,
        edits,
        related: related.collect(),
        comparison,
        known: form.baseline.map(|known| Known { reason: known.reason.into_owned(), expires: known.expires.into_owned() }),
        ..Finding::new(code(&form.code)?, location, form.message.into_owned())
    })
}

fn code(found: &str) -> Result<Code, ReadError> {
    word("code", found, Code::ALL, |code| code.word())
}

/// The one of `all` that a word stands for.
fn word<T: Copy>(what: &'static str, found: &str, all: &[T], word: impl Fn(T) -> &'static str) -> Result<T, ReadError> {
    all.iter().copied().find(|one| word(*one) == found).ok_or_else(|| ReadError::Unknown { what, word: found.to_owned() })
}

#[cfg(test)]
mod tests;
