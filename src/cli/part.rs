//! Which of the lessons that the command line names a check is about, if not all of them: those that changed, or those of a shard; and what its report says then.

use crate::cli::changed;
use crate::cli::check::Args;
use crate::cli::course::Course;
use crate::cli::matrix;
use crate::finding::Code;
use crate::lab::Fate;
use crate::report::Report;

/// A part of the lessons.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Whether it is one at all.
    is_part: bool,
    /// Whether the whole has lessons that could run: a part of nothing proves nothing.
    whole_runs: bool,
    /// What the report says of it.
    notes: Vec<String>,
    /// The shard, as the command line says it.
    partition: Option<String>,
}

/// Keep of a course what the command line wants of it.
///
/// # Errors
/// If git cannot say what has changed.
pub(super) fn take(args: &Args, course: &mut Course) -> anyhow::Result<Part> {
    let runs = |course: &Course| course.planned.iter().any(|planned| !planned.lesson.blocks.is_empty());
    let mut part = Part { whole_runs: runs(course), ..Part::default() };
    if let Some(rev) = &args.changed_since {
        part.is_part = true;
        let whole = course.planned.len();
        let changed = changed::since(rev, course, &args.env.parts(course)?)?;
        course.planned.retain(|planned| changed.lessons.contains(&planned.lesson.id));
        part.notes.push(match (changed.because, course.planned.len()) {
            (Some(because), _) => format!("everything was checked: {because} since {rev}"),
            (None, 0) => format!("nothing was checked: no lesson is touched by what has changed since {rev}"),
            (None, touched) => format!("only what changes since {rev} touch was checked: {touched} of {}", lessons(whole)),
        });
    }
    if let Some(partition) = &args.partition {
        part.is_part = true;
        part.partition = Some(partition.to_string());
        let whole = course.planned.len();
        course.planned = partition.of(std::mem::take(&mut course.planned));
        part.notes.push(format!("this is {partition}: {} of {}", course.planned.len(), lessons(whole)));
    }
    Ok(part)
}

impl Part {
    /// Whether there is nothing to start an engine for.
    pub(super) fn is_empty(&self, course: &Course) -> bool {
        self.is_part && course.planned.is_empty()
    }

    /// The report of nothing.
    pub(super) fn nothing(&self, course: &Course, parts: &[matrix::Part]) -> Report {
        let wrong = if self.whole_runs {
            Vec::new()
        } else {
            vec![(Code::NothingRan, "the guide has nothing that could run, so this check proves nothing".to_owned())]
        };
        let environments = parts.iter().map(|part| part.environment.name().to_owned()).collect();
        Report { environments, chapters: course.chapters, wrong, ..Report::default() }
    }

    /// Say in a report which part it is of. That not a block ran fails a part only if one was to run: whether anything of the whole runs, the others show.
    pub(super) fn tell(&self, report: &mut Report) {
        report.partition.clone_from(&self.partition);
        report.notes.extend(self.notes.iter().cloned());
        let was_to_run = report.lessons.iter().flat_map(|lesson| &lesson.blocks).any(|block| block.plan.fate == Fate::Run);
        if self.is_part && self.whole_runs && !was_to_run {
            report.wrong.retain(|(code, _)| *code != Code::NothingRan);
        }
    }
}

fn lessons(number: usize) -> String {
    if number == 1 { "1 lesson".to_owned() } else { format!("{number} lessons") }
}
