//! The program from an archive as Valkey releases it.
//!
//! `tar` reads the archive and writes the program to its standard output, into a
//! file of ours: no link, path, owner or mode in it has an effect. The server is
//! the only one that is needed, since it is the sentinel as well.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::machine::{Commands, MachineError, Paths, ensure_absent, version};

const PROGRAM: &str = "valkey-server";

/// An archive has some megabytes.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// Enough digits of the SHA-256 to tell an operator's archives apart.
const SHOWN_DIGITS: usize = 12;

/// Why an archive gives no program.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// It is not there once.
    #[error("it has {0} files called {PROGRAM}, and not one")]
    Count(usize),
    /// A file cannot be read or written.
    #[error("failed to {0} {1}")]
    File(&'static str, PathBuf, #[source] io::Error),
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

/// The directory of unpacked programs.
fn place(paths: &Paths) -> PathBuf {
    paths.base().join("programs")
}

/// The program of the archive that is in use; none if the distribution's is.
pub(super) fn current(paths: &Paths) -> Option<PathBuf> {
    let name = fs::read_link(place(paths).join("current")).ok()?;
    Some(place(paths).join(name).join(PROGRAM)).filter(|path| path.is_file())
}

/// Unpacks the program of an archive, unless it is there already. It has its name
/// only when it is complete and was seen to run.
pub(super) fn ensure_unpacked(
    commands: Commands,
    archive: &Path,
    paths: &Paths,
) -> Result<PathBuf, ArchiveError> {
    let digest = digest(archive).map_err(of_file("read", archive))?;
    let directory = place(paths).join(&digest[..SHOWN_DIGITS]);
    let program = directory.join(PROGRAM);
    if program.is_file() {
        return Ok(program);
    }
    let unfinished = place(paths).join(".unpacking");
    ensure_absent(&unfinished)?;
    fs::create_dir_all(&unfinished).map_err(of_file("make", &unfinished))?;
    let member = member(archive)?;
    let new = unfinished.join(PROGRAM);
    extract(archive, &member, &new)?;
    version(commands, &new).map_err(ArchiveError::Program)?;
    ensure_absent(&directory)?;
    fs::rename(&unfinished, &directory).map_err(of_file("make", &directory))?;
    Ok(program)
}

/// Lets this program be the one in use, or that of the distribution.
pub(super) fn make_current(paths: &Paths, program: Option<&Path>) -> Result<(), ArchiveError> {
    let link = place(paths).join("current");
    let directory = program.and_then(Path::parent).and_then(Path::file_name);
    let Some(name) = directory else {
        return Ok(ensure_absent(&link)?);
    };
    if fs::read_link(&link).is_ok_and(|target| target == Path::new(name)) {
        return Ok(());
    }
    // A link cannot be changed, but another can take its name in one step.
    let new = place(paths).join(".current");
    ensure_absent(&new)?;
    symlink(name, &new).map_err(of_file("make", &new))?;
    fs::rename(&new, &link).map_err(of_file("replace", &link))
}

/// Removes all programs but the one that runs.
///
/// # Errors
/// One cannot be removed.
pub fn remove_other_programs(paths: &Paths, running: &Path) -> Result<(), MachineError> {
    let Ok(entries) = fs::read_dir(place(paths)) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_directory && running.parent() != Some(&entry.path()) {
            ensure_absent(&entry.path())?;
        }
    }
    Ok(())
}

fn of_file(intent: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ArchiveError {
    let path = path.to_owned();
    move |source| ArchiveError::File(intent, path, source)
}

fn digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => hash.update(&buffer[..length]),
        }
    }
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// The name of the one file in the archive that is the program.
fn member(archive: &Path) -> Result<String, ArchiveError> {
    let mut command = tar(archive, "--list");
    command
        .arg("--quoting-style=literal")
        .stdout(Stdio::piped());
    let listed = run(command)?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let mut found = listed.lines().filter(|name| is_program(name));
    match (found.next(), found.count()) {
        (Some(name), 0) => Ok(name.to_owned()),
        (first, more) => Err(ArchiveError::Count(usize::from(first.is_some()) + more)),
    }
}

fn extract(archive: &Path, member: &str, to: &Path) -> Result<(), ArchiveError> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(to);
    let file = file.map_err(of_file("make", to))?;
    let shared = file.try_clone().map_err(of_file("make", to))?;
    let mut command = tar(archive, "--extract");
    command.args(["--to-stdout", "--", member]).stdout(shared);
    run(command)?;
    let length = file.metadata().map_err(of_file("read", to))?.len();
    // `tar` writes nothing for what is no regular file.
    if length == 0 {
        return Err(ArchiveError::Unreadable(format!(
            "its {PROGRAM} is a link, or empty"
        )));
    }
    let finish = || {
        file.set_permissions(fs::Permissions::from_mode(0o755))?;
        file.sync_all()
    };
    finish().map_err(of_file("finish", to))
}

fn tar(archive: &Path, verb: &str) -> Command {
    let mut command = Command::new("tar");
    command
        .env_remove("TAR_OPTIONS")
        .env("LC_ALL", "C")
        // A colon in the name would make it a file on another machine.
        .args([verb, "--force-local", "--file"])
        .arg(archive)
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    command
}

fn run(mut command: Command) -> Result<Vec<u8>, ArchiveError> {
    let child = command.spawn();
    let output = child.and_then(|child| process_limit::output(child, None, LIMIT));
    match output {
        Ok(Some(output)) if output.status.success() => Ok(output.stdout),
        Ok(Some(output)) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().next().unwrap_or("tar says nothing");
            Err(ArchiveError::Unreadable(said.to_owned()))
        }
        Ok(None) => Err(ArchiveError::Unreadable("tar does not end".to_owned())),
        Err(source) => Err(ArchiveError::File("run", "tar".into(), source)),
    }
}

/// Whether a member is the program: at the top, in one directory, or in its `bin`.
fn is_program(member: &str) -> bool {
    let mut depth = 0;
    for part in Path::new(member).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(_) => depth += 1,
            Component::ParentDir | Component::Prefix(_) | Component::RootDir => return false,
        }
    }
    (1..=3).contains(&depth) && member.rsplit('/').next() == Some(PROGRAM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_where_releases_have_it() {
        for member in [
            "valkey-server",
            "./valkey-server",
            "bin/valkey-server",
            "valkey-9.1.2-jammy-x86_64/bin/valkey-server",
        ] {
            assert!(is_program(member), "{member}");
        }
        for member in [
            "/usr/bin/valkey-server",
            "../valkey-server",
            "a/b/c/valkey-server",
            "bin/valkey-server/",
            "bin/my-valkey-server",
            "",
        ] {
            assert!(!is_program(member), "{member}");
        }
    }
}
