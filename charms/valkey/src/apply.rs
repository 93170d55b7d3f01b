//! Carries out what was planned, with no choice left.

pub mod access;
pub mod cluster;
pub mod leave;
pub mod machine;
pub mod own;
pub mod restart;
pub mod users;
