//! Layers over an environment in which one package is another release: what `proctor bisect` tries. The rest of the lock is held, or, where that does not go
//! together, what the lesson uses is as it was at that release's time. Building has a network; the runs in it never do. It never judges a release.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use bollard::Docker;
use bollard::query_parameters::{ListImagesOptions, RemoveImageOptions};
use tokio::process::Command;

use super::index::{SCRIPT, answered, offline};
use super::{Environment, Progress, cache, command, interpreter, layer, overlay, venv};
use crate::engine::EngineError;

const RELEASE: &str = include_str!("../../docker/release.Dockerfile");

/// The label of a layer's image: the release that is in it.
const LABEL: &str = "proctor.release";

/// How many layers are kept for the next search; the oldest go first.
pub const KEPT: usize = 48;

/// What is put over an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The package, as an index spells it.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Packages that are to be as they were at that time, with all that they and it need; `None` leaves everything else as the lock has it.
    pub period: Option<Period>,
}

/// Another time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// When, as the index tells it. Where it does not, the newest releases are taken that go together.
    pub time: Option<String>,
    /// Packages beside the changed one.
    pub others: BTreeSet<String>,
}

impl Change {
    /// The script's arguments after the folder.
    fn words(&self) -> Vec<String> {
        let own = format!("{}=={}", self.package, self.version);
        match &self.period {
            None => vec!["-".to_owned(), own],
            Some(period) => {
                let time = period.time.clone().filter(|time| !time.contains(char::is_whitespace)).unwrap_or_else(|| "9999-01-01T00:00:00Z".to_owned());
                [time, own].into_iter().chain(period.others.iter().filter(|other| **other != self.package).cloned()).collect()
            }
        }
    }
}

impl Environment {
    /// The image of a layer, built now on `image` if there is none yet; or why the release cannot be installed.
    ///
    /// # Errors
    /// If the engine or the index does not answer.
    pub async fn ensure_release_image(
        &self,
        docker: &Docker,
        image: &str,
        change: &Change,
        progress: Progress<'_>,
    ) -> Result<Result<String, String>, EngineError> {
        let words = change.words().join(" ");
        let tag = self.layer_tag("release", &[RELEASE, SCRIPT, image, &words]);
        let files = [("releases.py", SCRIPT), ("asked.txt", &*words)];
        let release = ("RELEASE".to_owned(), format!("{} {}", change.package, change.version));
        let recipe = layer::Recipe { dockerfile: RELEASE, files: &files, argument: Some(release) };
        match self.ensure_layer(docker, image, &tag, &recipe, progress).await {
            Ok(_) => Ok(Ok(tag)),
            Err(EngineError::Environment(log)) => refused(&log).map(Err),
            Err(error) => Err(error),
        }
    }

    /// The `python` of a layer's virtual environment, made now if there is none yet; or why the release cannot be installed.
    ///
    /// # Errors
    /// If the index does not answer or the disk cannot be written.
    pub async fn ensure_release_venv(&self, python: Option<&Path>, change: &Change, progress: Progress<'_>) -> Result<Result<PathBuf, String>, EngineError> {
        let chosen = interpreter::choose(python).await?;
        let base = self.ensure_venv(python, progress).await?;
        let Some(below) = base.parent().and_then(Path::parent) else { return Ok(Err("its environment has no folder".to_owned())) };
        let words = change.words();
        let name = below.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let parts: Vec<&[u8]> = [SCRIPT, &*chosen.version].into_iter().chain(words.iter().map(String::as_str)).map(str::as_bytes).collect();
        let directory = folder()?.join(format!("{name}-{}", &cache::hash(&parts)[..12]));
        if venv::is_complete(&directory) {
            return Ok(Ok(venv::program(&directory)));
        }
        let lock = cache::lock(&directory.with_extension("lock"), progress).await?;
        venv::clear(&directory)?;
        let wheels = directory.with_extension("wheels");
        venv::clear(&wheels)?;
        let mut fetch = Command::new(&base);
        fetch.args(["-I", "-c", SCRIPT, "wheels"]).arg(&wheels).args(&words);
        let (said, failure) = answered(&mut fetch, progress).await?;
        if let Some(failure) = failure {
            venv::clear(&wheels)?;
            return refused(&format!("{}\n{said}", failure.log)).map(Err);
        }
        overlay::copy(below, &directory).map_err(|source| venv::io("copying an environment to", &directory, source))?;
        let fetched: Vec<PathBuf> = std::fs::read_dir(&wheels).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        let mut install = Command::new(venv::program(&directory));
        install.args(["-I", "-m", "pip", "install", "--progress-bar", "off", "--no-index", "--no-deps"]).args(fetched);
        venv::clean(&mut install);
        let installed = command::run(&mut install, &lock, command::Output::Told, &mut |_| {}).await;
        venv::clear(&wheels)?;
        if let Err(failure) = installed {
            venv::clear(&directory)?;
            return Ok(Err(layer::pip_said(&failure.log)));
        }
        venv::mark(&directory)?;
        Ok(Ok(venv::program(&directory)))
    }
}

/// Why a release cannot be installed, from all that was said; an error if that is not the release's own fault.
fn refused(log: &str) -> Result<String, EngineError> {
    // A container engine colours what pip says of errors.
    let log = &*console::strip_ansi_codes(log);
    match offline(log) {
        Some(error) => Err(error),
        None if log.lines().any(|line| line.trim().starts_with("proctor-refused")) => Ok(layer::pip_said(log)),
        None => Err(EngineError::Environment(log.to_owned())),
    }
}

/// Where virtual environments of releases lie.
fn folder() -> Result<PathBuf, EngineError> {
    Ok(cache::cache_dir()?.join("bisect").join("venv"))
}

/// Removes the oldest layers, on this machine and in the engine if there is one, until no more than [`KEPT`] are left in each. What cannot be removed is in use.
pub async fn prune(docker: Option<&Docker>) {
    let entries = folder().ok().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut venvs: Vec<_> =
        entries.filter(|entry| entry.path().is_dir()).map(|entry| (entry.metadata().and_then(|about| about.modified()).ok(), entry.path())).collect();
    venvs.sort();
    for (_, old) in venvs.iter().take(venvs.len().saturating_sub(KEPT)) {
        drop(std::fs::remove_dir_all(old));
        drop(std::fs::remove_file(old.with_extension("lock")));
    }
    let Some(docker) = docker else { return };
    let filters = HashMap::from([("label".to_owned(), vec![LABEL.to_owned()])]);
    let Ok(mut images) = docker.list_images(Some(ListImagesOptions { filters: Some(filters), ..Default::default() })).await else { return };
    images.sort_by_key(|image| image.created);
    for old in images.iter().take(images.len().saturating_sub(KEPT)) {
        for tag in &old.repo_tags {
            drop(docker.remove_image(tag, None::<RemoveImageOptions>, None).await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(period: Option<Period>) -> Change {
        Change { package: "flask".to_owned(), version: "2.2.5".to_owned(), period }
    }

    #[test]
    fn a_change_asks_for_one_package_or_for_a_time() {
        assert_eq!(change(None).words(), ["-", "flask==2.2.5"]);
        let others: BTreeSet<String> = ["flask", "flask-login"].map(str::to_owned).into();
        let period = Period { time: Some("2023-05-02T14:42:36Z".to_owned()), others: others.clone() };
        assert_eq!(change(Some(period)).words(), ["2023-05-02T14:42:36Z", "flask==2.2.5", "flask-login"]);
        assert!(change(Some(Period { time: None, others })).words()[0].starts_with("9999"));
    }

    #[test]
    fn only_a_release_s_own_fault_is_one() {
        assert_eq!(refused("\x1b[91mERROR: no matching\n\x1b[0mproctor-refused it cannot be installed\n").ok().as_deref(), Some("no matching"));
        assert!(refused("ERROR: x\nproctor-offline ConnectionError: no route\n").is_err_and(|error| error.to_string().contains("no route")));
        assert!(refused("no space left on device").is_err());
    }
}
