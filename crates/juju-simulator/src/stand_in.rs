//! A program of its own, which `build.rs` compiles: a hook tool, or a command of a machine, by the name it is started as.
//!
//! A hook starts dozens of them, so it is small, linked to no library, and starts in a fraction of the time that a test
//! program takes.

mod client;
#[path = "machine/stand_in.rs"]
mod command;
mod names;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    client::run_as_hook_tool()
        .or_else(command::run_as_command)
        .unwrap_or(ExitCode::FAILURE)
}
