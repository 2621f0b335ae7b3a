//! How the time of one page grows with its length. Not part of a test run: `cargo test --release --test it -- --ignored --nocapture growth`.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says what it measured")]

use std::sync::Arc;
use std::time::Duration;

use proctor::guide::{Guide, html, markdown, notebook, rst, text};
use proctor::lab::{Setup, assemble};
use proctor::source::Source;

/// How long this thread has had a core: on a busy machine, a clock tells little.
fn busy() -> Duration {
    let status = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(status.split(' ').next().unwrap().parse().unwrap())
}

/// A text of about `size` bytes that is one thing again and again; `{n}` counts.
fn again(piece: &str, size: usize) -> String {
    if piece.contains("{n}") { (0..size / piece.len()).map(|n| piece.replace("{n}", &n.to_string())).collect() } else { piece.repeat(size / piece.len()) }
}

type Reader = fn(&Arc<Source>, &str) -> Guide;

const MARKDOWN: &[&str] = &[
    "```python\nx_{n} = {n}\n```\n\n",
    "```python\n",
    "- ",
    "> ",
    "    x = 1\n",
    "<div>",
    "<!--",
    "[a](b) ",
    "`",
    "{% raw %}\n",
    "~~~\n",
    "a\n\n",
    "# a\n",
    "<pre>\n",
    "<pre>a</pre>\n\n",
    "::: a\n",
    "!!! note\n    ",
    "=== \"a\"\n\n    ",
    "<!-- proctor: new -->\n\n",
    "word ",
    "|a",
    "*a ",
    "```python\n>>> x\n1\n```\n",
    "{{#include a}}\n",
    "<details>\n",
    "\t",
    "\r",
    "&lt;",
    "[^a]: b\n",
    "```text\na\n```\n",
    "```html\n<p>\n```\n",
    "```bash\n$ ls\n```\n",
    "Save it as `a{n}.py`:\n\n```python\nx = 1\n```\n\n",
];

const TEXT: &[&str] = &[
    "x_{n} = {n}\n",
    "def f{n}():\n    return {n}\n\n",
    "some words of prose.\n\n",
    "(\n",
    "'''\n",
    "1.{n} Title\n\nwords\n\n",
    "<p>\n",
    "{\n",
    "[",
    "$ ls\n",
    ">>> x\n1\n\n",
    "if x:\n",
    "    ",
    "a: b\n",
    "@a\n",
    "\\\n",
    "x = 1\n\nwords are here.\n\n",
    "SELECT a\n",
    "word ",
    "# a\n",
    "proctor: ",
    "<a>\n</a>\n",
    "import a\n    b\n",
];

const RST: &[&str] = &[
    "A::\n\n    x_{n} = {n}\n\n",
    ".. code-block:: python\n\n    x = 1\n\n",
    "- ",
    "| ",
    ">>> x\n1\n\n",
    "a\n=\n\n",
    ".. note::\n\n    ",
    "``",
    "`a <b>`_ ",
    "    ",
    ".. _a: b\n",
    "+--+\n",
    "{sql}\n",
    "word ",
    ":a: b\n",
    "::\n",
    ".. a\n",
    "1. a\n\n   ",
];

const HTML: &[&str] = &[
    "<pre>x = {n}</pre>",
    "<pre>",
    "<div>",
    "</div>",
    "<p>a</p>",
    "<table><tr><td>",
    "&lt;",
    "<code>a</code>",
    "<!-- proctor: new -->",
    "<script>",
    "<h1>1.{n} A</h1>",
    "<b>",
    "<br>",
    "<a href=x>y</a>",
    "<pre>&#10;x = 1</pre>\n",
    "word ",
    "<li>",
    "<h2>a</h2><pre>x = 1</pre>",
];

/// What pages are made of, by the reader that is to read them.
const PAGES: &[(&str, Reader, &[&str])] =
    &[("markdown", markdown::parse, MARKDOWN), ("text", text::parse, TEXT), ("rst", rst::parse, RST), ("html", html::parse, HTML)];

/// Code that a lesson may have, many times over.
const CODE: &[&str] = &[
    "x_{n} = {n}\n",
    "def f_{n}():\n    return g_{n}()\n\n",
    "class A{n}(Base):\n    id = a\n\n",
    "class A{n}(Base):\n    __tablename__ = 'a'\n",
    "class A:\n    pass\n\n",
    "print(nobody_{n})\n",
    "import m_{n}\n",
    "x = [",
    "f(x_{n})\n",
    "x = 1  # prints 1\n",
    "from a{n} import b{n}\n",
    "@app.route('/{n}')\ndef v{n}():\n    return ''\n\n",
    "if x:\n    y = 1\n",
    "a.b.c(d)\n",
    "# words\n",
    "# a{n}.py\nx = 1\n",
    "# a.py\nx = {n}\n",
    "app = Flask(__name__)\n",
    "(\n",
];

/// How long the lesson of a page takes to be assembled.
fn lab(text: String) -> Duration {
    let guide = markdown::parse(&Arc::new(Source::new("page.md", text)), "page");
    let begun = busy();
    guide.lessons().for_each(|lesson| drop(assemble(lesson, &Setup::default())));
    busy() - begun
}

fn read(reader: Reader, text: String) -> Duration {
    let begun = busy();
    drop(reader(&Arc::new(Source::new("page", text)), "page"));
    busy() - begun
}

/// Every kind of page, as a function from its length to the time that it takes.
fn pages() -> Vec<(String, Box<dyn Fn(usize) -> Duration>)> {
    let mut pages: Vec<(String, Box<dyn Fn(usize) -> Duration>)> = Vec::new();
    for &(name, reader, pieces) in PAGES {
        for &piece in pieces {
            pages.push((format!("{name} {piece:?}"), Box::new(move |size| read(reader, again(piece, size)))));
        }
    }
    let cells = "{\"cell_type\": \"code\", \"source\": \"x = {n}\"}, {\"cell_type\": \"markdown\", \"source\": \"a\"}, ";
    pages.push(("notebook".to_owned(), Box::new(move |size| read(notebook::parse, format!("{{\"cells\": [{}{{}}]}}", again(cells, size))))));
    for &code in CODE {
        pages.push((format!("a block of {code:?}"), Box::new(move |size| lab(format!("```python\n{}```\n", again(code, size))))));
        pages.push((format!("blocks of {code:?}"), Box::new(move |size| lab(again(&format!("```python\n{code}```\n\n"), size)))));
    }
    pages
}

#[test]
#[ignore = "it takes a while, and measures rather than tests"]
fn the_time_of_a_page_grows_with_its_length() {
    for (name, page) in pages() {
        let mut times: Vec<(usize, Duration)> = Vec::new();
        for size in [4_000, 8_000, 16_000, 32_000, 64_000, 128_000] {
            times.push((size, page(size)));
            if times.iter().map(|(_, time)| *time).sum::<Duration>() > Duration::from_secs(2) {
                break;
            }
        }
        let [.., (_, before), (size, last)] = times[..] else { continue };
        if last > Duration::from_millis(100) {
            eprintln!("{name}: {size} bytes take {last:.2?}, {:.1} times as long as half of them", last.as_secs_f64() / before.as_secs_f64().max(1e-4));
        }
    }
}
