//! What the environment of a check has, for the lines of its lessons that install packages. Shared by every command that assembles labs.

use crate::env::{Environment, Origin};
use crate::lab::Installed;
use crate::source::display_path;

/// The packages of an environment, as `lab::assemble` takes them.
pub(super) fn of(environment: &Environment) -> Installed {
    let versions = environment.requirements().iter().map(|requirement| (requirement.name.clone(), requirement.version.clone().unwrap_or_default())).collect();
    let listed_in = match environment.origin() {
        Origin::Embedded => None,
        Origin::File(path) => Some(std::env::current_dir().map_or_else(|_| path.display().to_string(), |base| display_path(path, &base))),
    };
    Installed { versions, listed_in, ..Installed::default() }
}
