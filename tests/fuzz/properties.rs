//! What must hold of any bytes, for each part that reads what others wrote. The fuzz targets try it on bytes that libFuzzer makes up, and `tests/it/found.rs` on
//! those that were once trouble. A property that does not hold panics. No input may take long: libFuzzer watches the clock.

use std::cell::OnceCell;
use std::sync::Arc;

use proctor::config::Config;
use proctor::engine::protocol::{Action, Job, Run};
use proctor::engine::{Job as AnyJob, hear};
use proctor::env::parse_requirements;
use proctor::finding::Finding;
use proctor::guide::{
    Block, Guide, Lesson, Role, directive as directives, html as hypertext, markdown as marked, notebook as cells, rst as restructured, text as plain,
};
use proctor::lab::manifest::Manifest;
use proctor::lab::{Fate, Lab, Lenders, Setup, Shelf};
use proctor::outcome::{Options, Ran, clears, held_up, judge as verdict, refusing, standing, status, suspects};
use proctor::snapshot::format::{canonical, read, write};
use proctor::snapshot::matching::{check_claim, compare, matches};
use proctor::snapshot::normalise::normalise;
use proctor::source::{Source, Span};

/// A Markdown page.
pub fn markdown(bytes: &[u8]) {
    let source = Arc::new(Source::from_bytes("page.md", bytes));
    sound(&marked::parse(&source, "page"));
}

/// A page of plain text.
pub fn text(bytes: &[u8]) {
    let source = Arc::new(Source::from_bytes("page.txt", bytes));
    let guide = plain::parse(&source, "page");
    sound(&guide);
    letter_by_letter(&guide);
}

/// A page of reStructuredText.
pub fn rst(bytes: &[u8]) {
    let source = Arc::new(Source::from_bytes("page.rst", bytes));
    sound(&restructured::parse(&source, "page"));
}

/// A page of HTML.
pub fn html(bytes: &[u8]) {
    let source = Arc::new(Source::from_bytes("page.html", bytes));
    sound(&hypertext::parse(&source, "page"));
}

/// A notebook.
pub fn notebook(bytes: &[u8]) {
    let source = Arc::new(Source::from_bytes("page.ipynb", bytes));
    sound(&cells::parse(&source, "page"));
}

/// A table of contents.
pub fn summary(bytes: &[u8]) {
    let source = Source::from_bytes("SUMMARY.md", bytes);
    let summary = proctor::guide::summary::parse(&source);
    for entry in summary.chapters.iter().flat_map(|chapter| &chapter.entries) {
        inside(&source, entry.span);
        assert!(entry.path.as_ref().is_none_or(|path| !path.is_empty()), "an entry without a page is a draft");
    }
}

/// A comment that may speak to Proctor.
pub fn directive(bytes: &[u8]) {
    let source = Arc::new(Source::from_bytes("page.md", bytes));
    let all = Span::new(0, source.text().len());
    let Some(parsed) = directives::parse(&source, all) else { return };
    assert!(!parsed.directives.is_empty() || !parsed.findings.is_empty(), "a comment that speaks to Proctor says something");
    for directive in &parsed.directives {
        inside(&source, directive.span);
        assert!(source.slice(directive.span).starts_with(&directive.word), "a directive stands where its word does");
        let known = directives::KNOWN.iter().find(|known| known.word == directive.word).expect("only known words are directives");
        for attribute in known.attributes.iter().filter(|attribute| attribute.required) {
            assert!(directive.attributes.get(attribute.name).is_some_and(|value| !value.trim().is_empty()), "a directive has what it needs");
        }
    }
    findings(&parsed.findings);
}

/// A `lab.toml`.
pub fn manifest(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Manifest::parse(&text) {
        Err(message) => a_message(&message, &text),
        Ok(manifest) => manifest.requests.iter().for_each(|request| {
            assert!((1..=text.lines().count()).contains(&request.line), "a request knows its line");
            assert!(request.request().path.starts_with('/'));
        }),
    }
}

/// A `proctor.toml`.
pub fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Err(message) = Config::parse(&text) {
        a_message(&message, &text);
    }
}

/// A lock file.
pub fn lock(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match parse_requirements(&text) {
        Err(wrong) => assert!((1..=text.lines().count()).contains(&wrong.line) && !wrong.message.is_empty()),
        Ok(requirements) => {
            for requirement in requirements {
                assert!(!requirement.name.is_empty() && !requirement.name.chars().any(char::is_whitespace), "{:?}", requirement.name);
            }
        }
    }
}

/// A snapshot's file, and what a snapshot of the same text becomes when it is written.
pub fn snapshot(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let made = proctor::snapshot::Snapshot::of(&text);
    for snapshot in [read(&text).ok(), Some(made)].into_iter().flatten() {
        let back = read(&write(&snapshot)).unwrap_or_else(|flaw| panic!("what is written is read: {flaw:?}"));
        assert_eq!(back.metadata, snapshot.metadata, "metadata is read back");
        assert_eq!(back.contents, canonical(&snapshot.contents), "contents are read back");
    }
}

/// What was expected and what was printed, with a zero byte between; one text against itself where there is none.
pub fn matching(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (expected, actual) = text.split_once('\0').unwrap_or((&text, &text));
    assert_eq!(compare(expected, actual).is_ok(), matches(expected, actual));
    for mismatch in [compare(expected, actual), check_claim(expected, actual)].into_iter().filter_map(Result::err) {
        assert!(mismatch.first_line < expected.split('\n').count(), "they part at a line of what was expected");
    }
    assert!(matches(actual, actual) && check_claim(actual, actual).is_ok(), "every output is what it is");
    let once = normalise(actual);
    assert_eq!(normalise(&once), once, "what is normalised stays so");
    assert!(matches(&once, actual), "an output is what was accepted of it");
}

/// A Markdown page, as what its lesson assembles into; parted by a form feed, the first of two pages lends to the second.
pub fn assemble(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (first, second) = text.split_once('\u{c}').unwrap_or(("", &text));
    let lesson = |text: &str, id: &str| marked::parse(&Arc::new(Source::new(format!("{id}.md"), text)), id).lessons().next().cloned().map(Arc::new);
    let shelf = Arc::new(Shelf::of(lesson(first, "first").into_iter().collect()));
    let lenders = Lenders::on(shelf, Vec::new(), 1);
    let setup = Setup { earlier: Some(&lenders), ..Setup::default() };
    let Some(lesson) = lesson(second, "second") else { return };
    let lab = proctor::lab::assemble(&lesson, &setup);
    a_lab(&lesson, &lab);
    let again = proctor::lab::assemble(&lesson, &setup);
    assert!(lab.blocks == again.blocks && lab.assumptions == again.assumptions, "a page assembles the same way each time");
    assert!(lab.revisions.iter().map(|revision| &revision.job).eq(again.revisions.iter().map(|revision| &revision.job)));
}

/// What an agent sends while one lesson runs, and how the lesson is judged by it: a line is the text of one frame; after a zero byte, bytes are as they come.
pub fn judge(bytes: &[u8]) {
    thread_local!(static LESSON: OnceCell<(Lesson, Lab)> = const { OnceCell::new() });
    LESSON.with(|known| {
        let (lesson, lab) = known.get_or_init(a_lesson);
        let stream = match bytes {
            [0, raw @ ..] => raw.to_vec(),
            _ => bytes
                .split(|&byte| byte == b'\n')
                .flat_map(|line| [&u32::try_from(line.len()).expect("inputs are small").to_be_bytes(), line].concat())
                .collect(),
        };
        let runs: Option<Vec<Run>> = lab.revisions.iter().map(|revision| heard(&revision.job, &stream)).collect();
        if let Some(runs) = runs {
            judged(lesson, lab, runs);
        }
    });
}

/// The lesson that [`judge`] judges: some of everything that a page may have.
fn a_lesson() -> (Lesson, Lab) {
    const PAGE: &str = "# A shop\n\n```python title=\"app.py\"\nfrom flask import Flask\n\napp = Flask(__name__)\n\n\n@app.route(\"/\")\ndef index():\n    return \"Hello\"\n```\n\n\
                        Try it:\n\n```console\n$ curl http://localhost:5000/\nHello\n$ python app.py\n```\n\n```python\nfor n in range(3):\n    print(n)  # prints 0\nwith engine.connect() as connection:\n    \
                        print(connection)\n```\n\n```text\n0\n1\n2\n```\n\nYou should see \"Hello\".\n\n>     x = Base()\n\n```pycon\n>>> x\n3\n>>> raise KeyError('a')\nTraceback (most recent call last):\n    ...\nKeyError: 'a'\n```\n";
    let guide = marked::parse(&Arc::new(Source::new("page.md", PAGE)), "page");
    let lesson = guide.lessons().next().cloned().expect("the page is a lesson");
    let lab = proctor::lab::assemble(&lesson, &Setup::default());
    a_lab(&lesson, &lab);
    assert!(!lab.revisions.is_empty());
    (lesson, lab)
}

/// What the host makes of a stream.
fn heard(job: &AnyJob, stream: &[u8]) -> Option<Run> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let run = runtime.block_on(hear(job, stream)).ok()?;
    assert!(run.records.iter().all(|record| job.steps.iter().any(|step| step.id == record.step)), "a record is of a step of the job");
    let written = serde_json::to_string(&run).expect("a run can be remembered");
    assert!(serde_json::from_str::<Run>(&written).is_ok_and(|back| back == run), "a run is remembered as it was: {written}");
    Some(run)
}

/// Judge, and look at everything that a check looks at on its way.
fn judged(lesson: &Lesson, lab: &Lab, runs: Vec<Run>) {
    for (revision, run) in lab.revisions.iter().zip(&runs) {
        let _ = refusing(lesson, revision, run);
        for (_, cause) in held_up(revision, run) {
            let _ = revision.without(cause);
        }
        for suspect in suspects(lesson, lab, revision, run) {
            for remedy in suspect.remedies {
                if let Some(other) = revision.again(suspect.block, suspect.span, remedy) {
                    let _ = (clears(lesson, lab, &other, suspect.block, run), standing(lesson, lab, &other, suspect.block, run));
                }
            }
        }
    }
    let ran: Vec<Ran> = runs.into_iter().map(Ran::from).collect();
    for strict in [false, true] {
        let judged = verdict(lesson, lab, &ran, Options { strict });
        let _ = status(&judged);
        findings(&judged.findings);
        assert_eq!(judged.blocks.len(), lesson.blocks.len(), "every block has its outcome");
        for finding in &judged.findings {
            assert!(finding.because.is_none_or(|cause| cause < judged.findings.len()), "a cause is a finding");
        }
    }
}

/// Every place lies in its source, on letters' bounds, and in order; each line of a block has its place.
fn sound(guide: &Guide) {
    for lesson in guide.lessons() {
        let source = &lesson.source;
        inside(source, lesson.span);
        ordered(lesson.blocks.iter().map(Block::span));
        ordered(lesson.prose.iter().map(|prose| prose.span));
        lesson.prose.iter().for_each(|prose| inside(source, prose.span));
        findings(&lesson.findings);
        assert!((1..=source.line_count().max(1)).contains(&lesson.line), "a lesson starts on a line");
        lesson.blocks.iter().for_each(|block| a_block(source, block));
    }
}

fn a_block(source: &Source, block: &Block) {
    assert!(!block.body.lines.is_empty(), "a block has lines");
    ordered(block.body.lines.iter().map(|line| line.span));
    for (index, line) in block.body.lines.iter().enumerate() {
        inside(source, line.span);
        assert!(!line.text.contains('\n'), "a line is one line: {:?}", line.text);
        let place = source.place(line.span.start);
        assert!(place.line >= 1 && place.column >= 1 && source.line_of(line.span.start) <= source.line_count().max(1) + 1);
        for column in [0, line.text.len() / 2, line.text.len()] {
            assert!(block.body.offset(index, column) <= source.text().len());
        }
    }
    block.directives.iter().for_each(|directive| inside(source, directive.span));
    let whole = block.body.source_span(Span::new(0, block.body.text().len()));
    assert!(whole.start >= block.span().start && whole.end <= block.span().end, "code stands in its block");
    assert!(!matches!(&block.role, Role::Foreign(reason) if reason.is_empty()), "what is not ours has a reason");
}

/// In a format that decodes nothing, a line is its source.
fn letter_by_letter(guide: &Guide) {
    for lesson in guide.lessons() {
        for line in lesson.blocks.iter().flat_map(|block| &block.body.lines) {
            assert_eq!(lesson.source.slice(line.span), line.text);
        }
    }
}

/// What must hold of any lab: one fate a block, with its reason; steps in order, which need earlier things or each other; every place in the page.
fn a_lab(lesson: &Lesson, lab: &Lab) {
    assert_eq!(lab.blocks.len(), lesson.blocks.len(), "every block has one fate");
    for plan in &lab.blocks {
        assert!(!matches!(plan.fate, Fate::Skipped | Fate::Static) || plan.reason.as_ref().is_some_and(|reason| !reason.is_empty()), "{plan:?} has a reason");
        assert!(plan.revisions.iter().all(|number| (1..=lab.revisions.len()).contains(number)), "{plan:?} is judged in revisions that there are");
    }
    findings(&lab.findings);
    lab.assumptions.iter().for_each(|assumption| inside(&lesson.source, assumption.span));
    lab.claims.iter().for_each(|claim| inside(&lesson.source, claim.span));
    lab.comment_claims.iter().for_each(|claim| inside(&lesson.source, claim.span));
    lab.prose_claims.iter().for_each(|claim| inside(&lesson.source, claim.span));
    for (index, revision) in lab.revisions.iter().enumerate() {
        assert_eq!(revision.number, index + 1);
        a_job(lesson, &revision.job);
        for (id, origin) in &revision.origins {
            assert!(revision.job.steps.iter().any(|step| step.id == *id), "an origin is a step's");
            origin.span.iter().for_each(|span| assert!(!origin.judged || in_source(&lesson.source, *span), "what is judged stands in the page"));
            assert!(origin.block.is_none_or(|block| block < lesson.blocks.len()));
            assert!(origin.assumption.is_none_or(|assumption| assumption < lab.assumptions.len()));
        }
    }
}

fn a_job(lesson: &Lesson, job: &Job) {
    assert!(job.steps.is_sorted_by(|one, other| one.id < other.id), "steps are in order");
    for step in &job.steps {
        assert!(step.needs.iter().all(|needed| *needed != step.id && job.steps.iter().any(|other| other.id == *needed)), "a step needs others that there are");
        if let Action::Python { filename, line, .. } = &step.action {
            assert!(*line >= 1 && (filename != lesson.source.path() || *line <= lesson.source.line_count()), "{filename}:{line} is a line of the page");
        }
    }
    for file in &job.files {
        let leaves = file.path.is_empty() || file.path.starts_with('/') || file.path.contains('\0') || file.path.split('/').any(|part| part == "..");
        assert!(!leaves, "{:?} is in the lab", file.path);
    }
    let written = serde_json::to_string(job).expect("a job can be written");
    assert!(serde_json::from_str::<Job>(&written).is_ok_and(|back| back == *job), "a job arrives as it was sent");
}

fn findings(findings: &[Finding]) {
    for finding in findings {
        inside(&finding.location.source, finding.location.span);
        let place = finding.location.place();
        assert!(place.line >= 1 && place.column >= 1 && !finding.message.is_empty());
        finding.related.iter().for_each(|related| inside(&related.location.source, related.location.span));
    }
}

/// A message about a file of ours names a line that it has.
fn a_message(message: &str, text: &str) {
    if let Some(rest) = message.strip_prefix("line ") {
        let number: usize = rest.split(':').next().and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{message:?} names a line"));
        assert!((1..=text.split('\n').count()).contains(&number), "{message:?} names a line that there is");
    }
    assert!(!message.trim().is_empty());
}

fn ordered(spans: impl Iterator<Item = Span>) {
    let starts: Vec<usize> = spans.map(|span| span.start).collect();
    assert!(starts.is_sorted(), "{starts:?} are in order");
}

fn in_source(source: &Source, span: Span) -> bool {
    span.start <= span.end && source.text().get(span.start..span.end).is_some()
}

fn inside(source: &Source, span: Span) {
    assert!(in_source(source, span), "{span:?} lies in {} bytes, on letters' bounds", source.text().len());
}
