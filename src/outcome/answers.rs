//! What the application answered: written into the transcripts of the views' blocks, and held against what a `lab.toml` expects. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::engine::protocol::{Action, Response};
use crate::finding::{Code, Comparison, Finding, Location};
use crate::guide::Role;
use crate::guide::html::visible_text;
use crate::lab::Revision;
use crate::lab::requests::{Asked, has_all};
use crate::outcome::Outcome;
use crate::outcome::claims::last_line;
use crate::outcome::judge::Judge;
use crate::outcome::steps::StepRecord;

/// How much of an answer a transcript holds, in bytes: what a reader would look at, not a whole table of rows.
const SHOWN: usize = 4000;

impl Judge<'_> {
    /// Take up every answer of a revision's application that no line of the page asked for.
    pub(super) fn answers(&mut self, revision: &Revision, steps: &BTreeMap<u32, StepRecord>) {
        let mut asked = self.lab.requests.iter();
        for step in &revision.job.steps {
            let record = steps.get(&step.id);
            let responses = record.map_or(&[][..], |record| &record.responses);
            match step.action {
                Action::Probe { .. } | Action::Request(_) => responses.iter().for_each(|response| self.transcribe(revision, response)),
                _ => {}
            }
            if let Action::Request(_) = step.action
                && let Some(asked) = asked.next()
                && let Some(record) = record.filter(|record| record.began)
            {
                self.expect(revision, asked, record);
            }
        }
    }

    /// Whether a step asks for a server error, so that one is no finding.
    pub(super) fn wants_an_error(&self, revision: &Revision, id: u32) -> bool {
        let requests = revision.job.steps.iter().filter(|step| matches!(step.action, Action::Request(_)));
        let asked = requests.zip(&self.lab.requests).find(|(step, _)| step.id == id);
        asked.is_some_and(|(_, asked)| asked.expects.status.is_some_and(|status| status >= 500))
    }

    /// The block whose view answered, if the page has it.
    fn view_block(&self, response: &Response) -> Option<usize> {
        let (file, line) = response.view.as_ref()?;
        let source = &self.lesson.source;
        let holds = |block: &crate::guide::Block| {
            let span = block.span();
            (source.line_of(span.start)..=source.line_of(span.end)).contains(line)
        };
        (file == source.path()).then(|| self.lesson.blocks.iter().position(holds)).flatten()
    }

    /// The last block of code that a revision judges.
    fn last_code(&self, revision: &Revision) -> Option<usize> {
        revision.blocks.iter().copied().rfind(|&block| matches!(self.lesson.blocks[block].role, Role::Python | Role::Console))
    }

    /// Write an answer into the transcript of the block whose view gave it. A view of an earlier revision was told there, unless it answers something else now.
    fn transcribe(&mut self, revision: &Revision, response: &Response) {
        let text = described(response);
        let own = self.view_block(response);
        let block = own.filter(|block| revision.blocks.contains(block)).or_else(|| self.last_code(revision));
        let Some(block) = block else { return };
        let is_told = |other: &crate::outcome::BlockOutcome| other.transcript.as_deref().is_some_and(|told| told.contains(&text));
        if own != Some(block) && self.judged.blocks.iter().any(is_told) {
            return;
        }
        if let Some(transcript) = &mut self.judged.blocks[block].transcript {
            if !transcript.is_empty() && !transcript.ends_with('\n') {
                transcript.push('\n');
            }
            transcript.push_str(&text);
        }
    }

    /// Hold what came back against what a request of the `lab.toml` expects.
    fn expect(&mut self, revision: &Revision, asked: &Asked, record: &StepRecord) {
        let request = asked.request();
        let what = format!("{} {}", request.method, request.path);
        let unmet = match record.responses.last() {
            None => {
                let why = record.raised.last().map_or_else(|| "nothing came back".to_owned(), last_line);
                vec![(Code::HttpError, format!("{what} is not answered: {why}"), None)]
            }
            Some(response) => unmet(&what, asked, response),
        };
        let block = record.responses.last().and_then(|response| self.view_block(response)).or_else(|| self.last_code(revision));
        let Some(block) = block.or_else(|| revision.blocks.last().copied()) else { return };
        let source = &self.lesson.source;
        let line = source.line_of(self.lesson.blocks[block].span().start);
        let view = record.responses.last().and_then(|response| response.view.as_ref()).filter(|(file, _)| file == source.path());
        let location = Location::line(source, view.map_or(line, |(_, line)| *line));
        // A server error was told with its exception; what was expected instead only follows from it.
        let because =
            self.judged.findings.iter().position(|finding| finding.code == Code::HttpError && finding.message.starts_with(&format!("{what} answers 5")));
        for (code, message, comparison) in unmet {
            let mut finding = Finding::new(code, location.clone(), message);
            finding.because = because;
            finding.comparison = comparison;
            finding.help = Some(format!("the request is on line {} of the page's lab.toml: mend the page, or what the lab.toml expects", asked.line.max(1)));
            self.add(finding);
            self.worsen(block, Outcome::Failed);
        }
    }
}

/// What of an answer is not as expected: the code, a message, and the two texts where there are two.
fn unmet(what: &str, asked: &Asked, response: &Response) -> Vec<(Code, String, Option<Comparison>)> {
    let expects = &asked.expects;
    let came = match &response.location {
        Some(location) => format!("{what} answers {} to {location}", response.status),
        None => format!("{what} answers {}", response.status),
    };
    match expects.status {
        Some(status) if status != response.status => return vec![(Code::HttpError, format!("{came}, and its lab.toml expects {status}"), None)],
        None if response.status >= 500 => return vec![(Code::HttpError, came, None)],
        _ => {}
    }
    let mut found = Vec::new();
    for (name, value) in &expects.header {
        let actual = response.headers.get(&name.to_lowercase());
        if actual != Some(value) {
            let compared = Comparison { expected: format!("{name}: {value}"), actual: actual.map_or_else(String::new, |actual| format!("{name}: {actual}")) };
            found.push((Code::WrongOutput, format!("{what} answers without the header field that its lab.toml expects"), Some(compared)));
        }
    }
    if let Some(expected) = &expects.json {
        let actual = serde_json::from_str::<Value>(&response.text).ok();
        if !actual.as_ref().is_some_and(|actual| has_all(expected, actual)) {
            let compared = Comparison { expected: pretty(expected), actual: actual.as_ref().map_or_else(|| seen(response), pretty) };
            found.push((Code::WrongOutput, format!("{what} answers other JSON than its lab.toml expects"), Some(compared)));
        }
    }
    let (visible, raw) = (folded(&seen(response)), folded(&response.text));
    for text in expects.text.iter().flat_map(|field| field.values()) {
        if !visible.contains(&folded(text)) && !raw.contains(&folded(text)) {
            let compared = Comparison { expected: text.clone(), actual: capped(&seen(response)) };
            found.push((Code::WrongOutput, format!("{what} answers without the text that its lab.toml expects"), Some(compared)));
        }
    }
    found
}

/// An answer as a transcript holds it: what was asked, the status, the type, and the text as a reader sees it.
fn described(response: &Response) -> String {
    let mut text = format!("{} {} -> {}", response.method, response.path, response.status);
    if !response.mimetype.is_empty() {
        text.push(' ');
        text.push_str(&response.mimetype);
    }
    if let Some(location) = &response.location {
        text.push_str(&format!(" to {location}"));
    }
    text.push('\n');
    // The body of a redirect is the framework's own, and so is its page for an error that the application has none for.
    let seen = seen(response);
    let own = response.location.is_none() && !seen.starts_with("Internal Server Error\nThe server encountered an internal error");
    let body = if own { capped(seen.trim_end()) } else { String::new() };
    if !body.is_empty() {
        text.push_str(&body);
        text.push('\n');
    }
    text
}

/// The text of an answer as a reader sees it: without tags, and JSON with its members in order.
pub(super) fn seen(response: &Response) -> String {
    if response.mimetype == "text/html" {
        return visible_text(&response.text);
    }
    if response.mimetype.ends_with("json")
        && let Ok(value) = serde_json::from_str::<Value>(&response.text)
    {
        return pretty(&value);
    }
    response.text.clone()
}

fn pretty(value: &Value) -> String {
    // Members of an object are kept sorted; a value that came from text can be written as text again.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn capped(text: &str) -> String {
    if text.len() <= SHOWN {
        return text.to_owned();
    }
    let end = (0..=SHOWN).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}\n[and {} bytes more]", text[..end].trim_end(), text.len() - end)
}

/// White space does not count.
pub(super) fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::requests::{Expected, Field};

    fn answer(status: u16, mimetype: &str, text: &str) -> Response {
        let headers = BTreeMap::from([("vary".to_owned(), "Cookie".to_owned())]);
        Response {
            method: "GET".into(),
            path: "/x".into(),
            status,
            mimetype: mimetype.into(),
            location: None,
            headers,
            text: text.into(),
            endpoint: None,
            view: None,
        }
    }

    #[test]
    fn a_transcript_shows_what_a_reader_sees() {
        let page = answer(200, "text/html", "<title>t</title><h1>Hello,\n <b>you</b></h1>\n<p>there</p>");
        assert_eq!(described(&page), "GET /x -> 200 text/html\nHello, you\nthere\n");
        assert_eq!(
            described(&answer(200, "application/json", "{\"b\":1,\"a\":[2]}")),
            "GET /x -> 200 application/json\n{\n  \"a\": [\n    2\n  ],\n  \"b\": 1\n}\n"
        );
        let moved = Response { location: Some("/login".into()), ..answer(302, "text/html", "Redirecting...") };
        assert_eq!(described(&moved), "GET /x -> 302 text/html to /login\n");
        assert_eq!(described(&answer(204, "", "")), "GET /x -> 204\n");
        assert!(described(&answer(200, "text/plain", &"é".repeat(3000))).ends_with("\n[and 2000 bytes more]\n"));
    }

    #[test]
    fn what_is_not_as_expected_is_named() {
        let asked = |expects: Expected| Asked { path: "/x".into(), expects, ..Asked::default() };
        let texts = |expects: Expected, response: &Response| {
            unmet("GET /x", &asked(expects), response).into_iter().map(|(code, message, _)| format!("{}: {message}", code.word())).collect::<Vec<_>>()
        };
        let page = answer(200, "text/html", "<p>Hello, <b>you</b></p>");
        assert_eq!(texts(Expected { status: Some(200), text: Some(Field::One("Hello, you".into())), ..Expected::default() }, &page), [""; 0]);
        assert_eq!(texts(Expected { status: Some(404), ..Expected::default() }, &page), ["http-error: GET /x answers 200, and its lab.toml expects 404"]);
        assert_eq!(
            texts(Expected { text: Some(Field::Many(vec!["you".into(), "them".into()])), ..Expected::default() }, &page),
            ["wrong-output: GET /x answers without the text that its lab.toml expects"]
        );
        assert_eq!(
            texts(Expected { json: Some(serde_json::json!({"a": 1})), ..Expected::default() }, &page),
            ["wrong-output: GET /x answers other JSON than its lab.toml expects"]
        );
        let header = |value: &str| Expected { header: BTreeMap::from([("Vary".to_owned(), value.to_owned())]), ..Expected::default() };
        assert_eq!(texts(header("Cookie"), &page), [""; 0]);
        assert_eq!(texts(header("Accept"), &page), ["wrong-output: GET /x answers without the header field that its lab.toml expects"]);
        assert_eq!(texts(Expected::default(), &answer(503, "", "")), ["http-error: GET /x answers 503"]);
    }
}
