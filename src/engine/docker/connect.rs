//! Finds the container engine of this machine, the way its own client does: variables, contexts, then the usual sockets.
//!
//! Before `Revision --engine::run--> Records`. Asks engines for their version and never changes anything in one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use sha2::{Digest, Sha256};
use tokio::net::UnixStream;
use tokio::sync::OnceCell;

/// How long an endpoint may take to answer. One that is there answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a later request may take until its answer begins, in seconds.
const REQUEST_TIMEOUT: u64 = 120;

/// The variable that names an endpoint.
const DOCKER_HOST: &str = "DOCKER_HOST";

/// An engine that answers.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The client, speaking a version that the engine understands.
    pub docker: Docker,
    /// Where it is, such as `unix:///var/run/docker.sock`.
    pub endpoint: String,
    /// What named that endpoint.
    pub from: String,
    /// The engine's version.
    pub version: String,
    /// The version of its interface.
    pub api_version: String,
    /// Those that were tried before, and why each failed.
    pub passed_over: Vec<Tried>,
}

/// An endpoint that was tried in vain.
#[derive(Debug, Clone)]
pub struct Tried {
    /// Where it should have been.
    pub endpoint: String,
    /// What named it.
    pub from: String,
    /// Why it cannot be used.
    pub why: Why,
}

/// Why an endpoint cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Nothing is there.
    Absent,
    /// Something is there, but this user may not speak to it.
    Denied,
    /// Something is there and does not answer as an engine does.
    Silent(String),
    /// We do not speak its protocol.
    Unsupported(String),
    /// It names no endpoint.
    Unreadable(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("no such socket"),
            Self::Denied => f.write_str("permission denied"),
            Self::Silent(what) | Self::Unsupported(what) | Self::Unreadable(what) => f.write_str(what),
        }
    }
}

/// No container engine answers.
#[derive(Debug, Clone, thiserror::Error)]
pub struct ConnectError {
    /// Every endpoint that was tried, in order.
    pub tried: Vec<Tried>,
}

impl ConnectError {
    /// What to do next.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        let any = |test: fn(&Why) -> bool| self.tried.iter().any(|tried| test(&tried.why));
        if any(|why| *why == Why::Denied) {
            "you may not speak to the engine: join its group (`sudo usermod -aG docker $USER`, then log in again), or use `--engine local`"
        } else if any(|why| matches!(why, Why::Unsupported(_) | Why::Unreadable(_))) {
            "point DOCKER_HOST at a socket (`unix:///path`; a remote one can be brought here with `ssh -L`), or use `--engine local`"
        } else if self.tried.iter().all(|tried| tried.from == DOCKER_HOST) {
            "start the engine that DOCKER_HOST names, or unset DOCKER_HOST to have the usual places tried, or use `--engine local`"
        } else {
            "start Docker (`sudo systemctl start docker`, or Docker Desktop) or set DOCKER_HOST, or use `--engine local`"
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no container engine answers; tried, in this order:")?;
        for Tried { endpoint, from, why } in &self.tried {
            write!(f, "\n  {endpoint} ({from}): {why}")?;
        }
        write!(f, "\n{}", self.advice())
    }
}

/// What decides where engines are looked for. Taken as an argument, so that the search can be tested.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// Whether `DOCKER_TLS_VERIFY` asks for TLS.
    pub tls: bool,
    /// Where the client keeps its configuration: `DOCKER_CONFIG`, or `~/.docker`.
    pub docker_config: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`, or where it would be.
    pub runtime_dir: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        // An empty variable is as good as none, to Docker's own client as well.
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = path("HOME");
        Self {
            docker_host: text("DOCKER_HOST"),
            docker_context: text("DOCKER_CONTEXT"),
            tls: text("DOCKER_TLS_VERIFY").is_some_and(|value| value != "0"),
            docker_config: path("DOCKER_CONFIG").or_else(|| home.as_ref().map(|home| home.join(".docker"))),
            runtime_dir: path("XDG_RUNTIME_DIR").or_else(|| Some(PathBuf::from(format!("/run/user/{}", rustix::process::getuid().as_raw())))),
            home,
        }
    }
}

/// Somewhere to try: what named it, and the endpoint or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    from: String,
    endpoint: Result<String, String>,
}

/// Where to look, in order. What a variable names is tried alone: nobody wants a course to run on another engine than the one they chose.
fn candidates(surroundings: &Surroundings) -> Vec<Candidate> {
    if let Some(host) = &surroundings.docker_host {
        return vec![Candidate { from: DOCKER_HOST.to_owned(), endpoint: Ok(host.clone()) }];
    }
    if let Some(name) = surroundings.docker_context.as_deref().filter(|name| *name != "default") {
        return vec![context(surroundings, name, format!("the context `{name}` of DOCKER_CONTEXT"))];
    }
    let mut found = Vec::new();
    if surroundings.docker_context.is_none()
        && let Some(name) = current_context(surroundings)
    {
        found.push(context(surroundings, &name, format!("the current context `{name}`")));
    }
    let under = |root: &Option<PathBuf>, rest: &str| root.as_ref().map(|root| root.join(rest));
    let usual = [
        ("the usual place", Some(PathBuf::from("/var/run/docker.sock"))),
        ("Docker without root", under(&surroundings.runtime_dir, "docker.sock")),
        ("Docker Desktop", under(&surroundings.home, ".docker/run/docker.sock")),
        ("Docker Desktop", under(&surroundings.home, ".docker/desktop/docker.sock")),
        ("Podman", under(&surroundings.runtime_dir, "podman/podman.sock")),
        ("Podman", Some(PathBuf::from("/run/podman/podman.sock"))),
    ];
    for (from, path) in usual {
        let Some(path) = path else { continue };
        let endpoint = Ok(format!("unix://{}", path.display()));
        if !found.iter().any(|known| known.endpoint == endpoint) {
            found.push(Candidate { from: from.to_owned(), endpoint });
        }
    }
    found
}

/// The context that `docker context use` has set, if it is another than the default one.
fn current_context(surroundings: &Surroundings) -> Option<String> {
    let text = std::fs::read_to_string(surroundings.docker_config.as_ref()?.join("config.json")).ok()?;
    let config: serde_json::Value = serde_json::from_str(&text).ok()?;
    let name = config.get("currentContext")?.as_str()?;
    (!name.is_empty() && name != "default").then(|| name.to_owned())
}

/// The endpoint of a context: Docker keeps each in a directory that is named by the hash of its name.
fn context(surroundings: &Surroundings, name: &str, from: String) -> Candidate {
    let hash: String = Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let endpoint = surroundings.docker_config.as_ref().ok_or_else(|| "HOME is not set, so there are no contexts".to_owned()).and_then(|config| {
        let path = config.join("contexts/meta").join(hash).join("meta.json");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("no such context: {}: {error}", path.display()))?;
        endpoint_of_context(&text).ok_or_else(|| format!("{} names no endpoint", path.display()))
    });
    Candidate { from, endpoint }
}

fn endpoint_of_context(text: &str) -> Option<String> {
    let meta: serde_json::Value = serde_json::from_str(text).ok()?;
    let host = meta.get("Endpoints")?.get("docker")?.get("Host")?.as_str()?;
    (!host.is_empty()).then(|| host.to_owned())
}

/// The engine of this machine: looked for once, and known from then on.
///
/// # Errors
/// If none answers: the error lists what was tried and why each failed.
pub async fn connect() -> Result<Connection, ConnectError> {
    static KNOWN: OnceCell<Connection> = OnceCell::const_new();
    // What was not found is looked for again.
    KNOWN.get_or_try_init(async || connect_from(&Surroundings::of_this_process()).await).await.cloned()
}

/// The engine that those surroundings lead to.
///
/// # Errors
/// If none answers.
pub async fn connect_from(surroundings: &Surroundings) -> Result<Connection, ConnectError> {
    let mut tried = Vec::new();
    for Candidate { from, endpoint } in candidates(surroundings) {
        let (endpoint, result) = match endpoint {
            Ok(endpoint) => {
                let result = try_endpoint(&endpoint, surroundings.tls).await;
                (endpoint, result)
            }
            Err(why) => ("no endpoint".to_owned(), Err(Why::Unreadable(why))),
        };
        match result {
            Ok((docker, version, api_version)) => return Ok(Connection { docker, endpoint, from, version, api_version, passed_over: tried }),
            Err(why) => tried.push(Tried { endpoint, from, why }),
        }
    }
    Err(ConnectError { tried })
}

async fn try_endpoint(endpoint: &str, tls: bool) -> Result<(Docker, String, String), Why> {
    let silent = |error: bollard::errors::Error| Why::Silent(error.to_string());
    let docker = if let Some(path) = endpoint.strip_prefix("unix://") {
        knock(Path::new(path)).await?;
        Docker::connect_with_unix(path, REQUEST_TIMEOUT, API_DEFAULT_VERSION).map_err(silent)?
    } else if (endpoint.starts_with("tcp://") || endpoint.starts_with("http://")) && !tls {
        Docker::connect_with_http(endpoint, REQUEST_TIMEOUT, API_DEFAULT_VERSION).map_err(silent)?
    } else {
        let kind = if tls { "TLS" } else { endpoint.split("://").next().unwrap_or(endpoint) };
        return Err(Why::Unsupported(format!("proctor does not speak {kind}, only unix:// and plain tcp://")));
    };
    let answer = tokio::time::timeout(PATIENCE, async {
        // An old engine refuses a client that speaks a newer version than its own.
        let docker = docker.negotiate_version().await?;
        let version = docker.version().await?;
        Ok((docker, version.version.unwrap_or_default(), version.api_version.unwrap_or_default()))
    });
    answer.await.map_err(|_| Why::Silent(format!("did not answer within {} s", PATIENCE.as_secs())))?.map_err(silent)
}

/// Opens and closes a socket: the system says more about what is wrong than a client does.
async fn knock(socket: &Path) -> Result<(), Why> {
    use std::io::ErrorKind;
    match tokio::time::timeout(PATIENCE, UnixStream::connect(socket)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(match error.kind() {
            ErrorKind::NotFound => Why::Absent,
            ErrorKind::PermissionDenied => Why::Denied,
            ErrorKind::ConnectionRefused => Why::Silent("nobody listens: the engine has ended".to_owned()),
            _ => Why::Silent(error.to_string()),
        }),
        Err(_) => Err(Why::Silent(format!("did not answer within {} s", PATIENCE.as_secs()))),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Surroundings with a home directory that holds a context called `other`.
    fn home_with_context() -> (tempfile::TempDir, Surroundings) {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join(".docker");
        // `printf other | sha256sum`
        let meta = config.join("contexts/meta/d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa");
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(meta.join("meta.json"), r#"{"Name":"other","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///other.sock","SkipTLSVerify":false}}}"#)
            .unwrap();
        let surroundings = Surroundings {
            docker_config: Some(config),
            runtime_dir: Some(PathBuf::from("/run/user/1")),
            home: Some(home.path().to_owned()),
            ..Default::default()
        };
        (home, surroundings)
    }

    fn endpoints(surroundings: &Surroundings) -> Vec<Result<String, String>> {
        candidates(surroundings).into_iter().map(|candidate| candidate.endpoint).collect()
    }

    #[test]
    fn the_usual_sockets_are_tried_in_order() {
        let surroundings = Surroundings { runtime_dir: Some(PathBuf::from("/run/user/1")), home: Some(PathBuf::from("/home/me")), ..Default::default() };
        let expected = [
            "unix:///var/run/docker.sock",
            "unix:///run/user/1/docker.sock",
            "unix:///home/me/.docker/run/docker.sock",
            "unix:///home/me/.docker/desktop/docker.sock",
            "unix:///run/user/1/podman/podman.sock",
            "unix:///run/podman/podman.sock",
        ];
        assert_eq!(endpoints(&surroundings), expected.map(|endpoint| Ok(endpoint.to_owned())));
    }

    #[test]
    fn variables_come_first_and_alone() {
        let (_home, mut surroundings) = home_with_context();
        surroundings.docker_context = Some("other".to_owned());
        assert_eq!(endpoints(&surroundings), [Ok("unix:///other.sock".to_owned())]);
        surroundings.docker_host = Some("tcp://host:1".to_owned());
        assert_eq!(endpoints(&surroundings), [Ok("tcp://host:1".to_owned())]);
    }

    #[test]
    fn the_current_context_comes_before_the_usual_places() {
        let (home, mut surroundings) = home_with_context();
        std::fs::write(home.path().join(".docker/config.json"), r#"{"auths":{},"currentContext":"other"}"#).unwrap();
        let found = endpoints(&surroundings);
        assert_eq!(found[0], Ok("unix:///other.sock".to_owned()));
        assert_eq!(found[1], Ok("unix:///var/run/docker.sock".to_owned()));
        surroundings.docker_context = Some("default".to_owned());
        assert_eq!(endpoints(&surroundings)[0], Ok("unix:///var/run/docker.sock".to_owned()));
    }

    #[test]
    fn a_context_that_cannot_be_read_says_why() {
        let (_home, mut surroundings) = home_with_context();
        surroundings.docker_context = Some("gone".to_owned());
        let found = endpoints(&surroundings);
        assert!(found.len() == 1 && found[0].as_ref().unwrap_err().contains("no such context"), "{found:?}");
        for text in ["", "{", "{}", r#"{"Endpoints":{"docker":{"Host":""}}}"#, r#"{"Endpoints":{"kubernetes":{}}}"#] {
            assert_eq!(endpoint_of_context(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn every_failure_is_told_with_what_to_do_next() {
        let directory = tempfile::tempdir().unwrap();
        let socket = |name: &str| directory.path().join(name);
        let told = async |host: String, tls: bool| {
            let surroundings = Surroundings { docker_host: Some(host), tls, ..Default::default() };
            connect_from(&surroundings).await.unwrap_err()
        };
        let error = told(format!("unix://{}", socket("absent").display()), false).await;
        assert_eq!(error.tried[0].why, Why::Absent);
        assert!(error.to_string().contains("(DOCKER_HOST): no such socket") && error.to_string().ends_with("--engine local`"), "{error}");

        drop(std::os::unix::net::UnixListener::bind(socket("dead")).unwrap());
        let error = told(format!("unix://{}", socket("dead").display()), false).await;
        assert!(error.to_string().contains("nobody listens"), "{error}");

        for (host, tls, kind) in [("ssh://me@host", false, "ssh"), ("tcp://host:2376", true, "TLS")] {
            let error = told(host.to_owned(), tls).await;
            assert!(error.to_string().contains(&format!("does not speak {kind}")) && error.advice().contains("ssh -L"), "{error}");
        }
    }

    #[test]
    fn a_user_who_may_not_is_told_how_to_be_let_in() {
        let denied = Tried { endpoint: "unix:///var/run/docker.sock".to_owned(), from: "the usual place".to_owned(), why: Why::Denied };
        let error = ConnectError { tried: vec![denied] };
        assert!(error.to_string().contains("permission denied") && error.advice().contains("usermod -aG docker"), "{error}");
    }
}
