//! Files and directories: written whole or not at all, and only when they
//! differ from what is there.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::command::Commands;
use crate::error::MachineError;

/// What everybody on the machine may read, and only we may write.
pub const PUBLIC_FILE: u32 = 0o644;
/// What only its owner may read.
pub const PRIVATE_FILE: u32 = 0o600;
/// A directory that everybody may list.
pub const PUBLIC_DIR: u32 = 0o755;
/// A directory that only its owner may enter.
pub const PRIVATE_DIR: u32 = 0o700;

/// Who fetches files from a machine: `juju scp` logs in as this user, where
/// there is one.
const OPERATOR: &str = "ubuntu";

/// Whom a file belongs to.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'a> {
    /// Whoever runs the charm, which is root.
    Charm,
    /// The user of this name, and the group of the same name. Their numbers are
    /// known to the machine's user database only, so that a command gives the file
    /// away.
    User(&'a Commands, &'a str),
    /// Who fetches files from a machine, where there is such a user.
    Operator(&'a Commands),
}

impl Owner<'_> {
    /// Makes a file or directory theirs.
    ///
    /// # Errors
    /// There is no such user, or the system refuses.
    pub fn take(self, path: &Path) -> Result<(), MachineError> {
        match self {
            Owner::Charm => Ok(()),
            Owner::Operator(commands) => give_to_operator(commands, path),
            Owner::User(commands, user) => commands
                .command("chown")
                .args([&format!("{user}:{user}"), "--"])
                .arg(path)
                .run()
                .map(drop)
                .map_err(MachineError::command(format!(
                    "give {} to the user {user}",
                    path.display()
                ))),
        }
    }
}

/// Makes a directory and what is missing above it, and gives it this mode.
///
/// # Errors
/// The directory could not be made, or is no directory.
pub fn ensure_dir(path: &Path, mode: u32) -> Result<(), MachineError> {
    let make = |path: &Path, mode| {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(mode).create(path)
    };
    // What is above it is not private only because the directory is.
    path.parent()
        .map_or(Ok(()), |above| make(above, PUBLIC_DIR))
        .and_then(|()| make(path, mode))
        .map_err(MachineError::file("make directory", path))?;
    ensure_mode(path, mode).map(drop)
}

/// Writes a file unless it has this content and this mode already; says
/// whether it had to. The owner is not looked at: it is set before a file gets
/// its name, so whatever has the content has the owner.
///
/// # Errors
/// The file could not be read or written.
pub fn ensure_file(
    path: &Path,
    content: &[u8],
    mode: u32,
    owner: Owner<'_>,
) -> Result<bool, MachineError> {
    ensure_file_from(directory_of(path), path, content, mode, owner)
}

/// The same, where somebody else may write in the file's directory: it is made in
/// `beside`, a directory of the same file system that is ours alone.
///
/// # Errors
/// As [`ensure_file`].
pub fn ensure_file_from(
    beside: &Path,
    path: &Path,
    content: &[u8],
    mode: u32,
    owner: Owner<'_>,
) -> Result<bool, MachineError> {
    if read(path)?.as_deref() == Some(content) {
        return ensure_mode(path, mode);
    }
    write_from(beside, path, content, mode, owner).map(|()| true)
}

/// Writes a file so that everybody else sees either its old content or its
/// new, also after a power failure; its mode and owner are right before any
/// content is in it.
///
/// # Errors
/// The file could not be written; the old one is untouched.
pub fn write_atomically(
    path: &Path,
    content: &[u8],
    mode: u32,
    owner: Owner<'_>,
) -> Result<(), MachineError> {
    write_from(directory_of(path), path, content, mode, owner)
}

/// Writes a note, its parts one behind the other, so that everybody else sees either the
/// old one or the new. After a power failure it may be lost or damaged, which whoever
/// reads it has to find out.
///
/// # Errors
/// The note could not be written; the old one is untouched.
pub fn write_note(path: &Path, parts: &[&[u8]], mode: u32) -> Result<(), MachineError> {
    let new = replacement(directory_of(path), path);
    ensure_absent(&new)?;
    let mut file = create(&new, mode)?;
    parts
        .iter()
        .try_for_each(|part| file.write_all(part))
        .map_err(MachineError::file("write", &new))?;
    fs::rename(&new, path).map_err(MachineError::file("replace", path))
}

fn write_from(
    beside: &Path,
    path: &Path,
    content: &[u8],
    mode: u32,
    owner: Owner<'_>,
) -> Result<(), MachineError> {
    let new = replacement(beside, path);
    ensure_absent(&new)?;
    let write = |file: &mut File| {
        file.write_all(content)?;
        file.sync_all()
    };
    let mut file = create(&new, mode)?;
    owner.take(&new)?;
    write(&mut file).map_err(MachineError::file("write", &new))?;
    fs::rename(&new, path).map_err(MachineError::file("replace", path))?;
    sync_dir(directory_of(path))
}

/// Where what is to replace a file is written.
fn replacement(beside: &Path, path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // A fixed name, so that what a killed hook left behind is used up by the
    // next one. Only one hook runs on a machine at a time.
    beside.join(format!(".{name}.new"))
}

fn directory_of(path: &Path) -> &Path {
    path.parent().unwrap_or_else(|| Path::new("."))
}

/// Removes a file; that it is gone already is success.
///
/// # Errors
/// The file is there and could not be removed.
pub fn ensure_absent(path: &Path) -> Result<(), MachineError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(MachineError::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Removes a file, or a directory with all that is in it; that it is gone already is
/// success. A link is removed, and not what it leads to.
///
/// # Errors
/// It is there and could not be removed.
pub fn ensure_all_absent(path: &Path) -> Result<(), MachineError> {
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

/// A file's content, or `None` if there is no such file.
///
/// # Errors
/// The file is there and could not be read.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, MachineError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(MachineError::file("read", path)(error)),
    }
}

/// A file's text, or `None` if there is no such file.
///
/// # Errors
/// The file is there and could not be read, or is no UTF-8.
pub fn read_text(path: &Path) -> Result<Option<String>, MachineError> {
    let text = |content| {
        String::from_utf8(content).map_err(|error| {
            // Without the error itself, which carries the content.
            let source = io::Error::new(io::ErrorKind::InvalidData, error.utf8_error());
            MachineError::file("read", path)(source)
        })
    };
    read(path)?.map(text).transpose()
}

/// Makes what was renamed in a directory outlive a power failure.
///
/// # Errors
/// The directory could not be opened, or the disk refuses.
pub fn sync_dir(dir: &Path) -> Result<(), MachineError> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(MachineError::file("synchronise", dir))
}

fn create(path: &Path, mode: u32) -> Result<File, MachineError> {
    let file = OpenOptions::new()
        .write(true)
        // A link that somebody put there is not followed.
        .create_new(true)
        .mode(PRIVATE_FILE)
        .open(path)
        .map_err(MachineError::file("create", path))?;
    // Not by the call above, since the umask would be taken off.
    file.set_permissions(Permissions::from_mode(mode))
        .map_err(MachineError::file("set the mode of", path))?;
    Ok(file)
}

fn ensure_mode(path: &Path, mode: u32) -> Result<bool, MachineError> {
    let metadata = fs::metadata(path).map_err(MachineError::file("read", path))?;
    if metadata.permissions().mode() & 0o7777 == mode {
        return Ok(false);
    }
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(MachineError::file("set the mode of", path))?;
    Ok(true)
}

fn give_to_operator(commands: &Commands, path: &Path) -> Result<(), MachineError> {
    let known = commands
        .command("id")
        .args(["-u", OPERATOR])
        .outcome()
        .map_err(MachineError::command(format!(
            "look up the user {OPERATOR}"
        )))?;
    if known.code() != Some(0) {
        return Ok(());
    }
    commands
        .command("chown")
        .args(["--no-dereference", &format!("{OPERATOR}:"), "--"])
        .arg(path)
        .run()
        .map(drop)
        .map_err(MachineError::command(format!(
            "give {} to the user {OPERATOR}",
            path.display()
        )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("metadata").permissions().mode() & 0o7777
    }

    #[test]
    fn a_file_is_written_once_and_mended_when_it_drifts() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("trust.pem");
        let ensure = |content: &[u8], mode| {
            ensure_file(&path, content, mode, Owner::Charm).expect("a writable directory")
        };
        assert!(ensure(b"one", PUBLIC_FILE));
        assert!(!ensure(b"one", PUBLIC_FILE));
        assert!(ensure(b"one", PRIVATE_FILE));
        assert_eq!(mode(&path), PRIVATE_FILE);
        assert!(ensure(b"two", PRIVATE_FILE));
        assert_eq!(read_text(&path).expect("readable").as_deref(), Some("two"));
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 1);
    }

    #[test]
    fn what_a_killed_hook_left_is_no_obstacle_and_no_trap() {
        let dir = tempfile::tempdir().expect("a directory");
        let (path, victim) = (dir.path().join("key"), dir.path().join("victim"));
        fs::write(&victim, "untouched").expect("writable");
        std::os::unix::fs::symlink(&victim, dir.path().join(".key.new")).expect("a link");
        write_atomically(&path, b"new", PRIVATE_FILE, Owner::Charm).expect("written");
        assert_eq!(fs::read(&victim).expect("readable"), b"untouched");
        assert_eq!(mode(&path), PRIVATE_FILE);
    }

    #[test]
    fn missing_is_none_and_gone_is_gone() {
        let missing = Path::new("/nonexistent/file");
        assert_eq!(read(missing).expect("no error"), None);
        assert_eq!(read_text(missing).expect("no error"), None);
        ensure_absent(missing).expect("no error");
        ensure_all_absent(missing).expect("no error");
    }

    #[test]
    fn a_directory_goes_with_all_that_is_in_it_and_nothing_that_a_link_leads_to() {
        let dir = tempfile::tempdir().expect("a directory");
        let (kept, gone) = (dir.path().join("kept"), dir.path().join("gone"));
        ensure_dir(&gone.join("below"), PUBLIC_DIR).expect("made");
        fs::write(&kept, "kept").expect("writable");
        std::os::unix::fs::symlink(&kept, gone.join("link")).expect("a link");
        ensure_all_absent(&gone).expect("removed");
        assert!(!gone.exists());
        assert_eq!(fs::read(&kept).expect("readable"), b"kept");
    }

    #[test]
    fn a_file_is_made_where_nobody_else_writes() {
        let dir = tempfile::tempdir().expect("a directory");
        let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
        for path in [&ours, &theirs] {
            ensure_dir(path, PRIVATE_DIR).expect("made");
        }
        let (path, victim) = (theirs.join("conf"), dir.path().join("victim"));
        fs::write(&victim, "untouched").expect("writable");
        // What they have prepared is not used.
        let trap = theirs.join(".conf.new");
        std::os::unix::fs::symlink(&victim, &trap).expect("a link");
        let ensure = || ensure_file_from(&ours, &path, b"new", PRIVATE_FILE, Owner::Charm);
        assert!(ensure().expect("written"));
        assert!(!ensure().expect("there already"));
        assert!(trap.is_symlink());
        assert_eq!(fs::read(&victim).expect("readable"), b"untouched");
        assert_eq!(fs::read(&path).expect("readable"), b"new");
    }

    #[test]
    fn an_error_about_a_text_does_not_show_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("key");
        fs::write(&path, b"hunter2\xff").expect("writable");
        let error = read_text(&path).expect_err("no UTF-8");
        assert!(!format!("{error:?}").contains("hunter2"));
        // Nor as the numbers of its bytes.
        assert!(!format!("{error:?}").contains("104, 117"));
    }

    #[test]
    fn a_private_directory_leaves_those_above_it_open() {
        let dir = tempfile::tempdir().expect("a directory");
        let private = dir.path().join("run/unit/handover");
        ensure_dir(&private, PRIVATE_DIR).expect("made");
        ensure_dir(&private, PRIVATE_DIR).expect("made already");
        assert_eq!(mode(&private), PRIVATE_DIR);
        assert_eq!(mode(&dir.path().join("run")), PUBLIC_DIR);
    }
}
