//! The machine against itself: stand-ins that are this program, services that are small programs.

pub(crate) mod bench;
pub(crate) mod lifetime;
pub(crate) mod packages;
pub(crate) mod readiness;
pub(crate) mod services;
pub(crate) mod surroundings;
pub(crate) mod systemctl;
