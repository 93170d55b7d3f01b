//! Decisions about access, one by one.
