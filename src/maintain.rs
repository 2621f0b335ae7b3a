//! The maintainer's loop: which lessons went stale, since which release, and what to write instead; and a legacy guide as one that can be kept. Pure: it never runs, installs or prints anything.

pub mod baseline;
pub mod bisect;
pub mod claims;
pub mod fix;
pub mod import;
pub mod patch;
pub mod releases;
pub mod rewrite;
pub mod stale;
pub mod suspect;
pub mod upgrade;
