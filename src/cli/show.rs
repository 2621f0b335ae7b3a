//! `proctor show`: the program that a lesson assembles into, with the guide line beside each line.

use std::fmt::Write;

use crate::cli::{Exit, course, print, usage};
use crate::engine::protocol::Action;
use crate::guide::Lesson;
use crate::lab::{Lab, Revision};

/// Arguments of `proctor show`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The lesson: PATH, PATH#LESSON, an id or a number.
    lesson: String,
    /// Only this revision, from 1; all of them if left out.
    #[arg(long, value_name = "N")]
    revision: Option<usize>,
}

/// Run the command.
///
/// # Errors
/// If the lesson or the revision does not exist.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let course = course::find(std::slice::from_ref(&args.lesson))?;
    let mut text = String::new();
    for planned in course.planned.iter().filter(|planned| course.planned.len() == 1 || !planned.lesson.blocks.is_empty()) {
        let lab = planned.lab();
        let count = lab.revisions.len();
        if let Some(number) = args.revision.filter(|number| *number == 0 || *number > count) {
            return Err(usage(format!("there is no revision {number}: {} has {count}", planned.lesson.id)).into());
        }
        let _ = writeln!(text, "{} {}", planned.selector, planned.lesson.title);
        for revision in lab.revisions.iter().filter(|revision| args.revision.is_none_or(|number| number == revision.number)) {
            show(&mut text, &planned.lesson, &lab, revision, count);
        }
    }
    print(text.as_bytes())
}

fn show(text: &mut String, lesson: &Lesson, lab: &Lab, revision: &Revision, count: usize) {
    let _ = writeln!(text, "\nrevision {} of {count}\n", revision.number);
    for file in &revision.job.files {
        let _ = writeln!(text, "{:>6}   file {} ({} bytes)", "", file.path, file.text.len());
    }
    let mut module = "";
    let mut cell = None;
    for step in &revision.job.steps {
        let Some(origin) = revision.origins.get(&step.id) else { continue };
        // What is judged here is marked; the rest is replay.
        let mark = if origin.judged { '|' } else { ' ' };
        match &step.action {
            Action::Python { module: own, filename, line, code, .. } => {
                if own != module && !(module.is_empty() && own == "__main__") {
                    let _ = writeln!(text, "\n{:>6}   module {own}", "");
                }
                module = own;
                if origin.block.is_none() && !filename.starts_with('<') {
                    // Lent by another lesson, from these lines of it.
                    let _ = writeln!(text, "     + {mark} {}  ({filename}:{line})", code.lines().next().unwrap_or_default());
                } else if let Some(assumption) = origin.assumption.and_then(|index| lab.assumptions.get(index)) {
                    let _ = writeln!(text, "     + {mark} {} = {}", assumption.name, assumption.what);
                } else if origin.block.is_none() {
                    for line in code.lines() {
                        let _ = writeln!(text, "     + {mark} {line}");
                    }
                } else {
                    // Lines of a notebook are those of a cell.
                    let place = origin.span.map(|span| lesson.source.place(span.start));
                    let own = place.and_then(|place| place.cell);
                    let line = place.filter(|_| own.is_some()).map_or(*line, |place| place.line);
                    if let Some(number) = own.filter(|_| own != cell) {
                        let _ = writeln!(text, "{:>6}   cell {number}", "");
                    }
                    cell = own;
                    for (index, shown) in code.lines().enumerate() {
                        let _ = writeln!(text, "{:>6} {mark} {shown}", line + index);
                    }
                }
            }
            Action::Import { module } => {
                let _ = writeln!(text, "       {mark} import {module}");
            }
            Action::Shell { command, .. } => {
                let _ = writeln!(text, "       {mark} $ {command}");
            }
            Action::Write(file) => {
                let _ = writeln!(text, "       {mark} file {} is edited ({} bytes)", file.path, file.text.len());
            }
            Action::Request(request) => {
                let _ = writeln!(text, "       {mark} {} {}", request.method, request.path);
            }
            Action::Probe { .. } => {
                let _ = writeln!(text, "       {mark} every page without arguments is asked for");
            }
        }
    }
}
