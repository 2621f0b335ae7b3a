//! Numbers of chapters and lessons: written before a title, or in a path.
//!
//! It never takes a count for a number: "3 ways to deploy" has none.

use std::sync::LazyLock;

use regex::Regex;

static TITLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^(?:(?P<word>chapter|lesson|part|section|unit|module|day|week|step)\s+)?(?P<number>\d{1,3}(?:\.\d{1,3})*)(?P<mark>[.):]?)(?:\s*[-–—:]\s+|\s+)(?P<title>\S.*)$")
        .expect("the pattern is a constant")
});

/// The number that a title starts with, and the title without it: `5.5 Relationships` is `5.5` and `Relationships`.
#[must_use]
pub fn of_title(title: &str) -> (Option<String>, String) {
    let title = title.trim();
    let Some(found) = TITLE.captures(title) else { return (None, title.to_owned()) };
    let number = &found["number"];
    let has_dash = title[found.get(0).map_or(0, |_| found.name("number").map_or(0, |number| number.end()))..].trim_start().starts_with(['-', '–', '—', ':']);
    if found.name("word").is_none() && found["mark"].is_empty() && !number.contains('.') && !has_dash {
        return (None, title.to_owned());
    }
    (Some(plain(number)), found["title"].to_owned())
}

/// The number that an id spells in its folders: `05-databases/05-relationships` is `5.5`.
#[must_use]
pub fn of_id(id: &str) -> Option<String> {
    let mut numbers: Vec<String> = id.rsplit('/').map_while(leading).collect();
    numbers.reverse();
    (!numbers.is_empty()).then(|| numbers.join("."))
}

/// The number before the first mark of a path's part: `05-databases` is 5. A date or a year is none.
fn leading(part: &str) -> Option<String> {
    let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
    let (digits, rest) = part.split_at(end);
    let is_number = (1..=2).contains(&digits.len()) && (rest.is_empty() || rest.starts_with(['-', '_', '.', ' ']));
    is_number.then(|| plain(digits))
}

/// A number without leading zeros.
fn plain(number: &str) -> String {
    let part = |part: &str| match part.trim_start_matches('0') {
        "" => "0".to_owned(),
        part => part.to_owned(),
    };
    number.split('.').map(part).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_may_start_with_its_number() {
        assert_eq!(of_title("5.5 Relationships"), (Some("5.5".to_owned()), "Relationships".to_owned()));
        assert_eq!(of_title("Chapter 05: Databases"), (Some("5".to_owned()), "Databases".to_owned()));
        assert_eq!(of_title("7. Forms"), (Some("7".to_owned()), "Forms".to_owned()));
        assert_eq!(of_title("Lesson 2 - Views"), (Some("2".to_owned()), "Views".to_owned()));
        assert_eq!(of_title("3 ways to deploy"), (None, "3 ways to deploy".to_owned()));
        assert_eq!(of_title("Flask 3.1"), (None, "Flask 3.1".to_owned()));
    }

    #[test]
    fn an_id_may_spell_a_number() {
        assert_eq!(of_id("05-databases/05-relationships").as_deref(), Some("5.5"));
        assert_eq!(of_id("docs/03_forms").as_deref(), Some("3"));
        assert_eq!(of_id("2024-01-05-release"), None);
        assert_eq!(of_id("05-databases/index"), None);
    }
}
