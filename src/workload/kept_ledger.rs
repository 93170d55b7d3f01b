//! The ledger as this unit has read it last, kept in memory for its next hook, which
//! then asks etcd for what was written since, and not for all that there is.
//!
//! A note says what the ledger was at one revision. That stays true whatever is written
//! later, by whom ever, and whoever reads on from there learns of all of it. It is true
//! no more where the history of the cluster itself was put back, by hand, or by a
//! restore: for this the etcd of this unit has to be stopped and started. So a note is
//! bound to this one run of this unit's etcd, to this member of this cluster, and to
//! this very program; and a pass over all relations, which comes every five minutes,
//! does not look at it.
//!
//! A note that cannot be read is none.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::file_stamp::FileStamp;
use super::files::ensure_absent;
use super::paths::Paths;
use super::{MachineError, note};
use crate::facts::{
    Fingerprint, KnownLeaf, Ledger, LedgerKeys, LedgerPoint, MemberIdentity, RecalledLeaves,
    Records,
};

/// One run of this unit's etcd, as this program sees it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EtcdRun {
    files: [FileStamp; 3],
    member: MemberIdentity,
    root: String,
}

impl EtcdRun {
    /// The run that there is now; `None` where it cannot be told from another.
    pub fn now(
        paths: &Paths,
        program: &Path,
        member: MemberIdentity,
        keys: &LedgerKeys,
    ) -> Option<Self> {
        let stamp = |path: &Path| FileStamp::of(path).ok().filter(FileStamp::is_there);
        Some(Self {
            files: [
                // The service makes both anew at each start, whoever starts it.
                stamp(&paths.loaded_config())?,
                stamp(&paths.loaded_trust())?,
                stamp(program)?,
            ],
            member,
            root: keys.root().to_owned(),
        })
    }
}

/// A note, as it is read.
type Kept = (
    EtcdRun,
    LedgerPoint,
    Ledger,
    Records<Fingerprint, KnownLeaf>,
);

/// The ledger that was noted in this run, and where; `None` where none was. What is known
/// of certificates is added to what was `recalled`.
pub fn recall(
    paths: &Paths,
    run: &EtcdRun,
    recalled: &RecalledLeaves,
) -> Option<(Ledger, LedgerPoint)> {
    let (of, point, ledger, leaves): Kept = note::read(&paths.kept_ledger())?;
    if of != *run {
        return None;
    }
    recalled.take_over(leaves);
    Some((ledger, point))
}

/// Notes a ledger as it was at this point, if all of it can be: locks come and go too
/// quickly, and of one of a newer format nothing was read.
///
/// # Errors
/// The note could not be written; the one before it is as true as it was.
pub fn note(
    paths: &Paths,
    run: &EtcdRun,
    ledger: &Ledger,
    point: &LedgerPoint,
    recalled: &RecalledLeaves,
) -> Result<(), MachineError> {
    if !ledger.locks.is_empty() || ledger.newer_format.is_some() {
        return Ok(());
    }
    let known = recalled.on_record(ledger);
    note::write(&paths.kept_ledger(), &(run, point, ledger, known))
}

/// Forgets it.
///
/// # Errors
/// The note is there and could not be removed.
pub fn forget(paths: &Paths) -> Result<(), MachineError> {
    ensure_absent(&paths.kept_ledger())
}

#[cfg(test)]
mod tests;
