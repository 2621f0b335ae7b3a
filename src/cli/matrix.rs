//! Which environments lessons are checked in: those of the command line, or each lesson's own. Shared by every command that checks lessons.

use crate::cli::course::Course;
use crate::cli::{Failure, usage};
use crate::config::Config;
use crate::env::Environment;
use crate::run::Planned;

/// The environment of a course that names none.
const DEFAULT: &str = "flask";

/// Flags about environments.
#[derive(Debug, Default, clap::Args)]
pub struct EnvArgs {
    /// The environment to run in, in place of the course's and of its lessons' own. May be given more than once: then each lesson runs in each.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub env: Vec<String>,
    /// Run in each environment that proctor.toml lists under `matrix`, or else in all that there are.
    #[arg(long, conflicts_with = "env")]
    pub matrix: bool,
}

/// The lessons of one environment.
#[derive(Debug)]
pub struct Part {
    /// Where they run.
    pub environment: Environment,
    /// The lessons.
    pub planned: Vec<Planned>,
}

/// The name of the environment that lessons of a course run in which name no other.
#[must_use]
pub fn own_name(config: &Config) -> &str {
    config.environment.as_deref().unwrap_or(DEFAULT)
}

/// The environment of that name, as a course knows it: its own requirements have the name of its own environment.
///
/// # Errors
/// A usage [`Failure`] if there is none of that name, or it cannot be used.
pub fn find(name: &str, config: &Config) -> Result<Environment, Failure> {
    let found = match &config.requirements {
        Some(path) if name == own_name(config) => Environment::from_requirements(name, &config.root.join(path)),
        _ => Environment::find(name, Some(&config.root)),
    };
    found.map_err(|error| usage(error.to_string()))
}

/// The names of all environments that a course can run in, sorted.
#[must_use]
pub fn names(config: &Config) -> Vec<String> {
    let mut names = Environment::list(Some(&config.root));
    names.push(own_name(config).to_owned());
    names.sort();
    names.dedup();
    names
}

impl EnvArgs {
    /// The environments that were asked for, the course's own first. None if nobody asked: then each lesson runs in its own.
    ///
    /// # Errors
    /// A usage [`Failure`] if `matrix` lists nothing.
    pub fn asked(&self, config: &Config) -> Result<Vec<String>, Failure> {
        let mut asked = match (&config.matrix, self.matrix) {
            (_, false) => self.env.clone(),
            (Some(listed), true) if listed.is_empty() => {
                return Err(usage("proctor.toml lists no environment under `matrix`: name some there, or with `--env`"));
            }
            (Some(listed), true) => listed.clone(),
            (None, true) => names(config),
        };
        let mut seen = std::collections::BTreeSet::new();
        asked.retain(|name| seen.insert(name.clone()));
        // What others are held against comes first.
        asked.sort_by_key(|name| name != own_name(config));
        Ok(asked)
    }

    /// The lessons of a course by the environment that each runs in.
    ///
    /// # Errors
    /// A usage [`Failure`] if an environment does not exist, or cannot be used.
    pub fn parts(&self, course: &Course) -> Result<Vec<Part>, Failure> {
        let config = &course.config;
        let asked = self.asked(config)?;
        if !asked.is_empty() {
            return asked.iter().map(|name| Ok(Part { environment: find(name, config)?, planned: course.planned.clone() })).collect();
        }
        let mut parts = vec![Part { environment: find(own_name(config), config)?, planned: Vec::new() }];
        for planned in &course.planned {
            let other = planned.manifest.as_ref().and_then(|manifest| manifest.environment.as_deref()).unwrap_or(own_name(config));
            let place = match parts.iter().position(|part| part.environment.name() == other) {
                Some(place) => place,
                None => {
                    let environment = find(other, config).map_err(|error| usage(format!("the lab.toml of {}: {error}", planned.lesson.id)))?;
                    parts.push(Part { environment, planned: Vec::new() });
                    parts.len() - 1
                }
            };
            parts[place].planned.push(planned.clone());
        }
        // An environment that no lesson runs in is none of this check's, unless there is no other.
        let used = parts.iter().any(|part| !part.planned.is_empty());
        parts.retain(|part| !used || !part.planned.is_empty());
        Ok(parts)
    }

    /// The one environment of a command that can work in no more.
    ///
    /// # Errors
    /// A usage [`Failure`] if there are several, as [`EnvArgs::parts`] otherwise.
    pub fn only(&self, course: &Course, command: &str) -> Result<Environment, Failure> {
        let mut parts = self.parts(course)?;
        let names: Vec<String> = parts.iter().map(|part| format!("`{}`", part.environment.name())).collect();
        match parts.pop() {
            Some(part) if parts.is_empty() => Ok(part.environment),
            _ => Err(usage(format!(
                "{command} works in one environment at a time, and this is a check in {}: name one of them with `--env NAME`",
                names.join(", ")
            ))),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn config(environment: Option<&str>, matrix: Option<&[&str]>) -> Config {
        let matrix = matrix.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        Config { environment: environment.map(str::to_owned), matrix, ..Config::default() }
    }

    #[test]
    fn the_course_s_own_comes_first_and_each_once() {
        let env = |names: &[&str]| EnvArgs { env: names.iter().map(|name| (*name).to_owned()).collect(), matrix: false };
        assert_eq!(env(&["next", "flask", "legacy", "next"]).asked(&config(None, None)).unwrap(), ["flask", "next", "legacy"]);
        assert_eq!(env(&["next", "flask"]).asked(&config(Some("legacy"), None)).unwrap(), ["next", "flask"]);
        assert!(env(&[]).asked(&config(None, None)).unwrap().is_empty());
    }

    #[test]
    fn a_matrix_is_what_the_course_lists_or_all() {
        let matrix = EnvArgs { env: Vec::new(), matrix: true };
        assert_eq!(matrix.asked(&config(Some("next"), None)).unwrap(), ["next", "flask", "flask-2", "legacy"]);
        assert_eq!(matrix.asked(&config(None, Some(&["legacy", "flask"]))).unwrap(), ["flask", "legacy"]);
        assert!(matrix.asked(&config(None, Some(&[]))).unwrap_err().message.contains("`matrix`"));
    }
}
