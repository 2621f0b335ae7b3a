//! Finds the code in lines that nothing marks: every recogniser in turn, line by line. Part of `Source --guide::parse--> Guide`.
//!
//! Each line is looked at a bounded number of times, whatever the text.

use super::console;
use super::lines::{Lines, Run};
use super::runs::{self, Found};

/// The code in lines `from..limit`, in order, without overlaps.
pub(super) fn code(lines: &Lines, from: usize, limit: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut at = from;
    // What follows the last run: the lines that sentences and headings may stand in.
    let mut start = from;
    while at < limit {
        at = lines.written(at, limit);
        if at >= limit {
            break;
        }
        let found = match console::session(lines, at, limit) {
            Some(run) => Found::Code(run),
            None => runs::python(lines, start, at, limit),
        };
        match found {
            Found::Code(run) => {
                at = run.end;
                start = run.end;
                runs.push(run);
            }
            Found::Prose { end } => at = end.max(at + 1),
        }
    }
    runs
}
