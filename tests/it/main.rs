//! The integration tests: one binary, a module a subject.

mod cli;
mod command;
mod engines;
mod images;
mod services;
mod snapshots;
mod text;
