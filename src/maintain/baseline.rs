//! The baseline: findings that were there when a course took Proctor up. `(Outcomes, Baseline) --hold--> Outcomes`: what it knows is marked and fails nothing.
//! Pure: the file's text and the date of today come in as arguments. It must never know a finding by its line's number alone: every edit above would move it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::civil::Date;
use serde::Deserialize;
use toml::value::Datetime;

use crate::config::{nearest, parse_toml};
use crate::finding::{Code, Effect, Finding, Known, root};
use crate::outcome::{LessonOutcome, Status};

/// How many characters of an offending line are kept.
const LINE: usize = 200;
/// How many characters of a message are kept; it only says to people what the entry is about.
const MESSAGE: usize = 200;

/// What stands in the file before its entries.
const HEAD: &str = "\
# Findings that were there when this was made: `proctor check` shows them and fails only on others.
# `reason` and `expires` are yours to edit; after its last day a finding counts again.
# `proctor baseline` drops entries of what is gone and keeps the others as they are.
";

/// The findings that a course knows of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The findings, in guide order. Of several that look the same, the n-th entry is for the n-th finding.
    pub entries: Vec<Entry>,
}

/// One finding that a course knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The lesson's id.
    pub lesson: String,
    /// The environment that it occurs in.
    pub environment: String,
    /// The finding's code.
    pub code: Code,
    /// The text of the line that it is at, without the blanks around.
    pub line: String,
    /// What it said; nothing is compared with it, since releases word things anew.
    pub message: String,
    /// Why it may stay for now.
    pub reason: String,
    /// The last day on which it may.
    pub expires: Date,
    /// Where in the file the entry stands, as a line from 1; 0 for a new one.
    pub at: usize,
}

/// What a check found of a baseline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// How many findings it knows of.
    pub known: usize,
    /// Its entries whose finding does not occur any more.
    pub gone: Vec<Entry>,
    /// Its entries that have expired, and whose finding still occurs: these count again.
    pub expired: Vec<Entry>,
}

/// What became of a baseline that was made again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renewed {
    /// How many entries are new.
    pub added: usize,
    /// How many were there before.
    pub kept: usize,
    /// How many were dropped: their finding is gone, or their lesson.
    pub dropped: usize,
    /// How many of those that were kept have expired and count.
    pub expired: usize,
}

/// The file's form.
#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    known: Vec<EntryForm>,
}

#[derive(Deserialize)]
struct EntryForm {
    lesson: String,
    environment: String,
    code: String,
    line: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    reason: String,
    expires: Datetime,
}

const KEYS: &[&str] = &["known", "lesson", "environment", "code", "line", "message", "reason", "expires"];

/// What makes a finding the same one in another run: its lesson, the environment, its code, and the text of its line.
type Print = (String, String, Code, String);

impl Baseline {
    /// Read a baseline.
    ///
    /// # Errors
    /// A message that begins with the line, and says what to do.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form: Form = parse_toml(text, KEYS).map_err(|message| {
            let number = message.strip_prefix("line ").and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
            let line = number.and_then(|number| text.lines().nth(number.saturating_sub(1))).unwrap_or_default();
            if line.trim_start().starts_with("expires") { format!("{message}: write the date as in `expires = 2027-02-21`, without quotes") } else { message }
        })?;
        let heads = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("[[known]]")).map(|(index, _)| index + 1);
        let places = heads.chain(std::iter::repeat(1));
        let entries = form.known.into_iter().zip(places).map(|(form, at)| form.entry(at)).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// The entries by what they know, the first of several that look the same last.
    fn by_print(&self) -> BTreeMap<Print, Vec<&Entry>> {
        let mut entries: BTreeMap<Print, Vec<&Entry>> = BTreeMap::new();
        for entry in self.entries.iter().rev() {
            entries.entry((entry.lesson.clone(), entry.environment.clone(), entry.code, entry.line.clone())).or_default().push(entry);
        }
        entries
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut text = HEAD.to_owned();
        // Writing to a string cannot fail.
        for entry in &self.entries {
            let _ = writeln!(text, "\n[[known]]\nlesson = {}\nenvironment = {}", quoted(&entry.lesson), quoted(&entry.environment));
            let _ = writeln!(text, "code = {}", quoted(entry.code.word()));
            let _ = writeln!(text, "line = {}\nmessage = {}", quoted(&entry.line), quoted(&entry.message));
            let _ = writeln!(text, "reason = {}\nexpires = {}", quoted(&entry.reason), entry.expires);
        }
        text
    }

    /// The first entry about a lesson that there is none of, with what to do.
    #[must_use]
    pub fn stray<'a>(&self, ids: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
        let entry = self.entries.iter().find(|entry| !ids.clone().any(|id| id == entry.lesson))?;
        let near = nearest(&entry.lesson, ids).map_or_else(String::new, |near| format!("did you mean `{near}`? If not, "));
        Some(format!("line {}: the guide has no lesson `{}`: {near}delete the entry, or run `proctor baseline`, which drops it", entry.at, entry.lesson))
    }

    /// Mark the findings that are known. `strict` says whether assumptions were refused: only then is an entry about one gone if it is not found.
    pub fn hold(&self, lessons: &mut [LessonOutcome], today: Date, strict: bool) -> Held {
        let mut held = Held::default();
        let mut left = self.by_print();
        for lesson in lessons.iter_mut() {
            for index in recorded(lesson) {
                let Some(entry) = left.get_mut(&print_of(lesson, &lesson.findings[index])).and_then(Vec::pop) else { continue };
                if entry.expires < today {
                    held.expired.push(entry.clone());
                    continue;
                }
                held.known += 1;
                lesson.findings[index].known = Some(Known { reason: entry.reason.clone(), expires: entry.expires.to_string() });
            }
        }
        let was_checked = |entry: &&Entry| lessons.iter().any(|lesson| entry.is_of(lesson));
        let could_occur = |entry: &&Entry| strict || entry.code != Code::Assumed;
        held.gone = left.into_values().flatten().filter(was_checked).filter(could_occur).cloned().collect();
        held.gone.sort_by_key(|entry| entry.at);
        held
    }

    /// The baseline of what `lessons` show now: entries of this one that still hold are kept as they are, with `until` as their last day if they have expired
    /// and it was asked for. Entries of lessons that are in the guide (`ids`) and were not checked stay.
    #[must_use]
    pub fn renew(&self, lessons: &[LessonOutcome], ids: &[String], new: &New) -> (Self, Renewed) {
        let mut renewed = Renewed::default();
        let mut left = self.by_print();
        let mut entries: Vec<Entry> = Vec::new();
        for id in ids {
            let own = self.entries.iter().filter(|entry| entry.lesson == *id && !lessons.iter().any(|lesson| entry.is_of(lesson)));
            entries.extend(own.cloned().inspect(|_| renewed.kept += 1));
            let checked = lessons.iter().filter(|lesson| lesson.id == *id && lesson.status != Status::Errored);
            for (lesson, index) in checked.flat_map(|lesson| recorded(lesson).into_iter().map(move |index| (lesson, index))) {
                let finding = &lesson.findings[index];
                let print = print_of(lesson, finding);
                if let Some(entry) = left.get_mut(&print).and_then(Vec::pop) {
                    let has_expired = entry.expires < new.today;
                    let expires = if has_expired && new.renews { new.until } else { entry.expires };
                    renewed.expired += usize::from(expires < new.today);
                    renewed.kept += 1;
                    entries.push(Entry { expires, message: shortened(&finding.message), ..entry.clone() });
                } else {
                    renewed.added += 1;
                    let (lesson, environment, code, line) = print;
                    entries.push(Entry {
                        lesson,
                        environment,
                        code,
                        line,
                        message: shortened(&finding.message),
                        reason: new.reason.clone(),
                        expires: new.until,
                        at: 0,
                    });
                }
            }
        }
        renewed.dropped = self.entries.len() - renewed.kept;
        (Self { entries }, renewed)
    }
}

/// What new entries of a baseline get.
#[derive(Debug, Clone)]
pub struct New {
    /// Why the findings may stay for now.
    pub reason: String,
    /// Their last day.
    pub until: Date,
    /// Whether entries that have expired get that day too.
    pub renews: bool,
    /// The date of today.
    pub today: Date,
}

impl Entry {
    /// Whether it is about a lesson that was checked, and where.
    fn is_of(&self, lesson: &LessonOutcome) -> bool {
        lesson.id == self.lesson && lesson.environment == self.environment && lesson.status != Status::Errored
    }
}

impl EntryForm {
    fn entry(self, at: usize) -> Result<Entry, String> {
        let Some(code) = Code::ALL.iter().copied().find(|code| code.word() == self.code) else {
            let near = nearest(&self.code, Code::ALL.iter().map(|code| code.word()));
            let help = near.map_or_else(|| "delete the entry".to_owned(), |near| format!("did you mean `{near}`?"));
            return Err(format!("line {at}: there is no code `{}`: {help}", self.code));
        };
        if !is_recorded(code) {
            return Err(format!("line {at}: a baseline has no `{}`: {}", self.code, unrecorded(code)));
        }
        let date =
            self.expires.date.and_then(|date| Date::new(i16::try_from(date.year).ok()?, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?).ok());
        let Some(expires) = date else {
            return Err(format!("line {at}: `{}` is no day: write it as in `expires = 2027-02-21`", self.expires));
        };
        Ok(Entry {
            lesson: self.lesson,
            environment: self.environment,
            code,
            line: self.line.trim().to_owned(),
            message: self.message,
            reason: self.reason,
            expires,
            at,
        })
    }
}

/// The findings of a lesson that a baseline records: those that stand for themselves and can fail a check, and that nothing else is there to accept.
fn recorded(lesson: &LessonOutcome) -> Vec<usize> {
    let is_own = |index: &usize| root(&lesson.findings, *index) == *index && is_recorded(lesson.findings[*index].code);
    (0..lesson.findings.len()).filter(is_own).collect()
}

fn is_recorded(code: Code) -> bool {
    matches!(code.effect(), Effect::Breaks | Effect::Incompletes | Effect::Stales) && !matches!(code, Code::BadSnapshot | Code::NothingRan)
}

/// Why findings of a code are not recorded.
fn unrecorded(code: Code) -> &'static str {
    match code.effect() {
        Effect::Informs => "it fails no check",
        _ if code == Code::NothingRan => "it is about the check as a whole",
        _ => "snapshots have `proctor review` and `proctor accept`",
    }
}

/// What makes a finding of a lesson the same one in another run.
fn print_of(lesson: &LessonOutcome, finding: &Finding) -> Print {
    let source = &finding.location.source;
    let line = source.line_of(finding.location.span.start);
    let text: String = source.slice(source.line_span(line)).trim().chars().take(LINE).collect();
    (lesson.id.clone(), lesson.environment.clone(), finding.code, text.trim_end().to_owned())
}

/// A message as it is kept: one line, not too long.
fn shortened(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().take(MESSAGE).collect()
}

#[cfg(test)]
mod tests;
