//! What a search has found, for people and for programs.

use std::fmt::Write;

use pep440_rs::Version;
use serde::Serialize;

use crate::report::columns::side_by_side;

/// What a search has found.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Found {
    /// The version of this form.
    pub(super) version: u32,
    /// The words that select the lesson.
    pub(super) lesson: String,
    /// The finding.
    pub(super) finding: Subject,
    /// The package.
    pub(super) package: String,
    /// Its version in the environment.
    pub(super) installed: String,
    pub(super) environment: String,
    pub(super) engine: String,
    pub(super) python: String,
    /// `found`, `all-bad`, `all-good` or `nothing`.
    pub(super) answer: &'static str,
    pub(super) last_good: Option<Side>,
    pub(super) first_bad: Option<Side>,
    /// Releases of which nothing is known, where that matters.
    pub(super) unknown: Vec<Range>,
    /// Releases before the last good one that are bad as well.
    pub(super) earlier_bad: Vec<String>,
    pub(super) releases: usize,
    pub(super) yanked: usize,
    /// How many tries said good or bad.
    pub(super) tries: usize,
    /// How many such tries it could have taken.
    pub(super) tries_at_most: u32,
    /// How many tries said nothing.
    pub(super) tries_unknown: usize,
    /// How many of all of these an earlier search had made.
    pub(super) remembered: usize,
    pub(super) seconds: f64,
    /// The same, with what remembered tries took when they were made.
    pub(super) seconds_in_all: f64,
    /// The command that mends it.
    pub(super) fix: String,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Subject {
    pub(super) code: &'static str,
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Side {
    pub(super) version: String,
    pub(super) uploaded: Option<String>,
    /// Whether other packages had to be of its own time.
    pub(super) period: bool,
    pub(super) transcript: String,
}

/// Neighbours of which nothing is known, for one reason.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Range {
    pub(super) first: String,
    pub(super) last: String,
    pub(super) releases: usize,
    /// How many of them were tried; the others lie between two of these.
    pub(super) tried: usize,
    pub(super) reason: String,
}

/// Unknown releases in the order of their versions as ranges: each with whether it was tried, the kind of its trouble, and its reason if it has one of its own.
pub(super) fn ranges(mut listed: Vec<(Version, bool, String, Option<String>)>) -> Vec<Range> {
    listed.sort();
    let mut found: Vec<(String, Range)> = Vec::new();
    for (version, tried, kind, reason) in listed {
        let version = version.to_string();
        match found.last_mut() {
            Some((known, range)) if *known == kind => {
                range.last = version;
                range.releases += 1;
                range.tried += usize::from(tried);
                if let Some(reason) = reason.filter(|_| range.reason.is_empty()) {
                    range.reason = reason;
                }
            }
            _ => {
                let range = Range { first: version.clone(), last: version, releases: 1, tried: usize::from(tried), reason: reason.unwrap_or_default() };
                found.push((kind, range));
            }
        }
    }
    found.into_iter().map(|(_, range)| range).collect()
}

impl Found {
    /// For people, in so many columns.
    pub(super) fn text(&self, width: usize) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}\n", self.headline());
        let Subject { code, path, line, message, help } = &self.finding;
        let _ = writeln!(text, "{path}:{line}: {code}: {}", short(message));
        if let Some(help) = help {
            let _ = writeln!(text, "  help: {}", short(help));
        }
        let title = |side: &Side, word: &str| {
            let when = side.uploaded.as_ref().and_then(|time| time.get(..10)).map(|day| format!(", {day}")).unwrap_or_default();
            format!("{} {}: {word}{when}", self.package, side.version)
        };
        if let (Some(good), Some(bad)) = (&self.last_good, &self.first_bad) {
            let _ = write!(text, "\n{}", side_by_side((&title(good, "good"), &good.transcript), (&title(bad, "bad"), &bad.transcript), width));
        }
        for range in &self.unknown {
            let _ = writeln!(text, "\n{}", unknown(range));
        }
        if !self.earlier_bad.is_empty() {
            let _ = writeln!(text, "\nit has come and gone: {} had it as well", self.earlier_bad.join(", "));
        }
        let period = [&self.last_good, &self.first_bad].into_iter().flatten().filter(|side| side.period).map(|side| side.version.as_str()).collect::<Vec<_>>();
        if !period.is_empty() {
            let _ = writeln!(text, "\nran with other packages as they were at its time: {}", period.join(", "));
        }
        let _ = writeln!(text, "\n{}", self.cost());
        if self.last_good.is_some() && self.first_bad.is_some() {
            let _ = writeln!(text, "next: {}", self.fix);
        }
        text
    }

    fn headline(&self) -> String {
        let (package, version) = (&self.package, |side: &Option<Side>| side.as_ref().map(|side| side.version.clone()).unwrap_or_default());
        match self.answer {
            "found" => format!("{package} {} broke it; {} is the last release that it works with", version(&self.first_bad), version(&self.last_good)),
            "all-bad" => format!("it is not {package}: with every release that can be tried, from {} on, the finding is there", version(&self.first_bad)),
            "all-good" => format!("it is not {package}: with every release up to {} the code runs", version(&self.last_good)),
            _ => format!("no release of {package} could be tried"),
        }
    }

    fn cost(&self) -> String {
        let earlier = if self.remembered > 0 { format!(" ({} of them earlier; {:.0} s in all)", self.remembered, self.seconds_in_all) } else { String::new() };
        let unknown = if self.tries_unknown > 0 { format!(" and {} that could not tell", self.tries_unknown) } else { String::new() };
        format!(
            "{} tries of {} releases (at most {}){unknown}{earlier}, {:.0} s, on Python {}, {}",
            self.tries, self.releases, self.tries_at_most, self.seconds, self.python, self.engine
        )
    }
}

fn unknown(range: &Range) -> String {
    let Range { first, last, releases, tried, reason } = range;
    if *releases == 1 {
        return format!("unknown: {first}: {}", short(reason));
    }
    let tried = if tried == releases { String::new() } else { format!(", {tried} of them tried") };
    format!("unknown: {first} to {last} ({releases} releases{tried}): {}", short(reason))
}

fn short(message: &str) -> String {
    crate::report::columns::line(message)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn found() -> Found {
        let side = |version: &str, period, transcript: &str| {
            Some(Side { version: version.to_owned(), uploaded: Some("2024-09-05T00:00:00Z".to_owned()), period, transcript: transcript.to_owned() })
        };
        Found {
            version: 1,
            lesson: "guide.txt#5.5".to_owned(),
            finding: Subject { code: "removed-api", path: "guide.txt".to_owned(), line: 12, message: "no \u{1b}[1mexecute".to_owned(), help: None },
            package: "sqlalchemy".to_owned(),
            answer: "found",
            last_good: side("1.4.54", true, ""),
            first_bad: side("2.0.31", false, "AttributeError: no execute\n"),
            unknown: ranges(
                [("2.0.10", true, None), ("2.0.0", true, Some("AssertionError: x")), ("2.0.2", false, None)]
                    .map(|(version, tried, reason)| (version.parse().unwrap(), tried, "import".to_owned(), reason.map(str::to_owned)))
                    .into(),
            ),
            releases: 296,
            tries: 8,
            tries_at_most: 9,
            tries_unknown: 5,
            python: "3.13.5".to_owned(),
            engine: "docker".to_owned(),
            seconds: 93.4,
            fix: "proctor fix guide.txt#5.5".to_owned(),
            ..Found::default()
        }
    }

    #[test]
    fn what_was_found_is_told() {
        insta::assert_snapshot!(found().text(80));
    }

    #[test]
    fn what_was_not_found_is_told_as_well() {
        let none = |answer| Found { answer, last_good: None, ..found() }.text(80).lines().next().unwrap().to_owned();
        assert!(none("all-bad").starts_with("it is not sqlalchemy") && none("nothing").starts_with("no release"));
        let parsed: serde_json::Value = serde_json::from_str(&serde_json::to_string(&found()).unwrap()).unwrap();
        assert_eq!((&parsed["first_bad"]["version"], &parsed["unknown"][0]["releases"]), (&"2.0.31".into(), &3.into()));
    }
}
