//! The integration tests: one binary, a module a subject.

mod cli;
mod command;
mod engines;
mod images;
mod snapshots;
mod text;
