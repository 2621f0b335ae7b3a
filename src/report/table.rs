//! The table of a matrix, for a terminal: a row a lesson, a column an environment. Part of `terminal`, and written by it alone.
//!
//! Where a terminal is too narrow for columns, each lesson has its statuses in words below it. No text of a guide comes through as it is: see `text`.

use std::io::{self, Write};

use console::{Alignment, measure_text_width, pad_str, truncate_str};

use super::matrix::{Row, rows};
use super::terminal::{BOLD, DIM, Options, style};
use super::{Report, text, wording};
use crate::outcome::Status;

/// How many columns the names of lessons take at most.
const WIDEST: usize = 60;
/// Names of fewer columns than this say too little.
const NARROWEST: usize = 20;
/// What stands between columns.
const GAP: usize = 2;
/// What stands over the names of lessons.
const LESSON: &str = "lesson";
/// What stands where a lesson did not run.
const NOWHERE: &str = "-";

/// Write the table, then how many lessons have which status where.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write(report: &Report, options: &Options, out: &mut impl Write) -> io::Result<()> {
    let rows = rows(report);
    let (shown, folded): (Vec<_>, Vec<_>) = rows.iter().partition(|row| options.verbose || !is_plain(row, report));
    let columns: Vec<Column<'_>> = report.environments.iter().map(|environment| Column::of(report, environment)).collect();
    let taken: usize = columns.iter().map(|column| column.width + GAP).sum();
    let names: Vec<String> = shown.iter().map(|row| text::one_line(&wording::lesson(row.worst()))).collect();
    let widest = names.iter().map(|name| measure_text_width(name)).chain([LESSON.len()]).max().unwrap_or(0).min(WIDEST);
    let width = widest.min(options.width.saturating_sub(taken));
    if width < NARROWEST.min(widest) {
        write_stacked(report, &shown, options, out)?;
    } else {
        let head: String = columns.iter().map(|column| cell(&column.name, column.width)).collect();
        writeln!(out, "{}", options.paint(BOLD, format!("{}{head}", cell(LESSON, width)).trim_end()))?;
        for (row, name) in shown.iter().zip(&names) {
            let cells: String = columns.iter().map(|column| column.status(row, options)).collect();
            writeln!(out, "{}{}", cell(name, width), cells.trim_end())?;
        }
        write_counts(report, width, &columns, options, out)?;
    }
    if !folded.is_empty() {
        writeln!(out, "{}", wording::alike(folded.iter().map(|row| row.worst().status)))?;
    }
    writeln!(out)
}

/// Whether there is nothing to say about a lesson: it ran everywhere, with the same good end.
fn is_plain(row: &Row<'_>, report: &Report) -> bool {
    row.outcomes.len() == report.environments.len() && row.agrees() && matches!(row.worst().status, Status::Passed | Status::Skipped | Status::Empty)
}

/// An environment's column.
struct Column<'a> {
    environment: &'a str,
    /// What stands over it.
    name: String,
    width: usize,
}

impl<'a> Column<'a> {
    fn of(report: &Report, environment: &'a str) -> Self {
        let name = text::one_line(environment);
        let words = report.summary_in(environment).into_keys().map(|status| status.word().len());
        let width = words.chain([measure_text_width(&name)]).max().unwrap_or(0);
        Self { environment, name, width }
    }

    fn status(&self, row: &Row<'_>, options: &Options) -> String {
        row.within(self.environment).map_or_else(|| self.nothing(options), |outcome| word(outcome.status, self.width, options))
    }

    fn nothing(&self, options: &Options) -> String {
        format!("{}{}", options.paint(DIM, NOWHERE), " ".repeat(self.width + GAP - NOWHERE.len()))
    }
}

/// Text in a column, and what stands behind it.
fn cell(text: &str, width: usize) -> String {
    pad_str(&truncate_str(text, width, "…"), width + GAP, Alignment::Left, None).into_owned()
}

/// The word of a status in a column.
fn word(status: Status, width: usize, options: &Options) -> String {
    let blanks = (width + GAP).saturating_sub(status.word().len());
    format!("{}{}", options.paint(style(status), status.word()), " ".repeat(blanks))
}

/// How many lessons of each environment have each status.
fn write_counts(report: &Report, width: usize, columns: &[Column<'_>], options: &Options, out: &mut impl Write) -> io::Result<()> {
    writeln!(out)?;
    for status in report.summary().into_keys() {
        let counts = columns.iter().map(|column| match report.summary_in(column.environment).get(&status) {
            Some(count) => cell(&count.to_string(), column.width),
            None => column.nothing(options),
        });
        writeln!(out, "{}{}", word(status, width, options), counts.collect::<String>().trim_end())?;
    }
    Ok(())
}

/// The same without columns.
fn write_stacked(report: &Report, shown: &[&Row<'_>], options: &Options, out: &mut impl Write) -> io::Result<()> {
    for row in shown {
        writeln!(out, "{}", options.paint(BOLD, &text::one_line(&wording::lesson(row.worst()))))?;
        for (status, environments) in row.statuses() {
            writeln!(out, "  {} {}", options.paint(style(status), status.word()), text::one_line(&wording::within(&environments)))?;
        }
    }
    writeln!(out)?;
    for environment in &report.environments {
        let counts = wording::counts(report.summary_in(environment));
        writeln!(out, "{}: {counts}", options.paint(BOLD, &text::one_line(environment)))?;
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::super::{fixture, terminal};
    use super::*;

    fn written(report: &Report, options: Options) -> String {
        let mut out = Vec::new();
        terminal::write(report, &options, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn findings_once_then_a_table() {
        insta::assert_snapshot!(written(&fixture::matrix(), Options::default()));
    }

    #[test]
    fn a_narrow_terminal_has_words_instead_of_columns() {
        let shown = written(&fixture::matrix(), Options { width: 40, ..Options::default() });
        let table = shown.rfind("\n5.5 Relationships\n").unwrap();
        insta::assert_snapshot!(&shown[table + 1..]);
        for width in 0..100 {
            assert!(written(&fixture::matrix(), Options { width, ..Options::default() }).contains("legacy"), "{width}");
        }
    }

    #[test]
    fn verbose_folds_nothing() {
        let shown = |verbose| written(&fixture::matrix(), Options { verbose, ..Options::default() });
        let row = "2.2 First Application  passed   passed  passed\n";
        assert!(shown(true).contains(row) && !shown(false).contains(row), "{}", shown(true));
        assert!(shown(false).contains("1 lesson passed in every environment (--verbose lists it)"), "{}", shown(false));
    }

    #[test]
    fn colour_adds_styles_and_nothing_else() {
        let coloured = written(&fixture::matrix(), Options { colour: true, ..Options::default() });
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), written(&fixture::matrix(), Options::default()));
    }
}
