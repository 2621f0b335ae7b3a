//! `proctor doctor`: what Proctor finds on this machine, what it would use, and why not the rest.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::env::{course_root, describe};
use super::output::say;
use super::{Exit, no_engine};
use crate::engine::docker::connect::{ConnectError, Connection, Tried, connect};
use crate::engine::docker::guarantees::{Guarantee, guarantees};
use crate::env::{Candidate, Environment, cache_dir, survey_pythons};

/// Below this an environment may not fit.
const TIGHT: u64 = 2 << 30;

/// Say what Proctor finds on this machine, and what it would use.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Say instead what seals a lab in a container: each guarantee, the setting that gives it, and whether this engine keeps it.
    #[arg(long)]
    seal: bool,
}

/// All that was found.
struct Findings {
    engine: Result<Answering, ConnectError>,
    environments: Vec<(String, String)>,
    pythons: Vec<Candidate>,
    bubblewrap: Result<String, String>,
    room: Vec<(&'static str, PathBuf, Option<u64>)>,
}

/// The engine that answers.
struct Answering {
    what: String,
    endpoint: String,
    from: String,
    passed_over: Vec<Tried>,
}

/// Runs the command. Its status says whether any engine could run.
///
/// # Errors
/// If standard output cannot be written.
pub async fn run(args: &Args) -> anyhow::Result<Exit> {
    if args.seal {
        return seal().await;
    }
    let findings = look().await;
    say(&tell(&findings))?;
    Ok(if choice(&findings).is_ok() { Exit::Fine } else { Exit::Engine })
}

/// Says what seals a lab, and what of it this engine does not keep.
async fn seal() -> anyhow::Result<Exit> {
    let connection = connect().await.map_err(|error| no_engine(error.to_string()))?;
    let info = connection.docker.info().await.map_err(|error| no_engine(format!("the engine at {} does not describe itself: {error}", connection.endpoint)))?;
    let all = guarantees(&info);
    say(&tell_seal(&format!("{}, version {}", connection.endpoint, connection.version), &all))?;
    Ok(if all.iter().all(|guarantee| guarantee.lacking.is_none()) { Exit::Fine } else { Exit::Findings })
}

fn tell_seal(engine: &str, all: &[Guarantee]) -> String {
    let mut text = format!("the seal of a lab in a container of {engine}\n");
    for Guarantee { what, by, lacking } in all {
        let _ = match lacking {
            None => writeln!(text, "  yes  {what}: {by}"),
            Some(why) => writeln!(text, "  NO   {what}: {by}\n       {why}"),
        };
    }
    text.push_str(match all.iter().filter(|guarantee| guarantee.lacking.is_some()).count() {
        0 => "this engine keeps all of it; `proctor selftest` tries it\n",
        _ => "this engine does not keep what is marked NO; `proctor selftest` shows what comes of that\n",
    });
    text
}

async fn look() -> Findings {
    let connection = connect().await;
    let mut environments = Vec::new();
    let root = course_root();
    for name in Environment::list(root.as_deref()) {
        let told = match Environment::find(&name, root.as_deref()) {
            Ok(environment) => describe(&environment, connection.as_ref().ok()).await.unwrap_or_else(|error| error.to_string()),
            Err(error) => error.to_string(),
        };
        environments.push((name, told));
    }
    let mut room = Vec::new();
    if let Ok(cache) = cache_dir() {
        let free = free_bytes(&cache);
        room.push(("cache", cache, free));
    }
    let engine = match connection {
        Err(error) => Err(error),
        Ok(connection) => {
            let (what, root) = ask(&connection).await;
            if let Some(root) = root.filter(|_| connection.endpoint.starts_with("unix://")) {
                let free = free_bytes(&root);
                room.push(("images", root, free));
            }
            Ok(Answering { what, endpoint: connection.endpoint, from: connection.from, passed_over: connection.passed_over })
        }
    };
    Findings { engine, environments, pythons: survey_pythons().await, bubblewrap: bubblewrap().await, room }
}

/// What an engine says of itself, in a line, and where it keeps its images.
async fn ask(connection: &Connection) -> (String, Option<PathBuf>) {
    let mut what = format!("version {}, interface {}", connection.version, connection.api_version);
    let Ok(info) = connection.docker.info().await else { return (what, None) };
    let facts = [
        info.cgroup_version.map(|version| format!("cgroup {version}")),
        info.driver.map(|driver| format!("storage {driver}")),
        info.operating_system.zip(info.architecture).map(|(system, architecture)| format!("{system}, {architecture}")),
    ];
    for fact in facts.into_iter().flatten() {
        let _ = write!(what, ", {fact}");
    }
    (what, info.docker_root_dir.map(PathBuf::from))
}

/// The version of bubblewrap, or why it cannot seal anything.
async fn bubblewrap() -> Result<String, String> {
    let run = async |arguments: &[&str]| {
        let mut command = tokio::process::Command::new("bwrap");
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        tokio::time::timeout(std::time::Duration::from_secs(5), command.output()).await.map_err(|_| "does not answer".to_owned())?.map_err(|error| match error
            .kind()
        {
            std::io::ErrorKind::NotFound => "not installed".to_owned(),
            _ => error.to_string(),
        })
    };
    let version = run(&["--version"]).await?;
    // Many systems have the program and forbid what it needs.
    let trial = run(&["--ro-bind", "/", "/", "--unshare-all", "true"]).await?;
    if trial.status.success() {
        Ok(String::from_utf8_lossy(&version.stdout).trim().trim_start_matches("bubblewrap ").to_owned())
    } else {
        Err(format!("installed but not allowed here: {}", String::from_utf8_lossy(&trial.stderr).trim()))
    }
}

/// The room that is left where a directory is, or will be.
fn free_bytes(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|ancestor| ancestor.exists())?;
    let stat = rustix::fs::statvfs(there).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// What `--engine auto` picks and why; the error says why nothing can run.
fn choice(findings: &Findings) -> Result<String, String> {
    let python = findings.pythons.iter().find_map(|candidate| candidate.verdict.as_ref().ok());
    match (&findings.engine, python) {
        (Ok(engine), _) => Ok(format!("docker: the engine at {} answers", engine.endpoint)),
        (Err(_), Some(python)) => {
            let sealed = if findings.bubblewrap.is_ok() { "sealed by bubblewrap" } else { "not sealed" };
            Ok(format!("local, {sealed}: no container engine answers, and Python {} is here ({})", python.version, python.executable.display()))
        }
        (Err(_), None) => Err("nothing: no container engine answers and no Python will do; what is said above mends either".to_owned()),
    }
}

fn tell(findings: &Findings) -> String {
    let mut text = "container engine\n".to_owned();
    let mut line = |what: String| {
        text.push_str(&what);
        text.push('\n');
    };
    let tried = match &findings.engine {
        Ok(engine) => &engine.passed_over,
        Err(error) => &error.tried,
    };
    for Tried { endpoint, from, why } in tried {
        line(format!("  no   {endpoint} ({from}): {why}"));
    }
    match &findings.engine {
        Ok(Answering { what, endpoint, from, .. }) => line(format!("  yes  {endpoint} ({from}): {what}")),
        Err(error) => line(format!("  {}", error.advice())),
    }
    line("environments".to_owned());
    for (name, told) in &findings.environments {
        line(format!("  {name}: {told}"));
    }
    line("Python, for virtual environments".to_owned());
    for Candidate { command, verdict } in &findings.pythons {
        let command = command.display();
        line(match verdict {
            Ok(python) => format!("  yes  {command}: {} ({})", python.version, python.executable.display()),
            Err(why) => format!("  no   {command}: {why}"),
        });
    }
    line("sealing without containers".to_owned());
    line(match &findings.bubblewrap {
        Ok(version) => format!("  yes  bubblewrap {version}"),
        Err(why) => format!("  no   bubblewrap: {why}"),
    });
    line("room".to_owned());
    for (what, path, free) in &findings.room {
        line(match free {
            Some(free) if *free < TIGHT => format!("  {what}: {:.1} GB free in {}, which may be too little", gigabytes(*free), path.display()),
            Some(free) => format!("  {what}: {:.1} GB free in {}", gigabytes(*free), path.display()),
            None => format!("  {what}: {} cannot be measured from here", path.display()),
        });
    }
    line("--engine auto".to_owned());
    line(format!("  {}", choice(findings).unwrap_or_else(|nothing| nothing)));
    text
}

#[expect(clippy::cast_precision_loss, reason = "for one decimal")]
fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::docker::connect::Why;

    fn findings(engine: Result<Answering, ConnectError>) -> Findings {
        Findings {
            engine,
            environments: vec![("flask".to_owned(), "3 packages, locked; no image yet; no virtual environment yet".to_owned())],
            pythons: vec![Candidate { command: PathBuf::from("python3"), verdict: Err("3.9.2 is too old: 3.11 or newer is needed".to_owned()) }],
            bubblewrap: Err("not installed".to_owned()),
            room: vec![("cache", PathBuf::from("/home/me/.cache/proctor"), Some(3 << 29))],
        }
    }

    #[test]
    fn a_machine_with_an_engine() {
        let absent = Tried { endpoint: "unix:///a.sock".to_owned(), from: "the current context `a`".to_owned(), why: Why::Absent };
        let answering = Answering {
            what: "version 20.10.24, interface 1.41, cgroup 2".to_owned(),
            endpoint: "unix:///var/run/docker.sock".to_owned(),
            from: "the usual place".to_owned(),
            passed_over: vec![absent],
        };
        insta::assert_snapshot!(tell(&findings(Ok(answering))), @r"
        container engine
          no   unix:///a.sock (the current context `a`): no such socket
          yes  unix:///var/run/docker.sock (the usual place): version 20.10.24, interface 1.41, cgroup 2
        environments
          flask: 3 packages, locked; no image yet; no virtual environment yet
        Python, for virtual environments
          no   python3: 3.9.2 is too old: 3.11 or newer is needed
        sealing without containers
          no   bubblewrap: not installed
        room
          cache: 1.5 GB free in /home/me/.cache/proctor, which may be too little
        --engine auto
          docker: the engine at unix:///var/run/docker.sock answers
        ");
    }

    #[test]
    fn a_seal_that_is_not_kept_says_why() {
        let kept = Guarantee { what: "no network", by: "NetworkMode none".to_owned(), lacking: None };
        let lacking = Guarantee { what: "memory", by: "Memory 1024 MiB".to_owned(), lacking: Some("no control".to_owned()) };
        insta::assert_snapshot!(tell_seal("unix:///a.sock, version 1", &[kept, lacking]), @r"
        the seal of a lab in a container of unix:///a.sock, version 1
          yes  no network: NetworkMode none
          NO   memory: Memory 1024 MiB
               no control
        this engine does not keep what is marked NO; `proctor selftest` shows what comes of that
        ");
    }

    #[test]
    fn a_machine_with_nothing() {
        let denied = Tried { endpoint: "unix:///var/run/docker.sock".to_owned(), from: "the usual place".to_owned(), why: Why::Denied };
        let found = findings(Err(ConnectError { tried: vec![denied] }));
        assert!(choice(&found).is_err());
        insta::assert_snapshot!(tell(&found), @r"
        container engine
          no   unix:///var/run/docker.sock (the usual place): permission denied
          you may not speak to the engine: join its group (`sudo usermod -aG docker $USER`, then log in again), or use `--engine local`
        environments
          flask: 3 packages, locked; no image yet; no virtual environment yet
        Python, for virtual environments
          no   python3: 3.9.2 is too old: 3.11 or newer is needed
        sealing without containers
          no   bubblewrap: not installed
        room
          cache: 1.5 GB free in /home/me/.cache/proctor, which may be too little
        --engine auto
          nothing: no container engine answers and no Python will do; what is said above mends either
        ");
    }
}
