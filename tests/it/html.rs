//! The page of lesson health in a real browser: what a lesson prints, says or is called can do no harm there, and the page's own script does its work.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says what it leaves out")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use html5gum::{Token, Tokenizer};
use proctor::finding::{Code, Comparison, Edit, Finding, Location};
use proctor::lab::{Assumption, BlockPlan, Fate};
use proctor::outcome::{BlockOutcome, LessonOutcome, Outcome, Status};
use proctor::report::{Report, html};
use proctor::source::{Source, Span};

/// What a page would show, were anything of it to run. Nothing spells it out: only code that runs puts it together.
const MARKER: &str = "owned-by-a-lesson";
/// Ways to run something, each of which puts the marker together.
const HOSTILE: &str = "</script></pre><script>document.title='owned-by'+'-a-lesson'</script><img src=x onerror=\"document.title='owned-by'+'-a-lesson'\">\
    <svg onload=\"document.title='owned-by'+'-a-lesson'\"><a href=\"javascript:document.title='owned-by'+'-a-lesson'\" autofocus onfocus=\"document.title='owned-by'+'-a-lesson'\">x</a>\
    </title></style><style>body{display:none}</style>\" onmouseover=\"document.title=1\" x=\"' --><!-- {{7*7}} \u{1b}[2J\u{1b}]8;;javascript:x\u{7} \u{202e}gnp.exe\u{2066} \0\u{feff}";

/// The browser, if there is one. `PROCTOR_REQUIRE_BROWSER=1` makes it a failure that there is none.
fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path);
    let found = folders.find_map(|folder| ["chromium", "chromium-browser", "google-chrome"].iter().map(|name| folder.join(name)).find(|path| path.is_file()));
    let wanted = std::env::var_os("PROCTOR_REQUIRE_BROWSER").is_some();
    assert!(found.is_some() || !wanted, "no browser is there: install chromium, or unset PROCTOR_REQUIRE_BROWSER");
    if found.is_none() {
        eprintln!("left out: there is no chromium here");
    }
    found
}

/// A folder for a page, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("proctor-page-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.0.join(name), text).unwrap();
        self.0.join(name)
    }

    /// Lets a browser do something with a page.
    fn browse(&self, browser: &Path, arguments: &[&str], page: &Path, fragment: &str) -> String {
        let address = format!("file://{}{fragment}", page.display());
        let profile = format!("--user-data-dir={}", self.0.join("profile").display());
        let common = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--virtual-time-budget=2000", &profile];
        let ended = Command::new(browser).args(common).args(arguments).arg(address).stdin(Stdio::null()).output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        String::from_utf8(ended.stdout).unwrap()
    }

    /// The page as the browser has it, after scripts have run.
    fn dom(&self, browser: &Path, page: &Path, fragment: &str) -> String {
        self.browse(browser, &["--dump-dom"], page, fragment)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in a folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A lesson that says `text` wherever it can say something.
fn lesson(index: usize, text: &str, status: Status) -> LessonOutcome {
    let source =
        Arc::new(Source::new(format!("guide/{index}{text}.md"), format!("# {text}\n\n```python\n{}\nprint(1)\n```\n", text.replace(['\n', '\r'], " "))));
    let place = Location::line(&source, 4);
    let mut finding = Finding::new(Code::WrongOutput, place.clone(), text).with_help(text).with_related(Location::line(&source, 5), text);
    finding.edits = vec![Edit { span: source.line_span(5), text: text.to_owned() }];
    finding.comparison = Some(Comparison { expected: text.to_owned(), actual: format!("{text}!") });
    let outside = Finding::new(Code::Unlisted, Location::line(&source, 1), text);
    LessonOutcome {
        index,
        id: format!("{index}{text}"),
        number: Some(format!("{index}")),
        title: text.to_owned(),
        chapter: text.to_owned(),
        selector: text.to_owned(),
        environment: "flask".to_owned(),
        line: 1,
        status,
        assumptions: vec![Assumption { name: text.to_owned(), span: Span::new(2, 4), what: text.to_owned() }],
        blocks: vec![BlockOutcome {
            line: 4,
            end_line: 5,
            cell: None,
            language: text.to_owned(),
            plan: BlockPlan { fate: Fate::Run, reason: Some(text.to_owned()), file: Some(text.to_owned()), revisions: vec![1] },
            outcome: Some(Outcome::Failed),
            transcript: Some(text.to_owned()),
        }],
        findings: vec![outside, finding],
        error: Some(text.to_owned()),
        seconds: 0.1,
        source,
    }
}

/// A report in which everything that is not ours is hostile.
pub(crate) fn report() -> Report {
    Report {
        engine: HOSTILE.to_owned(),
        notes: vec![HOSTILE.to_owned()],
        wrong: vec![(Code::NothingRan, HOSTILE.to_owned())],
        environments: vec!["flask".to_owned()],
        chapters: 1,
        lessons: vec![lesson(0, HOSTILE, Status::Broken), lesson(1, "quiet", Status::Stale), lesson(2, "other", Status::Broken)],
        seconds: 1.0,
        partition: None,
        flags: vec![HOSTILE.to_owned()],
        baseline: None,
    }
}

fn page(report: &Report) -> String {
    let mut page = Vec::new();
    html::write(report, &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

/// The title of a page that a browser has read.
fn title(dom: &str) -> &str {
    dom.split("<title>").nth(1).unwrap().split("</title>").next().unwrap()
}

#[test]
fn nothing_that_a_lesson_says_runs_in_a_browser() {
    let Some(browser) = browser() else { return };
    let folder = Folder::new("hostile");
    let page = folder.file("page.html", &page(&report()));
    for fragment in ["", "#lesson-0"] {
        let dom = folder.dom(&browser, &page, fragment);
        assert!(!dom.contains(MARKER), "something ran");
        assert_eq!(title(&dom), "Lesson health: 2 broken, 1 stale");
        for (name, attributes) in elements(&dom) {
            let foreign = ["script", "style", "img", "iframe", "title", "link", "base", "object", "form"].contains(&name.as_str());
            let harmful =
                |(key, value): (&String, &String)| key.starts_with("on") || key == "style" || key == "src" || (key == "href" && !value.starts_with('#'));
            assert!(!foreign && !attributes.iter().any(harmful), "{name} {attributes:?}");
            assert!(name != "svg" || attributes.contains_key("viewbox"), "{attributes:?}");
        }
        assert!(dom.contains("&lt;/script&gt;&lt;/pre&gt;&lt;script&gt;document.title="), "what the lesson says is there to be read");
        assert!(dom.contains("\\u202egnp.exe\\u2066") && dom.contains("\\x1b[2J"), "hidden characters are shown");
        assert!(!dom.contains(['\u{1b}', '\u{202e}', '\u{2066}', '\u{feff}', '\0']));
        assert_eq!(dom.matches("<html lang=\"en\" class=\"script").count(), 1, "the page's own script ran");
    }
}

#[test]
fn the_policy_stops_what_would_slip_through() {
    let Some(browser) = browser() else { return };
    let folder = Folder::new("policy");
    let whole = page(&report());
    let slipped = whole.replacen("<main", &format!("{}<main", HOSTILE.replace('\0', "")), 1);
    assert_ne!(slipped, whole);
    let dom = folder.dom(&browser, &folder.file("slipped.html", &slipped), "");
    assert_eq!((dom.contains("<img src=\"x\""), dom.contains(MARKER)), (true, false), "an element that slipped through ran something");
    // Without the policy it would: the test can fail.
    let (before, rest) = slipped.split_once("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
    let open = format!("{before}{}", rest.split_once(">\n").unwrap().1);
    let dom = folder.dom(&browser, &folder.file("open.html", &open), "");
    assert_eq!(title(&dom), MARKER);
}

/// The elements of a page's body with their attributes, but for its own script.
fn elements(dom: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let body = &dom[dom.find("<body").unwrap()..dom.rfind("<script>").unwrap()];
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let starts = Tokenizer::new(body).flatten().filter_map(|token| match token {
        Token::StartTag(tag) => Some((text(&tag.name), tag.attributes.iter().map(|(key, value)| (text(key), text(value))).collect())),
        _ => None,
    });
    starts.collect()
}

/// The tiles that a page shows, and what it says about them.
fn tiles(dom: &str) -> (Vec<bool>, String) {
    let tiles = dom.split("<ul class=\"tiles\">").skip(1).flat_map(|row| row.split("</ul>").next().unwrap().split("<li ").skip(1));
    let said = dom.split("id=\"shown\" role=\"status\">").nth(1).unwrap().split('<').next().unwrap();
    (tiles.map(|tile| !tile.split('>').next().unwrap().contains("hidden")).collect(), said.to_owned())
}

#[test]
fn the_script_filters_searches_and_shows_one_lesson() {
    let Some(browser) = browser() else { return };
    let folder = Folder::new("script");
    let file = folder.file("page.html", &page(&report()));
    let at = |fragment: &str| folder.dom(&browser, &file, fragment);
    let shown = |dom: &str| tiles(dom);
    let whole = at("");
    assert_eq!(shown(&whole), (vec![true, true, true], "3 lessons".to_owned()));
    for (name, attributes) in elements(&whole) {
        let off = attributes.contains_key("disabled") || attributes.get("aria-pressed").is_some_and(|pressed| pressed == "true");
        assert!(name != "button" || !off, "{attributes:?}");
        assert!(!attributes.contains_key("hidden"), "{name} {attributes:?}");
    }
    let filtered = at("#status=stale");
    assert_eq!(shown(&filtered), (vec![false, true, false], "1 of 3 lessons".to_owned()));
    assert!(filtered.contains("data-status=\"stale\" aria-pressed=\"true\""));
    assert_eq!(shown(&at("#status=broken&search=OTHER%20wrong-output")), (vec![false, false, true], "1 of 3 lessons".to_owned()));
    assert_eq!(shown(&at("#search=nowhere")).1, "0 of 3 lessons");
    let one = at("#lesson-1");
    assert!(one.contains("<html lang=\"en\" class=\"script one\">"));
    let open: Vec<&str> =
        one.split("<article ").skip(1).map(|article| article.split('>').next().unwrap()).filter(|start| start.contains("class=\"open\"")).collect();
    assert!(open.len() == 1 && open[0].contains("id=\"lesson-1\""), "{open:?}");
}

#[test]
fn without_its_script_the_page_holds_every_word_and_on_a_phone_it_is_no_wider_than_the_screen() {
    let Some(browser) = browser() else { return };
    let folder = Folder::new("plain");
    let whole = page(&report());
    let (before, after) = whole.rsplit_once("<script>").unwrap();
    let plain = format!("{before}{}", after.split_once("</script>").unwrap().1);
    let dom = folder.dom(&browser, &folder.file("plain.html", &plain), "");
    assert_eq!(dom.matches("<article ").count(), 3);
    assert!(!dom.contains("class=\"script") && dom.contains("role=\"search\" hidden"));
    folder.file("page.html", &whole);
    // The policy forbids to look into the page from outside, so a copy measures itself.
    let policy = whole.split_once("<meta http-equiv").map(|(before, rest)| format!("{before}{}", rest.split_once(">\n").unwrap().1)).unwrap();
    let measure = "<script>addEventListener('load',()=>{document.title='w'+(document.documentElement.scrollWidth<=document.documentElement.clientWidth)})</script></body>";
    folder.file("measured.html", &policy.replacen("</body>", measure, 1));
    for fragment in ["", "#lesson-0"] {
        let frame = format!(
            "<iframe id=f src=\"measured.html{fragment}\" width=390 height=844></iframe><script>onload=()=>document.title=document.getElementById('f').contentDocument.title</script>"
        );
        let frame = folder.file("frame.html", &frame);
        let dom = folder.browse(&browser, &["--allow-file-access-from-files", "--dump-dom"], &frame, "");
        assert!(dom.contains("<title>wtrue</title>"), "{fragment}: {dom}");
    }
}

#[test]
fn the_page_can_be_drawn() {
    let Some(browser) = browser() else { return };
    let folder = Folder::new("drawn");
    let file = folder.file("page.html", &page(&report()));
    let picture = folder.0.join("page.png");
    folder.browse(&browser, &[&format!("--screenshot={}", picture.display()), "--window-size=1280,900"], &file, "");
    let drawn = std::fs::read(picture).unwrap();
    assert!(drawn.starts_with(b"\x89PNG") && drawn.len() > 10_000, "{} bytes", drawn.len());
}
