//! The page as it is written: well-formed, whole, and nothing but text where text was meant. What a browser makes of it: tests/it/html.rs.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use quick_xml::events::Event;

use super::super::fixture;
use super::*;

fn written(report: &Report) -> String {
    let mut out = Vec::new();
    write(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The page's elements, their ids and where its links lead: it is written so that an XML reader can follow it.
#[derive(Default)]
struct Read {
    names: BTreeMap<String, usize>,
    ids: Vec<String>,
    links: BTreeSet<String>,
}

fn read(page: &str) -> Read {
    let body = &page[page.find("<body>").unwrap()..page.find("<script>").unwrap()];
    // Attributes without a value are not XML's.
    let body = [" hidden", " disabled", " open", " data-find"].iter().fold(body.to_owned(), |body, word| body.replace(&format!("{word}>"), ">"));
    let mut reader = quick_xml::Reader::from_str(&body);
    let mut found = Read::default();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                for attribute in start.attributes() {
                    let attribute = attribute.unwrap();
                    let value = String::from_utf8(attribute.value.to_vec()).unwrap();
                    match attribute.key.as_ref() {
                        b"id" => found.ids.push(value),
                        b"href" => drop(found.links.insert(value)),
                        key => assert!(!key.starts_with(b"on") && key != b"style" && key != b"src"),
                    }
                }
                *found.names.entry(String::from_utf8(start.name().as_ref().to_vec()).unwrap()).or_insert(0) += 1;
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn every_lesson_has_a_tile_and_a_page_and_every_link_leads_somewhere() {
    let report = fixture::report();
    let page = written(&report);
    for lesson in &report.lessons {
        assert!(page.contains(&text::html(&text::one_line(&wording::lesson(lesson)))), "{}", lesson.id);
    }
    let found = read(&page);
    assert_eq!(found.names["article"], report.lessons.len());
    assert_eq!((found.names["ins"], found.names["del"]), (5, 2));
    let ids: BTreeSet<String> = found.ids.iter().map(|id| format!("#{id}")).collect();
    assert_eq!(ids.len(), found.ids.len(), "an id stands there twice");
    assert_eq!(found.links.difference(&ids).next(), None);
}

#[test]
fn hostile_text_is_only_text() {
    let page = written(&fixture::report());
    assert!(page.contains("&lt;/script&gt;"));
    assert!(!read(&page).names.contains_key("script"));
    assert!(!page.chars().any(text::hidden));
}

#[test]
fn findings_stand_behind_their_lines() {
    let mut report = fixture::report();
    report.lessons.retain(|lesson| lesson.number.as_deref() == Some("3.1"));
    let page = written(&report);
    let place = |needle: &str| page.find(needle).unwrap_or_else(|| panic!("{needle}\n{page}"));
    let article = place("<article");
    let line = place("data-n=\"5\">print(<mark class=\"error\">left.right)</mark>");
    let finding = place("id=\"finding-0-0-0\"");
    assert!(article < line && line < finding && finding < place("data-n=\"11\""));
    assert!(page.contains("It only follows from ") && page.contains("Only because of this:"));
}

#[test]
fn a_lesson_that_ran_in_two_environments_has_one_page_and_its_worst_status() {
    let report = fixture::matrix();
    let page = written(&report);
    let found = read(&page);
    assert_eq!(found.names["article"], 4);
    assert_eq!(shown(&report).iter().map(Shown::status).collect::<Vec<_>>(), [Status::Passed, Status::Broken, Status::Broken, Status::Skipped]);
    assert!(page.contains("passed in flask; ") || page.contains("; passed in flask"), "{page}");
    let ids: BTreeSet<&String> = found.ids.iter().collect();
    assert_eq!(ids.len(), found.ids.len(), "an id stands there twice");
}

#[test]
fn the_policy_knows_the_style_and_the_script_by_their_hashes() {
    let page = written(&Report::default());
    let policy = page.split("Content-Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"));
    assert_eq!(policy.matches("='").count(), 2, "{policy}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_makes_no_element(text in any::<String>()) {
        let names = |text: &str| read(&written(&fixture::saying(text))).names;
        let (plain, any) = (names("plain"), names(&text));
        prop_assert!(any.keys().all(|name| plain.contains_key(name) || ["pre", "del", "ins", "mark"].contains(&name.as_str())), "{any:?}");
        prop_assert_eq!(any["article"], 1);
    }
}
