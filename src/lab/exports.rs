//! What well-known packages export: for `from m import *`, and for an import that a page forgot. Data, generated from the packages themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Module to names, a line a module: `flask: Blueprint Flask ...`. Written by `docker/exports.py` from an environment.
static TABLE: LazyLock<BTreeMap<&'static str, BTreeSet<&'static str>>> = LazyLock::new(|| {
    include_str!("exports.txt").lines().filter_map(|line| line.split_once(": ")).map(|(module, names)| (module, names.split(' ').collect())).collect()
});

/// Whether `module` is known to export `name`.
pub(crate) fn exports(module: &str, name: &str) -> bool {
    TABLE.get(module).is_some_and(|names| names.contains(name))
}

/// Whether a root is that of a package whose exports are known.
pub(crate) fn knows(root: &str) -> bool {
    TABLE.keys().any(|module| module.split('.').next() == Some(root))
}

/// The module from which a page that imports from `imported` most likely meant to import `name`: one that it imports from itself before another of the
/// same package, a shorter one before a longer.
pub(crate) fn forgotten<'a>(imported: impl IntoIterator<Item = &'a str>, name: &str) -> Option<&'static str> {
    let imported: BTreeSet<&str> = imported.into_iter().collect();
    let packages: BTreeSet<&str> = imported.iter().filter_map(|module| module.split('.').next()).collect();
    let candidates = TABLE.iter().filter(|(module, names)| names.contains(name) && module.split('.').next().is_some_and(|package| packages.contains(package)));
    candidates.map(|(module, _)| *module).min_by_key(|module| (!imported.contains(module), module.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forgotten_import_comes_from_a_package_that_the_page_uses() {
        assert_eq!(forgotten(["sqlalchemy.orm"], "String"), Some("sqlalchemy"));
        assert_eq!(forgotten(["flask"], "render_template"), Some("flask"));
        assert_eq!(forgotten(["sqlalchemy"], "relationship"), Some("sqlalchemy.orm"));
        assert_eq!(forgotten(["flask"], "String"), None);
        assert!(exports("flask", "Flask"));
    }
}
