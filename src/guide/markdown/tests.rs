//! Pages of Markdown, small and odd, and what must be read in them.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use proptest::prelude::*;

use super::*;
use crate::guide::{Mark, Role, language};

fn lesson(markdown: &str) -> Lesson {
    let mut guide = parse(&Arc::new(Source::new("a.md", markdown)), "a");
    guide.chapters.remove(0).lessons.remove(0)
}

/// Every block as `line language role: text`.
fn shown(markdown: &str) -> Vec<String> {
    let lesson = lesson(markdown);
    let role = |block: &Block| match &block.role {
        Role::Foreign(reason) => format!("({reason})"),
        role => format!("{role:?}").to_lowercase(),
    };
    lesson
        .blocks
        .iter()
        .map(|block| {
            format!(
                "{} {} {}: {}",
                block.line(&lesson.source),
                language::name(&block.language),
                role(block),
                block.body.text().replace('\n', "\\n").replace('\t', "\\t")
            )
        })
        .collect()
}

#[test]
fn fences_of_every_shape_are_blocks() {
    assert_eq!(shown("```python\na = 1\n\nb = 2\n```\n"), ["2 python python: a = 1\\n\\nb = 2\\n"]);
    assert_eq!(shown("~~~~ python\na = 1\n~~~\n```\n~~~~\n"), ["2 python python: a = 1\\n~~~\\n```\\n"]);
    assert_eq!(shown("  ```python\n  a = 1\n   b\n  ```\n"), ["2 python python: a = 1\\n b\\n"]);
    assert_eq!(shown("- x\n\n  ```python\n  if a:\n\n      b()\n\n  ```\n"), ["4 python python: if a:\\n\\n    b()\\n\\n"]);
    assert_eq!(shown("1. x\n   ```python\n   a = 1\n   ```\n2. y\n   ```python\n   b = 1\n   ```\n").len(), 2);
    assert_eq!(shown("> ```python\n> a = 1\n>\n> b = 1\n> ```\n"), ["2 python python: a = 1\\n\\nb = 1\\n"]);
    assert_eq!(shown("> - ```python\n>   a = 1\n>   ```\n"), ["2 python python: a = 1\\n"]);
    assert_eq!(shown("x\n\n    a = 1\n\n    \n    b = 2\n\ny\n"), ["3 python python: a = 1\\n\\n\\nb = 2\\n"]);
    assert_eq!(shown("x\n\n\tif a:\n\t\tb()\n"), ["3 python python: if a:\\n\\tb()\\n"]);
    assert_eq!(shown("```\n```\n"), ["1 text (an empty block): \\n"]);
}

#[test]
fn a_tab_that_a_list_takes_a_part_of_leaves_the_rest() {
    assert_eq!(shown("- x\n\n\t\tif a:\n\t\t\tb()\n"), ["3 python python:   if a:\\n  \\tb()\\n"]);
}

#[test]
fn a_fence_that_is_never_closed_is_a_finding_and_a_block() {
    let page = "# T\n\n```python\na = 1\n\nprose\n";
    assert_eq!(shown(page), ["4 python python: a = 1\\n\\nprose\\n"]);
    let finding = &lesson(page).findings[0];
    assert_eq!((finding.code.word(), finding.location.place().line), ("unclosed-fence", 3));
    assert!(finding.help.as_ref().unwrap().contains("end of the page"));
    let finding = &lesson("- x\n\n  ```python\n  a = 1\n\nprose\n").findings[0];
    assert!(finding.help.as_ref().unwrap().contains("list or quotation"));
    assert_eq!(lesson("```python\n").findings.len(), 1);
    assert_eq!(lesson("> ```python\n> a = 1\n> ```").findings, []);
}

#[test]
fn dialects_hold_fences_where_commonmark_sees_none() {
    assert_eq!(shown("!!! note\n    Do:\n\n    ```python\n    a = 1\n\n    b = 2\n    ```\n"), ["5 python python: a = 1\\n\\nb = 2\\n"]);
    assert_eq!(shown("=== \"One\"\n\n    ```python\n    a = 1\n    ```\n\n=== \"Two\"\n\n    ```python\n    b = 1\n    ```\n").len(), 2);
    assert_eq!(
        shown("- x\n\n    !!! note\n        Do\n\n        ```python\n        a = 1\n\n        b = 2\n        ```\n"),
        ["7 python python: a = 1\\n\\nb = 2\\n"]
    );
    assert_eq!(shown("!!! tip\n\n\t```python\n\tif c:\n\t\td()\n\t```\n"), ["4 python python: if c:\\n\\td()\\n"]);
    assert_eq!(shown("# T\n\n    ```python\n    a = 1\n    ```\n    x = 2\n"), ["4 python python: a = 1\\n", "6 python python: x = 2\\n"]);
    assert_eq!(shown("{% highlight python %}\na = 1\n\n- b\n{% endhighlight %}\n"), ["2 python python: a = 1\\n\\n- b\\n"]);
    assert_eq!(shown("{{< highlight python \"linenos=table\" >}}\na = 1\n{{< /highlight >}}\n"), ["2 python python: a = 1\\n"]);
    assert_eq!(shown(":::{code-block} python\na = 1\n:::\n"), ["2 python python: a = 1\\n"]);
    assert_eq!(shown("````{note}\n```python\na = 1\n```\n````\n"), ["3 python python: a = 1\\n"]);
}

#[test]
fn options_of_directives_are_no_code() {
    let page = "```{code-block} python\n:caption: app.py\n:linenos:\n\na = 1\n```\n\n```{code-cell}\n---\ntags: [x]\n---\nb = 1\n```\n";
    assert_eq!(shown(page), ["5 python python: a = 1\\n", "12 python python: b = 1\\n"]);
    let blocks = lesson(page).blocks;
    assert_eq!(blocks[0].info.attributes["title"], "app.py");
    assert_eq!(blocks[0].mark, Mark::Directive);
    assert_eq!(blocks[1].info.attributes["tags"], "[x]");
    assert_eq!(shown("```{literalinclude} app.py\n```\n"), ["1 literalinclude (its code is included from `app.py`, which is not followed): \\n"]);
}

#[test]
fn marks_of_site_builders_are_no_code() {
    assert_eq!(shown("```html\n{% raw %}\n<p>{{ a }}</p>\n{% endraw %}\n```\n"), ["3 html file: <p>{{ a }}</p>\\n"]);
    assert_eq!(shown("```html\n{% raw %}<p>{{ a }}</p>{% endraw %}\n```\n"), ["2 html file: <p>{{ a }}</p>\\n"]);
    assert_eq!(shown("```python\n~~import os\nos.getcwd()\n```\n"), ["2 python python: import os\\nos.getcwd()\\n"]);
    assert!(shown("```python\n{% include app.py %}\n```\n")[0].contains("its code is included from `app.py`"));
    assert!(shown("```python\n{{#include app.py}}\n```\n")[0].contains("which is not at hand"));
    assert_eq!(shown("```html\n<p>\n{% include 'nav.html' %}\n</p>\n```\n").len(), 1);
    assert!(shown("```html\n<p>\n{% include 'nav.html' %}\n</p>\n```\n")[0].contains("file:"));
}

#[test]
fn text_after_code_is_its_output() {
    assert_eq!(shown("```python\nprint(1)\n```\n\nIt prints:\n\n```\n1\n```\n")[1], "8 text output: 1\\n");
    assert!(shown("```\nHello there\n```\n")[0].contains("(text that is neither"));
    assert!(shown("```python\na = 1\n```\n\n## Next\n\n```\nHello\n```\n")[1].contains("(text that is neither"));
    assert_eq!(shown("```python\na = 1\n```\n```text title=\"notes.txt\"\nHello\n```\n")[1], "5 text file: Hello\\n");
    assert_eq!(shown("```bash\nls\n```\n\nAdd *runtime.txt*:\n\n```\npython-3.12.0\n```\n")[1], "8 text file: python-3.12.0\\n");
    assert_eq!(shown("```bash\ncurl localhost:5000\n```\n\nThe response:\n\n```json\n{\"a\": 1}\n```\n")[1], "8 json output: {\"a\": 1}\\n");
    assert_eq!(shown("```python\na = 1\n```\n\nPut this into `x.json`:\n\n```json\n{\"a\": 1}\n```\n")[1], "8 json file: {\"a\": 1}\\n");
    assert_eq!(shown("```python\na = 1\n```\n\n## Next\n\n<!-- proctor: output -->\n```\nHello\n```\n")[1], "9 text output: Hello\\n");
}

#[test]
fn directives_go_to_the_next_block() {
    let lesson = lesson("<!-- proctor: skip reason=\"x\" -->\n\ntext <!-- proctor: new -->\n\n```python\na\n```\n\n```python\nb\n```\n");
    let words: Vec<&str> = lesson.blocks[0].directives.iter().map(|directive| directive.word.as_str()).collect();
    assert_eq!(words, ["skip", "new"]);
    assert_eq!(lesson.blocks[1].directives, []);
    assert_eq!(super::tests::lesson("{/* proctor: new */}\n\n```python\na\n```\n").blocks[0].directives.len(), 1);
    assert_eq!(super::tests::lesson("% proctor: new\n\n```python\na\n```\n").blocks[0].directives.len(), 1);
    let stray = &super::tests::lesson("x\n\n<!-- proctor: new -->\n").findings[0];
    assert_eq!((stray.code.word(), stray.location.place().line), ("unknown-directive", 3));
    assert_eq!(super::tests::lesson("```html\n<!-- proctor: new -->\n```\n").findings, []);
}

#[test]
fn titles_and_numbers_come_from_the_page_or_its_name() {
    let of = |text: &str, id: &str| {
        let mut guide = parse(&Arc::new(Source::new("a.md", text)), id);
        let lesson = guide.chapters.remove(0).lessons.remove(0);
        (lesson.number.unwrap_or_default(), lesson.title, lesson.line)
    };
    assert_eq!(of("---\ntitle: F\n---\n\n# 5.5 *Many* `x`\n", "a"), ("5.5".into(), "Many x".into(), 5));
    assert_eq!(of("---\ntitle: F\n---\n\n## x\n", "05-a/02-b"), ("5.2".into(), "F".into(), 1));
    assert_eq!(of("x", "c/d"), (String::new(), "d".into(), 1));
}

#[test]
fn prose_keeps_its_code_words_and_links() {
    let lesson = lesson("# A `b`\n\nSee [the\n`c`](d.md) now.\n\n- one\n- two `x`\n\n| h | i |\n|---|---|\n| j | k |\n\n{% include e.md %}\n");
    let texts: Vec<&str> = lesson.prose.iter().map(|piece| piece.text.as_str()).collect();
    assert_eq!(texts, ["A b", "See the c now.", "one", "two x", "h", "i", "j", "k", "{% include e.md %}"]);
    assert_eq!(lesson.prose[0].kind, ProseKind::Heading(1));
    assert_eq!(lesson.prose[1].code, ["c"]);
    assert_eq!(lesson.prose[1].links, ["d.md"]);
    assert_eq!(lesson.prose[8].links, ["e.md"]);
    assert_eq!(lesson.source.slice(lesson.prose[3].span), "two `x`");
}

#[test]
fn an_included_file_is_read_at_its_directives_line() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("app.py"), "a = 1\nb = 2\nc = 3\n").unwrap();
    let source = Arc::new(Source::new("a.md", "```python\n{{#include app.py:2:}}\n```\n\n```python\n{{#include ../x.py}}\n```\n"));
    let folder = Folder { page: root.path(), root: root.path() };
    let guide = parse_in(&source, "a", Some(&folder));
    let blocks = &guide.chapters[0].lessons[0].blocks;
    assert_eq!(blocks[0].body.text(), "b = 2\nc = 3\n");
    assert!(blocks[0].body.lines.iter().all(|line| source.line_of(line.span.start) == 2));
    assert!(matches!(&blocks[1].role, Role::Foreign(reason) if reason.contains("../x.py")));
}

#[test]
fn a_very_long_line_is_read_at_once() {
    for unit in ["x ", "`", "[", "> ", "(", "<a ", "*a ", "{% ", "- ", "1. ", "    ", "![", "<!--", "|a", "\n\n    - a", "\n!!! a\n    "] {
        let page = format!("# T\n\n{}\n\n```python\n{}\n```\n", unit.repeat(20_000), "a + ".repeat(20_000));
        let start = std::time::Instant::now();
        assert!(lesson(&page).blocks.len() < 3);
        assert!(start.elapsed().as_secs() < 20, "{unit:?} took {:?}", start.elapsed());
    }
}

#[test]
fn an_empty_block_stands_at_its_fence() {
    let places = |text: &str| lesson(text).blocks.iter().map(|block| block.line(&lesson(text).source)).collect::<Vec<_>>();
    assert_eq!(places("# A\n\n```python\n```\n\nx\n\n```\n"), [3, 8]);
    assert_eq!(places("a\n\n```{code-block} python\n:caption: x\n```\n\n- b\n\n      ```\n      ```\n"), [3, 9]);
}

fn check(lesson: &Lesson, letter_by_letter: bool) -> Result<(), TestCaseError> {
    let text = lesson.source.text();
    let mut end = 0;
    for block in &lesson.blocks {
        prop_assert!(!block.body.lines.is_empty(), "{:?}", block);
        prop_assert!(block.span().start >= end, "{:?}", block);
        for line in &block.body.lines {
            prop_assert!(line.span.start >= end);
            end = line.span.end;
            let slice = text.get(line.span.start..line.span.end);
            prop_assert!(slice.is_some(), "{:?} lies between characters", line);
            if letter_by_letter {
                prop_assert_eq!(slice, Some(line.text.as_str()));
            }
        }
        let lines: Vec<usize> = block.body.lines.iter().map(|line| lesson.source.line_of(line.span.start)).collect();
        prop_assert!(lines.windows(2).all(|pair| pair[0] + 1 == pair[1]) || !letter_by_letter, "lines {:?}", lines);
    }
    for prose in &lesson.prose {
        prop_assert!(text.get(prose.span.start..prose.span.end).is_some(), "{:?}", prose);
    }
    Ok(())
}

/// Pages made of the pieces that Markdown's dialects are made of.
fn fragments(tabs: bool) -> impl Strategy<Value = String> {
    let mut pieces = vec![
        "```",
        "~~~",
        "````",
        ":::",
        "{note}",
        "{code-block} python",
        "python",
        "text",
        "\n",
        "\n\n",
        "    ",
        "  ",
        "> ",
        "- ",
        "1. ",
        "# ",
        "a = 1",
        "é",
        "print(1)",
        "!!! note\n",
        "=== \"T\"\n",
        "    ```python\n",
        "{% highlight python %}\n",
        "{% endhighlight %}\n",
        "<!-- proctor: new -->",
        "<!--",
        "-->",
        "---\n",
        ":caption: x\n",
        "title: x\n",
        "{{#include x}}\n",
        "$ ls",
        ">>> 1",
        "<p>",
        "`",
        "[x](y)",
        "| a |\n|---|\n",
        "\u{0}",
        "\r",
        "*",
    ];
    if tabs {
        pieces.extend(["\t", "{% raw %}\n", "{% endraw %}", "~~a = 1\n"]);
    }
    proptest::collection::vec(proptest::sample::select(pieces), 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_a_page(text in any::<String>()) {
        check(&lesson(&text), false)?;
    }

    #[test]
    fn any_mix_of_marks_is_a_page(text in fragments(true)) {
        check(&lesson(&text), false)?;
    }

    #[test]
    fn a_body_is_its_source_letter_by_letter(text in fragments(false)) {
        check(&lesson(&text), true)?;
    }

    #[test]
    fn line_ends_make_no_difference(text in fragments(true)) {
        let text = text.replace('\r', "");
        prop_assert_eq!(shown(&text), shown(&text.replace('\n', "\r\n")));
    }
}
