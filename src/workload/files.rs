//! Files and directories of etcd's and of the charm's own, whose errors are this
//! module's.

use std::path::Path;

pub use machine::files::{PRIVATE_DIR, PRIVATE_FILE, PUBLIC_DIR, PUBLIC_FILE};
use machine::{Commands, files};

use super::error::WorkloadError;

/// The user that etcd runs as.
pub(super) const USER: &str = "etcd";

/// Whom a file belongs to.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'a> {
    /// Whoever runs the charm, which is root.
    Charm,
    /// The user etcd.
    Etcd(&'a Commands),
    /// Who fetches files from a machine, where there is such a user.
    Operator(&'a Commands),
}

impl Owner<'_> {
    /// See [`files::Owner::take`].
    ///
    /// # Errors
    /// There is no such user, or the system refuses.
    pub(super) fn take(self, path: &Path) -> Result<(), WorkloadError> {
        Ok(files::Owner::from(self).take(path)?)
    }
}

impl<'a> From<Owner<'a>> for files::Owner<'a> {
    fn from(owner: Owner<'a>) -> Self {
        match owner {
            Owner::Charm => Self::Charm,
            Owner::Etcd(commands) => Self::User(commands, USER),
            Owner::Operator(commands) => Self::Operator(commands),
        }
    }
}

/// See [`files::ensure_dir`].
///
/// # Errors
/// The directory could not be made, or is no directory.
pub fn ensure_dir(path: &Path, mode: u32) -> Result<(), WorkloadError> {
    Ok(files::ensure_dir(path, mode)?)
}

/// See [`files::ensure_file`].
///
/// # Errors
/// The file could not be read or written.
pub fn ensure_file(
    path: &Path,
    content: &[u8],
    mode: u32,
    owner: Owner<'_>,
) -> Result<bool, WorkloadError> {
    Ok(files::ensure_file(path, content, mode, owner.into())?)
}

/// See [`files::write_atomically`].
///
/// # Errors
/// The file could not be written; the old one is untouched.
pub fn write_atomically(
    path: &Path,
    content: &[u8],
    mode: u32,
    owner: Owner<'_>,
) -> Result<(), WorkloadError> {
    Ok(files::write_atomically(path, content, mode, owner.into())?)
}

/// See [`files::ensure_absent`].
///
/// # Errors
/// The file is there and could not be removed.
pub fn ensure_absent(path: &Path) -> Result<(), WorkloadError> {
    Ok(files::ensure_absent(path)?)
}

/// See [`files::read`].
///
/// # Errors
/// The file is there and could not be read.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, WorkloadError> {
    Ok(files::read(path)?)
}

/// See [`files::read_text`].
///
/// # Errors
/// The file is there and could not be read, or is no UTF-8.
pub fn read_text(path: &Path) -> Result<Option<String>, WorkloadError> {
    Ok(files::read_text(path)?)
}

/// See [`files::sync_dir`].
///
/// # Errors
/// The directory could not be opened, or the disk refuses.
pub(super) fn sync_dir(dir: &Path) -> Result<(), WorkloadError> {
    Ok(files::sync_dir(dir)?)
}
