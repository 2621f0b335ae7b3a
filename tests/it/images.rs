//! Environments, made real: images in an engine, virtual environments on this machine.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "a test that was left out must not look like one that passed")]

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig, VolumeCreateRequest};
use bollard::query_parameters::{CreateImageOptions, LogsOptions, RemoveContainerOptions, RemoveImageOptions, WaitContainerOptions};
use futures_util::StreamExt;
use proctor::cli::clean;
use proctor::engine::docker::connect::connect;
use proctor::env::{Environment, LABEL, archive};

/// The engine of this machine. Where there is none the test is left out, loudly; with `PROCTOR_REQUIRE_DOCKER=1` it fails.
pub(crate) async fn engine() -> Option<Docker> {
    match connect().await {
        Ok(connection) => Some(connection.docker),
        Err(error) if std::env::var_os("PROCTOR_REQUIRE_DOCKER").is_some_and(|value| value == "1") => panic!("{error}"),
        Err(error) => {
            eprintln!("SKIPPED, no container engine answers (PROCTOR_REQUIRE_DOCKER=1 makes this a failure): {error}");
            None
        }
    }
}

/// A name that no other test run uses.
fn own(word: &str) -> String {
    format!("proctor-test-{word}-{}", std::process::id())
}

/// Runs a command in a sealed container and gives its output.
async fn output(docker: &Docker, image: &str, command: &[&str]) -> String {
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        cmd: Some(command.iter().map(|word| (*word).to_owned()).collect()),
        labels: Some(HashMap::from([(LABEL.to_owned(), "test".to_owned())])),
        host_config: Some(HostConfig { network_mode: Some("none".to_owned()), readonly_rootfs: Some(true), ..Default::default() }),
        ..Default::default()
    };
    let id = docker.create_container(None, body).await.unwrap().id;
    docker.start_container(&id, None).await.unwrap();
    let _ = docker.wait_container(&id, None::<WaitContainerOptions>).collect::<Vec<_>>().await;
    let logs = docker.logs(&id, Some(LogsOptions { stdout: true, stderr: true, ..Default::default() })).map(|piece| piece.unwrap().to_string());
    let text = logs.collect::<Vec<_>>().await.concat();
    docker.remove_container(&id, Some(RemoveContainerOptions { force: true, ..Default::default() })).await.unwrap();
    text
}

/// An image of one small file, with a label of the test's own.
async fn tiny_image(docker: &Docker, name: &str, label: &str) {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    header.set_mode(0o644);
    archive.append_data(&mut header, "hi", &b"hi"[..]).unwrap();
    let options = CreateImageOptions {
        from_src: Some("-".to_owned()),
        repo: Some(name.to_owned()),
        tag: Some("1".to_owned()),
        changes: vec![format!("LABEL {label}=test")],
        ..Default::default()
    };
    let body = bollard::body_full(archive.into_inner().unwrap().into());
    docker.create_image(Some(options), Some(body), None).for_each(|event| async { drop(event.unwrap()) }).await;
}

#[tokio::test]
async fn an_image_has_the_packages_compiled_and_first_on_the_path() {
    let Some(docker) = engine().await else { return };
    let environment = Environment::find("flask", None).unwrap();
    let (mut quiet, mut silent) = (|_: &str| {}, |_: &str| {});
    let (tag, same) = tokio::join!(environment.ensure_image(&docker, &mut quiet), environment.ensure_image(&docker, &mut silent));
    let tag = tag.unwrap();
    assert_eq!(tag, same.unwrap());

    let script = "
import importlib, os, sys, sysconfig
for name in sys.argv[1:]:
    importlib.import_module(name)
modules = [m for m in list(sys.modules.values()) if getattr(m, '__cached__', None) and m.__file__.endswith('.py')]
print('modules', len(modules) > 500, 'without bytecode', [m.__name__ for m in modules if not os.path.exists(m.__cached__)])
print('version', sys.version_info[:2], 'prefix', sys.prefix)
print('left behind', [f for f in ('/root/.cache', '/tmp/requirements.txt', '/tmp/apt.txt', '/tmp/certs') if os.path.exists(f)])
";
    let warm = environment.warm();
    let mut command = vec!["python", "-c", script];
    command.extend(warm.iter().map(String::as_str));
    let expected = "modules True without bytecode []\nversion (3, 13) prefix /opt/venv\nleft behind []\n";
    assert_eq!(output(&docker, &tag, &command).await, expected);
    for package in environment.apt() {
        assert!(output(&docker, &tag, &["dpkg-query", "-W", package]).await.starts_with(package));
    }
    let labels = docker.inspect_image(&tag).await.unwrap().config.unwrap().labels.unwrap();
    assert_eq!(labels.get(LABEL).map(String::as_str), Some("environment"));
    assert_eq!(labels.get("proctor.environment").map(String::as_str), Some("flask"));
}

#[tokio::test]
async fn a_build_that_fails_shows_its_whole_log() {
    let Some(docker) = engine().await else { return };
    let course = tempfile::tempdir().unwrap();
    let lock = course.path().join("requirements.txt");
    std::fs::write(&lock, format!("iniconfig==2.0.0 --hash=sha256:{}\n", "0".repeat(64))).unwrap();
    let environment = Environment::from_requirements("hopeless", &lock).unwrap();
    let error = environment.ensure_image(&docker, &mut |_| {}).await.unwrap_err().to_string();
    for part in ["image of `hopeless` could not be built", "Step 1/", "DO NOT MATCH THE HASHES", "proctor env build hopeless"] {
        assert!(error.contains(part), "no {part:?} in:\n{error}");
    }
}

#[tokio::test]
async fn an_image_is_carried_in_a_file() {
    let Some(docker) = engine().await else { return };
    let (name, directory) = (own("carried"), tempfile::tempdir().unwrap());
    let (tag, file) = (format!("{name}:1"), directory.path().join("image.tar"));
    tiny_image(&docker, &name, &name).await;
    archive::save(&docker, &tag, &file, &mut |_| {}).await.unwrap();
    docker.remove_image(&tag, None::<RemoveImageOptions>, None).await.unwrap();
    assert!(archive::save(&docker, &tag, &file, &mut |_| {}).await.is_err());
    assert_eq!(archive::load(&docker, &file, &mut |_| {}).await.unwrap(), std::slice::from_ref(&tag), "the file is as it was");
    docker.remove_image(&tag, None::<RemoveImageOptions>, None).await.unwrap();

    std::fs::write(&file, "no archive").unwrap();
    let error = archive::load(&docker, &file, &mut |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("proctor env save"), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left");
}

#[tokio::test]
async fn clean_removes_what_has_the_label_and_nothing_else() {
    let Some(docker) = engine().await else { return };
    let (label, other) = (own("mine"), own("theirs"));
    for name in [&label, &other] {
        tiny_image(&docker, name, name).await;
        let labels = Some(HashMap::from([(name.clone(), String::new())]));
        let volume = VolumeCreateRequest { name: Some(name.clone()), labels: labels.clone(), ..Default::default() };
        docker.create_volume(volume).await.unwrap();
        let body = ContainerCreateBody { image: Some(format!("{name}:1")), cmd: Some(vec!["/hi".to_owned()]), labels, ..Default::default() };
        docker.create_container(None, body).await.unwrap();
    }
    let listed = clean::sweep(&docker, &label, false, true).await.unwrap();
    let swept = clean::sweep(&docker, &label, false, false).await.unwrap();
    assert_eq!(listed.removed, swept.removed, "a dry run lists what would go");
    assert_eq!(swept.removed.len(), 3, "{swept:?}");
    assert!(swept.kept.is_empty(), "{swept:?}");
    assert!(clean::sweep(&docker, &label, false, false).await.unwrap().removed.is_empty());
    assert_eq!(clean::sweep(&docker, &other, false, false).await.unwrap().removed.len(), 3, "the other's were left alone");
}

#[tokio::test]
async fn a_virtual_environment_is_made_once_for_all_who_ask() {
    let environment = Environment::find("flask", None).unwrap();
    let (mut quiet, mut silent) = (|_: &str| {}, |_: &str| {});
    let (python, same) = tokio::join!(environment.ensure_venv(None, &mut quiet), environment.ensure_venv(None, &mut silent));
    let python = python.unwrap();
    assert_eq!(python, same.unwrap());
    let check = Command::new(&python).args(["-c", "import flask, sqlalchemy, psycopg, pytest; print('fine')"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&check.stdout), "fine\n", "{}", String::from_utf8_lossy(&check.stderr));

    let error = environment.ensure_venv(Some(Path::new("/bin/true")), &mut |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("/bin/true: does not work"), "{error}");
}
