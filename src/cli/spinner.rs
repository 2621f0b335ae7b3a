//! Shows what is being built, on standard error: one line that changes on a terminal, now and then a line elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::env::NOTE;

/// In a log, hundreds of lines would bury what matters, and minutes of silence look like the end.
const PAUSE: Duration = Duration::from_secs(10);

/// Something that takes a while.
#[derive(Debug)]
pub struct Spinner {
    bar: Option<ProgressBar>,
    said: Option<Instant>,
    silent: bool,
}

impl Spinner {
    /// Nothing is shown before the first word.
    #[must_use]
    pub fn new() -> Self {
        Self { bar: None, said: None, silent: false }
    }

    /// One that shows nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self { bar: None, said: None, silent: true }
    }

    /// Says what has been done: a line that stays.
    pub fn keep(&mut self, what: &str) {
        match &self.bar {
            _ if self.silent => {}
            Some(bar) => bar.suspend(|| write_line(what)),
            None => write_line(what),
        }
    }

    /// Says what is being done now.
    pub fn tell(&mut self, what: &str) {
        if what.starts_with(NOTE) {
            return self.keep(what);
        }
        if self.silent {
            return;
        }
        if std::io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| {
                let bar = ProgressBar::new_spinner();
                bar.enable_steady_tick(Duration::from_millis(120));
                if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
                    bar.set_style(style);
                }
                bar
            });
            bar.set_message(what.to_owned());
        } else if self.said.is_none_or(|said| said.elapsed() > PAUSE) {
            self.said = Some(Instant::now());
            write_line(what);
        }
    }
}

fn write_line(what: &str) {
    // Whoever closed standard error does not want to hear it.
    let _ = writeln!(std::io::stderr(), "{what}");
}

impl Default for Spinner {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
