//! What moves make of pages, format by format.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]
