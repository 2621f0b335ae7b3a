//! Where a file stands that a page names without its folder: by its trees, by what it imports, by the files it has named before. Pure.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::guide::{Block, Language, Lesson};
use crate::lab::names::{FileName, file_name, template_path, templates};
use crate::lab::own;
use crate::lab::piece::Pieces;
use crate::lab::project::Project;
use crate::lab::trees;

/// A template's own way to ask for another one.
static BUILDS_ON: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"\{%[-+]?\s*(?:extends|include|import|from)\s+["']([^"']+)["']"#).expect("the pattern is a constant"));

/// What a page says about folders.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// Paths of its directory trees.
    trees: Vec<String>,
    /// Files that its imports are of, such as `shop/models.py` of `shop.models`.
    imported: BTreeSet<String>,
    /// Templates that its code and its other templates ask for, and files that have a template's marks.
    asked: BTreeSet<String>,
}

impl Places {
    /// What `lesson` says, with its blocks taken apart.
    pub(crate) fn of(lesson: &Lesson, taken: &[Pieces]) -> Self {
        let modules = taken.iter().flat_map(|taken| &taken.pieces).flat_map(|piece| &piece.facts.imports).map(|import| import.name.as_str());
        let own = modules.filter(|module| module.contains('.') && !module.starts_with('.') && !own::is_library(module));
        let imported: BTreeSet<String> = own.map(|module| format!("{}.py", module.replace('.', "/"))).collect();
        let drawn = trees::paths(lesson);
        let trees = drawn.iter().map(|path| without_root(path, &drawn, &imported)).collect();
        let mut asked = templates(taken.iter().flat_map(|taken| &taken.pieces).map(|piece| &piece.facts));
        asked.extend(lesson.blocks.iter().flat_map(|block| of_templates(lesson, block)));
        Self { trees, imported, asked }
    }

    /// The path in the lab of a file that the page names `path`.
    pub(crate) fn place(&self, path: &str, project: &Project) -> String {
        let known = |path: &str| project.program_of(path).is_some() || project.files.contains_key(path);
        if path.contains('/') || known(path) || self.trees.iter().any(|tree| tree == path) {
            return self.in_package(path, project);
        }
        let ends = |other: &&String| other.rsplit('/').next() == Some(path);
        let programs = project.programs.iter().filter_map(|program| program.file.as_ref());
        let named: BTreeSet<&String> = programs.chain(project.files.keys()).filter(ends).collect();
        let drawn: BTreeSet<&String> = self.trees.iter().filter(ends).collect();
        let imported: BTreeSet<&String> = self.imported.iter().filter(ends).collect();
        let only = [named, drawn, imported].into_iter().find(|found| found.len() == 1).and_then(|found| found.into_iter().next().cloned());
        only.unwrap_or_else(|| self.in_package(path, project))
    }

    /// Templates and static files stand beside the application, in its package if it is in one.
    fn in_package(&self, path: &str, project: &Project) -> String {
        let path = if self.asked.contains(path) { template_path(path) } else { path.to_owned() };
        let beside = path.starts_with("templates/") || path.starts_with("static/");
        let application = project.programs.iter().filter(|program| program.pieces.iter().any(|piece| piece.code.contains("Flask(__name__")));
        let folder = application.filter_map(|program| program.file.as_deref()).find_map(|file| file.rsplit_once('/')).map(|(folder, _)| folder);
        folder.filter(|_| beside).map_or(path.clone(), |folder| format!("{folder}/{path}"))
    }
}

/// Templates that a block shows to be some: those that it builds on, and itself if it has a template's marks.
fn of_templates(lesson: &Lesson, block: &Block) -> Vec<String> {
    if !matches!(block.language, Language::Html | Language::Jinja) {
        return Vec::new();
    }
    let text = block.body.text();
    let mut found: Vec<String> = BUILDS_ON.captures_iter(&text).map(|found| found[1].to_owned()).collect();
    if text.contains("{%") || text.contains("{{") {
        found.extend(match file_name(lesson, block) {
            Some(FileName::Path(path)) if !path.contains('/') => Some(path),
            _ => None,
        });
    }
    found
}

/// A tree's path without the project's own folder: the first part, where the page imports nothing from it but from what is in it, or where its package has
/// the same name.
fn without_root(path: &str, drawn: &[String], imported: &BTreeSet<String>) -> String {
    let Some((root, rest)) = path.split_once('/') else { return path.to_owned() };
    let is_package = imported.iter().any(|file| file.split('/').next() == Some(root));
    let holds_package = imported.iter().any(|file| rest.starts_with(file.split('/').next().unwrap_or_default()) && file.contains('/'));
    let holds_namesake = drawn.iter().any(|path| path.starts_with(&format!("{root}/{root}/")));
    if holds_namesake || !is_package && holds_package { rest.to_owned() } else { path.to_owned() }
}
