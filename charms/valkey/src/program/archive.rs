//! The program from an archive as Valkey releases it. The server is the only one that
//! is needed, since it is the sentinel as well.

use std::path::{Path, PathBuf};

use machine::{Archive, CommandError, Programs};
use thiserror::Error;

use crate::machine::{Commands, MachineError, Paths, version};

const PROGRAM: &str = "valkey-server";

/// The program lies at the top of an archive, in one directory, or in its `bin`.
const PARTS: usize = 3;

/// Why an archive gives no program.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// It is not there once.
    #[error("it has {0} files called {PROGRAM}, and not one")]
    Count(usize),
    /// The machine did not do it.
    #[error("failed to unpack it")]
    Machine(#[from] MachineError),
    /// The data would not be understood.
    #[error("it has {new}, and the data are of {installed}")]
    Older {
        /// The release of the archive.
        new: String,
        /// The release that is here.
        installed: String,
    },
    /// The program does not run on this machine.
    #[error("its {PROGRAM} does not run here, on {}", std::env::consts::ARCH)]
    Program(#[source] MachineError),
    /// `tar` cannot read it.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

impl From<machine::ArchiveError> for ArchiveError {
    fn from(error: machine::ArchiveError) -> Self {
        match error {
            machine::ArchiveError::Ambiguous { count, .. } => Self::Count(count),
            machine::ArchiveError::Empty { .. } => {
                Self::Unreadable(format!("its {PROGRAM} is a link, or empty"))
            }
            machine::ArchiveError::Machine(error) => Self::Machine(error),
            machine::ArchiveError::Unreadable { source, .. } => {
                Self::Unreadable(first_line(source))
            }
        }
    }
}

fn first_line(error: CommandError) -> String {
    match error {
        CommandError::Failed { stderr, .. } => {
            let line = stderr.lines().next().unwrap_or("tar says nothing");
            line.to_owned()
        }
        CommandError::Hung { .. } => "tar does not end".to_owned(),
        CommandError::Start { source, .. } => format!("tar cannot be started: {source}"),
    }
}

/// The place of unpacked programs.
fn place(paths: &Paths) -> Programs {
    Programs::below(paths.base().join("programs"))
}

/// The program of the archive that is in use; none if the distribution's is.
pub(super) fn current(paths: &Paths) -> Option<PathBuf> {
    let directory = place(paths).current().ok()??;
    Some(directory.join(PROGRAM)).filter(|path| path.is_file())
}

/// Unpacks the program of an archive, unless it is there already. It has its name
/// only when it is complete and was seen to run.
pub(super) fn ensure_unpacked(
    commands: Commands,
    archive: &Path,
    paths: &Paths,
) -> Result<PathBuf, ArchiveError> {
    let directory = place(paths).ensure(archive, PROGRAM, |into| {
        let new = into.join(PROGRAM);
        let own = machine::Commands::new();
        let archive = Archive::open(&own, archive)?;
        let member = archive.program(PROGRAM, PARTS)?;
        archive.extract(member.ok_or(ArchiveError::Count(0))?, &new)?;
        version(commands, &new)
            .map(drop)
            .map_err(ArchiveError::Program)
    })?;
    Ok(directory.join(PROGRAM))
}

/// Lets this program be the one in use, or that of the distribution.
pub(super) fn make_current(paths: &Paths, program: Option<&Path>) -> Result<(), ArchiveError> {
    match program.and_then(Path::parent) {
        Some(directory) => place(paths).make_current(directory)?,
        None => place(paths).ensure_none_current()?,
    }
    Ok(())
}

/// Removes all programs but the one that runs.
///
/// # Errors
/// One cannot be removed.
pub fn remove_other_programs(paths: &Paths, running: &Path) -> Result<(), MachineError> {
    place(paths).remove_all_but(running.parent())
}
