//! What seals a container: every setting, in one place.
//!
//! Part of the arrow `Job --engine::run--> Run | EngineError`. It must never mount anything of the host's.

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig, ResourcesUlimits};

use super::DockerOptions;
use crate::engine::worker::BOOTSTRAP;

/// Where labs live in a container.
pub(super) const LABS: &str = "/lab";
/// The label that every object of ours carries.
const LABEL: &str = "proctor";
/// The label that says which process a container belongs to.
pub(super) const OWNER: &str = "proctor.owner";

const MIB: i64 = 1 << 20;
/// What a processor's time is counted in, in microseconds: the kernel's own.
const CPU_PERIOD: i64 = 100_000;
/// The largest file that any job may ask for, in MiB: a job's own limit is set by the agent.
const FILE: i64 = 256;

/// A container that runs an agent: the interpreter, its standard streams, and the seal.
pub(super) fn container(options: &DockerOptions) -> ContainerCreateBody {
    let labels = HashMap::from([(LABEL.to_owned(), "worker".to_owned()), (OWNER.to_owned(), owner(std::process::id()))]);
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
    ContainerCreateBody {
        image: Some(options.image.clone()),
        hostname: Some("lab".to_owned()),
        // Root of nothing: with SETUID, SETGID and KILL alone it can become a lab's user and end what that started.
        user: Some("0:0".to_owned()),
        entrypoint: words(&["python3"]),
        cmd: words(&["-s", "-P", "-B", "-c", BOOTSTRAP]),
        // A fixed seed: sets of strings print in the same order in every run.
        env: words(&["LANG=C.UTF-8", "TZ=UTC", "PYTHONHASHSEED=0", "HOME=/"]),
        labels: Some(labels),
        // The input closes with our end of it, however that comes about, and with its input the agent ends.
        attach_stdin: Some(true),
        open_stdin: Some(true),
        stdin_once: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(false),
        host_config: Some(seal(options)),
        ..ContainerCreateBody::default()
    }
}

/// The seal:
///
/// - *network*: none but the container's own loopback interface, on which its servers are reached.
/// - *rights*: every capability dropped but SETUID, SETGID (to become a lab's user) and KILL (to end it); none can be gained.
/// - *calls*: the engine's default filter, and the agent's own on top of it, which knows `io_uring` and sockets that no namespace holds.
/// - *files*: a read-only root; `/lab` (labs, scripts may run there), `/tmp` and `/dev/shm` are small file systems in memory with few inodes.
///   Nothing is mounted.
/// - *memory*: a limit without swap, files in memory included. A lab's processes go first when it is reached: the agent makes it so.
/// - *processes*: a limit for all together; the agent sets each lab's own.
/// - *processor*: one.
/// - *descriptors, core dumps, file sizes*: limited.
/// - *shared memory*: its own, and small (`ipc none` would break `multiprocessing`).
/// - *logs*: none; a flood of output would fill the host's disk.
/// - *end*: the container is removed by the engine as soon as the agent ends. The agent is process 1 and takes in every orphan itself.
pub(super) fn seal(options: &DockerOptions) -> HostConfig {
    let memory = Some(i64::from(options.memory) * MIB);
    let limit = |name: &str, value: i64| ResourcesUlimits { name: Some(name.to_owned()), soft: Some(value), hard: Some(value) };
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    let labs = format!("rw,exec,nosuid,nodev,size={}m,nr_inodes=16k,mode=1777", options.files);
    let small = |size: u32| format!("rw,noexec,nosuid,nodev,size={size}m,nr_inodes=4k,mode=1777");
    // The engine's own `/dev/shm` has a size and no limit of inodes, so that empty files fill all memory.
    let folders = [(LABS, labs), ("/tmp", small(64)), ("/dev/shm", small(32))];
    HostConfig {
        network_mode: Some("none".to_owned()),
        cap_drop: words(&["ALL"]),
        cap_add: words(&["SETUID", "SETGID", "KILL"]),
        security_opt: words(&["no-new-privileges"]),
        privileged: Some(false),
        readonly_rootfs: Some(true),
        tmpfs: Some(folders.into_iter().map(|(path, options)| (path.to_owned(), options)).collect()),
        memory,
        memory_swap: memory,
        pids_limit: Some(256),
        // Not `nano_cpus`: an engine without that controller refuses it, and passes over these with a warning.
        cpu_period: Some(CPU_PERIOD),
        cpu_quota: Some(CPU_PERIOD),
        ulimits: Some(vec![limit("nofile", 1024), limit("core", 0), limit("fsize", FILE * MIB)]),
        ipc_mode: Some("private".to_owned()),
        log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
        init: Some(false),
        auto_remove: Some(true),
        ..HostConfig::default()
    }
}

/// Whose container it is: this machine's name, and a process on it.
pub(super) fn owner(process: u32) -> String {
    format!("{}:{process}", rustix::system::uname().nodename().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seal_is_as_it_was_reviewed() {
        let options = DockerOptions { image: "image".to_owned(), workers: 1, warm: Vec::new(), memory: 512, files: 64 };
        let host = seal(&options);
        assert_eq!(host.network_mode.as_deref(), Some("none"));
        assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]));
        assert_eq!((host.readonly_rootfs, host.privileged, host.auto_remove), (Some(true), Some(false), Some(true)));
        assert_eq!((host.memory, host.memory_swap), (Some(512 << 20), Some(512 << 20)));
        assert_eq!((host.cpu_quota, host.cpu_period, host.pids_limit), (Some(100_000), Some(100_000), Some(256)));
        assert!(host.tmpfs.is_some_and(|places| places.len() == 3 && places.values().all(|options| options.contains("nr_inodes="))));
        assert!(host.binds.is_none() && host.mounts.is_none() && host.devices.is_none(), "nothing of the host's is in a container");
        let body = container(&options);
        assert_eq!((body.stdin_once, body.tty), (Some(true), Some(false)));
        assert!(body.labels.is_some_and(|labels| labels.contains_key("proctor") && labels.contains_key("proctor.owner")));
    }
}
