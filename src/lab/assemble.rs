//! `Lesson --lab::assemble--> (Lab, Findings)`: replay the edit history that a page is, into revisions. Pure: it opens nothing and runs nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::finding::{Code, Finding, Location};
use crate::guide::{Block, Language, Lesson, Role};
use crate::lab::draft::DraftCommand;
use crate::lab::elide;
use crate::lab::install::{self, Installed, Installs};
use crate::lab::lend::{self};
use crate::lab::lenders::Lenders;
use crate::lab::manifest::Manifest;
use crate::lab::names::{FileName, file_name, template_path, templates};
use crate::lab::piece::{Piece, Pieces, pieces};
use crate::lab::places::Places;
use crate::lab::project::Project;
use crate::lab::shell::{self, Use};
use crate::lab::trees;
use crate::lab::{BlockPlan, Claim, Fate, Lab};
use crate::python::{self};
use crate::source::Span;

/// What assembling may draw on beside the lesson itself.
#[derive(Debug, Clone, Default)]
pub struct Setup<'a> {
    /// Lessons that lend what this one takes for granted, the nearest first.
    pub earlier: Option<&'a Lenders>,
    /// The lesson's `lab.toml`.
    pub manifest: Option<&'a Manifest>,
    /// What the environment has, where that is known.
    pub installed: Option<&'a Installed>,
}

/// A revision before what it misses is supplied.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    pub(super) project: Project,
    pub(super) main: Option<usize>,
    pub(super) judged: BTreeSet<usize>,
    pub(super) commands: Vec<DraftCommand>,
}

pub(super) struct Walk<'a> {
    pub(super) lesson: &'a Lesson,
    pub(super) setup: &'a Setup<'a>,
    pub(super) taken: Vec<Pieces>,
    pub(super) project: Project,
    pub(super) plans: Vec<Plan>,
    pub(super) lab: Lab,
    /// Where files stand that the page names without a folder.
    pub(super) places: Places,
    /// The last block whose output a page could show.
    pub(super) last_run: Option<usize>,
    /// Folders that the page's commands make and enter.
    pub(super) folders: shell::Folders,
    /// Whether a file was replaced since the last revision, so that what runs next is a new one.
    pub(super) replaced: bool,
}

/// Assemble a lesson.
#[must_use]
pub fn assemble(lesson: &Lesson, setup: &Setup<'_>) -> Lab {
    let taken: Vec<Pieces> =
        lesson.blocks.iter().enumerate().map(|(index, block)| if runs_python(block) { pieces(lesson, index, block) } else { Pieces::default() }).collect();
    let lab = Lab { lesson: lesson.id.clone(), ..Lab::default() };
    let places = Places::of(lesson, &taken);
    let mut walk = Walk {
        lesson,
        setup,
        taken,
        places,
        project: Project::default(),
        plans: Vec::new(),
        lab,
        last_run: None,
        folders: shell::Folders::default(),
        replaced: false,
    };
    for (index, block) in lesson.blocks.iter().enumerate() {
        let plan = walk.block(index, block);
        // An output stands for what is right before it. Where that did not run, or only in part, there is nothing to hold it against.
        if block.role != Role::Output && (plan.fate != Fate::Run || plan.reason.is_some()) {
            walk.last_run = None;
        }
        walk.lab.blocks.push(plan);
    }
    walk.finish()
}

fn runs_python(block: &Block) -> bool {
    matches!(block.role, Role::Python | Role::Console) && block.directive("skip").is_none() && block.directive("static").is_none()
}

pub(super) fn left_out(fate: Fate, reason: impl Into<String>) -> BlockPlan {
    BlockPlan { fate, reason: Some(reason.into()), file: None, revisions: Vec::new() }
}

/// Whether a page names a file in a folder.
fn names_in(lesson: &Lesson, folder: &str) -> bool {
    let is_in = |path: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    lesson.blocks.iter().any(|block| matches!(file_name(lesson, block), Some(FileName::Path(path)) if is_in(&path)))
}

/// Where the name of a block's file stands: in its directive, or in the few lines above its code.
fn named_at(lesson: &Lesson, block: &Block, name: &str) -> Span {
    if let Some(directive) = block.directive("title") {
        return directive.span;
    }
    let start = block.span().start;
    let above = lesson.source.text()[..start].rmatch_indices('\n').nth(ABOVE).map_or(0, |(at, _)| at);
    let raw = name.replace(char::REPLACEMENT_CHARACTER, "\0");
    let place = |name: &str| lesson.source.text()[above..start].rfind(name).map(|at| Span::new(above + at, above + at + name.len()));
    place(name).or_else(|| place(&raw)).unwrap_or_else(|| block.span())
}

/// How many lines above a block may hold its options.
const ABOVE: usize = 6;

impl<'a> Walk<'a> {
    pub(super) fn location(&self, span: Span) -> Location {
        Location::new(&self.lesson.source, span)
    }

    fn block(&mut self, index: usize, block: &Block) -> BlockPlan {
        for (word, fate) in [("skip", Fate::Skipped), ("static", Fate::Static)] {
            if let Some(directive) = block.directive(word) {
                let reason = directive.attributes.get("reason").cloned().unwrap_or_else(|| "its author says so".to_owned());
                return left_out(fate, reason);
            }
        }
        let name = match file_name(self.lesson, block) {
            Some(FileName::Unsafe(name)) => {
                let is_outside = name.contains("..") || name.contains(':');
                let wrong = if is_outside { "leaves the lab" } else { "can be no file's name" };
                let finding =
                    Finding::new(Code::UnsafePath, self.location(named_at(self.lesson, block, &name)), format!("`{}` {wrong}", name.escape_default()));
                self.lab.findings.push(finding.with_help("name a path inside the lab; a leading `/` is the lab's root"));
                return left_out(Fate::Static, "its file name leaves the lab");
            }
            Some(FileName::Path(path)) => Some(self.places.place(&path, &self.project)),
            None => None,
        };
        match &block.role {
            Role::Python | Role::Console => self.python(index, block, name),
            Role::File => self.file(index, block, name),
            Role::Shell => self.shell(index, block),
            Role::Output => self.output(index, block),
            Role::Foreign(_) if name.is_some() && block.directive("title").is_some() => self.file(index, block, name),
            Role::Foreign(reason) => left_out(Fate::Static, reason.clone()),
        }
    }

    fn python(&mut self, index: usize, block: &Block, name: Option<String>) -> BlockPlan {
        if let Some(reason) = &self.taken[index].fragment {
            return left_out(Fate::Static, reason.clone());
        }
        if let Some((span, message)) = self.taken[index].errors.first().cloned() {
            let expected = block
                .directive("raises")
                .and_then(|directive| directive.attributes.get("error"))
                .is_some_and(|error| error.ends_with("SyntaxError") || error == "IndentationError");
            if expected {
                return left_out(Fate::Static, "a syntax error, as the page says");
            }
            if block.role == Role::Python && block.info.language.is_none() && !python::has_python_words(&block.body.text()) {
                return left_out(Fate::Static, "text without a word of Python in it");
            }
            let mut finding = Finding::new(Code::SyntaxError, self.location(span), python::plain_error(&message));
            if python::is_python2(&block.body.text()) {
                finding = finding.with_help("this is Python 2: `print` is a function now, and so on");
            }
            self.lab.findings.push(finding);
            self.lab.unparsed.push((index, self.taken[index].names.clone()));
            return BlockPlan { fate: Fate::Run, reason: None, file: name, revisions: Vec::new() };
        }
        if self.taken[index].pieces.is_empty() {
            return left_out(Fate::Static, "nothing but comments");
        }
        if let [only] = self.taken[index].pieces.as_slice()
            && only.code.starts_with("raise ")
            && block.directive("raises").is_none()
        {
            self.taken[index].pieces.clear();
            return left_out(Fate::Static, "a `raise` by itself: it shows what a function would do");
        }
        self.fill_in(index, name.as_deref());
        if self.taken[index].pieces.iter().any(|piece| piece.facts.hollow) {
            self.taken[index].pieces.clear();
            return left_out(Fate::Static, "leaves out code that the page does not show");
        }
        let own = self.taken[index].pieces.clone();
        for printed in std::mem::take(&mut self.taken[index].printed) {
            let piece = own.get(printed.piece).map(|piece| piece.span);
            self.lab.claims.push(Claim { of: index, piece, block: None, span: printed.span, text: printed.text });
        }
        let programs = self.project.programs.len();
        let continued = self.named_by(block, "continue").and_then(|of| self.project.go_on(&of, &own));
        let joined = match (continued, &name) {
            (Some(joined), _) => joined,
            (None, Some(file)) => self.project.join_file(file, &own),
            (None, None) => self.project.join(&own, block.directive("new").is_some()),
        };
        let begun = self.project.programs.len() > programs;
        let goes_on = !joined.superseded
            && !begun
            && !self.replaced
            && self.plans.last().is_some_and(|plan| plan.main == Some(joined.program) && plan.commands.is_empty());
        if !goes_on {
            self.plans.push(Plan { main: Some(joined.program), ..Plan::default() });
        }
        self.replaced = false;
        if let Some(plan) = self.plans.last_mut() {
            plan.judged.insert(index);
            plan.project = self.project.clone();
        }
        self.last_run = Some(index);
        let file = self.project.programs[joined.program].file.clone().filter(|_| continued.is_some()).or(name);
        BlockPlan { fate: Fate::Run, reason: None, file, revisions: vec![self.plans.len()] }
    }

    /// The file that a directive of a block names with `of`. One that the page has not shown so far is a finding.
    fn named_by(&mut self, block: &Block, word: &str) -> Option<String> {
        let directive = block.directive(word)?;
        let of = directive.attributes.get("of")?;
        if self.project.program_of(of).is_none() {
            let finding = Finding::new(Code::UnknownDirective, self.location(directive.span), format!("no file called `{of}` stands above"));
            let files: Vec<&str> = self.project.programs.iter().filter_map(|program| program.file.as_deref()).collect();
            let help =
                if files.is_empty() { "the page has shown no Python file so far".to_owned() } else { format!("the page has shown {}", files.join(", ")) };
            self.lab.findings.push(finding.with_help(help));
            return None;
        }
        Some(of.clone())
    }

    /// Fill in what the definitions of a block leave out, from the version of them that the page or an earlier lesson has.
    fn fill_in(&mut self, index: usize, file: Option<&str>) {
        for at in 0..self.taken[index].pieces.len() {
            let piece = Arc::clone(&self.taken[index].pieces[at]);
            let Some(name) = elide::defined(&piece).filter(|_| piece.facts.elided || piece.facts.hollow) else { continue };
            let is_same = |old: &&Arc<Piece>| elide::defined(old) == Some(name) && !old.facts.hollow;
            let own = file.and_then(|file| self.project.program_of(file)).or_else(|| self.project.current());
            let programs = own.into_iter().chain(0..self.project.programs.len()).map(|program| &self.project.programs[program]);
            let here = programs.flat_map(|program| program.pieces.iter().rev()).find(is_same).cloned();
            let earlier = || {
                let lessons = self.setup.earlier.filter(|_| piece.facts.hollow).into_iter().flat_map(|earlier| earlier.naming(name));
                lessons.flat_map(|(_, lesson)| lend::pieces_of(lesson)).filter(|old| is_same(&old)).last()
            };
            if let Some(merged) = here.or_else(earlier).and_then(|old| elide::merge(&old, &piece)) {
                self.taken[index].pieces[at] = merged;
            }
        }
    }

    fn file(&mut self, index: usize, block: &Block, name: Option<String>) -> BlockPlan {
        let name = name.or_else(|| self.only_template(block));
        let Some(name) = name else {
            return left_out(Fate::Static, "a file whose name the page does not say");
        };
        if block.body.lines.iter().map(|line| line.text.trim()).all(|line| line.is_empty() || line.starts_with("{{") && line.ends_with("}}")) {
            return left_out(Fate::Static, "expressions out of a template, not the whole of it");
        }
        let text = block.body.text();
        let old = self.project.files.insert(name.clone(), (text.clone(), Some(index)));
        self.replaced |= old.is_some_and(|(old, _)| old != text);
        BlockPlan { fate: Fate::Written, reason: None, file: Some(name), revisions: Vec::new() }
    }

    /// The path of the only template that the page's code asks for and that no block is yet.
    fn only_template(&self, block: &Block) -> Option<String> {
        if !matches!(block.language, Language::Html | Language::Jinja) {
            return None;
        }
        let statements = self.taken.iter().flat_map(|taken| &taken.pieces).map(|piece| &piece.facts);
        let asked: Vec<String> =
            templates(statements).into_iter().map(|name| template_path(&name)).filter(|path| !self.project.files.contains_key(path)).collect();
        match asked.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    fn shell(&mut self, index: usize, block: &Block) -> BlockPlan {
        let mut reason = None;
        let mut installs = Vec::new();
        let mut runs = Vec::new();
        for mut command in shell::commands(block) {
            let (found, rest) = install::taken_out(&command.text);
            installs.extend(self.install(&command, &found));
            let asked = block.directive("run").is_some();
            if asked && !found.is_empty() {
                runs.push(DraftCommand { block: index, span: command.span, command: shell::INSTALLED.to_owned() });
            }
            let Some(rest) = rest else { continue };
            command.text = rest;
            let services = self.setup.manifest.map_or(&[][..], |manifest| &manifest.services);
            match if asked || shell::is_client(&command.text, services) { Use::Run } else { shell::use_of(&command.text) } {
                Use::Run => {
                    if let Some((span, text)) = command.output {
                        self.lab.claims.push(Claim { of: index, piece: Some(command.span), block: None, span, text });
                    }
                    let text = self.folders.rooted(&command.text, |folder| names_in(self.lesson, folder));
                    runs.push(DraftCommand { block: index, span: command.span, command: shell::in_lab(&text) });
                }
                Use::Static(why) => reason = reason.or(Some(why)),
            }
        }
        installs.dedup();
        let reason = if installs.is_empty() { reason } else { Some(installs.into_iter().chain(reason).collect::<Vec<_>>().join("; ")) };
        if runs.is_empty() {
            return left_out(Fate::Static, reason.unwrap_or_else(|| "no command in it".to_owned()));
        }
        if self.plans.is_empty() || self.replaced {
            // Nothing ran before, or files changed since: the commands see the project as it is now.
            let main = self.project.current().filter(|_| self.replaced);
            self.plans.push(Plan { project: self.project.clone(), main, ..Plan::default() });
            self.replaced = false;
        }
        if let Some(plan) = self.plans.last_mut() {
            plan.judged.insert(index);
            plan.commands.extend(runs);
            plan.project = self.project.clone();
        }
        self.last_run = Some(index);
        BlockPlan { fate: Fate::Run, reason, file: None, revisions: vec![self.plans.len()] }
    }

    /// Hold what a command installs against the environment: why it is not run. What the environment lacks is a finding.
    fn install(&mut self, command: &shell::Command, found: &[Installs]) -> Vec<String> {
        let Some(installed) = self.setup.installed else {
            return found.iter().map(|_| "installs packages: the lab's environment is locked and has its own".to_owned()).collect();
        };
        let mut reasons = Vec::new();
        for installs in found {
            let verdict = install::judge(installs, installed, |path| self.project.files.get(path).map(|(text, _)| text.clone()));
            for asked in verdict.absent {
                if self.lab.wants.iter().any(|known| known.name == asked.name) {
                    continue;
                }
                let at = self.lesson.source.slice(command.span).find(&asked.written).map(|at| command.span.start + at);
                let span = at.map_or(command.span, |at| Span::new(at, at + asked.written.len()));
                let mut finding = Finding::new(Code::MissingModule, self.location(span), format!("`{}` is not in the environment", asked.name));
                finding = finding.with_help(match installed.refused.get(&asked.name) {
                    Some(why) => format!("it could not be installed: {why}"),
                    None => installed.how_to_add(&asked.written),
                });
                self.lab.findings.push(finding);
                self.lab.wants.push(asked);
            }
            reasons.extend(verdict.reasons);
        }
        reasons
    }

    fn output(&mut self, index: usize, block: &Block) -> BlockPlan {
        if trees::is_tree(&self.lesson.blocks[index]) {
            return left_out(Fate::Static, "a directory tree");
        }
        let named = self.named_by(block, "output");
        let of_file = |file: &String| self.lab.blocks.iter().rposition(|plan| plan.fate == Fate::Run && plan.file.as_ref() == Some(file));
        let last = match &named {
            Some(file) => of_file(file),
            None => self.last_run,
        };
        let Some(of) = last.filter(|&of| self.taken[of].errors.is_empty()) else {
            return left_out(Fate::Static, "the output of nothing that ran");
        };
        self.lab.claims.push(Claim { of, piece: None, block: Some(index), span: block.span(), text: block.body.text() });
        BlockPlan { fate: Fate::Compared, reason: None, file: None, revisions: Vec::new() }
    }
}
