//! Finds the `lab.toml` of a lesson and refuses one that cannot mean what it says. Reads; never prints, and knows no command.

use std::path::{Component, Path, PathBuf};

use crate::config::Config;
use crate::lab::manifest::Manifest;
use crate::snapshot::name::lab_folder;
use crate::source::display_path;

/// The manifest of the lesson called `id`, if it has one.
///
/// # Errors
/// A message with the file, the line where one is to blame, and what to do.
pub(crate) fn load(config: &Config, id: &str, base: &Path) -> Result<Option<Manifest>, String> {
    let shown = shown(config, id, base);
    let text = match std::fs::read_to_string(path(config, id)) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(format!("cannot read {shown}: {error}")),
    };
    let manifest = Manifest::parse(&text).map_err(|message| format!("{shown}: {message}"))?;
    let line = |key: &str| text.lines().position(|line| line.contains(key)).map_or(1, |index| index + 1);
    match flaw(&manifest) {
        Some((key, message)) => Err(format!("{shown}: line {}: {message}", line(&key))),
        None => Ok(Some(manifest)),
    }
}

/// The manifest's path as people are shown it.
pub(crate) fn shown(config: &Config, id: &str, base: &Path) -> String {
    display_path(&path(config, id), base)
}

fn path(config: &Config, id: &str) -> PathBuf {
    lab_folder(&config.labs(), id).join("lab.toml")
}

/// What no kind of value forbids and still cannot be meant: the key, and what is wrong.
fn flaw(manifest: &Manifest) -> Option<(String, String)> {
    let limits = &manifest.limits;
    let limits = [("seconds", limits.seconds), ("memory", limits.memory), ("processes", limits.processes), ("output", limits.output)];
    if let Some((key, _)) = limits.into_iter().find(|(_, limit)| *limit == Some(0)) {
        return Some((key.to_owned(), format!("a limit of 0 lets nothing run: raise `{key}`, or leave it out")));
    }
    let leaves = |path: &str| Path::new(path.trim_start_matches('/')).components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir));
    let path = manifest.files.keys().find(|path| path.trim_matches('/').is_empty() || leaves(path))?;
    Some((path.clone(), format!("the file `{}` is not in the lab: write a path without `..`", path.escape_default())))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_refused_at_its_line() {
        let root = tempfile::tempdir().unwrap();
        let config = Config { root: root.path().to_owned(), ..Config::default() };
        let lab = root.path().join("labs/old@1.2");
        std::fs::create_dir_all(&lab).unwrap();
        assert_eq!(load(&config, "old#1.2", root.path()), Ok(None));
        for (text, message) in [
            ("[limits]\nseconds = 0\n", "labs/old@1.2/lab.toml: line 2: a limit of 0 lets nothing run: raise `seconds`, or leave it out"),
            ("\n[files]\n'a/../../b' = ''\n", "labs/old@1.2/lab.toml: line 3: the file `a/../../b` is not in the lab: write a path without `..`"),
            ("limts = 1\n", "labs/old@1.2/lab.toml: line 1: unknown key `limts`: did you mean `limits`?"),
        ] {
            std::fs::write(lab.join("lab.toml"), text).unwrap();
            assert_eq!(load(&config, "old#1.2", root.path()), Err(message.to_owned()));
        }
        std::fs::write(lab.join("lab.toml"), "[files]\n'/etc/app.conf' = ''\n'a/b' = ''\n").unwrap();
        assert!(load(&config, "old#1.2", root.path()).unwrap().is_some());
    }
}
