//! The integration tests: one binary, a module a subject.

mod architecture;
mod bad_input;
mod bisect;
mod broken;
mod cache;
mod claims;
mod cli;
mod command;
mod engines;
mod faults;
mod hostile;
mod images;
mod interrupt;
mod locks;
mod matrix;
mod owner;
mod scale;
mod services;
mod shown;
mod snapshots;
mod text;
mod truths;
mod verdicts;
mod watch;
