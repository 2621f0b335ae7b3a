//! How time and memory grow with a guide. Not part of a test run: `cargo test --release --test it -- --ignored --nocapture scale`.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says what it measured")]

use std::fmt::Write;
use std::time::Instant;

use proctor::cli::course::find;

use crate::command::course;

/// A guide of this many lessons of four blocks: each borrows from the one before it, and misses a name that nobody has.
fn guide(lessons: usize) -> crate::command::Course {
    let mut course = course().file("proctor.toml", "guide = 'content'\n");
    let mut contents = "# Contents\n\n".to_owned();
    for n in 0..lessons {
        let before = n.saturating_sub(1);
        let text = format!(
            "# Lesson {n}\n\nSome words about it, as a page has them.\n\n```python\nfrom sqlalchemy import create_engine, text\n\n\ndef step_{n}(number):\n    \
             return number + {n}\n```\n\nThen a class:\n\n```python\nclass Shape{n}:\n    def __init__(self, sides):\n        self.sides = sides\n\n    \
             def area(self):\n        return step_{n}(self.sides)\n```\n\nIt is used like this.\n\n```python\nshape = Shape{n}({n})\nprint(shape.area())\n\
             print(step_{before}(2))\n```\n\nAnd what nobody defines:\n\n```python\nprint(nobody_{n})\n```\n"
        );
        course = course.file(&format!("content/{:02}/{n}.md", n / 100), text);
        writeln!(contents, "- [Lesson {n}]({:02}/{n}.md)", n / 100).unwrap();
    }
    course.file("content/SUMMARY.md", contents)
}

/// A number of this process's `status`, in MiB.
fn memory(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[test]
#[ignore = "it takes a while, and measures rather than tests"]
fn reading_and_assembling_grow_with_the_guide_and_not_faster() {
    let sizes = std::env::var("PROCTOR_SCALE").unwrap_or_else(|_| "1000,10000".to_owned());
    for lessons in sizes.split(',').map(|size| size.parse::<usize>().unwrap()) {
        let course = guide(lessons);
        let begun = Instant::now();
        let found = find(&[course.path("content").display().to_string()]).unwrap();
        let read = begun.elapsed();
        let revisions: usize = found.planned.iter().map(|planned| planned.lab().revisions.len()).sum();
        assert!(found.planned.len() == lessons && revisions >= lessons);
        let assembled = begun.elapsed() - read;
        eprintln!(
            "{lessons} lessons: read in {read:.2?}, assembled on one core in {assembled:.2?}, {} MiB now, {} MiB at most",
            memory("VmRSS"),
            memory("VmHWM")
        );
    }
}
