//! Generated pages: blocks of realistic statements with sentences between them, and texts of anything at all.

use proptest::prelude::*;

use super::{blocks, read};
use crate::guide::Lesson;

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["app", "user", "session", "engine", "db", "result", "posts", "client", "form", "value"])
}

fn class() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["User", "Post", "Student", "Course", "Form", "Error"])
}

fn expression() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..99u8).prop_map(|number| number.to_string()),
        Just("'a text, with words in it'".to_owned()),
        Just("f\"{user.name} wrote {len(posts)}\"".to_owned()),
        (name(), name()).prop_map(|(object, attribute)| format!("{object}.{attribute}(1, key='value')")),
        (class(), name()).prop_map(|(class, key)| format!("{class}({key}=None)")),
        name().prop_map(|name| format!("[item for item in {name} if item is not None]")),
        Just("{'a': 1, 'b': [2, 3]}".to_owned()),
        Just("not (1 < 2) or True".to_owned()),
        Just("[\n    1,\n\n    2,\n]".to_owned()),
        Just("'''\nwords of a text. They are no code.\n\nx\n'''".to_owned()),
        Just("lambda item: item.id".to_owned()),
    ]
}

fn simple() -> impl Strategy<Value = String> {
    prop_oneof![
        (name(), expression()).prop_map(|(name, value)| format!("{name} = {value}")),
        (name(), expression()).prop_map(|(name, value)| format!("{name}.config['KEY'] = {value}")),
        (name(), expression()).prop_map(|(name, value)| format!("{name}: list = {value}")),
        (name(), expression()).prop_map(|(name, value)| format!("{name} += {value}")),
        (name(), name()).prop_map(|(object, method)| format!("{object}.{method}()")),
        expression().prop_map(|value| format!("print({value})")),
        Just("import os".to_owned()),
        Just("from flask import Flask, render_template".to_owned()),
        Just("from sqlalchemy.orm import (\n    Session,\n    relationship,\n)".to_owned()),
        Just("assert response.status_code == 200".to_owned()),
        Just("del session['key']".to_owned()),
    ]
}

fn suite() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        simple(),
        Just("\"\"\"Say what it does. Then say more.\"\"\"".to_owned()),
        Just("return".to_owned()),
        Just("...".to_owned()),
        Just("pass".to_owned()),
        Just("# a comment in words".to_owned()),
        Just("value".to_owned()),
    ];
    (prop::collection::vec((line, prop::bool::ANY), 1..4), Just("pass")).prop_map(|(lines, last)| {
        let mut text = String::new();
        for (line, blank) in lines {
            // A string over many lines keeps its own margin.
            let indented = if line.contains("'''") { line } else { line.replace('\n', "\n    ").replace("\n    \n", "\n\n") };
            text.push_str(&format!("    {indented}\n{}", if blank { "\n" } else { "" }));
        }
        format!("{text}    {last}")
    })
}

fn statement() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => simple(),
        1 => (class(), suite()).prop_map(|(name, suite)| format!("class {name}(Base):\n{suite}")),
        1 => (name(), suite()).prop_map(|(name, suite)| format!("def {name}(first, second=None):\n{suite}")),
        1 => (name(), suite()).prop_map(|(name, suite)| format!("@app.route('/{name}')\n@login_required\ndef {name}():\n{suite}")),
        1 => (name(), suite()).prop_map(|(name, suite)| format!("for item in {name}:\n{suite}")),
        1 => (suite(), suite()).prop_map(|(first, second)| format!("if value > 1:\n{first}\nelse:\n{second}")),
        1 => (suite(), suite()).prop_map(|(first, second)| format!("try:\n{first}\nexcept ValueError as error:\n{second}")),
        1 => suite().prop_map(|suite| format!("with app.app_context():\n{suite}")),
        1 => suite().prop_map(|suite| format!("if __name__ == '__main__':\n{suite}")),
        1 => simple().prop_map(|code| format!("# a comment in words\n{code}")),
        1 => simple().prop_map(|code| format!("# app.py\n{code}  # and here")),
    ]
}

fn block() -> impl Strategy<Value = String> {
    prop::collection::vec((statement(), 1..4usize), 1..5).prop_map(|statements| {
        let text: String = statements.iter().flat_map(|(statement, blanks)| [statement.clone(), "\n".repeat(*blanks)]).collect();
        text.trim_end().to_owned()
    })
}

fn sentence() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "the",
        "a",
        "class",
        "import",
        "from",
        "return",
        "if",
        "for",
        "is",
        "in",
        "not",
        "with",
        "Flask",
        "application",
        "print",
        "view",
        "runs",
        "we",
        "You",
        "call",
        "app.run()",
        "`db.session`",
        "route,",
        "(optional)",
        "don't",
        "data",
        "5",
        "=",
        "model:",
        "and",
        "template",
        "User",
        "e.g.",
        "flask",
        "python",
        "pip",
        "\"quoted\"",
    ]);
    let end = prop::sample::select(vec![".", ":", ".", "?", ""]);
    (prop::collection::vec(word, 4..20), end).prop_map(|(words, end)| format!("Here {} we go{end}", words.join(" ")))
}

fn prose() -> impl Strategy<Value = String> {
    let heading = prop::sample::select(vec![
        "Summary",
        "Key Concepts",
        "Using the session",
        "## Routes",
        "- an item",
        "1. Install it first.",
        "Return",
        "GET and POST",
        "What is next?",
    ]);
    let piece = prop_oneof![3 => sentence(), 1 => heading.prop_map(str::to_owned), 1 => (sentence(), sentence()).prop_map(|(a, b)| format!("{a}\n{b}"))];
    prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.join("\n\n"))
}

/// A page, and the first and last line of each of its blocks, from 1.
fn page(parts: Vec<(String, String)>, tight: bool, closed: bool) -> (String, Vec<(usize, usize, String)>) {
    let mut text = String::from("A lesson of its own\n\n");
    let mut blocks = Vec::new();
    for (prose, code) in parts {
        text.push_str(&prose);
        // Code may follow a sentence that ends, without a blank line.
        let attached = tight && prose.ends_with(['.', ':', '?']);
        text.push_str(if attached { "\n" } else { "\n\n" });
        let first = text.matches('\n').count() + 1;
        text.push_str(&code);
        blocks.push((first, text.matches('\n').count() + 1, "python".to_owned()));
        text.push_str(if closed {
            "\n    \n\n"
        } else if attached {
            "\n"
        } else {
            "\n\n"
        });
    }
    text.push_str("That is all there is to say.\n");
    (text, blocks)
}

fn check_spans(lesson: &Lesson) -> Result<(), TestCaseError> {
    let text = lesson.source.text();
    let mut pieces: Vec<_> = lesson.blocks.iter().map(crate::guide::Block::span).chain(lesson.prose.iter().map(|prose| prose.span)).collect();
    prop_assert!(pieces[..lesson.blocks.len()].is_sorted(), "blocks are in order");
    prop_assert!(pieces[lesson.blocks.len()..].is_sorted(), "prose is in order");
    pieces.sort_unstable();
    for pair in pieces.windows(2) {
        prop_assert!(pair[0].end <= pair[1].start, "{:?} overlap", pair);
    }
    let lines = lesson.blocks.iter().flat_map(|block| &block.body.lines).map(|line| line.span);
    for span in pieces.iter().copied().chain(lines).chain([lesson.span]) {
        prop_assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end) && span.end <= text.len());
        prop_assert!(lesson.span.start <= span.start && span.end <= lesson.span.end);
    }
    for line in lesson.blocks.iter().flat_map(|block| &block.body.lines) {
        prop_assert_eq!(lesson.source.slice(line.span), &line.text);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_pages_read_as_their_blocks(parts in prop::collection::vec((prose(), block()), 1..5), tight in prop::bool::ANY, closed in prop::bool::ANY) {
        let (text, expected) = page(parts, tight, closed);
        let guide = read(&text);
        let found: Vec<_> = guide.lessons().flat_map(blocks).collect();
        prop_assert_eq!(found, expected, "{}", text);
    }

    #[test]
    fn no_text_makes_it_panic(text in r"(([ \t]{0,5}(def f\(|class A|@a|if x:|x = |'''|\(|\)|\{|\}|<a>|<!--|-->|\{%|%\}|>>> |\$ |# |import |1\.1 |1 |\[|\]|é|\\|`|proctor: |SELECT|;|:|word |\.\.\.)){0,4}\n){0,14}") {
        for lesson in read(&text).lessons() {
            check_spans(lesson)?;
        }
    }

    #[test]
    fn nor_does_any_string(text in any::<String>()) {
        for lesson in read(&text).lessons() {
            check_spans(lesson)?;
        }
    }
}
