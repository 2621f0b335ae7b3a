//! One suite over every engine: what a lab prints, raises and leaves behind must not depend on where it runs.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says what it leaves out")]

mod bench;
mod hostile;
mod labs;
mod serving;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bench::{Bench, lab};
use proctor::engine::{Demand, DockerOptions, Ending, Engine, LocalOptions, Recorder, Replay};

/// A case of the suite: its name, and what it does with an engine.
type Case = (&'static str, fn(Arc<Bench>) -> futures_util::future::BoxFuture<'static, ()>);

/// Makes a list of cases of async functions.
macro_rules! cases {
    ($($name:ident),* $(,)?) => { [$((stringify!($name), |bench: std::sync::Arc<$crate::engines::bench::Bench>| -> futures_util::future::BoxFuture<'static, ()> {
        Box::pin(async move { $name(&bench).await })
    })),*] };
}
use cases;

/// Runs cases one after the other and fails with the names of all that fail.
async fn suite(bench: &Arc<Bench>, cases: &[Case]) {
    let mut failed = Vec::new();
    for (name, case) in cases {
        let started = std::time::Instant::now();
        let task = tokio::spawn(case(Arc::clone(bench)));
        if tokio::time::timeout(Duration::from_secs(120), task).await.map_or(true, |ended| ended.is_err()) {
            failed.push(*name);
        }
        eprintln!("{name}: {:?}", started.elapsed());
    }
    assert!(failed.is_empty(), "failed on {}: {failed:?}", bench.engine.name());
}

/// A virtual environment with Flask and SQLAlchemy, made once; the machine's Python where they cannot be installed.
fn python() -> PathBuf {
    if let Some(python) = std::env::var_os("PROCTOR_TEST_PYTHON") {
        return python.into();
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("engines-venv");
    std::fs::create_dir_all(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let lock = std::fs::File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let python = folder.join("bin/python");
    if !folder.join("ready").exists() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).status().is_ok_and(|status| status.success());
        assert!(made, "python3 cannot make a virtual environment");
        let wanted = ["flask", "sqlalchemy", "flask-sqlalchemy", "gunicorn"];
        if Command::new(&python).args(["-m", "pip", "install", "-q"]).args(wanted).status().is_ok_and(|status| status.success()) {
            std::fs::write(folder.join("ready"), "").unwrap();
        } else {
            assert!(std::env::var_os("CI").is_none(), "pip cannot install {wanted:?}");
        }
    }
    python
}

async fn local(workers: usize) -> Engine {
    let options = LocalOptions { python: python(), workers, warm: vec!["flask".to_owned(), "sqlalchemy".to_owned()] };
    Engine::local(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_passes_locally_and_again_from_its_records() {
    let store = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(store.path().to_owned()).unwrap();
    let bench = Arc::new(Bench { engine: local(2).await, recorder: Some(recorder) });
    suite(&bench, &labs::CASES).await;
    let has_flask = bench.engine.packages().contains_key("flask");
    if has_flask {
        suite(&bench, &serving::CASES).await;
    } else {
        eprintln!("left out: Flask is not installed");
    }
    suite(&bench, &hostile::CASES).await;
    bench.engine.close().await;
    assert!(bench.engine.run(&lab().py("1").job()).await.is_err(), "a closed engine runs nothing");

    let replay = Engine::replay(Replay::load(store.path()).unwrap());
    let replayed = Arc::new(Bench { engine: replay, recorder: None });
    suite(&replayed, &labs::CASES).await;
    if has_flask {
        suite(&replayed, &serving::CASES).await;
    }
}

/// The image of an environment, if Docker answers and has one. `PROCTOR_REQUIRE_DOCKER=1` makes it a failure that there is none.
fn image() -> Option<String> {
    let listed = || {
        // Of the environments there may be, the one of the course: in an older one, libraries warn of other things.
        let listed = ["images", "-q", "--filter", "label=proctor=environment", "--filter", "reference=proctor-flask", "--filter", "dangling=false"];
        let output = Command::new("docker").args(listed).output().ok()?;
        String::from_utf8(output.stdout).ok()?.lines().next().map(str::to_owned)
    };
    let image = std::env::var("PROCTOR_TEST_IMAGE").ok().or_else(listed);
    if image.is_none() {
        assert!(std::env::var_os("PROCTOR_REQUIRE_DOCKER").is_none(), "Docker does not answer, or has no image of an environment");
        eprintln!("left out: Docker does not answer, or has no image of an environment");
    }
    image
}

async fn docker(image: String, workers: usize) -> Engine {
    let warm = vec!["flask".to_owned(), "sqlalchemy".to_owned()];
    Engine::docker(DockerOptions { image, workers, warm, memory: DockerOptions::MEMORY, files: DockerOptions::FILES }).await.unwrap()
}

/// How many containers a process has.
fn containers(pid: u32) -> usize {
    let output = Command::new("docker").args(["ps", "-a", "--filter", "label=proctor=worker", "--format", "{{.Label \"proctor.owner\"}}"]).output();
    let owner = format!(":{pid}");
    String::from_utf8(output.unwrap().stdout).unwrap().lines().filter(|line| line.ends_with(&owner)).count()
}

/// Kills the containers of this process.
fn kill_containers() {
    let owner = format!("label=proctor.owner={}:{}", rustix::system::uname().nodename().to_string_lossy(), std::process::id());
    let output = Command::new("docker").args(["ps", "-q", "--filter", &owner]).output().unwrap();
    let ids = String::from_utf8(output.stdout).unwrap();
    assert!(Command::new("docker").arg("kill").args(ids.lines()).status().unwrap().success(), "{ids}");
}

// One test, not several: they would count each other's containers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_passes_in_containers() {
    let Some(image) = image() else { return };
    let name = image.clone();
    let bench = Arc::new(Bench { engine: docker(image.clone(), 2).await, recorder: None });
    for cases in [labs::CASES.as_slice(), hostile::CASES.as_slice(), hostile::SEALED_CASES.as_slice()] {
        suite(&bench, cases).await;
    }
    if bench.engine.packages().contains_key("flask") {
        suite(&bench, &serving::CASES).await;
    } else {
        eprintln!("left out: {image} has no Flask");
    }
    assert_eq!(containers(std::process::id()), 2);
    bench.engine.close().await;
    bench::until("every container is gone", || containers(std::process::id()) == 0).await;

    let engine = Arc::new(docker(image, 1).await);
    let running = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { engine.run(&lab().py("import time\ntime.sleep(4243)").job()).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.abort();
    drop(running.await);
    assert_eq!(bench::printed(&engine.run(&lab().py("print(1)").job()).await.unwrap(), 1), "1\n");

    // A container that is killed in a job is replaced, and the job runs again.
    let again = lab().py("import time\nprint('again')\ntime.sleep(3)").job();
    let (run, ()) = tokio::join!(engine.run(&again), async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        kill_containers();
    });
    let run = run.unwrap();
    assert_eq!((bench::printed(&run, 1), run.ending), ("again\n".to_owned(), Ending::Finished));
    drop(engine);
    bench::until("every container is gone", || containers(std::process::id()) == 0).await;

    // An image that goes away keeps no warm worker from its work; the next one says what is missing.
    let vanishing = format!("proctor-test-vanishing:{}", std::process::id());
    let images = |arguments: &[&str]| assert!(Command::new("docker").args(arguments).output().unwrap().status.success());
    images(&["tag", &name, &vanishing]);
    let engine = docker(vanishing.clone(), 1).await;
    assert_eq!(bench::printed(&engine.run(&lab().py("print(1)").job()).await.unwrap(), 1), "1\n");
    images(&["rmi", "--force", &vanishing]);
    assert_eq!(bench::printed(&engine.run(&lab().py("print(2)").job()).await.unwrap(), 1), "2\n");
    kill_containers();
    let error = engine.run(&lab().py("print(3)").job()).await.unwrap_err().to_string();
    assert!(error.contains(&vanishing) && error.contains("proctor env build"), "{error}");
    drop(engine);
    bench::until("every container is gone", || containers(std::process::id()) == 0).await;

    let missing = Engine::docker(DockerOptions { image: "proctor-no-such-image".to_owned(), workers: 1, warm: Vec::new(), memory: 64, files: 64 }).await;
    let error = missing.err().unwrap().to_string();
    assert!(error.contains("proctor-no-such-image") && error.contains("proctor env build"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_an_engine_leaves_nothing_behind() {
    let engine = Arc::new(local(2).await);
    let busy = lab().py("import subprocess, time\nsubprocess.Popen(['sleep', '4242'])\nprint(__file__, flush=True)\ntime.sleep(4242)").job();
    let running = tokio::spawn({
        let (engine, busy) = (Arc::clone(&engine), busy.clone());
        async move { engine.run(&busy).await }
    });
    bench::until("the lab runs", || bench::processes_with("4242") > 0).await;
    assert!(!bench::lab_folders(std::process::id()).is_empty());
    running.abort();
    drop(running.await);
    drop(engine);
    bench::until("every process is gone", || bench::processes_with("4242") == 0).await;
    bench::until("every folder is gone", || bench::lab_folders(std::process::id()).is_empty()).await;
}

/// Not a test: what the next one runs in a process of its own, to kill that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs until it is killed"]
async fn busy_until_killed() {
    let engine = match std::env::var("PROCTOR_TEST_IMAGE") {
        Ok(image) => docker(image, 2).await,
        Err(_) => local(2).await,
    };
    let busy =
        "import os, subprocess, time\nsubprocess.Popen(['sleep', '4244'])\nos.fork(); os.setsid() if os.getpgrp() != os.getpid() else None\ntime.sleep(4244)";
    engine.run(&lab().py(busy).limits(|limits| limits.seconds = 9999).job()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proctor_that_is_killed_leaves_nothing_behind() {
    for image in [None, image()] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "engines::busy_until_killed", "--ignored"]).env_remove("PROCTOR_TEST_IMAGE");
        if let Some(image) = &image {
            command.env("PROCTOR_TEST_IMAGE", image);
        }
        let mut child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        let pid = child.id();
        bench::until("the lab runs", || bench::processes_with("4244") > 0).await;
        if image.is_some() {
            assert!(containers(pid) > 0);
        } else {
            assert!(!bench::lab_folders(pid).is_empty());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        bench::until("every process is gone", || bench::processes_with("4244") == 0).await;
        // An agent in bubblewrap cannot remove the folder that it was shown: the next engine does.
        if bench::until_maybe(|| bench::lab_folders(pid).is_empty()).await.is_err() {
            let next = local(1).await;
            assert!(next.notes()[0].contains("bubblewrap") && bench::lab_folders(pid).is_empty());
            next.close().await;
        }
        if image.is_some() {
            bench::until("every container is gone", || containers(pid) == 0).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_are_started_as_they_are_wanted() {
    let demand = Demand::default();
    let options = LocalOptions { python: python(), workers: 2, warm: Vec::new() };
    let engine = Arc::new(Engine::local_for(options, demand).await.unwrap());
    let short = lab().py("print(1)").job();
    for _ in 0..3 {
        assert_eq!(bench::printed(&engine.run(&short).await.unwrap(), 1), "1\n");
    }
    assert_eq!(engine.workers_started(), 1, "one at a time needs one worker");
    let nap = lab().py("import time\ntime.sleep(2)").job();
    let (one, two) = tokio::join!(engine.run(&nap), engine.run(&nap));
    assert_eq!((one.unwrap().ending, two.unwrap().ending), (Ending::Finished, Ending::Finished));
    assert_eq!(engine.workers_started(), 2, "a job that waits for long gets a worker of its own");
    engine.close().await;
    assert!(engine.run(&short).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interpreter_that_cannot_run_labs_says_so() {
    for (python, said) in [("/nonexistent/python", "could not start /nonexistent/python"), ("/bin/cat", "/bin/cat cannot run labs")] {
        let options = LocalOptions { python: python.into(), workers: 1, warm: Vec::new() };
        let error = Engine::local(options).await.err().unwrap().to_string();
        assert!(error.starts_with(said) && error.contains("--python"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_in_a_job_is_replaced_and_the_job_tried_again() {
    let engine = local(1).await;
    if engine.notes()[0].contains("bubblewrap") {
        return; // There a lab cannot end its agent.
    }
    let folder = tempfile::tempdir().unwrap();
    let once = folder.path().join("once");
    // The lab kills its own agent, but only the first time.
    let code = format!(
        "import os, signal, time\nif not os.path.exists({once:?}):\n    open({once:?}, 'w').close()\n    os.kill(os.getppid(), signal.SIGKILL)\n    time.sleep(60)\nprint('again')"
    );
    let run = engine.run(&lab().py(&code).job()).await.unwrap();
    assert_eq!((bench::printed(&run, 1), &run.ending), ("again\n".to_owned(), &Ending::Finished));
    let always = lab().py("import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)").job();
    let error = engine.run(&always).await.unwrap_err().to_string();
    assert!(error.starts_with("the worker died"), "{error}");
    assert_eq!(bench::printed(&engine.run(&lab().py("print(1)").job()).await.unwrap(), 1), "1\n");

    // An agent that is stopped neither answers nor keeps the clock: the host does.
    let stopped =
        lab().py("import os, signal, time\nprint('before')\nos.kill(os.getppid(), signal.SIGSTOP)\ntime.sleep(4245)").limits(|limits| limits.seconds = 1);
    let run = engine.run(&stopped.job()).await.unwrap();
    assert_eq!(run.ending, Ending::Timeout);
    assert_eq!(bench::printed(&engine.run(&lab().py("print(2)").job()).await.unwrap(), 1), "2\n");
    engine.close().await;
}
