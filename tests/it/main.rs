//! The integration tests: one binary, a module a subject.

mod engines;
mod snapshots;
mod text;
