//! The terminal report: frames on the guide's lines, then a table and one line that sums up. `Report --write--> impl Write`.
//!
//! The text of guides and labs never reaches the terminal as it is: see `text`. Whether there is colour, and how wide it is, comes in as an argument.

use std::io::{self, Write};

use anstyle::{AnsiColor, Effects, Style};
use console::{Alignment, measure_text_width, pad_str, truncate_str};

use super::cause::{Cause, quiet};
use super::diff::{COLUMNS, diff};
use super::matrix::{Row, compares, rows};
use super::{Report, frame, table, text, wording};
use crate::finding::{Comparison, Finding};
use crate::outcome::{LessonOutcome, Status};

/// How many quiet notes of a lesson are shown without `--verbose`.
const NOTES_SHOWN: usize = 3;
/// How many lines of a diff are shown without `--verbose`.
const DIFF_LINES: usize = 40;
/// How wide a report is that goes to no terminal.
const WIDTH: usize = 100;
/// How many columns the name of a lesson takes in the table.
const NAME_COLUMNS: usize = 60;

/// How the report is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether to colour.
    pub colour: bool,
    /// How many columns the terminal has.
    pub width: usize,
    /// Whether to show everything: each consequence, each note, each block that was left out, lessons that passed.
    pub verbose: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { colour: false, width: WIDTH, verbose: false }
    }
}

impl Options {
    /// What standard output is good for: colour unless it is no terminal or the environment (`NO_COLOR` and its kin) says otherwise, and its width.
    #[must_use]
    pub fn for_stdout(verbose: bool) -> Self {
        let colour = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
        let width = console::Term::stdout().size_checked().map_or(WIDTH, |(_, columns)| usize::from(columns));
        Self { colour, width, verbose }
    }
}

pub(super) const DIM: Style = Style::new().effects(Effects::DIMMED);
pub(super) const BOLD: Style = Style::new().effects(Effects::BOLD);
const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();

/// Write the report for people at a terminal.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(report: &Report, options: &Options, out: &mut impl Write) -> io::Result<()> {
    for row in rows(report).iter().filter(|row| options.verbose || row.outcomes.iter().any(told)) {
        write_lesson(report, row, options, out)?;
    }
    if compares(report) {
        table::write(report, options, out)?;
    } else {
        write_table(report, options, out)?;
    }
    for wrong in &report.wrong {
        writeln!(out, "{}", options.paint(BOLD, &wording::wrong(wrong)))?;
    }
    for note in &report.notes {
        writeln!(out, "{}", options.paint(AnsiColor::Yellow.on_default(), &format!("note: {}", text::one_line(note))))?;
    }
    if report.lessons.iter().any(|lesson| lesson.status == Status::Pending) {
        writeln!(out, "{}", wording::PENDING)?;
    }
    writeln!(out, "{}", options.paint(BOLD, &text::one_line(&wording::total(report))))
}

/// Whether there is something to say about a lesson by itself.
fn told(lesson: &LessonOutcome) -> bool {
    // Of what is known already, the table and a count are enough: what is new must not drown in it.
    !lesson.is_known() && (!lesson.findings.is_empty() || !lesson.assumptions.is_empty() || lesson.error.is_some() || failed(lesson.status))
}

/// Whether a lesson did not pass.
fn failed(status: Status) -> bool {
    !matches!(status, Status::Passed | Status::Skipped | Status::Empty)
}

fn write_lesson(report: &Report, row: &Row<'_>, options: &Options, out: &mut impl Write) -> io::Result<()> {
    let lesson = row.worst();
    let status = options.paint(style(lesson.status), &row.status());
    let name = options.paint(BOLD, &text::one_line(&wording::lesson(lesson)));
    writeln!(out, "{status}  {name}  {}", options.paint(DIM, &text::exact(&wording::lesson_place(lesson))))?;
    if row.names(&[]).is_some() {
        writeln!(out, "  {}", text::one_line(&wording::by_status(row)))?;
    }
    for error in row.errors() {
        let label = options.paint(style(Status::Errored), "error");
        writeln!(out, "{label}: {}", text::marked(&error).replace('\n', "\n  "))?;
    }
    let (known, new): (Vec<_>, Vec<_>) = row.causes().into_iter().partition(|cause| cause.finding.known.is_some() && !options.verbose);
    let (quiet, loud): (Vec<_>, Vec<_>) = new.into_iter().partition(|cause| quiet(cause.finding) && cause.consequences.is_empty());
    for cause in &loud {
        writeln!(out)?;
        out.write_all(frame::render(cause, options).as_bytes())?;
        if let Some(comparison) = &cause.finding.comparison {
            write_comparison(comparison, options, out)?;
        }
        write_known(cause.finding, options, out)?;
    }
    if !loud.is_empty() {
        writeln!(out)?;
    }
    for cause in &known {
        writeln!(out, "  {}", options.paint(DIM, &frame::line(cause)))?;
        write_known(cause.finding, options, out)?;
    }
    write_remarks(row, &quiet, options, out)?;
    if failed(lesson.status) {
        writeln!(out, "  {}", text::exact(&wording::rerun(report, lesson)))?;
    }
    writeln!(out)
}

/// What the baseline says of a finding, if it knows of it.
fn write_known(finding: &Finding, options: &Options, out: &mut impl Write) -> io::Result<()> {
    let Some(known) = &finding.known else { return Ok(()) };
    writeln!(out, "  {}", options.paint(DIM, &text::one_line(&wording::known(known))))
}

/// One line each: what is not known, what was assumed, and with `--verbose` what was left out.
fn write_remarks(row: &Row<'_>, quiet: &[Cause<'_>], options: &Options, out: &mut impl Write) -> io::Result<()> {
    let shown = if options.verbose { quiet.len() } else { NOTES_SHOWN };
    for cause in quiet.iter().take(shown) {
        writeln!(out, "  {}", options.paint(DIM, &frame::line(cause)))?;
    }
    if quiet.len() > shown {
        writeln!(out, "  {}", options.paint(DIM, &wording::more_notes(quiet.len() - shown)))?;
    }
    for assumption in row.each(|lesson| lesson.assumptions.iter().map(|assumption| wording::assumed(lesson, assumption)).collect()) {
        writeln!(out, "  {}", text::one_line(&assumption))?;
    }
    if options.verbose {
        for block in row.each(|lesson| lesson.blocks.iter().map(wording::block).collect()) {
            writeln!(out, "  {}", options.paint(DIM, &text::one_line(&block)))?;
        }
    }
    Ok(())
}

/// A comparison as a diff. Every line has a mark before it, so that none can pass for a command to whoever reads the log.
fn write_comparison(comparison: &Comparison, options: &Options, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "  {}", wording::COMPARISON)?;
    let lines = diff(comparison, if options.verbose { text::MESSAGE_LIMIT } else { COLUMNS });
    let limit = if options.verbose { usize::MAX } else { DIFF_LINES };
    for (mark, line) in lines.iter().take(limit) {
        let shown = format!("{mark} {line}");
        let shown = match mark {
            '-' => options.paint(REMOVED, &shown),
            '+' => options.paint(ADDED, &shown),
            _ => shown,
        };
        writeln!(out, "  | {}", shown.trim_end())?;
    }
    if lines.len() > limit {
        writeln!(out, "  | {}", wording::lines_left_out(lines.len() - limit))?;
    }
    Ok(())
}

/// Counts by status, with each lesson that did not pass, and of blocks by fate.
fn write_table(report: &Report, options: &Options, out: &mut impl Write) -> io::Result<()> {
    let label = |status: Status| options.paint(style(status), &format!("{:<10}", status.word()));
    let width = report.lessons.iter().filter(|lesson| listed(lesson)).map(|lesson| measure_text_width(&name(lesson))).max().unwrap_or(0);
    for (status, number) in report.summary() {
        let lessons: Vec<_> = report.lessons.iter().filter(|lesson| lesson.status == status && listed(lesson)).collect();
        if lessons.is_empty() {
            writeln!(out, "{} {number:>5}", label(status))?;
        }
        for (index, lesson) in lessons.into_iter().enumerate() {
            let lead = if index == 0 { format!("{} {number:>5}", label(status)) } else { " ".repeat(16) };
            let place = options.paint(DIM, &text::exact(&wording::lesson_place(lesson)));
            let known = if lesson.is_known() { options.paint(DIM, "  known") } else { String::new() };
            writeln!(out, "{lead}  {}  {place}{known}", pad_str(&name(lesson), width, Alignment::Left, None))?;
        }
    }
    if let Some((blocks, fates)) = wording::fates(report) {
        writeln!(out, "{:<10} {blocks:>5}  {fates}", "blocks")?;
    }
    if !report.lessons.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

/// Whether the table names a lesson.
fn listed(lesson: &LessonOutcome) -> bool {
    !matches!(lesson.status, Status::Passed | Status::Empty)
}

/// The name of a lesson in the table.
fn name(lesson: &LessonOutcome) -> String {
    truncate_str(&text::one_line(&wording::lesson(lesson)), NAME_COLUMNS, "…").into_owned()
}

pub(super) fn style(status: Status) -> Style {
    let colour = match status {
        Status::Errored | Status::Broken | Status::Changed => AnsiColor::Red,
        Status::Incomplete | Status::Pending | Status::Stale => AnsiColor::Yellow,
        Status::Passed => AnsiColor::Green,
        Status::Skipped | Status::Empty => return DIM,
    };
    colour.on_default().effects(Effects::BOLD)
}

impl Options {
    /// `text` in a style, if there is colour.
    pub(super) fn paint(&self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {

    use super::super::fixture;
    use super::*;
    use proptest::prelude::*;

    fn written(report: &Report, options: Options) -> String {
        let mut out = Vec::new();
        write(report, &options, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn frames_table_and_total() {
        insta::assert_snapshot!(written(&fixture::report(), Options::default()));
    }

    #[test]
    fn no_line_of_a_lab_is_a_command_to_the_log() {
        let hostile = "first\r\n::warning::a\n  ::add-mask::b\n\n::error::c";
        for verbose in [false, true] {
            let shown = written(&fixture::saying(hostile), Options { verbose, ..Options::default() });
            assert!(shown.contains("::add-mask::b"));
            // A frame's own mark has three.
            let command = shown.lines().map(str::trim_start).find(|line| line.starts_with("::") && !line.starts_with(":::"));
            assert_eq!(command, None);
        }
    }

    #[test]
    fn verbose_shows_everything() {
        let mut report = fixture::report();
        report.lessons.retain(|lesson| matches!(lesson.status, Status::Passed | Status::Skipped | Status::Incomplete));
        insta::assert_snapshot!(written(&report, Options { verbose: true, ..Options::default() }));
    }

    #[test]
    fn colour_adds_styles_and_nothing_else() {
        let coloured = written(&fixture::report(), Options { colour: true, ..Options::default() });
        assert!(coloured.contains("\u{1b}["));
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), written(&fixture::report(), Options::default()));
    }

    #[test]
    fn lessons_that_each_ran_in_their_own_environment_have_no_table_of_environments() {
        let mut report = fixture::matrix();
        report.lessons = report.lessons.into_iter().skip(3).step_by(4).collect();
        report.flags.truncate(1);
        let shown = written(&report, Options::default());
        assert!(shown.contains("  broken in legacy\n") && shown.contains("broken         1  3.1 Routes"), "{shown}");
        assert!(shown.ends_with("3 chapters, 2 lessons: 1 broken, 1 passed (docker, flask, legacy, next, 1.2 s)\n"), "{shown}");
    }

    #[test]
    fn an_empty_report_has_its_last_line() {
        assert_eq!(written(&Report::default(), Options::default()), "0 chapters, 0 lessons: nothing to run (0.0 s)\n");
    }

    #[test]
    fn a_line_of_megabytes_is_cut_before_it_is_drawn() {
        let mut report = fixture::saying(&"x".repeat(2 << 20));
        report.lessons[0].selector = "a.md".to_owned();
        let shown = written(&report, Options::default());
        assert!(shown.len() < 100_000, "{} bytes", shown.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_text_reaches_the_terminal_raw(text in any::<String>(), width in 0_usize..200, verbose: bool) {
            let shown = written(&fixture::saying(&text), Options { width, verbose, colour: false });
            prop_assert!(!shown.chars().any(text::hidden), "{shown:?}");
        }
    }
}
