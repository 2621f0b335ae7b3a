//! The maintainer's loop: which lessons went stale, since which release, and what to write instead. Pure: it never runs, installs or prints anything.

pub mod baseline;
pub mod bisect;
pub mod claims;
pub mod releases;
pub mod suspect;
