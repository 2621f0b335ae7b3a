//! A draft: one revision before it is made into a job. Second assemblies change a draft and build it again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::protocol::{Action, Job, JobFile, JobStep, Limits};
use crate::lab::bindings::{closure, requirements};
use crate::lab::piece::{Piece, PieceOrigin};
use crate::lab::{Assumption, Origin, Revision};
use crate::source::Span;

/// A Python file of the lab, or its scratch program.
#[derive(Debug, Clone)]
pub(crate) struct DraftModule {
    /// The dotted name under which it runs: `__main__`, or what others import it by.
    pub(crate) module: String,
    /// Its path in the lab; `None` for a scratch program.
    pub(crate) file: Option<String>,
    pub(crate) pieces: Vec<Arc<Piece>>,
}

/// A shell command, at its place.
#[derive(Debug, Clone)]
pub(crate) struct DraftCommand {
    pub(crate) block: usize,
    pub(crate) span: Span,
    pub(crate) command: String,
}

/// What the page had done before by commands: files as they were, and the commands that were given then.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stage {
    pub(crate) files: Vec<JobFile>,
    pub(crate) commands: Vec<DraftCommand>,
}

/// A revision before it is a job.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    /// Modules that run when they are imported.
    pub(crate) modules: Vec<DraftModule>,
    /// What runs: statements of `__main__`, or a module to import.
    pub(crate) main: Main,
    /// The blocks that are judged.
    pub(crate) judged: BTreeSet<usize>,
    pub(crate) commands: Vec<DraftCommand>,
    /// Earlier commands of the page, stage by stage: replayed where `replays` says so.
    pub(crate) past: Vec<Stage>,
    /// Whether what earlier commands leave behind is there.
    pub(crate) replays: bool,
    /// Files that are not Python, and files of programs that only commands use.
    pub(crate) files: BTreeMap<String, String>,
    /// What is asked of the application before it is probed.
    pub(crate) requests: Vec<crate::engine::protocol::Request>,
    /// Whether the application is probed at the end.
    pub(crate) probe: bool,
    /// Paths of URLs that the page names, for the probe.
    pub(crate) named: Vec<String>,
    /// What was supplied: the key of the piece, with its assumption's index.
    pub(crate) supplied: BTreeMap<(PieceOrigin, Span), usize>,
    /// By the key of a definition: an older version of what it binds, with what that needs.
    pub(crate) older: BTreeMap<(PieceOrigin, Span), Vec<Arc<Piece>>>,
    /// Fixtures for what other blocks lend, by the key of what is lent.
    pub(crate) spares: BTreeMap<(PieceOrigin, Span), Arc<Piece>>,
    pub(crate) limits: Limits,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) services: Vec<String>,
}

/// What a draft runs.
#[derive(Debug, Clone, Default)]
pub(crate) enum Main {
    /// Nothing but commands.
    #[default]
    Nothing,
    /// Statements, as `__main__`.
    Script(DraftModule),
    /// A module of the draft, imported.
    Import(String),
}

/// How a second assembly differs from the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// Definitions and imports before actions.
    DefinitionsFirst,
    /// Only what the block needs.
    OnlyNeeded,
    /// An application context is open.
    ApplicationContext,
    /// A request context is open.
    RequestContext,
    /// The tables of the program exist.
    Tables,
    /// An application is configured as far as its extensions need it.
    Configuration,
    /// The page's earlier commands have run: the files that they leave behind are there.
    Commands,
    /// What other blocks lend is left out where there is a fixture for it.
    Fixtures,
    /// Only what the block needs, as the page had it before it showed another version.
    Older,
}

impl Remedy {
    /// Whether it sets something up, rather than leaving out or moving what the page has.
    #[must_use]
    pub fn is_setup(self) -> bool {
        matches!(self, Self::Commands | Self::Fixtures | Self::ApplicationContext | Self::RequestContext | Self::Tables | Self::Configuration)
    }

    /// What it assumes, in words, with the name to show; `None` for one that assumes nothing.
    #[must_use]
    pub fn assumption(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Fixtures | Self::Commands => None,
            // Typed from the top, the page would fail here.
            Self::DefinitionsFirst => Some(("order", "the page's imports and definitions run before whatever else stands above them")),
            Self::OnlyNeeded => Some(("fresh start", "only what it builds on has run before, in a new Python")),
            Self::Older => Some(("older version", "what it builds on is as the page had it before it showed another version")),
            Self::Configuration => Some(("configuration", "a secret key, and an SQLite database in memory where the page sets no other")),
            Self::ApplicationContext => Some(("application context", "an application context is open")),
            Self::RequestContext => Some(("request context", "a request context is open, as if a page were asked for")),
            Self::Tables => Some(("tables", "the program's tables exist")),
        }
    }
}

const CONFIGURATION: &str = include_str!("fixtures/configuration.py");
const APPLICATION: &str = include_str!("fixtures/application.py");
const DATABASE: &str = include_str!("fixtures/database.py");

impl Draft {
    /// Every piece of every module.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &Arc<Piece>> {
        let script = match &self.main {
            Main::Script(script) => Some(script),
            _ => None,
        };
        self.modules.iter().chain(script).flat_map(|module| &module.pieces)
    }

    /// The pieces that run as `__main__` or in the imported main module.
    fn main_pieces(&mut self) -> Option<&mut Vec<Arc<Piece>>> {
        match &mut self.main {
            Main::Nothing => None,
            Main::Script(script) => Some(&mut script.pieces),
            Main::Import(module) => {
                let module = module.clone();
                self.modules.iter_mut().find(|other| other.module == module).map(|module| &mut module.pieces)
            }
        }
    }

    /// The draft assembled another way for the sake of `block`, which alone is judged then; or with something set up before it, which is there for what follows as
    /// well. `None` if that makes no difference.
    pub(crate) fn again(&self, block: usize, at: Option<Span>, remedy: Remedy) -> Option<Self> {
        let mut draft = self.clone();
        if remedy == Remedy::Commands {
            draft.replays = true;
            return Some(draft);
        }
        if !remedy.is_setup() {
            draft.judged = BTreeSet::from([block]);
        }
        let pieces = draft.main_pieces()?;
        let own = pieces.iter().position(|piece| piece.block() == Some(block) && at.is_none_or(|at| piece.span == at))?;
        match remedy {
            Remedy::DefinitionsFirst => {
                let before: Vec<_> = pieces.iter().map(|piece| piece.key()).collect();
                let (mut first, rest): (Vec<_>, Vec<_>) =
                    pieces.drain(..).partition(|piece| piece.facts.is_import() || piece.facts.is_definition() || piece.block().is_none());
                first.extend(rest);
                *pieces = first;
                if pieces.iter().map(|piece| piece.key()).eq(before) {
                    return None;
                }
            }
            Remedy::OnlyNeeded => {
                let wanted: Vec<usize> = (0..pieces.len()).filter(|&index| pieces[index].block() == Some(block)).collect();
                let kept = closure(pieces, wanted);
                if kept.len() == pieces.len() {
                    return None;
                }
                *pieces = kept.into_iter().map(|index| Arc::clone(&pieces[index])).collect();
            }
            Remedy::Commands => return None,
            Remedy::Older => {
                let own = |pieces: &[Arc<Piece>]| (0..pieces.len()).filter(|&index| pieces[index].block() == Some(block)).collect::<Vec<_>>();
                let needed = closure(pieces, own(pieces));
                let older = |piece: &Arc<Piece>| self.older.get(&piece.key()).filter(|_| piece.block() != Some(block));
                // One step back: what was shown last gives way.
                let last = needed.iter().filter(|&&index| older(&pieces[index]).is_some()).filter_map(|&index| pieces[index].block()).max();
                let mut replaced = Vec::new();
                for &index in &needed {
                    let piece = &pieces[index];
                    replaced.extend(older(piece).filter(|_| piece.block() == last).map_or_else(|| vec![Arc::clone(piece)], Clone::clone));
                }
                let mut seen = BTreeSet::new();
                replaced.retain(|piece| seen.insert(piece.key()));
                if replaced.iter().map(|piece| piece.key()).eq(needed.iter().map(|&index| pieces[index].key())) {
                    return None;
                }
                *pieces = replaced;
            }
            Remedy::ApplicationContext => {
                pieces.insert(own, Piece::supplied("application context", &format!("{APPLICATION}\n_proctor_open(globals(), request=False)\n")))
            }
            Remedy::RequestContext => {
                pieces.insert(own, Piece::supplied("request context", &format!("{APPLICATION}\n_proctor_open(globals(), request=True)\n")))
            }
            Remedy::Configuration => pieces.insert(0, Piece::supplied("configuration", CONFIGURATION)),
            Remedy::Fixtures => return draft.with_fixtures().then_some(draft),
            Remedy::Tables => pieces.insert(own, Piece::supplied("tables", &format!("{DATABASE}\n{APPLICATION}\n_proctor_tables(globals())\n"))),
        }
        Some(draft)
    }

    /// Let fixtures stand in for what other blocks lend, in every module; whether there was any.
    fn with_fixtures(&mut self) -> bool {
        let mut found = false;
        let script = match &mut self.main {
            Main::Script(script) => Some(script),
            _ => None,
        };
        for piece in self.modules.iter_mut().chain(script).flat_map(|module| &mut module.pieces) {
            if let Some(fixture) = self.spares.get(&piece.key()) {
                *piece = Arc::clone(fixture);
                found = true;
            }
        }
        found
    }

    /// The draft in which the statement of a block at `failed` gives way to an older version of what it binds, as a reader's session still has it.
    pub(crate) fn without(&self, failed: (usize, Span)) -> Option<Self> {
        let mut draft = self.clone();
        draft.probe = false;
        let pieces = draft.main_pieces()?;
        let at = pieces.iter().position(|piece| piece.block() == Some(failed.0) && piece.span == failed.1)?;
        let older = self.older.get(&pieces[at].key())?;
        let new: Vec<Arc<Piece>> = older.iter().filter(|old| !pieces.iter().any(|piece| piece.key() == old.key())).cloned().collect();
        pieces.splice(at..=at, new);
        Some(draft)
    }

    /// The revision that the draft is.
    pub(crate) fn build(&self, number: usize) -> Revision {
        let mut builder = Builder { draft: self, steps: Vec::new(), origins: BTreeMap::new() };
        let own = self.job_files();
        let files = match self.past.first().filter(|_| self.replays) {
            Some(first) => {
                builder.past(&own);
                first.files.clone()
            }
            None => own,
        };
        for module in &self.modules {
            builder.module(module);
        }
        match &self.main {
            Main::Nothing => {}
            Main::Script(script) => builder.module(script),
            Main::Import(module) => {
                builder.push(Action::Import { module: module.clone() }, Vec::new(), Origin { block: None, span: None, assumption: None, judged: true });
            }
        }
        for command in &self.commands {
            let judged = self.judged.contains(&command.block);
            let action = Action::Shell { command: command.command.clone(), input: String::new() };
            builder.push(action, Vec::new(), Origin { block: Some(command.block), span: Some(command.span), assumption: None, judged });
        }
        for request in &self.requests {
            builder.push(Action::Request(request.clone()), Vec::new(), Origin { block: None, span: None, assumption: None, judged: true });
        }
        if self.probe {
            builder.push(
                Action::Probe { app: None, paths: self.named.clone() },
                Vec::new(),
                Origin { block: None, span: None, assumption: None, judged: true },
            );
        }
        let job = Job { files, steps: builder.steps, env: self.env.clone(), limits: self.limits.clone(), services: self.services.clone(), again: false };
        Revision { number, blocks: self.judged.iter().copied().collect(), job, origins: builder.origins, draft: self.clone() }
    }

    /// The files that are in the lab when the revision's own steps begin.
    pub(crate) fn job_files(&self) -> Vec<JobFile> {
        let mut files: Vec<JobFile> = self.files.iter().map(|(path, text)| JobFile { path: path.clone(), text: text.clone() }).collect();
        let script = match &self.main {
            Main::Script(script) => Some(script),
            _ => None,
        };
        for module in self.modules.iter().chain(script) {
            if let Some(file) = &module.file
                && !self.files.contains_key(file)
            {
                files.push(JobFile { path: file.clone(), text: text(&module.pieces) });
            }
        }
        files
    }
}

/// The text of a file made of pieces.
pub(crate) fn text(pieces: &[Arc<Piece>]) -> String {
    let mut text = String::new();
    let mut last: Option<&Piece> = None;
    for piece in pieces {
        // Blank lines as the page has them between pieces of one block; one between blocks.
        let gap = match last {
            Some(last) if last.origin == piece.origin => piece.line.saturating_sub(last.line + last.code.lines().count()).min(2),
            Some(_) => 1,
            None => 0,
        };
        text.push_str(&"\n".repeat(gap));
        text.push_str(&piece.code);
        if !piece.code.ends_with('\n') {
            text.push('\n');
        }
        last = Some(piece);
    }
    text
}

struct Builder<'a> {
    draft: &'a Draft,
    steps: Vec<JobStep>,
    origins: BTreeMap<u32, Origin>,
}

impl Builder<'_> {
    fn push(&mut self, action: Action, needs: Vec<u32>, origin: Origin) -> u32 {
        let id = u32::try_from(self.steps.len() + 1).unwrap_or(u32::MAX);
        self.steps.push(JobStep { id, action, needs, judged: origin.judged });
        self.origins.insert(id, origin);
        id
    }

    /// Replay what came before: commands on the files as they were, and between them what was edited, up to the revision's `own` files.
    fn past(&mut self, own: &[JobFile]) {
        let replay = |block, span| Origin { block, span, assumption: None, judged: false };
        let past = &self.draft.past;
        for (at, stage) in past.iter().enumerate() {
            for command in &stage.commands {
                let action = Action::Shell { command: command.command.clone(), input: String::new() };
                self.push(action, Vec::new(), replay(Some(command.block), Some(command.span)));
            }
            let next = past.get(at + 1).map_or(own, |next| &next.files);
            for file in next.iter().filter(|file| !stage.files.contains(file)) {
                self.push(Action::Write(file.clone()), Vec::new(), replay(None, None));
            }
        }
    }

    fn module(&mut self, module: &DraftModule) {
        let mut ids = Vec::with_capacity(module.pieces.len());
        for (index, piece) in module.pieces.iter().enumerate() {
            let needs = requirements(&module.pieces, index).into_iter().map(|index| ids[index]).collect();
            let action = Action::Python {
                module: module.module.clone(),
                file: module.file.clone(),
                filename: piece.path.to_string(),
                line: piece.line,
                code: piece.code.clone(),
                console: piece.console,
            };
            let block = piece.block();
            let origin = Origin {
                block,
                span: block.map(|_| piece.span),
                assumption: self.draft.supplied.get(&piece.key()).copied(),
                judged: block.is_some_and(|block| self.draft.judged.contains(&block)),
            };
            ids.push(self.push(action, needs, origin));
        }
    }
}

/// Number the assumptions of supplied pieces: each is listed once, however many revisions make it.
pub(crate) fn assume(assumptions: &mut Vec<Assumption>, name: &str, span: Span, what: &str) -> usize {
    if let Some(index) = assumptions.iter().position(|known| known.name == name && known.what == what) {
        return index;
    }
    assumptions.push(Assumption { name: name.to_owned(), span, what: what.to_owned() });
    assumptions.len() - 1
}
