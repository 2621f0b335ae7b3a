//! The integration tests: one binary, a module a subject.

mod engines;
mod images;
mod snapshots;
mod text;
