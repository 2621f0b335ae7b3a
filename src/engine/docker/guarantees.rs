//! What the seal promises, by which setting, and whether an engine keeps it: an engine passes over a limit that it cannot set, with a warning at most.
//!
//! Beside the arrow `Job --engine::run--> Run | EngineError`. It must never promise what is not set: each setting is read from the seal itself.

use bollard::models::{HostConfig, SystemInfo};

use super::DockerOptions;
use super::seal::{LABS, seal};

/// One promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarantee {
    /// What is promised, in a few words.
    pub what: &'static str,
    /// What sees to it.
    pub by: String,
    /// Why this engine does not keep it, if it does not.
    pub lacking: Option<String>,
}

/// Every promise of a worker's container, as an engine that describes itself so keeps it.
#[must_use]
pub fn guarantees(info: &SystemInfo) -> Vec<Guarantee> {
    let options = DockerOptions { image: String::new(), workers: 1, warm: Vec::new(), memory: DockerOptions::MEMORY, files: DockerOptions::FILES };
    let host = seal(&options);
    let mut all = confinement(&host, info);
    all.extend(shares(&host, info));
    all.extend(own());
    all
}

fn promise(what: &'static str, by: impl Into<String>) -> Guarantee {
    Guarantee { what, by: by.into(), lacking: None }
}

/// A promise that needs something of the engine.
fn needs(what: &'static str, by: impl Into<String>, has: bool, lacking: &str) -> Guarantee {
    Guarantee { what, by: by.into(), lacking: (!has).then(|| lacking.to_owned()) }
}

/// What a lab cannot reach.
fn confinement(host: &HostConfig, info: &SystemInfo) -> Vec<Guarantee> {
    let listed = |words: &Option<Vec<String>>| words.iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    let security = info.security_options.iter().flatten();
    let mut filters = security.filter_map(|option| option.strip_prefix("name=seccomp"));
    let filtered = filters.next().is_some_and(|rest| !rest.contains("unconfined"));
    let machine = info.architecture.as_deref().unwrap_or_default();
    let known = ["x86_64", "amd64", "aarch64", "arm64"].contains(&machine);
    let mounts = |path: &str| host.tmpfs.iter().flatten().find(|(mounted, _)| *mounted == path).map(|(_, options)| format!("{path} {options}"));
    let places: Vec<String> = [LABS, "/tmp", "/dev/shm"].into_iter().filter_map(mounts).collect();
    vec![
        promise("no network", format!("NetworkMode {}", host.network_mode.as_deref().unwrap_or_default())),
        promise("no rights but to become a lab's user and to end it", format!("CapDrop {}, CapAdd {}", listed(&host.cap_drop), listed(&host.cap_add))),
        promise("no right can be gained", format!("SecurityOpt {}", listed(&host.security_opt))),
        needs(
            "no calls that only the system itself needs",
            "the engine's default seccomp profile",
            filtered,
            "this engine runs containers without a seccomp profile: start it with its default one",
        ),
        needs(
            "no io_uring, no sockets that a network namespace does not hold",
            "a filter of system calls that the agent gives itself",
            known,
            "the filter knows the calls of x86_64 and aarch64 only",
        ),
        promise("a read-only system, nothing of the host's in it", "ReadonlyRootfs; no mounts, no devices"),
        promise("small file systems in memory, with few inodes", places.join("; ")),
        promise("message queues and shared memory of its own", format!("IpcMode {}", host.ipc_mode.as_deref().unwrap_or_default())),
    ]
}

/// What a lab gets of the machine.
fn shares(host: &HostConfig, info: &SystemInfo) -> Vec<Guarantee> {
    let has = |fact: Option<bool>| fact == Some(true);
    let mib = |bytes: Option<i64>| bytes.unwrap_or_default() >> 20;
    let ulimits = host.ulimits.iter().flatten().map(|limit| format!("{} {}", limit.name.as_deref().unwrap_or_default(), limit.hard.unwrap_or_default()));
    let version = info.cgroup_version.map_or_else(String::new, |version| format!(" (cgroup {version})"));
    let controller = |name: &str| {
        let rootless = info.security_options.iter().flatten().any(|option| option.starts_with("name=rootless"));
        let advice = if rootless { "delegate that controller to your user in systemd" } else { "enable that controller on the kernel's command line" };
        format!("this engine has no control over {name}{version}: {advice}")
    };
    vec![
        needs("memory", format!("Memory {} MiB", mib(host.memory)), has(info.memory_limit), &controller("memory")),
        needs("no swap", format!("MemorySwap {} MiB, the same", mib(host.memory_swap)), has(info.swap_limit), &controller("swap")),
        needs("processes", format!("PidsLimit {}", host.pids_limit.unwrap_or_default()), has(info.pids_limit), &controller("processes")),
        needs(
            "one processor",
            format!("CpuQuota {} of CpuPeriod {}", host.cpu_quota.unwrap_or_default(), host.cpu_period.unwrap_or_default()),
            has(info.cpu_cfs_quota) && has(info.cpu_cfs_period),
            &controller("processor time"),
        ),
        promise("descriptors, file sizes, no core dumps", format!("Ulimits {}", ulimits.collect::<Vec<_>>().join(", "))),
        promise("no log on the host's disk", format!("LogConfig {}", host.log_config.as_ref().and_then(|log| log.typ.as_deref()).unwrap_or_default())),
        promise("an end with Proctor's own", "StdinOnce, AutoRemove: the agent ends with its input, its container with the agent"),
    ]
}

/// What the agent and the host see to, whatever the engine.
fn own() -> Vec<Guarantee> {
    vec![
        promise("a user of its own for each revision", "the agent: ids 10000 to 59999, none twice, no two Proctors the same"),
        promise("memory, processes, file size of each lab", "the agent: resource limits from lab.toml, within those above"),
        promise("the lab is the first to go when memory ends", "the agent: oom_score_adj 1000, which a lab cannot lower"),
        promise("nothing is left for the next lab", "the agent: a sweep as that user of processes, files, shared memory, queues and semaphores"),
        promise("an end by the clock", "the agent, and the host should the agent not answer"),
        promise("no flood", "output is counted by the agent and by the host, while it flows"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacking(info: &SystemInfo) -> Vec<&'static str> {
        guarantees(info).into_iter().filter(|guarantee| guarantee.lacking.is_some()).map(|guarantee| guarantee.what).collect()
    }

    fn able() -> SystemInfo {
        SystemInfo {
            memory_limit: Some(true),
            swap_limit: Some(true),
            pids_limit: Some(true),
            cpu_cfs_period: Some(true),
            cpu_cfs_quota: Some(true),
            security_options: Some(vec!["name=seccomp,profile=default".to_owned()]),
            architecture: Some("x86_64".to_owned()),
            ..SystemInfo::default()
        }
    }

    #[test]
    fn an_engine_keeps_what_it_can() {
        assert!(lacking(&able()).is_empty());
        let rootless = SystemInfo {
            memory_limit: Some(false),
            cpu_cfs_quota: None,
            security_options: Some(vec!["name=seccomp,profile=unconfined".to_owned(), "name=rootless".to_owned()]),
            architecture: Some("riscv64".to_owned()),
            ..able()
        };
        let said = lacking(&rootless);
        assert_eq!(said.len(), 4, "{said:?}");
        let memory = guarantees(&rootless).into_iter().find(|guarantee| guarantee.what == "memory");
        assert!(memory.and_then(|memory| memory.lacking).is_some_and(|why| why.contains("delegate")));
    }
}
