//! Proctor as a library: everything but the command line's `main`. `DESIGN` order, each module importing only from those above it:
//! source <- finding <- python <- guide <- lab <- engine <- outcome <- run <- report <- cli; `snapshot` knows `source` only.

pub mod source;

pub mod snapshot;

pub mod finding;

pub mod config;

pub mod python;

pub mod guide;

pub mod lab;

pub mod engine;

pub mod env;

pub mod outcome;

pub mod run;

pub mod report;

pub mod cli;
