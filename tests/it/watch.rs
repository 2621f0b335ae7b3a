//! `proctor check --watch`: from save to verdict, whatever else is saved meanwhile.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::command::{Course, course};

/// A watch, and what it says line by line.
struct Watching {
    course: Course,
    child: Child,
    /// Of standard output, and of standard error.
    lines: [Receiver<String>; 2],
    seen: Vec<String>,
}

impl Watching {
    fn start(how: &str) -> Self {
        let course = course()
            .file("proctor.toml", "guide = 'content'\n")
            .file("content/SUMMARY.md", "# Contents\n\n- [One](one.md)\n- [Two](two.md)\n")
            .file("content/one.md", "# One\n\n```python\ndef double(n):\n    return n * 2\n\nprint(double(1))\n```\n")
            .file("content/two.md", "# Two\n\n```python\nprint(double(4))\n```\n");
        let arguments = ["check", how, "--format", "terminal", "--format", "json=report.json"];
        let mut child = course.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = [lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap())];
        Self { course, child, lines, seen: Vec::new() }
    }

    /// Waits until a line of standard output has these words.
    #[track_caller]
    fn shows(&mut self, words: &str) {
        self.waits(0, words);
    }

    /// Waits until a line of standard error has these words.
    #[track_caller]
    fn says(&mut self, words: &str) {
        self.waits(1, words);
    }

    #[track_caller]
    fn waits(&mut self, stream: usize, words: &str) {
        let begun = Instant::now();
        loop {
            match self.lines[stream].recv_timeout(Duration::from_secs(60).saturating_sub(begun.elapsed())) {
                Ok(line) if line.contains(words) => return self.seen.push(line),
                Ok(line) => self.seen.push(line),
                Err(error) => panic!("{error}: never said `{words}`:\n{}", self.seen.join("\n")),
            }
        }
    }

    fn write(&self, path: &str, text: &str) {
        // As editors do: beside its place, and renamed.
        std::fs::write(self.course.path(".saved"), text).unwrap();
        std::fs::rename(self.course.path(".saved"), self.course.path(path)).unwrap();
    }

    fn ends(mut self, signal: Signal, status: i32) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(status), "{}", self.seen.join("\n"));
        assert!(!self.seen.iter().any(|line| line.contains("panicked")), "{}", self.seen.join("\n"));
    }
}

/// The lines of a stream, as they come.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || BufReader::new(stream).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
    lines
}

impl Drop for Watching {
    fn drop(&mut self) {
        // A test that failed leaves nobody watching.
        let _ = self.child.kill();
    }
}

fn from_save_to_verdict(how: &str) -> Watching {
    let mut watching = Watching::start(how);
    watching.shows("2 lessons: ");
    watching.says("now 2 pending; save a file");
    watching.write("content/two.md", "# Two\n\n```python\nprint(double(4))\nprint(1 / 0)\n```\n");
    watching.says("changed: checking 1 lesson");
    watching.shows("ZeroDivisionError");
    watching.shows("1 lesson: 1 broken");
    watching.says("now 1 broken, 1 pending");
    // Who borrows is checked as well, and what is wrong in the middle of an edit ends nothing.
    watching.write("proctor.toml", "guide = \n");
    watching.says("proctor.toml: line 1");
    watching.write("proctor.toml", "guide = 'content'\n");
    watching.says("mended");
    watching.write("content/one.md", "# One\n\n```python\ndef double(n):\n    return n + n\n\nprint(double(1))\n```\n");
    watching.says("one.md changed: checking 1 lesson");
    watching.says("1 lesson borrows from there");
    watching.says("now 1 broken, 1 pending");
    watching.write("content/two.md", "# Two\n\n```python\nprint(double(4))\n```\n");
    watching.says("now 2 pending");
    // A report in a file is of the whole course.
    let report: serde_json::Value = serde_json::from_str(&watching.course.read("report.json")).unwrap();
    assert_eq!(report["lessons"].as_array().unwrap().len(), 2, "{report}");
    watching
}

#[test]
fn a_saved_file_is_checked_until_ctrl_c() {
    from_save_to_verdict("--watch").ends(Signal::INT, 0);
}

#[test]
fn files_are_looked_at_where_nobody_tells() {
    from_save_to_verdict("--watch=poll").ends(Signal::TERM, 0);
}

#[test]
fn ctrl_c_in_the_middle_of_a_round_ends_the_watch() {
    let mut watching = Watching::start("--watch");
    watching.says("now 2 pending");
    watching.write("content/two.md", "# Two\n\n```python\nimport time\ntime.sleep(25)\n```\n");
    watching.says("checking 1 lesson");
    std::thread::sleep(Duration::from_millis(300));
    watching.ends(Signal::INT, 130);
}

#[test]
fn standard_output_is_for_people() {
    course().file("a.md", "# A\n").run(&["check", "a.md", "--watch", "--format", "json"]).with(2).says(&["--format json=PATH"]);
}
