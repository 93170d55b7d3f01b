//! One machine of the model: the few commands of a host that a machine charm calls, as stand-ins, so that a unit runs
//! its server as a plain process below a test's directory.
//!
//! The stand-ins are links to [the program](crate::tool_program) that hook tools are links to. They forward their
//! arguments to the [`Machine`] through a socket and print the answer.
//!
//! What `systemctl` does is read from unit files below the machine's root, in the way of systemd 252: one job per unit,
//! readiness, restarts, start limits, unit files that are kept in mind until `daemon-reload`. Paths in unit files are
//! used as they stand. Users, limits and sandboxing are ignored, since the tests need no privileges.

mod answer;
mod commands;
mod host;
mod package;
mod paths;
mod service;
mod stand_in;
mod supervisor;
mod unit;
mod unit_files;
mod unit_text;
mod words;

pub use host::Machine;
pub use package::Package;
pub use rustix::process::Signal;
pub use service::{Active, ServiceState};
pub(crate) use stand_in::run_as_command;
