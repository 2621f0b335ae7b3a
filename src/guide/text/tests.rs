//! What plain text reads as, by small texts and by properties.

mod outline;
mod properties;

use std::sync::Arc;

use super::parse;
use crate::guide::{Guide, Language, Lesson, ProseKind, Role, language};
use crate::source::Source;

fn read(text: &str) -> Guide {
    parse(&Arc::new(Source::new("notes/guide.txt", text)), "notes/guide")
}

fn blocks(lesson: &Lesson) -> Vec<(usize, usize, String)> {
    let extent = |block: &crate::guide::Block| {
        let first = block.line(&lesson.source);
        (first, first + block.body.lines.len() - 1, language::name(&block.language).to_owned())
    };
    lesson.blocks.iter().map(extent).collect()
}

/// The blocks of a text of one lesson, as `first-last language`.
fn found(text: &str) -> Vec<String> {
    read(text).lessons().flat_map(blocks).map(|(first, last, name)| format!("{first}-{last} {name}")).collect()
}

#[test]
fn no_sentence_and_no_heading_is_code() {
    for prose in [
        "print is a function",
        "import the module",
        "Note",
        "5",
        "return",
        "Summary",
        "Key Concepts",
        "- item",
        "* item",
        "1. item",
        "https://example.org/a",
        "for example",
        "for example:",
        "if needed:",
        "Flask is great",
        "Migrations",
        "A class in a sentence",
        "class",
        "class action",
        "True or False",
        "this and that",
        "not found",
        "None",
        "Note: this",
        "Example: x = 5",
        "Introduction (optional)",
        "Prerequisite(s)",
        "render_template()",
        "cascade_delete",
        "passive_deletes",
        "Client/Server",
        "Keep-Alive",
        "Streaming and I/O",
        "user@example.org",
        "@someone",
        "@login_required",
        "Call app.run() to start it.",
        "app.run().",
        "eval() function. DO NOT PASS THIS.",
        "It doesn't matter",
        "\"a quotation\"",
        "'single'",
        "(an aside)",
        "a, b, c",
        "1.1",
        "3.11",
        "x",
        "yes; no",
        "Why?",
        "Stop!",
        "lambda",
        "global warming",
        "pass",
        "continue",
        "else:",
        "try:",
        "del",
        "assert yourself",
        "raise awareness",
        "await further notice",
        "async",
        "Python 3.13",
        "Select the file;",
        "Create table statements are next.",
        "make sure that it works",
        "python is a language",
        "flask makes routing easy",
        "git is great",
        "source code",
        "touch the screen",
        "which one",
        "{{ page.title }}",
        "{% include a.md %}",
        "<img src=\"a.png\" alt=\"A picture\">",
        "<br>",
        "| a | b |",
        "|---|---|",
        "=====",
        "-----",
        "> quoted text",
        "# A heading",
        "## A heading",
        "title: A page",
        "…",
        "“Quoted”",
        "E-mail",
        "TL;DR",
        "C:",
        "[1]",
        "[link](https://example.org)",
        "![picture](a.png)",
        "$ 5 is the price",
        "100%",
        "in",
        "a <= b or so",
    ] {
        let text = format!("The first lesson\n\nSome words come first.\n\n{prose}\n\nMore words follow here.\n");
        assert_eq!(found(&text), Vec::<String>::new(), "{prose}");
        let wrapped = format!("Lesson\n\nSome words come first and they\n{prose}\ngo on in the next line.\n");
        assert_eq!(found(&wrapped), Vec::<String>::new(), "wrapped: {prose}");
    }
}

#[test]
fn one_line_of_code_is_a_block() {
    for code in [
        "db.create_all()",
        "session.delete(somechild)",
        "import os",
        "from flask import Flask, render_template",
        "x = 5",
        "a, b = 1, 2",
        "count += 1",
        "total: int = 0",
        "app.config['DEBUG'] = True",
        "print(\"hello\")",
        "return render_template('index.html')",
        "raise ValueError('no')",
        "assert response.status_code == 200",
        "del session['user']",
        "user.name == 'Ann'",
        "names = [user.name for user in users]",
        "f = lambda x: x + 1",
        "await client.get('/')",
        "x = not y",
        "\"a b\".split()",
        "print \"old\"",
        "if x: y = 1",
    ] {
        let text = format!("Lesson\n\nThe code follows:\n\n{code}\n\nThat was the code.\n");
        assert_eq!(found(&text), ["5-5 python"], "{code}");
        let tight = format!("Lesson\n\nThe code follows:\n{code}\nThat was the code.\n");
        assert_eq!(found(&tight), ["4-4 python"], "tight: {code}");
    }
}

#[test]
fn no_line_of_a_block_is_lost() {
    for code in [
        "# app.py\nfrom flask import Flask\n\napp = Flask(__name__)",
        "# app.py\n\nfrom flask import Flask",
        "#!/usr/bin/env python\nimport os",
        "\"\"\"The module.\"\"\"\n\nimport os\n\nprint(os.name)",
        "...\n\ndef f():\n    ...\n\n...",
        "class A:\n    x = 1\n\n    def f(self):\n        return 1\n\n\nclass B(A):\n    pass",
        "@app.route('/')\n@login_required\n# why\ndef index():\n    return 'x'",
        "text = '''\nNot code. Really not.\n\nclass Neither\n'''\nprint(text)",
        "values = [\n    1,\n\n    2,\n]\nprint(values)",
        "x = 1\n# a comment\n\n# another comment\ny = 2\n# prints 3\nprint(x + y)  # => 3",
        "for x in y:\n    print(x)\nelse:\n    print('none')",
        "try:\n    f()\nexcept ValueError as error:\n    print(error)\nfinally:\n    g()",
        "with open('a') as file:\n    file.read()\n\nwith open('b') as file:\n    file.read()",
        "user = User()\nuser\nuser.name\nprint(user)",
        "x = a + \\\n    b\ny = 1",
        "match command:\n    case 'go':\n        go()\n    case _:\n        stop()",
        "async def f():\n    async with a as b:\n        await b",
        "if __name__ == '__main__':\n    app.run(debug=True)",
        "def f():\n    \"\"\"Say what it does.\n\n    Then say more. A list:\n\n    - one\n    \"\"\"\n    return 1",
        "db.create_all()\n\nuser = User()\n\n\n\ndb.session.add(user)",
        "x = {\n    'a': 1,  # one, two and three.\n    'b': 2,\n}",
    ] {
        let length = code.lines().count();
        let text = format!("Lesson\n\nHere is the code.\n\n{code}\n\nSummary\n\nMore words follow here.\n");
        assert_eq!(found(&text), [format!("5-{} python", 4 + length)], "{code}");
        let tight = format!("Lesson\n\nHere is the code:\n{code}\nMore words follow here.\n");
        assert_eq!(found(&tight), [format!("4-{} python", 3 + length)], "tight: {code}");
        let indented: String = code.lines().flat_map(|line| ["    ", line, "\n"]).collect();
        let text = format!("Lesson\n\nHere is the code.\n\n{indented}\nMore words follow here.\n");
        assert_eq!(found(&text), [format!("5-{} python", 4 + length)], "indented: {code}");
    }
}

#[test]
fn indentation_that_all_lines_share_is_no_part_of_the_code() {
    let guide = read("Lesson\n\nHere:\n\n    def f():\n        return 1\n\n    f()\n");
    let block = &guide.chapters[0].lessons[0].blocks[0];
    assert_eq!(block.body.text(), "def f():\n    return 1\n\nf()\n");
    let lesson = &guide.chapters[0].lessons[0];
    assert_eq!(lesson.source.slice(block.body.lines[0].span), "def f():");
    assert_eq!(lesson.source.place(block.body.offset(0, 0)).column, 5);
}

#[test]
fn broken_code_is_one_block_as_far_as_it_reaches() {
    for code in [
        "class A:\n    def f(self)\n        return 1\n\n    def g(self):\n        return 2",
        "def f(x)\n    return x\n\nprint(f(1))",
        "ages = {'ann' 1, 'bob': 2}\nprint(ages)",
        "ages = {\n    'ann': 1\n    'bob': 2,\n}\n\nprint(ages)",
        "app = Flask(__name__\n\n@app.route('/')\ndef index():\n    return 'x'",
        "print('hello)\nx = 1",
        "print \"hello\"\nx = 1\nprint x",
        "x = 1\nif x = 1:\n    print(x)",
        "import os\n\nfor x in range(3)\n    print(x)",
        "try:\n    f()\nexcept ValueError, error:\n    pass\n\nprint(g())",
        "class Left(Base)\n    id = 1\n\nclass Right(Base):\n    id = 2",
        "x = foo(a, b))\ny = 2",
        "x = 1\n    y = 2\nz = 3",
        "def f(self, id:\n    return 1\n\nx = 2",
        "from flask import\nx = 1\napp.run()",
    ] {
        let length = code.lines().count();
        let text = format!("Lesson\n\nHere is the code.\n\n{code}\n\nSummary\n\nMore words follow here.\n");
        assert_eq!(found(&text), [format!("5-{} python", 4 + length)], "{code}");
    }
}

#[test]
fn prose_between_separates_blocks() {
    assert_eq!(found("T\n\nx = 1\n\nNow the next.\n\ny = 2\n"), ["3-3 python", "7-7 python"]);
    assert_eq!(found("T\n\nx = 1\nNow the next:\ny = 2\n"), ["3-3 python", "5-5 python"]);
    assert_eq!(found("T\n\nx = 1\n\nSummary\n\ny = 2\n"), ["3-3 python", "7-7 python"]);
    assert_eq!(found("T\n\nx = 1\n\n## Part two\n\ny = 2\n"), ["3-3 python", "7-7 python"]);
    assert_eq!(found("T\n\nx = 1\n## Part two\n\ny = 2\n"), ["3-3 python", "6-6 python"]);
    assert_eq!(found("T\n\nx = 1\nReturn\n\ny = 2\n"), ["3-3 python", "6-6 python"]);
    assert_eq!(found("T\n\nx = 1\n\nUsage\ny = 2\n"), ["3-3 python", "6-6 python"]);
    assert_eq!(found("T\n\ndef f():\n    g()\n\nh()\n\nIt is a function.\n"), ["3-4 python"]);
    assert_eq!(found("T\n\ndef f():\n    g()\n\nf()\n\nIt was called.\n"), ["3-6 python"]);
    assert_eq!(found("T\n\nx = 1\n\ny = 2\n"), ["3-5 python"]);
}

#[test]
fn a_line_of_blanks_closes_a_block() {
    assert_eq!(found("T\n\nx = 1\n    \n\ny = 2\n    \n\nWords.\n"), ["3-3 python", "6-6 python"]);
    // Inside a suite, and right before code, such a line is only blank.
    assert_eq!(found("T\n\nclass A:\n    x = 1\n    \n    y = 2\n    \n\nWords.\n"), ["3-6 python"]);
    assert_eq!(found("T\n\nx = 1\n  \ny = 2\n"), ["3-5 python"]);
    // It vouches for what could be a heading.
    assert_eq!(found("T\n\ninit_db()\n    \n\nWords.\n"), ["3-3 python"]);
}

#[test]
fn other_languages_are_found_as_well() {
    let cases: &[(&str, &str)] = &[
        ("$ pip install flask\nSuccessfully installed", "shell"),
        ("(venv) $ flask run\n * Running on http://127.0.0.1:5000", "shell"),
        ("me@host:~/app$ ls -l", "shell"),
        ("pip install flask\nflask run", "shell"),
        ("pip install -r requirements.txt", "shell"),
        ("mkdir app\ncd app\npython3 -m venv .venv\n. .venv/bin/activate", "shell"),
        ("export FLASK_APP=hello\nflask run", "shell"),
        ("FLASK_APP=hello flask run --debug", "shell"),
        ("C:\\app> flask run", "powershell"),
        (">>> 1 + 1\n2\n>>> x = 1", "pycon"),
        (">>> 1 + 1\n2\n\n>>> x = 1", "pycon"),
        ("<!doctype html>\n<html>\n<body>\n\n<p>Words, not code.\n\n</body>\n</html>", "html"),
        ("{% extends 'a.html' %}\n{% block body %}\nWords.\n{% endblock %}", "jinja"),
        ("<ul>\n  {% for x in y %}\n  <li>{{ x }}</li>\n  {% endfor %}\n</ul>", "html"),
        ("body {\n  color: red;\n}\n\na,\nb {\n  margin: 0;\n}", "css"),
        ("CREATE TABLE a (\n  id INTEGER\n);\n\nINSERT INTO a VALUES (1);", "sql"),
        ("SELECT * FROM users;", "sql"),
        ("{\n  \"a\": [1, true],\n  \"b\": null\n}", "json"),
        ("version: '3'\nservices:\n  web:\n    image: x", "yaml"),
        ("[app]\nname = x y\nother = z", "ini"),
        ("FLASK_APP=hello\nFLASK_DEBUG=1", "ini"),
        ("Flask==3.1.0\nredis==5.0", "requirements"),
        ("app/\n├── a.py\n└── b/", "tree"),
        ("const x = () => {\n  return 1;\n};", "js"),
        ("FROM python:3.13\nRUN pip install flask\nCMD [\"flask\", \"run\"]", "dockerfile"),
        ("web: gunicorn app:app", "procfile"),
    ];
    for (code, name) in cases {
        let length = code.lines().count();
        let text = format!("Lesson\n\nHere it is:\n\n{code}\n\nMore words follow here.\n");
        assert_eq!(found(&text), [format!("5-{} {name}", 4 + length)], "{code}");
    }
}

#[test]
fn languages_that_meet_are_blocks_of_their_own() {
    assert_eq!(found("T\n\nRun it:\n\npip install flask\n\nimport flask\n\n$ flask run\n"), ["5-5 shell", "7-7 python", "9-9 shell"]);
}

#[test]
fn a_traceback_is_output() {
    let guide = read("T\n\nRun it:\n\n1 / f()\n\nTraceback (most recent call last):\n  File \"a.py\", line 1\nNameError: f\n");
    let blocks = &guide.chapters[0].lessons[0].blocks;
    assert_eq!(blocks.last().map(|block| (&block.language, &block.role)), Some((&Language::Text, &Role::Output)));
}

#[test]
fn prose_is_headings_and_paragraphs() {
    let guide =
        read("Title\n\nA Heading\n\nWords with `code` and\nmore words, see https://example.org/a.\n- one\n- two\n\n## Marked\n\nx = 1\n\nCreate `app.py`:\n");
    let lesson = &guide.chapters[0].lessons[0];
    let prose: Vec<_> = lesson.prose.iter().map(|prose| (prose.kind, prose.text.as_str())).collect();
    assert_eq!(
        prose,
        [
            (ProseKind::Heading(1), "Title"),
            (ProseKind::Heading(2), "A Heading"),
            (ProseKind::Paragraph, "Words with code and more words, see https://example.org/a."),
            (ProseKind::Paragraph, "one"),
            (ProseKind::Paragraph, "two"),
            (ProseKind::Heading(2), "Marked"),
            (ProseKind::Paragraph, "Create app.py:"),
        ]
    );
    assert_eq!(lesson.prose[2].code, ["code"]);
    assert_eq!(lesson.prose[2].links, ["https://example.org/a"]);
    assert_eq!(lesson.prose[6].code, ["app.py"]);
    assert_eq!(lesson.source.slice(lesson.prose[3].span), "- one");
}

#[test]
fn a_directive_belongs_to_the_next_block_and_separates_it() {
    let guide = read("T\n\nx = 1\n\n<!-- proctor: skip reason=\"no account\" -->\ny = 2\n\n# proctor: skip reason=\"why\"\nz = 3\n\nWords.\n");
    let lesson = &guide.chapters[0].lessons[0];
    assert_eq!(found("T\n\nx = 1\n\n<!-- proctor: skip reason=\"no account\" -->\ny = 2\n"), ["3-3 python", "6-6 python"]);
    let words: Vec<_> = lesson.blocks.iter().map(|block| block.directive("skip").and_then(|skip| skip.attributes.get("reason")).map(String::as_str)).collect();
    assert_eq!(words, [None, Some("no account"), Some("why")]);
    assert!(lesson.prose.iter().all(|prose| !prose.text.contains("proctor")));
    let stray = read("T\n\nx = 1\n\n<!-- proctor: skip reason=\"why\" -->\n\nWords.\n\n<!-- proctor: skop -->\n");
    assert_eq!(stray.chapters[0].lessons[0].findings.len(), 2);
}

#[test]
fn length_costs_no_more_than_time_in_proportion() {
    let cases = [
        "(\n".repeat(12_000),
        "x = (\n".repeat(8_000),
        "x = '''\n".repeat(8_000),
        "{\n".repeat(12_000),
        "<div>\n".repeat(10_000),
        "def f(\n".repeat(8_000),
        "if x:\n".repeat(8_000),
        "@a\n".repeat(12_000),
        "x\n".repeat(12_000),
        "x\n\n".repeat(12_000),
        "1.1 a\n".repeat(8_000),
        "key: value\n".repeat(8_000),
        "a,\n".repeat(12_000),
        "SELECT 1\n".repeat(8_000),
        "# a comment\n".repeat(8_000),
        "    \n".repeat(12_000),
        "`".repeat(400_000),
        "x = 1\n".repeat(8_000),
        "Words that go on.\n\n".repeat(8_000),
        "-".repeat(1_000_000),
        "x+".repeat(500_000),
        "not ".repeat(250_000),
        "(".repeat(1_000_000),
        "x = [".repeat(200_000),
        "word ".repeat(200_000),
        "<a ".repeat(300_000),
        "http".repeat(200_000),
        "x = 1; ".repeat(12_000),
        "\u{e9}".repeat(500_000),
    ];
    for text in cases {
        let start = std::time::Instant::now();
        let _ = read(&text);
        let took = start.elapsed();
        assert!(took.as_secs() < 10, "{:.20}... took {took:?}", text);
    }
}
