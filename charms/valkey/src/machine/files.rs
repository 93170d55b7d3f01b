//! Files of the charm's and of its services.

use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use machine::MachineError;
use machine::files::{Owner, ensure_file_from, read_text};

pub use machine::files::ensure_all_absent as ensure_absent;

use super::command::Commands;

/// Letters and digits of a password: more than can be guessed.
const PASSWORD_LENGTH: usize = 40;

/// Who the services run as.
pub const USER: &str = "valkey";

/// The content of a file; none if there is no such file.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Result<Option<String>, MachineError> {
    read_text(path)
}

/// Makes a file have this content; returns whether it had to be changed. It is made in
/// `beside`, a directory of ours, given to `owner`, and only then put into its place.
///
/// # Errors
/// It cannot be written.
pub fn ensure_file(
    commands: Commands,
    beside: &Path,
    path: &Path,
    text: &str,
    mode: u32,
    owner: Option<&str>,
) -> Result<bool, MachineError> {
    let commands = commands.of_machine();
    let owner = owner.map_or(Owner::Charm, |user| Owner::User(&commands, user));
    ensure_file_from(beside, path, text.as_bytes(), mode, owner)
}

/// Makes a directory exist, with this mode and owner. The mode is set last, so that a
/// directory that has it has the owner as well.
///
/// # Errors
/// It cannot be made.
pub fn ensure_directory(
    commands: Commands,
    path: &Path,
    mode: u32,
    owner: Option<&str>,
) -> Result<(), MachineError> {
    let there = fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o777 == mode);
    if there {
        return Ok(());
    }
    fs::create_dir_all(path).map_err(MachineError::file("make", path))?;
    if let Some(user) = owner {
        Owner::User(&commands.of_machine(), user).take(path)?;
    }
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(MachineError::file("set the mode of", path))
}

/// Gives a directory and all in it to the user of the services.
///
/// # Errors
/// The system refuses.
pub fn give_all(commands: Commands, path: &Path) -> Result<(), MachineError> {
    let owner = format!("{USER}:{USER}");
    let path = path.display().to_string();
    commands.run("chown", &["-R", &owner, &path]).map(drop)
}

/// A new password: letters and digits, from the system's own source.
///
/// # Errors
/// The system has no source of randomness.
pub fn random_text() -> Result<String, MachineError> {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let path = "/dev/urandom";
    let mut text = String::new();
    let mut source = fs::File::open(path).map_err(MachineError::file("open", path))?;
    while text.len() < PASSWORD_LENGTH {
        let mut bytes = [0; 64];
        source
            .read_exact(&mut bytes)
            .map_err(MachineError::file("read", path))?;
        // A byte above is thrown away, so that no letter is likelier than another.
        let letters = bytes
            .iter()
            .filter(|byte| usize::from(**byte) < 4 * LETTERS.len());
        let letters = letters.map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
        text.extend(letters.take(PASSWORD_LENGTH - text.len()));
    }
    Ok(text)
}
