//! The integration tests: one binary, a module a subject.

mod architecture;
mod bad_input;
mod broken;
mod claims;
mod cli;
mod command;
mod engines;
mod hostile;
mod images;
mod interrupt;
mod owner;
mod services;
mod snapshots;
mod text;
mod verdict;
mod verdicts;
mod watch;
