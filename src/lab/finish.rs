//! Plans made into revisions: what they miss is supplied, how their main program runs is decided. The second half of `lab::assemble`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::finding::{Code, Finding};
use crate::lab::assemble::{Plan, Walk, left_out};
use crate::lab::bindings::binds;
use crate::lab::draft::{Draft, DraftCommand, DraftModule, Main, Stage, assume};
use crate::lab::fixtures::Page;
use crate::lab::lend::{self, Offers, complete};
use crate::lab::own;
use crate::lab::piece::Piece;
use crate::lab::project::module_of;
use crate::lab::shell::{self};
use crate::lab::{BlockPlan, Fate, Imported, Lab};
use crate::python::{self, BindKind};

impl<'a> Walk<'a> {
    /// Have the last revision that has the application asked what the `lab.toml` asks.
    fn request(&mut self) {
        let Some(manifest) = self.setup.manifest.filter(|manifest| !manifest.requests.is_empty()) else { return };
        match self.lab.revisions.iter_mut().rev().find(|revision| revision.draft.probe) {
            Some(revision) => {
                revision.draft.requests = manifest.requests.iter().map(crate::lab::requests::Asked::request).collect();
                *revision = revision.draft.build(revision.number);
                self.lab.requests.clone_from(&manifest.requests);
            }
            None => {
                let last = self.lesson.blocks.last().map_or(self.lesson.span, crate::guide::Block::span);
                let message = "the page's lab.toml makes requests, and the page has no application to answer them";
                let finding = Finding::new(Code::HttpError, self.location(last), message);
                self.lab.findings.push(finding.with_help("make the application in `setup` of the lab.toml, or name the lesson that has it under `uses`"));
            }
        }
    }

    /// Supply what the plans miss, and build them.
    pub(super) fn finish(mut self) -> Lab {
        let (offers, imports) = self.offers();
        self.lab.imports = imports;
        let mut files: BTreeMap<String, String> = self.setup.manifest.map(|manifest| manifest.files.clone()).unwrap_or_default();
        let whole = self.project.clone();
        let plans = std::mem::take(&mut self.plans);
        let mut past: Vec<Stage> = Vec::new();
        for (number, plan) in plans.iter().enumerate() {
            files.extend(plan.project.files.iter().map(|(path, (text, _))| (path.clone(), text.clone())));
            // What the page shows later, such as the template of a view, a reader makes as well.
            for (path, (text, _)) in &whole.files {
                files.entry(path.clone()).or_insert_with(|| text.clone());
            }
            let mut draft = self.draft(plan, &plans[number + 1..], &offers, files.clone());
            draft.past.clone_from(&past);
            draft.replays = !plan.commands.is_empty();
            let shown = draft.job_files();
            let serves = |path: &str| shown.iter().any(|file| file.path == path && file.text.contains(".run("));
            let commands: Vec<DraftCommand> = plan.commands.iter().filter(|command| shell::leaves_something(&command.command, serves)).cloned().collect();
            if !commands.is_empty() {
                past.push(Stage { files: shown, commands });
            }
            self.lab.revisions.push(draft.build(number + 1));
        }
        self.request();
        self.lab.comment_claims = crate::lab::claims::in_comments(self.lesson, &self.lab.blocks);
        self.lab.prose_claims = crate::lab::claims::in_prose(self.lesson, &self.lab.blocks);
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
        let spoken_of = [
            ("Flask", &["flask"][..]),
            ("@app.route(", &["flask"]),
            ("SQLAlchemy", &["sqlalchemy", "sqlalchemy.orm"]),
            ("Flask-SQLAlchemy", &["flask_sqlalchemy"]),
            ("Flask-WTF", &["flask_wtf"]),
            ("WTForms", &["wtforms", "wtforms.validators"]),
        ];
        for (word, modules) in spoken_of {
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
        (Offers { page, earlier: self.setup.earlier, about, cache: std::cell::RefCell::default() }, imports)
    }

    /// The revision of a plan. `later` are the plans after it: a file that the page shows only there is, at first, as it is first shown.
    fn draft(&mut self, plan: &Plan, later: &[Plan], offers: &Offers<'_>, files: BTreeMap<String, String>) -> Draft {
        let mut draft = Draft { judged: plan.judged.clone(), commands: plan.commands.clone(), files, ..Draft::default() };
        if let Some(manifest) = self.setup.manifest {
            draft.env.clone_from(&manifest.env);
            draft.services.clone_from(&manifest.services);
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
        draft.named = crate::lab::requests::named(self.lesson);
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
        let made = own::make(self.lesson, modules, spare, offers, &draft.files);
        let first = self.first_span(plan).or_else(|| self.lesson.blocks.first().map(crate::guide::Block::span)).unwrap_or(self.lesson.span);
        for known in &made {
            let names = known.names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let what = format!("a module with {names}, which the page imports from it");
            let assumption = assume(&mut self.lab.assumptions, &known.module, known.span.unwrap_or(first), &what);
            draft.supplied.extend(known.importers.iter().map(|key| (key.clone(), assumption)));
            draft.spares.extend(known.spares.iter().cloned());
        }
        for module in modules.iter_mut().filter(|module| shown.contains(&module.module)) {
            let own = own::importable(module, &made);
            let here: BTreeSet<_> = module.pieces.iter().map(|piece| piece.key()).collect();
            let completed = complete(std::mem::take(&mut module.pieces), offers, None, &own);
            // What another of the page's programs lends is judged where it stands, not here.
            let is_elsewhere = |piece: &Piece| !here.contains(&piece.key()) && piece.block().is_some_and(|block| draft.judged.contains(&block));
            let lent = |piece: &Arc<Piece>| if is_elsewhere(piece) { own::foreign(self.lesson, piece) } else { Arc::clone(piece) };
            let keys: BTreeMap<_, _> = completed.pieces.iter().map(|piece| (piece.key(), lent(piece).key())).collect();
            module.pieces = completed.pieces.iter().map(lent).collect();
            if module.pieces.iter().any(|piece| piece.block().is_some_and(|block| draft.judged.contains(&block))) {
                draft.older.extend(lend::older(&module.pieces, offers, &own));
            }
            // What a supplied piece needs itself is not told apart: it came with what the page asked for.
            let mut told = None;
            for mut supply in completed.supplies {
                if let Some(key) = keys.get(&supply.piece) {
                    supply.piece = key.clone();
                }
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
