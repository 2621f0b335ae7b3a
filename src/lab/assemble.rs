//! `Lesson --lab::assemble--> (Lab, Findings)`: replay the edit history that a page is, into revisions. Pure: it opens nothing and runs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::finding::{Code, Finding, Location};
use crate::guide::{Block, Language, Lesson, Role};
use crate::lab::bindings::binds;
use crate::lab::draft::{Draft, DraftCommand, DraftModule, Main, assume};
use crate::lab::elide;
use crate::lab::fixtures::Page;
use crate::lab::lend::{self, Offers, complete};
use crate::lab::manifest::Manifest;
use crate::lab::names::{FileName, file_name, template_path, templates};
use crate::lab::own;
use crate::lab::piece::{Piece, Pieces, pieces};
use crate::lab::places::Places;
use crate::lab::project::{Project, module_of};
use crate::lab::shell::{self, Use};
use crate::lab::trees;
use crate::lab::{BlockPlan, Claim, Fate, Imported, Lab};
use crate::python::{self, BindKind};

/// What assembling may draw on beside the lesson itself.
#[derive(Debug, Clone, Default)]
pub struct Setup<'a> {
    /// Lessons that lend what this one takes for granted, the nearest first.
    pub earlier: Vec<&'a Lesson>,
    /// The lesson's `lab.toml`.
    pub manifest: Option<&'a Manifest>,
}

/// A revision before what it misses is supplied.
#[derive(Debug, Clone, Default)]
struct Plan {
    project: Project,
    main: Option<usize>,
    judged: BTreeSet<usize>,
    commands: Vec<DraftCommand>,
}

struct Walk<'a> {
    lesson: &'a Lesson,
    setup: &'a Setup<'a>,
    taken: Vec<Pieces>,
    project: Project,
    plans: Vec<Plan>,
    lab: Lab,
    /// Where files stand that the page names without a folder.
    places: Places,
    /// The last block whose output a page could show.
    last_run: Option<usize>,
    /// Whether a file was replaced since the last revision, so that what runs next is a new one.
    replaced: bool,
}

/// Assemble a lesson.
#[must_use]
pub fn assemble(lesson: &Lesson, setup: &Setup<'_>) -> Lab {
    let taken: Vec<Pieces> =
        lesson.blocks.iter().enumerate().map(|(index, block)| if runs_python(block) { pieces(lesson, index, block) } else { Pieces::default() }).collect();
    let lab = Lab { lesson: lesson.id.clone(), ..Lab::default() };
    let places = Places::of(lesson, &taken);
    let mut walk = Walk { lesson, setup, taken, places, project: Project::default(), plans: Vec::new(), lab, last_run: None, replaced: false };
    for (index, block) in lesson.blocks.iter().enumerate() {
        let plan = walk.block(index, block);
        walk.lab.blocks.push(plan);
    }
    walk.finish()
}

fn runs_python(block: &Block) -> bool {
    matches!(block.role, Role::Python | Role::Console) && block.directive("skip").is_none() && block.directive("static").is_none()
}

fn left_out(fate: Fate, reason: impl Into<String>) -> BlockPlan {
    BlockPlan { fate, reason: Some(reason.into()), file: None, revisions: Vec::new() }
}

impl<'a> Walk<'a> {
    fn location(&self, span: crate::source::Span) -> Location {
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
                let finding = Finding::new(Code::UnsafePath, self.location(block.span()), format!("`{}` leaves the lab", name.escape_default()));
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
            if block.info.language.is_none() && !python::has_python_words(&block.body.text()) {
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
        let joined = match &name {
            Some(file) => self.project.join_file(file, &own),
            None => self.project.join(&own, block.directive("new").is_some()),
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
        BlockPlan { fate: Fate::Run, reason: None, file: name, revisions: vec![self.plans.len()] }
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
                let lessons = self.setup.earlier.iter().filter(|lesson| piece.facts.hollow && lesson.source.slice(lesson.span).contains(name));
                lessons.flat_map(|lesson| lend::pieces_of(lesson)).filter(|old| is_same(&old)).last()
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
        let mut runs = Vec::new();
        for command in shell::commands(block) {
            match shell::use_of(&command.text) {
                Use::Run => {
                    if let Some((span, text)) = command.output {
                        self.lab.claims.push(Claim { of: index, piece: Some(command.span), block: None, span, text });
                    }
                    runs.push(DraftCommand { block: index, span: command.span, command: shell::in_lab(&command.text) });
                }
                Use::Static(why) => reason = reason.or(Some(why)),
            }
        }
        if runs.is_empty() {
            return left_out(Fate::Static, reason.unwrap_or_else(|| "no command in it".to_owned()));
        }
        if self.plans.is_empty() || self.replaced {
            // Nothing ran before, or files changed since: the commands see the project as it is now.
            let main = self.project.current().filter(|_| self.replaced);
            let commands = self.plans.last().map(|plan| plan.commands.clone()).unwrap_or_default();
            self.plans.push(Plan { project: self.project.clone(), main, judged: BTreeSet::new(), commands });
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

    fn output(&mut self, index: usize, block: &Block) -> BlockPlan {
        if trees::is_tree(&self.lesson.blocks[index]) {
            return left_out(Fate::Static, "a directory tree");
        }
        let Some(of) = self.last_run.filter(|&of| self.taken[of].errors.is_empty()) else {
            return left_out(Fate::Static, "the output of nothing that ran");
        };
        self.lab.claims.push(Claim { of, piece: None, block: Some(index), span: block.span(), text: block.body.text() });
        BlockPlan { fate: Fate::Compared, reason: None, file: None, revisions: Vec::new() }
    }

    /// Supply what the plans miss, and build them.
    fn finish(mut self) -> Lab {
        let (offers, imports) = self.offers();
        self.lab.imports = imports;
        let mut files: BTreeMap<String, String> = self.setup.manifest.map(|manifest| manifest.files.clone()).unwrap_or_default();
        let whole = self.project.clone();
        let plans = std::mem::take(&mut self.plans);
        for (number, plan) in plans.iter().enumerate() {
            files.extend(plan.project.files.iter().map(|(path, (text, _))| (path.clone(), text.clone())));
            // What the page shows later, such as the template of a view, a reader makes as well.
            for (path, (text, _)) in &whole.files {
                files.entry(path.clone()).or_insert_with(|| text.clone());
            }
            let draft = self.draft(plan, &plans[number + 1..], &offers, files.clone());
            self.lab.revisions.push(draft.build(number + 1));
        }
        let ran = !self.lab.revisions.is_empty();
        for block in &mut self.lab.blocks {
            if block.fate == Fate::Written && !ran {
                *block = BlockPlan { file: block.file.take(), ..left_out(Fate::Static, "nothing on the page uses it") };
            }
        }
        self.lab
    }

    fn offers(&self) -> (Offers<'a>, Vec<Imported>) {
        let mut imports = Vec::new();
        let page: Vec<Arc<Piece>> = self.taken.iter().flat_map(|taken| taken.pieces.iter().cloned()).collect();
        let mut about = Page::default();
        let mut classes = BTreeSet::new();
        for piece in &page {
            about.code.push_str(&piece.code);
            about.modules.extend(piece.facts.imports.iter().map(|module| module.name.clone()));
            for bind in &piece.facts.binds {
                match &bind.kind {
                    BindKind::Import { module, name } => {
                        about.imported.extend(name.clone());
                        imports.push(Imported { name: bind.name.clone(), module: module.clone(), span: piece.span });
                    }
                    BindKind::Class { .. } => {
                        classes.insert(bind.name.clone());
                    }
                    _ => {}
                }
            }
        }
        // A text about a package takes its names for granted, whichever block imports them.
        let text = self.lesson.source.slice(self.lesson.span);
        for (word, modules) in [("Flask", &["flask"][..]), ("SQLAlchemy", &["sqlalchemy", "sqlalchemy.orm"])] {
            if text.contains(word) {
                about.modules.extend(modules.iter().map(|module| (*module).to_owned()));
            }
        }
        for piece in &page {
            let is_mapped = piece.facts.mentioned(python::MentionKind::OwnTable).next().is_some();
            about.mapped.extend(piece.facts.binds.iter().filter(|bind| is_mapped && matches!(bind.kind, BindKind::Class { .. })).map(|bind| bind.name.clone()));
        }
        about.makes_rows = page.iter().any(|piece| {
            let names = piece.facts.reads.iter().chain(&piece.facts.later).filter(|name| classes.contains(&name.name));
            let calls = |name: &str| piece.code.contains(&format!("{name}(")) && !piece.facts.binds_name(name);
            names.into_iter().any(|name| calls(&name.name))
        });
        (Offers { page, earlier: self.setup.earlier.clone(), about, cache: std::cell::RefCell::default() }, imports)
    }

    /// The revision of a plan. `later` are the plans after it: a file that the page shows only there is, at first, as it is first shown.
    fn draft(&mut self, plan: &Plan, later: &[Plan], offers: &Offers<'_>, files: BTreeMap<String, String>) -> Draft {
        let mut draft = Draft { judged: plan.judged.clone(), commands: plan.commands.clone(), files, ..Draft::default() };
        if let Some(manifest) = self.setup.manifest {
            draft.env.clone_from(&manifest.env);
            draft.limits = manifest.limits.apply(draft.limits);
        }
        let mut modules: Vec<DraftModule> = Vec::new();
        let mut main = None;
        let mut spare = Vec::new();
        let mut known = 0;
        for stage in std::iter::once(plan).chain(later) {
            for (index, program) in stage.project.programs.iter().enumerate().skip(known) {
                let is_main = plan.main == Some(index);
                if program.file.is_none() && !is_main {
                    spare.push(program.pieces.clone());
                    continue;
                }
                let mut pieces = program.pieces.clone();
                if is_main && let Some(setup) = self.setup.manifest.and_then(|manifest| manifest.setup.as_deref()) {
                    pieces.insert(0, Piece::supplied("setup of lab.toml", setup));
                }
                let file = program.file.clone().or_else(|| own::package_file(&pieces));
                let module = file.as_deref().map_or_else(|| "__main__".to_owned(), module_of);
                if is_main {
                    main = Some(module.clone());
                }
                modules.push(DraftModule { module, file, pieces });
            }
            known = known.max(stage.project.programs.len());
        }
        // A name that a file gets only later is asked of that later version of it.
        for at in 0..modules.len() {
            if main.as_deref() == Some(&modules[at].module) {
                continue;
            }
            let Some(file) = modules[at].file.clone() else { continue };
            let lacks = own::lacks(&modules, &modules[at].module);
            let fuller = later.iter().filter_map(|stage| stage.project.programs.get(stage.project.program_of(&file)?));
            let fuller = fuller.filter(|_| !lacks.is_empty()).find(|program| lacks.iter().all(|name| program.pieces.iter().any(|piece| binds(piece, name))));
            if let Some(fuller) = fuller {
                modules[at].pieces = fuller.pieces.clone();
            }
        }
        if let Some(main) = main.as_deref().and_then(|main| modules.iter().find(|module| module.module == main))
            && main.file.is_none()
        {
            spare.push(own::before_imports(main));
        }
        self.complete(&mut draft, &mut modules, &spare, plan, offers);
        let main = main.and_then(|main| modules.iter().position(|module| module.module == main)).map(|at| modules.remove(at));
        draft.probe = main.iter().chain(&modules).any(|module| module.pieces.iter().any(|piece| serves(piece) || extends(piece)));
        match main {
            Some(main) => draft.set_main(main, modules),
            None => draft.modules = modules,
        }
        draft
    }

    /// Put the page's own modules together, and supply to each what it misses.
    fn complete(&mut self, draft: &mut Draft, modules: &mut Vec<DraftModule>, spare: &[Vec<Arc<Piece>>], plan: &Plan, offers: &Offers<'_>) {
        let shown: BTreeSet<String> = modules.iter().map(|module| module.module.clone()).collect();
        let made = own::make(self.lesson, modules, spare, offers);
        let first = self.first_span(plan).or_else(|| self.lesson.blocks.first().map(crate::guide::Block::span)).unwrap_or(self.lesson.span);
        for known in &made {
            let names = known.names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let what = format!("a module with {names}, which the page imports from it");
            let assumption = assume(&mut self.lab.assumptions, &known.module, known.span.unwrap_or(first), &what);
            draft.supplied.extend(known.importers.iter().map(|key| (key.clone(), assumption)));
        }
        for module in modules.iter_mut().filter(|module| shown.contains(&module.module)) {
            let own = own::importable(module, &made);
            let completed = complete(std::mem::take(&mut module.pieces), offers, None, &own);
            module.pieces = completed.pieces;
            if module.pieces.iter().any(|piece| piece.block().is_some_and(|block| draft.judged.contains(&block))) {
                draft.older.extend(lend::older(&module.pieces, offers, &own));
            }
            // What a supplied piece needs itself is not told apart: it came with what the page asked for.
            let mut told = None;
            for supply in completed.supplies {
                if let Some(fixture) = &supply.spare {
                    draft.spares.insert(supply.piece.clone(), Arc::clone(fixture));
                }
                if let Some(span) = supply.span {
                    told = Some(assume(&mut self.lab.assumptions, &supply.name, span, &supply.what));
                }
                draft.supplied.extend(told.map(|assumption| (supply.piece, assumption)));
            }
        }
    }

    fn first_span(&self, plan: &Plan) -> Option<crate::source::Span> {
        plan.judged.first().map(|&block| self.lesson.blocks[block].span())
    }
}

impl Draft {
    /// Decide how the main program runs: imported if others import it or it is part of a package, as `__main__` otherwise.
    fn set_main(&mut self, mut main: DraftModule, others: Vec<DraftModule>) {
        let imported = main.file.is_some()
            && (others.iter().any(|other| imports(other, &main.module))
                || main.pieces.iter().any(|piece| piece.facts.imports.iter().any(|module| module.name.starts_with('.')))
                || main
                    .file
                    .as_deref()
                    .is_some_and(|file| file.ends_with("__init__.py") || file.rsplit_once('/').is_some_and(|(folder, _)| in_package(folder, &others))));
        self.modules = others;
        if imported {
            self.main = Main::Import(main.module.clone());
            self.modules.push(main);
            return;
        }
        // Commands work on files. A program that the page never names is in the one that they ask for, unless the page names its files otherwise.
        if main.file.is_none() && self.modules.is_empty() {
            let commands: Vec<&str> = self.commands.iter().map(|command| command.command.as_str()).collect();
            main.file = shell::program_file(&commands);
        }
        main.module = "__main__".to_owned();
        self.main = Main::Script(main);
    }
}

fn in_package(folder: &str, others: &[DraftModule]) -> bool {
    let init = format!("{folder}/__init__.py");
    others.iter().any(|other| other.file.as_deref() == Some(&init))
}

/// Whether a module imports another by any of the names that it goes by.
fn imports(module: &DraftModule, name: &str) -> bool {
    let full = |written: &str| own::absolute(written, &module.module, own::is_package(module));
    module.pieces.iter().any(|piece| {
        let modules = piece.facts.imports.iter().map(|module| full(&module.name));
        let members = piece.facts.binds.iter().filter_map(|bind| match &bind.kind {
            BindKind::Import { module, name: Some(name) } => Some(format!("{}.{name}", full(module))),
            _ => None,
        });
        modules.chain(members).any(|found| found == name)
    })
}

/// Whether a piece makes or extends a Flask application that can be asked for pages.
fn serves(piece: &Piece) -> bool {
    let factory = piece.facts.binds_name("create_app") || piece.facts.binds_name("make_app");
    let makes = piece.facts.binds.iter().any(|bind| matches!(&bind.kind, BindKind::Call(callee) if callee == "Flask"));
    factory || makes || piece.code.contains("Flask(__name__")
}

/// Whether a piece defines a class that calls its own methods: what nobody calls can still be looked into.
fn extends(piece: &Piece) -> bool {
    piece.facts.binds.iter().any(|bind| matches!(&bind.kind, BindKind::Class { bases } if !bases.is_empty())) && piece.code.contains("self.")
}
