//! The integration tests: one binary, a module a subject.

mod bad_input;
mod cli;
mod command;
mod engines;
mod images;
mod snapshots;
mod text;
