//! A socket in front of the container engine's, which a test can cut: to Proctor the engine is then dead. The engine itself never notices.

use std::io::copy;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Where the engine really is.
const ENGINE: &str = "/var/run/docker.sock";

/// A cuttable way to the engine.
pub(super) struct Proxy {
    path: PathBuf,
    /// Both ends of every connection; `None` once it is cut.
    open: Arc<Mutex<Option<Vec<UnixStream>>>>,
}

impl Proxy {
    /// A proxy at `path`.
    pub(super) fn start(path: &Path) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let open = Arc::new(Mutex::new(Some(Vec::new())));
        let shared = Arc::clone(&open);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(engine)) = (client, UnixStream::connect(ENGINE)) else { return };
                let mut open = shared.lock().unwrap();
                let Some(open) = open.as_mut() else { return };
                open.push(client.try_clone().unwrap());
                open.push(engine.try_clone().unwrap());
                relay(client.try_clone().unwrap(), engine.try_clone().unwrap());
                relay(engine, client);
            }
        });
        Self { path: path.to_owned(), open }
    }

    /// The value of `DOCKER_HOST` for it.
    pub(super) fn host(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// Whether the engine is where this looks for it.
    pub(super) fn can_work() -> bool {
        Path::new(ENGINE).exists()
    }

    /// From now on there is no engine.
    pub(super) fn cut(&self) {
        std::fs::remove_file(&self.path).unwrap();
        for end in self.open.lock().unwrap().take().into_iter().flatten() {
            // One that is closed already is what was wanted.
            let _ = end.shutdown(Shutdown::Both);
        }
        // Wakes the listener, which then finds that it is over: nobody can come that way any more.
    }
}

/// Carries bytes one way, and its end.
fn relay(mut from: UnixStream, mut to: UnixStream) {
    std::thread::spawn(move || {
        let _ = copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}
