//! Questions to a server on loopback.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A server that answers by the path, and remembers what it was asked.
pub(crate) struct Server {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (known, own) = (Arc::clone(&asked), address.clone());
        tokio::spawn(async move {
            let times: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
            while let Ok((mut stream, _)) = listener.accept().await {
                let (known, own, times) = (Arc::clone(&known), own.clone(), Arc::clone(&times));
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") {
                        let mut byte = [0];
                        if stream.read(&mut byte).await.unwrap_or(0) == 0 {
                            return;
                        }
                        request.push(byte[0]);
                    }
                    let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
                    let words: Vec<&str> = line.split(' ').collect();
                    let shown = format!("{} {}", words[0], words[1]);
                    known.lock().unwrap().push(shown.clone());
                    let time = {
                        let mut times = times.lock().unwrap();
                        let time = times.entry(words[1].to_owned()).or_default();
                        *time += 1;
                        *time
                    };
                    let answer = match (words[0], words[1], time) {
                        (_, "/closed", _) => return,
                        (_, "/slow", _) => {
                            tokio::time::sleep(Duration::from_secs(20)).await;
                            return;
                        }
                        ("HEAD", "/no-head", _) => "405 Method Not Allowed\r\nAllow: GET".to_owned(),
                        (_, "/gone", _) => "404 Not Found".to_owned(),
                        (_, "/busy", 1) => "429 Too Many Requests\r\nRetry-After: 0".to_owned(),
                        (_, "/later", _) => "429 Too Many Requests\r\nRetry-After: 3600".to_owned(),
                        (_, "/down", _) => "503 Service Unavailable".to_owned(),
                        (_, "/members", _) => "403 Forbidden".to_owned(),
                        (_, "/moved", _) => format!("301 Moved Permanently\r\nLocation: {own}/here"),
                        (_, "/for-now", _) => "302 Found\r\nLocation: /here".to_owned(),
                        (_, "/circle", _) => "302 Found\r\nLocation: /circle".to_owned(),
                        (_, "/away", _) => "302 Found\r\nLocation: file:///etc/hosts".to_owned(),
                        _ => "200 OK".to_owned(),
                    };
                    let _ = stream.write_all(format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes()).await;
                });
            }
        });
        Self { address, asked }
    }

    /// How often it was asked this.
    pub(crate) fn count(&self, asked: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|other| *other == asked).count()
    }
}

/// Hurried questions, to this machine as well.
pub(crate) fn hurried() -> Asking {
    let milliseconds = Duration::from_millis;
    Asking { own_network: true, pause: milliseconds(5), patience: milliseconds(500), limit: milliseconds(700), ..Asking::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_means_what_it_says() {
    let server = Server::start().await;
    let paths = ["/ok", "/no-head", "/gone", "/busy", "/later", "/down", "/members", "/moved", "/for-now", "/circle", "/away", "/closed", "/slow"];
    let targets = paths.iter().map(|path| format!("{}{path}", server.address)).collect();
    let answers = ask(&targets, &hurried()).await.unwrap();
    let answer = |path: &str| answers[&format!("{}{path}", server.address)].clone();
    for path in ["/ok", "/no-head", "/busy", "/for-now"] {
        assert_eq!(answer(path), Answer::Alive, "{path}");
    }
    assert_eq!(answer("/gone"), Answer::Dead("it answers 404 not found".to_owned()));
    assert_eq!(answer("/down"), Answer::Dead("it answers 503 service unavailable, each time it was asked".to_owned()));
    assert_eq!(answer("/moved"), Answer::Moved(format!("{}/here", server.address)));
    assert_eq!(answer("/later"), Answer::Undecided("it answers 429 too many requests".to_owned()));
    assert_eq!(answer("/members"), Answer::Undecided("it answers 403 forbidden".to_owned()));
    assert_eq!(answer("/circle"), Answer::Undecided("it redirects in circles".to_owned()));
    assert_eq!(answer("/away"), Answer::Undecided("it redirects to file:///etc/hosts, which is not asked".to_owned()));
    assert!(matches!(answer("/closed"), Answer::Unreached(why) if why.starts_with("it cannot be reached: ")));
    assert_eq!(answer("/slow"), Answer::Unreached("it does not answer in time".to_owned()));
    // One that answers is not asked twice; one that is down is, as often as we try; one that asks to wait for an hour is left alone.
    assert_eq!((server.count("HEAD /ok"), server.count("GET /ok")), (1, 0));
    assert_eq!((server.count("HEAD /no-head"), server.count("GET /no-head")), (1, 1));
    assert_eq!(server.count("GET /down"), 3);
    assert_eq!((server.count("HEAD /later"), server.count("GET /later")), (1, 0));
}

#[test]
fn no_machine_of_ours_or_of_nobody_is_asked() {
    for target in [
        "https://localhost/a",
        "http://127.0.0.1:5000/",
        "http://[::1]/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest",
        "https://example.com/x",
        "https://www.example.org/",
        "https://shop.test/",
        "http://intranet/",
        "mailto:a@b.org",
        "ftp://ftp.gnu.org/",
        "https://",
    ] {
        assert!(!is_askable(target, false), "{target}");
    }
    assert!(is_askable("https://flask.palletsprojects.com/en/stable/", false));
    assert!(is_askable("HTTPS://notexample.com/", false));
    assert!(is_askable("http://127.0.0.1:5000/", true));
}

#[test]
fn a_wait_is_seconds_or_a_date() {
    assert_eq!(waited(" 7 "), Some(Duration::from_secs(7)));
    assert_eq!(waited("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
    assert_eq!(waited("soon"), None);
}
