//! Writes what a command has to say to standard output. A reader who has seen enough (`proctor doctor | head`) is no failure.

use std::io::{ErrorKind, Write};

/// Writes a text, with a line's end if it has none.
///
/// # Errors
/// If standard output cannot be written for another reason than that nobody reads it any more.
pub fn say(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    match write!(out, "{text}{end}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(anyhow::Error::new(error).context("writing to standard output")),
        _ => Ok(()),
    }
}
