//! Sessions as SQLAlchemy's documentation shows them: `{execsql}`, `{sql}` and their like open what the engine logs, `{stop}` closes it, `{printsql}` marks what is printed.
//! No reader types or sees those marks, and the log is nothing that the code prints. It only ever leaves lines out.

use crate::guide::{Body, BodyLine};
use crate::source::Span;

/// Marks behind which stands what the engine logs.
const LOGGED: [&str; 2] = ["{execsql}", "{opensql}"];
/// A mark before a statement whose log follows it.
const FOLDED: &str = "{sql}";
/// A mark before what the code prints.
const PRINTED: &str = "{printsql}";
/// The mark behind either.
const STOP: &str = "{stop}";

/// The body without the marks and what they hide. A body without marks, or whose braces are Python's, stays as it is: it must say that it `displays_sql`, or close what it opens.
pub(super) fn without_echo(body: Body, displays_sql: bool) -> Body {
    let has = |mark: &str| body.lines.iter().any(|line| line.text.contains(mark));
    let marked = has(STOP) || has(PRINTED) || LOGGED.iter().any(|mark| has(mark)) || displays_sql && has(FOLDED);
    if !marked {
        return body;
    }
    let (mut lines, mut state) = (Vec::new(), State::Shown);
    for line in &body.lines {
        lines.extend(state.read(line));
    }
    while lines.last().is_some_and(|line: &BodyLine| line.text.trim().is_empty()) {
        lines.pop();
    }
    Body { lines }
}

/// The body of a block that shows nothing but the log, without the marks.
pub(super) fn log(body: &Body) -> Body {
    let marks = LOGGED.iter().chain([&FOLDED, &PRINTED, &STOP]);
    let unmarked = |line: &BodyLine| BodyLine { text: marks.clone().fold(line.text.clone(), |text, mark| text.replace(mark, "")), span: line.span };
    let lines = body.lines.iter().map(unmarked).filter(|line| !line.text.trim().is_empty());
    Body { lines: lines.collect() }
}

/// Whether text behind a mark is a statement of Python: SQL is written in capitals, and parameters in brackets.
fn is_statement(text: &str) -> bool {
    let word = text.trim_start().split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or("");
    word.chars().any(char::is_lowercase)
}

/// What the lines are at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Code and what it prints.
    Shown,
    /// The statement whose log follows: its first line, those with a prompt, and those that it goes on over by its brackets, of which so many are open, or a
    /// backslash.
    Statement(i32, bool),
    /// What the engine logs.
    Logged,
}

impl State {
    /// Behind a line of a statement, before which so many brackets were open.
    fn statement(line: &str, open: i32) -> Self {
        let count = |brackets: [char; 3]| i32::try_from(line.matches(brackets).count()).unwrap_or(0);
        let code = line.trim_start();
        // What has a prompt says by its prompts how far it goes.
        let typed = code.starts_with(">>>") || code.starts_with("...");
        if typed { Self::Statement(0, false) } else { Self::Statement(open + count(['(', '[', '{']) - count([')', ']', '}']), line.trim_end().ends_with('\\')) }
    }

    /// What is left of a line.
    fn read(&mut self, line: &BodyLine) -> Option<BodyLine> {
        let mut rest = Cut { text: line.text.clone(), span: line.span };
        if let Self::Statement(open, goes_on) = *self
            && !rest.text.starts_with("...")
        {
            if open > 0 || goes_on {
                *self = Self::statement(&rest.text, open);
                return Some(BodyLine { text: rest.text, span: rest.span });
            }
            *self = Self::Logged;
        }
        if *self == Self::Logged {
            if rest.text.starts_with(">>>") {
                *self = Self::Shown;
            } else if !rest.drop_through(STOP) {
                return None;
            } else {
                *self = Self::Shown;
                if rest.text.is_empty() {
                    return None;
                }
            }
        }
        if rest.take(FOLDED) {
            *self = Self::statement(&rest.text, 0);
        }
        for mark in LOGGED {
            if let Some(at) = rest.text.find(mark) {
                if is_statement(&rest.text[at + mark.len()..]) {
                    rest.take(mark);
                    *self = Self::statement(&rest.text, 0);
                    continue;
                }
                *self = if rest.text[at..].contains(STOP) { Self::Shown } else { Self::Logged };
                rest.keep(at);
                if rest.text.trim().is_empty() {
                    return None;
                }
            }
        }
        let printed = rest.take(PRINTED);
        if rest.take(STOP) | printed && rest.text.trim().is_empty() {
            return None;
        }
        Some(BodyLine { text: rest.text, span: rest.span })
    }
}

/// A line that is being cut. As long as it is cut at its ends only, its span follows.
struct Cut {
    text: String,
    span: Span,
}

impl Cut {
    /// Take a mark out, and say whether it was there.
    fn take(&mut self, mark: &str) -> bool {
        let Some(at) = self.text.find(mark) else { return false };
        self.text.replace_range(at..at + mark.len(), "");
        if at == 0 {
            self.span = Span::new((self.span.start + mark.len()).min(self.span.end), self.span.end);
        }
        true
    }

    /// Drop everything up to the end of a mark, and say whether it was there.
    fn drop_through(&mut self, mark: &str) -> bool {
        let Some(at) = self.text.find(mark) else { return false };
        let end = at + mark.len();
        self.text.replace_range(..end, "");
        self.span = Span::new((self.span.start + end).min(self.span.end), self.span.end);
        true
    }

    /// Keep only the first bytes.
    fn keep(&mut self, bytes: usize) {
        self.text.truncate(bytes);
        self.span = Span::new(self.span.start, (self.span.start + bytes).min(self.span.end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn cut(text: &str) -> String {
        let source = Source::new("a.rst", text);
        let body = Body::of_spans(&source, (1..=source.line_count()).map(|line| source.line_span(line)));
        without_echo(body, false).text()
    }

    #[test]
    fn what_the_engine_logs_is_left_out_and_what_is_printed_stays() {
        let text = ">>> with Session(engine) as session:\n...     session.commit()\n{execsql}BEGIN (implicit)\nCOMMIT\n{stop}\n>>> print(q)\n{printsql}SELECT 1{stop}\n>>> q.first()\n{execsql}SELECT 1\n[...] ()\n{stop}1\n";
        assert_eq!(cut(text), ">>> with Session(engine) as session:\n...     session.commit()\n>>> print(q)\nSELECT 1\n>>> q.first()\n1\n");
    }

    #[test]
    fn a_folded_statement_stays_and_its_log_goes() {
        let text = "{sql}>>> for row in q:\n...     print(row)\nSELECT 1\n...\n{stop}one\n>>> 2\n2\n";
        assert_eq!(cut(text), ">>> for row in q:\n...     print(row)\none\n>>> 2\n2\n");
    }

    #[test]
    fn a_mark_of_the_log_may_stand_before_its_statement() {
        assert_eq!(cut("{opensql}query.all()\nSELECT 1\n{stop}\n"), "query.all()\n");
        assert_eq!(cut("{sql}query.\\\n    filter(\n    1).\\\n  all()\nSELECT 1\n{stop}\nx = 1\n"), "query.\\\n    filter(\n    1).\\\n  all()\nx = 1\n");
        let source = Source::new("a.rst", "{opensql}\nSELECT 1{stop}\n");
        let body = Body::of_spans(&source, (1..=2).map(|line| source.line_span(line)));
        assert_eq!(without_echo(body.clone(), true).text(), "");
        assert_eq!(log(&body).text(), "SELECT 1\n");
    }

    #[test]
    fn braces_of_python_stay() {
        let text = "x = f\"EXPLAIN {sql}\"\n";
        assert_eq!(cut(text), text);
    }
}
