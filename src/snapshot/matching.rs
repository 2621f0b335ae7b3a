//! What differs from run to run and means nothing, replaced by a name. `String -> String`, pure.
