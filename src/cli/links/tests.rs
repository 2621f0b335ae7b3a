//! What is heard of links becomes findings and notes, and is kept.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::ask::tests::{Server, hurried};
use super::*;
use crate::guide::markdown;
use crate::outcome::{LessonOutcome, Status};
use crate::source::Source;

fn lesson(text: &str) -> Arc<Lesson> {
    let guide = markdown::parse(&Arc::new(Source::new("a.md", text)), "a");
    Arc::new(guide.lessons().next().unwrap().clone())
}

/// The findings and the notes of a check of one page.
async fn found(text: &str, folder: Option<PathBuf>) -> (Vec<String>, Vec<String>) {
    let lesson = lesson(text);
    let outcome = LessonOutcome {
        id: lesson.id.clone(),
        number: None,
        title: String::new(),
        chapter: String::new(),
        selector: String::new(),
        source: Arc::clone(&lesson.source),
        line: 1,
        status: Status::Passed,
        assumptions: Vec::new(),
        blocks: Vec::new(),
        findings: Vec::new(),
        error: None,
        seconds: 0.0,
        environment: String::new(),
        index: 0,
    };
    let mut report = Report { lessons: vec![outcome], ..Report::default() };
    let ignored = |target: &str| target.ends_with("/ignored");
    Links::with(std::iter::once(&lesson), &ignored, hurried(), folder).ask().await.add_to(&mut report);
    let line = |finding: &Finding| {
        let place = finding.location.place();
        format!("{}:{} {} {} | {}", place.line, place.column, finding.code.word(), finding.message, finding.help.clone().unwrap_or_default())
    };
    (report.lessons[0].findings.iter().map(line).collect(), report.notes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_link_is_a_finding_at_its_place_and_a_moved_one_a_note() {
    let server = Server::start().await;
    let address = &server.address;
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "# T\n\n[a]({address}/ok) and [b]({address}/gone#part)\n\n- <{address}/gone>\n- <a href=\"{address}/moved\">c</a> <{address}/ignored>\n\n`{address}/in-code` <{address}/members>\n"
    );
    let (findings, notes) = found(&text, Some(folder.path().to_owned())).await;
    let help = "correct the link, or name it under `[links] ignore` in proctor.toml";
    let column = format!("[a]({address}/ok) and ").len() + 1;
    assert_eq!(
        findings,
        [
            format!("3:{column} dead-link {address}/gone#part leads nowhere: it answers 404 not found | {help}"),
            format!("5:3 dead-link {address}/gone leads nowhere: it answers 404 not found | {help}"),
            format!("6:3 moved-link {address}/moved has moved for good | link to {address}/here"),
        ]
    );
    assert_eq!(notes, [format!("of some links nothing is known: {address}/members (it answers 403 forbidden)")]);
    assert_eq!((server.count("GET /gone"), server.count("HEAD /ignored"), server.count("HEAD /in-code")), (1, 0, 0));
    // What was heard holds for a day, what was not is asked again.
    let (again, _) = found(&text, Some(folder.path().to_owned())).await;
    assert_eq!(again, findings);
    assert_eq!((server.count("HEAD /ok"), server.count("GET /gone"), server.count("GET /members")), (1, 1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_network_no_link_is_dead() {
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (findings, notes) = found(&format!("<http://{address}/a> <http://{address}/b>\n"), None).await;
    assert_eq!(findings, Vec::<String>::new());
    assert_eq!(notes, ["no host answers, so there seems to be no network: nothing is known of 2 links"]);
    // Where one host answers, another that does not is dead.
    let server = Server::start().await;
    let (findings, _) = found(&format!("<http://{address}/a> <{}/ok>\n", server.address), None).await;
    assert_eq!(findings.len(), 1);
    assert!(findings[0].starts_with(&format!("1:1 dead-link http://{address}/a leads nowhere: it cannot be reached: ")), "{findings:?}");
}
