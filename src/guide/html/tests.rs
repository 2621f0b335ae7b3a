//! The HTML reader as a whole.

use std::sync::Arc;

use proptest::prelude::*;

use super::{Block, fragment, parse};
use crate::guide::page::{is_sound, outline};
use crate::source::{Source, Span};

fn read(text: &str) -> String {
    outline(&parse(&Arc::new(Source::new("a.html", text)), "a"))
}

fn blocks(source: &Arc<Source>, span: Span) -> Vec<Block> {
    fragment(source, span, Vec::new()).blocks
}

/// The code of each block, with its line.
fn code(text: &str) -> Vec<(usize, String)> {
    let source = Arc::new(Source::new("a.html", text));
    blocks(&source, Span::new(0, source.text().len())).iter().map(|block| (block.line(&source), block.body.text())).collect()
}

fn one(line: usize, text: &str) -> Vec<(usize, String)> {
    vec![(line, text.to_owned())]
}

#[test]
fn the_guide_of_the_format_reads_as_it_says() {
    insta::assert_snapshot!(read(include_str!("../../../tests/guides/html/notes.html")));
}

#[test]
fn a_page_of_many_lessons_is_taken_apart_at_its_numbers() {
    let guide = parse(&Arc::new(Source::new("a.html", include_str!("../../../tests/guides/html/course.html"))), "a");
    let chapters: Vec<_> = guide.chapters.iter().map(|chapter| format!("{:?} {} {}", chapter.number, chapter.title, chapter.lessons.len())).collect();
    assert_eq!(chapters, ["Some(\"1\") Routes 2", "Some(\"2\") Databases 2"]);
    insta::assert_snapshot!(outline(&guide));
}

#[test]
fn numbered_steps_are_no_lessons() {
    let guide = parse(&Arc::new(Source::new("a.html", "<h1>5.5 T</h1><h2>1. Install</h2><pre>a</pre><h2>5.5.1 Run</h2><pre>b</pre>")), "a");
    let lessons: Vec<_> = guide.lessons().map(|lesson| (lesson.id.as_str(), lesson.number.as_deref(), lesson.title.as_str(), lesson.blocks.len())).collect();
    assert_eq!(lessons, [("a", Some("5.5"), "T", 2)]);
}

#[test]
fn every_line_knows_its_own_line() {
    let source = Source::new("a.html", "<pre>\n<b>x</b> = &lt;\n\n  <i>y</i>&#10;z<br>w</pre>");
    let source = Arc::new(source);
    let blocks = blocks(&source, Span::new(0, source.text().len()));
    let lines: Vec<_> = blocks[0].body.lines.iter().map(|line| (source.line_of(line.span.start), line.text.as_str(), source.slice(line.span))).collect();
    assert_eq!(lines, [(2, "x = <", "x</b> = &lt;"), (3, "", ""), (4, "  y", "  <i>y"), (4, "z", "&#10;z"), (4, "w", "w")]);
}

#[test]
fn line_numbers_and_buttons_are_no_code() {
    assert_eq!(code("<pre>a<button>Copy</button>\n<div class='copy-btn'>Copy</div>b</pre>"), one(1, "a\nb\n"));
    assert_eq!(
        code(
            "<pre><code><table class='rouge-table'><tr><td class='gutter gl'><pre class='lineno'>1\n2\n</pre></td><td class='code'><pre>a\nb\n</pre></td></tr></table></code></pre>"
        ),
        one(3, "a\nb\n")
    );
    assert_eq!(
        code(
            "<pre><table class='hljs-ln'><tr><td class='hljs-ln-numbers'>1</td><td>a</td></tr><tr><td class='hljs-ln-numbers'>2</td><td></td></tr><tr><td class='hljs-ln-numbers'>3</td><td>b</td></tr></table></pre>"
        ),
        one(1, "a\n\nb\n")
    );
    assert_eq!(code("<pre><span class='linenos'>1</span>a\n<span class='linenos'>2</span>b</pre>"), one(1, "a\nb\n"));
    assert_eq!(code("<pre class='line-numbers'><code>a<span class='line-numbers-rows'><span></span></span></code></pre>"), one(1, "a\n"));
    assert_eq!(code("<pre><ol><li>a</li><li></li><li>b<li>c</ol></pre>"), one(1, "a\n\nb\nc\n"));
}

#[test]
fn an_indentation_that_all_lines_have_is_none() {
    let source = Arc::new(Source::new("a.html", "<pre>\n    if x:\n\n    \u{a0}   <b>y</b>\n</pre>"));
    let blocks = blocks(&source, Span::new(0, source.text().len()));
    assert_eq!(blocks[0].body.text(), "if x:\n\n    y\n");
    assert_eq!(source.place(blocks[0].body.offset(0, 0)).column, 5);
}

#[test]
fn malformed_pages_lose_no_block() {
    assert_eq!(code("<div><pre>a\n<h2>T</h2><pre>b</pre></p></div></pre><td><pre>c"), [(1, "a\n".to_owned()), (2, "b\n".to_owned()), (2, "c\n".to_owned())]);
    assert_eq!(code("<pre>/user/<name> <int:id> a <b"), one(1, "/user/<name> <int:id> a <b\n"));
    assert_eq!(code("<nav><p>x<pre>a</pre>"), one(1, "a\n"));
    assert_eq!(code("<script>if (a) '<pre>'</script><template><pre>x</pre></template><!-- <pre>y</pre> --><pre>z</pre>"), one(1, "z\n"));
}

#[test]
fn elements_that_never_end_are_read_in_time() {
    code(&"<b><pre>".repeat(20_000));
    code(&format!("<pre>{}{}", "<b>".repeat(50_000), "</i></div>".repeat(50_000)));
    let _ = parse(&Arc::new(Source::new("a.html", "<p><a href=x>y".repeat(30_000))), "a");
}

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>()) {
        prop_assert!(is_sound(&parse(&Arc::new(Source::new("a.html", text)), "a")));
    }

    #[test]
    fn text_that_is_nearly_html_is_read(pieces in prop::collection::vec(prop::sample::select(vec![
        "<pre>", "</pre>", "<code class='language-python'>", "</code>", "<td class='linenos'>", "<tr>", "<td>", "</table>", "<br>", "<li>", "<div>", "</div>", "\n", "x = 1",
        "&lt;", "&#10;", "&amp", "<h1>1.1 A</h1>", "<h2>1.2 B</h2>", "<h1>1 C</h1>", "<h1>", "<!-- proctor: new -->", "<!--", "-->", "<script>", "</script>", "<figure>", "<figcaption>",
        "</figure>", "<a href='x'>", "<p class=caption>", "<", ">", "'", "é", "\r", "\u{0}", "<title>", "<nav>", "<name>", "\u{a0}",
    ]), 0..40)) {
        let text = pieces.concat();
        let _ = super::visible_text(&text);
        prop_assert!(is_sound(&parse(&Arc::new(Source::new("a.html", text)), "a")));
    }
}
