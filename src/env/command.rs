//! Runs a program of this machine that builds something: its output is gathered whole for the day it fails, and told line by line meanwhile.
//! Never runs a lesson's code.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

use super::Progress;

/// How often new output is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// Where a program's standard output goes.
pub(super) enum Output {
    /// Where its other messages go: told and gathered.
    Told,
    /// Into a file of the caller's.
    To(File),
}

/// How a program failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// Why, in a few words.
    pub why: String,
    /// All that it wrote.
    pub log: String,
}

/// Asks a process and its children to end when it is dropped, so that an interrupted build stops and can clear up after itself.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0.take() {
            // It may have ended by itself.
            let _ = kill_process_group(leader, Signal::TERM);
        }
    }
}

/// Runs to the end. What goes to standard output is told and gathered unless the caller has sent it elsewhere.
///
/// The output goes through a file without a name, not through a pipe: a program that is asked to end while it clears up would be killed
/// by its next word into a pipe that nobody reads.
///
/// The program holds the lock as well (as its standard input, which is empty): if Proctor is killed and the program goes on for a while,
/// the next Proctor waits for it instead of building in the same place.
pub(super) async fn run(command: &mut Command, lock: &File, output: Output, progress: Progress<'_>) -> Result<(), Failure> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let failed = |why: String| Failure { why, log: String::new() };
    let file = tempfile::tempfile().map_err(|error| failed(format!("no temporary file could be made: {error}")))?;
    let copy = || file.try_clone().map(Stdio::from).map_err(|error| failed(format!("no temporary file could be shared: {error}")));
    let lock = lock.try_clone().map_err(|error| failed(format!("a lock could not be shared: {error}")))?;
    command.stdin(Stdio::from(lock)).stderr(copy()?).process_group(0);
    command.stdout(match output {
        Output::Told => copy()?,
        Output::To(elsewhere) => Stdio::from(elsewhere),
    });
    let mut child = command.spawn().map_err(|error| failed(format!("`{name}` could not be started: {error}")))?;
    let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let mut log = Log::default();
    let status = loop {
        let ended = tokio::time::timeout(LOOK, child.wait()).await;
        log.read(&file, progress);
        if let Ok(status) = ended {
            break status;
        }
    };
    group.0 = None;
    let log = String::from_utf8_lossy(&log.bytes).into_owned();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure { why: format!("`{name}` ended with {status}"), log }),
        Err(error) => Err(Failure { why: format!("waiting for `{name}` failed: {error}"), log }),
    }
}

/// What a program has written so far, and how much of that was told.
#[derive(Default)]
struct Log {
    bytes: Vec<u8>,
    told: usize,
}

impl Log {
    /// Reads what is new and tells its whole lines.
    fn read(&mut self, file: &File, progress: Progress<'_>) {
        let mut chunk = vec![0; 1 << 16];
        while let Ok(read @ 1..) = file.read_at(&mut chunk, self.bytes.len() as u64) {
            self.bytes.extend_from_slice(&chunk[..read]);
        }
        while let Some(length) = self.bytes[self.told..].iter().position(|&byte| byte == b'\n') {
            let line = String::from_utf8_lossy(&self.bytes[self.told..self.told + length]);
            if !line.trim().is_empty() {
                progress(line.trim());
            }
            self.told += length + 1;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn lock() -> File {
        tempfile::tempfile().unwrap()
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn what_a_program_says_is_told_and_kept() {
        let mut told = Vec::new();
        run(&mut shell("echo one; echo; echo two >&2"), &lock(), Output::Told, &mut |line| told.push(line.to_owned())).await.unwrap();
        assert_eq!(told, ["one", "two"]);
        let failure = run(&mut shell("echo because; exit 3"), &lock(), Output::Told, &mut |_| {}).await.unwrap_err();
        assert_eq!(failure.log, "because\n");
        assert!(failure.why.contains('3'), "{}", failure.why);
        let failure = run(&mut Command::new("/no/such/program"), &lock(), Output::Told, &mut |_| {}).await.unwrap_err();
        assert!(failure.why.contains("/no/such/program"), "{}", failure.why);
    }

    #[tokio::test]
    async fn an_interrupted_program_can_clear_up() {
        let directory = tempfile::tempdir().unwrap();
        let (started, ended) = (directory.path().join("started"), directory.path().join("ended"));
        let script = format!("trap 'touch {} ; exit' TERM; touch {}; while :; do sleep 0.05; done", ended.display(), started.display());
        let running = tokio::spawn(async move { run(&mut shell(&script), &lock(), Output::Told, &mut |_| {}).await });
        while !started.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        running.abort();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !ended.exists() {
            assert!(std::time::Instant::now() < deadline, "the program was not told to end");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}
