//! Claims that are mended in place, and what their authors keep.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use proptest::prelude::*;

use super::*;

/// The page with the claim mended that stands in it between `<` and `>` marks of their own lines.
fn mended(page: &str, said: &str, actual: &str, kind: ClaimKind) -> Result<String, &'static str> {
    let source = Source::new("a.md", page);
    let first = said.lines().next().unwrap();
    let start = page.find(first).unwrap();
    let last = said.lines().last().unwrap();
    let end = start + page[start..].find(last).unwrap() + last.len();
    let claimed = Claimed { span: Span::new(start, end), text: format!("{said}\n"), actual: actual.to_owned(), kind };
    let claimed = if kind == ClaimKind::Comment { Claimed { text: said.to_owned(), ..claimed } } else { claimed };
    let mended = mend(&source, &claimed)?;
    Ok(format!("{}{}{}", &page[..mended.span.start], mended.text, &page[mended.span.end..]))
}

fn block(said: &str, actual: &str) -> Result<String, &'static str> {
    let page = format!("```text\n{said}\n```\n");
    let out = mended(&page, said, actual, ClaimKind::Block)?;
    Ok(out.strip_prefix("```text\n").unwrap().strip_suffix("\n```\n").unwrap().to_owned())
}

#[test]
fn a_line_that_changed_is_changed_and_no_other() {
    assert_eq!(block("one\ntwo  \nthree", "one\ntwo\n3\n").unwrap(), "one\ntwo  \n3");
    assert_eq!(block("3", "2\n").unwrap(), "2");
    assert_eq!(block("1", "1\n2\n\n3\n").unwrap(), "1\n2\n\n3");
    assert_eq!(block("1\n2\n3", "3").unwrap(), "3");
}

#[test]
fn what_an_author_leaves_out_stays_left_out() {
    assert_eq!(block("a\n...\nz", "a\nb\nc\nd\n").unwrap(), "a\n...\nd");
    assert_eq!(block("...\nz\nold", "a\nb\nz\nnew\n").unwrap(), "...\nz\nnew");
    assert_eq!(block("<User 1 at 0x...>", "<User 2 at 0x7f00>\n").unwrap(), "<User 2 at 0x...>");
    assert_eq!(block("took ... seconds\nold", "took 3.5 seconds\nnew\n").unwrap(), "took ... seconds\nnew");
    assert_eq!(block("<A at 0x7fffe>\nold", "<A at 0x7f001>\nnew\n").unwrap(), "<A at 0x7fffe>\nnew", "what is normalised has not changed");
    let traceback = "Traceback (most recent call last):\n  File \"app.py\", line 3\n    x\nValueError: old";
    assert_eq!(block(traceback, "ValueError: new\n").unwrap(), traceback.replace("old", "new"));
}

#[test]
fn what_stands_before_lines_stays_there() {
    let page = "> ```text\n> one\n> two\n> ```\n";
    assert_eq!(mended(page, "one\ntwo", "one\n\n2\n3\n", ClaimKind::Block).unwrap(), "> ```text\n> one\n>\n> 2\n> 3\n> ```\n");
    let page = "- x\n\n      >>> f()\n      1\n      2\n";
    assert_eq!(mended(page, "1\n2", "1\n\n3\n", ClaimKind::Session).unwrap(), "- x\n\n      >>> f()\n      1\n      <BLANKLINE>\n      3\n");
    let page = "$ cat a\n1\n";
    assert_eq!(mended(page, "1", "1\n\n2\n", ClaimKind::Session).unwrap(), "$ cat a\n1\n\n2\n");
}

#[test]
fn a_comment_keeps_its_words_and_its_quotes() {
    let comment = |page: &str, said: &str, actual: &str| mended(page, said, actual, ClaimKind::Comment);
    assert_eq!(comment("print(x)  # prints 3\n", "3", "4\n").unwrap(), "print(x)  # prints 4\n");
    assert_eq!(comment("print(x)  # -> \"a b\"\n", "\"a b\"", "a c\n").unwrap(), "print(x)  # -> \"a c\"\n");
    assert!(comment("print(x)  # -> \"a b\"\n", "\"a b\"", "a \"c\"\n").is_err());
    assert!(comment("print(x)  # prints 3\n", "3", "4\n5\n").is_err());
}

#[test]
fn what_is_not_plain_is_left() {
    assert_eq!(block("1", " \n"), Err("nothing is printed any more"));
    assert_eq!(block("1", "\u{1b}[31m2\n"), Err("what is printed has control characters"));
    let decoded = mended("<pre>\n&lt;1\n</pre>\n", "&lt;1", "<2\n", ClaimKind::Block);
    assert!(decoded.is_ok(), "letter by letter");
    let source = Source::new("a.html", "<pre>\n&lt;1\n</pre>\n");
    let claimed = Claimed { span: Span::new(6, 11), text: "<1\n".to_owned(), actual: "<2\n".to_owned(), kind: ClaimKind::Block };
    assert_eq!(mend(&source, &claimed), Err("it is not in the page letter by letter"));
}

proptest! {
    #[test]
    fn what_is_mended_holds(said in "((a|b|c|\\.\\.\\.|x \\.\\.\\. y|)\n){0,6}(a|b)", actual in "((a|b|c|x 1 y|)\n){0,6}(c|d)") {
        if let Ok(text) = block(&said, &actual) {
            prop_assert!(claim_matches(&text, &actual), "{said:?} {actual:?} {text:?}");
        }
    }

    #[test]
    fn nothing_that_is_right_is_touched(actual in "((a|b|c|x 1 y|)\n){0,6}(c|d)") {
        let said = actual.trim_start_matches('\n').to_owned();
        prop_assert!(block(&said, &actual).is_err());
    }
}
