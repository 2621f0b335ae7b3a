//! `proctor accept LESSON...`: accept the pending outputs of lessons. Output that was not the same in two runs is refused.

use std::io::{self, Write};
use std::path::Path;

use super::Exit;
use super::review::{self, Action, shown::visible};
use crate::snapshot::store::{Store, Waiting};

/// Accept the pending outputs of lessons as what they should print
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// The lessons: PATH, PATH#5.5, an id or a number each
    #[arg(value_name = "LESSON", required = true)]
    pub lessons: Vec<String>,
}

/// Run the command over the snapshots below `labs`.
///
/// # Errors
/// If the output cannot be written.
pub fn run(args: &Args, labs: &Path) -> anyhow::Result<Exit> {
    review::unless_nobody_reads(accept(args, &Store::new(labs), &mut anstream::stdout().lock()))
}

fn accept(args: &Args, store: &Store, out: &mut impl Write) -> io::Result<Exit> {
    let Waiting { pending, unreadable } = store.pending();
    // All words are looked at before anything is accepted: a slip in one of them must not leave the work half done.
    let settled = store.lessons();
    let (idle, unknown): (Vec<_>, Vec<_>) =
        args.lessons.iter().filter(|word| !pending.iter().any(|pending| review::selects(word, pending))).partition(|word| settled.contains(word));
    if !unknown.is_empty() {
        let waiting: std::collections::BTreeSet<_> = pending.iter().map(|pending| pending.lesson.as_str()).collect();
        for word in unknown {
            writeln!(out, "error: nothing is pending for `{}`{}", visible(word), nearest(word, &waiting.iter().copied().collect::<Vec<_>>()))?;
        }
        return Ok(Exit::Usage);
    }
    for word in &idle {
        writeln!(out, "nothing is pending for `{}`", visible(word))?;
    }
    if idle.len() == args.lessons.len() {
        return Ok(Exit::Fine);
    }
    let chosen = pending.into_iter().filter(|pending| args.lessons.iter().any(|word| review::selects(word, pending))).collect();
    review::settle(store, &Waiting { pending: chosen, unreadable }, out, Action::Accept)
}

/// What else could have been meant.
fn nearest(word: &str, lessons: &[&str]) -> String {
    let close = similar::get_close_matches(word, lessons, 3, 0.6);
    let (text, offered) = if close.is_empty() { ("; these lessons have pending outputs", lessons) } else { ("; did you mean", close.as_slice()) };
    if offered.is_empty() {
        return ": no lesson has a pending output; `proctor check` makes one where an output is new or has changed".to_owned();
    }
    let names: Vec<_> = offered.iter().take(10).map(|lesson| format!("`{}`", visible(lesson))).collect();
    let end = if close.is_empty() { "" } else { "?" };
    format!("{text} {}{end}", names.join(", "))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

    use super::*;
    use crate::snapshot::{Metadata, Snapshot};

    fn store(folder: &tempfile::TempDir) -> Store {
        let store = Store::new(folder.path());
        for (lesson, number) in [("05-databases/05-relationships", "5.5"), ("02-basics/02-first-app", "2.2")] {
            let metadata = Metadata {
                source: Some(format!("content/{lesson}.md")),
                info: [(Metadata::NUMBER.to_owned(), number.to_owned())].into(),
                ..Metadata::default()
            };
            store.write_pending(lesson, "a-1", &Snapshot::of("one").with_metadata(metadata)).unwrap();
        }
        store
    }

    fn run(store: &Store, words: &[&str]) -> (Exit, String) {
        let mut out = Vec::new();
        let exit = accept(&Args { lessons: words.iter().map(|&word| word.to_owned()).collect() }, store, &mut out).unwrap();
        (exit, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_lesson_is_accepted_by_any_of_its_names() {
        for word in ["05-databases/05-relationships", "5.5", "content/05-databases/05-relationships.md", "./content/05-databases/05-relationships.md"] {
            let folder = tempfile::tempdir().unwrap();
            let store = store(&folder);
            assert_eq!(run(&store, &[word]), (Exit::Fine, "accepted 05-databases/05-relationships, a-1\n".to_owned()), "{word}");
            assert!(store.load("05-databases/05-relationships", "a-1").unwrap().is_some());
            assert!(store.load("02-basics/02-first-app", "a-1").unwrap().is_none());
            assert_eq!(run(&store, &["05-databases/05-relationships"]).0, Exit::Fine, "again");
        }
    }

    #[test]
    fn a_slip_accepts_nothing_and_offers_what_is_near() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let (exit, text) = run(&store, &["5.5", "05-databases/05-relationship"]);
        assert_eq!(exit, Exit::Usage);
        assert_eq!(text, "error: nothing is pending for `05-databases/05-relationship`; did you mean `05-databases/05-relationships`?\n");
        assert_eq!(store.pending().pending.len(), 2);
        let empty = tempfile::tempdir().unwrap();
        assert!(run(&Store::new(empty.path()), &["5.5"]).1.contains("no lesson has a pending output"));
    }

    #[test]
    fn output_that_differed_in_two_runs_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        let metadata = Metadata { info: [(Metadata::STABLE.to_owned(), "false".to_owned())].into(), ..Metadata::default() };
        store.write_pending("a", "a-1", &Snapshot::of("0.1234").with_metadata(metadata)).unwrap();
        let (exit, text) = run(&store, &["a"]);
        assert_eq!(exit, Exit::Findings);
        assert!(text.starts_with("error: a, a-1: two runs did not give the same output"), "{text}");
    }
}
