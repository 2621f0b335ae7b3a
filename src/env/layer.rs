//! Layers over an environment: the servers that some labs ask for, and packages that pages install and the environment lacks. Each is made
//! once and found again by a hash of all that goes into it. Building has a network; the runs in it never do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bollard::Docker;

use super::image::{header, is_there, prune_stage};
use super::{Environment, Progress, cache};
use crate::engine::EngineError;

/// The layer of servers.
const SERVICES: &str = include_str!("../../docker/services.Dockerfile");

/// The layer of packages.
const INSTALL: &str = include_str!("../../docker/install.Dockerfile");

/// How the build of [`INSTALL`] says that a package could not be installed: its name and why come after it.
const REFUSED: &str = "proctor-refused ";

/// What a layer is built of.
pub(super) struct Recipe<'a> {
    /// Its Dockerfile.
    pub(super) dockerfile: &'a str,
    /// The files that this copies.
    pub(super) files: &'a [(&'a str, &'a str)],
    /// An argument that it takes beside the usual ones.
    pub(super) argument: Option<(String, String)>,
}

/// Packages by their names, as pip is asked for them.
pub type Packages = BTreeMap<String, String>;

/// Packages that could not be installed, by name: why.
pub type Refused = BTreeMap<String, String>;

impl Environment {
    /// The environment's image with the servers that labs may ask for, built now on `image`, which is the environment's own, if there is none yet.
    ///
    /// # Errors
    /// If the engine does not answer or a step fails: then the message holds the whole log.
    pub async fn ensure_services(&self, docker: &Docker, image: &str, progress: Progress<'_>) -> Result<String, EngineError> {
        let tag = self.layer_tag("services", &[SERVICES, image]);
        self.ensure_layer(docker, image, &tag, &Recipe { dockerfile: SERVICES, files: &[], argument: None }, progress).await?;
        Ok(tag)
    }

    /// The environment's image with more packages, built now on `image` if there is none yet, and those that could not be installed.
    ///
    /// # Errors
    /// As [`Environment::ensure_services`].
    pub async fn ensure_installed(&self, docker: &Docker, image: &str, packages: &Packages, progress: Progress<'_>) -> Result<(String, Refused), EngineError> {
        let (listed, constraints) = (lines(packages), self.constraints());
        let tag = self.layer_tag("install", &[INSTALL, image, &listed, &constraints]);
        // An image cannot say what is missing from it.
        let notes = cache::cache_dir()?.join("layers").join(format!("{}.refused", tag.replace(':', "-")));
        let files = [("packages.txt", &*listed), ("constraints.txt", &*constraints)];
        let recipe = Recipe { dockerfile: INSTALL, files: &files, argument: None };
        if let Some(log) = self.ensure_layer(docker, image, &tag, &recipe, progress).await? {
            write_refused(&notes, &refused_in(&log))?;
        }
        Ok((tag, read_refused(&notes)))
    }

    /// Builds a layer unless it is there; the log of the build, if there was one.
    pub(super) async fn ensure_layer(
        &self,
        docker: &Docker,
        image: &str,
        tag: &str,
        recipe: &Recipe<'_>,
        progress: Progress<'_>,
    ) -> Result<Option<String>, EngineError> {
        if is_there(docker, tag).await? {
            return Ok(None);
        }
        let _lock = cache::lock(&cache::cache_dir()?.join("image.lock"), progress).await?;
        if is_there(docker, tag).await? {
            return Ok(None);
        }
        let context =
            context(recipe.dockerfile, recipe.files).map_err(|source| EngineError::Io { doing: "packing what a layer is built of".to_owned(), source })?;
        let mut options = self.options_on(image, tag);
        options.buildargs.get_or_insert_default().extend(recipe.argument.clone());
        let stream = docker.build_image(options, None, Some(bollard::body_full(context.into())));
        let built = self.follow(stream, progress).await;
        prune_stage(docker, tag).await;
        built.map(Some)
    }

    pub(super) fn layer_tag(&self, kind: &str, parts: &[&str]) -> String {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        format!("proctor-{}-{kind}:{}", self.name(), &cache::hash(&parts)[..12])
    }

    /// The environment's own versions, as pip's constraints: what is added must not change them.
    pub(super) fn constraints(&self) -> String {
        let fixed = self.requirements().iter().filter_map(|requirement| {
            let marker = requirement.marker.as_ref().map(|marker| format!(" ; {marker}")).unwrap_or_default();
            Some(format!("{}=={}{marker}\n", requirement.name, requirement.version.as_ref()?))
        });
        fixed.collect()
    }
}

/// Packages, one a line.
pub(super) fn lines(packages: &Packages) -> String {
    packages.iter().map(|(name, asked)| format!("{name} {}\n", asked.replace(['\r', '\n'], " "))).collect()
}

/// What the log of a build says of packages that could not be installed.
fn refused_in(log: &str) -> Refused {
    let said = log.lines().filter_map(|line| line.trim().strip_prefix(REFUSED));
    said.map(|line| line.split_once(' ').unwrap_or((line, ""))).map(|(name, why)| (name.to_owned(), reason(why))).collect()
}

fn reason(why: &str) -> String {
    let why = why.trim();
    if why.is_empty() { "pip does not say why".to_owned() } else { why.chars().take(300).collect() }
}

/// Why pip failed, from all that it said.
pub(super) fn pip_said(log: &str) -> String {
    reason(log.lines().rev().find_map(|line| line.split_once("ERROR: ")).map_or("", |(_, why)| why))
}

pub(super) fn write_refused(path: &Path, refused: &Refused) -> Result<(), EngineError> {
    let text: String = refused.iter().map(|(name, why)| format!("{name} {why}\n")).collect();
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, text));
    written.map_err(|source| EngineError::Io { doing: format!("writing {}", path.display()), source })
}

/// What could not be installed when a layer was made. Where nobody remembers, the layer shows it when it is used.
pub(super) fn read_refused(path: &PathBuf) -> Refused {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| line.split_once(' ')).map(|(name, why)| (name.to_owned(), why.to_owned())).collect()
}

pub(super) fn context(dockerfile: &str, files: &[(&str, &str)]) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in [("Dockerfile", dockerfile)].iter().chain(files) {
        archive.append_data(&mut header(0o644, text.len() as u64), name, text.as_bytes())?;
    }
    archive.into_inner()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_layer_s_tag_changes_with_what_is_in_it() {
        let flask = Environment::find("flask", None).unwrap();
        let tag = flask.layer_tag("services", &["a", "b"]);
        assert!(tag.starts_with("proctor-flask-services:"), "{tag}");
        assert_ne!(tag, flask.layer_tag("services", &["ab", ""]));
        assert_eq!(super::super::image_name(&tag), Some("flask-services"));
    }

    #[test]
    fn an_environment_s_own_versions_are_constraints() {
        let constraints = Environment::find("flask", None).unwrap().constraints();
        assert!(constraints.lines().any(|line| line.starts_with("flask==")) && constraints.contains(" ; sys_platform == 'win32'"), "{constraints}");
    }

    #[test]
    fn what_could_not_be_installed_is_remembered() {
        let log = "installing a\nproctor-refused a No matching distribution found for a==9\n\x1b[0mproctor-refused b\nproctor-refused c \n";
        let refused = refused_in(log);
        assert_eq!(refused["a"], "No matching distribution found for a==9");
        assert_eq!(refused["c"], "pip does not say why");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/x.refused");
        assert!(read_refused(&path).is_empty());
        write_refused(&path, &refused).unwrap();
        assert_eq!(read_refused(&path), refused);
        assert_eq!(pip_said("x\nERROR: one\nERROR: two\nhint"), "two");
        assert_eq!(lines(&[("a".to_owned(), "A[x]>=1".to_owned())].into()), "a A[x]>=1\n");
    }

    #[test]
    fn a_context_has_what_its_dockerfile_copies() {
        for line in INSTALL.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--from")) {
            assert_eq!(line, "packages.txt constraints.txt /tmp/");
        }
        assert_eq!(context("FROM x", &[("a", "b")]).unwrap(), context("FROM x", &[("a", "b")]).unwrap());
    }
}
