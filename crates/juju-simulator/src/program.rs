//! The program that hook tools and the commands of a machine are links to.

use std::io;
use std::path::{Path, PathBuf};

/// What the build script made; empty where it could not.
const BUILT: &str = env!("JUJU_SIMULATOR_TOOL");

/// The program that hook tools and the commands of a [machine](crate::machine::Machine) are links to: a small one that
/// was built with this crate, or where there is none any more, this executable, which then calls
/// [`run_as_tool`](crate::run_as_tool) first thing in `main`.
///
/// # Errors
/// Fails if there is no such program and this executable cannot be found.
pub fn tool_program() -> io::Result<PathBuf> {
    let built = Path::new(BUILT);
    match built.is_file() {
        true => Ok(built.to_path_buf()),
        false => std::env::current_exe(),
    }
}
