//! Servers that a page plainly needs: told by what refuses its connections on the usual port of this machine, never by words alone. Pure.

use std::collections::BTreeSet;

use crate::engine::protocol::{Raised, Run, Verdict};
use crate::guide::Lesson;
use crate::lab::Revision;
use crate::outcome::classify::frame_location;
use crate::outcome::steps::by_step;
use crate::source::Span;

/// A server that a page needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Its name, as `services` of a `lab.toml` has it.
    pub service: String,
    /// Where the page first needs it.
    pub span: Span,
    /// Why it cannot be had; `None` where it was started.
    pub why: Option<String>,
}

/// Servers by their names: what a report calls each, its usual port, and the variable that says where it is.
const KNOWN: &[(&str, &str, &str, &str)] = &[("redis", "a Redis server", "6379", "REDIS_URL"), ("postgresql", "a PostgreSQL server", "5432", "PGHOST")];

/// What a report calls a server.
pub(crate) fn described(service: &str) -> &'static str {
    KNOWN.iter().find(|known| known.0 == service).map_or("a server", |known| known.1)
}

/// The servers that refuse what a run asks of them, each at its first place, and that the revision does not have.
#[must_use]
pub fn refusing(lesson: &Lesson, revision: &Revision, run: &Run) -> Vec<(String, Span)> {
    let mut found: Vec<(String, Span)> = Vec::new();
    let mut known: BTreeSet<&str> = revision.job.services.iter().map(String::as_str).collect();
    for (id, step) in by_step(revision, run) {
        let shown: String = step.output.iter().filter(|_| step.verdict == Some(Verdict::Failed)).map(|(_, text, _)| text.as_str()).collect();
        let raised = step.raised.iter().filter_map(|raised| Some((refused_by(raised)?, frame_location(&raised.frames, lesson, None).map(|place| place.span))));
        for (service, place) in raised.chain(refused_in(&shown).map(|service| (service, None))) {
            let own = revision.origins.get(&id).and_then(|origin| origin.span);
            let block = revision.blocks.first().map(|&block| lesson.blocks[block].span());
            if known.insert(service) {
                found.push((service.to_owned(), place.or(own).or(block).unwrap_or(lesson.span)));
            }
        }
    }
    found
}

/// The server that an exception, or one that it comes from, says refuses connections.
pub(crate) fn refused_by(raised: &Raised) -> Option<&'static str> {
    std::iter::successors(Some(raised), |raised| raised.cause.as_deref()).find_map(|raised| {
        let unset = || {
            let from_os = raised.class == "KeyError" && raised.frames.last().is_some_and(|frame| frame.module == "os");
            KNOWN.iter().find(|known| from_os && raised.message.trim_matches('\'') == known.3).map(|known| known.0)
        };
        refused_in(&raised.message).or_else(unset)
    })
}

/// The server that a text says refuses connections.
pub(crate) fn refused_in(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    if text.contains(".s.pgsql.5432") && text.contains("no such file") {
        return Some("postgresql");
    }
    // A machine without IPv6 has no `::1` to ask, and that is what is said last.
    let refused = ["connection refused", "actively refused", "cannot assign requested address"].iter().any(|sign| text.contains(sign));
    let here = ["localhost", "127.0.0.1", "::1"].iter().any(|host| text.contains(host));
    let at = |port: &str| text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == port);
    KNOWN.iter().find(|known| refused && here && at(known.2)).map(|known| known.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_told_by_what_refuses_connections() {
        for (text, service) in [
            ("Error 111 connecting to localhost:6379. Connection refused.", Some("redis")),
            ("Error 99 connecting to localhost:6379. Cannot assign requested address.", Some("redis")),
            ("Could not connect to Redis at 127.0.0.1:6379: Connection refused", Some("redis")),
            ("connection failed: connection to server at \"127.0.0.1\", port 5432 failed: Connection refused\n\tIs the server running?", Some("postgresql")),
            ("connection to server on socket \"/var/run/postgresql/.s.PGSQL.5432\" failed: No such file or directory", Some("postgresql")),
            // Another port, another machine, another failure.
            ("Error 111 connecting to localhost:16379. Connection refused.", None),
            ("Error 111 connecting to cache.example.org:6379. Connection refused.", None),
            ("Error -2 connecting to redis:6379. Name or service not known.", None),
            ("redis://localhost:6379 is where it is", None),
        ] {
            assert_eq!(refused_in(text), service, "{text}");
        }
    }
}
