//! The notebook reader as a whole.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::parse;
use crate::guide::page::{is_sound, outline};
use crate::source::{Place, Source};

fn read(text: &str) -> String {
    outline(&parse(&Arc::new(Source::new("a.ipynb", text)), "a"))
}

/// A notebook of code cells.
fn notebook(cells: &[&str]) -> String {
    let cells: Vec<_> = cells.iter().map(|source| json!({"cell_type": "code", "source": source, "outputs": []})).collect();
    json!({"cells": cells, "nbformat": 4}).to_string()
}

/// The cell, the first line and the code of each block.
fn code(cells: &[&str]) -> Vec<(usize, usize, String)> {
    let guide = parse(&Arc::new(Source::new("a.ipynb", notebook(cells))), "a");
    let lesson = guide.lessons().next().expect("a notebook is a lesson");
    let place = |offset| lesson.source.place(offset);
    lesson.blocks.iter().map(|block| (place(block.span().start), block.body.text())).map(|(at, text)| (at.cell.unwrap_or(99), at.line, text)).collect()
}

#[test]
fn the_guide_of_the_format_reads_as_it_says() {
    insta::assert_snapshot!(read(include_str!("../../../tests/guides/notebook/notes.ipynb")));
}

#[test]
fn cells_of_other_formats_and_kernels_are_read() {
    let old = json!({"nbformat": 3, "worksheets": [{"cells": [
        {"cell_type": "heading", "level": 2, "source": ["Old"]},
        {"cell_type": "code", "input": ["x = 1\r\n", "y = 2"], "outputs": []},
    ]}]});
    insta::assert_snapshot!(read(&old.to_string()), @r#"
    a "" Old
      cell 0 line 1: Heading(2) Old
      cell 1 line 1: python Python Cell
        | x = 1
        | y = 2
    "#);
    let other = json!({"cells": [{"cell_type": "code", "source": "x <- 1"}], "metadata": {"kernelspec": {"language": "R"}}});
    insta::assert_snapshot!(read(&other.to_string()), @r#"
    a "" a
      cell 0 line 1: r Foreign("a cell of a notebook in R") Cell
        | x <- 1
    "#);
}

#[test]
fn what_is_no_notebook_is_a_finding_at_its_place() {
    insta::assert_snapshot!(read("{\n  \"cells\": [,]\n}"), @r#"
    a "" a
      line 2: unreadable this notebook is not JSON: expected value
    "#);
    insta::assert_snapshot!(read("[1]"), @r#"
    a "" a
      line 1: unreadable this is no notebook: it has no list of cells
    "#);
    assert!(read("").contains("unreadable"));
    assert!(read(&"[".repeat(10_000)).contains("unreadable"));
}

#[test]
fn commands_leave_code_that_parses() {
    assert_eq!(code(&["x = 1", "!ls\n!pwd\nx\n"]), [(0, 1, "x = 1\n".to_owned()), (1, 1, "ls\npwd\n".to_owned()), (1, 3, "x\n".to_owned())]);
    assert_eq!(
        code(&["x = 1\n\n# install\n%pip install a \\\n  b\n"]),
        [(0, 1, "x = 1\n\n# install\n".to_owned()), (0, 4, "pip install a \\\n  b\n".to_owned())]
    );
    assert_eq!(code(&["files = !ls\ny = '''\n!no\n'''"]), [(0, 2, "y = '''\n!no\n'''\n".to_owned())]);
    assert_eq!(code(&["if x:\n    %cd a\n"]), [(0, 1, "if x:\n    pass\n".to_owned())]);
    assert_eq!(code(&["%%time\nx = 1"]), [(0, 2, "x = 1\n".to_owned())]);
    assert_eq!(code(&["%load_ext sql"]), [(0, 1, "%load_ext sql\n".to_owned())]);
    assert_eq!(code(&["%%sql sqlite://"]), [(0, 1, "%%sql sqlite://\n".to_owned())]);
    assert_eq!(code(&["", "\n\n"]), []);
}

#[test]
fn a_finding_in_a_markdown_cell_counts_its_lines() {
    let cells = json!({"cells": [{"cell_type": "code", "source": "x"}, {"cell_type": "markdown", "source": "a\n\n<!-- proctor: nonsense -->"}]});
    let guide = parse(&Arc::new(Source::new("a.ipynb", cells.to_string())), "a");
    let places: Vec<_> = guide.lessons().flat_map(|lesson| &lesson.findings).map(|finding| finding.location.place()).collect();
    assert_eq!(places, [Place { line: 3, column: 15, cell: Some(1) }]);
}

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>()) {
        prop_assert!(is_sound(&parse(&Arc::new(Source::new("a.ipynb", text)), "a")));
    }

    #[test]
    fn any_cell_is_read(cells in prop::collection::vec(("code|markdown|raw|heading", prop::collection::vec(prop::sample::select(vec![
        "x = 1", "\n", "    ", "!ls", "%time f()", "%%bash\n", "%%writefile a.py\n", "y?", "'''", "(", "\\\n", "é", "\r\n", "\r", "```\n", "# t", "%", "!", "\u{feff}", "if x:\n",
    ]), 0..12)), 0..4)) {
        let cells: Vec<_> = cells.into_iter().map(|(kind, pieces)| json!({"cell_type": kind, "source": pieces})).collect();
        let guide = parse(&Arc::new(Source::new("a.ipynb", json!({"cells": cells}).to_string())), "a");
        prop_assert!(is_sound(&guide));
    }
}
