//! Programs from archives: a directory for each archive, and a link to the one that is
//! in use.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::archive::sha256;
use crate::error::MachineError;
use crate::files::{PUBLIC_DIR, ensure_absent, ensure_all_absent, ensure_dir, sync_dir};

/// Enough digits of the SHA-256 to tell an operator's archives apart.
const SHOWN_DIGITS: usize = 12;

/// The prefix of directories that are not complete yet.
const UNFINISHED: &str = ".unpacking-";

/// The place of the programs of one unit.
#[derive(Clone, Debug)]
pub struct Programs(PathBuf);

impl Programs {
    /// The programs that lie in this directory, which need not exist.
    pub fn below(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    /// The link to the directory of the programs in use.
    fn link(&self) -> PathBuf {
        self.0.join("current")
    }

    /// The directory of the programs in use; none if none of an archive's are.
    ///
    /// # Errors
    /// The link to it cannot be read.
    pub fn current(&self) -> Result<Option<PathBuf>, MachineError> {
        let link = self.link();
        match fs::read_link(&link) {
            Ok(name) => Ok(Some(self.0.join(name))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(MachineError::file("read", link)(error)),
        }
    }

    /// Makes the programs of an archive be there, and returns their directory. They are
    /// unpacked by `unpack`, into a directory that has its name only once that has
    /// succeeded. It is not done again while `program` is in it.
    ///
    /// # Errors
    /// What `unpack` says, or a file cannot be read or written.
    pub fn ensure<E: From<MachineError>>(
        &self,
        archive: &Path,
        program: &str,
        unpack: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<PathBuf, E> {
        let digest = sha256(archive)?;
        let name = &digest[..SHOWN_DIGITS];
        let programs = self.0.join(name);
        if programs.join(program).is_file() {
            return Ok(programs);
        }
        let unfinished = self.0.join(format!("{UNFINISHED}{name}"));
        ensure_all_absent(&unfinished)?;
        ensure_dir(&unfinished, PUBLIC_DIR)?;
        if let Err(error) = unpack(&unfinished) {
            // The reason is worth more than the space; the next try removes it.
            let _ = fs::remove_dir_all(&unfinished);
            return Err(error);
        }
        sync_dir(&unfinished)?;
        ensure_all_absent(&programs)?;
        fs::rename(&unfinished, &programs).map_err(MachineError::file("make", &programs))?;
        Ok(programs)
    }

    /// Makes the programs in this directory the ones in use.
    ///
    /// # Errors
    /// The link to them cannot be changed.
    pub fn make_current(&self, programs: &Path) -> Result<(), MachineError> {
        let name = Path::new(programs.file_name().unwrap_or_default());
        let current = self.link();
        if fs::read_link(&current).is_ok_and(|target| target == name) {
            return Ok(());
        }
        // A link cannot be changed, but another can take its name in one step.
        let new = self.0.join(".current.new");
        ensure_absent(&new)?;
        symlink(name, &new).map_err(MachineError::file("make link", &new))?;
        fs::rename(&new, &current).map_err(MachineError::file("replace", &current))?;
        sync_dir(&self.0)
    }

    /// Makes no programs of an archive be in use.
    ///
    /// # Errors
    /// The link to them cannot be removed.
    pub fn ensure_none_current(&self) -> Result<(), MachineError> {
        ensure_absent(&self.link())
    }

    /// Removes every directory of programs but this one. To be called when the
    /// service runs the programs that are kept, and not before.
    ///
    /// # Errors
    /// One could not be removed.
    pub fn remove_all_but(&self, keep: Option<&Path>) -> Result<(), MachineError> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            result => result.map_err(MachineError::file("list", &self.0))?,
        };
        for entry in entries {
            let entry = entry.map_err(MachineError::file("list", &self.0))?;
            let kind = entry
                .file_type()
                .map_err(MachineError::file("read", entry.path()))?;
            // The link `current` is no directory.
            if kind.is_dir() && Some(entry.path().as_path()) != keep {
                ensure_all_absent(&entry.path())?;
            }
        }
        Ok(())
    }
}
