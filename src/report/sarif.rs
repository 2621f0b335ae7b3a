//! SARIF 2.1.0, for code scanning. `Report --write--> impl Write`.
//!
//! The structs are the part of the standard that Proctor uses, in the standard's own words. A finding that only follows from another is a related place of
//! its cause, not a result.

use std::io::{self, Write};

use serde::Serialize;

use super::cause::Cause;
use super::matrix::{Row, rows};
use super::{Report, text, wording};
use crate::finding::{Code, Edit, Finding, Known, Location, Severity};
use crate::outcome::{LessonOutcome, Status};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    invocations: [Invocation; 1],
    column_kind: &'static str,
    results: Vec<Outcome>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Message,
    help: Message,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Message,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Spot>,
}

/// A result in the standard's sense.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Message,
    locations: [Spot; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Spot>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fix>,
}

/// Why a result counts for nothing: the baseline knows of it.
#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
    status: &'static str,
    justification: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fix {
    description: Message,
    artifact_changes: [Change; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    artifact_location: ArtifactLocation,
    replacements: Vec<Replacement>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: Region,
    inserted_content: Content,
}

/// Text of an artifact: unlike a message, it is what it is.
#[derive(Serialize)]
struct Content {
    text: String,
}

/// A location in the standard's sense.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spot {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
struct LogicalLocation {
    name: String,
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<usize>,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

/// Write the report as a SARIF log with a newline at its end.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool { driver: Driver { name: "Proctor", version: env!("CARGO_PKG_VERSION"), rules: Code::ALL.iter().map(rule).collect() } },
            invocations: [invocation(report)],
            column_kind: "unicodeCodePoints",
            results: rows(report).iter().flat_map(Row::causes).map(|cause| result(report, &cause)).collect(),
        }],
    };
    serde_json::to_writer_pretty(&mut *out, &log)?;
    out.write_all(b"\n")
}

fn rule(code: &Code) -> Rule {
    Rule {
        id: code.word(),
        short_description: message(code.help()),
        help: message(code.help()),
        default_configuration: Configuration { level: code.severity().word() },
    }
}

/// How the run itself went: a lesson that errored is no result, as nothing is known of the course there.
fn invocation(report: &Report) -> Invocation {
    let errored = |lesson: &&LessonOutcome| lesson.status == Status::Errored || lesson.error.is_some();
    let mut notifications: Vec<Notification> =
        report.notes.iter().map(|note| Notification { level: Severity::Note.word(), message: message(note), locations: Vec::new() }).collect();
    notifications.extend(report.wrong.iter().map(|(code, said)| Notification {
        level: code.severity().word(),
        message: message(&format!("{}: {said}", code.word())),
        locations: Vec::new(),
    }));
    notifications.extend(report.lessons.iter().filter(errored).map(|lesson| Notification {
        level: Severity::Error.word(),
        message: message(&format!("{}\n{}", wording::errored(lesson), wording::rerun(report, lesson))),
        locations: vec![lesson_spot(lesson)],
    }));
    Invocation { execution_successful: !report.lessons.iter().any(|lesson| errored(&lesson)), tool_execution_notifications: notifications }
}

fn result(report: &Report, cause: &Cause<'_>) -> Outcome {
    let finding = cause.finding;
    let mut told = vec![finding.message.clone()];
    told.extend(finding.help.iter().map(|help| format!("help: {help}")));
    told.extend(cause.environments.clone());
    told.push(wording::rerun(report, cause.lesson));
    let related = finding.related.iter().map(|related| (&related.location, related.message.clone()));
    let consequences = cause.consequences.iter().map(|finding| (&finding.location, wording::consequence(finding)));
    let related = related.chain(consequences).enumerate();
    Outcome {
        rule_id: finding.code.word(),
        rule_index: Code::ALL.iter().position(|code| *code == finding.code).unwrap_or_default(),
        level: finding.severity().word(),
        message: message(&told.join("\n")),
        locations: [spot(&finding.location)],
        fixes: fix(finding).into_iter().collect(),
        related_locations: related.map(|(index, (location, text))| Spot { id: Some(index + 1), message: Some(message(&text)), ..spot(location) }).collect(),
        suppressions: finding.known.iter().map(suppression).collect(),
    }
}

fn suppression(known: &Known) -> Suppression {
    Suppression { kind: "external", status: "accepted", justification: text::message(&wording::known(known)) }
}

/// What ends a finding. The lines of a notebook's cell are none of the file's, so nothing can be told to be changed there.
fn fix(finding: &Finding) -> Option<Fix> {
    if finding.edits.is_empty() || finding.location.place().cell.is_some() {
        return None;
    }
    let replacement = |edit: &Edit| {
        let (start, end) = (finding.location.source.place(edit.span.start), finding.location.source.place(edit.span.end));
        let deleted_region = Region { start_line: start.line, start_column: Some(start.column), end_line: Some(end.line), end_column: Some(end.column) };
        Replacement { deleted_region, inserted_content: Content { text: edit.text.clone() } }
    };
    let change = Change { artifact_location: artifact(finding.location.path()), replacements: finding.edits.iter().map(replacement).collect() };
    Some(Fix { description: message(wording::TRIED), artifact_changes: [change] })
}

fn spot(location: &Location) -> Spot {
    let place = location.place();
    // The lines of a notebook's cell are none of the file's, so such a place has words instead of a region.
    let cell = place.cell.map(|cell| LogicalLocation { name: format!("cell {cell}, line {}", place.line), kind: "cell" });
    let region = place.cell.is_none().then(|| {
        let covered = location.source.slice(location.span).trim_end();
        let end = location.source.place(location.span.start.saturating_add(covered.len()));
        Region { start_line: place.line, start_column: Some(place.column), end_line: Some(end.line), end_column: Some(end.column) }
    });
    Spot {
        id: None,
        physical_location: PhysicalLocation { artifact_location: artifact(location.path()), region },
        logical_locations: cell.into_iter().collect(),
        message: None,
    }
}

fn lesson_spot(lesson: &LessonOutcome) -> Spot {
    let region = Region { start_line: lesson.line.max(1), start_column: None, end_line: None, end_column: None };
    let physical_location = PhysicalLocation { artifact_location: artifact(lesson.source.path()), region: Some(region) };
    Spot { id: None, physical_location, logical_locations: Vec::new(), message: None }
}

fn artifact(path: &str) -> ArtifactLocation {
    let uri = text::uri(path);
    ArtifactLocation { uri: if path.starts_with('/') { format!("file://{uri}") } else { uri } }
}

/// A plain text message. In the standard `[a](b)` is a link and `{0}` a placeholder; what looks like one and is none has to be told apart.
fn message(text: &str) -> Message {
    let told = text::message(text).replace("](", "\\](");
    let mut pieces = told.split('{');
    let mut shown = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        match piece[digits..].strip_prefix('}') {
            Some(rest) if digits > 0 => shown.extend(["{{", &piece[..digits], "}}", rest]),
            _ => shown.extend(["{", piece]),
        }
    }
    Message { text: shown }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::super::fixture;
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Hold a log against what the standard asks of the parts that are used.
    fn check(log: &Value) {
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for rule in rules {
            assert!(rule["shortDescription"]["text"].is_string());
            assert!(level(&rule["defaultConfiguration"]["level"]));
        }
        for result in run["results"].as_array().unwrap() {
            assert_eq!(rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()]["id"], result["ruleId"]);
            assert!(level(&result["level"]));
            assert!(result["message"]["text"].is_string());
            let related = result["relatedLocations"].as_array().into_iter().flatten();
            for location in result["locations"].as_array().unwrap().iter().chain(related) {
                let physical = &location["physicalLocation"];
                let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
                assert!(uri.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%:".contains(&byte)), "{uri}");
                if let Some(region) = physical["region"].as_object() {
                    let number = |key: &str| region[key].as_u64().unwrap();
                    assert!(number("startLine") >= 1 && number("startColumn") >= 1);
                    assert!((number("startLine"), number("startColumn")) <= (number("endLine"), number("endColumn")), "{region:?}");
                }
            }
        }
    }

    fn level(level: &Value) -> bool {
        ["error", "warning", "note"].iter().any(|word| level == word)
    }

    #[test]
    fn a_log_of_results() {
        let shown = written(&fixture::report());
        check(&serde_json::from_str(&shown).unwrap());
        let (rules, rest) = (shown.find("\"rules\"").unwrap(), shown.find("\"invocations\"").unwrap());
        insta::assert_snapshot!(format!("{}...\n    {}", &shown[..rules].replace(env!("CARGO_PKG_VERSION"), "VERSION"), &shown[rest..]));
    }

    #[test]
    fn the_same_finding_of_two_environments_is_one_result() {
        let log: Value = serde_json::from_str(&written(&fixture::matrix())).unwrap();
        check(&log);
        let told: Vec<&str> = log["runs"][0]["results"].as_array().unwrap().iter().map(|result| result["message"]["text"].as_str().unwrap()).collect();
        assert_eq!(told.len(), 4, "{told:#?}");
        assert!(told[0].contains("\nin legacy\n") && told[2].contains("\nin every environment\n"), "{told:#?}");
    }

    #[test]
    fn every_code_is_a_rule() {
        let log: Value = serde_json::from_str(&written(&Report::default())).unwrap();
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().len(), Code::ALL.len());
        assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
    }

    #[test]
    fn paths_are_references_relative_to_the_working_directory() {
        assert_eq!(artifact("content/a b.md").uri, "content/a%20b.md");
        assert_eq!(artifact("/srv/a.md").uri, "file:///srv/a.md");
    }

    #[test]
    fn what_looks_like_a_link_or_a_placeholder_is_none() {
        assert_eq!(message("d[0] {x} {} {{ [a](b) {0} {12}.").text, "d[0] {x} {} {{ [a\\](b) {{0}} {{12}}.");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_a_log(text in any::<String>()) {
            let log: Value = serde_json::from_str(&written(&fixture::saying(&text))).unwrap();
            check(&log);
            prop_assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 1);
        }
    }
}
