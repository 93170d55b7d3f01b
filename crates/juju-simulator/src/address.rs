//! Loopback addresses for units, unique over all test processes of a machine.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::{FlockOperation, flock};

/// Addresses that this process holds. A lock on a file guards an address
/// against other processes, and this set spares us from opening our own ones.
static TAKEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// One address of `127.0.0.0/8`, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) address: String,
    _lock: File,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Ok(mut taken) = TAKEN.lock() {
            taken.remove(&self.address);
        }
        // The file goes while it is still locked: whoever locks it meanwhile
        // sees that it is no longer there and tries again. The directory goes
        // with the last file in it.
        let directory = lock_directory();
        let _ = std::fs::remove_file(directory.join(&self.address));
        let _ = std::fs::remove_dir(directory);
    }
}

/// Locks the file of an address; `None` if another process holds it.
fn lock(file: &Path) -> std::io::Result<Option<File>> {
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let lock = File::options().create(true).append(true).open(file)?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(None);
    }
    let is_there = std::fs::metadata(file)
        .is_ok_and(|there| lock.metadata().is_ok_and(|held| held.ino() == there.ino()));
    Ok(is_there.then_some(lock))
}

fn lock_directory() -> PathBuf {
    std::env::temp_dir().join("simulated-juju-addresses")
}

/// Takes a free address. The search begins at a place derived from the process
/// id, so that test processes started together seldom try the same ones.
pub(crate) fn lease() -> std::io::Result<Lease> {
    let directory = lock_directory();
    let mut taken = TAKEN
        .lock()
        .map_err(|_| std::io::Error::other("address set is poisoned"))?;
    let start = std::process::id().wrapping_mul(251);
    for step in 0..4_000_000_u32 {
        let address = address_number(start.wrapping_add(step));
        if taken.contains(&address) {
            continue;
        }
        let lock = match lock(&directory.join(&address)) {
            Ok(Some(lock)) => lock,
            Ok(None) => continue,
            // Somebody has removed the empty directory in between.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        taken.insert(address.clone());
        return Ok(Lease {
            address,
            _lock: lock,
        });
    }
    Err(std::io::Error::other("no loopback address is free"))
}

/// Keeps clear of `127.0.x.y`, where people and services use addresses by hand.
fn address_number(number: u32) -> String {
    let last = number % 250 + 2;
    let third = number / 250 % 256;
    let second = number / (250 * 256) % 200 + 20;
    format!("127.{second}.{third}.{last}")
}
