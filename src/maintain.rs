//! The maintainer's loop: what keeps a course alive between two checks. Knows how lessons are run and judged; it prints nothing, and reports know nothing of it.

pub mod import;
