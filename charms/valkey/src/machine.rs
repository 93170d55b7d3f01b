//! The machine of this unit: programs, files, services. Everything below one
//! root, which is `/` but in tests.

mod command;
mod files;
mod package;
mod paths;
mod service;

pub use command::{Commands, MachineError};
pub use files::{ensure_absent, ensure_directory, ensure_file, random_text, read};
pub use package::{ensure_program, ensure_user, memory, version};
pub use paths::Paths;
pub use service::{Service, ensure_units, reload};
