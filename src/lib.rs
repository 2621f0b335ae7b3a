//! Proctor as a library: everything but the command line's `main`. Each module imports only from those above it (tests/it/architecture.rs):
//! source <- finding <- python <- moves <- guide <- lab <- outcome <- run <- maintain <- report <- cli. `snapshot` knows `source` only; `engine` knows no course at all, and of it
//! `lab` and `outcome` know nothing but `engine::protocol`, which is pure data; `report` never sees an engine.

pub mod source;

pub mod snapshot;

pub mod finding;

pub mod config;

pub mod python;

pub mod moves;

pub mod guide;

pub mod engine;

pub mod lab;

pub mod env;

pub mod outcome;

pub mod run;

pub mod maintain;

pub mod selftest;

pub mod report;

pub mod cli;
