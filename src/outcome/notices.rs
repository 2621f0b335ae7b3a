//! What a run says beside exceptions: deprecations, lines never reached, and runs that ended before their steps did. Part of `judge`; pure.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::engine::protocol::{Action, Ending, Run, Warning};
use crate::finding::{Code, Finding, Location};
use crate::lab::{Origin, Revision};
use crate::outcome::Outcome;
use crate::outcome::classify::frame_location;
use crate::outcome::commands::kind;
use crate::outcome::judge::{Judge, outcome_of};
use crate::outcome::services::{described, refused_in};
use crate::outcome::steps::StepRecord;
use crate::source::Span;

/// A command that serves until it is stopped, or may.
static SERVES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\bflask\b[^|;&]*\brun\b|\b(gunicorn|uvicorn|waitress-serve|http\.server)\b|\bcelery\b.*\bworker\b|\bpython3?\s+\S+\.py\b")
        .expect("the pattern is a constant")
});

/// How long something took.
static TOOK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r" (in \d+\.\d+s|after \d+ ms)\b").expect("the pattern is a constant"));

/// What a run's end says of its lesson, if it is bad.
fn reason(ending: &Ending) -> Option<(Code, String)> {
    Some(match ending {
        Ending::Timeout => (Code::Timeout, "did not end within its time limit".to_owned()),
        Ending::Memory => (Code::Memory, "used more memory than its limit".to_owned()),
        Ending::Output => (Code::OutputLimit, "printed more than its limit".to_owned()),
        Ending::Signal { signal } => (Code::Killed, format!("its process was ended by signal {signal}")),
        Ending::Exited { status } => (Code::Killed, format!("it ended its own process with status {status}")),
        Ending::Finished | Ending::Cancelled | Ending::NoService { .. } => return None,
    })
}

impl Judge<'_> {
    pub(super) fn ended(&mut self, revision: &Revision, id: u32, run: &Run, record: &StepRecord, block: usize, origin: &Origin) {
        if let Ending::NoService { service, why } = &run.ending {
            return self.unserved(service, why, block);
        }
        let Some((code, message)) = reason(&run.ending) else { return self.worsen(block, Outcome::Blocked) };
        let span = origin.span.unwrap_or_else(|| self.lesson.blocks[block].span());
        if !record.began {
            return self.worsen(block, Outcome::Blocked);
        }
        let serves = revision.job.steps.iter().any(|step| step.id == id && matches!(&step.action, Action::Shell { command, .. } if SERVES.is_match(command)));
        let code = if serves { Code::Unsupplied } else { code };
        self.add(Finding::new(code, Location::line(&self.lesson.source, self.lesson.source.line_of(span.start)), message));
        self.worsen(block, outcome_of(code));
    }

    /// A run that ended badly although each of its steps is over: a child of theirs took the memory, or what they left running printed on.
    pub(super) fn ended_late(&mut self, revision: &Revision, run: &Run, steps: &BTreeMap<u32, StepRecord>) {
        let judged = || revision.origins.iter().filter(|(_, origin)| origin.judged && origin.block.is_some());
        let over = judged().all(|(id, _)| steps.get(id).is_some_and(|record| record.verdict.is_some()));
        let (Some((code, message)), Some((_, origin)), true) = (reason(&run.ending), judged().next_back(), over) else { return };
        let Some(block) = origin.block else { return };
        let span = origin.span.unwrap_or_else(|| self.lesson.blocks[block].span());
        self.add(Finding::new(code, Location::line(&self.lesson.source, self.lesson.source.line_of(span.start)), format!("{message}, after its last step")));
        self.worsen(block, outcome_of(code));
    }

    /// Nothing ran, for want of a service: said once, at the first block that needed it.
    fn unserved(&mut self, service: &str, why: &str, block: usize) {
        self.worsen(block, Outcome::Incomplete);
        let message = format!("the lab asks for {}, which cannot be had here", described(service));
        if !self.judged.findings.iter().any(|finding| finding.code == Code::MissingService && finding.message == message) {
            let location = Location::line(&self.lesson.source, self.lesson.source.line_of(self.lesson.blocks[block].span().start));
            self.add(Finding::new(Code::MissingService, location, message).with_help(why));
        }
    }

    pub(super) fn command_failed(&mut self, revision: &Revision, record: &StepRecord, block: usize, origin: &Origin, id: u32) {
        let command = revision.job.steps.iter().find(|step| step.id == id).and_then(|step| match &step.action {
            Action::Shell { command, .. } => Some(command.lines().next().unwrap_or_default().to_owned()),
            _ => None,
        });
        let shown: String = record.output.iter().map(|(_, text, _)| text.as_str()).collect();
        let last = shown.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        // How long it took differs from run to run; a test runner draws a line around it.
        let last = TOOK.replace_all(last, "").trim_matches(['=', ' ']).to_owned();
        let unserved = refused_in(&shown).and_then(|service| Some((service, self.unserved.get(service)?.clone())));
        if let Some((service, why)) = unserved {
            return self.unserved(service, &why, block);
        }
        let Some(code) = kind(self.lesson, self.lab, revision, id, block, &shown) else { return };
        let status = record.status.map_or_else(|| "did not work".to_owned(), |status| format!("ended with status {status}"));
        let message = format!("`{}` {status}{}{last}", command.unwrap_or_default(), if last.is_empty() { "" } else { ": " });
        let span = origin.span.unwrap_or_default();
        let outcome = outcome_of(code);
        self.add(Finding::new(code, Location::line(&self.lesson.source, self.lesson.source.line_of(span.start)), message));
        self.worsen(block, outcome);
    }

    pub(super) fn warnings(&mut self, record: &StepRecord, origin: &Origin) {
        for warning in &record.warnings {
            let deprecated = warning.bases.iter().any(|base| base == "DeprecationWarning" || base == "PendingDeprecationWarning")
                || warning.category.ends_with("DeprecationWarning");
            if !deprecated || inside_an_import(warning) {
                continue;
            }
            let Some(location) = frame_location(&warning.frames, self.lesson, origin.span) else { continue };
            if !self.told.insert((Code::Deprecated, location.span.start, warning.category.clone())) {
                continue;
            }
            let mut finding = Finding::new(Code::Deprecated, location, format!("{}: {}", warning.category, first_sentence(&warning.message)));
            if let Some((related, module)) = self.import_of(&finding.location) {
                finding = finding.with_related(related, format!("imported from {module} here"));
            }
            self.add(finding);
        }
    }

    /// The import that binds the name which stands first at a location, and the module it comes from.
    fn import_of(&self, location: &Location) -> Option<(Location, String)> {
        let text = self.lesson.source.slice(location.span);
        let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let (span, module) = self
            .lab
            .imports
            .iter()
            .rev()
            .find(|import| import.name == name && import.span.start < location.span.start)
            .map(|import| (import.span, import.module.clone()))?;
        Some((Location::new(&self.lesson.source, span), module))
    }

    pub(super) fn missed(&mut self, record: &StepRecord) {
        for (first, last) in &record.missed {
            let source = &self.lesson.source;
            let span = Span::new(Location::line(source, *first).span.start, source.line_span(*last).end);
            let (lines, them) = if first == last { (format!("line {first}"), "it") } else { (format!("lines {first} to {last}"), "them") };
            if self.told.insert((Code::NotReached, span.start, String::new())) {
                self.add(Finding::new(Code::NotReached, Location::new(source, span), format!("{lines} never ran, so nothing is known about {them}")));
            }
        }
    }

    pub(super) fn add(&mut self, finding: Finding) -> usize {
        self.judged.findings.push(finding);
        self.judged.findings.len() - 1
    }
}

/// The first sentence of a warning, without the references that its package adds.
fn first_sentence(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = line.find(" (Background on").unwrap_or(line.len());
    line[..cut].trim().to_owned()
}

/// Whether a warning comes from a library's own top level while it is being imported: nothing that the page can change.
fn inside_an_import(warning: &Warning) -> bool {
    warning.frames.last().is_some_and(|frame| frame.function == "<module>" && !frame.module.is_empty() && frame.module != "__main__")
        && warning.frames.iter().any(|frame| frame.module.starts_with("importlib") || frame.file.contains("importlib"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_told_from_a_command_that_ends() {
        for server in ["flask --app hello run --debug", "gunicorn -w 4 hello:app", "python app.py"] {
            assert!(SERVES.is_match(server), "{server}");
        }
        for command in ["flask routes", "flask --app x init-db", "pytest"] {
            assert!(!SERVES.is_match(command), "{command}");
        }
    }
}
