//! Runs the real `proctor` in a folder of its own, with nothing of this machine's settings in its environment.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says what it leaves out")]

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder with a course in it.
pub(crate) struct Course {
    folder: PathBuf,
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// An empty folder, outside this repository, whose own `proctor.toml` would be found from inside.
pub(crate) fn course() -> Course {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("course-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().canonicalize().unwrap().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    Course { folder }
}

impl Drop for Course {
    fn drop(&mut self) {
        // What cannot be removed lies in a folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Course {
    /// With a file in it.
    pub(crate) fn file(self, path: &str, contents: impl AsRef<[u8]>) -> Self {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
        self
    }

    /// With a copy of a folder of this repository's `tests`.
    pub(crate) fn copy(self, from: &str) -> Self {
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(from), &self.folder);
        self
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    /// The command with these arguments, to be changed or started by hand.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        proctor(&self.folder, arguments)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        end(&mut self.command(arguments))
    }

    /// Runs with one more environment variable.
    pub(crate) fn run_with(&self, name: &str, value: &str, arguments: &[&str]) -> Ended {
        end(self.command(arguments).env(name, value))
    }

    /// `proctor check` that reports in JSON, and what it reports.
    pub(crate) fn json(&self, arguments: &[&str]) -> (Ended, serde_json::Value) {
        let ended = self.run(&[&["check", "--format", "json"], arguments].concat());
        let report = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", ended.stdout, ended.stderr));
        (ended, report)
    }
}

/// The command in a folder. Virtual environments are made once for all tests and runs of them.
pub(crate) fn proctor(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proctor"));
    let settings = ["CI", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"];
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if settings.contains(&name.as_str()) || name.starts_with("GITHUB_") || name.starts_with("PROCTOR_") {
            command.env_remove(name);
        }
    }
    command.env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    command.env("PROCTOR_ENGINE", "local");
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    if arguments.first() == Some(&"check") {
        // A result that an earlier run of the tests has left behind proves nothing.
        command.arg("--no-cache");
    }
    command
}

/// Whether a container engine answers. Where none does a test is left out, loudly; with `PROCTOR_REQUIRE_DOCKER=1` it fails.
pub(crate) fn docker() -> bool {
    let answers = Command::new("docker").arg("version").output().is_ok_and(|output| output.status.success());
    if !answers {
        assert!(std::env::var_os("PROCTOR_REQUIRE_DOCKER").is_none_or(|value| value != "1"), "no container engine answers");
        eprintln!("SKIPPED, no container engine answers (PROCTOR_REQUIRE_DOCKER=1 makes this a failure)");
    }
    answers
}

pub(crate) fn end(command: &mut Command) -> Ended {
    Ended::of(command.output().unwrap())
}

/// Waits for a command that was started with its output piped.
pub(crate) fn wait(mut child: Child) -> Ended {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    // Neither stream of an interrupted run fills a pipe.
    child.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
    child.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
    let status = child.wait().unwrap();
    Ended::of(Output { status, stdout, stderr })
}

impl Ended {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(!stderr.contains("panicked at"), "{stderr}");
        // Ended by a signal: no status at all.
        Self { status: output.status.code().unwrap_or(-1), stdout, stderr }
    }

    /// Asserts how it ended.
    #[track_caller]
    pub(crate) fn with(self, status: i32) -> Self {
        assert_eq!(self.status, status, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that standard error has all of these words.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in:\n{}", self.stderr);
        }
        self
    }

    /// Asserts that standard output has all of these words.
    #[track_caller]
    pub(crate) fn shows(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stdout.contains(word), "no `{word}` in:\n{}", self.stdout);
        }
        self
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}
