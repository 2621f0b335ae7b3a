//! `proctor env lock`: makes the lock of an environment anew from what it asks for. The old lock is whole until the new one takes its place.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::cli::matrix::{find, names, own_name};
use crate::cli::output::say;
use crate::cli::spinner::Spinner;
use crate::cli::{Exit, Failure, usage};
use crate::config::Config;
use crate::env::resolve::{Newer, Wanted, resolve};
use crate::env::{Environment, Origin};
use crate::maintain::upgrade::{Change, changes};
use crate::source::display_path;

/// Where the lock of an environment is kept, and what it is made from.
#[derive(Debug)]
pub(super) struct Place {
    /// The course's root.
    root: PathBuf,
    /// The file of what is asked for.
    list: PathBuf,
    /// The file of the lock.
    pub(super) lock: PathBuf,
    /// What is asked for.
    source: String,
    /// The environment as it is now; `None` if it is only asked for yet.
    pub(super) old: Option<Environment>,
}

/// Run `proctor env lock`.
pub(super) async fn run(name: Option<&str>, config: &Config) -> anyhow::Result<Exit> {
    let name = name.unwrap_or(own_name(config));
    let place = Place::find(name, config)?;
    let new = place.resolved(name, Newer::Nothing).await?;
    place.write(&new)?;
    let old = place.old.as_ref().map_or(&[][..], Environment::requirements);
    let mut told: String = changes(old, new.requirements()).iter().map(|change| format!("{}\n", shown(change))).collect();
    told.push_str(&format!("{}: {} packages, locked with hashes", place.shown(&place.lock), new.requirements().len()));
    say(&told)?;
    Ok(Exit::Fine)
}

/// A change of a package in a line.
pub(super) fn shown(change: &Change) -> String {
    match (&change.old, &change.new) {
        (Some(old), Some(new)) => format!("{} {old} -> {new}", change.name),
        (None, Some(new)) => format!("{} {new} comes", change.name),
        (Some(old), None) => format!("{} {old} goes", change.name),
        (None, None) => change.name.clone(),
    }
}

impl Place {
    /// Where the environment of that name is locked in a course.
    pub(super) fn find(name: &str, config: &Config) -> Result<Self, Failure> {
        let root = &config.root;
        if !root.join("proctor.toml").is_file() {
            return Err(usage("there is no course here to keep a lock in: make a proctor.toml (it may be empty) in its folder, or use `-C DIR`"));
        }
        let lock = match &config.requirements {
            Some(path) if name == own_name(config) => root.join(path),
            _ => Environment::own_path(root, name).map_err(|error| usage(error.to_string()))?,
        };
        let list = lock.with_extension("in");
        let here = |path: &Path| display_path(path, root);
        if lock == list {
            let txt = here(&lock.with_extension("txt"));
            return Err(usage(format!(
                "proctor.toml names {} as requirements, which is what is asked for: say `requirements = \"{txt}\"`, which is made from it",
                here(&list)
            )));
        }
        if list.is_file() && !lock.is_file() && !names(config).iter().any(|known| known == name) {
            // It is only asked for yet.
            return Ok(Self { root: root.clone(), source: read(&list)?, list, lock, old: None });
        }
        let old = if lock.is_file() || !list.is_file() { Some(find(name, config)?) } else { None };
        let source = match &old {
            _ if list.is_file() => read(&list)?,
            Some(old) => old.source().ok_or_else(|| {
                usage(format!("there is nothing to make {} from: write what is asked for, a package a line, to {}", here(&lock), here(&list)))
            })?,
            None => String::new(),
        };
        Ok(Self { root: root.clone(), list, lock, source, old })
    }

    /// The environment with a new lock. Nothing is written.
    pub(super) async fn resolved(&self, name: &str, newer: Newer<'_>) -> anyhow::Result<Environment> {
        let listed = display_path(&self.list, &self.root);
        let so_far = self.old.as_ref().filter(|old| old.is_locked()).map_or("", Environment::lock);
        let wanted = Wanted { name: &listed, source: &self.source, lock: so_far, root: &self.root, newer };
        let mut spinner = Spinner::new();
        let lock = resolve(wanted, &mut |line| spinner.tell(line)).await.map_err(|error| usage(error.to_string()))?;
        let apt = self.old.as_ref().map_or("", Environment::apt_text);
        let new = Environment::with_lock(name, &self.lock, lock, apt).map_err(|error| usage(error.to_string()))?;
        if !new.is_locked() {
            return Err(usage(format!(
                "{listed} cannot be locked with hashes, and nothing was changed: each package has to come from an index, with a version"
            ))
            .into());
        }
        Ok(new)
    }

    /// Put a lock in its place, and beside it what it was made from, where that came with Proctor.
    pub(super) fn write(&self, new: &Environment) -> anyhow::Result<()> {
        let embedded = self.old.as_ref().is_some_and(|old| *old.origin() == Origin::Embedded);
        if !self.list.is_file() {
            replace(&self.list, &self.source)?;
        }
        let apt = self.lock.with_extension("apt");
        if embedded && !apt.is_file() && !new.apt_text().is_empty() {
            replace(&apt, new.apt_text())?;
        }
        replace(&self.lock, new.lock())
    }

    /// A file of the course as people are shown it.
    pub(super) fn shown(&self, path: &Path) -> String {
        std::env::current_dir().map_or_else(|_| path.display().to_string(), |base| display_path(path, &base))
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| usage(format!("cannot read {}: {error}", path.display())))
}

/// Put `text` at `path`, whole or not at all.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let staged = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.prefix(".proctor-").tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        std::io::Result::Ok(())
    };
    staged().map_err(|error| usage(format!("cannot write {}, which is as it was: {error}", path.display())).into())
}
