//! An archive that somebody attached.
//!
//! `tar` reads the archive, and writes each program to its standard output,
//! into a file of ours. So no file is made by the archive's say: no link, no
//! path, no owner and no mode in it has an effect. The command and not a crate,
//! because `tar` and `gzip` are on every machine of the distributions that
//! charms run on, and because a decompressor that is fed foreign data is better
//! kept out of a process that holds keys. What else `tar` can decompress comes
//! for free.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::command::{Command, Commands};
use crate::error::{CommandError, MachineError};

/// How long one pass over an archive may take, which has some 25 MB and takes a second.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// Why an archive gives no program.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// More than one file in it could be the program.
    #[error("there are {count} files called {program} in {archive}")]
    Ambiguous {
        /// The archive.
        archive: PathBuf,
        /// What was looked for.
        program: String,
        /// How many there are.
        count: usize,
    },
    /// What is in it is no regular file, or has nothing in it.
    #[error("{member} in {archive} is a link, or empty")]
    Empty {
        /// The archive.
        archive: PathBuf,
        /// What was to be taken out of it.
        member: String,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// It is damaged, or no archive at all.
    #[error("failed to read the archive {archive}")]
    Unreadable {
        /// The archive.
        archive: PathBuf,
        /// What `tar` says.
        source: CommandError,
    },
}

/// An archive whose list of members was read.
#[derive(Debug)]
pub struct Archive<'a> {
    commands: &'a Commands,
    path: &'a Path,
    members: String,
}

impl<'a> Archive<'a> {
    /// Reads what is in an archive.
    ///
    /// # Errors
    /// `tar` cannot read it.
    pub fn open(commands: &'a Commands, path: &'a Path) -> Result<Self, ArchiveError> {
        let listed = tar(commands, path, "--list")
            .arg("--quoting-style=literal")
            .run()
            .map_err(unreadable(path))?;
        Ok(Self {
            commands,
            path,
            members: listed.stdout,
        })
    }

    /// The member that is this program, at the top or in directories; the path of one
    /// has at most so many parts. None if there is no such member.
    ///
    /// # Errors
    /// There is more than one.
    pub fn program(&self, program: &str, parts: usize) -> Result<Option<&str>, ArchiveError> {
        let mut found = self.members.lines();
        let mut found = found
            .by_ref()
            .filter(|name| is_program(name, program, parts));
        let first = found.next();
        match found.count() {
            0 => Ok(first),
            more => Err(ArchiveError::Ambiguous {
                archive: self.path.to_owned(),
                program: program.to_owned(),
                count: more + 1,
            }),
        }
    }

    /// Writes a member to a new file, and makes that a program which everybody may run
    /// and which outlives a power failure.
    ///
    /// # Errors
    /// The file is there already or cannot be written, `tar` fails, or the member is no
    /// regular file.
    pub fn extract(&self, member: &str, to: &Path) -> Result<(), ArchiveError> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to)
            .map_err(MachineError::file("create", to))?;
        tar(self.commands, self.path, "--extract")
            .args(["--to-stdout", "--", member])
            .run_into(file)
            .map_err(unreadable(self.path))?;
        let file = File::open(to).map_err(MachineError::file("read", to))?;
        let metadata = file.metadata().map_err(MachineError::file("read", to))?;
        // `tar` writes nothing for what is no regular file.
        if metadata.len() == 0 {
            return Err(ArchiveError::Empty {
                archive: self.path.to_owned(),
                member: member.to_owned(),
            });
        }
        file.set_permissions(Permissions::from_mode(0o755))
            .and_then(|()| file.sync_all())
            .map_err(MachineError::file("make a program of", to))?;
        Ok(())
    }
}

/// The SHA-256 of a file, 64 hexadecimal digits.
///
/// # Errors
/// The file could not be read.
pub fn sha256(path: &Path) -> Result<String, MachineError> {
    let mut file = File::open(path).map_err(MachineError::file("read", path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => hash.update(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(MachineError::file("read", path)(error)),
        }
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

fn tar(commands: &Commands, archive: &Path, verb: &str) -> Command {
    commands
        .command("tar")
        // An operator's defaults would come first on the command line.
        .without_env("TAR_OPTIONS")
        // A colon in the name would make it a file on another machine.
        .args([verb, "--force-local", "--file"])
        .arg(archive)
        .within(LIMIT)
}

fn unreadable(archive: &Path) -> impl FnOnce(CommandError) -> ArchiveError {
    let archive = archive.to_owned();
    move |source| ArchiveError::Unreadable { archive, source }
}

/// Whether a member is the program itself.
fn is_program(member: &str, program: &str, parts: usize) -> bool {
    let mut depth = 0;
    for part in Path::new(member).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(_) => depth += 1,
            Component::ParentDir | Component::Prefix(_) | Component::RootDir => return false,
        }
    }
    let last = member.rsplit('/').next();
    (1..=parts).contains(&depth) && last == Some(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_where_releases_have_it() {
        for member in [
            "server",
            "./server",
            "bin/server",
            "server-1.2-jammy/bin/server",
        ] {
            assert!(is_program(member, "server", 3), "{member}");
        }
        for member in [
            "/usr/bin/server",
            "../server",
            "a/b/c/server",
            "bin/server/",
            "bin/my-server",
            "",
        ] {
            assert!(!is_program(member, "server", 3), "{member}");
        }
        assert!(!is_program("server-1.2/bin/server", "server", 2));
    }
}
