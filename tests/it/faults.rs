//! What is not the course's fault is never told as if it were: engines that die, workers that are killed, disks that are full, clocks that jump.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod proxy;

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

use crate::command::{Course, course, docker, end, wait};
use proxy::Proxy;

const SLOW: &str = "# Slow\n\n```python\nimport time\n\ntime.sleep(6)\nprint(1)\n```\n";
const QUICK: &str = "# Quick\n\n```python\nprint(1)\n```\n";

/// Waits until something holds; not for ever.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it never came about that {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The containers of a process, those that run or all.
fn containers(child: &Child, all: bool) -> Vec<String> {
    let format = ["--no-trunc", "--filter", "label=proctor.owner", "--format", "{{.ID}} {{.Label \"proctor.owner\"}}"];
    let output = Command::new("docker").arg("ps").args(all.then_some("--all")).args(format).output().unwrap();
    let own = format!(":{}", child.id());
    String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| line.strip_suffix(&own)?.split(' ').next().map(str::to_owned)).collect()
}

/// How many of a process's containers run a lab: a process of a lab's own user.
fn labs(child: &Child) -> usize {
    containers(child, false).iter().filter(|id| top(id).iter().any(|uid| (10_000..60_000).contains(uid))).count()
}

/// Waits until nothing of a process that has ended is left.
#[track_caller]
fn gone(pid: u32) {
    let own = format!(":{pid}");
    until("every container is gone", || {
        let output = Command::new("docker").args(["ps", "--all", "--filter", "label=proctor.owner", "--format", "{{.Label \"proctor.owner\"}}"]).output();
        output.is_ok_and(|output| output.status.success() && !String::from_utf8_lossy(&output.stdout).lines().any(|owner| owner.ends_with(&own)))
    });
}

/// The users of a container's processes.
fn top(id: &str) -> Vec<u32> {
    let output = Command::new("docker").args(["top", id, "-eo", "uid,pid"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).lines().skip(1).filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

fn start(course: &Course, arguments: &[&str], environment: &[(&str, &str)]) -> Child {
    let mut command = course.command(&[&["check", "--no-snapshots", "--jobs", "2"], arguments].concat());
    command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().unwrap()
}

fn statuses(report: &Value) -> Vec<(String, String)> {
    let lessons = report["lessons"].as_array().unwrap().iter();
    lessons.map(|lesson| (lesson["id"].as_str().unwrap().to_owned(), lesson["status"].as_str().unwrap().to_owned())).collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn an_engine_that_dies_in_the_middle_is_our_failure() {
    if !docker() || !Proxy::can_work() {
        return;
    }
    let course = course().file("pages/a.md", SLOW).file("pages/b.md", SLOW).file("pages/c.md", QUICK).file("pages/d.md", QUICK);
    let proxy = Proxy::start(&course.path("engine.sock"));
    let child = start(&course, &["pages", "--engine", "docker", "--format", "json"], &[("DOCKER_HOST", &proxy.host())]);
    until("a lab runs", || labs(&child) > 0);
    let before = containers(&child, true);
    proxy.cut();
    let ended = wait(child).with(3);
    let statuses = statuses(&json(&ended.stdout));
    assert_eq!(statuses.len(), 4, "every lesson is reported: {statuses:?}");
    assert!(statuses.iter().any(|(_, status)| status == "errored"), "{statuses:?}");
    assert!(statuses.iter().all(|(_, status)| status == "errored" || status == "passed"), "{statuses:?}");
    // Their input is closed with the connection, and they end by themselves.
    until("every container is gone", || before.iter().all(|id| !Command::new("docker").args(["inspect", id]).output().unwrap().status.success()));
}

#[test]
fn a_worker_that_is_killed_once_is_replaced_and_one_that_is_killed_again_is_our_failure() {
    if !docker() {
        return;
    }
    let course = course().file("a.md", SLOW);
    for (kills, exit, status) in [(1, 0, "passed"), (2, 3, "errored")] {
        let child = start(&course, &["a.md", "--engine", "docker", "--format", "json"], &[]);
        let mut killed: Vec<String> = Vec::new();
        while killed.len() < kills {
            until("a lab runs", || labs(&child) > 0);
            let is_new = |id: &String| !killed.contains(id) && top(id).iter().any(|uid| (10_000..60_000).contains(uid));
            let found: Vec<String> = containers(&child, false).into_iter().filter(is_new).collect();
            for id in found {
                assert!(Command::new("docker").args(["kill", &id]).output().unwrap().status.success());
                killed.push(id);
            }
        }
        let pid = child.id();
        let report = json(&wait(child).with(exit).stdout);
        assert_eq!(statuses(&report), [("a".to_owned(), status.to_owned())], "{report}");
        assert_eq!(report["lessons"][0]["findings"].as_array().unwrap().len(), 0, "a lesson that could not be run has nothing wrong with it");
        gone(pid);
    }
}

#[test]
fn an_agent_that_is_killed_on_this_machine_is_replaced() {
    let course = course().file("a.md", SLOW);
    std::fs::create_dir(course.path("tmp")).unwrap();
    let tmp = course.path("tmp").display().to_string();
    let child = start(&course, &["a.md", "--engine", "local", "--format", "json"], &[("TMPDIR", &tmp)]);
    let agents = || -> Vec<i32> {
        let processes = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let of_child = |pid: &i32| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            status.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)) == Some(child.id().to_string().as_str())
        };
        processes.filter(of_child).collect()
    };
    let in_lab = || std::fs::read_dir(&tmp).unwrap().flatten().any(|folder| folder.path().join("w0/work").exists());
    until("the lab runs", || in_lab() && !agents().is_empty());
    for agent in agents() {
        kill_process(Pid::from_raw(agent).unwrap(), Signal::KILL).unwrap();
    }
    let report = json(&wait(child).with(0).stdout);
    assert_eq!(statuses(&report), [("a".to_owned(), "passed".to_owned())]);
    until("nothing is left", || std::fs::read_dir(&tmp).unwrap().count() == 0);
}

#[test]
fn a_cache_that_cannot_be_written_costs_only_time() {
    let course = course().file("a.md", QUICK);
    // A file where the folder should be: what a full disk or a cache of somebody else's comes to.
    let cache = course.path("cache");
    std::fs::create_dir_all(cache.join("proctor")).unwrap();
    std::fs::write(cache.join("proctor/results"), "").unwrap();
    std::fs::write(cache.join("proctor/uids"), "").unwrap();
    let engine = if docker() { "docker" } else { "local" };
    let mut command = Command::new(env!("CARGO_BIN_EXE_proctor"));
    command.current_dir(course.path("")).env("XDG_CACHE_HOME", &cache).env("TMPDIR", course.path("")).stdin(Stdio::null());
    end(command.args(["check", "a.md", "--no-snapshots", "--engine", engine])).with(0).shows(&["1 passed"]);
}

#[test]
fn a_report_that_does_not_fit_on_the_disk_is_told_and_harms_no_other() {
    let course = course().file("a.md", QUICK);
    let ended = course.run(&["check", "a.md", "--no-snapshots", "--format", "json=/dev/full", "--format", "junit=report.xml"]);
    assert_ne!(ended.status, 0);
    let ended = ended.says(&["cannot write the json report to /dev/full"]);
    assert!(ended.stdout.contains("1 passed") && course.read("report.xml").contains("<testsuite"), "{}", ended.stdout);
}

#[test]
fn a_place_for_a_report_that_goes_away_is_told_and_harms_no_other() {
    let course = course().file("a.md", SLOW);
    std::fs::create_dir(course.path("reports")).unwrap();
    let child = start(&course, &["a.md", "--format", "json=reports/report.json", "--format", "junit=report.xml"], &[]);
    std::thread::sleep(Duration::from_secs(2));
    std::fs::remove_dir_all(course.path("reports")).unwrap();
    let ended = wait(child);
    assert_ne!(ended.status, 0);
    ended.says(&["reports/report.json"]);
    assert!(course.read("report.xml").contains("<testsuite"));
}

#[test]
fn two_proctors_share_a_machine() {
    let pages = (0..6).fold(course(), |course, number| course.file(&format!("pages/p{number}.md"), QUICK));
    let engine = if docker() { "docker" } else { "local" };
    let both: Vec<Child> = (0..2).map(|_| start(&pages, &["pages", "--engine", engine, "--format", "json"], &[])).collect();
    for child in both {
        let report = json(&wait(child).with(0).stdout);
        assert!(statuses(&report).iter().all(|(_, status)| status == "passed") && statuses(&report).len() == 6, "{report}");
    }
}

#[test]
fn who_cannot_wait_interrupts_twice() {
    let engine = if docker() { "docker" } else { "local" };
    let course = course().file("a.md", SLOW).file("b.md", SLOW);
    let child = start(&course, &["a.md", "b.md", "--engine", engine], &[]);
    std::thread::sleep(Duration::from_secs(3));
    let group = Pid::from_child(&child);
    kill_process_group(group, Signal::INT).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    // It may be gone already, which is what was wanted.
    let _ = kill_process_group(group, Signal::INT);
    let pid = child.id();
    wait(child).with(130);
    if docker() {
        gone(pid);
    }
}

/// The wall clock may jump: no limit and no duration is read from it.
#[test]
fn no_limit_depends_on_the_wall_clock() {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            // The cache's files are dated, so that the oldest go first; that decides nothing else.
            let dated = path.ends_with("run/cache.rs");
            if ["SystemTime::now", "time.time(", "Timestamp::now"].iter().any(|clock| text.contains(clock)) && !dated {
                found.push(path.display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    for folder in ["src/engine", "src/run", "src/outcome", "src/selftest"] {
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    assert!(found.is_empty(), "{found:?}");
}
