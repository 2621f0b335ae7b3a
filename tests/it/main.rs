//! The integration tests: one binary, a module a subject.

mod bad_input;
mod broken;
mod cli;
mod command;
mod engines;
mod images;
mod owner;
mod snapshots;
mod text;
