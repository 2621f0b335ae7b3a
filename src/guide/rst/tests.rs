//! The reStructuredText reader as a whole.

use std::sync::Arc;

use proptest::prelude::*;

use super::parse;
use crate::guide::page::{is_sound, outline};
use crate::source::Source;

fn read(text: &str) -> String {
    outline(&parse(&Arc::new(Source::new("a.rst", text)), "a"))
}

/// The code of each block, with its line.
fn code(text: &str) -> Vec<(usize, String)> {
    let source = Arc::new(Source::new("a.rst", text));
    let guide = parse(&source, "a");
    guide.lessons().flat_map(|lesson| &lesson.blocks).map(|block| (block.line(&source), block.body.text())).collect()
}

#[test]
fn the_guide_of_the_format_reads_as_it_says() {
    insta::assert_snapshot!(read(include_str!("../../../tests/guides/rst/notes.rst")));
}

#[test]
fn sections_get_their_level_by_order_of_appearance() {
    let text = "====\nBook\n====\n\nPart\n====\n\nSection\n-------\n\nOther part\n==========\n\n----\n\nshort\n--\n";
    let guide = parse(&Arc::new(Source::new("a.rst", text)), "a");
    let lesson = guide.lessons().next().expect("a page is a lesson");
    let headings: Vec<_> = lesson.prose.iter().map(|prose| (prose.kind, prose.text.as_str())).collect();
    insta::assert_debug_snapshot!(headings);
    assert_eq!(lesson.title, "Book");
}

#[test]
fn a_literal_block_ends_where_the_indentation_does() {
    assert_eq!(code("A::\n\n  x = 1\n\n    y\n\nB\n"), [(3, "x = 1\n\n  y\n".to_owned())]);
    assert_eq!(code("::\n\n\tif x:\n\t\ty()\n"), [(3, "if x:\n        y()\n".to_owned())]);
    assert_eq!(code("* A::\n\n    x = 1\n\n  B ::\n\n      y = 2\n* C\n"), [(3, "x = 1\n".to_owned()), (7, "y = 2\n".to_owned())]);
}

#[test]
fn code_that_docutils_would_lose_is_read() {
    assert_eq!(code("1. A::\n\n  x = 1\n"), [(3, "x = 1\n".to_owned())], "indented by less than its item's text");
    assert_eq!(code("A::\n    x = 1\n"), [(2, "x = 1\n".to_owned())], "no blank line before");
    assert_eq!(code(".. note:: A::\n\n      x = 1\n"), [(3, "x = 1\n".to_owned())], "not indented against its note");
    assert_eq!(code("A:\n.. code-block:: python\n\n   x = 1\n"), [(4, "x = 1\n".to_owned())], "a directive behind a paragraph");
    assert_eq!(code(".. code-block:: python\n   x = 1\n"), [(2, "x = 1\n".to_owned())], "no blank line behind the directive");
    assert_eq!(code(".. code-block:: python\n   :linenos:\n\n    x = 1\n"), [(4, "x = 1\n".to_owned())], "options indented by less than the code");
}

#[test]
fn a_directive_that_shows_no_code_is_a_finding() {
    insta::assert_snapshot!(read("T\n=\n\n.. code-block:: python\n\nx = 1\n\n.. code-block: python\n\n   y = 2\n"));
}

#[test]
fn comments_and_tables_are_no_prose() {
    let text = ".. a comment\n   with ``code``::\n\n     more\n\n..\n\n    A quote.\n\n=====  =====\na      b\n=====  =====\n::     x\n=====  =====\n\nEnd.\n";
    insta::assert_snapshot!(read(text), @r#"
    a "" a
      line 8: Paragraph A quote.
      line 16: Paragraph End.
    "#);
}

#[test]
fn a_session_ends_at_a_blank_line() {
    assert_eq!(code("Try::\n\n>>> 1\n1\n\n>>> 2\n2\nText\n"), [(3, ">>> 1\n1\n".to_owned()), (6, ">>> 2\n2\nText\n".to_owned())]);
}

#[test]
fn lists_in_lists_do_not_exhaust_the_stack() {
    code(&format!("{}x::\n\n    y\n", "- ".repeat(20_000)));
    let stairs: String = (0..400).map(|depth| format!("{}a\n\n", " ".repeat(depth))).collect();
    code(&stairs);
    code(&".. note:: ".repeat(5_000));
}

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>()) {
        prop_assert!(is_sound(&parse(&Arc::new(Source::new("a.rst", text)), "a")));
    }

    #[test]
    fn text_that_is_nearly_markup_is_read(pieces in prop::collection::vec(prop::sample::select(vec![
        "A::", "::", "\n", "\n\n", "\n    ", "\n  ", "\n\t", ".. ", ".. code-block:: python", ".. note:: x", ":caption: c", "- ", "1. ", "===", "---", "+--+", "== ==",
        ">>> 1", "{stop}", "{execsql}", "{sql}", "``", "`a <b>`_", ":file:`", "> q", "| l", "é", ".. [1] n", "__ u", ".. _t: u", ".. highlight:: text", "x = 1", " ", "\\",
    ]), 0..40)) {
        prop_assert!(is_sound(&parse(&Arc::new(Source::new("a.rst", pieces.concat())), "a")));
    }
}
