//! `proctor review`: look at the outputs that wait to be accepted, and decide.
//!
//! The decisions are [`Review`], pure; a [`session`] feeds it keys, from a terminal or from a test. Nothing is accepted that was not shown or asked for.

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use console::{Key, Term};

use super::Exit;
use crate::snapshot::store::{Pending, Store, Waiting};

mod editor;
pub mod shown;

use shown::visible;

/// Look at the outputs that wait to be accepted, and accept or reject each
///
/// On a terminal, each is shown with what it changes, and a key decides. Elsewhere all are printed, and the exit status is 1 if any wait.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// The course, or one page or lesson of it: PATH, PATH#5.5, an id or a number
    #[arg(value_name = "PATH")]
    pub path: Option<String>,
    /// Accept all that waits, without asking
    #[arg(long, conflicts_with = "reject_all")]
    pub accept_all: bool,
    /// Throw all that waits away, without asking
    #[arg(long)]
    pub reject_all: bool,
}

/// Run the command over the snapshots below `labs`.
///
/// # Errors
/// If the terminal cannot be read or written.
pub fn run(args: &Args, labs: &Path) -> anyhow::Result<Exit> {
    let store = Store::new(labs);
    let mut waiting = store.pending();
    if let Some(word) = args.path.as_deref().filter(|word| !Path::new(word).is_dir()) {
        waiting.pending.retain(|pending| selects(word, pending));
    }
    let mut out = anstream::stdout().lock();
    let done = if args.accept_all {
        settle(&store, &waiting, &mut out, Action::Accept)
    } else if args.reject_all {
        settle(&store, &waiting, &mut out, Action::Reject)
    } else if !waiting.pending.is_empty() && io::stdin().is_terminal() && io::stdout().is_terminal() {
        let term = Term::stdout();
        session(&store, waiting, &mut out, || term.read_key_raw(), editor::open)
    } else {
        list(&waiting, &mut out)
    };
    unless_nobody_reads(done)
}

/// Nobody reading on is no failure.
pub(super) fn unless_nobody_reads(done: io::Result<Exit>) -> anyhow::Result<Exit> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Fine),
        done => Ok(done?),
    }
}

/// Whether `word` of the command line names the lesson of a pending snapshot: by id, by number, or by PATH or PATH#NUMBER.
#[must_use]
pub fn selects(word: &str, pending: &Pending) -> bool {
    let metadata = &pending.fresh.metadata;
    let number = metadata.info.get(crate::snapshot::Metadata::NUMBER).map(String::as_str).or_else(|| Some(pending.lesson.rsplit_once('#')?.1));
    let source = metadata.source.as_deref().unwrap_or("");
    let is_page = |path: &str| {
        !source.is_empty() && (path.strip_prefix("./").unwrap_or(path) == source || Path::new(path).is_absolute() && Path::new(path).ends_with(source))
    };
    word == pending.lesson
        || Some(word) == number
        || is_page(word)
        || word.rsplit_once('#').is_some_and(|(path, wanted)| is_page(path) && Some(wanted) == number)
}

/// What a person can say to a pending snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is right.
    Accept,
    /// It is wrong; the old one stays.
    Reject,
    /// Not now.
    Skip,
    /// It is right, and so are those of its lesson that follow.
    AcceptLesson,
    /// The page is to be seen in an editor first.
    Edit,
    /// Enough.
    Quit,
}

impl Answer {
    /// What a key means; nothing for a key that means nothing.
    #[must_use]
    pub fn of(key: &Key) -> Option<Self> {
        match key {
            Key::Char('a') => Some(Self::Accept),
            Key::Char('r') => Some(Self::Reject),
            Key::Char('s') => Some(Self::Skip),
            Key::Char('A') => Some(Self::AcceptLesson),
            Key::Char('e') => Some(Self::Edit),
            Key::Char('q') | Key::Escape | Key::CtrlC => Some(Self::Quit),
            _ => None,
        }
    }
}

/// What is to be done with a pending snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Accept it.
    Accept,
    /// Throw it away.
    Reject,
}

/// A walk through what waits. Pure: it says what is to be done and does nothing.
#[derive(Debug, Clone)]
pub struct Review {
    pending: Vec<Pending>,
    at: usize,
}

impl Review {
    /// A walk through these, those of a lesson side by side.
    #[must_use]
    pub fn new(pending: Vec<Pending>) -> Self {
        Self { pending, at: 0 }
    }

    /// The one to show, with its place from 1; `None` at the end.
    #[must_use]
    pub fn current(&self) -> Option<(usize, &Pending)> {
        self.pending.get(self.at).map(|pending| (self.at + 1, pending))
    }

    /// Take an answer to the current one: what to do with which. What is decided is decided, whatever is answered later.
    pub fn answer(&mut self, answer: Answer) -> Vec<(Action, &Pending)> {
        let start = self.at;
        let Some(current) = self.pending.get(start) else { return Vec::new() };
        let lesson = self.pending[start..].iter().take_while(|pending| pending.lesson == current.lesson).count();
        let (action, count) = match answer {
            Answer::Accept => (Some(Action::Accept), 1),
            Answer::AcceptLesson => (Some(Action::Accept), lesson),
            Answer::Reject => (Some(Action::Reject), 1),
            Answer::Skip => (None, 1),
            Answer::Edit => (None, 0),
            Answer::Quit => (None, self.pending.len() - start),
        };
        self.at += count;
        action.map_or_else(Vec::new, |action| self.pending[start..self.at].iter().map(|pending| (action, pending)).collect())
    }
}

/// What the keys do, shown once.
const LEGEND: &str = "  a  accept: this output is right
  r  reject: throw it away; what was accepted before stays
  s  skip: decide later
  A  accept this one and the others of its lesson that follow
  e  open the page in your editor, at this block
  q  quit: what is decided stays decided";
/// The same, for those who have read it.
const REMINDER: &str = "  a accept, r reject, s skip, A accept the rest of the lesson, e edit the page, q quit";

/// Show one after the other and do what the keys say; `edit` opens the page of one and says how that went.
/// What is decided is done at once: a crash or a Ctrl-C undoes nothing.
///
/// # Errors
/// If a key cannot be read or `out` cannot be written.
pub fn session(
    store: &Store,
    waiting: Waiting,
    out: &mut impl Write,
    mut next_key: impl FnMut() -> io::Result<Key>,
    mut edit: impl FnMut(&Pending) -> String,
) -> io::Result<Exit> {
    let total = waiting.pending.len();
    let mut review = Review::new(waiting.pending);
    let mut counts = Counts::default();
    let mut interrupted = false;
    while let Some((place, pending)) = review.current() {
        writeln!(out, "\n[{place} of {total}] {}", shown::pending(pending))?;
        writeln!(out, "{}", if place == 1 { LEGEND } else { REMINDER })?;
        out.flush()?;
        let (key, answer) = loop {
            let key = next_key()?;
            if let Some(answer) = Answer::of(&key) {
                break (key, answer);
            }
        };
        interrupted |= key == Key::CtrlC;
        if answer == Answer::Edit {
            writeln!(out, "{}", visible(&edit(pending)))?;
            continue;
        }
        for (action, pending) in review.answer(answer) {
            counts.add(act(store, action, pending, out)?);
        }
    }
    let left = total - counts.accepted - counts.rejected;
    writeln!(out, "\n{} accepted, {} rejected, {left} still pending", counts.accepted, counts.rejected)?;
    let unread = tell_unreadable(&waiting.unreadable, out)?;
    Ok(if interrupted {
        Exit::Interrupted
    } else if left > 0 || unread {
        Exit::Findings
    } else {
        Exit::Fine
    })
}

/// How many went which way.
#[derive(Debug, Default)]
struct Counts {
    accepted: usize,
    rejected: usize,
    refused: usize,
}

impl Counts {
    fn add(&mut self, done: Option<Action>) {
        match done {
            Some(Action::Accept) => self.accepted += 1,
            Some(Action::Reject) => self.rejected += 1,
            None => self.refused += 1,
        }
    }
}

/// Do it and say so; `None` if it could not be done, which is said too.
fn act(store: &Store, action: Action, pending: &Pending, out: &mut impl Write) -> io::Result<Option<Action>> {
    let (done, word) = match action {
        Action::Accept => (store.accept(pending), "accepted"),
        Action::Reject => (store.reject(pending), "rejected"),
    };
    match done {
        Ok(()) => writeln!(out, "{word} {}, {}", visible(&pending.lesson), visible(&pending.key)).map(|()| Some(action)),
        Err(error) => writeln!(out, "error: {}", visible(&error.to_string())).map(|()| None),
    }
}

/// Do the same with all of them.
pub(super) fn settle(store: &Store, waiting: &Waiting, out: &mut impl Write, action: Action) -> io::Result<Exit> {
    let mut counts = Counts::default();
    for pending in &waiting.pending {
        counts.add(act(store, action, pending, out)?);
    }
    let unread = tell_unreadable(&waiting.unreadable, out)?;
    if waiting.pending.is_empty() && !unread {
        writeln!(out, "nothing is pending")?;
    }
    Ok(if counts.refused > 0 || unread { Exit::Findings } else { Exit::Fine })
}

/// Print all that waits, for a log, and how to go on.
fn list(waiting: &Waiting, out: &mut impl Write) -> io::Result<Exit> {
    for pending in &waiting.pending {
        writeln!(out, "{}", shown::pending(pending))?;
    }
    let unread = tell_unreadable(&waiting.unreadable, out)?;
    match waiting.pending.len() {
        0 if unread => return Ok(Exit::Findings),
        0 => {
            writeln!(out, "nothing is pending")?;
            return Ok(Exit::Fine);
        }
        1 => writeln!(out, "1 output is pending.")?,
        count => writeln!(out, "{count} outputs are pending.")?,
    }
    writeln!(out, "To decide one by one, run `proctor review` on a terminal. To accept them: `proctor accept LESSON` for one lesson, or")?;
    writeln!(out, "`proctor review --accept-all`. Then commit the `.snap` files. To throw them away: `proctor review --reject-all`.")?;
    Ok(Exit::Findings)
}

fn tell_unreadable(errors: &[crate::snapshot::SnapshotError], out: &mut impl Write) -> io::Result<bool> {
    for error in errors {
        writeln!(out, "error: {}", visible(&error.to_string()))?;
    }
    Ok(!errors.is_empty())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

    use super::*;
    use crate::snapshot::{Metadata, Snapshot};

    fn pending(lesson: &str, key: &str) -> Pending {
        Pending { lesson: lesson.to_owned(), key: key.to_owned(), path: "x".into(), fresh: Snapshot::of("one"), old: None }
    }

    fn keys(actions: &[(Action, &Pending)]) -> Vec<String> {
        actions.iter().map(|(action, pending)| format!("{action:?} {}", pending.key)).collect()
    }

    #[test]
    fn answers_become_actions() {
        let mut review = Review::new(["a-1", "a-2", "a-3", "b-1", "c-1"].map(|key| pending(&key[..1], key)).to_vec());
        assert_eq!(keys(&review.answer(Answer::Skip)), [""; 0]);
        assert_eq!(keys(&review.answer(Answer::AcceptLesson)), ["Accept a-2", "Accept a-3"]);
        assert_eq!(review.current().unwrap().0, 4);
        assert_eq!(keys(&review.answer(Answer::Reject)), ["Reject b-1"]);
        assert_eq!(keys(&review.answer(Answer::Quit)), [""; 0]);
        assert!(review.current().is_none());
        assert!(review.answer(Answer::Accept).is_empty());
    }

    #[test]
    fn a_lesson_of_a_page_of_many_is_selected_by_page_and_number() {
        let mut lesson = pending("guide#5.5", "a-1");
        lesson.fresh.metadata = Metadata { source: Some("old/guide.txt".to_owned()), ..Metadata::default() };
        for word in ["guide#5.5", "5.5", "old/guide.txt", "old/guide.txt#5.5", "./old/guide.txt#5.5", "/x/old/guide.txt"] {
            assert!(selects(word, &lesson), "{word}");
        }
        for word in ["", "5", "guide", "guide.txt#5.4", "old/guide.txt#5.4", "d/guide.txt"] {
            assert!(!selects(word, &lesson), "{word}");
        }
    }

    #[test]
    fn a_log_gets_all_and_the_way_on() {
        let mut out = Vec::new();
        let waiting = Waiting { pending: vec![pending("a", "a-1")], unreadable: Vec::new() };
        assert_eq!(list(&waiting, &mut out).unwrap(), Exit::Findings);
        insta::assert_snapshot!(anstream::adapter::strip_str(&String::from_utf8(out).unwrap()), @"
        a: new output at a-1
        + one

        1 output is pending.
        To decide one by one, run `proctor review` on a terminal. To accept them: `proctor accept LESSON` for one lesson, or
        `proctor review --accept-all`. Then commit the `.snap` files. To throw them away: `proctor review --reject-all`.
        ");
        let mut out = Vec::new();
        assert_eq!(list(&Waiting::default(), &mut out).unwrap(), Exit::Fine);
        assert_eq!(out, b"nothing is pending\n");
    }

    #[test]
    fn nobody_reading_on_is_no_failure() {
        assert_eq!(unless_nobody_reads(Err(io::ErrorKind::BrokenPipe.into())).unwrap(), Exit::Fine);
        assert!(unless_nobody_reads(Err(io::ErrorKind::Other.into())).is_err());
    }
}
