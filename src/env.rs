//! Environments: which packages a lesson may import, as a locked requirements file, and where they live once they are built.
//!
//! An [`Environment`] is pure data. [`Environment::ensure_venv`] and [`Environment::ensure_image`] turn it into a virtual environment
//! of this machine or an image of a container engine, before `Revision --engine::run--> Records`. Nothing in here runs a lesson's code,
//! and nothing prints: progress goes to the caller.

pub mod archive;
mod base;
mod cache;
mod certs;
mod command;
mod image;
pub mod index;
mod interpreter;
pub mod layer;
mod lock;
mod overlay;
pub mod release;
pub mod resolve;
mod venv;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub use base::Base;
pub use cache::cache_dir;
pub(crate) use cache::hash;
pub use image::{LABEL, find_image, image_name};
pub use interpreter::{Candidate, Interpreter, OLDEST, choose as choose_python, survey as survey_pythons};
pub use lock::{Requirement, Wrong, parse as parse_requirements};

use crate::engine::EngineError;

/// Hears what is being done, a short line at a time, in lower case. A line that starts with [`NOTE`] is worth keeping on the screen.
pub type Progress<'a> = &'a mut (dyn FnMut(&str) + Send);

/// How a line of progress starts that tells of a decision, not of a step.
pub const NOTE: &str = "note: ";

/// One Dockerfile for all environments.
const DOCKERFILE: &str = include_str!("../docker/Dockerfile");

/// The environments that come with Proctor: name, lock, Debian packages, and what the lock is made from. One line for each file of `docker/env`.
const EMBEDDED: &[(&str, &str, &str, &str)] = &[
    ("flask", include_str!("../docker/env/flask.txt"), include_str!("../docker/env/flask.apt"), include_str!("../docker/env/flask.in")),
    ("flask-2", include_str!("../docker/env/flask-2.txt"), include_str!("../docker/env/flask-2.apt"), include_str!("../docker/env/flask-2.in")),
    ("legacy", include_str!("../docker/env/legacy.txt"), include_str!("../docker/env/legacy.apt"), include_str!("../docker/env/legacy.in")),
    ("next", include_str!("../docker/env/next.txt"), include_str!("../docker/env/next.apt"), include_str!("../docker/env/next.in")),
];

/// Where an environment's requirements were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In Proctor itself.
    Embedded,
    /// In a file of the course.
    File(PathBuf),
}

/// A named set of packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    name: String,
    origin: Origin,
    lock: String,
    apt: String,
    requirements: Vec<Requirement>,
}

impl Environment {
    /// The environment of that name: the course's own (`docker/env/<name>.txt` under its root) or else the one that comes with Proctor.
    ///
    /// # Errors
    /// If there is none of that name, or its file cannot be used.
    pub fn find(name: &str, course_root: Option<&Path>) -> Result<Self, EngineError> {
        if let Some(path) = course_root.map(|root| own_lock(root, name)).filter(|path| is_name(name) && path.is_file()) {
            return Self::from_requirements(name, &path);
        }
        let Some(&(_, lock, apt, _)) = EMBEDDED.iter().find(|(known, ..)| *known == name) else {
            let known = Self::list(course_root).join(", ");
            return Err(EngineError::Environment(format!(
                "no environment is called `{name}`; there are: {known}. A course adds its own as docker/env/{name}.txt, or names a requirements file in proctor.toml"
            )));
        };
        Self::new(name, Origin::Embedded, lock.to_owned(), apt.to_owned())
    }

    /// An environment of the course's own from a requirements file, with the Debian packages of the file beside it that ends in `.apt`, if any.
    ///
    /// # Errors
    /// If a file cannot be read, or has lines that need other files.
    pub fn from_requirements(name: &str, path: &Path) -> Result<Self, EngineError> {
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|source| EngineError::Io { doing: format!("reading {}", path.display()), source });
        let lock = read(path)?;
        let beside = path.with_extension("apt");
        let apt = if beside.is_file() { read(&beside)? } else { String::new() };
        Self::new(name, Origin::File(path.to_owned()), lock, apt)
    }

    /// The names of all environments: those that come with Proctor and the course's own, sorted.
    #[must_use]
    pub fn list(course_root: Option<&Path>) -> Vec<String> {
        let mut names: BTreeSet<String> = EMBEDDED.iter().map(|(name, ..)| (*name).to_owned()).collect();
        let own = course_root.and_then(|root| std::fs::read_dir(root.join("docker/env")).ok());
        for path in own.into_iter().flatten().flatten().map(|entry| entry.path()) {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| is_name(stem));
            if let Some(stem) = stem.filter(|_| path.extension().is_some_and(|ending| ending == "txt")) {
                names.insert(stem.to_owned());
            }
        }
        names.into_iter().collect()
    }

    fn new(name: &str, origin: Origin, lock: String, apt: String) -> Result<Self, EngineError> {
        if !is_name(name) {
            return Err(no_name(name));
        }
        let requirements = lock::parse(&lock).map_err(|wrong| {
            let place = match &origin {
                Origin::Embedded => name.to_owned(),
                Origin::File(path) => path.display().to_string(),
            };
            EngineError::Environment(format!("{place}:{}: {}", wrong.line, wrong.message))
        })?;
        Ok(Self { name: name.to_owned(), origin, lock, apt, requirements })
    }

    /// The environment of that name with another lock, before that is written to its place.
    ///
    /// # Errors
    /// If the lock cannot be used.
    pub fn with_lock(name: &str, place: &Path, lock: String, apt: &str) -> Result<Self, EngineError> {
        Self::new(name, Origin::File(place.to_owned()), lock, apt.to_owned())
    }

    /// Where a course keeps the lock of an environment of its own.
    ///
    /// # Errors
    /// If no environment can have that name.
    pub fn own_path(course_root: &Path, name: &str) -> Result<PathBuf, EngineError> {
        if is_name(name) { Ok(own_lock(course_root, name)) } else { Err(no_name(name)) }
    }

    /// What its lock is made from: what came with it, or, where it is not locked, itself.
    #[must_use]
    pub fn source(&self) -> Option<String> {
        match &self.origin {
            Origin::Embedded => EMBEDDED.iter().find(|(known, ..)| *known == self.name).map(|(.., list)| (*list).to_owned()),
            Origin::File(_) => (!self.is_locked()).then(|| self.lock.clone()),
        }
    }

    /// Its requirements file as it stands.
    #[must_use]
    pub fn lock(&self) -> &str {
        &self.lock
    }

    /// The file of its Debian packages as it stands.
    #[must_use]
    pub fn apt_text(&self) -> &str {
        &self.apt
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its requirements were found.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Its requirements, in the order of the file.
    #[must_use]
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Its Debian packages, in the order of the file.
    #[must_use]
    pub fn apt(&self) -> Vec<&str> {
        self.apt.lines().filter_map(|line| line.split('#').next()).flat_map(str::split_whitespace).collect()
    }

    /// Whether each package is fixed to files of known content, so that everybody's environment is the same.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        !self.requirements.is_empty() && self.requirements.iter().all(|requirement| requirement.hashes > 0)
    }

    /// A hash of what is installed: the same for two environments exactly if both install the same.
    #[must_use]
    pub fn lock_hash(&self) -> String {
        cache::hash(&[self.lock.as_bytes(), self.apt.as_bytes()])
    }

    /// The image's name: it changes with everything that goes into the image.
    ///
    /// The host's extra certificates are no part of it: a run has no network to use them on, and an image that was carried to another
    /// machine (`proctor env save`) must be found there.
    #[must_use]
    pub fn image_tag(&self, base: Base) -> String {
        let requirements = self.requirements_file();
        let parts = [DOCKERFILE, &requirements, &self.apt, base.image()];
        format!("proctor-{}:{}", self.name, &cache::hash(&parts.map(str::as_bytes))[..12])
    }

    /// Modules to import before the first lab is forked, so that no lab waits for them.
    #[must_use]
    pub fn warm(&self) -> Vec<String> {
        lock::warm(&self.requirements)
    }

    /// The requirements as pip is given them. A lock says so in its first line: then pip refuses any file that is not of known content,
    /// while what it fetches for itself to build a package from source is left alone.
    fn requirements_file(&self) -> String {
        if self.is_locked() { format!("--require-hashes\n{}", self.lock) } else { self.lock.clone() }
    }
}

fn own_lock(root: &Path, name: &str) -> PathBuf {
    root.join("docker/env").join(format!("{name}.txt"))
}

fn no_name(name: &str) -> EngineError {
    EngineError::Environment(format!("`{name}` cannot name an environment: use lower-case letters, digits and single dashes, starting with a letter"))
}

/// Names become parts of paths and image tags.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
        && !name.contains("--")
        && !name.ends_with('-')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const LOCKED: &str = "flask==3.1.0 \\\n    --hash=sha256:aa\n";

    fn environment(name: &str, lock: &str, apt: &str) -> Environment {
        Environment::new(name, Origin::Embedded, lock.to_owned(), apt.to_owned()).unwrap()
    }

    #[test]
    fn every_embedded_environment_is_locked_and_names_no_index() {
        for name in Environment::list(None) {
            let found = Environment::find(&name, None).unwrap();
            assert!(found.is_locked(), "{name}");
            assert!(!found.lock.contains("://"), "{name}");
            assert!(!found.warm().is_empty(), "{name}");
        }
    }

    #[test]
    fn every_file_of_docker_env_is_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(Environment::list(Some(root)), Environment::list(None));
        for name in Environment::list(None) {
            let (own, embedded) = (Environment::find(&name, Some(root)).unwrap(), Environment::find(&name, None).unwrap());
            assert_eq!(own.image_tag(Base::Official), embedded.image_tag(Base::Official));
            assert_eq!(own.origin(), &Origin::File(own_lock(root, &name)));
        }
    }

    #[test]
    fn the_tag_changes_with_all_that_goes_into_the_image_and_with_nothing_else() {
        let tag = environment("flask", LOCKED, "curl\n").image_tag(Base::Official);
        assert_eq!(tag, environment("flask", LOCKED, "curl\n").image_tag(Base::Official));
        assert!(tag.starts_with("proctor-flask:") && tag.len() == "proctor-flask:".len() + 12, "{tag}");
        assert_ne!(tag, environment("flask", LOCKED, "").image_tag(Base::Official));
        assert_ne!(tag, environment("flask", &LOCKED.replace("3.1.0", "3.1.1"), "curl\n").image_tag(Base::Official));
        assert_ne!(tag, environment("flask", LOCKED, "curl\n").image_tag(Base::Debian));
        // A byte that moves from one file to the next is a change as well.
        assert_ne!(environment("flask", "flask\n", "a").image_tag(Base::Debian), environment("flask", "flask\na", "").image_tag(Base::Debian));
    }

    #[test]
    fn only_a_full_lock_is_one() {
        assert!(environment("a", LOCKED, "").is_locked());
        assert!(!environment("a", "flask\n", "").is_locked());
        assert!(!environment("a", "", "").is_locked());
        assert!(environment("a", LOCKED, "").requirements_file().starts_with("--require-hashes\n"));
        assert_eq!(environment("a", "flask\n", "").requirements_file(), "flask\n");
    }

    #[test]
    fn a_name_that_is_not_there_is_answered_with_those_that_are() {
        let message = Environment::find("djnago", None).unwrap_err().to_string();
        assert!(message.contains("`djnago`") && message.contains("there are: flask"), "{message}");
        assert!(Environment::find("../flask", Some(Path::new(env!("CARGO_MANIFEST_DIR")))).is_err());
    }

    #[test]
    fn a_course_s_own_environment_wins() {
        let course = tempfile::tempdir().unwrap();
        let own = own_lock(course.path(), "flask");
        std::fs::create_dir_all(own.parent().unwrap()).unwrap();
        std::fs::write(&own, "flask\n").unwrap();
        std::fs::write(own.with_extension("apt"), "# tools\ncurl git # both\n").unwrap();
        let found = Environment::find("flask", Some(course.path())).unwrap();
        assert_eq!(found.origin(), &Origin::File(own));
        assert_eq!(found.apt(), ["curl", "git"]);
    }

    #[test]
    fn names_are_checked() {
        for good in ["flask", "flask-2", "a"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "Flask", "2a", "a/b", "..", "a--b", "a-", "a b", "é"] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
