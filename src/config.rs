//! `proctor.toml`: found upwards from the guide; flags over file over default. Also how any TOML of ours is read: unknown keys are named.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A course's `proctor.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The folder that the file stands in; what it names is relative to that.
    #[serde(skip)]
    pub root: PathBuf,
    /// The guide to check when the command line names none.
    pub guide: Option<String>,
    /// Where labs lie.
    pub labs: Option<String>,
    /// The environment's name.
    pub environment: Option<String>,
    /// The environments that `--matrix` checks in; all that there are if left out.
    pub matrix: Option<Vec<String>>,
    /// A lock file of the course's own, in place of a built-in environment.
    pub requirements: Option<String>,
    /// What to do about links.
    pub links: Links,
    /// The file of findings that are known already.
    pub baseline: Option<String>,
}

/// What `proctor.toml` says about links.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Links {
    /// Targets that are left alone, as they are written on the page; `*` stands for anything.
    pub ignore: Vec<String>,
}

/// Why a configuration could not be read. Each message is in lower case and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The file says something that it cannot say.
    #[error("{path}: {message}")]
    Invalid {
        /// The file.
        path: String,
        /// What is wrong, with its line.
        message: String,
    },
}

const KEYS: &[&str] = &["guide", "labs", "environment", "matrix", "requirements", "baseline", "links", "ignore"];

impl Config {
    /// The `proctor.toml` in `start` or the nearest folder above it; the default if there is none.
    ///
    /// # Errors
    /// If there is one and it cannot be read or understood.
    pub fn find(start: &Path) -> Result<Self, ConfigError> {
        let start = std::path::absolute(start).unwrap_or_else(|_| start.to_path_buf());
        for folder in start.ancestors() {
            let path = folder.join("proctor.toml");
            if path.is_file() {
                return Self::load(&path);
            }
        }
        Ok(Self { root: start, ..Self::default() })
    }

    fn load(path: &Path) -> Result<Self, ConfigError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: shown.clone(), source })?;
        let config = Self::parse(&text).map_err(|message| ConfigError::Invalid { path: shown, message })?;
        Ok(Self { root: path.parent().map(Path::to_path_buf).unwrap_or_default(), ..config })
    }

    /// Read the text of a `proctor.toml`.
    ///
    /// # Errors
    /// A message, in lower case, with line and what to do, if it is no TOML, has a key that does not exist, or a value of the wrong kind.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse_toml(text, KEYS)
    }

    /// Whether links to this target are left alone.
    #[must_use]
    pub fn ignores_link(&self, target: &str) -> bool {
        self.links.ignore.iter().any(|pattern| fits(pattern, target))
    }

    /// The folder of labs.
    #[must_use]
    pub fn labs(&self) -> PathBuf {
        self.root.join(self.labs.as_deref().unwrap_or("labs"))
    }

    /// The file of findings that are known already, which need not exist.
    #[must_use]
    pub fn baseline(&self) -> PathBuf {
        self.root.join(self.baseline.as_deref().unwrap_or("proctor-baseline.toml"))
    }
}

/// Whether a text is what a pattern says, in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = pattern.rsplit_once('*').map(|(_, last)| last) else { return rest.is_empty() };
    let middle: Vec<&str> = parts.collect();
    for part in middle.iter().take(middle.len().saturating_sub(1)) {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Read TOML into `T`, refusing keys that it does not have; `keys` are those that exist, to offer the nearest.
///
/// # Errors
/// A message with the line and what to do.
pub fn parse_toml<T: DeserializeOwned>(text: &str, keys: &[&str]) -> Result<T, String> {
    let mut unknown: Vec<String> = Vec::new();
    let read = toml::Deserializer::parse(text).and_then(|toml| serde_ignored::deserialize(toml, |path| unknown.push(path.to_string())));
    let value = read.map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        format!("line {line}: {}", error.message())
    })?;
    let Some(path) = unknown.first() else { return Ok(value) };
    let key = path.rsplit('.').next().unwrap_or(path);
    let line = text.lines().position(|line| line.trim_start().trim_start_matches('[').starts_with(key)).map_or(1, |index| index + 1);
    let near = nearest(key, keys.iter().copied()).map_or_else(|| format!("known keys are {}", keys.join(", ")), |near| format!("did you mean `{near}`?"));
    Err(format!("line {line}: unknown key `{path}`: {near}"))
}

/// The word of `words` that is nearest to a mistaken one, if any is near.
pub fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let best = words.into_iter().map(|other| (distance(word, other), other)).min()?;
    (best.0 <= (word.chars().count() / 3).max(1)).then_some(best.1)
}

/// How many letters have to be added, dropped, changed or swapped with a neighbour to make one word of another.
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    // A line may be megabytes long; a name is not.
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(200).collect(), b.chars().take(200).collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_typo_is_named_with_the_nearest_key() {
        let error = parse_toml::<Config>("guide = 'x'\nlabz = 'y'\n", KEYS);
        assert_eq!(error, Err("line 2: unknown key `labz`: did you mean `labs`?".to_owned()));
        let error = parse_toml::<Config>("guide = 1\n", KEYS);
        assert!(error.is_err_and(|message| message.starts_with("line 1: ")));
    }

    #[test]
    fn links_may_be_left_alone() {
        let config: Config = parse_toml("[links]\nignore = ['https://intranet.example/*', '*.local/*/x', 'a']\n", KEYS).unwrap_or_default();
        for (target, ignored) in [
            ("https://intranet.example/", true),
            ("https://intranet.example", false),
            ("b.local/c/d/x", true),
            ("b.local/x", false),
            ("a", true),
            ("ab", false),
        ] {
            assert_eq!(config.ignores_link(target), ignored, "{target}");
        }
    }

    #[test]
    fn distances_count_a_swap_once() {
        assert_eq!(distance("Bsae", "Base"), 1);
        assert_eq!(nearest("Bsae", ["Base", "base64"]), Some("Base"));
        assert_eq!(nearest("zzz", ["Base"]), None);
    }

    proptest! {
        #[test]
        fn any_text_is_a_configuration_or_refused_at_a_line(text in "((guide|labs|labz|é)?( = )?('|\"|x|1|\\[|\\{)?\n?){0,8}") {
            if let Err(message) = Config::parse(&text) {
                let line = message.strip_prefix("line ").and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
                prop_assert!(line.is_some_and(|line| (1..=text.split('\n').count()).contains(&line)), "{}", message);
            }
        }

        #[test]
        fn a_distance_is_one(a in "[abc]{0,6}", b in "[abc]{0,6}") {
            prop_assert_eq!(distance(&a, &b), distance(&b, &a));
            prop_assert_eq!(distance(&a, &b) == 0, a == b);
        }
    }
}
