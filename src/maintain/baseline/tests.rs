//! What a baseline knows of, and what it does not.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::sync::Arc;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::finding::Location;
use crate::source::Source;

const PAGE: &str = "# A\n\nengine.execute(1)\n\nprint(nobody)\n\nengine.execute(1)\n";

fn lesson(id: &str, text: &str, findings: &[(Code, usize)]) -> LessonOutcome {
    let source = Arc::new(Source::new(format!("{id}.md"), text));
    let findings: Vec<Finding> = findings.iter().map(|(code, line)| Finding::new(*code, Location::line(&source, *line), "it says so")).collect();
    let status = match findings.first().map(|finding| finding.code.effect()) {
        Some(Effect::Breaks) => Status::Broken,
        Some(Effect::Incompletes) => Status::Incomplete,
        Some(Effect::Stales) => Status::Stale,
        _ => Status::Passed,
    };
    LessonOutcome {
        index: 0,
        environment: "flask".to_owned(),
        id: id.to_owned(),
        number: None,
        title: String::new(),
        chapter: String::new(),
        selector: String::new(),
        source,
        line: 1,
        status,
        assumptions: Vec::new(),
        blocks: Vec::new(),
        findings,
        error: None,
        seconds: 0.0,
    }
}

fn legacy() -> LessonOutcome {
    lesson("a", PAGE, &[(Code::RemovedApi, 3), (Code::UndefinedName, 5), (Code::RemovedApi, 7)])
}

fn new() -> New {
    New { reason: "why not".to_owned(), until: date(2027, 2, 21), renews: false, today: date(2026, 11, 23) }
}

fn of(lessons: &[LessonOutcome]) -> Baseline {
    let ids: Vec<String> = lessons.iter().map(|lesson| lesson.id.clone()).collect();
    let made = Baseline::default().renew(lessons, &ids, &new()).0;
    Baseline::parse(&made.text()).unwrap()
}

fn held(baseline: &Baseline, lesson: LessonOutcome, today: Date) -> (Held, LessonOutcome) {
    let mut lessons = [lesson];
    let held = baseline.hold(&mut lessons, today, false);
    let [lesson] = lessons;
    (held, lesson)
}

const TODAY: Date = date(2026, 11, 24);

#[test]
fn what_was_recorded_fails_nothing_wherever_it_has_moved() {
    let baseline = of(&[legacy()]);
    assert_eq!(baseline.entries.len(), 3);
    let moved = lesson("a", &format!("# B\n\nMore.\n\n  {PAGE}"), &[(Code::RemovedApi, 7), (Code::UndefinedName, 9), (Code::RemovedApi, 11)]);
    let (held, lesson) = held(&baseline, moved, TODAY);
    assert_eq!(held, Held { known: 3, ..Held::default() });
    assert_eq!((lesson.status, lesson.standing(), lesson.is_known()), (Status::Broken, Status::Passed, true));
    assert_eq!(lesson.findings[0].known, Some(Known { reason: "why not".to_owned(), expires: "2027-02-21".to_owned() }));
}

#[test]
fn what_is_new_counts() {
    let baseline = of(&[lesson("a", PAGE, &[(Code::RemovedApi, 3)])]);
    let (held_now, twice) = held(&baseline, legacy(), TODAY);
    assert_eq!((held_now.known, held_now.gone.len()), (1, 0));
    assert!(twice.findings[0].known.is_some() && twice.findings[2].known.is_none(), "a second one on a line like it");
    assert_eq!((twice.standing(), twice.is_known()), (Status::Broken, false));
    let (_, other) = held(&baseline, lesson("a", PAGE, &[(Code::RemovedApi, 3), (Code::UndefinedName, 5)]), TODAY);
    assert_eq!(other.standing(), Status::Incomplete, "what is left is not as bad");
    assert_eq!(held(&baseline, lesson("a", PAGE, &[(Code::Raised, 3)]), TODAY).1.standing(), Status::Broken, "another code");
    assert_eq!(held(&baseline, lesson("b", PAGE, &[(Code::RemovedApi, 3)]), TODAY).1.standing(), Status::Broken, "another lesson");
    let edited = PAGE.replace("execute(1)", "execute(2)");
    assert_eq!(held(&baseline, lesson("a", &edited, &[(Code::RemovedApi, 3)]), TODAY).1.standing(), Status::Broken, "another line");
}

#[test]
fn what_only_follows_from_something_known_is_known_as_well() {
    let mut cause = lesson("a", PAGE, &[(Code::RemovedApi, 3)]);
    let baseline = of(&[cause.clone()]);
    cause.findings.push(Finding { because: Some(0), ..Finding::new(Code::Raised, Location::line(&cause.source, 5), "no name") });
    assert_eq!(of(&[cause.clone()]).entries.len(), 1, "a consequence is not recorded");
    let (held, lesson) = held(&baseline, cause, TODAY);
    assert_eq!((held.known, lesson.standing()), (1, Status::Passed));
}

#[test]
fn what_is_gone_is_said_and_what_was_not_looked_at_is_not() {
    let baseline = of(&[legacy(), lesson("b", PAGE, &[(Code::Assumed, 3), (Code::Deprecated, 5)])]);
    let (now, _) = held(&baseline, lesson("a", PAGE, &[(Code::RemovedApi, 3)]), TODAY);
    let gone: Vec<_> = now.gone.iter().map(|entry| (entry.code, entry.line.as_str())).collect();
    assert_eq!(gone, [(Code::UndefinedName, "print(nobody)"), (Code::RemovedApi, "engine.execute(1)")]);
    let (now, _) = held(&baseline, lesson("b", PAGE, &[]), TODAY);
    assert_eq!(now.gone.iter().map(|entry| entry.code).collect::<Vec<_>>(), [Code::Deprecated], "assumptions were not refused");
    assert_eq!(baseline.hold(&mut [lesson("b", PAGE, &[])], TODAY, true).gone.len(), 2);
    let legacy = LessonOutcome { environment: "legacy".to_owned(), ..lesson("b", PAGE, &[(Code::Deprecated, 5)]) };
    let (now, other) = held(&baseline, legacy, TODAY);
    assert_eq!((now, other.standing()), (Held::default(), Status::Stale), "another environment");
    let errored = LessonOutcome { status: Status::Errored, ..lesson("a", PAGE, &[]) };
    assert!(held(&baseline, errored, TODAY).0.gone.is_empty());
}

#[test]
fn what_has_expired_counts_again() {
    let baseline = of(&[legacy()]);
    assert_eq!(held(&baseline, legacy(), date(2027, 2, 21)).0.known, 3, "the last day");
    let (now, lesson) = held(&baseline, legacy(), date(2027, 2, 22));
    assert_eq!((now.known, now.expired.len(), now.gone.len(), lesson.standing()), (0, 3, 0, Status::Broken));
}

#[test]
fn made_again_it_keeps_reasons_and_dates_of_what_still_holds() {
    let mut baseline = of(&[legacy(), lesson("b", PAGE, &[(Code::Deprecated, 5)]), lesson("c", PAGE, &[(Code::Raised, 3)])]);
    baseline.entries[2].reason = "by hand".to_owned();
    baseline.entries[2].expires = date(2026, 1, 1);
    let ids = ["a".to_owned(), "b".to_owned()];
    let again = New { reason: "again".to_owned(), until: date(2028, 1, 1), ..new() };
    let now = [lesson("a", PAGE, &[(Code::RemovedApi, 3), (Code::Raised, 5), (Code::RemovedApi, 7)])];
    let (made, renewed) = baseline.renew(&now, &ids, &again);
    let told: Vec<_> = made.entries.iter().map(|entry| (entry.lesson.as_str(), entry.code, entry.reason.as_str(), entry.expires.to_string())).collect();
    let expected = [
        ("a", Code::RemovedApi, "why not", "2027-02-21".to_owned()),
        ("a", Code::Raised, "again", "2028-01-01".to_owned()),
        ("a", Code::RemovedApi, "by hand", "2026-01-01".to_owned()),
        ("b", Code::Deprecated, "why not", "2027-02-21".to_owned()),
    ];
    assert_eq!(told, expected);
    assert_eq!(renewed, Renewed { added: 1, kept: 3, dropped: 2, expired: 1 });
    let (made, renewed) = baseline.renew(&now, &ids, &New { renews: true, ..again });
    assert_eq!((made.entries[2].expires, renewed.expired), (date(2028, 1, 1), 0), "renewed, as it was asked for");
}

#[test]
fn a_file_that_says_what_it_cannot_say_is_refused_with_its_line() {
    let entry = "[[known]]\nlesson = 'a'\nenvironment = 'flask'\ncode = 'raised'\nline = 'x'\nexpires = 2027-02-21\n";
    assert!(Baseline::parse(entry).is_ok());
    let wrong = |from: &str, to: &str| Baseline::parse(&format!("# first\n\n{}", entry.replace(from, to))).unwrap_err();
    assert_eq!(wrong("lesson =", "lessen ="), "line 3: missing field `lesson`");
    assert_eq!(wrong("line =", "reasons = 'x'\nline ="), "line 7: unknown key `known.0.reasons`: did you mean `reason`?");
    assert_eq!(wrong("'raised'", "'raise'"), "line 3: there is no code `raise`: did you mean `raised`?");
    assert_eq!(wrong("'raised'", "'changed'"), "line 3: a baseline has no `changed`: snapshots have `proctor review` and `proctor accept`");
    assert_eq!(wrong("2027-02-21", "07:32:00"), "line 3: `07:32:00` is no day: write it as in `expires = 2027-02-21`");
    for day in ["2027-02-30", "'2027-02-21'", "2027-2-21", "soon"] {
        let message = wrong("2027-02-21", day);
        assert!(message.starts_with("line 8: ") && message.contains("2027-02-21"), "{day}: {message}");
    }
}

#[test]
fn an_entry_about_no_lesson_is_named_with_its_line() {
    let baseline = of(&[lesson("05-models", PAGE, &[(Code::Raised, 3)])]);
    assert_eq!(baseline.stray(["05-models"].into_iter()), None);
    let message = baseline.stray(["05-model", "06-other"].into_iter()).unwrap();
    assert!(message.starts_with("line 5: the guide has no lesson `05-models`: did you mean `05-model`?"), "{message}");
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(texts in proptest::collection::vec((any::<String>(), any::<String>(), any::<String>()), 0..4)) {
        let entries = texts.into_iter().map(|(lesson, line, reason)| Entry {
            lesson, environment: reason.clone(), code: Code::Raised, line: line.trim().to_owned(), message: reason.clone(), reason, expires: TODAY, at: 0,
        });
        let baseline = Baseline { entries: entries.collect() };
        let mut read = Baseline::parse(&baseline.text()).unwrap();
        read.entries.iter_mut().for_each(|entry| entry.at = 0);
        prop_assert_eq!(read, baseline);
    }
}
