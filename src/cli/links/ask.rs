//! Asks the web whether links still lead somewhere: HEAD, then GET, a few at a time of each host. It sends nothing but the request, and never asks a machine of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use reqwest::header::{LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, Url};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

/// How many redirects are followed.
const HOPS: usize = 10;
/// What servers answer to whom they take for a robot, or for a stranger: nothing is known then.
const CLOSED: &[u16] = &[401, 402, 403, 405, 406, 407, 408, 418, 425, 429, 451, 999];

/// How to ask.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    /// Ask machines of this machine's own network as well: for a server on loopback.
    pub(super) own_network: bool,
    /// How many requests are under way, of one host and of all.
    pub(super) at_once: (usize, usize),
    /// How often a host is asked that does not answer, or asks to wait.
    pub(super) tries: u32,
    /// How long to wait before the second time; twice as long before each further one.
    pub(super) pause: Duration,
    /// The longest wait that a host may ask for.
    pub(super) patience: Duration,
    /// How long one answer may take.
    pub(super) limit: Duration,
}

impl Default for Asking {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { own_network: false, at_once: (2, 16), tries: 3, pause: seconds(1), patience: seconds(20), limit: seconds(15) }
    }
}

/// What was heard of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Answer {
    /// It leads somewhere.
    Alive,
    /// It leads somewhere, and has moved there for good.
    Moved(String),
    /// It leads nowhere, and why.
    Dead(String),
    /// The host answers, but does not say.
    Undecided(String),
    /// The host does not answer, and why.
    Unreached(String),
}

/// Whether a link is one to ask about: on the web, and not on a machine of ours or of nobody.
pub(super) fn is_askable(target: &str, own_network: bool) -> bool {
    let Ok(url) = Url::parse(target) else { return false };
    let Some(host) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else { return false };
    if own_network {
        return true;
    }
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>() {
        return match address {
            std::net::IpAddr::V4(address) => {
                !(address.is_loopback()
                    || address.is_private()
                    || address.is_link_local()
                    || address.is_unspecified()
                    || address.is_documentation()
                    || address.is_broadcast())
            }
            std::net::IpAddr::V6(address) => {
                !(address.is_loopback() || address.is_unspecified() || address.is_unique_local() || address.is_unicast_link_local())
            }
        };
    }
    const NOBODY: &[&str] = &["example", "test", "invalid", "localhost", "local", "internal", "lan", "home", "example.com", "example.net", "example.org"];
    host.contains('.') && !NOBODY.iter().any(|name| host == *name || host.strip_suffix(name).is_some_and(|before| before.ends_with('.')))
}

/// Ask about every link. Each answer is for the link as it was given.
pub(super) async fn ask(targets: &BTreeSet<String>, how: &Asking) -> Result<BTreeMap<String, Answer>, String> {
    let mut client = Client::builder().redirect(Policy::none()).timeout(how.limit).user_agent(concat!(
        "proctor/",
        env!("CARGO_PKG_VERSION"),
        " (looks whether links lead somewhere)"
    ));
    if how.own_network {
        client = client.no_proxy();
    }
    let client = client.build().map_err(|error| format!("links cannot be asked about: {error}"))?;
    let hosts: BTreeSet<String> = targets.iter().map(|target| host(target)).collect();
    let hosts: BTreeMap<String, Arc<Semaphore>> = hosts.into_iter().map(|host| (host, Arc::new(Semaphore::new(how.at_once.0.max(1))))).collect();
    let asked = targets.iter().cloned().map(|target| {
        let (client, turn, how) = (client.clone(), hosts.get(&host(&target)).cloned(), how.clone());
        async move {
            let _turn = match &turn {
                Some(turn) => turn.acquire().await.ok(),
                None => None,
            };
            let answer = one(&client, &target, &how).await;
            (target, answer)
        }
    });
    Ok(stream::iter(asked).buffer_unordered(how.at_once.1.max(1)).collect::<Vec<_>>().await.into_iter().collect())
}

fn host(target: &str) -> String {
    Url::parse(target).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// What one request came to.
enum Heard {
    /// A last answer, where it is, and whether every redirect to it is for good.
    Status(StatusCode, Option<Duration>, Url, bool),
    /// It is redirected to where we do not ask, or in circles.
    Astray(String),
    /// No answer.
    Nothing(String),
}

async fn one(client: &Client, target: &str, how: &Asking) -> Answer {
    let Ok(mut url) = Url::parse(target) else { return Answer::Undecided("it is no address".to_owned()) };
    url.set_fragment(None);
    let mut last = Answer::Undecided("it was not asked".to_owned());
    for attempt in 0..how.tries.max(1) {
        let mut heard = request(client, Method::HEAD, &url, how).await;
        // Many servers know no HEAD, or answer it otherwise.
        if !matches!(&heard, Heard::Status(status, ..) if status.is_success() || status.as_u16() == 429) {
            heard = request(client, Method::GET, &url, how).await;
        }
        let (answer, wait) = judged(heard, &url, how);
        let Some(wait) = wait.filter(|_| attempt + 1 < how.tries) else { return answer };
        if wait > how.patience {
            return answer;
        }
        last = answer;
        tokio::time::sleep(wait.max(how.pause * 2_u32.pow(attempt.min(10)))).await;
    }
    last
}

/// What an answer means, and how long to wait where asking again may help.
fn judged(heard: Heard, url: &Url, how: &Asking) -> (Answer, Option<Duration>) {
    match heard {
        Heard::Astray(why) => (Answer::Undecided(why), None),
        Heard::Nothing(why) => (Answer::Unreached(why), Some(how.pause)),
        Heard::Status(status, wait, found, for_good) => {
            let said = format!("it answers {}", shown(status));
            match status.as_u16() {
                200..=299 if for_good && found != *url => (Answer::Moved(found.into()), None),
                200..=299 => (Answer::Alive, None),
                429 => (Answer::Undecided(said), Some(wait.unwrap_or(how.pause))),
                code if CLOSED.contains(&code) => (Answer::Undecided(said), None),
                500 | 502..=504 => (Answer::Dead(format!("{said}, each time it was asked")), Some(wait.unwrap_or(how.pause))),
                _ => (Answer::Dead(said), None),
            }
        }
    }
}

fn shown(status: StatusCode) -> String {
    status.canonical_reason().map_or_else(|| status.as_str().to_owned(), |reason| format!("{} {}", status.as_str(), reason.to_lowercase()))
}

async fn request(client: &Client, method: Method, url: &Url, how: &Asking) -> Heard {
    let (mut at, mut for_good) = (url.clone(), true);
    for _ in 0..=HOPS {
        let response = match client.request(method.clone(), at.clone()).send().await {
            Ok(response) => response,
            Err(error) => return Heard::Nothing(reason(&error)),
        };
        let status = response.status();
        let next = response.headers().get(LOCATION).and_then(|next| next.to_str().ok()).filter(|_| status.is_redirection());
        let Some(next) = next.and_then(|next| at.join(next).ok()) else {
            let wait = response.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()).and_then(waited);
            return Heard::Status(status, wait, at, for_good);
        };
        if !is_askable(next.as_str(), how.own_network) {
            return Heard::Astray(format!("it redirects to {next}, which is not asked"));
        }
        for_good &= matches!(status.as_u16(), 301 | 308);
        at = next;
    }
    Heard::Astray("it redirects in circles".to_owned())
}

/// How long `Retry-After` says to wait: seconds, or a date.
fn waited(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
    let seconds = until.as_second() - jiff::Timestamp::now().as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// Why there was no answer, in the words of the innermost cause.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it does not answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    format!("it cannot be reached: {}", cause.to_string().to_lowercase())
}

#[cfg(test)]
pub(super) mod tests;
