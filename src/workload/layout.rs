//! The directories of a unit.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use machine::{Commands, MachineError};

use super::files::{PRIVATE_DIR, PUBLIC_DIR, ensure_absent, ensure_dir};
use super::paths::Paths;

/// The directory of private keys: etcd must reach its own in there, nobody but
/// root needs to list it, and each key is guarded by its own mode.
const PKI_DIR: u32 = 0o711;

/// Makes all directories of a unit but that of etcd's data.
///
/// # Errors
/// A directory could not be made.
pub fn ensure_layout(paths: &Paths) -> Result<(), MachineError> {
    ensure_dir(&paths.config_dir(), PUBLIC_DIR)?;
    ensure_dir(&paths.wanted_dir(), PUBLIC_DIR)?;
    ensure_dir(&paths.pki_dir(), PKI_DIR)?;
    ensure_dir(&paths.runtime_dir(), PUBLIC_DIR)?;
    ensure_dir(&paths.handover_dir(), PRIVATE_DIR)
}

/// Removes every file of a unit but etcd's data, private keys first.
///
/// # Errors
/// Something could not be removed.
pub fn remove(paths: &Paths) -> Result<(), MachineError> {
    for directory in [
        paths.pki_dir(),
        paths.runtime_dir(),
        paths.config_dir(),
        paths.programs_dir(),
    ] {
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(MachineError::file("remove", &directory)(error));
            }
            _ => {}
        }
    }
    ensure_absent(&paths.service_file())
}

/// Makes the directory of etcd's data, with the mode that etcd demands, owned
/// by the user etcd. All that is in there is given to that user too if it is
/// another's: a volume that comes from another machine holds the number that
/// the user had there.
///
/// # Errors
/// The directory could not be made or given away.
pub fn ensure_data_dir(commands: &Commands, path: &Path) -> Result<(), MachineError> {
    ensure_dir(path, PRIVATE_DIR)?;
    let user = commands
        .command("id")
        .args(["-u", "etcd"])
        .run()
        .map_err(MachineError::command("look up the user etcd"))?;
    let owner = fs::metadata(path)
        .map_err(MachineError::file("read", path))?
        .uid();
    if user.stdout.trim() == owner.to_string() {
        return Ok(());
    }
    commands
        .command("chown")
        .args(["--recursive", "--no-dereference", "etcd:etcd", "--"])
        .arg(path)
        .run()
        .map(drop)
        .map_err(MachineError::command(format!(
            "give {} and all in it to the user etcd",
            path.display()
        )))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::super::testing::Machine;
    use super::*;

    #[test]
    fn keys_are_reached_by_name_only_and_secrets_by_root_only() {
        let machine = Machine::new();
        let paths = machine.paths();
        ensure_layout(&paths).expect("made");
        ensure_layout(&paths).expect("made already");
        let mode = |path: PathBuf| fs::metadata(path).expect("there").mode() & 0o777;
        assert_eq!(mode(paths.pki_dir()), 0o711);
        assert_eq!(mode(paths.handover_dir()), 0o700);
        assert_eq!(mode(paths.wanted_dir()), 0o755);
    }

    #[test]
    fn data_from_another_machine_is_given_to_the_user_of_this_one() {
        let machine = Machine::new();
        let data = machine.root().join("data");
        machine.command("chown", "exit 0");
        machine.command("id", "echo 4711");
        ensure_data_dir(&machine.commands(), &data).expect("given away");
        let call = format!(
            "chown --recursive --no-dereference etcd:etcd -- {}",
            data.display()
        );
        assert_eq!(machine.calls(), ["id -u etcd".to_owned(), call]);
    }

    #[test]
    fn data_that_the_user_owns_is_left_alone() {
        let machine = Machine::new();
        let data = machine.root().join("data");
        fs::create_dir(&data).expect("made");
        let owner = fs::metadata(&data).expect("there").uid();
        machine.command("id", &format!("echo {owner}"));
        ensure_data_dir(&machine.commands(), &data).expect("owned");
        assert_eq!(machine.calls(), ["id -u etcd"]);
        assert_eq!(
            fs::metadata(&data).expect("there").permissions().mode() & 0o777,
            0o700
        );
    }
}
