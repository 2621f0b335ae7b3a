//! Known moves and removals in the packages that courses are about: what is gone, since when, what took its place, and who says so.
//!
//! Data (`moves.toml`, embedded) with a few look-ups; pure. One table for whoever names a removal and for whoever mends it. No entry may speak of one page.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// A name, a shape or a keyword that is gone or going.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// How `old` is to be read.
    pub kind: Kind,
    /// What courses write.
    pub old: String,
    /// What took its place; empty where only words can tell.
    pub new: String,
    /// Package and release.
    pub since: String,
    /// What to do, in a few words.
    pub note: String,
    /// The page of release notes that says so, by its title.
    pub source: String,
}

/// How a move's old side is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A module: `urllib2`. One that ends in `.*` stands for each module in it: `flask.ext.*`, and the star of the new name for the rest.
    Module,
    /// A name in a module: `flask.escape`. A new side without a dot is a built-in.
    Name,
    /// A built-in name.
    Builtin,
    /// A method of `unittest.TestCase`, called on `self`.
    TestMethod,
    /// A method of any object, called without arguments.
    Method,
    /// An expression with holes: `$session.query($Model).get($id)`.
    Shape,
    /// A keyword of a call: `sqlalchemy.Table(autoload=)`.
    Keyword,
    /// A decorator without arguments: the new side is what follows the function in its place.
    Decorator,
    /// A call, by its dotted name or `.method`, whose strings become attributes of the class that is queried.
    Attribute,
    /// Something that is only told.
    Told,
}

impl Move {
    /// What to write instead, in a sentence.
    #[must_use]
    pub fn instead(&self) -> String {
        match self.kind {
            Kind::Builtin | Kind::TestMethod if !self.new.is_empty() && !self.new.contains('.') => format!("use `{}`", self.new),
            Kind::Builtin if self.new.contains('.') => {
                self.new.rsplit_once('.').map_or_else(|| self.note.clone(), |(module, _)| format!("import it from `{module}`"))
            }
            Kind::Name if !self.new.is_empty() => format!("use `{}`", self.new),
            _ => self.note.clone(),
        }
    }
}

/// A release's part of the table, as it is written down.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    since: String,
    source: String,
    note: String,
    #[serde(default)]
    modules: BTreeMap<String, String>,
    #[serde(default)]
    names: BTreeMap<String, String>,
    #[serde(default)]
    builtins: BTreeMap<String, String>,
    #[serde(default)]
    test_methods: BTreeMap<String, String>,
    #[serde(default)]
    methods: BTreeMap<String, String>,
    #[serde(default)]
    shapes: toml::Table,
    #[serde(default)]
    keywords: BTreeMap<String, String>,
    #[serde(default)]
    decorators: BTreeMap<String, String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    told: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Releases {
    release: Vec<Release>,
}

/// Every move, in the table's order but for the kinds of one release.
static MOVES: LazyLock<Vec<Move>> = LazyLock::new(|| read(include_str!("moves.toml")).expect("the table is a constant, and a test reads it"));

/// The moves of a table in TOML.
fn read(text: &str) -> Result<Vec<Move>, toml::de::Error> {
    let releases: Releases = toml::from_str(text)?;
    Ok(releases.release.into_iter().flat_map(of_release).collect())
}

fn of_release(release: Release) -> Vec<Move> {
    let shapes = release.shapes.into_iter().filter_map(|(old, new)| Some((old, new.as_str()?.to_owned()))).collect();
    let kinds: [(Kind, Vec<(String, String)>); 10] = [
        (Kind::Shape, shapes),
        (Kind::Module, release.modules.into_iter().collect()),
        (Kind::Name, release.names.into_iter().collect()),
        (Kind::Builtin, release.builtins.into_iter().collect()),
        (Kind::TestMethod, release.test_methods.into_iter().collect()),
        (Kind::Method, release.methods.into_iter().collect()),
        (Kind::Keyword, release.keywords.into_iter().collect()),
        (Kind::Decorator, release.decorators.into_iter().collect()),
        (Kind::Attribute, release.attributes.into_iter().collect()),
        (Kind::Told, release.told.into_iter().collect()),
    ];
    let (since, note, source) = (release.since, release.note, release.source);
    let entry = |(kind, (old, new))| Move { kind, old, new, since: since.clone(), note: note.clone(), source: source.clone() };
    kinds.into_iter().flat_map(|(kind, entries)| entries.into_iter().map(move |entry| (kind, entry))).map(entry).collect()
}

/// Every move.
pub fn all() -> impl Iterator<Item = &'static Move> {
    MOVES.iter()
}

/// The moves of one kind.
pub fn of_kind(kind: Kind) -> impl Iterator<Item = &'static Move> {
    all().filter(move |one| one.kind == kind)
}

/// The moves of methods that a test case calls on itself.
pub fn test_methods() -> impl Iterator<Item = &'static Move> {
    of_kind(Kind::TestMethod)
}

/// The move of a module that is gone, by its dotted name or that of a package it is in: the one that says most.
#[must_use]
pub fn module(name: &str) -> Option<&'static Move> {
    let covers = |gone: &&Move| {
        let root = gone.old.trim_end_matches(".*");
        name == root || name.strip_prefix(root).is_some_and(|rest| rest.starts_with('.'))
    };
    of_kind(Kind::Module).filter(covers).max_by_key(|gone| gone.old.len())
}

/// The move of a name in a module, such as `flask.escape`.
#[must_use]
pub fn name(dotted: &str) -> Option<&'static Move> {
    of_kind(Kind::Name).find(|gone| gone.old == dotted)
}

/// The move of a built-in name.
#[must_use]
pub fn builtin(name: &str) -> Option<&'static Move> {
    of_kind(Kind::Builtin).find(|gone| gone.old == name)
}

/// Where a dotted name is now, followed to its end, with the moves that lead there; `None` if it did not move.
#[must_use]
pub fn follow(dotted: &str) -> Option<(String, Vec<&'static Move>)> {
    let mut at = dotted.to_owned();
    let mut steps: Vec<&'static Move> = Vec::new();
    while let Some((next, step)) = step(&at).filter(|(_, step)| !steps.contains(step)) {
        at = next;
        steps.push(step);
    }
    (!steps.is_empty()).then_some((at, steps))
}

/// Where a dotted name went in one step: itself, else the longest name or module that it is in.
fn step(dotted: &str) -> Option<(String, &'static Move)> {
    let starts = |old: &str| dotted.strip_prefix(old).filter(|rest| rest.is_empty() || rest.starts_with('.'));
    let of_names = of_kind(Kind::Name).filter(|gone| !gone.new.is_empty()).filter_map(|gone| Some((format!("{}{}", gone.new, starts(&gone.old)?), gone)));
    if let Some(found) = of_names.max_by_key(|(_, gone)| gone.old.len()) {
        return Some(found);
    }
    let of_modules = of_kind(Kind::Module).filter(|gone| !gone.new.is_empty()).filter_map(|gone| match gone.old.strip_suffix(".*") {
        Some(root) => {
            let rest = starts(root)?.strip_prefix('.')?;
            Some((gone.new.replace('*', rest), gone))
        }
        None => Some((format!("{}{}", gone.new, starts(&gone.old)?), gone)),
    });
    of_modules.max_by_key(|(_, gone)| gone.old.len())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_names_nothing_twice() {
        let moves = read(include_str!("moves.toml")).unwrap();
        assert!(moves.len() > 150);
        let mut seen = std::collections::BTreeSet::new();
        for one in &moves {
            assert!(seen.insert((one.kind, one.old.clone())), "{} twice", one.old);
            assert!(!one.since.is_empty() && !one.note.is_empty() && !one.source.is_empty(), "{one:?}");
            assert!(one.since.rsplit(' ').next().unwrap().starts_with(|c: char| c.is_ascii_digit()), "{}: since which release?", one.old);
            assert!(one.old != one.new, "{one:?}");
        }
    }

    #[test]
    fn a_name_is_followed_to_where_it_is_now() {
        let at = |name: &str| follow(name).map(|(at, steps)| (at, steps.len()));
        assert_eq!(at("flask.ext.login.login_user"), Some(("flask_login.login_user".to_owned(), 1)));
        assert_eq!(at("flask.ext.wtf.Form"), Some(("flask_wtf.FlaskForm".to_owned(), 2)));
        assert_eq!(at("flask.ext.wtf.Required"), Some(("wtforms.validators.DataRequired".to_owned(), 2)));
        assert_eq!(at("urllib2.urlopen"), Some(("urllib.request.urlopen".to_owned(), 1)));
        assert_eq!(at("urllib2.URLError"), Some(("urllib.error.URLError".to_owned(), 1)));
        assert_eq!(at("werkzeug.contrib.sessions"), None);
        assert_eq!(at("flask.Flask"), None);
        assert_eq!(at("flask.escaped"), None);
    }

    #[test]
    fn no_name_moves_in_a_circle() {
        for one in all().filter(|one| matches!(one.kind, Kind::Name | Kind::Module)) {
            if let Some((at, _)) = follow(&one.old) {
                assert!(follow(&at).is_none(), "{} ends at {at}, which has moved as well", one.old);
            }
        }
    }

    #[test]
    fn modules_that_are_gone_are_known_by_any_part_of_them() {
        assert_eq!(module("flask.ext").unwrap().since, "Flask 1.0");
        assert_eq!(module("flask.ext.login").unwrap().since, "Flask 1.0");
        assert_eq!(module("werkzeug.contrib.cache").unwrap().since, "Werkzeug 1.0");
        assert!(module("flask").is_none() && module("queue").is_none());
        assert_eq!(builtin("xrange").unwrap().instead(), "use `range`");
        assert_eq!(builtin("reduce").unwrap().instead(), "import it from `functools`");
    }
}
