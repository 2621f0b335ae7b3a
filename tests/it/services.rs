//! Servers that a lab asks for, and packages that a page asks for: real ones, in the same seal.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;

use crate::command::{Course, course};
use crate::images;

/// Whether there is an engine; left out loudly where there is none.
fn in_docker() -> bool {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(images::engine()).is_some()
}

/// A page of one block, and its `lab.toml`.
fn page(code: &str, manifest: &str) -> Course {
    course()
        .file("proctor.toml", "guide = \"content\"\n")
        .file("content/page.md", format!("# Page\n\n```python\n{code}\n```\n"))
        .file("labs/page/lab.toml", manifest)
}

fn block(report: &Value) -> &Value {
    &report["lessons"][0]["blocks"][0]
}

#[test]
fn a_lab_has_the_redis_that_it_asks_for() {
    if !in_docker() {
        return;
    }
    let code = "import os, redis\nclient = redis.Redis(decode_responses=True)\nassert client.dbsize() == 0\nclient.set('greeting', 'hello')\nprint(client.get('greeting'))  # prints hello\nprint(redis.Redis.from_url(os.environ['REDIS_URL']).exists('greeting'))\ntry:\n    os.wait()\nexcept ChildProcessError:\n    print('no children')";
    // Twice: the second lab finds nothing of the first.
    let twice = format!("{code}\n```\n\n<!-- proctor: new -->\n```python\n{code}");
    let (ended, report) = page(&twice, "services = [\"redis\"]\n").json(&["--no-snapshots", "--engine", "docker"]);
    ended.with(0);
    assert_eq!(block(&report)["outcome"], "passed", "{report:#}");
    assert_eq!(report["lessons"][0]["blocks"][1]["outcome"], "passed", "{report:#}");
}

#[test]
fn a_lab_has_the_postgresql_that_it_asks_for() {
    if !in_docker() {
        return;
    }
    let code = "import os\nfrom sqlalchemy import create_engine, text\nengine = create_engine(os.environ['DATABASE_URL'])\nassert engine.url.drivername == 'postgresql+psycopg'\nwith engine.begin() as connection:\n    connection.execute(text('CREATE TABLE note (id serial PRIMARY KEY, words text)'))\n    connection.execute(text(\"INSERT INTO note (words) VALUES ('one'), ('two')\"))\n    print(connection.execute(text('SELECT count(*) FROM note')).scalar())  # prints 2\n    assert connection.execute(text('SHOW server_encoding')).scalar() == 'UTF8'";
    let (ended, report) = page(code, "services = [\"postgresql\", \"redis\"]\n").json(&["--no-snapshots", "--engine", "docker"]);
    ended.with(0);
    assert_eq!(block(&report)["outcome"], "passed", "{report:#}");
}

#[test]
fn a_page_that_plainly_needs_redis_has_it() {
    if !in_docker() {
        return;
    }
    let code = "from flask import Flask\nimport redis\n\napp = Flask(__name__)\nhits = redis.Redis(host='localhost')\n\n@app.route('/')\ndef home():\n    return str(hits.incr('hits'))\n```\n\n```python\nhits.set('a', 'b')\nprint(hits.get('a'))  # prints b'b'";
    let (ended, report) = page(code, "").json(&["--no-snapshots", "--engine", "docker"]);
    ended.with(0);
    let lesson = &report["lessons"][0];
    assert_eq!(lesson["findings"], serde_json::json!([]), "{report:#}");
    assert_eq!((&lesson["assumptions"][0]["name"], &lesson["assumptions"][0]["line"]), (&"redis".into(), &16.into()), "{report:#}");
    // What had to be assumed, `--strict` refuses.
    page(code, "").run(&["check", "--no-snapshots", "--strict", "--engine", "docker"]).with(1).shows(&["`redis` had to be assumed"]);
}

#[test]
fn a_page_that_plainly_needs_postgresql_has_it_with_its_own_user_and_database() {
    if !in_docker() {
        return;
    }
    let code = "from sqlalchemy import create_engine, text\nengine = create_engine('postgresql://clerk:s3cret@localhost:5432/till')\nwith engine.connect() as connection:\n    print(connection.scalar(text('SELECT current_user')))  # prints clerk\n    print(connection.scalar(text('SELECT current_database()')))  # prints till\n```\n\n```python\nimport psycopg2\nwith psycopg2.connect(dbname='shelf', user='keeper', host='localhost') as other:\n    print(other.info.dbname)  # prints shelf";
    let (ended, report) = page(code, "").json(&["--no-snapshots", "--engine", "docker"]);
    ended.with(0);
    let lesson = &report["lessons"][0];
    assert_eq!((&lesson["status"], &lesson["assumptions"][0]["name"]), (&"passed".into(), &"postgresql".into()), "{report:#}");
}

#[test]
fn a_page_that_only_names_a_server_starts_none() {
    let code = "import redis\nclient = redis.Redis.from_url('redis://localhost:6379/0')\nprint(client.connection_pool.max_connections > 0)";
    let (ended, report) = page(code, "").json(&["--no-snapshots"]);
    ended.with(0);
    assert_eq!(report["lessons"][0]["assumptions"], serde_json::json!([]), "{report:#}");
}

#[test]
fn a_server_that_cannot_be_had_is_said_where_the_page_asks_for_it() {
    let manifest = "[env]\nPATH = '/nowhere'\n";
    let code = "import redis\nhits = redis.Redis()\nhits.incr('hits')\n```\n\n```python\nhits.incr('hits')\n```\n\n```python\nprint(1)";
    let (ended, report) = page(code, manifest).json(&["--no-snapshots"]);
    ended.with(1);
    let lesson = &report["lessons"][0];
    let findings = lesson["findings"].as_array().unwrap();
    assert_eq!((findings.len(), &findings[0]["code"], &findings[0]["line"]), (1, &"missing-service".into(), &6.into()), "{report:#}");
    assert!(findings[0]["help"].as_str().is_some_and(|help| help.contains("apt install redis-server")), "{report:#}");
    let outcomes: Vec<&str> = lesson["blocks"].as_array().unwrap().iter().map(|block| block["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["incomplete", "blocked", "passed"], "{report:#}");
}

#[test]
fn a_service_that_cannot_be_had_leaves_the_lesson_incomplete() {
    // What a lab finds on its path is not this test's to choose: where Redis is installed, the lab has it.
    let (ended, report) = page("print(1)", "services = [\"redis\"]\n").json(&["--no-snapshots"]);
    let finding = &report["lessons"][0]["findings"][0];
    if report["lessons"][0]["status"] == "passed" {
        ended.with(0);
        return;
    }
    ended.with(1);
    assert_eq!((&finding["code"], &finding["severity"], &finding["line"]), (&"missing-service".into(), &"note".into(), &4.into()), "{report:#}");
    assert_eq!(block(&report)["outcome"], "incomplete");
    assert_eq!(report["lessons"][0]["status"], "incomplete");
}

#[test]
fn an_unknown_service_is_a_mistake_in_lab_toml() {
    let ended = page("print(1)", "services = [\"redis\", \"mysql\"]\n").run(&["check", "--no-snapshots"]).with(2);
    ended.says(&["`mysql`", "postgresql and redis", "lab.toml"]);
}

const INSTALLS: &str =
    "# Setting up\n\n```console\n$ pip install Flask==2.0\n$ python3 -m pip install -U iniconfig no_such-thing.at.all\n```\n\n```python\nprint(1)\n```\n";

#[test]
fn installs_are_held_against_the_environment() {
    let (ended, report) = course().file("page.md", INSTALLS).json(&["page.md", "--no-snapshots"]);
    ended.with(1);
    let reason = block(&report)["reason"].as_str().unwrap();
    assert!(reason.contains("is in the environment (the page pins 2.0)") && reason.contains("iniconfig "), "{reason}");
    assert_eq!(block(&report)["fate"], "static");
    let finding = &report["lessons"][0]["findings"][0];
    assert_eq!((&finding["code"], &finding["line"], &finding["column"]), (&"missing-module".into(), &5.into(), &39.into()), "{report:#}");
    assert!(finding["help"].as_str().is_some_and(|help| help.contains("proctor.toml") && help.contains("--install")), "{finding}");
}

#[test]
fn what_a_page_installs_is_installed_beside_the_environment_when_that_is_asked_for() {
    let page = "# Page\n\n```console\n$ pip install python-dotenv Flask==0.1\n$ pip install toolz==0.0.0\n```\n\n```python\nimport dotenv, flask.sansio\n```\n";
    let course = course().file("page.md", page);
    let (ended, report) = course.json(&["page.md", "--no-snapshots", "--install"]);
    ended.with(1);
    let lesson = &report["lessons"][0];
    assert_eq!(lesson["blocks"][1]["outcome"], "passed", "{report:#}");
    let findings = lesson["findings"].as_array().unwrap();
    assert_eq!((findings.len(), &findings[0]["line"], &findings[0]["code"]), (1, &5.into(), &"missing-module".into()), "{report:#}");
    assert!(findings[0]["help"].as_str().is_some_and(|help| help.starts_with("it could not be installed: ")), "{report:#}");
    assert!(lesson["rerun"].as_str().is_some_and(|rerun| rerun.contains("--install")), "{report:#}");
    // Without the flag the layer is not used, and its results are not remembered for the environment itself.
    let (_, report) = course.json(&["page.md", "--no-snapshots"]);
    assert_eq!(report["lessons"][0]["blocks"][1]["outcome"], "incomplete", "{report:#}");
}
