//! The nearest of some words to one that was mistyped, for help lines.
//!
//! It never guesses far: a word that shares little with the given one is not offered.

use crate::config::distance;

/// The candidate that `word` was most likely meant to be, if any is near enough; of equals the first.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    near(word, candidates, 1).into_iter().next()
}

/// The candidates near `word`, the nearest first, at most `count` of them.
#[must_use]
pub fn near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let limit = (word.chars().count() / 3).max(1);
    let mut found: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let holds = word.len() > 2 && lower.contains(&word) || lower.len() > 2 && word.contains(&lower);
            let distance = distance(&word, &lower);
            (distance <= limit || holds).then_some((distance, candidate))
        })
        .collect();
    found.sort_by_key(|(distance, _)| *distance);
    found.into_iter().take(count).map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_word_and_a_stranger_finds_none() {
        let words = ["skip", "static", "raises", "title"];
        assert_eq!(nearest("sikp", words), Some("skip"));
        assert_eq!(nearest("Statik", words), Some("static"));
        assert_eq!(nearest("raise", words), Some("raises"));
        assert_eq!(nearest("zzzz", words), None);
        assert_eq!(nearest("nope", ["home"]), None);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn the_nearest_come_first() {
        assert_eq!(
            near("05-relationship", ["01-start", "05-databases/05-relationships", "05-relationships"], 2),
            ["05-relationships", "05-databases/05-relationships"]
        );
    }
}
