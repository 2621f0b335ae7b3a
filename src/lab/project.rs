//! The project as a reader has it while working through a page: programs made of pieces, and files. Blocks join it by the rules of assembling.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::lab::bindings::{binder, binds, needs};
use crate::lab::piece::Piece;
use crate::python::BindKind;

/// A program: a named Python file, or a scratch program that the page never names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    /// Its path in the lab; `None` for a scratch program.
    pub(crate) file: Option<String>,
    /// Its statements, in the order in which they stand in it.
    pub(crate) pieces: Vec<Arc<Piece>>,
    /// When a block last joined it: a number that only grows.
    pub(crate) touched: usize,
}

/// Everything that a reader has at some point of the page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Project {
    /// The programs, in the order in which they were begun.
    pub(crate) programs: Vec<Program>,
    /// Files that are not Python, by path, with the block that they come from.
    pub(crate) files: BTreeMap<String, (String, Option<usize>)>,
    clock: usize,
}

/// What joining did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Joined {
    /// The index of the program.
    pub(crate) program: usize,
    /// Whether something was superseded, so that this is a new revision of the program.
    pub(crate) superseded: bool,
}

impl Project {
    /// The program that was last worked on.
    pub(crate) fn current(&self) -> Option<usize> {
        (0..self.programs.len()).max_by_key(|&index| self.programs[index].touched)
    }

    /// The program of a file.
    pub(crate) fn program_of(&self, file: &str) -> Option<usize> {
        self.programs.iter().position(|program| program.file.as_deref() == Some(file))
    }

    /// Let the pieces of a named block join: a new file, a new version of it, or more of it.
    pub(crate) fn join_file(&mut self, file: &str, pieces: &[Arc<Piece>]) -> Joined {
        let Some(program) = self.program_of(file) else {
            return Joined { program: self.begin(Some(file.to_owned()), pieces), superseded: false };
        };
        let bound =
            |pieces: &[Arc<Piece>]| -> BTreeSet<String> { pieces.iter().flat_map(|piece| piece.facts.binds.iter().map(|bind| bind.name.clone())).collect() };
        let (old, new) = (bound(&self.programs[program].pieces), bound(pieces));
        let elided = pieces.iter().any(|piece| piece.facts.elided);
        if old.intersection(&new).count() * 2 >= old.len() && !elided {
            self.programs[program].pieces = pieces.to_vec();
            self.touch(program);
            return Joined { program, superseded: true };
        }
        Joined { program, superseded: self.edit(program, pieces) }
    }

    /// Let the pieces of a block join the file that its author names, as an edit of it. `None` if there is no such file.
    pub(crate) fn go_on(&mut self, file: &str, pieces: &[Arc<Piece>]) -> Option<Joined> {
        let program = self.program_of(file)?;
        Some(Joined { program, superseded: self.edit(program, pieces) })
    }

    /// Let the pieces of an unnamed block join the program that they belong to, or begin one.
    pub(crate) fn join(&mut self, pieces: &[Arc<Piece>], fresh: bool) -> Joined {
        let Some(current) = self.current().filter(|_| !fresh) else {
            return Joined { program: self.begin(None, pieces), superseded: false };
        };
        let is_console = pieces.iter().any(|piece| piece.console);
        if let Some(program) = self.listed(pieces).filter(|_| !is_console) {
            self.programs[program].pieces = pieces.to_vec();
            self.touch(program);
            return Joined { program, superseded: true };
        }
        let needs = needs(pieces);
        let bound_in = |program: &Program| needs.iter().filter(|name| binder(&program.pieces, program.pieces.len(), name).is_some()).count();
        let best = (0..self.programs.len()).max_by_key(|&index| (bound_in(&self.programs[index]), self.programs[index].touched)).unwrap_or(current);
        let bound = bound_in(&self.programs[best]);
        let target = if bound == 0 { current } else { best };
        let program = &self.programs[target];
        let repeats = || pieces.iter().flat_map(|piece| piece.claims()).any(|claim| program.pieces.iter().any(|old| old.claims().any(|other| other == claim)));
        let stands_alone = needs.is_empty() && repeats();
        let fits_file = if needs.is_empty() { pieces.iter().all(|piece| piece.facts.is_import() || piece.facts.is_definition()) } else { bound == needs.len() };
        // Beside a session that goes on, code without prompts that defines anew what the session has is an aside: nobody types it there.
        let session = || program.pieces.iter().filter(|old| old.console).flat_map(|old| old.claims());
        if !is_console && pieces.iter().flat_map(|piece| piece.claims()).any(|claim| session().any(|other| other == claim)) {
            let beside = if stands_alone { Vec::new() } else { program.pieces.clone() };
            let beside = self.begin(None, &beside);
            self.edit(beside, pieces);
            self.touch(target);
            return Joined { program: beside, superseded: true };
        }
        if stands_alone {
            return Joined { program: self.begin(None, pieces), superseded: false };
        }
        if let Some(file) = program.file.clone()
            && (!fits_file || is_console)
        {
            let names: Vec<&str> = needs.iter().map(String::as_str).filter(|name| program.pieces.iter().any(|piece| binds(piece, name))).collect();
            let mut with_import = Vec::new();
            if !names.is_empty() {
                let module = module_of(&file);
                with_import.push(Piece::supplied(&format!("import of {file}"), &format!("from {module} import {}\n", names.join(", "))));
            }
            with_import.extend(pieces.iter().cloned());
            return Joined { program: self.begin(None, &with_import), superseded: false };
        }
        Joined { program: target, superseded: self.edit(target, pieces) }
    }

    /// The file that an unnamed block shows again: the block defines more than half of what the file defines, and more than one thing.
    fn listed(&self, pieces: &[Arc<Piece>]) -> Option<usize> {
        let defined = |pieces: &[Arc<Piece>]| -> BTreeSet<String> {
            let binds = pieces.iter().flat_map(|piece| &piece.facts.binds).filter(|bind| bind.is_definition());
            binds.map(|bind| bind.name.clone()).collect()
        };
        let new = defined(pieces);
        if !needs(pieces).is_empty() || pieces.iter().any(|piece| piece.facts.elided) {
            return None;
        }
        let shares = |program: &Program| {
            let old = defined(&program.pieces);
            let common = old.intersection(&new).count();
            (program.file.is_some() && common > 1 && common * 2 > old.len()).then_some(common)
        };
        let found = self.programs.iter().enumerate().filter_map(|(index, program)| Some((shares(program)?, program.touched, index)));
        found.max().map(|(_, _, index)| index)
    }

    fn begin(&mut self, file: Option<String>, pieces: &[Arc<Piece>]) -> usize {
        self.programs.push(Program { file, pieces: pieces.to_vec(), touched: 0 });
        self.touch(self.programs.len() - 1);
        self.programs.len() - 1
    }

    fn touch(&mut self, program: usize) {
        self.clock += 1;
        self.programs[program].touched = self.clock;
    }

    /// Add pieces to a program as a reader edits a file: a new version takes the old one's place, the rest goes to the end. Whether anything was superseded.
    fn edit(&mut self, program: usize, pieces: &[Arc<Piece>]) -> bool {
        self.touch(program);
        let is_file = self.programs[program].file.is_some();
        let program = &mut self.programs[program].pieces;
        let old: Vec<(usize, BTreeSet<String>)> = program.iter().enumerate().map(|(index, piece)| (index, piece.claims().collect())).collect();
        let all: Vec<&Piece> = program.iter().chain(pieces).map(AsRef::as_ref).collect();
        let supersedes = |new: &Piece, index: usize, claims: &BTreeSet<String>| {
            let shared: Vec<String> = new.claims().filter(|claim| claims.contains(claim)).collect();
            let only_tables = shared.iter().all(|claim| claim.starts_with("table "));
            !(shared.is_empty() || only_tables && are_apart(&all, new, &program[index]))
        };
        let superseded: BTreeSet<usize> =
            old.iter().filter(|(index, claims)| pieces.iter().any(|new| supersedes(new, *index, claims))).map(|(index, _)| *index).collect();
        let typed = pieces.iter().all(|piece| piece.console) && superseded.iter().all(|&index| is_typed_over(program, index, pieces));
        let Some(&first) = superseded.first().filter(|_| !typed) else {
            // Into a file, imports go where a reader puts them: after those that stand at its top.
            let top = program.iter().take_while(|piece| piece.facts.is_import()).count();
            let (imports, rest): (Vec<_>, Vec<_>) = pieces.iter().cloned().partition(|piece| is_file && piece.facts.is_import());
            program.splice(top..top, imports);
            program.extend(rest);
            return false;
        };
        let before = std::mem::take(program);
        let mut kept: Vec<Option<Arc<Piece>>> = before.iter().cloned().map(Some).collect();
        for &index in &superseded {
            kept[index] = None;
        }
        // A statement that is written again with the new version is not there twice.
        for old in &mut kept {
            let again =
                |old: &Arc<Piece>| !old.facts.is_import() && !old.facts.is_definition() && pieces.iter().any(|piece| piece.code.trim() == old.code.trim());
            if old.as_ref().is_some_and(again) {
                *old = None;
            }
        }
        // Imports go where a reader puts them: above what needs them. That holds for those that stand further down as well.
        let mut slots: Vec<Vec<Arc<Piece>>> = vec![Vec::new(); before.len() + 1];
        let renewed = pieces.iter().filter(|piece| piece.claims().next().is_some());
        let read: BTreeSet<&str> = renewed.flat_map(|piece| piece.facts.reads.iter().map(|name| name.name.as_str())).collect();
        for old in &mut kept[first..] {
            let wanted = |old: &Arc<Piece>| {
                let unbound = |name: &str| !before[..first].iter().any(|other| binds(other, name));
                old.facts.is_import() && old.facts.binds.iter().any(|bind| read.contains(bind.name.as_str()) && unbound(&bind.name))
            };
            if old.as_ref().is_some_and(wanted) {
                slots[first].extend(old.take());
            }
        }
        for piece in pieces {
            let claims: BTreeSet<String> = piece.claims().collect();
            let place = old.iter().find(|(index, other)| superseded.contains(index) && !claims.is_disjoint(other)).map(|(index, _)| *index);
            let slot = match place {
                Some(place) => place.max(after_reads(piece, &kept, &slots)),
                None if piece.facts.is_import() => first,
                None => before.len(),
            };
            slots[slot].push(Arc::clone(piece));
        }
        for (slot, old) in slots.into_iter().zip(kept.into_iter().chain([None])) {
            program.extend(slot);
            program.extend(old);
        }
        true
    }
}

/// Whether two tables are in two collections of tables, where even the same name does not clash: what each is made of leads to another `MetaData` or base class.
fn are_apart(program: &[&Piece], one: &Piece, other: &Piece) -> bool {
    let (one, other) = (collections(program, one), collections(program, other));
    !one.is_empty() && !other.is_empty() && one.is_disjoint(&other)
}

/// The names of the collections of tables that a piece is made with, directly or through what it reads.
fn collections<'a>(program: &[&'a Piece], piece: &'a Piece) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![piece];
    while let Some(piece) = open.pop() {
        for name in piece.facts.reads.iter().map(|name| name.name.as_str()).filter(|name| seen.insert(name.to_string())) {
            let Some((binding, bind)) = program.iter().rev().find_map(|other| Some((*other, other.facts.binds.iter().find(|bind| bind.name == name)?))) else {
                continue;
            };
            let collects = match &bind.kind {
                BindKind::Call(callee) => ["MetaData", "declarative_base", "registry", "SQLAlchemy"].contains(&callee.as_str()),
                BindKind::Class { bases } => bases.iter().any(|base| base.starts_with("DeclarativeBase")),
                _ => false,
            };
            if collects {
                found.insert(bind.name.as_str());
            }
            open.push(binding);
        }
    }
    found
}

/// Whether a session goes on when a definition in it is typed again: a table or an endpoint may come twice only if what holds it was made anew since.
fn is_typed_over(program: &[Arc<Piece>], old: usize, pieces: &[Arc<Piece>]) -> bool {
    let held: BTreeSet<String> = program[old].claims().filter(|claim| !claim.starts_with("name ")).collect();
    let anew = |piece: &Piece, name: &str| piece.facts.binds.iter().any(|bind| bind.name == name && bind.is_definition());
    program[old].console
        && pieces.iter().enumerate().filter(|(_, piece)| piece.claims().any(|claim| held.contains(&claim))).all(|(at, piece)| {
            let since = || program[old + 1..].iter().chain(&pieces[..at]);
            piece.facts.reads.iter().any(|name| since().any(|piece| anew(piece, &name.name)))
        })
}

/// The first slot at which all that `piece` reads, and that the program binds at all, is bound.
fn after_reads(piece: &Piece, kept: &[Option<Arc<Piece>>], slots: &[Vec<Arc<Piece>>]) -> usize {
    let first_bound = |name: &str| {
        let in_slots = slots.iter().position(|slot| slot.iter().any(|other| binds(other, name)));
        let in_kept = kept.iter().position(|other| other.as_ref().is_some_and(|other| binds(other, name))).map(|index| index + 1);
        [in_slots, in_kept].into_iter().flatten().min()
    };
    piece.facts.reads.iter().filter_map(|name| first_bound(&name.name)).max().unwrap_or(0)
}

/// The dotted name under which a lab file is imported.
pub(crate) fn module_of(file: &str) -> String {
    let stem = file.strip_suffix(".py").unwrap_or(file);
    let stem = stem.strip_suffix("/__init__").unwrap_or(stem);
    stem.replace('/', ".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::piece::{PieceOrigin, absorb};
    use crate::python;

    fn block(index: usize, code: &str) -> Vec<Arc<Piece>> {
        let parsed = python::parse(code);
        assert_eq!(parsed.errors, []);
        let piece = |facts: python::Statement| {
            let text = code[facts.span.start..facts.span.end].to_owned();
            let mut own = python::Statement { span: facts.span, ..python::Statement::default() };
            absorb(&mut own, facts.clone());
            Arc::new(Piece { origin: PieceOrigin::Block(index), path: "a.md".into(), span: facts.span, line: 1, code: text, facts: own, console: false })
        };
        parsed.statements.into_iter().map(piece).collect()
    }

    fn text(project: &Project, program: usize) -> Vec<String> {
        project.programs[program].pieces.iter().map(|piece| format!("{}:{}", piece.block().unwrap_or(99), piece.code.lines().next().unwrap_or(""))).collect()
    }

    #[test]
    fn a_definition_that_comes_again_takes_the_old_ones_place() {
        let mut project = Project::default();
        project.join(&block(0, "Base = object\nclass Left(Base): pass\nclass Right(Base): pass\n"), false);
        let joined = project.join(&block(1, "import sys\nclass Left(Base): x = sys\n"), false);
        assert!(joined.superseded);
        assert_eq!(text(&project, 0), ["0:Base = object", "1:import sys", "1:class Left(Base): x = sys", "0:class Right(Base): pass"]);
        let joined = project.join(&block(2, "for left in Left.x: print(left)\n"), false);
        assert!(!joined.superseded && joined.program == 0);
    }

    #[test]
    fn the_new_one_waits_for_what_it_reads() {
        let mut project = Project::default();
        project.join(&block(0, "class Left: pass\nx = Left()\n"), false);
        project.join(&block(1, "t = Table('t')\nclass Left: t = t\n"), false);
        assert_eq!(text(&project, 0), ["0:x = Left()", "1:t = Table('t')", "1:class Left: t = t"]);
    }

    #[test]
    fn an_import_further_down_goes_up_with_the_new_one_that_reads_it() {
        let mut project = Project::default();
        project.join(&block(0, "class Left: pass\nx = Left()\nimport sys\nprint(sys)\n"), false);
        project.join(&block(1, "class Left: t = sys\n"), false);
        assert_eq!(text(&project, 0), ["0:import sys", "1:class Left: t = sys", "0:x = Left()", "0:print(sys)"]);
    }

    #[test]
    fn code_beside_a_session_leaves_the_session_as_it_is() {
        let mut project = Project::default();
        let typed = block(0, "Base = object\nclass Left(Base): pass\nx = Left()\n")
            .iter()
            .map(|piece| Arc::new(Piece { console: true, ..(**piece).clone() }))
            .collect::<Vec<_>>();
        project.join(&typed, false);
        let aside = project.join(&block(1, "class Left(Base): y = 1\n"), false);
        assert_eq!(text(&project, aside.program), ["0:Base = object", "1:class Left(Base): y = 1", "0:x = Left()"]);
        let typed = project.join(&block(2, "x.z = 1\n"), false);
        assert_eq!(text(&project, typed.program), ["0:Base = object", "0:class Left(Base): pass", "0:x = Left()", "2:x.z = 1"]);
    }

    #[test]
    fn a_session_goes_on_over_what_is_typed_again() {
        let typed =
            |index: usize, code: &str| block(index, code).iter().map(|piece| Arc::new(Piece { console: true, ..(**piece).clone() })).collect::<Vec<_>>();
        let class = "class Left(Base):\n    __tablename__ = 'left'\n";
        let mut project = Project::default();
        project.join(&typed(0, &format!("Base = declarative_base()\n{class}")), false);
        assert!(project.join(&typed(1, class), false).superseded);
        assert_eq!(text(&project, 0), ["0:Base = declarative_base()", "1:class Left(Base):"]);
        assert!(!project.join(&typed(2, "Base = declarative_base()\n"), false).superseded);
        assert!(!project.join(&typed(3, class), false).superseded);
        let all = ["0:Base = declarative_base()", "1:class Left(Base):", "2:Base = declarative_base()", "3:class Left(Base):"];
        assert_eq!(text(&project, 0), all);
    }

    #[test]
    fn a_block_that_needs_nothing_and_repeats_a_definition_begins_anew() {
        let mut project = Project::default();
        project.join(&block(0, "from flask import Flask\napp = Flask('a')\n"), false);
        let again = project.join(&block(1, "from flask import Flask\napp = Flask('b')\n"), false);
        assert_eq!(again.program, 1);
        let view = project.join(&block(2, "@app.route('/')\ndef index(): return 'x'\n"), false);
        assert_eq!(view.program, 1);
    }

    #[test]
    fn a_scratch_block_beside_a_file_imports_it() {
        let mut project = Project::default();
        project.join_file("shop/app.py", &block(0, "app = 1\n"));
        let joined = project.join(&block(1, "print(app, other)\n"), false);
        assert_eq!(text(&project, joined.program), ["99:from shop.app import app", "1:print(app, other)"]);
        let more = project.join(&block(2, "def view(): return app\n"), false);
        assert_eq!((more.program, more.superseded), (1, false));
    }

    #[test]
    fn the_same_table_name_in_another_collection_is_another_table() {
        let core = "m = MetaData()\nbooks = Table('book', m)\n";
        let mapped = "class Base(DeclarativeBase): pass\nclass Book(Base):\n    __tablename__ = 'book'\n";
        let mut project = Project::default();
        project.join(&block(0, core), false);
        assert!(!project.join(&block(1, mapped), false).superseded);
        let mut project = Project::default();
        project.join(&block(0, core), false);
        assert!(project.join(&block(1, &mapped.replace("class Base(DeclarativeBase): pass", "Base = declarative_base(metadata=m)")), false).superseded);
    }

    #[test]
    fn the_same_table_name_is_the_same_thing() {
        let mut project = Project::default();
        project.join(&block(0, "a = Table('ab', m)\n"), false);
        project.join(&block(1, "class AB(Base):\n    __tablename__ = 'ab'\n"), false);
        assert_eq!(text(&project, 0), ["1:class AB(Base):"]);
    }
}
