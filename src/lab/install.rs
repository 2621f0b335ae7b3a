//! `pip install ...` lines taken apart and held against what the environment has. Part of `Lesson --lab::assemble--> Lab`. Pure text: it installs nothing.

use std::collections::{BTreeMap, BTreeSet};

/// What the environment has, for lines that install packages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    /// Name, as an index spells it (lower case, dashes), to version; an empty version where it is not fixed.
    pub versions: BTreeMap<String, String>,
    /// The course's own requirements file, if the environment is made of one: where a line adds a package.
    pub listed_in: Option<String>,
    /// What was asked for with `--install` and could not be installed: name to the reason.
    pub refused: BTreeMap<String, String>,
}

impl Installed {
    /// What a reader can do to add a package.
    #[must_use]
    pub fn how_to_add(&self, asked: &str) -> String {
        match &self.listed_in {
            Some(file) => format!("give {file} a line `{asked}`, or check with `--install`"),
            None => format!(
                "name a requirements file of the course's own in proctor.toml (`requirements = \"requirements.txt\"`) and give it a line `{asked}`, or check with `--install`"
            ),
        }
    }
}

/// A package that a line asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// Its name, as an index spells it.
    pub name: String,
    /// As the page writes it, with extras and version.
    pub written: String,
    /// The version, if the line fixes it.
    pub version: Option<String>,
}

/// What a line that installs asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Installs {
    /// Packages of an index.
    pub(crate) packages: Vec<Asked>,
    /// Requirements files.
    pub(crate) files: Vec<String>,
    /// Whether the page's own project is installed: `-e .`, a path, a wheel that it built.
    pub(crate) own: bool,
    /// Addresses that are installed from, such as `git+https://...`.
    pub(crate) addresses: Vec<String>,
}

/// What becomes of a line that installs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Why the line is not run, in words.
    pub(crate) reasons: Vec<String>,
    /// What the environment lacks.
    pub(crate) absent: Vec<Asked>,
}

/// Packages that make or fill environments: a lab's environment is there already.
const TOOLS: &[&str] =
    &["pip", "setuptools", "wheel", "virtualenv", "virtualenvwrapper", "pipenv", "poetry", "uv", "pip-tools", "build", "twine", "pipx", "conda", "distribute"];

/// Words that stand for a package, and are none.
const PLACEHOLDERS: &[&str] = &["package", "package-name", "packagename", "some-package", "some-package-name"];

/// Options of pip's that take the next word.
const WITH_VALUE: &[&str] = &[
    "-c",
    "--constraint",
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "-t",
    "--target",
    "--prefix",
    "--root",
    "--src",
    "--platform",
    "--python-version",
    "--implementation",
    "--abi",
    "--proxy",
    "--timeout",
    "--retries",
    "--trusted-host",
    "--cert",
    "--client-cert",
    "--cache-dir",
    "--upgrade-strategy",
    "--only-binary",
    "--no-binary",
    "--progress-bar",
    "--log",
    "--python",
    "--config-settings",
    "--report",
];

/// What a command installs; `None` if it is no command that installs packages of Python's.
pub(crate) fn installs(command: &str) -> Option<Installs> {
    let joined = command.replace("\\\n", " ");
    let words: Vec<String> = joined
        .split_whitespace()
        .take_while(|word| !word.starts_with('#') && !["&&", "||", ";", "|", ">", ">>", "2>&1", "&"].contains(word))
        .map(|word| word.trim_end_matches(';').replace(['"', '\''], ""))
        .collect();
    let rest = arguments(&words)?;
    let mut found = Installs::default();
    let mut words = rest.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "-r" | "--requirement" => found.files.extend(words.next().map(str::to_owned)),
            "-e" | "--editable" => found.add(words.next().unwrap_or(".")),
            _ if WITH_VALUE.contains(&word) => drop(words.next()),
            _ if word.starts_with("--requirement=") => found.files.push(word["--requirement=".len()..].to_owned()),
            _ if word.starts_with("-r") && !word.starts_with("--") => found.files.push(word[2..].to_owned()),
            _ if word.starts_with('-') => {}
            _ => found.add(word),
        }
    }
    Some(found)
}

/// The words after the command itself: `pip install`, `python -m pip install`, `uv add` and their like.
fn arguments(words: &[String]) -> Option<&[String]> {
    let mut rest = words;
    let sets = |word: &String| word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
    while rest.first().is_some_and(|word| word == "sudo" || sets(word)) {
        rest = &rest[1..];
    }
    let (first, mut rest) = rest.split_first()?;
    let name = first.rsplit(['/', '\\']).next().unwrap_or(first).trim_end_matches(".exe");
    let numbered = |stem: &str| name.strip_prefix(stem).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'));
    if numbered("python") || name == "py" {
        let at = rest.windows(2).position(|pair| pair[0] == "-m" && pair[1] == "pip")?;
        rest = &rest[at + 2..];
    } else if name == "uv" {
        rest = rest.strip_prefix(&["pip".to_owned()]).unwrap_or(rest);
    } else if !numbered("pip") && !["pipenv", "poetry"].contains(&name) {
        return None;
    }
    // Options of pip itself may stand before the word.
    let at = rest.iter().position(|word| !word.starts_with('-'))?;
    let adds = rest[at] == "install" && name != "poetry" || rest[at] == "add" && ["uv", "poetry"].contains(&name);
    adds.then(|| &rest[at + 1..])
}

impl Installs {
    fn add(&mut self, word: &str) {
        if word.contains("://") {
            match word.split_once("#egg=").or_else(|| word.split_once("&egg=")) {
                Some((_, name)) => self.packages.extend(asked(name)),
                None => self.addresses.push(word.to_owned()),
            }
        } else if word.starts_with(['.', '/', '~']) || word.contains('/') || word.ends_with(".whl") || word.ends_with(".tar.gz") {
            self.own = true;
        } else {
            self.packages.extend(asked(word));
        }
    }
}

/// A requirement as a command line or a requirements file has it.
fn asked(written: &str) -> Option<Asked> {
    let end = written.find(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.".contains(letter))).unwrap_or(written.len());
    let (name, rest) = (&written[..end], written[end..].trim_start());
    let ends = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    if !ends(name.chars().next()) || !ends(name.chars().last()) || !(rest.is_empty() || rest.starts_with(['[', '=', '<', '>', '!', '~', ';', '('])) {
        return None;
    }
    let name = normalised(name);
    if PLACEHOLDERS.contains(&name.as_str()) {
        return None;
    }
    let version = rest.split_once("==").map(|(_, version)| version.trim_start_matches('=').split([',', ';', ' ', ')']).next().unwrap_or_default().to_owned());
    let version = version.filter(|version| !version.is_empty() && !version.contains('*') && version.starts_with(|c: char| c.is_ascii_digit()));
    Some(Asked { name, written: written.to_owned(), version })
}

/// A name as an index has it: lower case, any run of `-`, `_` and `.` one dash.
fn normalised(name: &str) -> String {
    let parts: Vec<&str> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-").to_ascii_lowercase()
}

/// The packages of a requirements file that a page shows.
fn listed(text: &str) -> Vec<Asked> {
    let lines = text.lines().map(|line| line.split(" #").next().unwrap_or(line).trim());
    lines.filter(|line| !line.starts_with(['-', '#'])).filter_map(|line| asked(line.split(" --").next().unwrap_or(line).trim())).collect()
}

/// Hold what a line installs against the environment. `file` gives the text of a file that the page has shown.
pub(crate) fn judge(installs: &Installs, installed: &Installed, file: impl Fn(&str) -> Option<String>) -> Verdict {
    let mut verdict = Verdict::default();
    let mut packages = installs.packages.clone();
    for path in &installs.files {
        let path = path.trim_start_matches("./");
        match file(path) {
            Some(text) => packages.extend(listed(&text)),
            None => verdict.reasons.push(format!("`{path}` is the reader's own: the lab's environment is locked and has its own packages")),
        }
    }
    if installs.own {
        verdict.reasons.push("installs the page's own project, which the lab runs as it stands".to_owned());
    }
    verdict.reasons.extend(installs.addresses.iter().map(|address| format!("`{address}` is outside of the lab")));
    let mut seen = BTreeSet::new();
    for asked in packages {
        if !seen.insert(asked.name.clone()) {
            continue;
        }
        match installed.versions.get(&asked.name) {
            Some(version) => verdict.reasons.push(present(&asked, version)),
            None if TOOLS.contains(&asked.name.as_str()) => verdict.reasons.push(format!("{} makes environments: the lab has its own", asked.name)),
            None => {
                verdict.reasons.push(format!("{} is not in the environment", asked.name));
                verdict.absent.push(asked);
            }
        }
    }
    if verdict.reasons.is_empty() {
        verdict.reasons.push("installs packages: the lab's environment is locked and has its own".to_owned());
    }
    verdict
}

fn present(asked: &Asked, version: &str) -> String {
    let name = &asked.name;
    match &asked.version {
        _ if version.is_empty() => format!("{name} is in the environment"),
        Some(pinned) if pinned != version => format!("{name} {version} is in the environment (the page pins {pinned})"),
        _ => format!("{name} {version} is in the environment"),
    }
}

/// What a command installs, and what is left of it to run: `None` where nothing is, else with `true` in place of each part that installs.
pub(crate) fn taken_out(command: &str) -> (Vec<Installs>, Option<String>) {
    let whole = command.contains("<<") || command.contains('\n') && !command.contains("\\\n");
    let parts: Vec<&str> = if whole { vec![command] } else { command.split("&&").collect() };
    let found: Vec<Option<Installs>> = parts.iter().map(|part| installs(part)).collect();
    let rest: Vec<&str> = parts.iter().zip(&found).map(|(part, found)| if found.is_some() { "true" } else { part.trim() }).collect();
    let rest = match found.iter().flatten().count() {
        0 => Some(command.to_owned()),
        all if all == parts.len() => None,
        _ => Some(rest.join(" && ")),
    };
    (found.into_iter().flatten().collect(), rest)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(command: &str) -> Vec<String> {
        installs(command).unwrap().packages.into_iter().map(|asked| asked.name).collect()
    }

    fn installed() -> Installed {
        let versions = [("flask", "3.1.3"), ("flask-sqlalchemy", "3.1.1"), ("psycopg", "")];
        Installed { versions: versions.map(|(name, version)| (name.to_owned(), version.to_owned())).into(), ..Installed::default() }
    }

    fn reasons(command: &str) -> (String, Vec<String>) {
        let verdict = judge(&installs(command).unwrap(), &installed(), |path| (path == "requirements.txt").then(|| "Flask==2.0 # web\n-i x\nrollbar\n".into()));
        (verdict.reasons.join("; "), verdict.absent.into_iter().map(|asked| asked.name).collect())
    }

    #[test]
    fn every_spelling_of_an_install_is_one() {
        for command in [
            "pip install Flask_SQLAlchemy",
            "pip3.12 install -U 'flask.sqlalchemy>=2'",
            "python3 -m pip --quiet install --upgrade flask-sqlalchemy[x]==3.1.1 # new",
            "venv/bin/pip install -i https://example.org flask__sqlalchemy",
            "sudo PIP_NO_INPUT=1 pip install flask-sqlalchemy && flask run",
            "uv pip install flask-sqlalchemy",
            "uv add flask-sqlalchemy",
            "pip install \\\n  flask-sqlalchemy",
        ] {
            assert_eq!(names(command), ["flask-sqlalchemy"], "{command}");
        }
        for command in ["pip freeze", "pip list", "pip", "pipx install x", "poetry install", "python app.py install x", "flask run"] {
            assert_eq!(installs(command), None, "{command}");
        }
    }

    #[test]
    fn what_is_no_package_of_an_index_is_told_apart() {
        let found = installs(
            "pip install -r requirements.txt -rdev.txt -c x.txt -e '.[dev]' ./lib dist/a-1.whl git+https://h/r git+https://h/r#egg=Flask <name> package_name",
        );
        let found = found.unwrap();
        assert_eq!((found.files, found.own), (vec!["requirements.txt".to_owned(), "dev.txt".to_owned()], true));
        assert_eq!(
            (found.addresses.as_slice(), found.packages[0].name.as_str(), found.packages.len()),
            (["git+https://h/r".to_owned()].as_slice(), "flask", 1)
        );
    }

    #[test]
    fn a_line_is_held_against_the_environment() {
        assert_eq!(reasons("pip install flask"), ("flask 3.1.3 is in the environment".to_owned(), vec![]));
        assert_eq!(reasons("pip install Flask==1.0").0, "flask 3.1.3 is in the environment (the page pins 1.0)");
        assert_eq!(reasons("pip install 'psycopg[binary]'").0, "psycopg is in the environment");
        assert_eq!(reasons("pip install flask rollbar").1, ["rollbar"]);
        assert_eq!(reasons("pip install --upgrade pip").1, Vec::<String>::new());
        assert_eq!(reasons("pip install -e .").1, Vec::<String>::new());
        let (why, absent) = reasons("pip install -r ./requirements.txt");
        assert!(why.contains("the page pins 2.0") && absent == ["rollbar"], "{why}");
        assert!(reasons("pip install -r other.txt").0.contains("`other.txt`"));
        assert!(installed().how_to_add("rollbar").contains("proctor.toml"));
    }

    #[test]
    fn a_part_that_installs_is_left_out_of_a_longer_command() {
        let (found, rest) = taken_out("cd app && pip install flask && flask routes");
        assert_eq!((found.len(), rest.as_deref()), (1, Some("cd app && true && flask routes")));
        let (found, rest) = taken_out("pip install a && pip install b");
        assert_eq!((found.len(), rest), (2, None));
        assert_eq!(taken_out("cd a &&  ls"), (Vec::new(), Some("cd a &&  ls".to_owned())));
    }

    proptest! {
        #[test]
        fn nothing_panics(command in "(pip install )?[ -~é\\n]{0,60}") {
            if let Some(found) = installs(&command) {
                let _ = judge(&found, &installed(), |_| None);
            }
            let _ = taken_out(&command);
        }
    }
}
