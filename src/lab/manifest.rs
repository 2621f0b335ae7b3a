//! `lab.toml`: what a page cannot say. Unknown keys are errors that name the nearest right one, so that a typo is never silence.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::engine::protocol::Limits;

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
const KEYS: &[&str] = &["environment", "uses", "setup", "files", "env", "services", "limits", "seconds", "memory", "processes", "output"];

/// The servers that a lab may ask for.
pub const SERVICES: &[&str] = &["postgresql", "redis"];

impl Manifest {
    /// Read the text of a `lab.toml`.
    ///
    /// # Errors
    /// A message, in lower case, with line and what to do, if it is no TOML, has a key that does not exist, or a value of the wrong kind.
    pub fn parse(text: &str) -> Result<Self, String> {
        let manifest: Self = crate::config::parse_toml(text, KEYS)?;
        match manifest.services.iter().find(|service| !SERVICES.contains(&service.as_str())) {
            Some(unknown) => Err(format!("there is no service `{unknown}`: `services` may name {}", SERVICES.join(" and "))),
            None => Ok(manifest),
        }
    }
}
