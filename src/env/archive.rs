//! Carries an environment's image to another machine as one file. Never leaves half a file under the name that was asked for.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bollard::Docker;
use bollard::query_parameters::ImportImageOptions;
use futures_util::{Stream, StreamExt};
use tokio::io::AsyncReadExt;

use super::Progress;
use super::image::said;
use crate::engine::EngineError;

/// How often progress is told.
const MEGABYTES_A_WORD: u64 = 8;

/// Writes an image, with all that it is built on, to a file.
///
/// # Errors
/// If the engine refuses or the file cannot be written: then a file that was there before is as it was.
pub async fn save(docker: &Docker, image: &str, file: &Path, progress: Progress<'_>) -> Result<u64, EngineError> {
    let io = |doing: &'static str| move |source| EngineError::Io { doing: format!("{doing} {}", file.display()), source };
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    // Temporary files are for their owner's eyes; this one is to be carried about, so the user's mask alone decides.
    let everyone = std::fs::Permissions::from_mode(0o666);
    let partial = tempfile::Builder::new().prefix(".proctor-save-").permissions(everyone).tempfile_in(directory);
    let mut partial = partial.map_err(|error| io("writing")(error.kind().into()))?;
    let mut stream = std::pin::pin!(docker.export_image(image));
    let (mut written, mut told) = (0, 0);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| {
            EngineError::Environment(format!("the engine could not write {image} out: {}; `proctor env list` shows what is built", said(&error)))
        })?;
        partial.write_all(&chunk).map_err(io("writing"))?;
        written += chunk.len() as u64;
        if written >> 20 >= told + MEGABYTES_A_WORD {
            told = written >> 20;
            progress(&format!("writing {}: {told} MB", file.display()));
        }
    }
    partial.as_file().sync_all().map_err(io("writing"))?;
    partial.persist(file).map_err(|error| io("writing")(error.error))?;
    Ok(written)
}

/// Reads images from a file that [`save`] wrote; the tags they have.
///
/// # Errors
/// If the file cannot be read, or the engine finds no image in it.
pub async fn load(docker: &Docker, file: &Path, progress: Progress<'_>) -> Result<Vec<String>, EngineError> {
    let opened = tokio::fs::File::open(file).await.map_err(|source| EngineError::Io { doing: format!("reading {}", file.display()), source })?;
    progress(&format!("reading {}", file.display()));
    let mut stream =
        std::pin::pin!(docker.import_image(ImportImageOptions { quiet: true, ..Default::default() }, bollard::body_try_stream(chunks(opened)), None));
    let mut tags = Vec::new();
    let refused = |why: String| {
        EngineError::Environment(format!("{} holds no image that the engine can read ({why}): it must come from `proctor env save`", file.display()))
    };
    while let Some(event) = stream.next().await {
        let event = event.map_err(|error| refused(said(&error)))?;
        if let Some(detail) = event.error_detail {
            return Err(refused(detail.message.unwrap_or_default()));
        }
        let line = event.stream.unwrap_or_default();
        tags.extend(line.trim().strip_prefix("Loaded image: ").map(str::to_owned));
    }
    if tags.is_empty() { Err(refused("it names none".to_owned())) } else { Ok(tags) }
}

/// What is in a file, chunk by chunk, to be sent while it is read.
pub(super) fn chunks<B: From<Vec<u8>> + Send>(file: tokio::fs::File) -> impl Stream<Item = std::io::Result<B>> + Send + 'static {
    futures_util::stream::try_unfold(file, |mut file| async move {
        let mut chunk = vec![0; 1 << 18];
        let read = file.read(&mut chunk).await?;
        chunk.truncate(read);
        Ok((read > 0).then(|| (chunk.into(), file)))
    })
}
