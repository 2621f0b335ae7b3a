//! Whether an output is the one that was expected: a snapshot's, or a page's own claim. Pure.
//!
//! A snapshot must be the same but for what [`super::normalise`] names. A claim is written by a person: doctest's rules hold for it. The order of a
//! dict or a set is never passed over: who prints one on a page says something about it.

use super::format::canonical;
use super::normalise::{NORMALISATIONS, found, normalise, normalise_with};

/// Two texts that should have been the same, and are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What the page or the snapshot says.
    pub expected: String,
    /// What the run gave.
    pub actual: String,
    /// The line of `expected`, from 0, at which they part.
    pub first_line: usize,
}

/// Whether `actual` is what an accepted snapshot holds: equal under the list of normalisations at *any* length it ever had, so that a list that has grown
/// breaks no old snapshot.
#[must_use]
pub fn matches(expected: &str, actual: &str) -> bool {
    let (expected, actual) = (canonical(expected), canonical(actual));
    if expected == actual || normalise(&expected) == normalise(&actual) {
        return true;
    }
    // Only where a rule of its own finds something does a shorter list give another text.
    let mut lengths = found(&expected, NORMALISATIONS.len());
    lengths.extend(found(&actual, NORMALISATIONS.len()));
    lengths.sort_unstable();
    lengths.dedup();
    lengths.into_iter().any(|length| normalise_with(&expected, length) == normalise_with(&actual, length))
}

/// [`matches`], with the place where they part.
///
/// # Errors
/// If they do not match.
pub fn compare(expected: &str, actual: &str) -> Result<(), Mismatch> {
    if matches(expected, actual) {
        return Ok(());
    }
    let (left, right) = (normalise(expected), normalise(actual));
    let first_line = left.split('\n').zip(right.split('\n')).take_while(|(left, right)| left == right).count();
    let last = left.split('\n').count() - 1;
    Err(Mismatch { expected: canonical(expected), actual: canonical(actual), first_line: first_line.min(last) })
}

/// Whether `actual` is what a page says that the code prints.
#[must_use]
pub fn claim_matches(claim: &str, actual: &str) -> bool {
    check_claim(claim, actual).is_ok()
}

/// [`claim_matches`], with the place where they part.
///
/// doctest's rules: `...` stands for anything, in a line or as lines of its own; `<BLANKLINE>` for an empty line; blanks at line ends, and empty lines at
/// both ends, mean nothing; of a traceback only the header and the exception count; white space may be wrapped otherwise. And what is normalised in a
/// snapshot may differ here as well.
///
/// # Errors
/// If the claim does not hold.
pub fn check_claim(claim: &str, actual: &str) -> Result<(), Mismatch> {
    let expected = lines(claim);
    let printed = lines(actual);
    let Err(first_line) = walk(&expected, &printed) else { return Ok(()) };
    if wrapped(&expected, &printed) {
        return Ok(());
    }
    Err(Mismatch { expected: canonical(claim), actual: canonical(actual), first_line })
}

/// A line of a claim or an output.
struct Line {
    /// Where it stands in the text, from 0.
    number: usize,
    /// The line as written, blanks at its end dropped; empty for `<BLANKLINE>`.
    raw: String,
    /// The same, normalised.
    plain: String,
    /// Whether it stands for any number of lines.
    gap: bool,
}

/// The lines of `text` that count.
fn lines(text: &str) -> Vec<Line> {
    let text = canonical(text);
    let mut lines = Vec::new();
    let mut stack = false;
    for (number, line) in text.split('\n').enumerate() {
        let line = line.trim_end();
        if lines.is_empty() && line.is_empty() {
            continue;
        }
        let gap = matches!(line.trim_start(), "..." | "…" | "[...]" | "[…]" | "# ...");
        // What stands between a traceback's header and its exception shows the reader's files, not ours.
        if stack && (gap || line.is_empty() || line.starts_with([' ', '\t'])) {
            continue;
        }
        stack = line.starts_with("Traceback (most recent call last):") || line.starts_with("Traceback (innermost last):");
        let raw = if line.trim_start() == "<BLANKLINE>" { String::new() } else { line.to_owned() };
        lines.push(Line { number, plain: normalise(&raw), raw, gap });
    }
    lines
}

/// Walk a claim and an output side by side, line by line. The error is the line of the claim at which no way leads on.
fn walk(claim: &[Line], actual: &[Line]) -> Result<(), usize> {
    // How many lines of the output may be used up by now, ascending: several only behind a gap.
    let mut used = vec![0];
    for line in claim {
        used = if line.gap {
            (used.first().copied().unwrap_or(0)..=actual.len()).collect()
        } else {
            used.into_iter().filter(|&at| actual.get(at).is_some_and(|actual| line_matches(line, actual))).map(|at| at + 1).collect()
        };
        if used.is_empty() {
            return Err(line.number);
        }
    }
    if used.last() == Some(&actual.len()) { Ok(()) } else { Err(claim.last().map_or(0, |line| line.number)) }
}

fn line_matches(claim: &Line, actual: &Line) -> bool {
    claim.raw == actual.raw || claim.plain == actual.plain || elided(&claim.raw, &actual.raw) || elided(&claim.plain, &actual.plain)
}

/// Whether the two are the same once all white space is a single blank, `...` still standing for anything, ends of lines included.
fn wrapped(claim: &[Line], actual: &[Line]) -> bool {
    let words = |lines: &[Line], text: fn(&Line) -> &str| lines.iter().flat_map(|line| text(line).split_whitespace()).collect::<Vec<_>>().join(" ");
    let same = |text: fn(&Line) -> &str| {
        let (claim, actual) = (words(claim, text), words(actual, text));
        claim == actual || elided(&claim, &actual)
    };
    same(|line| &line.raw) || same(|line| &line.plain)
}

/// Whether `actual` is `claim` with each `...` filled in.
fn elided(claim: &str, actual: &str) -> bool {
    let claim = claim.replace('…', "...");
    let mut pieces: Vec<&str> = claim.split("...").collect();
    if pieces.len() < 2 {
        return false;
    }
    let last = pieces.pop().unwrap_or("");
    let first = pieces.remove(0);
    let Some(rest) = actual.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else { return false };
    let mut rest = rest;
    // The leftmost place of each piece leaves the most room for the others.
    pieces.into_iter().all(|piece| {
        let found = rest.split_once(piece).map(|(_, after)| after);
        rest = found.unwrap_or(rest);
        found.is_some()
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_snapshot_matches_what_means_the_same() {
        assert!(matches("a\nb", "a\r\nb\n\n"));
        assert!(matches("<A at [address]> [time]", "<A at 0x7f3a5c1d2e50> 2026-11-23 00:38:12,345"));
        assert!(!matches("a\nb", "a\n b"));
        assert!(!matches("{1, 2}", "{2, 1}"));
        assert!(!matches("a  \nb", "a\nb"));
    }

    #[test]
    fn a_snapshot_of_a_shorter_list_still_matches() {
        let actual = "<A at 0x7f3a5c1d2e50> took 0.12s with Python 3.13.5 on 2026-11-23";
        for length in 0..=NORMALISATIONS.len() {
            assert!(matches(&normalise_with(actual, length), actual), "the first {length}");
        }
    }

    #[test]
    fn a_mismatch_says_where() {
        let mismatch = compare("a\n<A at [address]>\nb", "a\n<A at 0x7f3a5c1d2e50>\nc").unwrap_err();
        assert_eq!(mismatch.first_line, 2);
        assert_eq!(compare("a", "a\nb").unwrap_err().first_line, 0);
        assert_eq!(compare("a\nb", "a").unwrap_err().first_line, 1);
    }

    #[test]
    fn claims_that_hold() {
        for (claim, actual) in [
            ("\n\na  \nb\n\n", "a\nb\n"),
            ("a\n<BLANKLINE>\nb", "a\n\nb"),
            ("a\n\nb", "a\n\nb"),
            ("<A object at 0x...>", "<A object at 0x7f3a5c1d2e50>"),
            ("<A object at 0x10a2b3c4d>", "<A object at 0x7f3a5c1d2e50>"),
            ("first\n...\nlast", "first\n2\n3\nlast"),
            ("first\n...\nlast", "first\nlast"),
            ("...", ""),
            ("[1, 2, ..., 9]", "[1, 2, 3, 4, 9]"),
            ("[1, 2, …, 9]", "[1, 2, 3, 4, 9]"),
            ("Loading...", "Loading..."),
            ("a ... z", "a\nb\nc z"),
            ("[<A 1>,\n <A 2>]", "[<A 1>, <A 2>]"),
            ("2021-01-02 03:04:05,678 INFO x\n...\n<A object at 0x...>", "2026-11-23 00:38:12,345 INFO x\ny\n<A object at 0x7f3a5c1d2e50>"),
            (
                "Traceback (most recent call last):\n  File \"<stdin>\", line 1, in <module>\nKeyError: 'a'",
                "Traceback (most recent call last):\n  File \"/x/app.py\", line 9, in f\n    d['a']\n    ~^^^^^\nKeyError: 'a'\n",
            ),
            ("Traceback (most recent call last):\n    ...\nKeyError: 'a'", "Traceback (most recent call last):\n  File \"x\"\nKeyError: 'a'"),
            ("", "\n"),
        ] {
            assert!(claim_matches(claim, actual), "{claim:?} against {actual:?}");
        }
    }

    #[test]
    fn claims_that_do_not_hold() {
        for (claim, actual, first_line) in [
            ("3", "4", 0),
            ("a\nb\nc", "a\nx\nc", 1),
            ("\n\na\nb", "a\nc", 3),
            ("a", "a\nb", 0),
            ("a\nb", "a", 1),
            ("", "a", 0),
            ("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}", 0),
            ("first\n...\nlast", "first\n2\n3", 2),
            ("a...b...a", "aba?", 0),
            ("aa...aa", "aaa", 0),
            ("ab", "a b", 0),
            ("Traceback (most recent call last):\n  File \"x\"\nKeyError: 'a'", "Traceback (most recent call last):\n  File \"x\"\nKeyError: 'b'", 2),
        ] {
            let mismatch = check_claim(claim, actual).unwrap_err();
            assert_eq!(mismatch.first_line, first_line, "{claim:?} against {actual:?}");
        }
    }

    proptest! {
        #[test]
        fn every_output_is_a_claim_that_holds(text in r"(a|b| |\n|\.\.\.|…|<BLANKLINE>|0x7f3a5c1d2e50|é|Traceback \(most recent call last\):\n){0,16}") {
            prop_assert!(matches(&text, &text));
            prop_assert!(claim_matches(&text, &text));
        }

        #[test]
        fn what_is_left_out_may_be_anything(before in "[a-c]{0,3}(\n[a-c]{1,3}){0,2}", between in "[a-c \n]{0,9}", after in "[a-c]{0,3}(\n[a-c]{1,3}){0,2}") {
            let (claim, actual) = (format!("{before}...{after}"), format!("{before}{between}{after}"));
            prop_assert!(claim_matches(&claim, &actual), "{:?} against {:?}", claim, actual);
        }

        #[test]
        fn the_line_that_differs_is_a_line_of_the_claim(claim in "[ab.\n]{0,12}", actual in "[ab\n]{0,12}") {
            if let Err(mismatch) = check_claim(&claim, &actual) {
                prop_assert!(mismatch.first_line < claim.split('\n').count());
            }
        }
    }
}
