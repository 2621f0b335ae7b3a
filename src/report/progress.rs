//! Progress: folds live events into a bar on standard error. `Event --> what a person sees while waiting`.
//!
//! It prints nothing but how far the check is, never a result: those are the report's. Where standard error is no terminal there is no bar; what takes
//! long, such as building an environment, is then said once, on a line of its own, so that the log of a job shows what it waits for.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{text, wording};
use crate::outcome::{Event, Status};

/// How many running lessons the bar names.
const NAMED: usize = 3;

/// The state of the bar.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    live: bool,
    running: BTreeSet<String>,
    to_run: usize,
    done: usize,
    troubled: usize,
}

impl Progress {
    /// A bar on standard error, hidden where that is no terminal. `quiet` hides it anywhere.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let live = !quiet && std::io::stderr().is_terminal();
        let target = if live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self::on(target, live || quiet)
    }

    fn on(target: ProgressDrawTarget, live: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(waiting());
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self { bar, live, running: BTreeSet::new(), to_run: 0, done: 0, troubled: 0 }
    }

    /// Take notice of an event.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::Read { to_run, .. } => {
                self.to_run = *to_run;
                self.bar.set_length(*to_run as u64);
                self.bar.set_style(running());
            }
            Event::Preparing(what) => {
                let what = text::one_line(what);
                // A decision is worth keeping; a step only until the next.
                if what.starts_with("note: ") {
                    self.bar.suspend(|| writeln!(std::io::stderr(), "{what}").unwrap_or_default());
                    return;
                }
                if !self.live {
                    // Standard error may be closed; there is nobody to tell then.
                    let _ = writeln!(std::io::stderr(), "{what}");
                }
                self.bar.set_message(what);
                return;
            }
            Event::Started { id } => {
                self.running.insert(id.clone());
            }
            Event::Judged { lesson, .. } => {
                // Lessons without blocks are judged without being run, and are no progress.
                if self.running.remove(&lesson.id) {
                    self.done += 1;
                    self.bar.set_position(self.done as u64);
                    self.troubled += usize::from(!matches!(lesson.status, Status::Passed | Status::Skipped | Status::Empty));
                }
            }
        }
        self.bar.set_message(self.message());
    }

    /// Take the bar away. Dropping it does the same.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// How far it is, and what runs right now.
    fn message(&self) -> String {
        let mut message = wording::progress(self.done, self.to_run, self.troubled);
        for (index, id) in self.running.iter().take(NAMED).enumerate() {
            message.push_str(if index == 0 { ": " } else { ", " });
            message.push_str(&text::one_line(id));
        }
        if self.running.len() > NAMED {
            message.push_str(", …");
        }
        message
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// How the bar looks while nothing is known of its length.
fn waiting() -> ProgressStyle {
    style("{spinner} {wide_msg}")
}

/// How it looks while lessons run.
fn running() -> ProgressStyle {
    style("{spinner} [{bar:24}] {wide_msg}")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn the_message_follows_the_events() {
        let mut progress = Progress::on(ProgressDrawTarget::hidden(), true);
        progress.observe(&Event::Read { chapters: 1, lessons: 9, to_run: 2 });
        let lessons = fixture::report().lessons;
        for lesson in &lessons[..2] {
            progress.observe(&Event::Started { id: lesson.id.clone() });
        }
        assert_eq!(progress.message(), "0 of 2 lessons: content/02/02-first, guide.txt");
        progress.observe(&Event::Judged { index: 1, lesson: Box::new(lessons[1].clone()) });
        assert_eq!(progress.message(), "1 of 2 lessons, 1 not passed: content/02/02-first");
        progress.observe(&Event::Judged { index: 6, lesson: Box::new(lessons[6].clone()) });
        assert_eq!(progress.message(), "1 of 2 lessons, 1 not passed: content/02/02-first");
        progress.observe(&Event::Judged { index: 0, lesson: Box::new(lessons[0].clone()) });
        assert_eq!(progress.message(), "2 of 2 lessons, 1 not passed");
    }
}
