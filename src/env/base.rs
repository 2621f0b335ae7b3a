//! The image that environments are built on: the official one where a registry answers, else one built from Debian's packages.

use std::fs::File;
use std::io::Seek;
use std::time::Duration;

use bollard::Docker;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptions;
use futures_util::{Stream, StreamExt};
use tokio::process::Command;

use super::image::{LABEL, is_there, said};
use super::{Progress, archive, command};
use crate::engine::EngineError;

/// Makes the archive of [`Base::Debian`].
const SCRIPT: &str = include_str!("../../docker/base.sh");

/// How long a registry may take until it says anything, and how long it may then be silent.
const FIRST_WORD: Duration = Duration::from_secs(15);
const SILENCE: Duration = Duration::from_secs(60);

/// What an image is built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// The official Python image.
    Official,
    /// Debian's own Python, for machines that no registry answers.
    Debian,
}

impl Base {
    /// Both, the better one first.
    pub const ALL: [Self; 2] = [Self::Official, Self::Debian];

    /// Its image.
    #[must_use]
    pub fn image(self) -> &'static str {
        match self {
            Self::Official => "python:3.13-slim",
            Self::Debian => "proctor-base:trixie",
        }
    }
}

/// A base that is there, after fetching or building it if need be.
pub(super) async fn ensure(docker: &Docker, lock: &File, progress: Progress<'_>) -> Result<Base, EngineError> {
    if is_there(docker, Base::Official.image()).await? {
        return Ok(Base::Official);
    }
    let Err(refusal) = pull(docker, progress).await else { return Ok(Base::Official) };
    if is_there(docker, Base::Debian.image()).await? {
        progress("note: no container registry answers: using the base image that was built from Debian's packages");
        return Ok(Base::Debian);
    }
    progress("note: no container registry answers: building a base image from Debian's packages instead (about a minute)");
    bootstrap(docker, lock, progress).await.map_err(|why| {
        EngineError::Environment(format!(
            "there is nothing to build an image on: {} could not be fetched ({refusal}), and a base image could not be built from Debian's packages: {why}\n\
             connect this machine to a container registry, or install mmdebstrap (Debian and Ubuntu: `apt install mmdebstrap`), or bring the image from another machine with `proctor env save` and `proctor env load`",
            Base::Official.image()
        ))
    })?;
    Ok(Base::Debian)
}

async fn pull(docker: &Docker, progress: Progress<'_>) -> Result<(), String> {
    let (name, tag) = Base::Official.image().split_once(':').unwrap_or((Base::Official.image(), "latest"));
    progress(&format!("fetching {name}:{tag}"));
    let options = CreateImageOptions { from_image: Some(name.to_owned()), tag: Some(tag.to_owned()), ..Default::default() };
    follow(docker.create_image(Some(options), None, None), FIRST_WORD, progress).await
}

async fn bootstrap(docker: &Docker, lock: &File, progress: Progress<'_>) -> Result<(), String> {
    let lost = |error: std::io::Error| format!("its archive could not be kept in a temporary file: {error}");
    // The archive goes into a file: an engine would import half of one just as well. The file has no name, so nothing can be left behind.
    let mut image = tempfile::tempfile().map_err(lost)?;
    let output = command::Output::To(image.try_clone().map_err(lost)?);
    let mut build = Command::new("sh");
    build.args(["-c", SCRIPT, "base.sh"]);
    let mut tell = |line: &str| {
        if let Some(step) = line.strip_prefix("I: ") {
            progress(&format!("building the base image: {step}"));
        }
    };
    command::run(&mut build, lock, output, &mut tell).await.map_err(|failure| format!("{}\n\n{}", failure.why, failure.log))?;
    progress("building the base image: importing it");
    let (repo, tag) = Base::Debian.image().split_once(':').unwrap_or((Base::Debian.image(), "latest"));
    let options = CreateImageOptions {
        from_src: Some("-".to_owned()),
        repo: Some(repo.to_owned()),
        tag: Some(tag.to_owned()),
        changes: vec![format!("LABEL {LABEL}=base")],
        ..Default::default()
    };
    image.rewind().map_err(lost)?;
    let body = bollard::body_try_stream(archive::chunks(tokio::fs::File::from_std(image)));
    follow(docker.create_image(Some(options), Some(body), None), Duration::from_secs(600), progress).await
}

/// Follows the engine until it is done; the error is what it said.
async fn follow(
    stream: impl Stream<Item = Result<CreateImageInfo, bollard::errors::Error>>,
    first_word: Duration,
    progress: Progress<'_>,
) -> Result<(), String> {
    let mut stream = std::pin::pin!(stream);
    let mut patience = first_word;
    loop {
        let event = tokio::time::timeout(patience, stream.next()).await.map_err(|_| format!("nothing was heard for {} s", patience.as_secs()))?;
        patience = SILENCE.max(first_word);
        match event {
            None => return Ok(()),
            Some(Err(error)) => return Err(said(&error)),
            Some(Ok(CreateImageInfo { error_detail: Some(detail), .. })) => return Err(detail.message.unwrap_or_default()),
            Some(Ok(CreateImageInfo { status: Some(status), id: Some(id), .. })) => progress(&format!("{}: {id}", status.to_lowercase())),
            Some(Ok(_)) => {}
        }
    }
}
