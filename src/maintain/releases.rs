//! The releases of a package in the order of their versions, and which of them a search may try. `(releases of an index) --line_up--> Line`. Pure: it asks no
//! index.

use std::str::FromStr;

use pep440_rs::Version;

use crate::env::index::Release;

/// A release that can be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its version.
    pub version: Version,
    /// When it was uploaded, where that is known.
    pub uploaded: Option<String>,
}

/// Releases, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// Those that can be tried. The last is the one that is known to be bad, or said to be.
    pub candidates: Vec<Candidate>,
    /// Those that this Python cannot have, and why.
    pub left_out: Vec<(Version, String)>,
    /// Withdrawn ones.
    pub yanked: usize,
}

/// What to look at.
#[derive(Debug, Clone, Default)]
pub struct Limits<'a> {
    /// A release that is said to be good: nothing before it is looked at.
    pub good: Option<&'a str>,
    /// A release that is said to be bad: nothing behind it is looked at.
    pub bad: Option<&'a str>,
    /// Whether pre-releases are looked at.
    pub pre: bool,
}

/// Line up the releases of a package whose release `current` the environment has.
///
/// # Errors
/// If a limit is no version, no release, or not where it can be; the message says what to do.
pub fn line_up(package: &str, releases: &[Release], current: &str, limits: &Limits<'_>) -> Result<Line, String> {
    let current = version(current).map_err(|why| format!("{package} is in the environment as {why}"))?;
    let mut line = Line::default();
    let mut known: Vec<(Version, &Release)> = releases.iter().filter_map(|release| Some((version(&release.version).ok()?, release))).collect();
    known.sort_by(|(a, _), (b, _)| a.cmp(b));
    known.dedup_by(|(a, _), (b, _)| a == b);
    let limit = |flag: &str, asked: Option<&str>| asked.map(|asked| named(package, flag, asked, &known, &current)).transpose();
    let (good, bad) = (limit("--good", limits.good)?, limit("--bad", limits.bad)?);
    let last = bad.unwrap_or_else(|| current.clone());
    if let Some(good) = good.as_ref().filter(|good| **good >= last) {
        return Err(format!("--good {good} is not older than {last}, which is bad: there is nothing between them to look at"));
    }
    let wanted = |version: &Version| limits.pre || !version.any_prerelease() || Some(version) == good.as_ref();
    for (version, release) in known {
        if version >= last || good.as_ref().is_some_and(|good| version < *good) || !wanted(&version) {
            continue;
        }
        match &release.why {
            _ if release.yanked => line.yanked += 1,
            Some(why) => line.left_out.push((version, why.clone())),
            None => line.candidates.push(Candidate { version, uploaded: release.uploaded.clone() }),
        }
    }
    let uploaded = releases.iter().find(|release| version(&release.version).is_ok_and(|version| version == last)).and_then(|release| release.uploaded.clone());
    line.candidates.push(Candidate { version: last, uploaded });
    Ok(line)
}

fn version(text: &str) -> Result<Version, String> {
    Version::from_str(text).map_err(|_| format!("`{text}`, which is no version"))
}

/// The release that a flag names.
fn named(package: &str, flag: &str, asked: &str, known: &[(Version, &Release)], current: &Version) -> Result<Version, String> {
    let wanted = version(asked).map_err(|why| format!("{flag} is {why}: write one like 2.0.31"))?;
    if wanted > *current {
        return Err(format!(
            "{flag} {wanted} is newer than the {package} {current} of the environment, in which the lesson was checked: look at it in an environment that has it, with `--env`"
        ));
    }
    let Err(place) = known.binary_search_by(|(version, _)| version.cmp(&wanted)) else { return Ok(wanted) };
    if wanted == *current {
        return Ok(wanted);
    }
    let near: Vec<String> =
        [place.checked_sub(1), Some(place)].into_iter().flatten().filter_map(|place| known.get(place)).map(|(version, _)| version.to_string()).collect();
    Err(format!("{package} has no release {wanted} on the package index; the nearest are {}", near.join(" and ")))
}

/// Neighbours of a list with the same words, as ranges: the first, the last, how many, and the words.
#[must_use]
pub fn ranges(listed: &[(Version, String)]) -> Vec<(Version, Version, usize, String)> {
    let mut found: Vec<(Version, Version, usize, String)> = Vec::new();
    for (version, words) in listed {
        match found.last_mut() {
            Some((_, last, count, known)) if known == words => (*last, *count) = (version.clone(), *count + 1),
            _ => found.push((version.clone(), version.clone(), 1, words.clone())),
        }
    }
    found
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn releases(versions: &[&str]) -> Vec<Release> {
        versions.iter().map(|version| Release { version: (*version).to_owned(), ..Release::default() }).collect()
    }

    fn lined(versions: &[&str], current: &str, limits: &Limits<'_>) -> Result<Vec<String>, String> {
        Ok(line_up("flask", &releases(versions), current, limits)?.candidates.iter().map(|candidate| candidate.version.to_string()).collect())
    }

    #[test]
    fn releases_come_in_the_order_of_their_versions() {
        let all = ["2.0.10", "1.0.post1", "2.0.9", "1.0", "2.0.0rc1", "10.0", "1.0.dev3", "0.9+local", "2.0.0b2", "not-a-version", "3.0"];
        assert_eq!(lined(&all, "3.0", &Limits::default()).unwrap(), ["0.9+local", "1.0", "1.0.post1", "2.0.9", "2.0.10", "3.0"]);
        let pre = Limits { pre: true, ..Limits::default() };
        assert_eq!(lined(&all, "3.0", &pre).unwrap(), ["0.9+local", "1.0.dev3", "1.0", "1.0.post1", "2.0.0b2", "2.0.0rc1", "2.0.9", "2.0.10", "3.0"]);
        // What the environment has counts, whatever the index says.
        assert_eq!(lined(&["1.0"], "2.0rc1", &Limits::default()).unwrap(), ["1.0", "2.0rc1"]);
        assert!(lined(&[], "what", &Limits::default()).is_err());
    }

    #[test]
    fn withdrawn_ones_and_those_for_other_pythons_are_left_out() {
        let mut all = releases(&["1.0", "1.1", "1.2", "1.3"]);
        all[1].yanked = true;
        all[2].why = Some("asks for Python <3.12".to_owned());
        let line = line_up("flask", &all, "1.3", &Limits::default()).unwrap();
        assert_eq!((line.candidates.len(), line.yanked, line.left_out[0].0.to_string()), (2, 1, "1.2".to_owned()));
    }

    #[test]
    fn limits_are_releases_on_either_side() {
        let all = ["1.0", "1.1", "2.0", "2.1", "3.0"];
        let limits = |good, bad| Limits { good, bad, pre: false };
        assert_eq!(lined(&all, "3.0", &limits(Some("1.1.0"), Some("2.1"))).unwrap(), ["1.1", "2.0", "2.1"]);
        let error = |good, bad| lined(&all, "3.0", &limits(good, bad)).unwrap_err();
        assert!(error(Some("1.2"), None).ends_with("no release 1.2 on the package index; the nearest are 1.1 and 2.0"));
        assert!(error(None, Some("0.1")).ends_with("the nearest are 1.0"));
        assert!(error(None, Some("4.0")).contains("newer than the flask 3.0 of the environment"));
        assert!(error(Some("2.0"), Some("1.1")).contains("not older than 1.1"));
        assert!(error(Some("new"), None).contains("`new`, which is no version"));
    }

    #[test]
    fn neighbours_for_one_reason_are_a_range() {
        let listed: Vec<(Version, String)> =
            [("1.0", "a"), ("1.1", "a"), ("2.0", "b"), ("2.1", "a")].map(|(version, why)| (version.parse().unwrap(), why.to_owned())).into();
        let shown: Vec<String> = ranges(&listed).into_iter().map(|(first, last, count, why)| format!("{first} {last} {count} {why}")).collect();
        assert_eq!(shown, ["1.0 1.1 2 a", "2.0 2.0 1 b", "2.1 2.1 1 a"]);
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_numbers(mut numbers in prop::collection::vec((0..30u32, 0..30u32, 0..30u32), 1..40)) {
            let texts: Vec<String> = numbers.iter().map(|(a, b, c)| format!("{a}.{b}.{c}")).collect();
            let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
            let listed = lined(&borrowed, "99", &Limits::default()).unwrap();
            numbers.sort_unstable();
            numbers.dedup();
            let expected: Vec<String> = numbers.iter().map(|(a, b, c)| format!("{a}.{b}.{c}")).chain(["99".to_owned()]).collect();
            prop_assert_eq!(listed, expected);
        }

        #[test]
        fn a_pre_release_comes_before_its_release_and_a_post_release_after(number in 0..99u32, other in 0..99u32, kind in "(a|b|rc|\\.dev)") {
            let of = |text: String| Version::from_str(&text).unwrap();
            let release = of(format!("{number}.{other}"));
            let [before, after, same] = [format!("{number}.{other}{kind}1"), format!("{number}.{other}.post1"), format!("{number}.{other}.0")].map(of);
            prop_assert!(before < release && release < after);
            prop_assert_eq!(same, release);
        }
    }
}
