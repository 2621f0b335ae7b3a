//! The maintainer's loop: which lessons went stale, since which release, and what to write instead. Pure: it never runs, installs or prints anything.

pub mod bisect;
pub mod fix;
pub mod patch;
pub mod releases;
pub mod rewrite;
pub mod stale;
pub mod suspect;
