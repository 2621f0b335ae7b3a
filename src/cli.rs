//! The command line: one command a file. Only here and in `report::{terminal, progress}` is anything printed.

pub mod clean;
pub mod doctor;
pub mod env;
pub mod output;
pub mod spinner;

/// How Proctor ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Fine,
    /// Some lesson is broken, changed or incomplete, or pending in CI.
    Findings,
    /// The command line or a configuration file is wrong.
    Usage,
    /// No engine could run, or a lesson errored.
    Engine,
    /// Interrupted by the user.
    Interrupted,
}

impl Exit {
    /// The exit status of the process.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Engine => 3,
            Self::Interrupted => 130,
        }
    }
}
