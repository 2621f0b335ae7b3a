//! Two texts side by side, or one above the other where there is no room. Pure; part of no format.

use console::measure_text_width;

use super::text;

/// The narrowest column that is still pleasant to read.
const NARROWEST: usize = 36;

/// How many lines of a text are shown.
const LINES: usize = 40;

/// Two texts under their titles, in `width` columns of a terminal. What a terminal would obey is made visible.
#[must_use]
pub fn side_by_side(left: (&str, &str), right: (&str, &str), width: usize) -> String {
    let column = width.saturating_sub(3) / 2;
    let fit = |text: &str| {
        let shown = text::visible(&text::shorten_lines(text.trim_end(), LINES, 2_000)).into_owned();
        if shown.is_empty() { "(nothing)".to_owned() } else { shown }
    };
    let (left, right) = ((text::one_line(left.0), fit(left.1)), (text::one_line(right.0), fit(right.1)));
    if column < NARROWEST {
        let one = |(title, shown): &(String, String)| {
            let lines: String = shown.lines().map(|line| format!("  {}\n", line.replace('\t', "    "))).collect();
            format!("{title}\n{lines}")
        };
        return format!("{}{}", one(&left), one(&right));
    }
    let cells = |(title, shown): &(String, String)| -> Vec<String> {
        let body = shown.lines().flat_map(|line| wrapped(line, column));
        wrapped(title, column).into_iter().chain([String::from("─").repeat(column)]).chain(body).collect()
    };
    let (left, right) = (cells(&left), cells(&right));
    let row = |index: usize| {
        let cell = |cells: &[String]| cells.get(index).cloned().unwrap_or_default();
        let (first, second) = (cell(&left), cell(&right));
        let pad = " ".repeat(column.saturating_sub(measure_text_width(&first)));
        format!("{first}{pad} │ {second}").trim_end().to_owned() + "\n"
    };
    (0..left.len().max(right.len())).map(row).collect()
}

/// Somebody else's words on one line, with nothing in them that a terminal would obey.
#[must_use]
pub fn line(words: &str) -> String {
    text::one_line(words)
}

/// A line in pieces that fit.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut taken = 0;
    for letter in line.replace('\t', "    ").chars() {
        let room = measure_text_width(letter.encode_utf8(&mut [0; 4]));
        if taken + room > width {
            pieces.push(String::new());
            taken = 0;
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(letter);
        }
        taken += room;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_beside_each_other_where_there_is_room() {
        let wide = side_by_side(("flask 2.3.3 (good)", "a\nb\n"), ("flask 3.0.0 (bad)", &format!("{}\u{1b}[31m", "x".repeat(40))), 79);
        let lines: Vec<&str> = wide.lines().collect();
        assert_eq!(lines[0], format!("{:38} │ flask 3.0.0 (bad)", "flask 2.3.3 (good)"));
        assert_eq!(lines[2], format!("{:38} │ {}", "a", "x".repeat(38)));
        assert_eq!(lines[3], format!("{:38} │ xx\\x1b[31m", "b"));
        assert_eq!(lines.len(), 4);
        let narrow = side_by_side(("flask 2.3.3 (good)", ""), ("flask 3.0.0 (bad)", "x\ty"), 60);
        assert_eq!(narrow, "flask 2.3.3 (good)\n  (nothing)\nflask 3.0.0 (bad)\n  x    y\n");
    }
}
