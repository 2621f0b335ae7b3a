//! Claims of the page mended in place: `(Source, Claimed) --mend--> the text to put there`. Pure. It keeps what the author wrote wherever that still holds: lines,
//! `...`, prefixes of quotes and lists; and where the place in the source is not plain, it says why and gives nothing.

use crate::finding::{ClaimKind, Claimed};
use crate::snapshot::matching::claim_matches;
use crate::snapshot::normalise::normalise;
use crate::source::{Source, Span};

/// How many pairs of lines are compared before a claim is too long.
const PAIRS: usize = 1_000_000;
/// How much longer than what it replaces a comment may become.
const COMMENT: usize = 100;

/// A piece of a source, and what is to stand there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mended {
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub text: String,
}

/// What a claim has to say to be true.
///
/// # Errors
/// Why it is left as it is.
pub fn mend(source: &Source, claimed: &Claimed) -> Result<Mended, &'static str> {
    let mended = if claimed.kind == ClaimKind::Comment { comment(source, claimed)? } else { lines(source, claimed)? };
    if source.slice(mended.span) == mended.text { Err("what is printed cannot be told from what it says") } else { Ok(mended) }
}

/// A remark behind or below a `print`: its one value is replaced.
fn comment(source: &Source, claimed: &Claimed) -> Result<Mended, &'static str> {
    let actual = claimed.actual.trim();
    if claimed.text.contains('\n') || actual.contains('\n') || actual.is_empty() {
        return Err("a comment of one line can be mended, and only into one line");
    }
    let whole = source.slice(claimed.span);
    let at = whole.rfind(&claimed.text).ok_or("it is not in the page letter by letter")?;
    let start = claimed.span.start + at;
    let quote = ['\'', '"'].into_iter().find(|quote| claimed.text.len() > 1 && claimed.text.starts_with(*quote) && claimed.text.ends_with(*quote));
    let text = match quote {
        Some(quote) if !actual.starts_with(quote) => {
            if actual.contains([quote, '\\']) {
                return Err("what is printed cannot stand in its quotes");
            }
            format!("{quote}{actual}{quote}")
        }
        _ => actual.to_owned(),
    };
    if text.len() > claimed.text.len() + COMMENT || text.chars().any(char::is_control) {
        return Err("what is printed is no remark");
    }
    Ok(Mended { span: Span::new(start, start + claimed.text.len()), text })
}

/// Lines of output: a block of their own, or those below a prompt.
fn lines(source: &Source, claimed: &Claimed) -> Result<Mended, &'static str> {
    let said: Vec<&str> = claimed.text.trim_end_matches('\n').split('\n').collect();
    let came: Vec<&str> = claimed.actual.trim_end().lines().map(str::trim_end).skip_while(|line| line.is_empty()).collect();
    if came.is_empty() {
        return Err("nothing is printed any more");
    }
    if came.iter().any(|line| line.chars().any(|c| c.is_control() && c != '\t')) {
        return Err("what is printed has control characters");
    }
    let first = source.line_of(claimed.span.start);
    let prefixes = prefixes(source, first, &said).ok_or("it is not in the page letter by letter")?;
    let kept = align(&said, &came).ok_or("it is too long")?;
    let mut out: Vec<String> = Vec::new();
    for piece in &kept {
        out.push(match piece {
            Kept::Said(index) => said[*index].to_owned(),
            Kept::Changed(index, line) => adapted(said[*index], came[*line]),
            Kept::Came(line) => came[*line].to_owned(),
        });
    }
    // The stack of a traceback is the reader's, and was not recorded.
    let kinds = kinds(&said);
    let told = kept.iter().zip(&out).filter(|(piece, _)| !matches!(piece, Kept::Said(index) if kinds[*index] == Line::Stack));
    if !claim_matches(&told.map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n"), &claimed.actual) {
        return Err("no text was found that would hold");
    }
    if claimed.kind == ClaimKind::Session && first > 1 && is_python(source.slice(source.line_span(first - 1))) {
        // An empty line would end what the session shows.
        out.iter_mut().filter(|line| line.trim().is_empty()).for_each(|line| "<BLANKLINE>".clone_into(line));
    }
    let last = first + said.len() - 1;
    // New lines stand where the last one does.
    let prefix = |piece: &Kept, nth: usize| match piece {
        Kept::Said(index) | Kept::Changed(index, _) => prefixes[*index],
        Kept::Came(_) => prefixes[if nth == 0 { 0 } else { prefixes.len() - 1 }],
    };
    let line = |(nth, (piece, line)): (usize, (&Kept, &String))| match piece {
        // As its author left it, blanks at its end and all.
        Kept::Said(index) if *line == said[*index] => source.slice(source.line_span(first + index)).trim_end_matches('\n').to_owned(),
        _ => format!("{}{line}", prefix(piece, nth)).trim_end().to_owned(),
    };
    let text: Vec<String> = kept.iter().zip(&out).enumerate().map(line).collect();
    let start = source.line_span(first).start;
    let end = source.line_span(last);
    let span = Span::new(start, end.start + source.slice(end).trim_end_matches('\n').len());
    Ok(Mended { span, text: text.join("\n") })
}

/// Whether a line of a page has a Python prompt.
fn is_python(line: &str) -> bool {
    line.contains(">>>") || line.trim_start_matches(['>', ' ', '\t', '|']).starts_with("...")
}

/// What stands before each claimed line in its line of the page; `None` if the page does not have them letter by letter.
fn prefixes<'a>(source: &'a Source, first: usize, said: &[&str]) -> Option<Vec<&'a str>> {
    let prefix = |(index, said): (usize, &&str)| {
        let line = source.slice(source.line_span(first + index)).trim_end_matches('\n');
        let prefix = line.strip_suffix(said).or_else(|| line.trim_end().strip_suffix(said.trim_end()))?;
        prefix.chars().all(|c| c.is_whitespace() || c == '>' || c == '|').then_some(prefix)
    };
    said.iter().enumerate().map(prefix).collect()
}

/// A line of the mended claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// A line of the claim, as it is.
    Said(usize),
    /// A line of the claim that has to say what a line of the output says.
    Changed(usize, usize),
    /// A line of the output that the claim does not have.
    Came(usize),
}

/// How a line of a claim counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// It says what a line of the output says.
    Text,
    /// It stands for any number of lines.
    Gap,
    /// It is part of a traceback that shows the reader's files: it stands for nothing that was recorded.
    Stack,
}

/// The cheapest way from a claim to an output, line by line. What is the same costs nothing, and neither does what `...` stands for; of two that cost the same,
/// the one that changes a line is better than one that drops it, so that `...` does not swallow what is new.
fn align(said: &[&str], came: &[&str]) -> Option<Vec<Kept>> {
    let (rows, columns) = (said.len(), came.len());
    if (rows + 1).checked_mul(columns + 1)? > PAIRS {
        return None;
    }
    let kinds = kinds(said);
    let plain = |lines: &[&str]| lines.iter().map(|line| normalise(line.trim_end())).collect::<Vec<_>>();
    let (plain_said, plain_came) = (plain(said), plain(came));
    let is_same = |row: usize, column: usize| {
        let blank = said[row].trim() == "<BLANKLINE>" && came[column].is_empty();
        blank || plain_said[row] == plain_came[column] || (said[row].contains("...") || said[row].contains('…')) && claim_matches(said[row], came[column])
    };
    // From the end, so that the way can be walked from the start.
    let mut cost = vec![vec![0_u32; columns + 1]; rows + 1];
    for column in (0..columns).rev() {
        cost[rows][column] = cost[rows][column + 1] + 1;
    }
    let mut steps = vec![vec![Step::Insert; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..=columns).rev() {
            let mut ways: Vec<(u32, Step)> = Vec::new();
            match kinds[row] {
                Line::Stack => ways.push((cost[row + 1][column], Step::Keep)),
                Line::Gap => {
                    ways.push((cost[row + 1][column], Step::Keep));
                    if column < columns {
                        ways.push((cost[row][column + 1], Step::Swallow));
                    }
                }
                Line::Text => {
                    if column < columns {
                        let same = is_same(row, column);
                        ways.push((cost[row + 1][column + 1] + u32::from(!same), if same { Step::Match } else { Step::Change }));
                    }
                    ways.push((cost[row + 1][column] + 1, Step::Drop));
                }
            }
            if column < columns {
                ways.push((cost[row][column + 1] + 1, Step::Insert));
            }
            if let Some((least, step)) = ways.into_iter().min_by_key(|(cost, _)| *cost) {
                cost[row][column] = least;
                steps[row][column] = step;
            }
        }
    }
    Some(walk(&steps, rows, columns))
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Match,
    Change,
    Keep,
    Swallow,
    Drop,
    Insert,
}

fn walk(steps: &[Vec<Step>], rows: usize, columns: usize) -> Vec<Kept> {
    let (mut row, mut column) = (0, 0);
    let mut kept = Vec::new();
    while row < rows || column < columns {
        match steps[row][column] {
            Step::Match => {
                kept.push(Kept::Said(row));
                (row, column) = (row + 1, column + 1);
            }
            Step::Change => {
                kept.push(Kept::Changed(row, column));
                (row, column) = (row + 1, column + 1);
            }
            Step::Keep => {
                kept.push(Kept::Said(row));
                row += 1;
            }
            Step::Swallow => column += 1,
            Step::Drop => row += 1,
            Step::Insert => {
                kept.push(Kept::Came(column));
                column += 1;
            }
        }
    }
    kept
}

fn kinds(said: &[&str]) -> Vec<Line> {
    let mut in_stack = false;
    let kind = |line: &&str| {
        let is_gap = matches!(line.trim(), "..." | "…" | "[...]" | "[…]" | "# ...");
        if in_stack && (is_gap || line.is_empty() || line.starts_with([' ', '\t'])) {
            return Line::Stack;
        }
        in_stack = line.starts_with("Traceback (");
        match () {
            () if in_stack => Line::Stack,
            () if is_gap => Line::Gap,
            () => Line::Text,
        }
    };
    said.iter().map(kind).collect()
}

/// A line of the output, with the `...` of the claim's line where what stands around it is still there.
fn adapted(said: &str, came: &str) -> String {
    let mark = if said.contains("...") { "..." } else { "…" };
    let pieces: Vec<&str> = said.split(mark).collect();
    let mut out = String::new();
    let mut rest = came;
    for pair in pieces.windows(2) {
        let before = pair[0].rsplit(' ').next().unwrap_or_default();
        let after = pair[1].split(' ').next().unwrap_or_default();
        let Some(start) = rest.find(before).map(|at| at + before.len()).filter(|_| !before.is_empty()) else { continue };
        let end =
            if after.is_empty() { rest[start..].find(' ').map_or(rest.len(), |at| start + at) } else { rest[start..].find(after).map_or(0, |at| start + at) };
        if end > start {
            out.extend([&rest[..start], mark]);
            rest = &rest[end..];
        }
    }
    out.push_str(rest);
    if claim_matches(&out, came) { out } else { came.to_owned() }
}

#[cfg(test)]
mod tests;
