//! Makes an environment into a virtual environment of this machine, once, and finds it again. For the local engine.

use std::fs::File;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::layer::{self, Packages, Refused};
use super::{Environment, Interpreter, Progress, cache, command, interpreter};
use crate::engine::EngineError;

/// Written last: a directory without it was left by somebody who was interrupted.
pub(super) const MARKER: &str = "complete";

/// Settings of the user that would send packages elsewhere than into the virtual environment.
const ASTRAY: &[&str] = &["PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "PIP_DRY_RUN", "PYTHONHOME", "PYTHONPATH"];

impl Environment {
    /// The `python` of a virtual environment with these packages, made now if there is none yet. Several Proctors may ask at once.
    ///
    /// # Errors
    /// If no Python will do, the disk cannot be written, or pip fails: then the message holds all that pip said.
    pub async fn ensure_venv(&self, python: Option<&Path>, progress: Progress<'_>) -> Result<PathBuf, EngineError> {
        let chosen = interpreter::choose(python).await?;
        let directory = self.venv_directory(&chosen)?;
        let ready = program(&directory);
        if is_complete(&directory) {
            return Ok(ready);
        }
        let lock = cache::lock(&directory.with_extension("lock"), progress).await?;
        if !is_complete(&directory) {
            self.make_venv(&chosen, &directory, &lock, progress).await?;
        }
        Ok(ready)
    }

    /// The `python` of a virtual environment with these packages and more, made now if there is none yet, and those that could not be installed.
    ///
    /// # Errors
    /// As [`Environment::ensure_venv`].
    pub async fn ensure_installed_venv(&self, python: Option<&Path>, packages: &Packages, progress: Progress<'_>) -> Result<(PathBuf, Refused), EngineError> {
        let chosen = interpreter::choose(python).await?;
        let listed = layer::lines(packages);
        let directory = self.directory_of(&chosen, &[&listed])?;
        let notes = directory.join("refused");
        if !is_complete(&directory) {
            let lock = cache::lock(&directory.with_extension("lock"), progress).await?;
            if !is_complete(&directory) {
                self.fill_venv(&chosen, &directory, &lock, progress).await?;
                let refused = self.install(&directory, packages, &lock, progress).await?;
                layer::write_refused(&notes, &refused)?;
                mark(&directory)?;
            }
        }
        Ok((program(&directory), layer::read_refused(&notes)))
    }

    /// Installs packages one after the other: one that cannot be must not keep the others out.
    async fn install(&self, directory: &Path, packages: &Packages, lock: &File, progress: Progress<'_>) -> Result<Refused, EngineError> {
        let constraints = directory.join("constraints.txt");
        std::fs::write(&constraints, self.constraints()).map_err(|source| io("writing", &constraints, source))?;
        let mut refused = Refused::new();
        for (name, asked) in packages {
            progress(&format!("installing {name}"));
            let mut install = Command::new(program(directory));
            install.args(["-I", "-m", "pip", "install", "--progress-bar", "off", "-c"]).arg(&constraints).arg(asked);
            clean(&mut install);
            if let Err(failure) = command::run(&mut install, lock, command::Output::Told, &mut |_| {}).await {
                refused.insert(name.clone(), layer::pip_said(&failure.log));
            }
        }
        Ok(refused)
    }

    /// The `python` of the virtual environment that was made with that interpreter, if it is there.
    ///
    /// # Errors
    /// If there is no place for virtual environments.
    pub fn find_venv(&self, interpreter: &Interpreter) -> Result<Option<PathBuf>, EngineError> {
        let directory = self.venv_directory(interpreter)?;
        Ok(is_complete(&directory).then(|| program(&directory)))
    }

    /// Where the virtual environment belongs: everything that it depends on is in its name.
    fn venv_directory(&self, chosen: &Interpreter) -> Result<PathBuf, EngineError> {
        self.directory_of(chosen, &[])
    }

    fn directory_of(&self, chosen: &Interpreter, more: &[&str]) -> Result<PathBuf, EngineError> {
        let requirements = self.requirements_file();
        let parts: Vec<&[u8]> = [&*requirements, &chosen.version, &chosen.identity].iter().chain(more).map(|part| part.as_bytes()).collect();
        let hash = cache::hash(&parts);
        Ok(cache::cache_dir()?.join("venv").join(format!("{}-{}", self.name(), &hash[..12])))
    }

    async fn make_venv(&self, chosen: &Interpreter, directory: &Path, lock: &File, progress: Progress<'_>) -> Result<(), EngineError> {
        self.fill_venv(chosen, directory, lock, progress).await?;
        mark(directory)
    }

    /// Everything but the mark that it is complete.
    async fn fill_venv(&self, chosen: &Interpreter, directory: &Path, lock: &File, progress: Progress<'_>) -> Result<(), EngineError> {
        clear(directory)?;
        progress(&format!("making a virtual environment for `{}` with Python {}", self.name(), chosen.version));
        let mut make = Command::new(&chosen.executable);
        make.args(["-I", "-m", "venv"]).arg(directory);
        let mut made = self.step(&mut make, lock, "making it", progress).await;
        if made.is_ok() {
            let requirements = directory.join("requirements.txt");
            std::fs::write(&requirements, self.requirements_file()).map_err(|source| io("writing", &requirements, source))?;
            let mut install = Command::new(program(directory));
            install.args(["-I", "-m", "pip", "install", "--progress-bar", "off", "-r"]).arg(&requirements);
            made = self.step(&mut install, lock, "installing its packages", progress).await;
        }
        if made.is_err() {
            clear(directory)?;
        }
        made
    }

    async fn step(&self, command: &mut Command, lock: &File, doing: &str, progress: Progress<'_>) -> Result<(), EngineError> {
        clean(command);
        let mut tell = |line: &str| {
            if let Some(what) = short(line) {
                progress(&what);
            }
        };
        command::run(command, lock, command::Output::Told, &mut tell).await.map_err(|failure| {
            EngineError::Environment(format!(
                "the virtual environment for `{name}` could not be made: {doing} failed, {why}\n\n{log}\nthe lines above say why; `proctor env build {name}` tries again, `--engine docker` needs no packages on this machine",
                name = self.name(),
                why = failure.why,
                log = failure.log,
            ))
        })
    }
}

/// What a line of pip's means for somebody who waits.
fn short(line: &str) -> Option<String> {
    let word = |prefix: &str| line.strip_prefix(prefix).map(|rest| rest.split_whitespace().next().unwrap_or_default().replace("==", " "));
    if line.starts_with("Installing collected packages") {
        return Some("unpacking packages".to_owned());
    }
    word("Collecting ").map(|what| format!("fetching {what}"))
}

/// Keeps a command of pip's to the virtual environment, and from asking.
pub(super) fn clean(command: &mut Command) {
    for name in ASTRAY {
        command.env_remove(name);
    }
    command.env("PIP_DISABLE_PIP_VERSION_CHECK", "1").env("PIP_NO_INPUT", "1");
}

/// Says that a virtual environment is finished.
pub(super) fn mark(directory: &Path) -> Result<(), EngineError> {
    let marker = directory.join(MARKER);
    std::fs::write(&marker, "").map_err(|source| io("writing", &marker, source))
}

pub(super) fn program(directory: &Path) -> PathBuf {
    directory.join("bin/python")
}

/// Whether it was finished and its interpreter, which it only links to, is still there.
pub(super) fn is_complete(directory: &Path) -> bool {
    directory.join(MARKER).is_file() && program(directory).is_file()
}

pub(super) fn clear(directory: &Path) -> Result<(), EngineError> {
    match std::fs::remove_dir_all(directory) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(io("removing", directory, source)),
        _ => Ok(()),
    }
}

pub(super) fn io(doing: &str, path: &Path, source: std::io::Error) -> EngineError {
    EngineError::Io { doing: format!("{doing} {}", path.display()), source }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_mean_something_are_told() {
        assert_eq!(short("Collecting flask==3.1.3 (from -r requirements.txt (line 2))").as_deref(), Some("fetching flask 3.1.3"));
        assert_eq!(short("Installing collected packages: a, b").as_deref(), Some("unpacking packages"));
        assert_eq!(short("  Using cached flask-3.1.3-py3-none-any.whl (103 kB)"), None);
    }

    #[test]
    fn a_directory_that_was_left_half_made_is_not_complete() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        assert!(!is_complete(root));
        std::fs::create_dir(root.join("bin")).unwrap();
        std::os::unix::fs::symlink("/no/such/python", program(root)).unwrap();
        std::fs::write(root.join(MARKER), "").unwrap();
        assert!(!is_complete(root), "its interpreter is gone");
        std::fs::remove_file(program(root)).unwrap();
        std::fs::write(program(root), "").unwrap();
        assert!(is_complete(root));
        clear(root).unwrap();
        clear(root).unwrap();
        assert!(!is_complete(root));
    }
}
