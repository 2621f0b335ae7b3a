//! A badge for a README: how many lessons are how, by the worst. `Report --write--> impl Write`. One SVG that loads nothing and says in text what it shows.

use std::io::{self, Write};

use super::Report;
use super::matrix::rows;
use crate::outcome::Status;

/// What stands on the left.
const LABEL: &str = "lessons";
/// Blank space at the ends of each half, in pixels.
const PADDING: usize = 6;

/// Write the report as a badge.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let (message, colour) = message(report);
    let (left, right) = (width(LABEL), width(&message));
    let (split, total) = (left + 2 * PADDING, left + right + 4 * PADDING);
    let (middle_left, middle_right) = (split / 2, split + right / 2 + PADDING);
    // Nothing here comes from a guide: words and numbers of ours alone.
    write!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img" aria-label="{LABEL}: {message}">
<title>{LABEL}: {message}</title>
<clipPath id="round"><rect width="{total}" height="20" rx="3"/></clipPath>
<g clip-path="url(#round)"><rect width="{split}" height="20" fill="#3c444d"/><rect x="{split}" width="{}" height="20" fill="{colour}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11" aria-hidden="true">
<text x="{middle_left}" y="14" textLength="{left}">{LABEL}</text>
<text x="{middle_right}" y="14" textLength="{right}">{message}</text>
</g>
</svg>
"##,
        total - split
    )
}

/// What stands on the right, and its colour: dark enough, each of them, for white text.
fn message(report: &Report) -> (String, &'static str) {
    let statuses: Vec<Status> = rows(report).iter().map(|row| row.worst().status).collect();
    let Some(worst) = statuses.iter().min().copied() else { return ("none".to_owned(), GREY) };
    if !report.wrong.is_empty() && worst >= Status::Passed {
        return ("nothing ran".to_owned(), RED);
    }
    let count = statuses.iter().filter(|status| **status == worst).count();
    let colour = match worst {
        Status::Errored | Status::Broken | Status::Changed => RED,
        Status::Incomplete | Status::Pending | Status::Stale => AMBER,
        Status::Passed => GREEN,
        Status::Skipped | Status::Empty => GREY,
    };
    (format!("{count} {}", worst.word()), colour)
}

const RED: &str = "#b3261e";
const AMBER: &str = "#8a5600";
const GREEN: &str = "#1a6e34";
const GREY: &str = "#59636e";

/// How wide a text is in Verdana of 11 pixels, about; `textLength` makes every other font fit.
fn width(text: &str) -> usize {
    let tenths: usize = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' => 30,
            'f' | 'r' | 't' | ' ' => 42,
            'c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' => 60,
            'm' => 107,
            'w' => 90,
            _ => 70,
        })
        .sum();
    tenths.div_ceil(10)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::finding::Code;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// What the badge says of a report with lessons of these statuses.
    fn said(statuses: &[Status]) -> (String, &'static str) {
        let mut report = fixture::report();
        let lessons = statuses.iter().zip(report.lessons.iter().cycle().cloned());
        report.lessons = lessons.map(|(status, lesson)| crate::outcome::LessonOutcome { status: *status, ..lesson }).collect();
        message(&report)
    }

    #[test]
    fn the_worst_status_is_told_and_coloured() {
        assert_eq!(said(&[Status::Passed, Status::Broken, Status::Stale, Status::Broken]), ("2 broken".to_owned(), RED));
        assert_eq!(said(&[Status::Stale, Status::Passed, Status::Empty]), ("1 stale".to_owned(), AMBER));
        assert_eq!(said(&[Status::Passed, Status::Empty]), ("1 passed".to_owned(), GREEN));
        assert_eq!(said(&[Status::Empty]), ("1 empty".to_owned(), GREY));
        assert_eq!(said(&[]), ("none".to_owned(), GREY));
    }

    #[test]
    fn a_check_in_which_nothing_ran_is_not_well() {
        let mut report = fixture::report();
        report.lessons.retain(|lesson| lesson.status == Status::Skipped);
        report.wrong.push((Code::NothingRan, "x".to_owned()));
        assert_eq!(message(&report), ("nothing ran".to_owned(), RED));
    }

    #[test]
    fn a_badge() {
        let mut report = fixture::report();
        report.lessons.retain(|lesson| lesson.status == Status::Passed);
        insta::assert_snapshot!(written(&report));
    }

    #[test]
    fn a_badge_is_xml_and_holds_its_text() {
        for report in [fixture::report(), Report::default(), fixture::saying("</title><script>x</script>")] {
            let badge = written(&report);
            let mut reader = quick_xml::Reader::from_str(&badge);
            while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
            assert!(!badge.contains("script"));
            let number = |key: &str| badge.split(&format!("{key}=\"")).nth(1).unwrap().split('"').next().unwrap().parse::<usize>().unwrap();
            let lengths: usize = badge.split("textLength=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse::<usize>().unwrap()).sum();
            assert_eq!(number("width"), lengths + 4 * PADDING);
        }
    }
}
