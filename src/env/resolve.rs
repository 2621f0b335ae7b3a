//! Resolves what an environment asks for into a lock: with `uv`, on this machine, from the user's own package index. Nothing of a course is written here:
//! the answer is text, and an environment whose lock cannot be made keeps the one that it has.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::{Progress, cache, command, interpreter};
use crate::engine::EngineError;

/// How a lock is made: for the oldest Python that environments serve and newer ones, for every platform, with a hash for each file.
const COMPILE: &[&str] =
    &["pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-progress"];

/// Settings of pip's that uv knows by other names: a machine that can install packages can resolve them as well.
const TRANSLATED: &[(&str, &[&str])] =
    &[("index-url", &["UV_DEFAULT_INDEX", "UV_INDEX_URL"]), ("extra-index-url", &["UV_EXTRA_INDEX_URL", "UV_INDEX"]), ("cert", &["SSL_CERT_FILE"])];

/// What is to be resolved.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The name of the list, from the course's root: a lock says by it who asked for a package.
    pub name: &'a str,
    /// The list: what is asked for.
    pub source: &'a str,
    /// The lock so far; empty if there is none.
    pub lock: &'a str,
    /// The folder whose settings hold, if there is one.
    pub root: &'a Path,
    /// What of the lock may change beyond what the list demands.
    pub newer: Newer<'a>,
}

/// What may become newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newer<'a> {
    /// Nothing: what is locked stays, as long as the list allows it.
    Nothing,
    /// One package, and whatever that brings along.
    Package(&'a str),
    /// Everything.
    All,
}

/// The lock of a list.
///
/// # Errors
/// If there is no `uv` and none can be installed, or if it finds no answer: then the message holds its reason.
pub async fn resolve(wanted: Wanted<'_>, progress: Progress<'_>) -> Result<String, EngineError> {
    let uv = ensure_uv(progress).await?;
    let folder = tempfile::tempdir().map_err(|source| io("making a temporary folder", source))?;
    let list = folder.path().join(wanted.name);
    let lock = list.with_extension("lock");
    let write = |path: &Path, text: &str| {
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        folder.and_then(|()| std::fs::write(path, text)).map_err(|source| io("writing what is to be resolved", source))
    };
    write(&list, wanted.source)?;
    write(&lock, wanted.lock)?;
    let mut compile = Command::new(&uv);
    compile.current_dir(folder.path()).arg("--project").arg(wanted.root).args(COMPILE).args(flags(&wanted));
    compile.arg("-o").arg(Path::new(wanted.name).with_extension("lock")).arg(wanted.name);
    translate(&mut compile).await;
    // Resolving needs some Python to look at, and none is to be fetched for that.
    compile.env("UV_PYTHON_DOWNLOADS", "never").env("NO_COLOR", "1").env_remove("UV_REQUIRE_HASHES").env_remove("VIRTUAL_ENV");
    if let Ok(python) = interpreter::choose(None).await {
        compile.arg("--python").arg(python.executable);
    }
    progress(&format!("resolving {}", wanted.name));
    let held = tempfile::tempfile().map_err(|source| io("making a temporary file", source))?;
    let printed = tempfile::tempfile().map_err(|source| io("making a temporary file", source))?;
    command::run(&mut compile, &held, command::Output::To(printed), &mut |_| {}).await.map_err(|failure| {
        let said = failure.log.trim();
        EngineError::Environment(format!("{} cannot be resolved, and nothing was changed: {}\n\n{said}", wanted.name, failure.why))
    })?;
    std::fs::read_to_string(&lock).map_err(|source| io("reading what was resolved", source))
}

/// What differs from list to list.
fn flags(wanted: &Wanted<'_>) -> Vec<String> {
    let file = Path::new(wanted.name).file_name().map_or_else(|| wanted.name.into(), |name| name.to_string_lossy());
    let mut flags = vec!["--custom-compile-command".to_owned(), format!("see {file}")];
    // A list says in its head how it is locked; of that, only this is its own choice.
    let head = wanted.source.lines().take_while(|line| line.starts_with('#') || line.trim().is_empty());
    if head.into_iter().any(|line| line.contains("--prerelease allow") || line.contains("--prerelease=allow")) {
        flags.extend(["--prerelease", "allow"].map(str::to_owned));
    }
    match wanted.newer {
        Newer::Nothing => {}
        Newer::Package(name) => flags.extend(["--upgrade-package", name].map(str::to_owned)),
        Newer::All => flags.push("--upgrade".to_owned()),
    }
    flags
}

/// Tells uv what pip is told of indexes and certificates, unless uv was told something itself.
async fn translate(command: &mut Command) {
    let Ok(python) = interpreter::choose(None).await else { return };
    let asked = Command::new(python.executable).args(["-I", "-m", "pip", "config", "list"]).stdin(Stdio::null()).kill_on_drop(true).output().await;
    let listed = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    for (name, value) in settings(&listed) {
        let Some((_, variables)) = TRANSLATED.iter().find(|(known, _)| *known == name) else { continue };
        if variables.iter().all(|variable| std::env::var_os(variable).is_none()) {
            command.env(variables[0], value);
        }
    }
}

/// The settings that `pip config list` lists, by their own name, the strongest last.
fn settings(listed: &str) -> Vec<(&str, String)> {
    let lines = listed.lines().filter_map(|line| line.split_once('='));
    let mut settings: Vec<(&str, String)> = lines
        .filter_map(|(key, value)| {
            let (section, name) = key.rsplit_once('.')?;
            let value = value.trim().trim_matches('\'').split("\\n").filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
            ["global", "install", ":env:"].contains(&section).then_some((name, value))
        })
        .collect();
    // What stands in the environment beats what stands in files; pip lists it first.
    settings.reverse();
    settings
}

/// The `uv` of this machine, or one of our own, installed now if there is none yet.
async fn ensure_uv(progress: Progress<'_>) -> Result<PathBuf, EngineError> {
    if answers(Path::new("uv")).await {
        return Ok(PathBuf::from("uv"));
    }
    let folder = cache::cache_dir()?.join("uv");
    let own = folder.join("bin/uv");
    if answers(&own).await {
        return Ok(own);
    }
    let lock = cache::lock(&folder.with_extension("lock"), progress).await?;
    if answers(&own).await {
        return Ok(own);
    }
    let python = interpreter::choose(None).await?;
    progress("installing uv, which resolves packages");
    let mut make = Command::new(&python.executable);
    make.args(["-I", "-m", "venv", "--clear"]).arg(&folder);
    let mut install = Command::new(folder.join("bin/python"));
    install.args(["-I", "-m", "pip", "install", "--progress-bar", "off", "uv"]).env("PIP_DISABLE_PIP_VERSION_CHECK", "1").env("PIP_NO_INPUT", "1");
    for step in [&mut make, &mut install] {
        for name in ["PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "PIP_DRY_RUN"] {
            step.env_remove(name);
        }
        command::run(step, &lock, command::Output::Told, &mut |_| {}).await.map_err(|failure| {
            let said = failure.log.trim();
            EngineError::Environment(format!(
                "locks are made with `uv`, which is not on PATH, and could not be installed: {}\n\n{said}\n\nput `uv` on PATH (`pip install uv` where there is a package index), and try again",
                failure.why
            ))
        })?;
    }
    Ok(own)
}

/// Whether that is a `uv` that runs.
async fn answers(program: &Path) -> bool {
    let asked = Command::new(program).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).status();
    asked.await.is_ok_and(|status| status.success())
}

fn io(doing: &str, source: std::io::Error) -> EngineError {
    EngineError::Io { doing: doing.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_in_its_head_whether_it_wants_pre_releases() {
        let flags = |source, newer| flags(&Wanted { name: "docker/env/next.in", source, lock: "", root: Path::new("."), newer }).join(" ");
        assert_eq!(flags("flask\n", Newer::Nothing), "--custom-compile-command see next.in");
        assert_eq!(flags("# uv pip compile --prerelease allow\nflask\n", Newer::All), "--custom-compile-command see next.in --prerelease allow --upgrade");
        assert!(flags("flask\n# not with --prerelease allow\n", Newer::Package("flask")).ends_with("see next.in --upgrade-package flask"));
    }

    #[test]
    fn settings_of_pip_are_read_by_their_own_names() {
        let listed = ":env:.cert='/etc/ca.pem'\nglobal.extra-index-url='\\nhttps://a.example\\nhttps://b.example'\ninstall.index-url='https://c.example/x=1'\nlist.format='json'\n";
        let read = settings(listed);
        assert_eq!(read[0], ("index-url", "https://c.example/x=1".to_owned()));
        assert_eq!(read[1], ("extra-index-url", "https://a.example https://b.example".to_owned()));
        assert_eq!(read[2..], [("cert", "/etc/ca.pem".to_owned())]);
    }
}
