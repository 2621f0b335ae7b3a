//! Shell blocks taken apart: commands, what they are claimed to print, and which of them a lab can run. Pure text.

use crate::guide::{Block, Body};
use crate::source::Span;

/// A command of a shell block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// Its bytes in the source.
    pub(crate) span: Span,
    /// The command, continuation lines joined as written.
    pub(crate) text: String,
    /// What the page shows as its output, with its bytes.
    pub(crate) output: Option<(Span, String)>,
}

/// What can be done with a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Use {
    /// The lab runs it.
    Run,
    /// Not run, with the reason.
    Static(String),
}

/// The commands of a block.
pub(crate) fn commands(block: &Block) -> Vec<Command> {
    let lines = &block.body.lines;
    let prompted = lines.iter().any(|line| prompt(&line.text).is_some());
    let mut found: Vec<Command> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let text = lines[at].text.trim_end();
        let start = match prompt(text) {
            Some(bytes) => bytes,
            None if !prompted && !text.trim().is_empty() && !text.trim_start().starts_with('#') => 0,
            None => {
                if prompted && let Some(command) = found.last_mut() {
                    add_output(command, &lines[at]);
                }
                at += 1;
                continue;
            }
        };
        let first = at;
        let mut command = text[start.min(text.len())..].trim_start().to_owned();
        while goes_on(&command) && at + 1 < lines.len() {
            at += 1;
            let more = lines[at].text.trim_end();
            command.push('\n');
            command.push_str(more.strip_prefix("> ").unwrap_or(more));
        }
        let span = Span::new((lines[first].span.start + start).min(lines[first].span.end), lines[at].span.end);
        if !command.trim().is_empty() {
            found.push(Command { span, text: command, output: None });
        }
        at += 1;
    }
    for command in &mut found {
        let blank = command.output.as_ref().is_some_and(|(_, text)| text.trim().is_empty());
        if blank {
            command.output = None;
        }
    }
    found
}

fn add_output(command: &mut Command, line: &crate::guide::BodyLine) {
    let body = Body { lines: vec![line.clone()] };
    match &mut command.output {
        Some((span, text)) => {
            span.end = line.span.end.max(span.start);
            text.push_str(&body.text());
        }
        None if line.text.trim().is_empty() => {}
        None => command.output = Some((line.span, body.text())),
    }
}

/// How many bytes of a line are a prompt: `$ `, `% `, `(venv) $ `, `user@host:~$ `.
fn prompt(line: &str) -> Option<usize> {
    let indent = line.len() - line.trim_start().len();
    let rest = &line[indent..];
    for mark in ["$ ", "% "] {
        if rest.starts_with(mark) {
            return Some(indent + mark.len());
        }
    }
    if rest == "$" {
        return Some(line.len());
    }
    let (before, _) = rest.split_once("$ ")?;
    let environment = before.starts_with('(') && before.trim_end().ends_with(')');
    let host = before.contains('@') && before.contains(':') && !before.contains(' ');
    (environment || host).then(|| indent + before.len() + 2)
}

/// Whether a command is not at its end: a trailing backslash, or a here-document that is still open.
fn goes_on(command: &str) -> bool {
    if command.ends_with('\\') {
        return true;
    }
    let Some((_, rest)) = command.split_once("<<") else { return false };
    let word: String = rest.trim_start_matches('-').trim_start().chars().take_while(|c| !c.is_whitespace()).filter(|c| *c != '\'' && *c != '"').collect();
    !word.is_empty() && !command.lines().skip(1).any(|line| line.trim() == word)
}

/// Commands that a lab has and that stay inside of it.
const OURS: &[&str] = &[
    "flask", "python", "python3", "py", "pytest", "curl", "cd", "mkdir", "touch", "echo", "cat", "ls", "pwd", "cp", "mv", "rm", "export", "set", "unset",
    "alembic", "coverage", "printf", "head", "tail", "grep", "sed", "sort", "wc", "test", "true", "env", "gunicorn", "unzip", "tree", "pybabel", "sleep",
    "kill",
];

/// Commands that only look or serve, by the words that they contain: nothing of them is there afterwards.
const PASSING: &[&[&str]] = &[
    &["flask", "run"],
    &["flask", "routes"],
    &["flask", "shell"],
    &["gunicorn"],
    &["celery"],
    &["pytest"],
    &["unittest"],
    &["coverage"],
    &["curl"],
    &["ls"],
    &["tree"],
    &["pwd"],
    &["head"],
    &["tail"],
    &["grep"],
    &["wc"],
    &["sleep"],
    &["kill"],
];

/// Whether a later command may find something that this one left: a file, a variable, another directory. What writes into a file always does.
/// `serves` tells of a program that only serves.
pub(crate) fn leaves_something(command: &str, serves: impl Fn(&str) -> bool) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    let is_passing = |known: &[&str]| {
        let mut words = words.iter().map(|word| word.rsplit('/').next().unwrap_or(word));
        known.iter().all(|wanted| words.any(|word| word == *wanted))
    };
    let is_server = words.len() == 2 && words[0].starts_with("python") && serves(words[1].trim_start_matches("./"));
    command.contains('>') || command.contains("&&") || command.contains('\n') || !is_server && !PASSING.iter().any(|known| is_passing(known))
}

/// Commands that reach outside, with what they need.
const OUTSIDE: &[(&[&str], &str)] = &[
    (&["git", "gh"], "needs a repository outside of the lab"),
    (&["heroku", "aws", "eb", "gcloud", "az", "fly", "flyctl", "ngrok", "certbot"], "needs an account outside of the lab"),
    (&["docker", "docker-compose", "podman", "kubectl", "vagrant"], "needs a container engine"),
    (
        &[
            "sudo",
            "apt",
            "apt-get",
            "yum",
            "dnf",
            "brew",
            "choco",
            "systemctl",
            "service",
            "ufw",
            "supervisorctl",
            "nginx",
            "nano",
            "vim",
            "vi",
            "ssh",
            "scp",
            "chown",
            "source",
            "createdb",
            "createuser",
        ],
        "changes the machine, not the lab",
    ),
    (&["npm", "npx", "yarn", "node", "bower"], "needs a JavaScript tool chain"),
    (&["wget"], "fetches from outside of the lab"),
];

/// What a service's own package brings along for a shell.
const CLIENTS: &[(&str, &[&str])] =
    &[("redis", &["redis-cli"]), ("postgresql", &["psql", "createdb", "dropdb", "createuser", "dropuser", "pg_dump", "pg_isready"])];

/// What can be done with a command line.
pub(crate) fn use_of(command: &str) -> Use {
    let words: Vec<&str> = command.split_whitespace().skip_while(|word| is_assignment(word)).collect();
    let Some(first) = words.first() else { return Use::Run };
    let name = first.rsplit('/').next().unwrap_or(first);
    let pip = name.starts_with("pip")
        || (name.starts_with("python") || name == "py") && words.get(1) == Some(&"-m") && words.get(2) == Some(&"pip")
        || name == "uv"
        || name == "pipenv"
        || name == "poetry"
        || name == "conda";
    if pip {
        return Use::Static("installs packages: the lab's environment is locked and has its own".to_owned());
    }
    let makes_environment = words.iter().any(|word| ["venv", "virtualenv"].contains(word)) && !words.contains(&"-c")
        || ["virtualenv", "activate", "deactivate", "workon", "mkvirtualenv"].contains(&name);
    if makes_environment || first == &"." || first == &"source" {
        return Use::Static("makes or enters a virtual environment: the lab has its own".to_owned());
    }
    if let Some((_, reason)) = OUTSIDE.iter().find(|(names, _)| names.contains(&name)) {
        return Use::Static(format!("`{name}` {reason}"));
    }
    if words.iter().any(|word| ["curl", "wget", "http"].contains(word)) && reaches_out(&words) {
        return Use::Static("asks a host outside of the lab".to_owned());
    }
    if OURS.contains(&name) || first.starts_with("./") { Use::Run } else { Use::Static(format!("`{name}` is not a command that a lab has")) }
}

/// What a lab carries out for a line that installs what the environment has, if the block asks to be run: a virtual environment that the page has made and entered
/// sees the environment's packages from then on. `PROCTOR_PACKAGES` is where those are.
pub(crate) const INSTALLED: &str = r#"case "$PROCTOR_PACKAGES" in "$VIRTUAL_ENV"/*) ;; *) python -c 'import os, sysconfig
with open(os.path.join(sysconfig.get_path("purelib"), "environment.pth"), "w") as file:
    print(os.environ["PROCTOR_PACKAGES"], file=file)' ;; esac"#;

/// The command as a lab runs it: a folder that the lab has already, since a file of it is there, may be made again.
pub(crate) fn in_lab(command: &str) -> String {
    match command.strip_prefix("mkdir ") {
        Some(rest) if !rest.trim_start().starts_with('-') => format!("mkdir -p {rest}"),
        _ => command.to_owned(),
    }
}

/// Folders that the page makes for its project and enters: the lab is that folder already.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folders {
    made: std::collections::BTreeSet<String>,
    entered: usize,
}

impl Folders {
    /// A command without the steps into a folder that the page has made for all its files, and out of it again. `holds` says whether the page names a file in it.
    pub(crate) fn rooted(&mut self, command: &str, holds: impl Fn(&str) -> bool) -> String {
        if command.contains('\n') || command.contains("||") {
            return command.to_owned();
        }
        let parts: Vec<String> = command.split("&&").map(|part| self.part(part.trim(), &holds)).collect();
        if parts.iter().map(String::as_str).eq(command.split("&&").map(str::trim)) { command.to_owned() } else { parts.join(" && ") }
    }

    fn part(&mut self, part: &str, holds: &impl Fn(&str) -> bool) -> String {
        let words: Vec<&str> = part.split_whitespace().collect();
        match words.as_slice() {
            ["mkdir", folder] | ["mkdir", "-p", folder] => drop(self.made.insert(folder.trim_matches('/').to_owned())),
            ["cd", ".."] if self.entered > 0 => {
                self.entered -= 1;
                return "true".to_owned();
            }
            ["cd", folder] => {
                let folder = folder.trim_start_matches("./").trim_matches('/');
                if self.made.contains(folder) && !holds(folder) {
                    self.entered += 1;
                    return "true".to_owned();
                }
            }
            _ => {}
        }
        part.to_owned()
    }
}

/// Whether a command is a client of one of these services, which a lab that has them can run.
pub(crate) fn is_client(command: &str, services: &[String]) -> bool {
    let name = command.split_whitespace().find(|word| !is_assignment(word)).unwrap_or_default();
    CLIENTS.iter().any(|(service, clients)| clients.contains(&name) && services.iter().any(|asked| asked == service))
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

fn reaches_out(words: &[&str]) -> bool {
    let urls = words.iter().map(|word| word.trim_matches(['"', '\''])).filter(|word| word.contains("://"));
    let is_here = |url: &str| {
        let host = url.split("://").nth(1).unwrap_or_default();
        ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"]
            .iter()
            .any(|here| host.strip_prefix(here).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '?', '#', '$'])))
    };
    urls.into_iter().any(|url| !is_here(url))
}

/// The file that commands expect an unnamed program to be in: `flask --app hello`, `FLASK_APP=hello.py`, `python hello.py`; `app.py` by Flask's own default.
pub(crate) fn program_file(commands: &[&str]) -> Option<String> {
    let file = |word: &str| {
        let word = word.trim_matches(['"', '\'']).split(':').next().unwrap_or_default();
        let stem = word.strip_suffix(".py").unwrap_or(word);
        (!stem.is_empty() && stem.chars().all(|c| c.is_alphanumeric() || c == '_')).then(|| format!("{stem}.py"))
    };
    let mut default = None;
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        for (index, word) in words.iter().enumerate() {
            let next = words.get(index + 1).copied();
            let named = match *word {
                "--app" | "-A" => next.and_then(file),
                "python" | "python3" => next.filter(|next| next.ends_with(".py")).and_then(file),
                _ => word.strip_prefix("FLASK_APP=").or_else(|| word.strip_prefix("--app=")).and_then(file),
            };
            if named.is_some() {
                return named;
            }
        }
        if words.first() == Some(&"flask") {
            default = Some("app.py".to_owned());
        }
    }
    default
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_outside_is_static() {
        assert_eq!(use_of("flask --app hello run"), Use::Run);
        assert_eq!(use_of("FLASK_APP=x flask routes"), Use::Run);
        assert_eq!(use_of("curl http://127.0.0.1:5000/"), Use::Run);
        for command in
            ["pip install flask", "python3 -m venv .venv", ". .venv/bin/activate", "git push heroku main", "curl https://example.com", "heroku create"]
        {
            assert!(matches!(use_of(command), Use::Static(_)), "{command}");
        }
    }

    #[test]
    fn the_folder_of_a_project_is_the_lab() {
        let mut folders = Folders::default();
        let mut rooted = |command: &str| folders.rooted(command, |folder| folder == "shop/templates");
        assert_eq!(rooted("mkdir shop && cd shop"), "mkdir shop && true");
        assert_eq!(rooted("flask init-db"), "flask init-db");
        assert_eq!(rooted("mkdir -p shop/templates"), "mkdir -p shop/templates");
        // The page has files in there, or a folder that it never made.
        assert_eq!(rooted("cd shop/templates"), "cd shop/templates");
        assert_eq!(rooted("cd elsewhere"), "cd elsewhere");
        assert_eq!((rooted("cd .."), rooted("cd ..")), ("true".to_owned(), "cd ..".to_owned()));
    }

    #[test]
    fn a_service_brings_its_clients() {
        let redis = ["redis".to_owned()];
        assert!(is_client("redis-cli ping", &redis) && !is_client("psql", &redis) && !is_client("redis-cli ping", &[]));
        assert!(is_client("PGUSER=x psql -l", &["postgresql".to_owned()]));
    }

    #[test]
    fn what_only_looks_or_serves_leaves_nothing() {
        let leaves = |command: &str| leaves_something(command, |path| path == "app.py");
        for command in ["flask db migrate -m x", "export FLASK_APP=x", "cd shop", "python seed.py", "curl localhost:5000 > page.html", "mkdir a && ls a", "."] {
            assert!(leaves(command), "{command}");
        }
        for command in ["flask --app x run --debug", "flask routes", "python -m pytest", "curl http://localhost:5000/", ".venv/bin/pytest -q", "python app.py"]
        {
            assert!(!leaves(command), "{command}");
        }
    }

    #[test]
    fn commands_name_the_program() {
        assert_eq!(program_file(&["flask --app hello run --debug"]).as_deref(), Some("hello.py"));
        assert_eq!(program_file(&["export FLASK_APP=site.py"]).as_deref(), Some("site.py"));
        assert_eq!(program_file(&["flask routes"]).as_deref(), Some("app.py"));
        assert_eq!(program_file(&["ls"]), None);
    }

    #[test]
    fn prompts_are_seen() {
        assert_eq!(prompt("(venv) $ ls"), Some(9));
        assert_eq!(prompt("$ ls"), Some(2));
        assert_eq!(prompt("costs 5$ or so"), None);
    }
}
