//! The machine that a charm runs on: files, commands, services of systemd, packages
//! of the distribution, and programs from archives that operators attach.
//!
//! What is here is told what to do, does it, and finds "already there" and "already
//! gone" to be success: a hook that was killed is made good by the next one. Whatever
//! runs a command is handed [`Commands`], so that a signature tells; tests hand over
//! ones that find stand-ins.

mod archive;
mod command;
mod error;
pub mod files;
pub mod hardening;
mod packages;
mod programs;
mod service;
#[cfg(test)]
mod testing;
mod user;

pub use archive::{Archive, ArchiveError, sha256};
pub use command::{Command, Commands, Outcome};
pub use error::{CommandError, MachineError};
pub use packages::install;
pub use programs::Programs;
pub use service::{Service, Started, State, daemon_reload};
pub use user::ensure_user;
