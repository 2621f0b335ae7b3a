//! Asks the package index which releases there are, through the pip of an environment: whatever that is configured with applies, and no index is named here.
//! Before `Revision --engine::run--> Records`. It installs nothing.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use bollard::Docker;
use serde::Deserialize;
use tokio::process::Command;

use super::image::prune_stage;
use super::{Environment, Progress, cache, command, layer, venv};
use crate::engine::EngineError;

/// What is run by the environment's own Python.
pub(super) const SCRIPT: &str = include_str!("../../docker/releases.py");

/// How the script is asked in a container engine.
const INDEX: &str = include_str!("../../docker/index.Dockerfile");

/// How each answer of the script starts.
const ANSWER: &str = "proctor-answer ";
const OFFLINE: &str = "proctor-offline ";

/// What is known of a name that a program imports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Package {
    /// The name that was asked for: a module's or a package's.
    pub asked: String,
    /// The package that it is of, if the environment has that, as an index spells it.
    #[serde(rename = "package")]
    pub name: Option<String>,
    /// Its version there.
    pub version: Option<String>,
    /// The Python there, such as `3.13.5`.
    pub python: String,
    /// The packages that it needs.
    pub needs: Vec<String>,
    /// Its releases, in no order.
    pub releases: Vec<Release>,
}

/// A release, as the index has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Release {
    /// Its version.
    pub version: String,
    /// When its first file was uploaded, where the index tells.
    pub uploaded: Option<String>,
    /// Whether it was withdrawn.
    pub yanked: bool,
    /// Why this Python cannot have it, if that is known already.
    pub why: Option<String>,
}

impl Environment {
    /// What the index has of packages or modules, asked inside of the environment's image.
    ///
    /// # Errors
    /// If the engine or the index does not answer.
    pub async fn ask_in_image(&self, docker: &Docker, image: &str, names: &[String], progress: Progress<'_>) -> Result<Vec<Package>, EngineError> {
        let names = names.iter().filter(|name| is_plain(name)).cloned().collect::<Vec<_>>().join(" ");
        let tag = self.layer_tag("index", &[INDEX, SCRIPT, image, &names]);
        let mut options = self.options_on(image, &tag);
        // It has no name and is answered anew each time.
        (options.t, options.nocache) = (None, true);
        options.buildargs.get_or_insert_default().insert("NAMES".to_owned(), names);
        let context = layer::context(INDEX, &[("releases.py", SCRIPT)])
            .map_err(|source| EngineError::Io { doing: "packing a question to the package index".to_owned(), source })?;
        progress("asking the package index");
        let stream = docker.build_image(options, None, Some(bollard::body_full(context.into())));
        let said = self.follow(stream, &mut |_| {}).await;
        prune_stage(docker, &tag).await;
        answers(&said?)
    }

    /// What the index has of packages or modules, asked inside of the environment's virtual environment, which is made now if there is none yet.
    ///
    /// # Errors
    /// If the virtual environment cannot be made or the index does not answer.
    pub async fn ask_in_venv(&self, python: Option<&Path>, names: &[String], progress: Progress<'_>) -> Result<Vec<Package>, EngineError> {
        let python = self.ensure_venv(python, progress).await?;
        progress("asking the package index");
        let mut ask = Command::new(python);
        ask.args(["-I", "-c", SCRIPT, "list"]).args(names.iter().filter(|name| is_plain(name)));
        let (said, failure) = answered(&mut ask, progress).await?;
        match (answers(&said), failure) {
            (Ok(found), Some(failure)) if found.is_empty() => Err(silent(&failure.log)),
            (found, _) => found,
        }
    }
}

/// Runs the script: what it said on standard output, and how it failed if it did.
pub(super) async fn answered(ask: &mut Command, progress: Progress<'_>) -> Result<(String, Option<command::Failure>), EngineError> {
    let io = |doing: &str, source| EngineError::Io { doing: doing.to_owned(), source };
    let mut output = tempfile::tempfile().map_err(|source| io("making a temporary file", source))?;
    let copy: File = output.try_clone().map_err(|source| io("sharing a temporary file", source))?;
    let lock = cache::lock(&cache::cache_dir()?.join("release.lock"), progress).await?;
    venv::clean(ask);
    let failure = command::run(ask, &lock, command::Output::To(copy), &mut |_| {}).await.err();
    let mut said = Vec::new();
    output.rewind().and_then(|()| output.read_to_end(&mut said)).map_err(|source| io("reading a temporary file", source))?;
    Ok((String::from_utf8_lossy(&said).into_owned(), failure))
}

/// Names become words of a command line.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.-".contains(letter))
}

/// The answers in what the script said.
fn answers(said: &str) -> Result<Vec<Package>, EngineError> {
    let said = &*console::strip_ansi_codes(said);
    if let Some(why) = offline(said) {
        return Err(why);
    }
    let lines = said.lines().filter_map(|line| Some(line.split_once(ANSWER)?.1));
    lines.map(|line| serde_json::from_str(line).map_err(|error| silent(&format!("its answer makes no sense: {error}")))).collect()
}

/// The error that says that the index did not answer, if it did not.
pub(super) fn offline(said: &str) -> Option<EngineError> {
    said.lines().find_map(|line| Some(line.split_once(OFFLINE)?.1)).map(silent)
}

fn silent(why: &str) -> EngineError {
    let last = why.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
    let short: String = last.chars().take(400).collect();
    EngineError::Unavailable(format!(
        "the package index does not answer: {short}\nsee that there is a network and what pip is configured with (`python3 -m pip config list`), then give the same command again: what was tried is remembered"
    ))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn answers_are_found_in_a_log() {
        // A container engine colours what comes after an error.
        let log = "Step 7/8\n ---> Running\n\x1b[0mproctor-answer {\"asked\": \"os\", \"package\": null, \"version\": null, \"python\": \"3.13.5\"}\nproctor-answer {\"asked\": \"a\", \"package\": \"a\", \"version\": \"2\", \"python\": \"3.13.5\", \"needs\": [\"b\"], \"releases\": [{\"version\": \"1\", \"uploaded\": null, \"yanked\": true, \"why\": \"asks for Python <3\"}]}\n";
        let found = answers(log).unwrap();
        assert_eq!((found.len(), &found[0].name, found[1].needs.len()), (2, &None, 1));
        assert!(found[1].releases[0].yanked && found[1].releases[0].why.as_deref() == Some("asks for Python <3"));
        let message = answers("proctor-offline ConnectionError: refused\n").unwrap_err().to_string();
        assert!(message.contains("does not answer: ConnectionError: refused") && message.contains("pip config list"), "{message}");
        assert!(answers("proctor-answer {").is_err() && answers("nothing").unwrap().is_empty());
    }

    #[test]
    fn a_name_is_a_word() {
        assert!(is_plain("Flask_SQLAlchemy") && is_plain("zope.interface"));
        assert!(!is_plain("-r") && !is_plain("a b") && !is_plain("$(x)") && !is_plain(""));
    }
}
