//! The lab: what a lesson's blocks become. A list of revisions, each a set of files and ordered steps. Pure data, made by `lab::assemble`.

pub mod assemble;
pub(crate) mod bindings;
pub mod claims;
mod draft;
mod elide;
mod exports;
mod finish;
mod fixtures;
mod install;
mod lend;
mod lenders;
pub mod manifest;
mod models;
mod names;
mod own;
pub(crate) mod piece;
mod places;
pub(crate) mod project;
pub mod requests;
mod shell;
mod trees;

pub use assemble::{Setup, assemble};
pub use draft::Remedy;
pub use install::{Asked, Installed};
pub use lenders::{Lenders, Shelf};
pub(crate) use names::{FileName, file_name};
pub(crate) use own::is_library;

use crate::engine::protocol::{Action, Job};
use crate::finding::Finding;
use crate::source::Span;

/// What a lesson assembles into.
#[derive(Debug, Clone, Default)]
pub struct Lab {
    /// The lesson's id.
    pub lesson: String,
    /// The revisions, in the order in which a reader makes them; numbered from 1.
    pub revisions: Vec<Revision>,
    /// What the page takes for granted, in order of need.
    pub assumptions: Vec<Assumption>,
    /// One entry a block of the lesson, in its order: what becomes of it.
    pub blocks: Vec<BlockPlan>,
    /// Outputs that the page claims.
    pub claims: Vec<Claim>,
    /// What is wrong without running anything.
    pub findings: Vec<Finding>,
    /// Packages that the page installs and the environment lacks.
    pub wants: Vec<Asked>,
    /// Blocks that do not parse, with the names that they would bind.
    pub unparsed: Vec<(usize, Vec<String>)>,
    /// Every name that the page imports, at its place.
    pub imports: Vec<Imported>,
    /// What its comments say that a line prints.
    pub comment_claims: Vec<claims::CommentClaim>,
    /// What its prose says that a reader sees.
    pub prose_claims: Vec<claims::ProseClaim>,
    /// What its `lab.toml` asks of the application: the requests of the last revision that has one, in the order of their steps.
    pub requests: Vec<requests::Asked>,
}

/// A name that a page imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The name, as it is bound.
    pub name: String,
    /// The module it comes from.
    pub module: String,
    /// The bytes of the import statement.
    pub span: Span,
}

/// A state of the project as a reader has it at some point of the page.
#[derive(Debug, Clone, Default)]
pub struct Revision {
    /// Its number, from 1.
    pub number: usize,
    /// The blocks that are new in it, and so judged: indices into the lesson's blocks.
    pub blocks: Vec<usize>,
    /// What the engine runs.
    pub job: Job,
    /// Where each step of the job comes from, by step id.
    pub origins: std::collections::BTreeMap<u32, Origin>,
    /// What it was built from, for second assemblies.
    pub(crate) draft: draft::Draft,
}

impl Revision {
    /// The dotted names of the page's own modules.
    #[must_use]
    pub fn own_modules(&self) -> std::collections::BTreeSet<String> {
        let modules = self.job.steps.iter().filter_map(|step| match &step.action {
            Action::Python { module, file: Some(_), .. } if module != "__main__" => Some(module.clone()),
            _ => None,
        });
        modules.collect()
    }

    /// Whether the page gave commands before that are not replayed in it.
    #[must_use]
    pub fn leaves_out_commands(&self) -> bool {
        !self.draft.replays && !self.draft.past.is_empty()
    }

    /// Whether a step needs, directly or not, one that was supplied.
    #[must_use]
    pub fn rests_on_assumption(&self, id: u32) -> bool {
        let mut open = vec![id];
        let mut seen = std::collections::BTreeSet::new();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            if self.origins.get(&id).is_some_and(|origin| origin.assumption.is_some()) {
                return true;
            }
            open.extend(self.job.steps.iter().find(|step| step.id == id).into_iter().flat_map(|step| step.needs.iter().copied()));
        }
        false
    }

    /// The names that the statement at this place of a block binds.
    #[must_use]
    pub fn binds_at(&self, block: usize, span: Span) -> Vec<String> {
        let piece = self.draft.pieces().find(|piece| piece.block() == Some(block) && piece.span == span);
        piece.map_or_else(Vec::new, |piece| piece.facts.binds.iter().map(|bind| bind.name.clone()).collect())
    }

    /// Every name that any program of it binds.
    #[must_use]
    pub fn bound_names(&self) -> std::collections::BTreeSet<String> {
        self.draft.pieces().flat_map(|piece| piece.facts.binds.iter().map(|bind| bind.name.clone())).collect()
    }

    /// The same revision with these servers beside it.
    #[must_use]
    pub fn with_services(&self, services: Vec<String>) -> Self {
        draft::Draft { services, ..self.draft.clone() }.build(self.number)
    }

    /// The same revision without the statement of a block that failed: an older version of what it binds stands in its place. `None` if there is none.
    #[must_use]
    pub fn without(&self, failed: (usize, Span)) -> Option<Self> {
        Some(self.draft.without(failed)?.build(self.number))
    }

    /// The same revision assembled another way for the sake of `block`: an error must survive it. What only sets something up leaves every block judged;
    /// otherwise `block` alone is. `None` if it would be no different.
    #[must_use]
    pub fn again(&self, block: usize, at: Option<Span>, remedy: Remedy) -> Option<Self> {
        Some(self.draft.again(block, at, remedy)?.build(self.number))
    }
}

/// Where a step comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The block, as an index into the lesson's blocks; `None` for a fixture.
    pub block: Option<usize>,
    /// The bytes of the lesson's source that the step is made of.
    pub span: Option<Span>,
    /// The assumption that the step makes, as an index into the lab's assumptions.
    pub assumption: Option<usize>,
    /// Whether the step is judged; otherwise it is replay or a fixture.
    pub judged: bool,
}

/// Something that the page takes for granted and that was supplied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// The name, such as `engine`.
    pub name: String,
    /// Where it is first needed.
    pub span: Span,
    /// What was supplied, in words.
    pub what: String,
}

/// An output that the page claims for something that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The block whose output it is.
    pub of: usize,
    /// The bytes of the statement or command whose output it is; `None` for the whole block.
    pub piece: Option<Span>,
    /// The block that the claim itself is, if it is one.
    pub block: Option<usize>,
    /// Where it stands.
    pub span: Span,
    /// What it says.
    pub text: String,
}

/// What becomes of a block before anything runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockPlan {
    /// Its fate.
    pub fate: Fate,
    /// Why, where the fate needs a reason.
    pub reason: Option<String>,
    /// The lab file that it is, or is part of.
    pub file: Option<String>,
    /// The numbers of the revisions that judge it.
    pub revisions: Vec<usize>,
}

/// The one fate that every block has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It ran.
    Run,
    /// It is a file that some step used.
    Written,
    /// It is an output, and was compared.
    Compared,
    /// It was only parsed; the reason says why.
    Static,
    /// It was left out; the reason says why.
    Skipped,
}

impl Fate {
    /// The word that reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Written => "written",
            Self::Compared => "compared",
            Self::Static => "static",
            Self::Skipped => "skipped",
        }
    }
}
