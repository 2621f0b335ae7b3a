//! Front matter: the lines of metadata at the head of a page, in YAML, TOML or Pelican's form. Only the title is of use.
//!
//! It never takes a line of the text itself: what is not closed is no front matter.

use crate::source::Source;

/// How many lines the front matter takes, and the title it gives.
pub(super) fn read(source: &Source) -> (usize, Option<String>) {
    let last = source.line_count();
    let fence = source.line(1).trim_end();
    let count = if matches!(fence, "---" | "+++") {
        let close = (2..=last).find(|&line| source.line(line).trim_end() == fence || fence == "---" && source.line(line).trim_end() == "...");
        close.filter(|&close| fence == "+++" || (2..close).all(|line| is_yaml(source.line(line)))).unwrap_or(0)
    } else {
        let end = (1..=last).find(|&line| !is_pair(source.line(line))).unwrap_or(last + 1) - 1;
        let has_title = (1..=end).any(|line| source.line(line).to_lowercase().starts_with("title:"));
        if has_title && (end == last || source.line(end + 1).trim().is_empty()) { end } else { 0 }
    };
    let title = (1..=count).find_map(|line| title(source.line(line)));
    (count, title)
}

/// Whether a line can stand in YAML's front matter: between two rules, prose is prose.
fn is_yaml(line: &str) -> bool {
    line.trim().is_empty() || line.starts_with([' ', '\t', '#', '-', ']', '}']) || line.contains(':')
}

/// Whether a line is `key: value` with a key of one word, or continues one.
fn is_pair(line: &str) -> bool {
    let key = line.split(':').next().unwrap_or("");
    line.contains(':') && !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

fn title(line: &str) -> Option<String> {
    let (key, value) = line.split_once([':', '='])?;
    let value = value.trim().trim_matches(['"', '\'']).trim();
    (key.trim().eq_ignore_ascii_case("title") && !key.starts_with(' ') && !value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (usize, Option<String>) {
        read(&Source::new("a.md", text))
    }

    #[test]
    fn the_three_forms_are_known() {
        let title = Some("A: b".to_owned());
        assert_eq!(of("---\ntitle: \"A: b\"\ntags:\n  - x\n---\ntext\n"), (5, title.clone()));
        assert_eq!(of("+++\ntitle = 'A: b'\n+++\ntext\n"), (3, title.clone()));
        assert_eq!(of("title: A: b\ndate: 2020\n\ntext\n"), (2, title));
    }

    #[test]
    fn text_between_rules_is_no_front_matter() {
        assert_eq!(of("---\nSome prose here\n---\n"), (0, None));
        assert_eq!(of("---\ntitle: x\n"), (0, None));
        assert_eq!(of("Note: this is prose\n\ntext\n"), (0, None));
        assert_eq!(of(""), (0, None));
    }
}
