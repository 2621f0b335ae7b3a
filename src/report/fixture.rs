//! A report made by hand, of every status and with hostile text: what the tests of all formats write.

use std::sync::Arc;

use super::Report;
use crate::finding::{Code, Comparison, Edit, Finding, Location};
use crate::lab::{Assumption, BlockPlan, Fate};
use crate::outcome::{BlockOutcome, LessonOutcome, Outcome, Status};
use crate::source::{Source, Span};

/// Text that breaks out of whatever does not escape it.
pub(super) const HOSTILE: &str =
    "\u{1b}[31mred\u{1b}]8;;http://x\u{7} </script><b> ]]> \u{fffe}\u{ffff}\0 \u{202e}txt.exe\u{2066} ::error::x %0A ``` |a|\r\n::warning::second";

const LEGACY: &str = "5.5 Relationships\n\nfrom sqlalchemy import Table\nfrom sqlalchemy.ext.declarative import declarative_base\n\nBase = declarative_base()\n\nclass Left(Base):\n    pass\n\nengine.begin()\n";
const ROUTES: &str =
    "# Routes\n\n```python\nleft = Left()\nprint(left.right)\n```\n\nPrints:\n\n```text\nLeft ID: 1\nRight ID: 1\n```\n\n```python\nprint(left.rights)\n```\n";
const MODELS: &str =
    "# Models\n\n```python\nclass User(Base):\n    pass\n```\n\n```python\nuser = User()\n```\n\n```python\nfor row in []:\n    print(row)\n```\n";

/// The whole report.
pub(super) fn report() -> Report {
    let lessons = [passed(), stale(), broken(), incomplete(), errored(), skipped(), empty(), hostile(), notebook()];
    Report {
        engine: "local".to_owned(),
        notes: vec!["not sealed: the lab ran as your own user, because no Docker engine answered".to_owned()],
        wrong: Vec::new(),
        environments: vec!["flask".to_owned()],
        chapters: 3,
        lessons: lessons.into_iter().enumerate().map(|(index, lesson)| LessonOutcome { index, ..lesson }).collect(),
        seconds: 1.25,
        partition: None,
        flags: Vec::new(),
        baseline: None,
    }
}

/// A report of three environments: a lesson that passes in each, one that has another status in each, one that is broken in each for not quite the same
/// reasons, and one that ran in one of them only.
pub(super) fn matrix() -> Report {
    let within = |index, environment: &str, lesson: LessonOutcome| LessonOutcome { index, environment: environment.to_owned(), ..lesson };
    let gone = |lesson: LessonOutcome| {
        let message = "ImportError: cannot import name 'declarative_base' from 'sqlalchemy.ext.declarative'";
        let finding = Finding::new(Code::RemovedApi, find(&lesson, "declarative_base()"), message);
        LessonOutcome { status: Status::Broken, findings: vec![finding], ..lesson }
    };
    let mut without_claim = broken();
    without_claim.findings.pop();
    let fine = LessonOutcome { status: Status::Passed, findings: Vec::new(), assumptions: Vec::new(), ..stale() };
    let lessons = vec![
        within(0, "flask", passed()),
        within(0, "legacy", passed()),
        within(0, "next", passed()),
        within(1, "flask", fine),
        within(1, "legacy", stale()),
        within(1, "next", gone(stale())),
        within(2, "flask", broken()),
        within(2, "legacy", without_claim),
        within(2, "next", broken()),
        within(3, "flask", skipped()),
    ];
    let environments = ["flask", "legacy", "next"].map(str::to_owned).to_vec();
    let flags = ["--no-snapshots", "--env=flask", "--env=legacy", "--env=next"].map(str::to_owned).to_vec();
    Report { engine: "docker".to_owned(), notes: Vec::new(), environments, lessons, flags, ..report() }
}

/// A report of one lesson with one finding that says `text` everywhere.
pub(super) fn saying(text: &str) -> Report {
    let mut lesson = hostile();
    lesson.source = Arc::new(Source::new(lesson.source.path(), text));
    lesson.title = text.to_owned();
    lesson.chapter = text.to_owned();
    lesson.selector = text.to_owned();
    lesson.environment = text.to_owned();
    lesson.error = Some(text.to_owned());
    lesson.blocks[0].plan.reason = Some(text.to_owned());
    lesson.assumptions = vec![Assumption { name: text.to_owned(), span: Span::new(3, 9), what: text.to_owned() }];
    let location = Location::new(&lesson.source, Span::new(1, text.len() / 2));
    let mut finding = Finding::new(Code::WrongOutput, location.clone(), text).with_help(text).with_related(location.clone(), text);
    finding.comparison = Some(Comparison { expected: text.to_owned(), actual: text.chars().rev().collect() });
    let mut follows = Finding::new(Code::Raised, location, text);
    follows.because = Some(0);
    lesson.findings = vec![finding, follows];
    Report {
        lessons: vec![lesson],
        notes: vec![text.to_owned()],
        wrong: vec![(Code::NothingRan, text.to_owned())],
        environments: vec![text.to_owned()],
        ..report()
    }
}

fn lesson(number: &str, title: &str, chapter: &str, path: &str, text: &str, status: Status) -> LessonOutcome {
    LessonOutcome {
        index: 0,
        id: path.trim_end_matches(".md").to_owned(),
        number: (!number.is_empty()).then(|| number.to_owned()),
        title: title.to_owned(),
        chapter: chapter.to_owned(),
        selector: path.to_owned(),
        environment: "flask".to_owned(),
        source: Arc::new(Source::new(path, text)),
        line: 1,
        status,
        assumptions: Vec::new(),
        blocks: Vec::new(),
        findings: Vec::new(),
        error: None,
        seconds: 0.125,
    }
}

fn block(line: usize, end_line: usize, fate: Fate, outcome: Option<Outcome>) -> BlockOutcome {
    BlockOutcome {
        line,
        end_line,
        cell: None,
        language: "python".to_owned(),
        plan: BlockPlan { fate, reason: None, file: None, revisions: if fate == Fate::Run { vec![1] } else { Vec::new() } },
        outcome,
        transcript: outcome.map(|_| "printed\n".to_owned()),
    }
}

/// The place of the first `needle` in the lesson's text.
fn find(lesson: &LessonOutcome, needle: &str) -> Location {
    let start = lesson.source.text().find(needle).expect("the fixture names text that is there");
    Location::new(&lesson.source, Span::new(start, start + needle.len()))
}

fn passed() -> LessonOutcome {
    let mut lesson = lesson("2.2", "First Application", "Basics", "content/02/02-first.md", "# First\n\n```python\nprint(1)\n```\n", Status::Passed);
    lesson.blocks = vec![block(4, 4, Fate::Run, Some(Outcome::Passed))];
    lesson
}

fn stale() -> LessonOutcome {
    let mut lesson = lesson("5.5", "Relationships", "Databases", "guide.txt", LEGACY, Status::Stale);
    lesson.selector = "guide.txt#5.5".to_owned();
    lesson.blocks = vec![block(3, 9, Fate::Run, Some(Outcome::Passed)), block(11, 11, Fate::Run, Some(Outcome::Passed))];
    let engine = find(&lesson, "engine.begin").span;
    lesson.assumptions = vec![Assumption { name: "engine".to_owned(), span: engine, what: "an SQLite engine in memory".to_owned() }];
    let from = find(&lesson, "from sqlalchemy.ext.declarative import declarative_base");
    lesson.findings = vec![
        Finding::new(
            Code::Deprecated,
            find(&lesson, "declarative_base()"),
            "MovedIn20Warning: declarative_base() is now available as sqlalchemy.orm.declarative_base()",
        )
        .with_help("import it from `sqlalchemy.orm`")
        .with_edits(vec![Edit { span: from.span, text: "from sqlalchemy.orm import declarative_base".to_owned() }])
        .with_related(from, "imported here"),
    ];
    lesson
}

fn broken() -> LessonOutcome {
    let mut lesson = lesson("3.1", "Routes", "Routing", "content/03/01-routes.md", ROUTES, Status::Broken);
    lesson.blocks = vec![
        block(4, 5, Fate::Run, Some(Outcome::Failed)),
        BlockOutcome { language: "text".to_owned(), ..block(11, 12, Fate::Compared, Some(Outcome::Failed)) },
        block(16, 16, Fate::Run, Some(Outcome::Blocked)),
    ];
    let other = Arc::new(Source::new("content/02/02-first.md", "# First\n\n```python\nclass Left:\n    rights = []\n```\n"));
    let mut wrong = Finding::new(Code::WrongOutput, find(&lesson, "Left ID: 1"), "the block prints something else than the page says");
    wrong.comparison = Some(Comparison { expected: "Left ID: 1\nRight ID: 1\n".to_owned(), actual: "Left ID: 1\nRight ID: 2  \nRight ID: 3\n".to_owned() });
    let mut follows = Finding::new(Code::Raised, find(&lesson, "left.rights"), "NameError: name 'left' is not defined");
    follows.because = Some(0);
    lesson.findings = vec![
        Finding::new(Code::Raised, find(&lesson, "left.right)"), "AttributeError: 'Left' object has no attribute 'right'")
            .with_help("did you mean `rights`?")
            .with_related(Location::line(&other, 5), "`rights` is defined here"),
        follows,
        wrong,
    ];
    lesson
}

fn incomplete() -> LessonOutcome {
    let mut lesson = lesson("", "Models", "", "content/models.md", MODELS, Status::Incomplete);
    lesson.blocks = vec![
        block(4, 5, Fate::Run, Some(Outcome::Incomplete)),
        block(9, 9, Fate::Run, Some(Outcome::Blocked)),
        block(13, 14, Fate::Run, Some(Outcome::Passed)),
    ];
    let because = |mut finding: Finding, index| {
        finding.because = Some(index);
        finding
    };
    lesson.findings = vec![
        Finding::new(Code::UndefinedName, find(&lesson, "Base"), "`Base` is used and never defined"),
        because(Finding::new(Code::Raised, find(&lesson, "User()"), "NameError: name 'User' is not defined"), 0),
        because(Finding::new(Code::Raised, find(&lesson, "user ="), "NameError: name 'user' is not defined"), 1),
        Finding::new(Code::NotReached, find(&lesson, "print(row)"), "the body of the loop never ran"),
    ];
    lesson
}

fn errored() -> LessonOutcome {
    let mut lesson = lesson("4.1", "Forms", "Routing", "content/04/01 forms.md", "# Forms\n\n```python\nform()\n```\n", Status::Errored);
    lesson.blocks = vec![block(4, 4, Fate::Run, None)];
    lesson.error = Some("the worker ended before it answered: exit status 137\nrun `proctor doctor` to see why".to_owned());
    lesson
}

fn skipped() -> LessonOutcome {
    let mut lesson = lesson("10.2", "Deployment", "Deployment", "content/10/02-deploy.md", "# Deploy\n\n```sh\neb deploy\n```\n", Status::Skipped);
    let mut block = block(4, 4, Fate::Skipped, None);
    block.language = "sh".to_owned();
    block.plan.reason = Some("needs an AWS account".to_owned());
    lesson.blocks = vec![block];
    lesson
}

fn empty() -> LessonOutcome {
    LessonOutcome { seconds: 0.0, ..lesson("1.1", "Welcome", "Basics", "content/SUMMARY.md", "- [Welcome]()\n", Status::Empty) }
}

fn hostile() -> LessonOutcome {
    let text = format!("# x\n\n```python\n\u{202e}evil = '\u{1b}[2J\0'; raise ValueError({}, \"end\")\n```\n", "'long', ".repeat(200));
    let mut lesson = lesson("9", HOSTILE, "Ho\"st<ile", "content/a:b,c%/h\u{e9} #1.md", &text, Status::Broken);
    lesson.id = "hostile".to_owned();
    lesson.blocks = vec![block(4, 4, Fate::Run, Some(Outcome::Failed))];
    let end = find(&lesson, "\"end\"");
    let mut finding = Finding::new(Code::Raised, end, format!("ValueError: {HOSTILE}")).with_help(HOSTILE);
    finding.comparison = Some(Comparison { expected: "a\n".to_owned(), actual: format!("{HOSTILE}\n{}", "z".repeat(5_000)) });
    let outside = Location::new(&lesson.source, Span::new(1 << 40, 1 << 41));
    lesson.findings = vec![finding.with_related(outside, HOSTILE)];
    lesson
}

fn notebook() -> LessonOutcome {
    let mut lesson = lesson("", "Notebook", "Extras", "content/intro.ipynb", "", Status::Broken);
    lesson.source = Arc::new(Source::new("content/intro.ipynb", "# Intro\nx = 1\ny = 2\nprint(z)\n").with_cells(vec![(0, 0), (8, 3)]));
    lesson.blocks = vec![BlockOutcome { cell: Some(3), ..block(1, 3, Fate::Run, Some(Outcome::Failed)) }];
    lesson.findings = vec![Finding::new(Code::SyntaxError, find(&lesson, "print(z)"), "expected an expression")];
    lesson
}
