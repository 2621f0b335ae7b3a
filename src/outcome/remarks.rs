//! What comments and prose say about outputs, held against what was printed and answered. Pure.
//!
//! A claim is held only against something: a line that printed nothing, or a block that nothing is known about, makes nobody a liar.

use std::collections::BTreeMap;

use crate::engine::protocol::{Response, Stream};
use crate::finding::{ClaimKind, Claimed, Code, Comparison, Finding, Location};
use crate::lab::Revision;
use crate::lab::claims::{CommentClaim, Form, ProseClaim};
use crate::outcome::Outcome;
use crate::outcome::answers::{folded, seen};
use crate::outcome::judge::Judge;
use crate::outcome::steps::StepRecord;
use crate::python::Value;
use crate::snapshot::matching::check_claim;

/// How much of an output is shown beside a claim, in bytes.
const SHOWN: usize = 1000;

impl Judge<'_> {
    /// Hold what the page says in words about a block's output against it.
    pub(super) fn remarks(&mut self, revision: &Revision, steps: &BTreeMap<u32, StepRecord>, block: usize) {
        if self.lesson.blocks[block].directive("raises").is_some() || !matches!(self.judged.blocks[block].outcome, Some(Outcome::Passed)) {
            return;
        }
        let own: Vec<u32> = revision.origins.iter().filter(|(_, origin)| origin.judged && origin.block == Some(block)).map(|(id, _)| *id).collect();
        if own.iter().any(|&id| revision.rests_on_assumption(id)) {
            return;
        }
        let printed: String = own.iter().filter_map(|id| steps.get(id)).map(stdout).collect();
        for claim in self.lab.comment_claims.iter().filter(|claim| claim.of == block) {
            let line = printed_at(claim, steps);
            if !line.is_empty() && !comment_holds(claim, &line, &printed) {
                let finding = self.wrong(claim.span, "the comment says another output than its line has", &claim.text, &line);
                let claimed = Claimed { span: claim.span, text: claim.text.clone(), actual: line, kind: ClaimKind::Comment };
                self.tell(block, Finding { claimed: Some(claimed), ..finding });
            }
        }
        let everything: String = own.iter().filter_map(|id| steps.get(id)).flat_map(|step| &step.output).map(|(_, text, _)| text.as_str()).collect();
        for claim in self.lab.prose_claims.iter().filter(|claim| claim.of == block) {
            let answers: Vec<&Response> = steps.values().flat_map(|step| &step.responses).collect();
            if let Some(came) = missing(claim, &everything, &answers) {
                let elsewhere = steps.values().flat_map(|step| &step.output).map(|(_, text, _)| text.as_str()).collect::<String>();
                if !folded(&elsewhere).contains(&folded(&claim.text)) {
                    let finding = self.wrong(claim.span, "the text says that this is seen, and it is not", &claim.text, &came);
                    self.tell(block, finding);
                }
            }
        }
    }

    fn wrong(&self, span: crate::source::Span, message: &str, expected: &str, actual: &str) -> Finding {
        let mut finding = Finding::new(Code::WrongOutput, Location::new(&self.lesson.source, span), message);
        let end = (0..=actual.len().min(SHOWN)).rev().find(|&end| actual.is_char_boundary(end)).unwrap_or(0);
        finding.comparison = Some(Comparison { expected: expected.to_owned(), actual: actual[..end].trim_end().to_owned() });
        finding
    }

    fn tell(&mut self, block: usize, finding: Finding) {
        self.add(finding);
        self.worsen(block, Outcome::Failed);
    }
}

fn stdout(step: &StepRecord) -> String {
    step.output.iter().filter(|(stream, ..)| *stream == Stream::Stdout).map(|(_, text, _)| text.as_str()).collect()
}

/// What the `print` of a comment printed.
fn printed_at(claim: &CommentClaim, steps: &BTreeMap<u32, StepRecord>) -> String {
    let output = steps.values().flat_map(|step| &step.output);
    let (first, last) = claim.lines;
    let own = output.filter(|(stream, _, line)| *stream == Stream::Stdout && line.is_some_and(|line| (first..=last).contains(&line)));
    own.map(|(_, text, _)| text.as_str()).collect()
}

/// Whether a comment tells the truth about what its line, or for one below its line the whole block, printed; also where nothing can be said.
fn comment_holds(claim: &CommentClaim, line: &str, block: &str) -> bool {
    let is_same = |text: &str, actual: &str| check_claim(text, actual).is_ok() || squashed(text) == squashed(actual);
    if is_same(&claim.text, line) || claim.below && has_lines(block, &claim.text) {
        return true;
    }
    match &claim.form {
        Form::Whole | Form::Object | Form::Value(Value::Plain) => false,
        Form::Value(Value::Text(inner)) => is_same(inner, line),
        Form::Value(Value::Set) => sorted(&claim.text) == sorted(line),
        Form::Words => !contradicts(&claim.text, line),
    }
}

/// Whether words that are no value are plainly meant as this output, and are not it: most of them are in it.
fn contradicts(text: &str, actual: &str) -> bool {
    let (said, came) = (folded(text), folded(actual));
    if said.contains(&came) || came.contains(&said) {
        return false;
    }
    let words = |text: &str| text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (said, came) = (words(text), words(actual));
    let shared = said.iter().filter(|word| came.contains(word)).count();
    said.len() >= 2 && shared * 2 >= said.len() && came.len() <= said.len() * 2
}

/// Without what people leave out or write otherwise in a comment: white space, the kind of quotes, a comma before a bracket.
fn squashed(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| if c == '"' { '\'' } else { c }).collect();
    plain.replace(",)", ")").replace(",]", "]").replace(",}", "}")
}

fn sorted(text: &str) -> Vec<String> {
    let squashed = squashed(text);
    let mut items: Vec<String> = squashed.trim_matches(['{', '}']).split(',').map(str::to_owned).collect();
    items.sort();
    items
}

/// Whether an output has these lines one after the other.
fn has_lines(output: &str, lines: &str) -> bool {
    let (output, lines): (Vec<String>, Vec<String>) = (output.lines().map(squashed).collect(), lines.lines().map(squashed).collect());
    !lines.is_empty() && output.windows(lines.len()).any(|window| window == lines)
}

/// What came instead of a text that is to be seen; `None` if it came, or if nothing came that it could be about.
fn missing(claim: &ProseClaim, printed: &str, answers: &[&Response]) -> Option<String> {
    let text = folded(&claim.text);
    let has = |actual: &str| folded(actual).contains(&text);
    if has(printed) || answers.iter().any(|answer| has(&seen(answer)) || has(&answer.text)) || printed.contains("Running on http") {
        return None;
    }
    let asked: Vec<&&Response> = match claim.paths.as_slice() {
        // A sentence that names no path speaks of what was printed, or else of the only path that was asked for.
        [] if !printed.trim().is_empty() => Vec::new(),
        [] if answers.iter().all(|answer| (&answer.method, &answer.path) == (&answers[0].method, &answers[0].path)) => answers.iter().collect(),
        [] => Vec::new(),
        paths => answers.iter().filter(|answer| paths.contains(&answer.path)).collect(),
    };
    let answered = asked.last().map(|answer| seen(answer)).filter(|text| !text.trim().is_empty());
    if !printed.trim().is_empty() {
        return answered.is_none().then(|| printed.to_owned());
    }
    answered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    fn holds(text: &str, form: Form, line: &str) -> bool {
        let claim = CommentClaim { of: 0, lines: (1, 1), span: Span::default(), text: text.to_owned(), form, below: false };
        comment_holds(&claim, line, line)
    }

    #[test]
    fn a_value_must_be_what_was_printed() {
        let plain = || Form::Value(Value::Plain);
        assert!(holds("3", plain(), "3\n"));
        assert!(!holds("3", plain(), "4\n"));
        assert!(holds("[1,2]", plain(), "[1, 2]\n"));
        assert!(holds("{\"a\": 1}", plain(), "{'a': 1}\n"));
        assert!(holds("{2, 1}", Form::Value(Value::Set), "{1, 2}\n"));
        assert!(!holds("{2, 3}", Form::Value(Value::Set), "{1, 2}\n"));
        let text = || Form::Value(Value::Text("x y".to_owned()));
        assert!(holds("\"x y\"", text(), "x y\n"));
        assert!(holds("\"x y\"", text(), "'x y'\n"));
        assert!(!holds("\"x y\"", text(), "x z\n"));
        assert!(holds("<User 1>", Form::Object, "<User 1>\n") && !holds("<User 1>", Form::Object, "<User 2>\n"));
        assert!(holds("1\n2", Form::Whole, "1\n2\n") && !holds("1\n2", Form::Whole, "1\n3\n"));
    }

    #[test]
    fn words_contradict_only_what_they_plainly_speak_of() {
        assert!(!holds("Hello, Bob", Form::Words, "Hello, Alice\n"));
        assert!(holds("Hello Alice twice", Form::Words, "Hello Alice\n"));
        assert!(holds("the list of users", Form::Words, "[<User 1>]\n"));
        assert!(holds("Hello", Form::Words, "Hello, Alice\n"));
    }

    #[test]
    fn a_comment_below_may_speak_of_several_lines() {
        let claim = CommentClaim { of: 0, lines: (2, 2), span: Span::default(), text: "a\nb".to_owned(), form: Form::Words, below: true };
        assert!(comment_holds(&claim, "b\n", "x\na\nb\n"));
        assert!(!comment_holds(&claim, "b c\n", "x\na\nb c\n"));
    }

    #[test]
    fn prose_is_held_against_what_came() {
        let said = |paths: &[&str]| ProseClaim {
            of: 0,
            span: Span::default(),
            text: "Hello there".to_owned(),
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
        };
        let answer = |path: &str, text: &str| Response {
            method: "GET".into(),
            path: path.into(),
            status: 200,
            mimetype: "text/html".into(),
            location: None,
            headers: BTreeMap::new(),
            text: text.into(),
            endpoint: None,
            view: None,
        };
        let (other, right) = (answer("/", "<p>Bye</p>"), answer("/", "<p>Hello\n <b>there</b></p>"));
        assert_eq!(missing(&said(&[]), "", &[]), None);
        assert_eq!(missing(&said(&[]), "", &[&right]), None);
        assert_eq!(missing(&said(&[]), "", &[&other]), Some("Bye".to_owned()));
        assert_eq!(missing(&said(&[]), "out\n", &[]), Some("out\n".to_owned()));
        assert_eq!(missing(&said(&[]), "well, Hello there\n", &[]), None);
        assert_eq!(missing(&said(&[]), "out\n", &[&other]), Some("out\n".to_owned()));
        assert_eq!(missing(&said(&["/"]), "", &[&other]), Some("Bye".to_owned()));
        assert_eq!(missing(&said(&["/hi"]), "", &[&other]), None);
        assert_eq!(missing(&said(&[]), "", &[&other, &answer("/b", "x")]), None);
        assert_eq!(missing(&said(&["/x"]), "out\n", &[&other]), Some("out\n".to_owned()));
    }
}
