//! What the environment of a check has, for the lines of its lessons that install packages, and what they ask for beside it.

use std::sync::Arc;

use crate::env::layer::{Packages, Refused};
use crate::env::{Environment, Origin};
use crate::lab::Installed;
use crate::run::Planned;
use crate::source::display_path;

/// The packages of an environment, as `lab::assemble` takes them.
pub(super) fn of(environment: &Environment) -> Installed {
    // Labs run on Linux and its kin: what is only for Windows is not in an environment there.
    let elsewhere = |marker: &str| marker.contains("== 'win32'") || marker.contains("== \"win32\"") || marker.contains("== 'Windows'");
    let here = environment.requirements().iter().filter(|requirement| !requirement.marker.as_deref().is_some_and(elsewhere));
    let versions = here.map(|requirement| (requirement.name.clone(), requirement.version.clone().unwrap_or_default())).collect();
    let listed_in = match environment.origin() {
        Origin::Embedded => None,
        Origin::File(path) => Some(std::env::current_dir().map_or_else(|_| path.display().to_string(), |base| display_path(path, &base))),
    };
    Installed { versions, listed_in, ..Installed::default() }
}

/// The same lessons, told what the environment has.
pub(super) fn tell(planned: &[Planned], installed: Installed) -> Vec<Planned> {
    let installed = Arc::new(installed);
    planned.iter().map(|planned| Planned { installed: Some(Arc::clone(&installed)), ..planned.clone() }).collect()
}

/// What the lessons install and the environment lacks. Where two want the same package otherwise, the first has its way.
pub(super) fn wanted(planned: &[Planned], installed: &Installed) -> Packages {
    let mut packages = Packages::new();
    for asked in tell(planned, installed.clone()).iter().filter(|planned| !planned.lesson.blocks.is_empty()).flat_map(|planned| planned.lab().wants) {
        packages.entry(asked.name).or_insert(asked.written);
    }
    packages
}

/// Add what was installed for the sake of the lessons, and what could not be.
pub(super) fn add(installed: &mut Installed, packages: &Packages, refused: Refused) {
    installed.versions.extend(packages.keys().filter(|name| !refused.contains_key(*name)).map(|name| (name.clone(), String::new())));
    installed.refused = refused;
}
