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
    rule(
        "temporary-directory",
        r"(?:/private)?(?:/tmp|/var/tmp|/dev/shm|/var/folders/\w+/\w+/T)(?:/(?:\.?tmp[\w.-]+|[\w.]*(?:proctor|pytest)[\w.-]*|lab[\w.-]*|job[\w.-]*|\d+)\b)+",
        "[tmp]",
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
    rule("pytest-summary", r"={4,} (.*\bin )\d+\.\d+s(?: \([^()]*\))? ={4,}", "=== $1[duration] ===", "how long the tests took sets how long the ruler is"),
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
    rule("pid", r"(?i)\b(pid|process)((?: id)?[:= ]+)(?:\d+|\[\d+\])\b?", "$1$2[pid]", "the number of a process"),
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
        r"(?:\.|\b)(?:e[yJ][\w-]+\.[\w-]+|[\w-]{4,}\.[\w-]{6})\.[\w-]{27,}",
        "[token]",
        "what itsdangerous and JWT sign: sessions, CSRF and reset tokens, with the time in them",
    ),
    rule("csrf-field", r#"(name="csrf_token"[^>\[\]]* value=")[^"\[\]]+""#, "$1[token]\"", "a CSRF token in a form"),
    rule(
        "cookie",
        r"\b(session|sessionid|remember_token|csrf_token|csrftoken)=([\w.%|+/-]{16,}=*)",
        "$1=[token]",
        "the value of a cookie that is made anew each time",
    ),
    rule("debugger-pin", r"(?i)\b(debugger pin: )\d{3}-\d{3}-\d{3}\b", "$1[pin]", "Werkzeug's debugger PIN, which follows from the machine"),
    rule(
        "python-build",
        r"\b3\.\d+\.\d+(?:[a-z]+\d+)?\+? \([^()\[\]]*\) \[(?:GCC|Clang)[^\[\]]*\]",
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
];

struct Compiled {
    any: RegexSet,
    each: Vec<Regex>,
}

/// The patterns, compiled once. A pattern that does not compile is a mistake in the table above, which the tests find; it is passed over here.
static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
    let never = || Regex::new("[^\\s\\S]").ok();
    let each: Vec<Regex> = NORMALISATIONS.iter().filter_map(|rule| Regex::new(rule.pattern).ok().or_else(never)).collect();
    Compiled { any: RegexSet::new(each.iter().map(Regex::as_str)).unwrap_or_default(), each }
});

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
