//! What a page says in words about an output: comments behind a `print`, and prose straight after a block. Part of `Lesson --lab::assemble--> Lab`. Pure; it decides
//! by form alone, and where the form leaves a doubt there is no claim: a false alarm is worse than a claim that nobody holds against anything.

use std::sync::LazyLock;

use regex::Regex;

use crate::guide::{Block, Lesson, ProseKind, Role, is_file_name};
use crate::lab::{BlockPlan, Fate};
use crate::python::{self, Comment, Value};
use crate::source::Span;

/// A comment that says what a `print` prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentClaim {
    /// The block that it stands in.
    pub of: usize,
    /// The first and last line of the `print` in the source, from 1.
    pub lines: (usize, usize),
    /// The comment.
    pub span: Span,
    /// What is printed, it says.
    pub text: String,
    /// How it says so.
    pub form: Form,
    /// Whether it is a line of its own, below the `print`.
    pub below: bool,
}

/// How a comment says what is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// `#>` lines: the output, and nothing else.
    Whole,
    /// A value.
    Value(Value),
    /// The representation of an object: `<User 1>`.
    Object,
    /// Words, behind "prints" or "output:".
    Words,
}

/// A sentence that says what a reader sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProseClaim {
    /// The block that the sentence follows.
    pub of: usize,
    /// Where the text stands.
    pub span: Span,
    /// The text that must be seen.
    pub text: String,
    /// Paths that the paragraph asks for.
    pub paths: Vec<String>,
}

macro_rules! pattern {
    ($name:ident $pattern:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).expect("the pattern is a constant"));
    };
}

pattern!(MARKED r"^#\s?(?:(->|=>|→|⇒)\s*|(?i:((?:it |this |that )?(?:will )?(?:prints?|outputs?)\b\s*:?|output\s*[:=]|printed\s*:))\s+)(\S.*)$");
pattern!(HEADER r"^#\s*(?i:output|prints|this prints|outputs)\s*:?\s*$");
// What differs from run to run or from machine to machine.
pattern!(VOLATILE r"\b(random|randint|uuid\w*|time|datetime|now|today|utcnow|secrets|urandom|getpid|perf_counter|getsizeof|platform|version\w*|__version__|hash|id|token\w*|input|environ|threading|asyncio|sys)\b");
pattern!(HEDGED r"(?i)\b(e\.g|like|similar|approx\w*|about|around|var(?:y|ies)|depend\w*|random|could|might|may|example|something|same|again|also|above|below|nothing|error|your)\b|…|~|\betc\b");
pattern!(OBJECT r"^<[A-Za-z_][^<>]*>$");
pattern!(PATHS r"(?:https?://[\w.:-]+)?(/[\w./<>:?=&%-]*)|https?://[\w.:-]+");
pattern!(SAYS r"(?i)(?:\byou(?: should|['’]ll| will)(?: now| then)? see|\b(?:it|this|which|that|code|program|script|example|block|snippet|command|page|browser)(?: will| should)?(?: now| then)? (?:prints?|outputs?|displays?|responds? with|returns? the (?:text|string|message))|\bthe (?:output|response) (?:is|will be|should be)|^prints|^(?:this|it) prints|\bresponds? with)\s*:?\s*(?:the (?:text|message|words?|line|greeting|string|output|response)\s*)?:?\s*$");
pattern!(DOUBTFUL r"(?i)\b(if|unless|without|not|never|nothing|instead|would|might|may|could|can|otherwise|longer|previously|earlier|before|change[ds]?|replac\w+|remov\w+|add(?:ed|ing)?|try|error|exception|traceback|logs?|log(?:ged)? in|click\w*|submit\w*|enter\w*|type[ds]?|something|like|similar|terminal|later|until|debug\w*)\b|n['’]t\b");
pattern!(THING r"(?i)^\s*(?:[\w-]+ )?(files?|folders?|director\w+|buttons?|links?|tabs?|icons?|menus?|errors?|exceptions?|columns?|fields?|tables?|commands?|options?|class(?:es)?|functions?|methods?|variables?|attributes?|objects?|modules?|packages?|instances?|keys?|cookies?|images?|forms?|status|codes?|warnings?|prompts?|statements?|rows?|values?|types?)\b");
pattern!(IDENTIFIER r"^[a-z_][\w.]*(\(.*\))?$|^\w+[._]\w+.*$|^[A-Za-z_]\w*\(.*\)$");

/// The comments of a lesson's blocks that say what is printed.
#[must_use]
pub fn in_comments(lesson: &Lesson, plans: &[BlockPlan]) -> Vec<CommentClaim> {
    let runs = |(_, (block, plan)): &(usize, (&Block, &BlockPlan))| block.role == Role::Python && plan.fate == Fate::Run;
    lesson.blocks.iter().zip(plans).enumerate().filter(runs).flat_map(|(of, (block, _))| of_block(lesson, of, block)).collect()
}

fn of_block(lesson: &Lesson, of: usize, block: &Block) -> Vec<CommentClaim> {
    let code = block.body.text();
    let comments = python::comments(&code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < comments.len() {
        let comment = &comments[at];
        at += 1;
        let Some(print) = comment.print else { continue };
        let follows = |next: &&Comment| !next.trailing && next.print == Some(print);
        let below: Vec<&Comment> = comments[at..].iter().take_while(follows).collect();
        let Some((text, form, used)) = said(comment, &below, print.repeats) else { continue };
        at += used;
        if form != Form::Whole && VOLATILE.is_match(&code) {
            continue;
        }
        let line = |line: usize| block.body.lines.get(line).map_or(0, |line| lesson.source.line_of(line.span.start));
        let span = block.body.source_span(comment.span);
        found.push(CommentClaim { of, lines: (line(print.first), line(print.last)), span, text, form, below: !comment.trailing });
    }
    found
}

/// What a comment claims, how, and how many of the comments below it belong to it.
fn said(comment: &Comment, below: &[&Comment], repeats: bool) -> Option<(String, Form, usize)> {
    if let Some(first) = comment.text.strip_prefix("#>") {
        let more: Vec<&str> = below.iter().map_while(|comment| comment.text.strip_prefix("#>")).collect();
        let used = more.len();
        let lines = std::iter::once(first).chain(more).map(|line| line.strip_prefix(' ').unwrap_or(line));
        return Some((lines.collect::<Vec<_>>().join("\n"), Form::Whole, used));
    }
    if repeats {
        return None;
    }
    if HEADER.is_match(&comment.text) && !comment.trailing {
        let lines: Vec<&str> = below.iter().map(|comment| comment.text.trim_start_matches('#').trim()).take_while(|line| !line.is_empty()).collect();
        let hedged = lines.is_empty() || lines.iter().any(|line| HEDGED.is_match(line));
        return (!hedged).then(|| (lines.join("\n"), Form::Words, lines.len()));
    }
    let parts = MARKED.captures(&comment.text)?;
    let text = parts[3].trim();
    let form = match python::value(text) {
        Some(value) => Form::Value(value),
        None if OBJECT.is_match(text) => Form::Object,
        None if parts.get(2).is_some() && !HEDGED.is_match(text) => Form::Words,
        None => return None,
    };
    Some((text.to_owned(), form, 0))
}

/// The sentences straight after a block that say what is to be seen.
#[must_use]
pub fn in_prose(lesson: &Lesson, plans: &[BlockPlan]) -> Vec<ProseClaim> {
    let mut found = Vec::new();
    for (of, (block, plan)) in lesson.blocks.iter().zip(plans).enumerate() {
        if plan.fate != Fate::Run {
            continue;
        }
        let end = block.span().end;
        let next = lesson.blocks.get(of + 1).map(|next| next.span().start);
        let Some(prose) = lesson.prose.iter().filter(|prose| prose.span.start >= end).min_by_key(|prose| prose.span.start) else { continue };
        let leads_on = next.is_some() && prose.text.trim_end().ends_with([':', '：']);
        if prose.kind != ProseKind::Paragraph || next.is_some_and(|next| prose.span.start > next) || leads_on {
            continue;
        }
        let paths: Vec<String> =
            PATHS.captures_iter(&prose.text).map(|found| found.get(1).map_or("/", |path| path.as_str()).trim_end_matches(['.', ',']).to_owned()).collect();
        for text in seen(&prose.text, &prose.code) {
            let source = lesson.source.slice(prose.span);
            let at = source.find(&text).map(|at| Span::new(prose.span.start + at, prose.span.start + at + text.len()));
            let defined = lesson.blocks.iter().any(|other| names(&other.body.text(), &text));
            if !defined {
                found.push(ProseClaim { of, span: at.unwrap_or(prose.span), text, paths: paths.clone() });
            }
        }
    }
    found
}

/// The texts that a paragraph says are to be seen.
fn seen(paragraph: &str, code: &[String]) -> Vec<String> {
    let mut marked: Vec<(usize, usize, String)> = Vec::new();
    let mut from = 0;
    for text in code {
        if let Some(at) = paragraph[from..].find(text.as_str()) {
            marked.push((from + at, from + at + text.len(), text.clone()));
            from += at + text.len();
        }
    }
    static QUOTED: LazyLock<Regex> = LazyLock::new(|| Regex::new("[\"“]([^\"“”]{2,200})[\"”]").expect("the pattern is a constant"));
    marked.extend(QUOTED.captures_iter(paragraph).filter_map(|found| {
        let whole = found.get(0)?;
        Some((whole.start(), whole.end(), found[1].trim_end_matches(['.', ',']).to_owned()))
    }));
    let mut found = Vec::new();
    for (start, end, text) in marked {
        let sentence = [". ", "! ", "? ", ".\n", "!\n", "?\n"].iter().filter_map(|stop| paragraph[..start].rfind(stop).map(|at| at + 2)).max().unwrap_or(0);
        let before = paragraph[sentence..start].trim_start();
        let rest: &str = paragraph[end..].split(['.', '!', '?']).next().unwrap_or_default();
        let plain = !DOUBTFUL.is_match(before) && !DOUBTFUL.is_match(rest) && !THING.is_match(rest);
        if SAYS.is_match(before) && plain && is_output(&text) {
            found.push(text);
        }
    }
    found
}

/// Whether a text can be something that is printed, and not the name of a thing.
fn is_output(text: &str) -> bool {
    let text = text.trim();
    let named = is_file_name(text) || IDENTIFIER.is_match(text) || text.starts_with('/') || text.contains("://") || text.starts_with("* ");
    let filled = text.contains(['<', '>', '{', '}', '[', '…', '$', '%']) || HEDGED.is_match(text) || text.contains("...");
    // A lone number of three digits is a status more often than an output.
    let status = text.len() == 3 && text.chars().all(|c| c.is_ascii_digit());
    !text.is_empty() && !named && !filled && !status && !["True", "False", "None"].contains(&text)
}

/// Whether code has a word as a name and not only in a text.
fn names(code: &str, word: &str) -> bool {
    word.chars().all(|c| c.is_alphanumeric() || c == '_') && ["class ", "def ", "import ", "."].iter().any(|before| code.contains(&format!("{before}{word}")))
        || code.contains(&format!("{word}("))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(code: &str) -> Vec<(String, Form)> {
        let block = code.lines().map(|line| format!("{line}\n")).collect::<String>();
        let comments = python::comments(&block);
        let mut found = Vec::new();
        for (at, comment) in comments.iter().enumerate() {
            let Some(print) = comment.print else { continue };
            let below: Vec<&Comment> = comments[at + 1..].iter().take_while(|next| !next.trailing && next.print == Some(print)).collect();
            found.extend(said(comment, &below, print.repeats).map(|(text, form, _)| (text, form)));
        }
        found
    }

    #[test]
    fn the_forms_in_which_people_write_outputs_are_claims() {
        let plain = |text: &str| [(text.to_owned(), Form::Value(Value::Plain))];
        for comment in ["# prints 3", "# -> 3", "# => 3", "#-> 3", "# Output: 3", "# output: 3", "# Prints: 3", "# outputs 3", "# it prints 3"] {
            assert_eq!(claims(&format!("print(x)  {comment}")), plain("3"), "{comment}");
            assert_eq!(claims(&format!("print(x)\n{comment}")), plain("3"), "{comment}");
        }
        assert_eq!(claims("print(x)  # prints \"a b\""), [("\"a b\"".to_owned(), Form::Value(Value::Text("a b".to_owned())))]);
        assert_eq!(claims("print(x)  # => <User 1>"), [("<User 1>".to_owned(), Form::Object)]);
        assert_eq!(claims("print(x)  # prints Hello, World!"), [("Hello, World!".to_owned(), Form::Words)]);
        assert_eq!(claims("for y in z:\n    print(y)\n    #> 1\n    #> 2\n")[0], ("1\n2".to_owned(), Form::Whole));
        assert_eq!(claims("print(x)\n# Output:\n# a\n# b\n"), [("a\nb".to_owned(), Form::Words)]);
    }

    #[test]
    fn what_is_plainly_prose_is_none() {
        for comment in [
            "# => see below",
            "# -> a list",
            "# prints something like 3",
            "# the output",
            "# 3",
            "# print 3 or so, it depends",
            "# outputting 3",
            "# printer 3",
        ] {
            assert_eq!(claims(&format!("print(x)  {comment}")), [], "{comment}");
        }
        assert_eq!(claims("x = 1  # -> 3"), []);
        assert_eq!(claims("for y in z:\n    print(y)  # prints 3\n"), []);
    }

    fn prose(paragraph: &str, code: &[&str]) -> Vec<String> {
        seen(paragraph, &code.iter().map(|&code| code.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn sentences_that_plainly_speak_of_an_output_are_claims() {
        assert_eq!(prose("You should see Hello, World! in the browser.", &["Hello, World!"]), ["Hello, World!"]);
        assert_eq!(prose("It is done. This prints 42.", &["42"]), ["42"]);
        assert_eq!(prose("The output is \"2 rows.\"", &[]), ["2 rows"]);
        assert_eq!(prose("Visit /hi: the page displays the text “Hi there”.", &[]), ["Hi there"]);
        assert_eq!(prose("When you run it, it will print: Done", &["Done"]), ["Done"]);
        assert_eq!(prose("When you run it, it will print Done.", &["Done"]), ["Done"]);
    }

    #[test]
    fn sentences_of_other_things_are_none() {
        for (paragraph, code) in [
            ("You should see app.py in the folder.", "app.py"),
            ("You should see the `Login` button.", "Login"),
            ("You will see a 404 error.", "404"),
            ("It prints name to the screen.", "name"),
            ("If you leave it out, it prints None there.", "None there"),
            ("It does not print Hello again.", "Hello"),
            ("It prints Hello <name>.", "Hello <name>"),
            ("You should see Save button below.", "Save"),
            ("See Hello for more.", "Hello"),
        ] {
            assert_eq!(prose(paragraph, &[code]), [] as [&str; 0], "{paragraph}");
        }
    }
}
