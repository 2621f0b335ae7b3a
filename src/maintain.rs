//! The maintainer's loop: what keeps a course alive once it has been checked. Pure parts of it: `Outcomes --maintain--> what to do`. Never sees a report or the
//! command line.

pub mod baseline;
pub mod claims;
