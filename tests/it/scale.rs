//! How time and memory grow with a guide. Not part of a test run: `cargo test --release --test it -- --ignored --nocapture scale`.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says what it measured")]

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

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

/// How long this process has had cores, all threads together: on a busy machine, a clock tells little. The system counts in hundredths of a second.
fn processor() -> Duration {
    let status = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks: u64 = status.rsplit(") ").next().unwrap().split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

#[test]
#[ignore = "it takes a while, and measures rather than tests"]
fn reading_and_assembling_grow_with_the_guide_and_not_faster() {
    let sizes = std::env::var("PROCTOR_SCALE").unwrap_or_else(|_| "1000,10000".to_owned());
    for lessons in sizes.split(',').map(|size| size.parse::<usize>().unwrap()) {
        let course = guide(lessons);
        let (begun, before) = (Instant::now(), processor());
        let found = find(&[course.path("content").display().to_string()]).unwrap();
        let read = begun.elapsed();
        let threads = std::thread::available_parallelism().unwrap().get();
        // As a check does it: each lesson by whoever is free.
        let (next, revisions) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(planned) = found.planned.get(next.fetch_add(1, Relaxed)) {
                        revisions.fetch_add(planned.lab().revisions.len(), Relaxed);
                    }
                });
            }
        });
        assert!(found.planned.len() == lessons && revisions.into_inner() >= lessons);
        let (assembled, busy) = (begun.elapsed() - read, processor() - before);
        eprintln!(
            "{lessons} lessons: read in {read:.2?}, assembled in {assembled:.2?} on {threads} cores, which were busy for {busy:.2?}; {} MiB now, {} MiB at most",
            memory("VmRSS"),
            memory("VmHWM")
        );
    }
}
