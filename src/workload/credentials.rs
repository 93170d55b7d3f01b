//! Archives with credentials, for whoever works with etcd by hand.
//!
//! Made by the machine's `tar`, as what comes in archives is read by it. The
//! files lie in the private directory for secrets meanwhile, which is in
//! memory, and are gone when the archive is made.

use std::fs;
use std::io;
use std::path::Path;

use machine::{Commands, MachineError};
use sha2::{Digest, Sha256};

use super::files::{
    Owner, PRIVATE_DIR, PRIVATE_FILE, ensure_absent, ensure_dir, read, write_atomically,
};
use super::paths::Paths;

/// The SHA-256 of an archive, as [`super::sha256`] gives that of a file.
pub fn digest(archive: &[u8]) -> String {
    let digest = Sha256::digest(archive);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Packs these files, by name, into an archive: readable by their owner only,
/// in the order given.
///
/// # Errors
/// A file could not be written, or `tar` failed.
pub fn pack(
    commands: &Commands,
    paths: &Paths,
    files: &[(&str, &[u8])],
) -> Result<Vec<u8>, MachineError> {
    let directory = paths.handover_dir().join("credentials");
    let archive = paths.handover_dir().join("credentials.tar.gz");
    // What a killed run has left behind is in the way.
    remove(&directory)?;
    ensure_absent(&archive)?;
    let packed = pack_in(commands, &directory, &archive, files);
    remove(&directory)?;
    ensure_absent(&archive)?;
    packed
}

fn pack_in(
    commands: &Commands,
    directory: &Path,
    archive: &Path,
    files: &[(&str, &[u8])],
) -> Result<Vec<u8>, MachineError> {
    ensure_dir(directory, PRIVATE_DIR)?;
    for (name, content) in files {
        write_atomically(&directory.join(name), content, PRIVATE_FILE, Owner::Charm)?;
    }
    commands
        .command("tar")
        .args(["--create", "--gzip", "--owner=root:0", "--group=root:0"])
        .arg("--file")
        .arg(archive)
        .arg("--directory")
        .arg(directory)
        .arg("--")
        .args(files.iter().map(|(name, _)| name))
        .run()
        .map_err(MachineError::command("pack the credentials"))?;
    let missing = || MachineError::file("read", archive)(io::ErrorKind::NotFound.into());
    read(archive)?.ok_or_else(missing)
}

fn remove(directory: &Path) -> Result<(), MachineError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(MachineError::file("remove", directory)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Machine;
    use super::*;

    #[test]
    fn an_archive_holds_the_files_and_nothing_is_left_of_them() {
        let machine = Machine::new();
        let paths = machine.paths();
        super::super::layout::ensure_layout(&paths).expect("made");
        let left = paths.handover_dir().join("credentials");
        fs::create_dir(&left).expect("made");
        fs::write(left.join("old.key"), "old").expect("written");
        let files: [(&str, &[u8]); 2] = [("client.crt", b"certificate"), ("client.key", b"key")];
        let packed = pack(&machine.commands(), &paths, &files).expect("packed");
        let archive = machine.root().join("archive.tar.gz");
        fs::write(&archive, &packed).expect("written");
        assert_eq!(
            digest(&packed),
            super::super::sha256(&archive).expect("hashed")
        );
        let tar = |arguments: &[&str]| {
            let command = machine.commands().command("tar").args(arguments);
            command
                .arg("--file")
                .arg(&archive)
                .run()
                .expect("read")
                .stdout
        };
        let listed = tar(&["--list", "--verbose"]);
        assert_eq!(listed.lines().count(), 2, "{listed}");
        assert!(
            listed
                .lines()
                .all(|line| line.starts_with("-rw------- root/root")),
            "{listed}"
        );
        assert_eq!(tar(&["--extract", "--to-stdout"]), "certificatekey");
        let left = fs::read_dir(paths.handover_dir()).expect("listed").count();
        assert_eq!(left, 0);
    }
}
