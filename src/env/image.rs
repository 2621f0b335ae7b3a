//! Makes an environment into an image of a container engine, once, and finds it again. For the Docker engine.
//!
//! Images are built by the engine's classic builder: it is in every engine from 20.10 on and in Podman (deprecated since 23.0, with no
//! release named for its end), needs no session and no BuildKit, and goes away with the connection, so that an interrupted build stops.

use std::collections::{BTreeMap, HashMap};

use bollard::Docker;
use bollard::models::BuildInfo;
use bollard::query_parameters::{BuildImageOptions, PruneImagesOptions};
use futures_util::{Stream, StreamExt};

use super::{Base, DOCKERFILE, Environment, Progress, base, cache, certs};
use crate::engine::EngineError;

/// The label on everything that Proctor makes in an engine. Its value says what the object is.
pub const LABEL: &str = "proctor";

/// Settings of this machine that the build cannot do without where they are set: its proxies, and its package index. The engine knows the
/// proxies' names and keeps them out of the image; the index is used in a stage that is thrown away.
const CARRIED: &[&str] = &["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"];

/// How much of a line is told while it is built.
const WIDTH: usize = 72;

/// The environment that a tag is of, if it is a tag of Proctor's own.
#[must_use]
pub fn image_name(tag: &str) -> Option<&str> {
    let (name, version) = tag.strip_prefix("proctor-")?.split_once(':')?;
    (version.len() == 12 && version.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(name)
}

/// The environment's image, if it has been built or loaded: on whichever base, the better one first.
///
/// # Errors
/// If the engine does not answer.
pub async fn find_image(docker: &Docker, environment: &Environment) -> Result<Option<String>, EngineError> {
    for base in Base::ALL {
        let tag = environment.image_tag(base);
        if is_there(docker, &tag).await? {
            return Ok(Some(tag));
        }
    }
    Ok(None)
}

impl Environment {
    /// The environment's image, built now if there is none yet. Several Proctors may ask at once.
    ///
    /// # Errors
    /// If the engine does not answer, nothing can be built on, or a step fails: then the message holds the whole log.
    pub async fn ensure_image(&self, docker: &Docker, progress: Progress<'_>) -> Result<String, EngineError> {
        if let Some(tag) = find_image(docker, self).await? {
            return Ok(tag);
        }
        let lock = cache::lock(&cache::cache_dir()?.join("image.lock"), progress).await?;
        if let Some(tag) = find_image(docker, self).await? {
            return Ok(tag);
        }
        let base = base::ensure(docker, &lock, progress).await?;
        let tag = self.image_tag(base);
        self.build_image(docker, base, &tag, progress).await?;
        Ok(tag)
    }

    async fn build_image(&self, docker: &Docker, base: Base, tag: &str, progress: Progress<'_>) -> Result<(), EngineError> {
        let archive =
            self.build_context(&certs::extra()).map_err(|source| EngineError::Io { doing: "packing what the image is built of".to_owned(), source })?;
        let stream = docker.build_image(self.build_options(base, tag), None, Some(bollard::body_full(archive.into())));
        let built = self.follow(stream, progress).await.map(drop);
        // The stage that held the packages was copied from, or was left half made; it would only take room.
        prune_stage(docker, tag).await;
        built
    }

    fn build_options(&self, base: Base, tag: &str) -> BuildImageOptions {
        self.options_on(base.image(), tag)
    }

    /// How an image of this environment is built on another.
    pub(super) fn options_on(&self, base: &str, tag: &str) -> BuildImageOptions {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut arguments: HashMap<String, String> = CARRIED.iter().filter_map(|name| Some(((*name).to_owned(), set(name)?))).collect();
        arguments.insert("BASE".to_owned(), base.to_owned());
        arguments.insert("TAG".to_owned(), tag.to_owned());
        let labels = [(LABEL, "environment"), ("proctor.environment", self.name())];
        BuildImageOptions {
            dockerfile: "Dockerfile".to_owned(),
            t: Some(tag.to_owned()),
            rm: true,
            forcerm: true,
            buildargs: Some(arguments),
            labels: Some(labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
            ..Default::default()
        }
    }

    /// Follows a build to its end; its whole log.
    pub(super) async fn follow(
        &self,
        stream: impl Stream<Item = Result<BuildInfo, bollard::errors::Error>>,
        progress: Progress<'_>,
    ) -> Result<String, EngineError> {
        let mut log = Log::default();
        let mut stream = std::pin::pin!(stream);
        while let Some(event) = stream.next().await {
            let failure = match event {
                Ok(BuildInfo { error_detail: Some(detail), .. }) => detail.message.unwrap_or_default(),
                Err(error) => said(&error),
                Ok(BuildInfo { stream: text, status, .. }) => {
                    if let Some(line) = log.add(&text.or(status).unwrap_or_default()) {
                        progress(&format!("building the image of `{}`: {line}", self.name()));
                    }
                    continue;
                }
            };
            return Err(EngineError::Environment(self.build_failure(&log, &failure)));
        }
        Ok(log.text)
    }

    fn build_failure(&self, log: &Log, failure: &str) -> String {
        format!(
            "the image of `{name}` could not be built: {failure}\n\n{log}\nthe lines above are the whole log, the last step is the one that failed ({step}); `proctor env build {name}` tries again, `--engine local` needs no image",
            name = self.name(),
            log = log.text,
            step = if log.step.is_empty() { "before the first" } else { &log.step },
        )
    }

    /// What the Dockerfile is given, as an archive. The same for the same files, so that the engine's own cache is of use.
    fn build_context(&self, certificates: &BTreeMap<String, String>) -> std::io::Result<Vec<u8>> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut directory = header(0o755, 0);
        directory.set_entry_type(tar::EntryType::Directory);
        archive.append_data(&mut directory, "certs/", std::io::empty())?;
        let files = [("Dockerfile", DOCKERFILE), ("requirements.txt", &self.requirements_file()), ("apt.txt", &self.apt)];
        let certificates = certificates.iter().map(|(name, text)| (format!("certs/{name}"), text.as_str()));
        for (name, text) in files.into_iter().map(|(name, text)| (name.to_owned(), text)).chain(certificates) {
            archive.append_data(&mut header(0o644, text.len() as u64), name, text.as_bytes())?;
        }
        archive.into_inner()
    }
}

/// Removes what the classic builder leaves of an image's stage.
pub(super) async fn prune_stage(docker: &Docker, tag: &str) {
    let stage = HashMap::from([("dangling".to_owned(), vec!["true".to_owned()]), ("label".to_owned(), vec![format!("proctor.stage={tag}")])]);
    let _ = docker.prune_images(Some(PruneImagesOptions { filters: Some(stage) })).await;
}

pub(super) fn header(mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(1);
    header
}

/// What a build has said so far.
#[derive(Debug, Default)]
struct Log {
    text: String,
    step: String,
}

impl Log {
    /// Keeps a piece of output; the line that is worth telling, if there is one.
    fn add(&mut self, piece: &str) -> Option<String> {
        self.text.push_str(piece);
        let line = piece.lines().rfind(|line| !line.trim().is_empty())?.trim();
        if line.starts_with("Step ") {
            line.clone_into(&mut self.step);
        }
        Some(line.chars().take(WIDTH).collect())
    }
}

/// Whether the engine has an image of that name.
pub(super) async fn is_there(docker: &Docker, image: &str) -> Result<bool, EngineError> {
    use bollard::errors::Error::DockerResponseServerError;
    match docker.inspect_image(image).await {
        Ok(_) => Ok(true),
        Err(DockerResponseServerError { status_code: 404, .. }) => Ok(false),
        Err(error) => {
            Err(EngineError::Unavailable(format!("the container engine does not say whether it has {image}: {}; `proctor doctor` looks closer", said(&error))))
        }
    }
}

/// What went wrong, without the client's own frame around it.
pub(crate) fn said(error: &bollard::errors::Error) -> String {
    use bollard::errors::Error::{DockerResponseServerError, DockerStreamError};
    match error {
        DockerResponseServerError { message, .. } => message.trim().to_owned(),
        DockerStreamError { error } => error.trim().to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_context_has_all_that_the_dockerfile_copies_and_is_the_same_each_time() {
        let environment = Environment::find("flask", None).unwrap();
        let certificates = BTreeMap::from([("abc.crt".to_owned(), "PEM".to_owned())]);
        let packed = environment.build_context(&certificates).unwrap();
        assert_eq!(packed, environment.build_context(&certificates).unwrap());
        let mut archive = tar::Archive::new(packed.as_slice());
        let mut found = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.insert(entry.path().unwrap().display().to_string(), text);
        }
        assert_eq!(found.keys().collect::<Vec<_>>(), ["Dockerfile", "apt.txt", "certs/", "certs/abc.crt", "requirements.txt"]);
        assert_eq!(found["certs/abc.crt"], "PEM");
        assert!(found["requirements.txt"].starts_with("--require-hashes\n"));
        for line in found["Dockerfile"].lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--from")) {
            let source = line.split(' ').next().unwrap();
            assert!(found.contains_key(source), "the Dockerfile copies {source}");
        }
    }

    #[test]
    fn a_log_is_kept_whole_and_its_last_step_named() {
        let mut log = Log::default();
        assert_eq!(log.add("Step 1/9 : FROM x\n").as_deref(), Some("Step 1/9 : FROM x"));
        assert_eq!(log.add("\n"), None);
        assert_eq!(log.add(&format!("{}\n", "é".repeat(200))).unwrap().chars().count(), WIDTH);
        let message = Environment::find("flask", None).unwrap().build_failure(&log, "no room left");
        assert!(message.contains("no room left") && message.contains(&"é".repeat(200)) && message.contains("failed (Step 1/9 : FROM x)"), "{message}");
    }
}
