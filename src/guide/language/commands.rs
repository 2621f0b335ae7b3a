//! Commands of a shell, told from prose and from output by their first word.
//!
//! It never claims a sentence: many commands are words of English too.

use std::sync::LazyLock;

use regex::Regex;

static ASSIGNMENTS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\s*(\w+=\S* +)+").expect("the pattern is a constant"));

/// Words that start a command, whatever follows; sorted.
const COMMANDS: &[&str] = &[
    "ab",
    "adduser",
    "alembic",
    "alias",
    "ansible",
    "apt",
    "apt-get",
    "awk",
    "aws",
    "az",
    "bash",
    "black",
    "brew",
    "bundle",
    "cargo",
    "cat",
    "cd",
    "celery",
    "certbot",
    "chmod",
    "chown",
    "composer",
    "conda",
    "coverage",
    "cp",
    "createdb",
    "createrole",
    "createuser",
    "crontab",
    "curl",
    "deactivate",
    "df",
    "dig",
    "django-admin",
    "docker",
    "docker-compose",
    "dotenv",
    "dropdb",
    "du",
    "eb",
    "echo",
    "exit",
    "export",
    "flake8",
    "flask",
    "gcloud",
    "gh",
    "git",
    "go",
    "gradle",
    "grep",
    "gunicorn",
    "hatch",
    "helm",
    "heroku",
    "htop",
    "http",
    "hypercorn",
    "initdb",
    "iptables",
    "ipython",
    "isort",
    "journalctl",
    "jupyter",
    "kill",
    "killall",
    "kubectl",
    "ln",
    "locust",
    "ls",
    "lsof",
    "make",
    "mkdir",
    "mkvirtualenv",
    "mongosh",
    "mv",
    "mvn",
    "mypy",
    "mysql",
    "nano",
    "netstat",
    "nginx",
    "node",
    "nohup",
    "npm",
    "npx",
    "openssl",
    "pdm",
    "pg_ctl",
    "pg_dump",
    "pg_isready",
    "pg_restore",
    "php",
    "ping",
    "pip",
    "pip3",
    "pipenv",
    "pipx",
    "poetry",
    "pre-commit",
    "printenv",
    "ps",
    "psql",
    "pwd",
    "py",
    "pybabel",
    "pyenv",
    "pytest",
    "python",
    "python2",
    "python3",
    "rabbitmq-server",
    "rails",
    "redis-benchmark",
    "redis-cli",
    "redis-server",
    "rm",
    "rmdir",
    "rsync",
    "ruff",
    "scp",
    "sed",
    "service",
    "sftp",
    "sh",
    "snap",
    "source",
    "sqlite3",
    "ssh",
    "su",
    "sudo",
    "supervisorctl",
    "systemctl",
    "tar",
    "terraform",
    "tmux",
    "touch",
    "tox",
    "tree",
    "ufw",
    "unset",
    "unzip",
    "useradd",
    "usermod",
    "uv",
    "uvicorn",
    "uwsgi",
    "vi",
    "vim",
    "virtualenv",
    "waitress-serve",
    "wget",
    "which",
    "workon",
    "wrk",
    "xargs",
    "yarn",
    "yum",
    "zip",
    "zsh",
];

/// Whether a line runs a known command with variables set for it alone.
pub(super) fn is_assigned_command(line: &str) -> bool {
    ASSIGNMENTS.find(line).is_some_and(|found| line[found.end()..].split_whitespace().next().is_some_and(is_command))
}

/// Whether no command starts like this line: with a capital and no assignment, a number, a rule, or a mark that logs have.
pub(super) fn cannot_start(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or("");
    let mut letters = word.chars();
    match letters.next() {
        Some('=' | '*' | '-' | '+' | '|' | '<' | '>' | '✓' | '→') => true,
        Some('[') => word.len() > 1 && !word.starts_with("[["),
        Some('(') => letters.next().is_some_and(|c| c == '.'),
        Some(first) if first.is_ascii_digit() => !word.contains('/'),
        Some(first) if first.is_uppercase() => !word.contains(['=', '/', '$']),
        _ => word.ends_with(':') && word.len() > 1,
    }
}

/// Whether the first command of `text` starts with a known word and no line of it reads like a sentence.
pub(super) fn is_commands(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).filter(|line| !line.trim_start().starts_with('#')).peekable();
    let Some(first) = lines.peek() else { return false };
    let first = first.trim_start();
    let first = &first[ASSIGNMENTS.find(first).map_or(0, |found| found.end())..];
    let word = first.split_whitespace().next().unwrap_or("");
    (is_command(word) || word.starts_with("./") || word == ".") && !lines.any(is_sentence)
}

/// Whether a shell would know `word` as a command.
pub(in crate::guide) fn is_command(word: &str) -> bool {
    COMMANDS.binary_search(&word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')).is_ok()
        || COMMANDS.binary_search(&word).is_ok()
        || word.starts_with("./")
        || word.starts_with("venv/bin/")
}

/// Whether a line reads like a sentence: words alone, with a full stop or the like at the end.
pub(super) fn is_sentence(line: &str) -> bool {
    let line = line.trim();
    let words = line.split_whitespace().count();
    words > 3
        && line.ends_with(['.', '!', '?', ':', ','])
        && !line.contains(['"', '\'', '=', '/', '|', '<', '`'])
        && !line.contains(" -")
        && !line.ends_with(" .")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_sorted_for_the_search() {
        assert!(COMMANDS.is_sorted());
    }

    #[test]
    fn what_no_shell_takes_is_known() {
        for line in [
            "ImportError: no",
            "=== test session starts ===",
            "[2018-06-15] [INFO]",
            "(...clipped)",
            "1  error",
            "E   x",
            "warning: old",
            "Reading package lists...",
        ] {
            assert!(cannot_start(line), "{line}");
        }
        for line in ["ls", "FLASK_APP=a flask run", "[ -f a ] && b", "[[ -n $a ]]", "(cd a; b)", "./a.sh", "$HOME/a", "whatever --it is"] {
            assert!(!cannot_start(line), "{line}");
        }
        assert!(is_command("python3.11"));
        assert!(is_sentence("make sure that it works."));
    }
}
