//! What is likely to be run: which modules, and how much. An engine that is told loads no more than that, and starts no more workers than pay for themselves.
//!
//! Only ever a hint: whatever it says, every job gets the same result. It must never look at more of a course than the names that it imports.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::protocol::{Action, Job};

/// How many jobs must be in sight for a worker to prepare itself for many.
const MANY: usize = 12;

/// A shared count of what is yet to be run.
#[derive(Debug, Clone, Default)]
pub struct Demand(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    modules: BTreeMap<String, usize>,
    in_sight: usize,
    waiting: usize,
}

/// Something that may yet be run, until it is dropped.
#[derive(Debug)]
pub struct Expected {
    demand: Demand,
    modules: BTreeSet<String>,
    waits: bool,
}

impl Demand {
    /// Take notice of something that may have to be run and imports these modules.
    #[must_use = "it counts until it is dropped"]
    pub fn expect(&self, modules: BTreeSet<String>) -> Expected {
        self.note(modules, false)
    }

    /// Take notice of a job that waits for its result.
    #[must_use = "it counts until it is dropped"]
    pub fn wait_for(&self, job: &Job) -> Expected {
        let code = job.steps.iter().filter_map(|step| match &step.action {
            Action::Python { code, .. } => Some(code.lines()),
            _ => None,
        });
        self.note(imports(code.flatten()), true)
    }

    fn note(&self, modules: BTreeSet<String>, waits: bool) -> Expected {
        let mut state = self.state();
        for module in &modules {
            *state.modules.entry(module.clone()).or_default() += 1;
        }
        if waits {
            state.waiting += 1;
        } else {
            state.in_sight += 1;
        }
        drop(state);
        Expected { demand: self.clone(), modules, waits }
    }

    /// Whether anything in sight imports a module of this package.
    #[must_use]
    pub fn wants(&self, module: &str) -> bool {
        let package = module.split('.').next().unwrap_or(module);
        self.state().modules.get(package).is_some_and(|count| *count > 0)
    }

    /// Whether so much is in sight that preparing for it pays.
    #[must_use]
    pub fn is_large(&self) -> bool {
        let state = self.state();
        state.in_sight.max(state.waiting) >= MANY
    }

    /// How many jobs wait for their results.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.state().waiting
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        let mut state = self.demand.state();
        for module in &self.modules {
            if let Some(count) = state.modules.get_mut(module) {
                *count = count.saturating_sub(1);
            }
        }
        if self.waits {
            state.waiting -= 1;
        } else {
            state.in_sight -= 1;
        }
    }
}

/// The packages that lines of Python import, by their first name: as written at the beginning of a line, after the prompt of a console if there is one.
#[must_use]
pub fn imports<'a>(lines: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in lines {
        let line = line.trim_start();
        let line = line.strip_prefix(">>> ").or_else(|| line.strip_prefix("... ")).unwrap_or(line).trim_start();
        let names = match line.split_once(char::is_whitespace) {
            Some(("from", rest)) => rest.split_whitespace().next().unwrap_or_default(),
            Some(("import", rest)) => rest,
            _ => continue,
        };
        for name in names.split(',') {
            let package: String = name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !package.is_empty() {
                found.insert(package);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> Vec<String> {
        imports(code.lines()).into_iter().collect()
    }

    #[test]
    fn imports_are_read_as_they_are_written() {
        assert_eq!(of("from flask.views import View\n  import os, sqlalchemy.orm as orm\n>>> import redis"), ["flask", "os", "redis", "sqlalchemy"]);
        assert_eq!(of("from . import models\nimportant = 1\nfrom\nprint('import x')"), Vec::<String>::new());
    }

    #[test]
    fn what_is_over_no_longer_counts() {
        let demand = Demand::default();
        let lesson = demand.expect(imports(["import flask"]));
        let other = demand.expect(imports(["import flask", "import celery"]));
        assert!(demand.wants("flask.views") && demand.wants("celery") && !demand.wants("redis") && !demand.is_large());
        drop(other);
        assert!(demand.wants("flask") && !demand.wants("celery"));
        drop(lesson);
        assert!(!demand.wants("flask"));
        let jobs: Vec<_> = (0..MANY).map(|_| demand.wait_for(&Job::default())).collect();
        assert_eq!((demand.waiting(), demand.is_large()), (MANY, true));
        drop(jobs);
        assert_eq!((demand.waiting(), demand.is_large()), (0, false));
    }
}
