//! Containers that nobody will end: those that were made and never started when their Proctor was interrupted or killed.
//!
//! A container that runs ends by itself when its Proctor does. One that was only made has no process that could notice. It must never touch a container
//! without our label, nor one whose Proctor is alive.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder};

use super::seal::{OWNER, owner};

/// How long the engine may take over all of it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Remove what this process made. For the end of a check that was interrupted: whatever it was doing then was dropped in the middle.
pub async fn remove_own() {
    let own = owner(std::process::id());
    let work = async {
        let Ok(connection) = super::connect::connect().await else { return };
        // A request that was under way may still be answered after its sender is gone, so one look is not enough.
        for _ in 0..3 {
            remove(&connection.docker, |owner| owner == own).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    // What an engine does not do in time, the next check does.
    drop(tokio::time::timeout(PATIENCE, work).await);
}

/// How many containers of this process there are, running or not; `None` if the engine does not say.
pub async fn count_own() -> Option<usize> {
    let connection = super::connect::connect().await.ok()?;
    let filters = HashMap::from([("label".to_owned(), vec![format!("{OWNER}={}", owner(std::process::id()))])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    connection.docker.list_containers(Some(options)).await.ok().map(|containers| containers.len())
}

/// Remove what Proctors of this machine left that are no longer there.
pub(super) async fn remove_orphans(docker: &Docker) {
    let here = owner(0);
    let here = here.trim_end_matches('0').to_owned();
    let is_orphan = move |owner: &str| owner.strip_prefix(&here).and_then(|process| process.parse::<i32>().ok()).is_some_and(|process| !is_alive(process));
    drop(tokio::time::timeout(PATIENCE, remove(docker, is_orphan)).await);
}

async fn remove(docker: &Docker, is_it: impl Fn(&str) -> bool) {
    let filters = HashMap::from([("label".to_owned(), vec![OWNER.to_owned()])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let Ok(containers) = docker.list_containers(Some(options)).await else { return };
    for container in containers {
        let ours = container.labels.as_ref().and_then(|labels| labels.get(OWNER)).is_some_and(|owner| is_it(owner));
        if let (true, Some(id)) = (ours, container.id) {
            let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            // One that is gone already is what was wanted.
            drop(docker.remove_container(&id, Some(options)).await);
        }
    }
}

/// Whether there is a process of that number; one that may not be asked is alive.
fn is_alive(process: i32) -> bool {
    let Some(pid) = rustix::process::Pid::from_raw(process) else { return true };
    rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_that_is_gone_leaves_orphans() {
        assert!(is_alive(i32::try_from(std::process::id()).unwrap_or(1)));
        assert!(!is_alive(i32::MAX));
    }
}
