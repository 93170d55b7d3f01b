//! What this unit has asked another authority for, with the key: one file, so that
//! a run that is killed leaves both or neither.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::MachineError;
use super::files::{Owner, PRIVATE_FILE, ensure_absent, ensure_file, read};
use super::paths::Paths;
use crate::facts::provider::PendingRequest;
use crate::facts::{RelationId, Secret, Timestamp};

#[derive(Deserialize, Serialize)]
struct Stored {
    relation: RelationId,
    names: BTreeSet<String>,
    made_at: Timestamp,
    csr: String,
    key: String,
}

/// Reads it; `None` where there is none, or the file was damaged: another one is
/// made then.
///
/// # Errors
/// The file could not be read.
pub fn read_request(paths: &Paths) -> Result<Option<PendingRequest>, MachineError> {
    let content = read(&paths.pending_request())?;
    let stored = content.and_then(|content| serde_json::from_slice::<Stored>(&content).ok());
    Ok(stored.map(|stored| PendingRequest {
        relation: stored.relation,
        names: stored.names,
        made_at: stored.made_at,
        csr: stored.csr,
        key: Secret::new(stored.key),
    }))
}

/// Writes it, for the charm's eyes only.
///
/// # Errors
/// The file could not be written.
pub fn write_request(paths: &Paths, request: &PendingRequest) -> Result<(), MachineError> {
    let stored = Stored {
        relation: request.relation,
        names: request.names.clone(),
        made_at: request.made_at,
        csr: request.csr.clone(),
        key: request.key.expose().clone(),
    };
    let text = serde_json::to_vec(&stored).expect("texts and numbers can be written");
    let path = paths.pending_request();
    ensure_file(&path, &text, PRIVATE_FILE, Owner::Charm).map(drop)
}

/// Forgets it, and the key with it.
///
/// # Errors
/// The file could not be removed.
pub fn forget_request(paths: &Paths) -> Result<(), MachineError> {
    ensure_absent(&paths.pending_request())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::layout::ensure_layout;
    use super::super::testing::Machine;
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written_and_nobody_else_reads_it() {
        let machine = Machine::new();
        let paths = machine.paths();
        ensure_layout(&paths).expect("directories");
        assert_eq!(read_request(&paths).expect("none"), None);
        let request = PendingRequest {
            relation: RelationId(7),
            names: ["10.0.0.1".to_owned()].into(),
            made_at: Timestamp(5),
            csr: "request".to_owned(),
            key: Secret::new("key".to_owned()),
        };
        write_request(&paths, &request).expect("written");
        assert_eq!(read_request(&paths).expect("one"), Some(request));
        let metadata = std::fs::metadata(paths.pending_request()).expect("there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        std::fs::write(paths.pending_request(), "{").expect("written");
        assert_eq!(read_request(&paths).expect("none"), None);
        forget_request(&paths).expect("removed");
        forget_request(&paths).expect("gone already");
    }
}
