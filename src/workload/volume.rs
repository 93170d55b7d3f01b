//! What else a machine has to offer: room on a volume, and ports.

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::MachineError;

/// How large the volume is on which this directory lies; `None` if that cannot
/// be said, as while it is not mounted.
pub fn volume_bytes(path: &Path) -> Option<u64> {
    let volume = rustix::fs::statvfs(path).ok()?;
    volume.f_blocks.checked_mul(volume.f_frsize)
}

/// Whether this directory is the root of a file system of its own.
///
/// # Errors
/// It, or the directory that it is in, cannot be looked at.
pub fn is_mounted(path: &Path) -> Result<bool, MachineError> {
    let device = |path: &Path| {
        let metadata = fs::metadata(path).map_err(MachineError::file("read", path))?;
        Ok::<_, MachineError>(metadata.dev())
    };
    match path.parent() {
        None => Ok(true),
        Some(parent) => Ok(device(path)? != device(parent)?),
    }
}

/// Whether somebody listens at this port. It is asked by listening there for a
/// moment; that it is not possible for another reason does not count.
pub fn is_port_taken(address: IpAddr, port: u16) -> bool {
    let listener = TcpListener::bind((address, port));
    listener.is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_has_a_size() {
        let directory = tempfile::tempdir().expect("a directory");
        assert!(volume_bytes(directory.path()).expect("a size") > 1 << 20);
        assert_eq!(volume_bytes(&directory.path().join("nothing")), None);
    }

    #[test]
    fn a_directory_is_not_a_file_system_of_its_own() {
        let directory = tempfile::tempdir().expect("a directory");
        let inner = directory.path().join("data");
        assert!(is_mounted(&inner).is_err());
        fs::create_dir(&inner).expect("a directory");
        assert!(!is_mounted(&inner).expect("a directory"));
        assert!(is_mounted(Path::new("/proc")).expect("a directory"));
    }

    #[test]
    fn a_port_is_taken_while_somebody_listens() {
        let address: IpAddr = "127.0.0.1".parse().expect("an address");
        let listener = TcpListener::bind((address, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        assert!(is_port_taken(address, port));
        drop(listener);
        assert!(!is_port_taken(address, port));
        // One that this machine does not have says nothing of its ports.
        let foreign: IpAddr = "192.0.2.1".parse().expect("an address");
        assert!(!is_port_taken(foreign, port));
    }
}
