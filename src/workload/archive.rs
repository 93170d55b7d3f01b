//! Programs from an archive as etcd releases it.
//!
//! `tar` reads the archive, and writes each program to its standard output,
//! into a file of ours. So no file is made by the archive's say: no link, no
//! path, no owner and no mode in it has an effect. The command and not a crate,
//! because `tar` and `gzip` are on every machine of the distributions that the
//! charm runs on, and because a decompressor that is fed foreign data is better
//! kept out of a process that holds the cluster's keys. What else `tar` can
//! decompress comes for free.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::command::{Command, Commands};
use super::error::WorkloadError;
use super::files::{PUBLIC_DIR, ensure_absent, ensure_dir, sync_dir};
use super::paths::Paths;
use super::release::version;

/// What is taken out of an archive, and whether it must be in there: etcd has
/// `etcdutl` since 3.5.
const PROGRAMS: [(&str, bool); 3] = [("etcd", true), ("etcdctl", true), ("etcdutl", false)];

/// How long one pass over an archive may take, which is 25 MB and takes a second.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// Enough digits of the SHA-256 to tell an operator's archives apart.
const SHOWN_DIGITS: usize = 12;

/// The prefix of directories that are not complete yet.
const UNFINISHED: &str = ".unpacking-";

/// Unpacks the programs of an archive unless they are there already, and returns
/// their directory. A directory has its name only when it is complete and its
/// `etcd` was seen to run.
///
/// # Errors
/// The archive cannot be read, is not one of etcd, or is one for another kind
/// of machine.
pub(super) fn ensure_unpacked(
    commands: &Commands,
    archive: &Path,
    paths: &Paths,
) -> Result<PathBuf, WorkloadError> {
    let digest = sha256(archive)?;
    let name = &digest[..SHOWN_DIGITS];
    let programs = paths.programs_dir().join(name);
    if !programs.is_dir() {
        let unfinished = paths.programs_dir().join(format!("{UNFINISHED}{name}"));
        remove_dir(&unfinished)?;
        ensure_dir(&unfinished, PUBLIC_DIR)?;
        let unpacked =
            unpack(commands, archive, &unfinished).and_then(|()| check(commands, &unfinished));
        if let Err(error) = unpacked {
            // The reason is worth more than the space; the next try removes it.
            let _ = fs::remove_dir_all(&unfinished);
            return Err(error);
        }
        sync_dir(&unfinished)?;
        fs::rename(&unfinished, &programs).map_err(WorkloadError::file("make", &programs))?;
    }
    Ok(programs)
}

/// Removes every directory of programs but this one.
pub(super) fn remove_all_but(paths: &Paths, keep: Option<&Path>) -> Result<(), WorkloadError> {
    let dir = paths.programs_dir();
    let entries = match fs::read_dir(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        result => result.map_err(WorkloadError::file("list", &dir))?,
    };
    for entry in entries {
        let entry = entry.map_err(WorkloadError::file("list", &dir))?;
        let kind = entry
            .file_type()
            .map_err(WorkloadError::file("read", entry.path()))?;
        // The link `current` is no directory.
        if kind.is_dir() && Some(entry.path().as_path()) != keep {
            remove_dir(&entry.path())?;
        }
    }
    Ok(())
}

/// The SHA-256 of a file, 64 hexadecimal digits.
///
/// # Errors
/// The file could not be read.
pub fn sha256(path: &Path) -> Result<String, WorkloadError> {
    let mut file = File::open(path).map_err(WorkloadError::file("read", path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => hash.update(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(WorkloadError::file("read", path)(error)),
        }
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

fn unpack(commands: &Commands, archive: &Path, into: &Path) -> Result<(), WorkloadError> {
    let unreadable = |source| WorkloadError::Archive {
        archive: archive.to_owned(),
        source,
    };
    let listed = tar(commands, archive, "--list")
        .arg("--quoting-style=literal")
        .run()
        .map_err(unreadable)?;
    for (program, needed) in PROGRAMS {
        let lacks = |reason| WorkloadError::ArchiveLacks {
            archive: archive.to_owned(),
            program,
            reason,
        };
        let mut members = listed
            .stdout
            .lines()
            .filter(|name| is_program(name, program));
        let member = match (members.next(), members.next()) {
            (None, _) if needed => return Err(lacks("there is none")),
            (None, _) => continue,
            (Some(member), None) => member,
            (Some(_), Some(_)) => return Err(lacks("there is more than one")),
        };
        let path = into.join(program);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(WorkloadError::file("create", &path))?;
        tar(commands, archive, "--extract")
            .args(["--to-stdout", "--", member])
            .run_into(file)
            .map_err(unreadable)?;
        finish(&path, lacks("it is a link, or empty"))?;
    }
    Ok(())
}

/// Makes what was unpacked a program that outlives a power failure.
fn finish(path: &Path, empty: WorkloadError) -> Result<(), WorkloadError> {
    let file = File::open(path).map_err(WorkloadError::file("read", path))?;
    let size = file
        .metadata()
        .map_err(WorkloadError::file("read", path))?
        .len();
    // `tar` writes nothing for what is no regular file.
    if size == 0 {
        return Err(empty);
    }
    file.set_permissions(Permissions::from_mode(0o755))
        .and_then(|()| file.sync_all())
        .map_err(WorkloadError::file("make a program of", path))
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

/// Whether a member is the program itself: at the top, or in one directory.
fn is_program(member: &str, program: &str) -> bool {
    let mut depth = 0;
    for part in Path::new(member).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(_) => depth += 1,
            Component::ParentDir | Component::Prefix(_) | Component::RootDir => return false,
        }
    }
    let last = member.rsplit('/').next();
    (1..=2).contains(&depth) && last == Some(program)
}

/// Runs the server once: an archive for another kind of machine is told apart
/// here, and not when the member should start.
fn check(commands: &Commands, programs: &Path) -> Result<(), WorkloadError> {
    let release = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    version(commands, &programs.join("etcd"))
        .map(drop)
        .map_err(|source| WorkloadError::Program {
            program: "etcd",
            architecture: std::env::consts::ARCH,
            release,
            source,
        })
}

/// Makes unpacked programs the current ones.
///
/// # Errors
/// The link to them cannot be changed.
pub(super) fn make_current(paths: &Paths, programs: &Path) -> Result<(), WorkloadError> {
    let name = Path::new(programs.file_name().unwrap_or_default());
    let current = paths.current_programs();
    if fs::read_link(&current).is_ok_and(|target| target == name) {
        return Ok(());
    }
    // A link cannot be changed, but another can take its name in one step.
    let new = paths.programs_dir().join(".current.new");
    ensure_absent(&new)?;
    symlink(name, &new).map_err(WorkloadError::file("make link", &new))?;
    fs::rename(&new, &current).map_err(WorkloadError::file("replace", &current))?;
    sync_dir(&paths.programs_dir())
}

fn remove_dir(path: &Path) -> Result<(), WorkloadError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(WorkloadError::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}
