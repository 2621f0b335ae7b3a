//! The rules of the source tree that no compiler knows: imports run one way, few places print, every file says what it is and stays short.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The most lines that a file may have.
const LONGEST: usize = 450;
/// Files that are longer. To be split; nothing is ever added here.
const TOO_LONG: &[&str] = &[];
/// What a module may import, where the order alone would let it import more.
const ONLY: &[(&str, &[&str])] = &[
    ("snapshot", &["source"]),
    ("engine", &[]),
    ("lab", &["source", "finding", "config", "python", "guide", "engine::protocol"]),
    ("outcome", &["source", "snapshot", "finding", "config", "python", "moves", "guide", "engine::protocol", "lab"]),
    ("report", &["source", "finding", "lab", "outcome"]),
];
/// The places that print.
const PRINTERS: &[&str] = &["src/cli.rs", "src/cli/", "src/report/terminal.rs", "src/report/progress.rs", "src/report/sink.rs"];

/// Every Rust file below a folder of the repository: its path from there, and its text.
fn files(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join(folder), &mut found);
    found.sort();
    found.into_iter().map(|path| (path.strip_prefix(root).unwrap().display().to_string(), read_to_string(path).unwrap())).collect()
}

/// The code of a file, without its tests and comments; none of a file of tests.
fn code(path: &str, text: &str) -> String {
    let is_test = path.contains("/tests") || path.contains("/fixture.rs");
    let own = text.split("\n#[cfg(test)]\n").next().filter(|_| !is_test).unwrap_or("");
    own.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn imports_run_one_way() {
    let lib = read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let order: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let place = |module: &str| order.iter().position(|other| *other == module).unwrap_or_else(|| panic!("src/lib.rs does not declare `{module}`"));
    let import = Regex::new(r"\bcrate::([a-z_]+(?:::[a-z_]+)?)").unwrap();
    let mut wrong = Vec::new();
    for (path, text) in files("src") {
        let own = path["src/".len()..].split(['/', '.']).next().unwrap();
        if ["lib", "main"].contains(&own) {
            continue;
        }
        let code = code(&path, &text);
        assert!(!code.contains("use crate::{"), "{path}: write an import of each module on a line of its own");
        for (_, [imported]) in import.captures_iter(&code).map(|found| found.extract()) {
            let module = imported.split("::").next().unwrap();
            let only = ONLY.iter().find(|(other, _)| *other == own).map(|(_, only)| only);
            let allowed = only.is_none_or(|only| only.iter().any(|one| imported == *one || imported.starts_with(&format!("{one}::"))));
            if module != own && !(allowed && place(module) < place(own)) {
                wrong.push(format!("{path} imports {imported}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_command_line_and_three_reports_print() {
    let prints = Regex::new(r"\be?print(ln)?!|\bstd(out|err)\(\)").unwrap();
    let printing = files("src").into_iter().filter(|(path, text)| prints.is_match(&code(path, text)));
    let wrong: Vec<String> = printing.map(|(path, _)| path).filter(|path| !PRINTERS.iter().any(|printer| path.starts_with(printer))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_says_what_it_is_and_stays_short() {
    let all = files("src").into_iter().chain(files("tests"));
    let (mut silent, mut long) = (Vec::new(), Vec::new());
    for (path, text) in all {
        if !text.starts_with("//! ") {
            silent.push(path.clone());
        }
        if text.lines().count() > LONGEST && !TOO_LONG.contains(&path.as_str()) {
            long.push(path);
        }
    }
    assert!(silent.is_empty(), "without a first line that says what the file is: {silent:#?}");
    assert!(long.is_empty(), "files of more than {LONGEST} lines are to be split: {long:#?}");
}
