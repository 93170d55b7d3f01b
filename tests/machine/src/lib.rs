//! One pretend machine: the few host commands that a machine charm calls, as stand-ins, so that a unit of the charm can
//! run etcd as a plain process below a test directory.
//!
//! A stand-in is a link to the test program itself, named `systemctl`, `apt-get` and so on. Started by such a name, the
//! program calls [`run_as_stand_in`], which forwards its arguments to the [`Machine`] through a socket and prints the
//! answer. So a test program has a `main` of its own:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     if let Some(code) = simulated_machine::run_as_stand_in() {
//!         return code;
//!     }
//!     // … the tests, which start the charm with `Machine::path_dir` in PATH and `Machine::environment`.
//!     std::process::ExitCode::SUCCESS
//! }
//! ```
//!
//! What `systemctl` does is read from unit files below the machine's root, in the way of systemd 252: jobs per unit,
//! readiness, restarts, start limits, unit files that are kept in mind until `daemon-reload`. Paths in unit files are
//! used as they stand. Users, limits and sandboxing are ignored, since the tests need no privileges.

mod commands;
mod machine;
mod options;
mod paths;
mod service;
mod stand_in;
mod supervisor;
mod unit;
mod unit_files;
mod unit_text;
mod wire;
mod words;

pub use machine::Machine;
pub use options::{Apt, MachineOptions};
pub use rustix::process::Signal;
pub use service::{Active, ServiceState};
pub use stand_in::run_as_stand_in;
