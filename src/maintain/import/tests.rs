//! Pages carried over, read back, and held against what they were.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::fence::Fence;
use super::node::{Inline, Node, Style, folded, words};
use super::*;
use crate::guide::{Block, Body, BodyLine, Info, Language, Mark, ProseKind, Role, html, markdown, text};

fn source(path: &str, text: &str) -> Arc<Source> {
    Arc::new(Source::new(path, text))
}

/// The only page that a text becomes.
fn page(guide: &Guide) -> (String, Vec<String>) {
    let carried = carry(guide, &BTreeMap::new());
    let pages: Vec<&String> = carried.pages.iter().filter(|(path, _)| path.as_str() != "SUMMARY.md").map(|(_, text)| text).collect();
    assert_eq!(pages.len(), 1, "{:?}", carried.pages.keys());
    (pages[0].clone(), carried.notes)
}

fn of_html(text: &str) -> (String, Vec<String>) {
    page(&html::parse(&source("old.html", text), "old"))
}

fn of_text(written: &str) -> String {
    page(&text::parse(&source("old.txt", written), "old")).0
}

#[test]
fn html_keeps_its_shape() {
    let (text, notes) = of_html(
        "<h1>A &amp; B</h1><p>Some <b>bold</b>, <i>slanted</i> and <code>a_b*</code>\n words &lt;here&gt; 1 * 2 * 3.</p>\
         <ul><li>one<ul><li>deep</li></ul></li><li><p>two</p><pre>x = 1\n\ny = 2</pre><p>after</p></li></ul>\
         <ol start=3><li>three</li><li>four</li></ol>\
         <table><tr><th>a</th><th>b|c</th></tr><tr><td>1</td><td><code>x|y</code></td></tr></table>\
         <blockquote><p>said</p></blockquote><hr>\
         <p>1. no list<br># no heading</p><p><a href='https://x.org/a_b'>out (of) here</a>!</p>",
    );
    insta::assert_snapshot!(text);
    assert_eq!(notes, Vec::<String>::new());
}

#[test]
fn what_has_no_markdown_is_named() {
    let (text, notes) = of_html(
        "<h1>T</h1><nav>menu</nav>\n<p>See <img src=a.png alt='a picture'> and <img src=https://x.org/b.png alt=b>, <a href=gone.html>gone</a>.</p>\n<script>x</script><!-- a word to nobody --><iframe src=x></iframe>",
    );
    assert_eq!(text, "# T\n\nSee *a picture* and ![b](https://x.org/b.png), gone.\n");
    assert_eq!(
        notes,
        [
            "old.html: not carried over: comment: line 3",
            "old.html: not carried over: embedded page: line 3",
            "old.html: not carried over: image: a.png (line 2)",
            "old.html: not carried over: link that leads nowhere here: gone.html (line 2)",
            "old.html: not carried over: part beside the lesson, such as navigation: line 1",
            "old.html: not carried over: script: line 3",
        ]
    );
}

#[test]
fn links_within_a_page_of_lessons_lead_to_its_files() {
    let text = "<h1>1 Start</h1><h2 id=a>1.1 One</h2><p><a href='#b'>two</a> <a href='#why'>why</a> <a href='#x'>x</a></p><h3 id=why>Why so?</h3><h2 id=b>1.2 Two</h2><p><a href='#why'>back</a></p>";
    let carried = carry(&html::parse(&source("old.html", text), "old"), &BTreeMap::new());
    assert_eq!(carried.pages.keys().map(String::as_str).collect::<Vec<_>>(), ["01-start/01-one.md", "01-start/02-two.md", "SUMMARY.md"]);
    assert_eq!(carried.pages["01-start/01-one.md"], "# One\n\n[two](02-two.md#two) [why](#why-so) x\n\n## Why so?\n");
    assert_eq!(carried.pages["01-start/02-two.md"], "# Two\n\n[back](01-one.md#why-so)\n");
    assert_eq!(
        carried.pages["SUMMARY.md"],
        "# Start\n\n- [Start]()\n  - [One](01-start/01-one.md)\n  - [Two](01-start/02-two.md)\n".replacen("# Start", "# Summary", 1)
    );
}

#[test]
fn plain_text_is_escaped_and_its_code_fenced() {
    let text = of_text(
        "A title\n\n* one\n* two\n\n1. first\n2. second\n\nUse `pip` or **not** the_snake <here>.\n# no\nSee https://x.org/a_b.\n\nimport os\nprint(\"```\")\n",
    );
    assert_eq!(
        text,
        "# A title\n\n- one\n- two\n\n1. first\n2. second\n\nUse `pip` or \\*\\*not\\*\\* the_snake \\<here>.\n\n## no\n\nSee <https://x.org/a_b>.\n\n````python\nimport os\nprint(\"```\")\n````\n"
    );
}

#[test]
fn a_course_keeps_its_numbers_and_announced_lessons() {
    let written = "A course\n1 Start\n1.1 One\n1.2 One\n2 Later\n2.3 Three / four\n\n1.1 One\n\nHello.\n\nx = 1\nprint(x)\n\n1.2 One\n\nHello again.\n";
    let carried = carry(&text::parse(&source("old.txt", written), "old"), &BTreeMap::new());
    assert_eq!(
        carried.pages["SUMMARY.md"],
        "# A course\n\n- [Start]()\n  - [One](01-start/01-one.md)\n  - [One](01-start/02-one.md)\n- [Later]()\n  - [2.3. Three / four]()\n"
    );
    assert_eq!((carried.chapters, carried.lessons, carried.drafts, carried.blocks), (2, 2, 1, 1));
    assert_eq!(carried.notes, Vec::<String>::new());
}

#[test]
fn what_stands_in_no_lesson_is_kept_beside_them() {
    let written = "A course\n\nFor everybody\nwho wants to.\n\n1 Start\n1.1 One\n1.2 Two\n\nPlease note.\n\n1.1 One\n\nHello.\n\n1.2 Two\n\nHello.\n";
    let carried = carry(&text::parse(&source("old.txt", written), "old"), &BTreeMap::new());
    assert_eq!(carried.pages["README.md"], "# A course\n\nFor everybody\nwho wants to.\n\nPlease note.\n");
    assert_eq!(carried.notes, ["README.md holds what stands in no lesson"]);
}

#[test]
fn files_and_directives_are_said_in_the_fence() {
    let (text, _) = of_html(
        "<h1>T</h1><p>Create <code>app.py</code>:</p><pre>x = 1</pre><!-- proctor: skip reason=\"no\" --><pre>$ ls\na</pre><pre class=language-html>&lt;p&gt;</pre>",
    );
    assert_eq!(
        text,
        "# T\n\nCreate `app.py`:\n\n```python title=\"app.py\"\nx = 1\n```\n\n<!-- proctor: skip reason=\"no\" -->\n\n```console\n$ ls\na\n```\n\n```html\n<p>\n```\n"
    );
}

#[test]
fn what_is_taken_for_granted_becomes_a_stub() {
    let guide = text::parse(&source("old.txt", "T\n\nrows = session.query(User)\nprint(engine)\n"), "old");
    let lesson = guide.lessons().next().unwrap();
    let span = lesson.blocks[0].span();
    let assumed = |name: &str, what: &str| Assumption { name: name.to_owned(), span, what: what.to_owned() };
    let all = vec![
        assumed("engine", "an engine"),
        assumed("User", "what old defines at its line 3"),
        assumed("redis", "Redis"),
        assumed("config.py", "a file"),
        assumed("helper", "a thing"),
    ];
    let carried = carry(&guide, &BTreeMap::from([("old".to_owned(), all)]));
    let stub = &carried.stubs["t"];
    assert_eq!(crate::lab::manifest::Manifest::parse(stub), Ok(crate::lab::manifest::Manifest::default()));
    // Each line that is to hold in the manifest does, once its mark is taken away.
    for (line, start) in
        [("uses = [\"t\"]", 0), ("services = [\"redis\"]", 0), ("[files]", 0), ("setup = \"\"\"", 0), ("engine = create_engine(\"sqlite://\")", 4)]
    {
        assert!(stub.contains(&format!("\n# {}{line}\n", " ".repeat(start))), "{line} is not in\n{stub}");
    }
}

#[test]
fn a_list_below_a_list_is_another() {
    let list = |word: &str| Node::List(None, vec![vec![Node::Paragraph(vec![Inline::plain(word)])]]);
    let written = write::lines(&[list("a"), list("b"), list("c")], &|_| Vec::new()).join("\n");
    assert_eq!(written, "- a\n\n* b\n\n- c");
}

#[test]
fn deep_pages_end() {
    let (text, _) = of_html(&format!("<h1>T</h1>{}<pre>x = 1</pre>", "<ul><li>".repeat(5_000)));
    assert!(text.contains("x = 1"));
}

/// Words that Markdown would take for something else.
fn words_of_prose() -> impl Strategy<Value = String> {
    let letters = r"[a-z0-9é#*_`<>\[\]()!&;|~:.+=\-\\{}%/$@ '\x22]";
    prop_oneof![
        proptest::string::string_regex(&format!("{letters}{{1,24}}")).unwrap(),
        proptest::sample::select(vec![
            "# x",
            "- x",
            "1. x",
            "1) x",
            "> x",
            "---",
            "===",
            "```",
            "~~~",
            "| a | b |",
            "|-|-|",
            "    x",
            "&amp;",
            "<b>",
            "[x]: y",
            "[^1]",
            "***",
            "!!! note",
            "=== \"A\"",
            "::: tip",
            "{{#include a}}",
            "{% raw %}",
            "<!-- x -->",
            "$$",
            "+++",
            "[ ] x",
            "x  ",
            "# x #",
            "x {#id}",
            "%",
            "__init__",
            "a_b_c",
            "**x**",
            "5\\. x",
        ])
        .prop_map(str::to_owned),
    ]
}

fn inline() -> impl Strategy<Value = Vec<Inline>> {
    let style = (any::<bool>(), any::<bool>(), 0..6_u8).prop_map(|(strong, emphasis, other)| Style {
        code: other == 0,
        strong: strong && other > 3,
        emphasis: emphasis && other > 3,
        struck: other == 1,
        link: (other == 2).then(|| "https://x.org/a_(b)?c=d&e".to_owned()),
    });
    proptest::collection::vec((words_of_prose(), style).prop_map(|(text, style)| Inline::Text(text, style)), 1..4)
}

fn body() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof![
        proptest::string::string_regex(r"[ \t]{0,5}[a-z`~#:<>*_=().\x22' \t-]{0,12}").unwrap(),
        proptest::sample::select(vec!["```", "~~~~", "````python", "</pre>", "<!-- proctor: new -->", "- ```", "> x", "", "    ", "\t\tx", ":::", "---"])
            .prop_map(str::to_owned),
    ];
    proptest::collection::vec(line, 1..6).prop_filter("an empty block is none", |lines| lines.iter().any(|line| !line.trim().is_empty()))
}

/// A page's node, in which each block is the next one.
fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        3 => inline().prop_map(Node::Paragraph),
        1 => (2..7_u8, inline()).prop_map(|(level, line)| Node::Heading(level, line)),
        3 => Just(Node::Code(0)),
        1 => Just(Node::Rule),
        1 => (any::<bool>(), proptest::collection::vec(proptest::collection::vec(inline(), 2), 1..3)).prop_map(|(headed, rows)| Node::Table { headed, rows }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (proptest::option::of(0..20_usize), proptest::collection::vec(proptest::collection::vec(inner.clone(), 1..3), 1..3))
                .prop_map(|(start, items)| Node::List(start, items)),
            proptest::collection::vec(inner, 1..3).prop_map(Node::Quote),
        ]
    })
}

/// Fold the lines of a node as the readers do, and give its blocks their numbers.
fn settled(node: &mut Node, next: &mut usize, texts: &mut Vec<String>) {
    match node {
        Node::Heading(_, line) | Node::Paragraph(line) => {
            *line = folded(std::mem::take(line), false);
            texts.push(words(line));
        }
        Node::Table { rows, .. } => rows.iter_mut().flatten().for_each(|cell| {
            *cell = folded(std::mem::take(cell), false);
            texts.push(words(cell));
        }),
        Node::List(_, items) => items.iter_mut().flatten().for_each(|node| settled(node, next, texts)),
        Node::Quote(nodes) => nodes.iter_mut().for_each(|node| settled(node, next, texts)),
        Node::Code(index) => {
            *index = *next;
            *next += 1;
        }
        Node::Rule => {}
    }
}

fn block(lines: &[String]) -> Block {
    let lines = lines.iter().map(|text| BodyLine { text: text.clone(), span: Span::default() }).collect();
    Block {
        body: Body { lines },
        language: Language::Other("rust".to_owned()),
        role: Role::File,
        mark: Mark::Pre,
        info: Info::default(),
        directives: Vec::new(),
    }
}

/// What is written of a list with one item.
fn item(nodes: Vec<Node>) -> String {
    write::lines(&[Node::List(None, vec![nodes])], &|_| Vec::new()).join("\n")
}

#[test]
fn a_list_that_could_not_interrupt_its_item_s_text_stands_apart_from_it() {
    let text = |words: &str| Node::Paragraph(vec![Inline::plain(words)]);
    assert_eq!(item(vec![text("a"), Node::List(Some(1), vec![vec![text("b")]])]), "- a\n  1. b");
    assert_eq!(item(vec![text("a"), Node::List(Some(2), vec![vec![text("b")]])]), "- a\n\n  2. b");
    assert_eq!(item(vec![text("a"), Node::List(Some(1), vec![vec![text(" ")]])]), "- a\n\n  1.");
}

#[test]
fn a_heading_of_marks_alone_is_escaped_once() {
    assert_eq!(write::lines(&[Node::Heading(2, vec![Inline::plain("#")])], &|_| Vec::new()), ["## \\#"]);
    assert_eq!(write::lines(&[Node::Heading(2, vec![Inline::plain("a #")])], &|_| Vec::new()), ["## a \\#"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_written_reads_back(mut nodes in proptest::collection::vec(node(), 1..6), bodies in proptest::collection::vec(body(), 40)) {
        let (mut count, mut texts) = (0, Vec::new());
        nodes.iter_mut().for_each(|node| settled(node, &mut count, &mut texts));
        prop_assume!(count <= bodies.len());
        nodes.insert(0, Node::Heading(1, vec![Inline::plain("T")]));
        let blocks: Vec<Block> = bodies.iter().map(|lines| block(lines)).collect();
        let written = write::lines(&nodes, &|index| Fence::of(&blocks[index], None).lines(&blocks[index])).join("\n") + "\n";
        let guide = markdown::parse(&source("a.md", &written), "a");
        let lesson = guide.lessons().next().unwrap();
        let read: Vec<Vec<String>> = lesson.blocks.iter().map(|block| block.body.lines.iter().map(|line| line.text.clone()).collect()).collect();
        prop_assert_eq!(&read, &bodies[..count].to_vec(), "\n{}", written);
        texts.retain(|text| !text.is_empty());
        let prose: Vec<String> = lesson.prose.iter().filter(|prose| prose.kind != ProseKind::Heading(1)).map(|prose| prose.text.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        prop_assert_eq!(prose, texts, "\n{}", written);
        prop_assert!(lesson.findings.is_empty());
    }
}
