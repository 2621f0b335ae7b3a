//! Engines: they run one revision in a sealed Python process and hand back records. The only arrow of the design that touches the outside world.
//!
//! `Job --engine::run--> Run | EngineError`. What goes wrong in the *course's* code is in the records; an [`EngineError`] is ours.

pub mod docker;
pub mod protocol;

pub use protocol::{Ending, Job, Record, Run};

/// Why an engine could not run a job, or not be started at all. Each message is in lower case and ends with what to do next.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No engine of the asked kind answers.
    #[error("{0}")]
    Unavailable(String),
    /// The environment could not be built or found.
    #[error("{0}")]
    Environment(String),
    /// A worker ended or answered nonsense in the middle of a job, twice.
    #[error("the worker died: {0}")]
    WorkerDied(String),
    /// Reading or writing failed on our side.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, in lower case.
        doing: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
}
