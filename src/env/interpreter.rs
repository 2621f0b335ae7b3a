//! Finds the Pythons of this machine that a virtual environment can be made with. Asks them what they are, and changes nothing.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::engine::EngineError;

/// The oldest Python that environments are locked for, and that the agent runs on.
pub const OLDEST: (u32, u32) = (3, 11);

/// What is tried where nobody chose: first the version of the images, so that both engines say the same.
const COMMANDS: &[&str] = &["python3.13", "python3.12", "python3.11", "python3", "python"];

/// A Python that hangs (a shim that asks something, a network drive) is as good as none.
const PATIENCE: Duration = Duration::from_secs(20);

/// Understood by any Python, 2 as well. One fact a line.
const QUESTION: &str = "
import os, sys
try:
    import ensurepip, venv
    able = 'able'
except ImportError:
    able = 'unable'
base = os.path.realpath(getattr(sys, '_base_executable', None) or sys.executable)
tag = (getattr(getattr(sys, 'implementation', None), 'cache_tag', None) or 'unknown') + getattr(sys, 'abiflags', '')
for fact in (sys.version_info[0], sys.version_info[1], sys.version_info[2], able, tag, base, sys.executable):
    sys.stdout.write('%s\\n' % fact)
";

/// A Python that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// The program.
    pub executable: PathBuf,
    /// Its version, such as `3.13.5`.
    pub version: String,
    /// What a virtual environment made with it depends on: its kind, and the file that it links to.
    pub(super) identity: String,
}

/// A command that was tried.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The command, as it was given.
    pub command: PathBuf,
    /// The Python behind it, or why it cannot be used.
    pub verdict: Result<Interpreter, String>,
}

/// Tries every usual command.
pub async fn survey() -> Vec<Candidate> {
    let mut tried = Vec::new();
    for command in COMMANDS {
        tried.push(ask(Path::new(command)).await);
    }
    tried
}

/// The Python that was chosen, or else the first usual one that will do.
///
/// # Errors
/// If there is none; the message lists what was tried.
pub async fn choose(chosen: Option<&Path>) -> Result<Interpreter, EngineError> {
    let commands: Vec<&Path> = chosen.map_or_else(|| COMMANDS.iter().map(Path::new).collect(), |chosen| vec![chosen]);
    let mut tried = Vec::new();
    for command in commands {
        match ask(command).await.verdict {
            Ok(interpreter) => return Ok(interpreter),
            Err(why) => tried.push(format!("\n  {}: {why}", command.display())),
        }
    }
    let (major, minor) = OLDEST;
    Err(EngineError::Environment(format!(
        "no Python of version {major}.{minor} or newer was found that can make virtual environments; tried:{}\ninstall one (Debian and Ubuntu: `apt install python3 python3-venv`), or name it with `--python PATH`",
        tried.concat()
    )))
}

async fn ask(command: &Path) -> Candidate {
    let mut process = Command::new(command);
    process.args(["-I", "-c", QUESTION]).stdin(Stdio::null()).kill_on_drop(true);
    let verdict = match tokio::time::timeout(PATIENCE, process.output()).await {
        Err(_) => Err(format!("did not answer within {} s", PATIENCE.as_secs())),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => Err("not found".to_owned()),
        Ok(Err(error)) => Err(format!("could not be started: {error}")),
        Ok(Ok(output)) => judge(&String::from_utf8_lossy(&output.stdout), &String::from_utf8_lossy(&output.stderr)),
    };
    Candidate { command: command.to_owned(), verdict }
}

/// What an answer to [`QUESTION`] means.
fn judge(answer: &str, complaint: &str) -> Result<Interpreter, String> {
    let facts: Vec<&str> = answer.lines().collect();
    let [major, minor, micro, able, tag, base, executable] = facts[..] else {
        // A traceback says what is wrong at its end; everything else (a shim without a version) at its start.
        let mut lines = complaint.lines().filter(|line| !line.trim().is_empty());
        let complaint = if complaint.starts_with("Traceback") { lines.next_back() } else { lines.next() }.unwrap_or("no answer");
        return Err(format!("does not work: {}", complaint.trim()));
    };
    let version = format!("{major}.{minor}.{micro}");
    let (Ok(major), Ok(minor)) = (major.parse::<u32>(), minor.parse::<u32>()) else {
        return Err("does not say its version".to_owned());
    };
    if (major, minor) < OLDEST {
        return Err(format!("{version} is too old: {}.{} or newer is needed", OLDEST.0, OLDEST.1));
    }
    if able != "able" {
        return Err(format!("{version} cannot make virtual environments (Debian and Ubuntu: `apt install python3-venv`)"));
    }
    Ok(Interpreter { executable: PathBuf::from(executable), version, identity: format!("{tag} {base}") })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged() {
        let good = judge("3\n13\n5\nable\ncpython-313\n/usr/bin/python3.13\n/usr/bin/python3\n", "").unwrap();
        assert_eq!((good.version.as_str(), good.executable.to_str()), ("3.13.5", Some("/usr/bin/python3")));
        assert!(judge("3\n9\n2\nable\ncpython-39\na\nb\n", "").unwrap_err().contains("3.9.2 is too old"));
        assert!(judge("2\n7\n18\nunable\nunknown\na\nb\n", "").unwrap_err().contains("too old"));
        assert!(judge("3\n11\n2\nunable\ncpython-311\na\nb\n", "").unwrap_err().contains("python3-venv"));
        assert_eq!(judge("", "\nshim: version not set\ntry another\n").unwrap_err(), "does not work: shim: version not set");
        assert_eq!(judge("", "Traceback:\n  here\nImportError: os\n").unwrap_err(), "does not work: ImportError: os");
    }

    #[tokio::test]
    async fn a_chosen_python_that_is_not_there_is_named() {
        let message = choose(Some(Path::new("/no/such/python"))).await.unwrap_err().to_string();
        assert!(message.contains("/no/such/python: not found") && message.contains("--python"), "{message}");
        assert!(!message.contains("python3.13"), "{message}");
    }
}
