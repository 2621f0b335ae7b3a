//! Plain text reads as what it was written as: measured on real pages, where `PROCTOR_CORPUS` names a directory of them, and on the project's own guides.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "a measurement is there to be read")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proctor::guide::{Guide, Language, language, text};
use proctor::source::Source;

/// A marked block of a page: the lines of its code, from 0, blank ones at its ends left out.
struct Marked {
    first: usize,
    end: usize,
    word: Option<String>,
    code: String,
}

/// A page whose marks were taken away.
struct Stripped {
    text: String,
    blocks: Vec<Marked>,
    /// The lines of `text` that are code.
    code: BTreeSet<usize>,
}

/// How the lines that mark a block are taken away.
#[derive(Clone, Copy, PartialEq)]
enum Strip {
    Removed,
    Blanked,
}

/// Takes the fences of a Markdown page away.
fn strip_fences(page: &str, strip: Strip) -> Stripped {
    let mut lines: Vec<String> = Vec::new();
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String, Option<String>, usize)> = None;
    for line in page.lines() {
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        let mark: String = bare.chars().take_while(|&c| c == '`' || c == '~').collect();
        match &open {
            None if mark.len() > 2 && !bare[mark.len()..].contains('`') => {
                let word = bare[mark.len()..].split_whitespace().next().map(|word| word.trim_matches(['{', '}', '.']).to_owned());
                if strip == Strip::Blanked {
                    lines.push(String::new());
                }
                open = Some((indent, mark, word, lines.len()));
            }
            Some((_, opening, _, _)) if mark.starts_with(opening.as_str()) && bare.trim_end() == mark => {
                let (indent, _, word, first) = open.take().unwrap();
                blocks.extend(marked(&lines, first, lines.len(), indent, word));
                if strip == Strip::Blanked {
                    lines.push(String::new());
                }
            }
            _ => lines.push(line.to_owned()),
        }
    }
    finish(lines, blocks)
}

/// Takes the marks of a reStructuredText page away: code blocks stand flush left.
fn strip_literals(page: &str) -> Stripped {
    let source: Vec<&str> = page.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut lines: Vec<String> = Vec::new();
    let mut blocks = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let line = source[at].trim_end();
        let directive = [".. code-block::", ".. sourcecode::", ".. code::"].iter().find_map(|mark| line.trim_start().strip_prefix(mark));
        if directive.is_none() && (!line.ends_with("::") || line.trim_start().starts_with("..")) {
            lines.push(line.to_owned());
            at += 1;
            continue;
        }
        let base = indent(line);
        if directive.is_none() && line.trim() != "::" {
            lines.push(line[..line.len() - 1].to_owned());
        }
        at += 1;
        while directive.is_some() && source.get(at).is_some_and(|line| line.trim().starts_with(':')) {
            at += 1;
        }
        let first = lines.len();
        let written = |at: usize| (at..source.len()).find(|&at| !source[at].trim().is_empty());
        let Some(inner) = written(at).map(|at| indent(source[at])).filter(|&inner| inner > base) else { continue };
        while written(at).is_some_and(|at| indent(source[at]) > base) {
            let line = source[at];
            lines.push(line.get(inner.min(indent(line))..).unwrap_or("").trim_end().to_owned());
            at += 1;
        }
        blocks.extend(marked(&lines, first, lines.len(), 0, directive.map(|word| word.trim().to_owned())));
    }
    finish(lines, blocks)
}

/// The block in `lines[first..end]`, if there is anything in it.
fn marked(lines: &[String], first: usize, end: usize, indent: usize, word: Option<String>) -> Option<Marked> {
    let written = |line: &usize| !lines[*line].trim().is_empty();
    let from = (first..end).find(written)?;
    let to = (first..end).rev().find(written)? + 1;
    let code = lines[from..to].iter().map(|line| line.get(indent.min(line.len() - line.trim_start().len())..).unwrap_or("").to_owned() + "\n").collect();
    Some(Marked { first: from, end: to, word: word.filter(|word| !word.is_empty()), code })
}

fn finish(lines: Vec<String>, blocks: Vec<Marked>) -> Stripped {
    let code = blocks.iter().flat_map(|block| block.first..block.end).collect();
    Stripped { text: lines.join("\n") + "\n", blocks, code }
}

/// A share of blocks that were found to the line.
#[derive(Default, Clone, Copy)]
struct Share {
    found: usize,
    of: usize,
}

impl Share {
    fn count(&mut self, found: bool) {
        self.found += usize::from(found);
        self.of += 1;
    }

    #[expect(clippy::cast_precision_loss, reason = "there are a few hundred blocks")]
    fn share(self) -> f64 {
        if self.of == 0 { 1.0 } else { self.found as f64 / self.of as f64 }
    }
}

/// What was measured on a set of pages.
#[derive(Default)]
struct Measure {
    python: Share,
    all: Share,
    prose_lines: usize,
}

impl Measure {
    fn page(&mut self, name: &str, page: &Stripped) {
        let guide = text::parse(&Arc::new(Source::new(name, page.text.clone())), "page");
        let found = extents(&guide);
        let lines: Vec<&str> = page.text.lines().collect();
        for (at, block) in page.blocks.iter().enumerate() {
            let next = page.blocks.get(at + 1).map_or(lines.len(), |next| next.first);
            if !lines[block.end..next].iter().any(|line| !line.trim().is_empty()) && next < lines.len() {
                continue;
            }
            let hit = found.contains(&(block.first + 1, block.end));
            self.all.count(hit);
            let module = proctor::python::parse(&block.code);
            let is_python = language::resolve(block.word.as_deref(), &block.code) == Language::Python;
            if is_python && module.errors.is_empty() && !module.statements.is_empty() {
                self.python.count(hit);
                if !hit {
                    eprintln!(
                        "python block missed: {name}:{}-{} (stripped), found {:?}",
                        block.first + 1,
                        block.end,
                        found.range((block.first.saturating_sub(5), 0)..(block.end, 0)).collect::<Vec<_>>()
                    );
                }
            } else if !hit {
                eprintln!("other block missed: {name}:{}-{} (stripped) {:?}", block.first + 1, block.end, block.word);
            }
        }
        for (first, end) in found {
            for line in (first - 1..end).filter(|line| !page.code.contains(line) && !is_code_unmarked(lines[*line])) {
                self.prose_lines += 1;
                eprintln!("prose in a block: {name}:{} (stripped) {}", line + 1, lines[line]);
            }
        }
    }

    fn report(&self, what: &str) {
        eprintln!(
            "{what}: python {}/{} = {:.3}, all languages {}/{} = {:.3}, lines of prose in blocks {}",
            self.python.found,
            self.python.of,
            self.python.share(),
            self.all.found,
            self.all.of,
            self.all.share(),
            self.prose_lines
        );
    }
}

/// Whether a line outside the marked blocks may be code all the same: blank, indented, or with a prompt.
fn is_code_unmarked(line: &str) -> bool {
    line.trim().is_empty() || line.starts_with("    ") || line.starts_with('\t') || line.starts_with(">>>") || line.starts_with("...")
}

/// The first and last line of every block, from 1.
fn extents(guide: &Guide) -> BTreeSet<(usize, usize)> {
    guide
        .lessons()
        .flat_map(|lesson| {
            lesson.blocks.iter().map(|block| {
                let first = block.line(&lesson.source);
                (first, first + block.body.lines.len() - 1)
            })
        })
        .collect()
}

/// Every file under `directory` with one of these endings, in order.
fn files(directory: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn corpus() -> Option<PathBuf> {
    std::env::var_os("PROCTOR_CORPUS").map(PathBuf::from)
}

#[test]
fn fenced_pages_without_their_fences_read_as_the_same_blocks() {
    let Some(corpus) = corpus() else { return };
    for (strip, what) in [(Strip::Removed, "fences removed"), (Strip::Blanked, "fences blanked")] {
        let mut measure = Measure::default();
        for path in files(&corpus, &["md", "markdown"]) {
            let page = std::fs::read_to_string(&path).unwrap();
            measure.page(&path.strip_prefix(&corpus).unwrap().to_string_lossy(), &strip_fences(&page, strip));
        }
        measure.report(what);
        assert!(measure.python.share() >= 0.95, "{what}: only {:.3} of the Python blocks", measure.python.share());
        assert_eq!(measure.prose_lines, 0, "{what}: prose was taken for code");
    }
}

#[test]
fn literal_blocks_without_their_marks_read_as_the_same_blocks() {
    let Some(corpus) = corpus() else { return };
    let mut measure = Measure::default();
    for path in files(&corpus, &["rst"]) {
        let page = std::fs::read_to_string(&path).unwrap();
        measure.page(&path.strip_prefix(&corpus).unwrap().to_string_lossy(), &strip_literals(&page));
    }
    measure.report("reStructuredText flush left");
    assert!(measure.python.share() >= 0.95, "only {:.3} of the Python blocks", measure.python.share());
}

#[test]
fn labelled_plain_text_reads_as_its_labels_say() {
    let Some(corpus) = corpus() else { return };
    let Ok(labels) = std::fs::read_to_string(corpus.join("labels.jsonl")) else { return };
    for label in labels.lines() {
        let label: serde_json::Value = serde_json::from_str(label).unwrap();
        if label["format"] != "plaintext" {
            continue;
        }
        let path = label["path"].as_str().unwrap();
        let path = corpus.join(path);
        let guide = text::parse(&Arc::new(Source::new("page.txt", std::fs::read_to_string(&path).unwrap())), "page");
        let found: Vec<u64> = extents(&guide).into_iter().map(|(first, _)| first as u64).collect();
        let wanted: Vec<u64> = label["block_truth"].as_array().unwrap().iter().filter_map(|block| block["line"].as_u64()).collect();
        assert_eq!(found, wanted, "{}", path.display());
    }
}

/// A guide of the project's own, by its path under `tests/guides`.
fn own(path: &str) -> Guide {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guides").join(path);
    text::parse(&Arc::new(Source::new(path, std::fs::read_to_string(file).unwrap())), path.trim_end_matches(".txt"))
}

/// The blocks of a guide as `first-last language`.
fn listed(guide: &Guide) -> Vec<String> {
    let blocks = guide.lessons().flat_map(|lesson| lesson.blocks.iter().map(|block| (block.line(&lesson.source), block)));
    blocks.map(|(first, block)| format!("{first}-{} {}", first + block.body.lines.len() - 1, language::name(&block.language))).collect()
}

#[test]
fn a_guide_in_the_legacy_form_is_read_whole() {
    let guide = own("text/students.txt");
    assert_eq!(guide.title.as_deref(), Some("Small Web Services , notes for the course"));
    assert_eq!((guide.chapters.len(), guide.lessons().count(), guide.lessons().filter(|lesson| lesson.draft).count()), (4, 11, 10));
    let lesson = guide.lessons().find(|lesson| !lesson.draft).unwrap();
    assert_eq!(
        (lesson.id.as_str(), lesson.number.as_deref(), lesson.title.as_str(), lesson.line),
        ("text/students#2.3", Some("2.3"), "Linking Students and Courses", 17)
    );
    assert_eq!(listed(&guide), ["31-51 python", "58-65 python", "72-80 python", "87-95 python"]);
    assert!(lesson.prose.iter().any(|prose| prose.text == "The Table Between"));
}

#[test]
fn broken_code_is_found_whole() {
    assert_eq!(listed(&own("text/broken.txt")), ["5-12 python", "16-21 python", "31-31 python"]);
}

#[test]
fn every_language_of_a_page_is_found() {
    assert_eq!(listed(&own("text/mixed.txt")), ["5-6 shell", "10-19 python", "23-32 html", "36-43 css", "50-52 pycon", "54-57 sql", "61-62 shell"]);
}
