//! `lab.toml`: what a page cannot say. Unknown keys are errors that name the nearest right one, so that a typo is never silence.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::engine::protocol::Limits;
use crate::lab::requests::Asked;

/// A lesson's `lab.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// The environment to run in, if it is not the course's.
    pub environment: Option<String>,
    /// Ids of lessons that this one builds on: they lend before any other.
    pub uses: Vec<String>,
    /// Python that runs before the page's own.
    pub setup: Option<String>,
    /// Files that are in the lab before anything runs: path to text.
    pub files: BTreeMap<String, String>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// Servers that the lab needs, of [`SERVICES`].
    pub services: Vec<String>,
    /// Limits that differ from the defaults.
    pub limits: ManifestLimits,
    /// Requests to the page's application, after its last block, in this order.
    #[serde(rename = "request")]
    pub requests: Vec<Asked>,
}

/// Limits of a lab; what is left out keeps its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ManifestLimits {
    /// Wall clock, in seconds.
    pub seconds: Option<u32>,
    /// Memory, in MiB.
    pub memory: Option<u32>,
    /// Processes and threads.
    pub processes: Option<u32>,
    /// Output, in bytes.
    pub output: Option<u32>,
}

impl ManifestLimits {
    /// `limits`, with what this says instead.
    #[must_use]
    pub fn apply(&self, mut limits: Limits) -> Limits {
        limits.seconds = self.seconds.unwrap_or(limits.seconds);
        limits.memory = self.memory.unwrap_or(limits.memory);
        limits.processes = self.processes.unwrap_or(limits.processes);
        limits.output = self.output.unwrap_or(limits.output);
        limits
    }
}

/// Keys that a `lab.toml` may have, for the nearest to a mistaken one.
const KEYS: &[&str] = &[
    "environment",
    "uses",
    "setup",
    "files",
    "env",
    "services",
    "limits",
    "seconds",
    "memory",
    "processes",
    "output",
    "request",
    "method",
    "path",
    "form",
    "json",
    "body",
    "headers",
    "follows",
    "expects",
    "status",
    "text",
    "header",
];

/// The servers that a lab may ask for.
pub const SERVICES: &[&str] = &["postgresql", "redis"];

impl Manifest {
    /// Read the text of a `lab.toml`.
    ///
    /// # Errors
    /// A message, in lower case, with line and what to do, if it is no TOML, has a key that does not exist, or a value of the wrong kind.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut manifest: Self = crate::config::parse_toml(text, KEYS)?;
        if let Some(unknown) = manifest.services.iter().find(|service| !SERVICES.contains(&service.as_str())) {
            return Err(format!("there is no service `{unknown}`: `services` may name {}", SERVICES.join(" and ")));
        }
        let lines = text.lines().enumerate().filter(|(_, line)| line.split('#').next().is_some_and(|line| line.trim() == "[[request]]"));
        for (request, (index, _)) in manifest.requests.iter_mut().zip(lines) {
            request.line = index + 1;
        }
        for request in &manifest.requests {
            request.flaw().map_or(Ok(()), |flaw| Err(format!("line {}: {flaw}", request.line.max(1))))?;
        }
        Ok(manifest)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_request_says_what_to_ask_and_what_to_expect() {
        let text = "setup = 'x = 1'\n\n[[request]]\nmethod = 'POST'\npath = '/login'\nform = { name = 'ada', tag = ['a', 'b'] }\nfollows = true\nexpects = { status = 200, text = 'Hello' }\n\n[[request]] # the next\npath = '/api'\n[request.expects]\njson = { name = 'ada' }\nheader = { Vary = 'Cookie' }\n";
        let manifest = Manifest::parse(text).unwrap();
        assert_eq!(manifest.requests.iter().map(|request| request.line).collect::<Vec<_>>(), [3, 10]);
        let request = manifest.requests[0].request();
        assert_eq!((request.method.as_str(), request.path.as_str(), request.follows), ("POST", "/login", true));
        assert_eq!(request.form, [("name", "ada"), ("tag", "a"), ("tag", "b")].map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(manifest.requests[1].request().method, "GET");
        assert_eq!(manifest.requests[1].expects.json, Some(serde_json::json!({"name": "ada"})));
    }

    #[test]
    fn a_mistaken_request_is_refused_at_its_line() {
        let refused = |text: &str| Manifest::parse(text).unwrap_err();
        assert_eq!(refused("[[request]]\npath = '/'\nfollow = true\n"), "line 3: unknown key `request.0.follow`: did you mean `follows`?");
        assert_eq!(refused("[[request]]\npath = '/'\nexpects = { statu = 200 }\n"), "line 1: unknown key `request.0.expects.statu`: did you mean `status`?");
        assert_eq!(refused("\n[[request]]\nmethod = 'POST'\n"), "line 2: a request needs a path: write `path = \"/\"`");
        assert_eq!(refused("[[request]]\npath = 'x'\n"), "line 1: the path `x` must start with `/`");
        assert_eq!(refused("[[request]]\npath = '/'\nbody = 'x'\njson = 1\n"), "line 1: a request has one of `form`, `json` and `body`");
    }

    proptest! {
        #[test]
        fn any_text_is_a_manifest_or_refused_at_a_line_that_there_is(text in proptest::collection::vec(proptest::sample::select(vec![
            "uses = ['a']", "setup = 'x'", "[files]", "'a.py' = ''", "[limits]", "seconds = 1", "memory = -1", "[[request]]", "path = '/'", "path = 'x'", "json = 1", "body = 'x'",
            "expects = { status = 200 }", "services = ['redis']", "services = ['x']", "secnds = 1", "[request]", "é = 1", "= ", "'", "\"\"\"", "# [[request]]", " ", "\u{0}",
        ]), 0..8)) {
            let text = text.join("\n");
            match Manifest::parse(&text) {
                Ok(manifest) => prop_assert!(manifest.requests.iter().all(|request| request.line >= 1)),
                Err(message) => {
                    let line = message.strip_prefix("line ").and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
                    prop_assert!(message.starts_with("there is no service") || line.is_some_and(|line| (1..=text.split('\n').count()).contains(&line)), "{}", message);
                }
            }
        }
    }
}
