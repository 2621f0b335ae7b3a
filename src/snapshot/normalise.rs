//! What differs from run to run and from machine to machine and means nothing, replaced by its name in brackets. `String -> String`, pure.
//!
//! The list is ordered and append-only: a new normalisation goes to its end and an old one is never changed or removed, so that a snapshot accepted
//! under a shorter list still matches ([`crate::snapshot::matching::matches`] tries every length). No rule reads past the end of a line.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use super::format::canonical;

/// One normalisation.
#[derive(Debug, Clone, Copy)]
pub struct Normalisation {
    /// Its name.
    pub name: &'static str,
    /// What it finds.
    pub pattern: &'static str,
    /// What it puts in its place; never something that a normalisation finds.
    pub replacement: &'static str,
    /// Why what it finds means nothing.
    pub why: &'static str,
}

const fn rule(name: &'static str, pattern: &'static str, replacement: &'static str, why: &'static str) -> Normalisation {
    Normalisation { name, pattern, replacement, why }
}

/// Every normalisation, in order. Append only.
pub const NORMALISATIONS: &[Normalisation] = &[
    rule("address", r"\bat 0x[0-9a-fA-F]{4,16}\b", "at [address]", "where an object happens to lie in memory"),
    rule("pointer", r"\b0x[0-9a-fA-F]{9,16}\b", "[address]", "the same, outside of a representation"),
    rule(
        "python-library",
        r#"[^\s"'<>()\[\]]*/lib(?:64)?/python3(?:\.\d+)?/(?:(?:site|dist)-packages/)?"#,
        "[python]/",
        "where Python and its packages are installed, and which minor version it is",
    ),
    rule("library-line", r#"(File "\[python\]/[^"\n]*", line )\d+"#, "$1[line]", "where in its own file a release of Python raises"),
    rule(
        "temporary-directory",
        r"(?m)(^|[^\w.-])(?:/private)?(?:/tmp|/var/tmp|/dev/shm|/var/folders/\w+/\w+/T)(?:/(?:\.?tmp[\w.-]+|[\w.]*(?:proctor|pytest)[\w.-]*|lab[\w.-]*|job[\w.-]*|\d+)\b)+",
        "$1[tmp]",
        "a directory made for one run",
    ),
    rule(
        "asctime",
        r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(?:\d{1,2} +)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(?:\d{1,2} +|\d{4} +)?\d\d:\d\d:\d\d(?: +(?:\d{4}|GMT|UTC))?\b",
        "[time]",
        "`asctime` and HTTP dates",
    ),
    rule(
        "log-date",
        r"\b\d{1,2}/(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)/\d{4}[ :]\d\d:\d\d:\d\d(?: [+-]\d{4})?\b",
        "[time]",
        "the date in a web server's log",
    ),
    rule(
        "iso-time",
        r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z\b| ?[+-]\d\d:?\d\d\b|\b)",
        "[time]",
        "a moment, as ISO 8601, logging and SQLAlchemy's echo write it",
    ),
    rule("iso-date", r"\b(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\b", "[date]", "today"),
    rule(
        "datetime-repr",
        r"\bdatetime\.(?:datetime|date)\(\d+(?:, \d+){2,6}(, tzinfo=[\w.]+)?\)",
        "datetime.[time]",
        "a moment, as Python writes it in a list or a row",
    ),
    rule("clock", r"\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?(?: ?[AP]M\b|\b)", "[time]", "a time of day, or a time that passed"),
    rule(
        "month-date",
        r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\.? \d{1,2},? (?:19|20)\d\d\b",
        "[date]",
        "today, in words",
    ),
    rule("unix-time", r"\b1[5-9]\d{8}\.\d+\b", "[time]", "what `time.time()` gives"),
    rule("pytest-summary", r"={4,} (.*\bin )\d+\.\d+s(?: \([^()\n]*\))? ={4,}", "=== $1[duration] ===", "how long the tests took sets how long the ruler is"),
    rule(
        "duration",
        r"\b\d+\.\d+(?:e-?\d+)? ?(?:s|sec|secs|seconds?|ms|milliseconds?|us|µs|μs|microseconds?|ns|minutes?)\b",
        "[duration]",
        "how long something took, as pytest, SQLAlchemy's echo and timers write it",
    ),
    rule("short-duration", r"\b\d+ ?(?:ms|us|µs|μs|ns)\b", "[duration]", "the same in whole small units"),
    rule(
        "port",
        r"\b(127\.0\.0\.1|0\.0\.0\.0|localhost):(?:3[3-9]\d{3}|327[7-9]\d|3276[89]|32[89]\d\d|[45]\d{4}|6[0-5]\d{3})\b",
        "$1:[port]",
        "a port that the system chose; those that a page chooses (5000, 8000) stay",
    ),
    rule("pid", r"(?i)\b(?:(pid[:= ]+|process id[:= ]+)\d+\b|(process )\[\d+\])", "$1$2[pid]", "the number of a process"),
    rule("worker-pid", r"\[\d+\] \[(DEBUG|INFO|WARNING|ERROR|CRITICAL)\]", "[pid] [$1]", "the number of a process, in gunicorn's log"),
    rule("uuid", r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "[uuid]", "made anew each time"),
    rule(
        "password-hash",
        r"(?:\b(scrypt(?::\d+){3}|pbkdf2:\w+(?::\d+)?)\$[\w./+-]+\$[0-9a-fA-F]{16,}|\$2[abxy]\$\d\d\$[\w./]{53})",
        "$1[hash]",
        "a hash with a salt, made anew each time",
    ),
    rule(
        "signed-token",
        r"(?:\.|\b)e[yJ][\w-]{10,}\.[\w-]+\.[\w-]{20,}",
        "[token]",
        "sessions and tokens, as itsdangerous and JWT sign them, with the time in them",
    ),
    rule(
        "signed-value",
        r"(?m)\b[\w-]{4,}\.[\w-]{6}\.[\w-]{27}([^\w-]|$)",
        "[token]$1",
        "any other value that itsdangerous signed with the time: CSRF and reset tokens",
    ),
    rule("csrf-field", r#"(name="csrf_token"[^>\[\]\n]* value=")[^"\[\]\n]+""#, "$1[token]\"", "a CSRF token in a form"),
    rule(
        "cookie",
        r"\b(session|sessionid|remember_token|csrf_token|csrftoken)=([\w.%|+/-]{16,}=*)",
        "$1=[token]",
        "the value of a cookie that is made anew each time",
    ),
    rule("debugger-pin", r"(?i)\b(debugger pin: )\d{3}-\d{3}-\d{3}\b", "$1[pin]", "Werkzeug's debugger PIN, which follows from the machine"),
    rule(
        "python-build",
        r"\b3\.\d+\.\d+(?:[a-z]+\d+)?\+? \([^()\n]*\) \[(?:GCC|Clang)[^\[\]\n]*\]",
        "[version]",
        "`sys.version`: which Python, and how it was compiled",
    ),
    rule(
        "python-version",
        r"\b(Python )3\.\d+(?:\.\d+)?(?:[a-z]+\d+)?\+?",
        "$1[version]",
        "which Python it is: a page holds for all that the environment serves",
    ),
    rule("server-version", r"\b(Werkzeug|Python|gunicorn)/\d+(?:\.\w+)*", "$1/[version]", "which release serves, in the header `Server`"),
    rule("caret-line", r"(?m)^ {4,}[~^]+[ ~^]*(?:\n|\z)", "", "marks below a traceback's line, which each Python draws in its own way"),
    rule(
        "library-frame",
        r#"(?m)^ *File "\[python\][^"\n]*", line [^\n]*\n(?: {4,}[^\n]*\n)*"#,
        "",
        "frames of a traceback inside of libraries: how a release calls itself is not what a lesson shows",
    ),
    rule("lab", r"(?:\[tmp\]/w\d+|/lab)/work\b", "[lab]", "the lab's own directory: each engine and each worker has it elsewhere"),
];

struct Compiled {
    any: RegexSet,
    each: Vec<Regex>,
}

/// The patterns, compiled once. A pattern that does not compile is a mistake in the table above, which the tests find; it is passed over here.
static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
    let never = || Regex::new("[^\\s\\S]").ok();
    let each: Vec<Regex> = NORMALISATIONS.iter().filter_map(|rule| Regex::new(&ascii(rule.pattern)).ok().or_else(never)).collect();
    Compiled { any: RegexSet::new(each.iter().map(Regex::as_str)).unwrap_or_default(), each }
});

/// A pattern whose classes are ASCII's: what is looked for is written by machines, and Unicode's boundaries cost a multiple on text that is not all ASCII.
fn ascii(pattern: &str) -> String {
    pattern.replace(r"\b", r"(?-u:\b)").replace(r"\d", "[0-9]").replace(r"\w", "[0-9A-Za-z_]")
}

/// `text` with every normalisation applied.
#[must_use]
pub fn normalise(text: &str) -> String {
    normalise_with(text, NORMALISATIONS.len())
}

/// `text` with the first `upto` normalisations applied, until none finds anything more; 0 leaves only what insta does: line ends, and blanks at the end.
#[must_use]
pub fn normalise_with(text: &str, upto: usize) -> String {
    let mut text = canonical(text);
    // One replacement can lay bare another's place (`0x…` before a path). Each uses up text that none puts back, so this ends; the bound is for hostile text.
    for _ in 0..8 {
        let found = found(&text, upto);
        if found.is_empty() {
            break;
        }
        for index in found {
            if let (Some(regex), Some(rule)) = (COMPILED.each.get(index), NORMALISATIONS.get(index))
                && let std::borrow::Cow::Owned(changed) = regex.replace_all(&text, rule.replacement)
            {
                text = changed;
            }
        }
    }
    text
}

/// Which of the first `upto` normalisations find something in `text`, in order.
#[must_use]
pub fn found(text: &str, upto: usize) -> Vec<usize> {
    COMPILED.any.matches(text).into_iter().filter(|&index| index < upto).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_pattern_compiles_and_every_name_is_used_once() {
        for rule in NORMALISATIONS {
            assert!(Regex::new(&ascii(rule.pattern)).is_ok(), "{}", rule.name);
        }
        assert_eq!(COMPILED.any.len(), NORMALISATIONS.len());
        assert_eq!(NORMALISATIONS.iter().map(|rule| rule.name).collect::<BTreeSet<_>>().len(), NORMALISATIONS.len());
    }

    /// What each rule is for, and what comes out. The list is append-only: so is this one.
    #[test]
    fn what_means_nothing_is_named() {
        let cases = [
            (
                "  File \"page.md\", line 3, in f\n    return 1 / 0\n           ~~^~~\nZeroDivisionError",
                "  File \"page.md\", line 3, in f\n    return 1 / 0\nZeroDivisionError",
            ),
            ("Traceback:\n  File \"[python]/x.py\", line [line], in f\n    g()\nKeyError: 1", "Traceback:\nKeyError: 1"),
            ("<Left object at 0x7f3a5c1d2e50>", "<Left object at [address]>"),
            ("id 0x00007f3a5c1d2e50", "id [address]"),
            ("/opt/x/venv/lib/python3.11/site-packages/flask/app.py:1498", "[python]/flask/app.py:1498"),
            ("sqlite:////tmp/tmpa1b2c3d4/site.db", "sqlite:///[tmp]/site.db"),
            ("/private/var/folders/ab/c_d/T/tmpx1y2z3w4/a.txt", "[tmp]/a.txt"),
            ("Mon, 23 Nov 2026 00:38:12 GMT", "[time]"),
            ("Mon Nov 23 00:38:12 2026", "[time]"),
            (r#"127.0.0.1 - - [23/Nov/2026 00:38:12] "GET / HTTP/1.1" 200 -"#, r#"127.0.0.1 - - [[time]] "GET / HTTP/1.1" 200 -"#),
            ("2026-11-23 00:38:12,345 INFO sqlalchemy.engine.Engine BEGIN (implicit)", "[time] INFO sqlalchemy.engine.Engine BEGIN (implicit)"),
            ("2026-11-23T00:38:12.345678+00:00 x", "[time] x"),
            ("2026-11-23T00:38:12Z", "[time]"),
            ("today is 2026-11-23.", "today is [date]."),
            ("(datetime.datetime(2026, 11, 23, 0, 38, 12, 345678), 'a')", "(datetime.[time], 'a')"),
            ("took 0:00:01.234567", "took [time]"),
            ("November 23, 2026", "[date]"),
            ("1795394292.123456", "[time]"),
            ("============ 2 passed in 0.12s =============", "=== 2 passed in [duration] ==="),
            ("[generated in 0.00012s] (1,)", "[generated in [duration]] (1,)"),
            ("[cached since 0.01234s ago] (1,)", "[cached since [duration] ago] (1,)"),
            ("12 ms", "[duration]"),
            ("http://127.0.0.1:43211/ and http://localhost:5000/", "http://127.0.0.1:[port]/ and http://localhost:5000/"),
            ("Started server process [1234], pid: 77", "Started server process [pid], pid: [pid]"),
            ("[2026-11-23 00:38:12 +0000] [12345] [INFO] Booting worker with pid: 12346", "[[time]] [pid] [INFO] Booting worker with pid: [pid]"),
            ("0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f", "[uuid]"),
            ("scrypt:32768:8:1$Zq1aB2cD3eF4$0123456789abcdef0123", "scrypt:32768:8:1[hash]"),
            ("session=eyJ1c2VyX2lkIjoxfQ.aSJrZA.abcdefghijklmnopqrstuvwxyz0; HttpOnly", "session=[token]; HttpOnly"),
            ("InVzZXIi.aSJrZA.abcdefghijklmnopqrstuvwxyz0", "[token]"),
            (
                r#"<input id="csrf_token" name="csrf_token" type="hidden" value="abc123">"#,
                r#"<input id="csrf_token" name="csrf_token" type="hidden" value="[token]">"#,
            ),
            (" * Debugger PIN: 123-456-789", " * Debugger PIN: [pin]"),
            ("3.13.5 (main, Jun 25 2025, 18:55:22) [GCC 14.2.0]", "[version]"),
            ("Python 3.13.5", "Python [version]"),
            ("Server: Werkzeug/3.1.3 Python/3.13.5", "Server: Werkzeug/[version] Python/[version]"),
            ("'/lab/work/static/x.css'", "'[lab]/static/x.css'"),
            ("'/tmp/proctor-1-a/w2/work/static/x.css'", "'[lab]/static/x.css'"),
        ];
        for (text, expected) in cases {
            assert_eq!(normalise(text), expected);
        }
        let never_shown: Vec<_> = (0..NORMALISATIONS.len()).filter(|&index| !cases.iter().any(|(text, _)| found(text, usize::MAX).contains(&index))).collect();
        // The rule for library lines sees only what the rule before it leaves.
        let names: Vec<_> = never_shown.iter().map(|&index| NORMALISATIONS[index].name).collect();
        assert_eq!(names, ["library-line"]);
    }

    #[test]
    fn what_means_something_stays() {
        for text in
            ["Left ID: 1", "http://localhost:5000", "0xff", "1.5", "ratio 1:2", "5 seconds", "tests.models.test_x", "/home/me/tmp/lab1", "10 MB", "4.50"]
        {
            assert_eq!(normalise(text), text);
        }
    }

    #[test]
    fn line_ends_and_the_last_blanks_go() {
        assert_eq!(normalise("\n a \r\nb\n\n \n"), "\n a \nb");
        assert_eq!(normalise_with("at 0x7f3a5c1d2e50", 0), "at 0x7f3a5c1d2e50");
    }

    fn volatile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("at 0x7f3a5c1d2e50"),
            Just("/usr/lib/python3.13/x"),
            Just("/tmp/tmpabcd1234/"),
            Just("File \""),
            Just("\", line 12"),
            Just("Mon Nov 23 00:38:12 2026"),
            Just("2026-11-23"),
            Just("T"),
            Just("00:38:12"),
            Just("datetime.date(2026, 1, 2)"),
            Just("0.12s"),
            Just("===="),
            Just(" in "),
            Just("127.0.0.1:43211"),
            Just("pid: 1"),
            Just("process [1]"),
            Just("[12] [INFO]"),
            Just("0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f"),
            Just("scrypt:1:2:3$ab$0123456789abcdef"),
            Just("eyJhbGciOiJIUzI1.abcdef.abcdefghijklmnopqrstuvwxyz0"),
            Just("name=\"csrf_token\" value=\""),
            Just("session="),
            Just("Python 3.13.5"),
            Just("Werkzeug/3.1.3"),
            Just("[time]"),
            Just("["),
            Just("]"),
            Just(" "),
            Just("\n"),
            Just("é"),
            Just("1"),
            Just("."),
            Just("-"),
            Just("/"),
            Just("\""),
            Just("("),
            Just(")"),
            Just("a"),
        ];
        proptest::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn normalising_twice_is_normalising_once(text in volatile(), upto in 0..=NORMALISATIONS.len()) {
            let once = normalise_with(&text, upto);
            prop_assert_eq!(normalise_with(&once, upto), once);
        }

        #[test]
        fn lines_are_normalised_each_for_itself(text in volatile()) {
            let whole = normalise(&text);
            let lines: Vec<_> = text.trim_end().split('\n').map(|line| normalise_with(line, usize::MAX)).collect();
            let whole: Vec<_> = whole.split('\n').map(str::trim_end).collect();
            prop_assert_eq!(whole, lines);
        }
    }
}
