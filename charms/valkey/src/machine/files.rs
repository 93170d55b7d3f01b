//! Files, each written whole or not at all.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::command::{Commands, MachineError};

/// Letters and digits of a password: more than can be guessed.
const PASSWORD_LENGTH: usize = 40;

/// The content of a file; none if there is no such file.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Result<Option<String>, MachineError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(MachineError::file("read", path)(error)),
    }
}

/// Makes a file have this content; returns whether it was another. It is made
/// in `beside`, a directory of ours, with nobody else's eyes on it, given to
/// `owner`, and only then put into its place.
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
    if read(path)?.as_deref() == Some(text) {
        return Ok(false);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = beside.join(format!(".{name}.new"));
    let _ = fs::remove_file(&new);
    let write = || {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::set_permissions(&new, Permissions::from_mode(mode))
    };
    write().map_err(MachineError::file("write", &new))?;
    if let Some(owner) = owner {
        commands.run("chown", &[owner, &new.display().to_string()])?;
    }
    fs::rename(&new, path).map_err(MachineError::file("write", path))?;
    Ok(true)
}

/// Makes a directory exist, with this mode and owner.
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
    let failed = MachineError::file("make", path);
    fs::create_dir_all(path)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)))
        .map_err(failed)?;
    if let Some(owner) = owner {
        commands.run("chown", &[owner, &path.display().to_string()])?;
    }
    Ok(())
}

/// Makes a file or a whole directory not exist.
///
/// # Errors
/// It cannot be removed.
pub fn ensure_absent(path: &Path) -> Result<(), MachineError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(MachineError::file("remove", path)(error))
        }
        _ => Ok(()),
    }
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
