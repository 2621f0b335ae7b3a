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
use proctor::engine::{Ending, Engine, LocalOptions, Recorder, Replay};

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
    let hostile = hostile::CASES.iter().filter(|(name, _)| !hostile::SEALED.contains(name)).copied().collect::<Vec<_>>();
    suite(&bench, &hostile).await;
    bench.engine.close().await;
    assert!(bench.engine.run(&lab().py("1").job()).await.is_err(), "a closed engine runs nothing");

    let replay = Engine::replay(Replay::load(store.path()).unwrap());
    let replayed = Arc::new(Bench { engine: replay, recorder: None });
    suite(&replayed, &labs::CASES).await;
    if has_flask {
        suite(&replayed, &serving::CASES).await;
    }
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
    let folders = bench::lab_folders();
    assert!(!folders.is_empty());
    running.abort();
    drop(running.await);
    drop(engine);
    bench::until("every process is gone", || bench::processes_with("4242") == 0).await;
    bench::until("every folder is gone", || bench::lab_folders().is_empty()).await;
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
    engine.close().await;
}
