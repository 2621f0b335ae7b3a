//! Where Proctor keeps what it can always make again, and the locks that let two Proctors share it.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::Progress;
use crate::engine::EngineError;

/// `proctor` under `XDG_CACHE_HOME`, or under `~/.cache`.
///
/// # Errors
/// If neither that variable nor `HOME` names an absolute directory.
pub fn cache_dir() -> Result<PathBuf, EngineError> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|root| root.join("proctor"))
        .ok_or_else(|| EngineError::Environment("there is nowhere to keep environments: set HOME or XDG_CACHE_HOME to an absolute directory".to_owned()))
}

/// A hash of parts, each with its length, so that no two lists of parts read alike. In hexadecimal digits.
pub(crate) fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes the lock of a file, which is made if it is not there, and waits while another process holds it. Dropping the file lets go, and so
/// does the end of the process, whatever ended it.
pub(super) async fn lock(path: &Path, progress: Progress<'_>) -> Result<File, EngineError> {
    let failed = |doing: &str, source| EngineError::Io { doing: format!("{doing} {}", path.display()), source };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|source| failed("making the directory of", source))?;
    }
    let file = File::options().create(true).truncate(false).read(true).write(true).open(path).map_err(|source| failed("opening", source))?;
    let mut said = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(failed("locking", source)),
            Err(TryLockError::WouldBlock) if said => {}
            Err(TryLockError::WouldBlock) => {
                progress("waiting for another proctor that is building the same");
                said = true;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        assert_eq!(hash(&[b"ab", b"c"]), hash(&[b"ab", b"c"]));
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
        assert_eq!(hash(&[]).len(), 64);
    }

    #[tokio::test]
    async fn a_second_holder_waits_for_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/er.lock");
        let first = lock(&path, &mut |_| {}).await.unwrap();
        let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
        let second = tokio::spawn({
            let path = path.clone();
            async move { lock(&path, &mut |line| sender.send(line.to_owned()).unwrap()).await.map(drop) }
        });
        assert!(told.recv().await.unwrap().starts_with("waiting"));
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap().unwrap();
    }
}
