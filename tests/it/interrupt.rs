//! Whoever stops a check finds nothing left of it: no process, no folder, no half report.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::command::{Course, course, docker, end, wait};

/// Waits until something holds; not for ever.
#[track_caller]
fn until(what: &str, seconds: u64, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(seconds), "it never came about that {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A check in the middle of two labs, each of which has started a process of its own.
struct Running {
    course: Course,
    pid: Pid,
    child: Option<Child>,
    /// A word that only these labs have.
    word: String,
}

impl Running {
    fn start(engine: &'static str, number: u32) -> Self {
        // As many seconds as no other run of the tests waits.
        let word = format!("{}{number}", std::process::id());
        let page =
            format!("# A page\n\n```python\nimport subprocess, time\nsubprocess.Popen(['sleep', '{word}'], start_new_session=True)\ntime.sleep(600)\n```\n");
        let course = course().file("pages/one.md", &page).file("pages/two.md", &page).file("first.md", "# A page\n\n```python\nprint(1)\n```\n");
        // What has to be made once is made before.
        course.run(&["check", "first.md", "--no-snapshots", "--engine", engine]).with(0);
        std::fs::create_dir(course.path("tmp")).unwrap();
        let mut command = course.command(&["check", "pages", "--format", "json=report.json", "--jobs", "2", "--engine", engine]);
        // A group of its own, as a shell gives it: Ctrl-C reaches all that is in it.
        command.env("TMPDIR", course.path("tmp")).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn().unwrap();
        let running = Self { pid: Pid::from_child(&child), child: Some(child), course, word };
        until("both labs run", 120, || running.sleepers() == 2);
        if engine == "docker" {
            assert_eq!(running.containers(), 2, "containers are known by their owner");
        } else {
            assert!(running.processes() > 2, "proctor and its agents are known by their environment");
            assert_eq!(running.left().len(), 1, "labs lie in one folder");
        }
        running
    }

    /// How many containers belong to this check, running or not.
    fn containers(&self) -> usize {
        let format = ["ps", "--all", "--filter", "label=proctor.owner", "--format", "{{.Label \"proctor.owner\"}}"];
        let Ok(output) = Command::new("docker").args(format).output() else { return 0 };
        let own = format!(":{}", self.pid.as_raw_nonzero());
        String::from_utf8_lossy(&output.stdout).lines().filter(|owner| owner.ends_with(&own)).count()
    }

    /// How many processes that labs started are there.
    fn sleepers(&self) -> usize {
        processes(|pid| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.split(|byte| *byte == 0).any(|word| word == self.word.as_bytes())))
    }

    /// How many processes belong to this check, labs and agents: those whose environment names the folder for its temporary files.
    fn processes(&self) -> usize {
        let mark = self.course.path("tmp").display().to_string();
        processes(|pid| std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|all| String::from_utf8_lossy(&all).contains(&mark)))
    }

    /// What lies in its folder for temporary files.
    fn left(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.course.path("tmp")).unwrap().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.collect()
    }

    #[track_caller]
    fn is_gone(&self) {
        until("every process of a lab is gone", 20, || self.sleepers() == 0);
        until("every process is gone", 20, || self.processes() == 0);
        until("every container is gone", 30, || self.containers() == 0);
        until("every folder is gone", 20, || self.left().is_empty());
        assert!(!self.course.path("report.json").exists() && !self.course.path("labs").exists());
        let beside: Vec<_> = std::fs::read_dir(self.course.path("")).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(beside.len(), 3, "first.md, pages and tmp: {beside:?}");
    }
}

fn processes(is_it: impl Fn(&str) -> bool) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter(|entry| entry.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok() && is_it(name))).count()
}

fn interrupted(mut running: Running) {
    kill_process_group(running.pid, Signal::INT).unwrap();
    wait(running.child.take().unwrap()).with(130).says(&["interrupted"]);
    running.is_gone();
}

fn killed(mut running: Running) {
    let mut child = running.child.take().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    if std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|folder| folder.join("bwrap").is_file()) {
        // Bubblewrap shows an agent nothing but its own folder: the empty one above it is removed by the next check.
        until("every process is gone", 20, || running.processes() == 0);
        let mut next = running.course.command(&["check", "first.md", "--no-snapshots"]);
        end(next.env("TMPDIR", running.course.path("tmp"))).with(0);
    }
    running.is_gone();
}

#[test]
fn ctrl_c_ends_the_check_and_leaves_nothing_behind() {
    interrupted(Running::start("local", 1));
    if docker() {
        interrupted(Running::start("docker", 2));
    }
}

#[test]
fn a_check_that_is_asked_to_end_leaves_nothing_behind() {
    let mut running = Running::start("local", 3);
    kill_process(running.pid, Signal::TERM).unwrap();
    wait(running.child.take().unwrap()).with(130).says(&["interrupted"]);
    running.is_gone();
}

#[test]
fn a_check_that_is_killed_leaves_nothing_behind() {
    killed(Running::start("local", 4));
    if docker() {
        killed(Running::start("docker", 5));
    }
}
