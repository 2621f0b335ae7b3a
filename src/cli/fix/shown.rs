//! What `proctor fix` shows: for people with a diff that programs read as well, or as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use similar::TextDiff;

use super::rounds::{Found, Hint, Page, Step};
use crate::finding::{Code, Edit, Finding};
use crate::maintain::patch;
use crate::moves::Move;
use crate::outcome::LessonOutcome;
use crate::report::{Report, sarif};
use crate::source::Source;

/// The codes that moves are about.
const CODES: [Code; 2] = [Code::RemovedApi, Code::Deprecated];

/// For people.
pub(super) fn text(found: &Found, applied: bool) -> String {
    let mut out = String::new();
    for lesson in &found.lessons {
        for Step { moves, findings } in &lesson.steps {
            findings.iter().for_each(|finding| place(&mut out, "fixed", finding));
            moves.iter().for_each(|one| told(&mut out, one));
        }
        for Hint { moves, finding, why } in &lesson.hints {
            place(&mut out, "hint ", finding);
            moves.iter().for_each(|one| told(&mut out, one));
            let _ = writeln!(out, "      not offered: {why}");
        }
    }
    for page in &found.pages {
        let _ = write!(out, "\n{}", diff(page));
    }
    let changed: Vec<_> = found.lessons.iter().filter(|lesson| lesson.before.status != lesson.after.status).collect();
    if !changed.is_empty() {
        out.push('\n');
    }
    for lesson in changed {
        let _ = writeln!(out, "{} was {} and is {}", lesson.before.selector, lesson.before.status.word(), lesson.after.status.word());
    }
    let _ = writeln!(out, "\n{}", counted(found, applied));
    out
}

/// For code scanning: each lesson as it was, and with the first finding that its edits end, the edits.
pub(super) fn sarif(found: Found) -> anyhow::Result<String> {
    let Found { engine, environment, lessons, pages } = found;
    let edited = |mut lesson: LessonOutcome, first: Option<usize>| {
        let page = pages.iter().find(|page| page.path == lesson.source.path() && page.before == lesson.source.text());
        if let Some((page, finding)) = page.zip(first.and_then(|first| lesson.findings.get_mut(first))) {
            let own = |edit: &Edit| {
                let line = lesson.source.place(edit.span.start).line;
                lesson.blocks.iter().any(|block| (block.line..=block.end_line).contains(&line))
            };
            let after = Source::new(page.path.clone(), page.after.clone());
            finding.edits = patch::between(&lesson.source, &after).into_iter().filter(own).collect();
        }
        lesson
    };
    let lessons = lessons.into_iter().map(|lesson| edited(lesson.before, lesson.fixed.first().copied())).collect();
    let mut out = Vec::new();
    sarif::write(&Report { engine, environments: vec![environment], lessons, ..Report::default() }, &mut out)?;
    Ok(String::from_utf8(out)?)
}

fn place(out: &mut String, word: &str, finding: &Finding) {
    let place = finding.location.place();
    let cell = place.cell.map_or_else(String::new, |cell| format!("cell {cell}, line "));
    let _ = writeln!(out, "{word} {}:{cell}{} {}: {}", finding.location.path(), place.line, finding.code.word(), finding.message);
}

fn told(out: &mut String, one: &Move) {
    let to = if one.new.is_empty() { String::new() } else { format!(" is now `{}`", one.new.replace('\n', " ")) };
    let _ = writeln!(out, "      `{}`{to}, since {}: {} ({})", one.old, one.since, one.note, one.source);
}

/// The last line: what was found and what is better.
fn counted(found: &Found, applied: bool) -> String {
    let counts = counts(found);
    let parts: Vec<String> = counts.iter().map(|(code, (fixed, all))| format!("{fixed} of {all} {}", code.word())).collect();
    let hints: usize = found.lessons.iter().map(|lesson| lesson.hints.len()).sum();
    let what = match (found.pages.len(), applied) {
        (0, _) => "nothing to write".to_owned(),
        (pages, true) => format!("{pages} page{} written", if pages == 1 { "" } else { "s" }),
        (pages, false) => format!("{pages} page{} to write: `--apply` does", if pages == 1 { "" } else { "s" }),
    };
    format!("fixed {}; {hints} hint{}; {what}", if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }, if hints == 1 { "" } else { "s" })
}

/// By code: how many findings were fixed, of how many. Codes that moves are about are always there once they were found.
fn counts(found: &Found) -> BTreeMap<Code, (usize, usize)> {
    let mut counts: BTreeMap<Code, (usize, usize)> = BTreeMap::new();
    for lesson in &found.lessons {
        for (index, finding) in lesson.before.findings.iter().enumerate() {
            let fixed = lesson.fixed.contains(&index);
            if fixed || CODES.contains(&finding.code) {
                let count = counts.entry(finding.code).or_default();
                count.0 += usize::from(fixed);
                count.1 += 1;
            }
        }
    }
    counts
}

fn diff(page: &Page) -> String {
    let path = &page.path;
    TextDiff::from_lines(&page.before, &page.after).unified_diff().context_radius(3).header(&format!("a/{path}"), &format!("b/{path}")).to_string()
}

/// For programs.
pub(super) fn json(found: &Found, applied: bool) -> anyhow::Result<String> {
    let lessons: Vec<Value> = found.lessons.iter().filter(|lesson| !lesson.before.findings.is_empty()).map(lesson_form).collect();
    let pages: Vec<Value> = found
        .pages
        .iter()
        .map(|page| {
            let edits: Vec<Value> = page.edits.iter().map(|(line, end_line, text)| json!({"line": line, "end_line": end_line, "text": text})).collect();
            json!({"path": page.path, "edits": edits, "diff": diff(page)})
        })
        .collect();
    let summary: BTreeMap<&str, Value> = counts(found).into_iter().map(|(code, (fixed, all))| (code.word(), json!({"fixed": fixed, "found": all}))).collect();
    let form = json!({"version": 1, "engine": found.engine, "environment": found.environment, "applied": applied, "summary": summary, "lessons": lessons, "pages": pages});
    Ok(format!("{}\n", serde_json::to_string_pretty(&form)?))
}

fn lesson_form(lesson: &super::rounds::Lesson) -> Value {
    let steps = lesson.steps.iter().flat_map(|step| step.findings.iter().map(|finding| fix_form(finding, &step.moves, None)));
    let hints = lesson.hints.iter().map(|hint| fix_form(&hint.finding, &hint.moves, Some(&hint.why)));
    let fixed: Vec<Value> = lesson.fixed.iter().filter_map(|index| lesson.before.findings.get(*index)).map(finding_form).collect();
    let left: Vec<Value> = lesson.after.findings.iter().filter(|finding| finding.code.effect() != crate::finding::Effect::Informs).map(finding_form).collect();
    json!({
        "id": lesson.before.id,
        "path": lesson.before.source.path(),
        "before": lesson.before.status.word(),
        "after": lesson.after.status.word(),
        "fixed": fixed,
        "left": left,
        "fixes": steps.chain(hints).collect::<Vec<_>>(),
    })
}

fn finding_form(finding: &Finding) -> Value {
    let place = finding.location.place();
    json!({"code": finding.code.word(), "line": place.line, "column": place.column, "cell": place.cell, "message": finding.message})
}

fn fix_form(finding: &Finding, moves: &[&Move], why: Option<&str>) -> Value {
    let moves: Vec<Value> =
        moves.iter().map(|one| json!({"old": one.old, "new": one.new, "since": one.since, "note": one.note, "source": one.source})).collect();
    json!({"finding": finding_form(finding), "moves": moves, "verified": why.is_none(), "why": why})
}
