//! The machine of this unit: programs, files, services. Everything below one
//! root, which is `/` but in tests. What any charm's machine has is the crate `machine`.

mod command;
mod files;
mod package;
mod paths;
mod service;

pub use command::Commands;
pub use files::{USER, ensure_absent, ensure_directory, ensure_file, give_all, random_text, read};
pub use machine::MachineError;
pub use package::{ensure_program, ensure_user, memory, version};
pub use paths::Paths;
pub use service::{Service, ensure_units, reload};
