//! One integration binary: what Proctor does as a whole, part by part.

mod text;
