//! Requests that a `lab.toml` makes of the page's application, and what it expects of the answers. Pure: it asks nobody.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::engine::protocol::Request;
use crate::guide::Lesson;

/// How many paths of a page are kept.
const NAMED: usize = 24;

/// The paths of URLs that the prose of a page names, such as `/r/python` of `example.org/r/python`, each once and in order.
pub(super) fn named(lesson: &Lesson) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for path in lesson.prose.iter().flat_map(|prose| paths(&prose.text)) {
        if found.len() < NAMED && !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

/// The paths of URLs in a text.
fn paths(text: &str) -> Vec<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-._~+%/:@,".contains(letter);
    let words = text.split(|letter: char| !is_part(letter)).map(|word| word.trim_end_matches(['.', ',', ':']));
    let path = |word: &str| {
        let rest = word.split_once("://").map_or(word, |(_, rest)| rest);
        let host = rest.split('/').next().unwrap_or_default();
        let is_url = host.is_empty() || host.contains('.') && !host.starts_with('.') || host.starts_with("localhost");
        rest.find('/').filter(|_| is_url).map(|at| rest[at..].to_owned()).filter(|path| path.len() > 1)
    };
    words.filter_map(path).collect()
}

/// A `[[request]]` of a `lab.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// The method; `GET` if it is left out.
    pub method: Option<String>,
    /// The path, with its query.
    pub path: String,
    /// Form fields.
    pub form: BTreeMap<String, Field>,
    /// A JSON body.
    pub json: Option<Value>,
    /// A body as text.
    pub body: Option<String>,
    /// Header fields.
    pub headers: BTreeMap<String, String>,
    /// Whether redirects are followed.
    pub follows: bool,
    /// What must come back.
    pub expects: Expected,
    /// The line of the `lab.toml` that it starts on, from 1; 0 where that is not known.
    #[serde(skip)]
    pub line: usize,
}

/// What a request expects of its answer; what is left out may be anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Expected {
    /// The status.
    pub status: Option<u16>,
    /// Members that the JSON must have; others may be there.
    pub json: Option<Value>,
    /// Texts that must stand in what a reader sees.
    pub text: Option<Field>,
    /// Header fields with their values.
    pub header: BTreeMap<String, String>,
}

/// One value or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Field {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Field {
    /// The values, in order.
    #[must_use]
    pub fn values(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl Asked {
    /// The request to make.
    #[must_use]
    pub fn request(&self) -> Request {
        let form = self.form.iter().flat_map(|(name, field)| field.values().iter().map(move |value| (name.clone(), value.clone())));
        Request {
            app: None,
            method: self.method.as_deref().unwrap_or("GET").to_uppercase(),
            path: self.path.clone(),
            form: form.collect(),
            json: self.json.clone(),
            body: self.body.clone(),
            headers: self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            follows: self.follows,
        }
    }

    /// What no kind of value forbids and still cannot be meant.
    #[must_use]
    pub fn flaw(&self) -> Option<String> {
        if self.path.is_empty() {
            return Some("a request needs a path: write `path = \"/\"`".to_owned());
        }
        if !self.path.starts_with('/') {
            return Some(format!("the path `{}` must start with `/`", self.path.escape_default()));
        }
        let bodies = usize::from(!self.form.is_empty()) + usize::from(self.json.is_some()) + usize::from(self.body.is_some());
        (bodies > 1).then(|| "a request has one of `form`, `json` and `body`".to_owned())
    }
}

/// Whether `actual` has all that `expected` has: members of objects by name, everything else as it is.
#[must_use]
pub fn has_all(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            expected.iter().all(|(name, expected)| actual.get(name).is_some_and(|actual| has_all(expected, actual)))
        }
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(expected, actual)| has_all(expected, actual))
        }
        (Value::Number(expected), Value::Number(actual)) => expected == actual || expected.as_f64() == actual.as_f64(),
        _ => expected == actual,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_page_names_the_paths_of_its_urls() {
        let text = "Such as *example.org/r/python+flask*, http://localhost:5000/tea and /r/a. Neither and/or nor app/views.py nor https://example.org is one.";
        assert_eq!(super::paths(text), ["/r/python+flask", "/tea", "/r/a"]);
    }

    use super::*;
    use serde_json::json;

    #[test]
    fn more_members_than_expected_are_fine_and_fewer_are_not() {
        assert!(has_all(&json!({"a": [{"b": 1}]}), &json!({"a": [{"b": 1.0, "c": 2}], "d": null})));
        assert!(!has_all(&json!({"a": [1]}), &json!({"a": [1, 2]})));
        assert!(!has_all(&json!({"a": null}), &json!({})));
    }
}
