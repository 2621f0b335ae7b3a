//! Outputs that the page claims, held against what the code printed. Pure.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::engine::protocol::{Action, Raised, Stream, Verdict};
use crate::finding::{ClaimKind, Claimed, Code, Comparison, Finding, Location};
use crate::guide::{Block, Role};
use crate::lab::{Claim, Fate, Revision};
use crate::outcome::Outcome;
use crate::outcome::commands::is_session;
use crate::outcome::judge::Judge;
use crate::outcome::steps::{StepRecord, shows};
use crate::snapshot::format::canonical;
use crate::snapshot::matching::{Mismatch, check_claim};
use crate::snapshot::normalise::normalise;

/// A line of a log: `2026-01-31 12:00:00,000 INFO ...`, as `logging` and an engine's echo write it.
static LOG: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[,.]\d+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) ").expect("the pattern is a constant"));

/// A date, as ISO 8601 and Python's own representation write it.
static DATE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(19|20)\d\d-\d\d-\d\d\b|\b(19|20)\d\d, \d{1,2}, \d{1,2}\b").expect("the pattern is a constant"));

/// How a statement begins that an engine logs over several lines.
static STATEMENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|WITH|VALUES|\()").expect("the pattern is a constant"));

/// How a line begins that stands for what an engine logs: a statement, the end of a transaction, parameters, or the log itself.
static ECHOED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|WITH|VALUES|PRAGMA|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|\[(no key|generated|cached|raw sql|\.\.\.)|\d{4}-\d\d-\d\d .*(INFO|DEBUG) )\b")
        .expect("the pattern is a constant")
});

/// Words and parameters of SQL.
static SQL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(SELECT|FROM|WHERE|LIKE|JOIN|VALUES|AND|OR)\b|(^|[^:\w]):[a-z]\w*").expect("the pattern is a constant"));

/// An object that has no form of its own.
static OBJECT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"<[\w.]+ object at 0x[\w.]+>").expect("the pattern is a constant"));

/// The mark of a text in Python 2.
static UNICODE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"\bu(['"])"#).expect("the pattern is a constant"));

impl Judge<'_> {
    /// Hold every claim about a block's output against what it printed.
    pub(super) fn claims(&mut self, revision: &Revision, steps: &BTreeMap<u32, StepRecord>, again: Option<&BTreeMap<u32, StepRecord>>, block: usize) {
        for claim in self.lab.claims.iter().filter(|claim| claim.of == block) {
            let held = self.claim(claim, revision, steps, again);
            if let Some(output) = claim.block {
                let output = &mut self.judged.blocks[output];
                output.outcome = held.ok();
                // What was not compared is not called so.
                if let Err(reason) = held {
                    output.plan.fate = Fate::Static;
                    output.plan.reason = Some(reason.to_owned());
                }
            }
            if let (Ok(held), None) = (held, claim.block) {
                self.worsen(block, held);
            }
        }
    }

    /// How a claim holds; or why nothing can be said. `again` is another run of the same revision.
    fn claim(
        &mut self,
        claim: &Claim,
        revision: &Revision,
        steps: &BTreeMap<u32, StepRecord>,
        again: Option<&BTreeMap<u32, StepRecord>>,
    ) -> Result<Outcome, &'static str> {
        if !matches!(self.judged.blocks[claim.of].outcome, Some(Outcome::Passed)) {
            return Ok(Outcome::Blocked);
        }
        let own: Vec<u32> = revision
            .origins
            .iter()
            .filter(|(_, origin)| origin.judged && origin.block == Some(claim.of) && claim.piece.is_none_or(|piece| origin.span == Some(piece)))
            .map(|(id, _)| *id)
            .collect();
        // An exception that the page shows is what it says, however a release words it; unless its author keeps it for Proctor, word by word.
        let kept = self.lesson.blocks[claim.of].directive("raises").is_some();
        if !kept && own.iter().filter_map(|id| steps.get(id)).flat_map(|record| record.raised.last()).any(|raised| shows(&claim.text, raised)) {
            return Ok(Outcome::Passed);
        }
        let shown_in = |steps: &BTreeMap<u32, StepRecord>| shown(&own.iter().filter_map(|id| steps.get(id)).collect::<Vec<_>>());
        let actual = shown_in(steps);
        let Err(mismatch) = check(&claim.text, &actual).and_then(|()| self.dates(&claim.text, &actual)) else { return Ok(Outcome::Passed) };
        if claim.block.is_some() && actual.trim().is_empty() {
            return Err("not compared: the code before it prints nothing");
        }
        if own.iter().any(|id| steps.get(id).is_some_and(|record| goes_on(revision, *id, record))) {
            return Err("not compared: what a server logs is another thing each time");
        }
        if is_session(&actual) {
            return Err("not compared: what a test runner says of itself differs, and its verdict is its exit status");
        }
        if own.iter().any(|&id| revision.rests_on_assumption(id)) {
            return Err("not compared: what it is made from had to be assumed");
        }
        let is_command = revision.job.steps.iter().any(|step| own.contains(&step.id) && matches!(step.action, Action::Shell { .. }));
        let failed = |(id, step): (&u32, &StepRecord)| own.iter().all(|own| id < own) && matches!(step.verdict, Some(Verdict::Failed | Verdict::Skipped));
        if is_command && steps.iter().any(failed) {
            // What it works on did not run: an answer of a half-made application says nothing.
            return Ok(Outcome::Blocked);
        }
        if !kept && self.lesson.source.slice(claim.piece.unwrap_or_else(|| self.lesson.blocks[claim.of].span())).contains("__version__") {
            return Err("not compared: a version is another one in each environment");
        }
        match again {
            // Whether the page is wrong, or its code prints something else each time, only another run can tell.
            None => {
                self.judged.doubtful.insert(revision.number.saturating_sub(1));
            }
            Some(again) if normalise(&shown_in(again)) != normalise(&actual) => return Err("not compared: the code prints something else each time"),
            _ => {}
        }
        let source = &self.lesson.source;
        let line = source.line_of(claim.span.start) + mismatch.first_line;
        let last = source.line_of(claim.span.end);
        let mut finding = Finding::new(Code::WrongOutput, Location::line(source, line.min(last)), "the page shows another output than the code has");
        finding.comparison = Some(Comparison { expected: mismatch.expected, actual: mismatch.actual });
        let kind = if claim.block.is_some() { ClaimKind::Block } else { ClaimKind::Session };
        finding.claimed = Some(Claimed { span: claim.span, text: claim.text.clone(), actual, kind });
        self.add(finding);
        Ok(Outcome::Failed)
    }
}

impl Judge<'_> {
    /// Dates are no part of what is compared, since they are mostly today's; but one that the page's own code names is no clock's.
    fn dates(&self, claim: &str, actual: &str) -> Result<(), Mismatch> {
        let is_code = |block: &&Block| !matches!(block.role, Role::Output | Role::Foreign(_));
        let named = |numbers: &str| {
            let pattern =
                numbers.split(|letter: char| !letter.is_ascii_digit()).filter(|number| !number.is_empty()).map(|number| number.trim_start_matches('0'));
            let pattern = pattern.collect::<Vec<_>>().join(r"\D{1,3}0?");
            Regex::new(&pattern).is_ok_and(|pattern| self.lesson.blocks.iter().filter(is_code).any(|block| pattern.is_match(&block.body.text())))
        };
        let is_missing = |date: &&str| !claim.contains(*date) && named(date);
        if claim.contains("...") || !DATE.find_iter(actual).map(|date| date.as_str()).any(|date| is_missing(&date)) {
            return Ok(());
        }
        let first_line = claim.lines().position(|line| DATE.is_match(line)).unwrap_or_default();
        Err(Mismatch { expected: canonical(claim), actual: canonical(actual), first_line })
    }
}

/// Whether a step is a command that goes on in the background, as a server does.
fn goes_on(revision: &Revision, id: u32, record: &StepRecord) -> bool {
    let is_command = revision.job.steps.iter().any(|step| step.id == id && matches!(step.action, Action::Shell { .. }));
    is_command && record.status.is_none() && record.verdict == Some(Verdict::Passed)
}

/// Whether a claim holds: as it stands; as what a console shows of a text that is printed; or, where a program logs, without the lines of the log.
fn check(claim: &str, actual: &str) -> Result<(), Mismatch> {
    let Err(mismatch) = check_claim(claim, actual) else { return Ok(()) };
    let trimmed = claim.trim();
    let quoted = ['\'', '"'].iter().find_map(|quote| trimmed.strip_prefix(*quote).and_then(|rest| rest.strip_suffix(*quote)));
    if quoted.is_some_and(|inner| check_claim(inner, actual).is_ok()) {
        return Ok(());
    }
    // How Python 2 shows a text is not worth an alarm: the reader sees the same text. Nor is of which internal class an object is that shows none of its values.
    let (claim, actual) = (plain_objects(&UNICODE.replace_all(claim, "$1")), plain_objects(actual));
    if check_claim(&claim, &actual).is_ok() || SQL.is_match(&claim) && check_claim(&plain_sql(&claim), &plain_sql(&actual)).is_ok() {
        return Ok(());
    }
    let gapped: String = claim.lines().flat_map(|line| ["...\n", line, "\n"]).chain(["...\n"]).collect();
    if LOG.is_match(&actual) && check_claim(&gapped, &actual).is_ok() || holds_but_for_echo(&claim, &actual) { Ok(()) } else { Err(mismatch) }
}

/// Whether the claim is what was printed, with the statements that an engine logs around it. How a release words those is no claim about the code.
fn holds_but_for_echo(claim: &str, actual: &str) -> bool {
    let claim = canonical_lines(claim);
    let printed = without_log(actual);
    let printed = canonical_lines(&printed);
    let is_echo = |lines: &[&str]| lines.first().is_none_or(|first| ECHOED.is_match(first));
    let mut from = 0;
    let mut echoed = false;
    for line in &printed {
        let Some(at) = claim[from..].iter().position(|claimed| check_claim(claimed, line).is_ok()) else { return false };
        if !is_echo(&claim[from..from + at]) {
            return false;
        }
        echoed |= at > 0;
        from += at + 1;
    }
    (echoed || from < claim.len()) && is_echo(&claim[from..])
}

/// The lines that say something.
fn canonical_lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// What is left of an output without the records of a log. A record of an engine goes on over several lines if it is a statement.
fn without_log(actual: &str) -> String {
    let mut in_statement = false;
    let keep = |line: &&str| {
        let Some(record) = LOG.find(line) else { return !in_statement };
        let message = line[record.end()..].split_once(' ').map_or("", |(_, message)| message.trim());
        in_statement = message.is_empty() || STATEMENT.is_match(message);
        false
    };
    let kept: Vec<&str> = actual.lines().filter(keep).collect();
    kept.join("\n")
}

/// An expression without what releases of a library write differently around the same: brackets, quotes, doubled signs.
fn plain_sql(text: &str) -> String {
    text.replace(['(', ')', '"'], "").replace("%%", "%")
}

/// The text with every object that has no form of its own shown the same way: of which internal class it is says nothing to a reader.
fn plain_objects(text: &str) -> String {
    OBJECT.replace_all(text, "<object>").into_owned()
}

/// Everything that a reader sees of steps: what they print, and the last line of a traceback.
fn shown(records: &[&StepRecord]) -> String {
    let mut text = String::new();
    for record in records {
        let shell = record.status.is_some();
        for (stream, part, _) in &record.output {
            if *stream == Stream::Stdout || shell {
                text.push_str(part);
            }
        }
        for raised in &record.raised {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&last_line(raised));
            text.push('\n');
        }
    }
    text
}

/// The end of a traceback, as Python prints it: the dotted class but for built-in ones, and the message.
pub(super) fn last_line(raised: &Raised) -> String {
    let class =
        raised.bases.first().map_or(raised.class.as_str(), |base| base.strip_prefix("builtins.").or_else(|| base.strip_prefix("__main__.")).unwrap_or(base));
    if raised.message.is_empty() { class.to_owned() } else { format!("{class}: {}", raised.message) }
}

/// Add everything that a step printed and raised to the text that a snapshot holds.
pub(super) fn write_transcript(transcript: &mut String, record: &StepRecord) {
    for (_, text, _) in &record.output {
        transcript.push_str(text);
    }
    for raised in &record.raised {
        if !transcript.is_empty() && !transcript.ends_with('\n') {
            transcript.push('\n');
        }
        transcript.push_str(&last_line(raised));
        transcript.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_between_the_claimed_lines_is_no_difference() {
        let actual = "2026-11-23 01:20:23,232 INFO some.Engine BEGIN (implicit)\nmore of it\nUser(1)\n2026-11-23 01:20:23,232 INFO x\nUser(2)\n";
        assert!(check("User(1)\nUser(2)\n", actual).is_ok());
        assert!(check("User(2)\nUser(1)\n", actual).is_err());
        assert!(check("User(1)\n", "extra\nUser(1)\n").is_err());
    }

    #[test]
    fn statements_that_a_page_shows_as_echoed_are_no_claim_and_what_is_printed_is_one() {
        let log = "2026-11-23 01:20:23,232 INFO some.Engine ";
        let actual = format!("{log}SELECT a.id AS id \nFROM a\n{log}[generated in 0.1s] ('x',)\n(1, 'x')\n{log}COMMIT\n");
        let claim = "SELECT a.id AS id\n    FROM a\n    WHERE a.x\n('x',)\n(1, 'x')\n";
        assert!(check(claim, &actual).is_ok());
        assert!(check(&claim.replace("(1, 'x')", "(2, 'x')"), &actual).is_err());
        assert!(check("BEGIN (implicit)\nSELECT 1\n2\n", "2\n").is_ok());
        assert!(check("BEGIN (implicit)\nSELECT 1\n2\n", "3\n").is_err());
        assert!(check("SELECT 1\n", "SELECT 2\n").is_err());
        assert!(check("COMMIT\n", &format!("{log}ROLLBACK\n")).is_ok());
        assert!(check("one\n", &format!("{log}ROLLBACK\n")).is_err());
        assert!(check("a.x LIKE :x_1 || '%%'\n", "(a.x LIKE :x_1 || '%')\n").is_ok());
        assert!(check("a.x LIKE :x_1\n", "a.y LIKE :y_1\n").is_err());
    }

    #[test]
    fn the_class_of_an_object_that_shows_none_of_its_values_is_no_difference() {
        assert!(check("<a.Old object at 0x...>\n", "<b.New object at 0x7f40c26c7d20>\n").is_ok());
        assert!(check("<a.Old object at 0x...>\n", "(1,)\n").is_err());
    }

    #[test]
    fn python_2_marks_a_text_that_is_the_same() {
        assert!(check("[u'a', <User u'b'>]\n", "['a', <User 'b'>]\n").is_ok());
        assert!(check("u'a'\n", "'b'\n").is_err());
    }

    #[test]
    fn a_console_shows_a_printed_text_in_quotes() {
        assert!(check("'hello'\n", "hello\n").is_ok());
        assert!(check("'hello'\n", "other\n").is_err());
    }
}
