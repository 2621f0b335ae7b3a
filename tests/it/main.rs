//! The integration tests: one binary, a module a subject.

mod architecture;
mod bad_input;
mod baseline;
mod bisect;
mod broken;
mod cache;
mod claims;
mod claims_update;
mod cli;
mod command;
mod engines;
mod faults;
mod hostile;
mod images;
mod interrupt;
mod owner;
mod parts;
mod scale;
mod services;
mod shown;
mod snapshots;
mod text;
mod truths;
mod verdicts;
mod watch;
