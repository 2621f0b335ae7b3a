//! SARIF against the standard's own schema, `tests/schemas/sarif-2.1.0.json`, as its technical committee published it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proctor::report::sarif;
use regex::Regex;
use serde_json::{Map, Value};

const SCHEMA: &str = include_str!("../schemas/sarif-2.1.0.json");

/// What `value` does against a schema, with the place of each offence. It knows the words that this schema uses, and no other.
fn offences(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (word, rule) in schema.as_object().unwrap() {
        let offends = match word.as_str() {
            "description" | "title" | "default" | "$schema" | "id" | "definitions" | "format" | "properties" => false,
            "$ref" => {
                offences(root, root.pointer(rule.as_str().unwrap().trim_start_matches('#')).unwrap(), value, at, found);
                false
            }
            "type" => match rule.as_str().unwrap() {
                "object" => !value.is_object(),
                "array" => !value.is_array(),
                "string" => !value.is_string(),
                "integer" => !value.is_i64() && !value.is_u64(),
                "number" => !value.is_number(),
                "boolean" => !value.is_boolean(),
                other => panic!("the schema has the type {other}"),
            },
            "enum" => !rule.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_some_and(|number| number < rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_some_and(|number| number > rule.as_f64().unwrap()),
            "pattern" => value.as_str().is_some_and(|text| !Regex::new(rule.as_str().unwrap()).unwrap().is_match(text)),
            "minItems" => value.as_array().is_some_and(|items| items.len() < usize::try_from(rule.as_u64().unwrap()).unwrap()),
            "uniqueItems" => value.as_array().is_some_and(|items| items.iter().enumerate().any(|(place, item)| items[..place].contains(item))),
            "required" => value.as_object().is_some_and(|object| rule.as_array().unwrap().iter().any(|key| !object.contains_key(key.as_str().unwrap()))),
            "anyOf" => !rule.as_array().unwrap().iter().any(|one| fits(root, one, value)),
            "oneOf" => rule.as_array().unwrap().iter().filter(|one| fits(root, one, value)).count() != 1,
            "items" => {
                for (place, item) in value.as_array().into_iter().flatten().enumerate() {
                    offences(root, rule, item, &format!("{at}/{place}"), found);
                }
                false
            }
            "additionalProperties" => continue,
            other => panic!("the schema has the word {other}"),
        };
        if offends {
            found.push(format!("{at}: {word} {rule}"));
        }
    }
    members(root, schema, value, at, found);
}

/// The members of an object against what a schema says of them.
fn members(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let none = Map::new();
    let known = schema["properties"].as_object().unwrap_or(&none);
    for (key, member) in value.as_object().into_iter().flatten() {
        let at = format!("{at}/{key}");
        match (known.get(key), &schema["additionalProperties"]) {
            (Some(schema), _) => offences(root, schema, member, &at, found),
            (None, Value::Bool(false)) => found.push(format!("{at}: is not in the standard")),
            (None, schema @ Value::Object(_)) => offences(root, schema, member, &at, found),
            (None, _) => {}
        }
    }
}

fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    let mut found = Vec::new();
    offences(root, schema, value, "", &mut found);
    found.is_empty()
}

/// What a log does against the standard.
fn against_the_standard(log: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut found = Vec::new();
    offences(&schema, &schema, log, "", &mut found);
    found
}

fn log() -> Value {
    let mut log = Vec::new();
    sarif::write(&crate::html::report(), &mut log).unwrap();
    serde_json::from_slice(&log).unwrap()
}

#[test]
fn a_log_is_valid_sarif() {
    let log = log();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(results.len() > 3 && results.iter().any(|result| result["fixes"][0]["artifactChanges"][0]["replacements"].is_array()), "{log:#}");
    assert_eq!(against_the_standard(&log), Vec::<String>::new());
}

#[test]
fn what_is_no_sarif_is_told() {
    let spoilt = |pointer: &str, value: Value| {
        let mut log = log();
        *log.pointer_mut(pointer).unwrap() = value;
        against_the_standard(&log)
    };
    for (pointer, value) in [
        ("/version", "2.0.0".into()),
        ("/runs/0/results/0/level", "bad".into()),
        ("/runs/0/results/0/message", Value::Object(Map::new())),
        ("/runs/0/results/0/locations/0/physicalLocation/region/startLine", 0.into()),
        ("/runs/0/tool", 1.into()),
        ("/runs/0/invocations/0", serde_json::json!({"executionSuccessful": true, "mood": "good"})),
    ] {
        assert!(!spoilt(pointer, value).is_empty(), "{pointer}");
    }
}
