//! What stands between systemd and etcd: the service asks it right before each
//! start, whoever starts it, with or without a hook.
//!
//! A member of a cluster has promised what is in its log: acknowledged writes
//! rest on it. Started with an empty directory, etcd would take the place of the
//! same member with its vote, and a majority could be found that knows nothing of
//! those writes. So it starts only with the data of the member that this unit's
//! is. Without any it may start once, where the charm has just bootstrapped the
//! cluster or added the member: the permission is a file beside the data, and
//! is used up before etcd runs.

use std::path::Path;

use thiserror::Error;

use super::MachineError;
use super::error::WorkloadError;
use super::files::{self, Owner, PUBLIC_FILE, ensure_absent, ensure_file, sync_dir};
use super::paths::Paths;
use super::unit_state::UnitState;
use super::wal;
use crate::facts::{Cause, MemberData, MemberId};

/// Why etcd may not start with what is in its directory.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum NotItsData {
    /// This unit has no member.
    #[error("this unit has no member")]
    NoMember,
    /// It is the data of another member.
    #[error("the data is that of member {found}, and this unit's is {known}")]
    Another {
        /// Whose it is.
        found: MemberId,
        /// Which one this unit's is.
        known: MemberId,
    },
    /// There is none.
    #[error("the data of this unit's member is gone")]
    Gone,
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(Cause),
}

/// Whether etcd may start on this directory now. A permission to start without
/// data is used up by the answer.
///
/// # Errors
/// It may not, and why; or the unit's facts cannot be read, which says nothing
/// of whose data it is.
pub fn before_start(paths: &Paths, data_dir: &Path) -> Result<(), WorkloadError> {
    let refuse = |reason: NotItsData| Err(reason.into());
    let unit_state = UnitState::read(paths)?;
    if unit_state.bootstrap.is_none() {
        return refuse(NotItsData::NoMember);
    }
    match (wal::identity(data_dir), unit_state.identity) {
        (MemberData::Of(found), Some(known)) if found != known => refuse(NotItsData::Another {
            found: found.member,
            known: known.member,
        }),
        // Without a known one it is the first start of the member that bootstraps the cluster, whose hook has
        // not come to note it down, or was made by an earlier revision.
        (MemberData::Of(_), _) => Ok(ensure_absent(&paths.first_start())?),
        (MemberData::Absent, _) => {
            // What is left beside a log that is gone etcd would still read.
            let is_empty = !data_dir.join("member").exists();
            if files::read(&paths.first_start())?.is_none() || !is_empty {
                return refuse(NotItsData::Gone);
            }
            ensure_absent(&paths.first_start())?;
            Ok(sync_dir(&paths.config_dir())?)
        }
        (MemberData::Unreadable(cause), _) => refuse(NotItsData::Unreadable(cause)),
    }
}

/// Allows one start without data.
///
/// # Errors
/// The file cannot be written.
pub fn allow_first_start(paths: &Paths) -> Result<(), MachineError> {
    let text = b"etcd may start without data once\n";
    ensure_file(&paths.first_start(), text, PUBLIC_FILE, Owner::Charm).map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::layout::ensure_layout;
    use super::super::testing::Machine;
    use super::*;
    use crate::facts::{Bootstrap, MemberIdentity};

    #[test]
    fn a_start_without_data_is_allowed_once() {
        let machine = Machine::new();
        let (paths, data) = (machine.paths(), machine.root().join("data"));
        ensure_layout(&paths).expect("directories");
        let mut unit_state = UnitState::default();
        allow_first_start(&paths).expect("written");
        assert!(before_start(&paths, &data).is_err(), "there is no member");
        unit_state.bootstrap = Some(Bootstrap::default());
        unit_state.identity = Some(MemberIdentity {
            member: MemberId(1),
            cluster: 2,
        });
        unit_state.write(&paths).expect("written");
        before_start(&paths, &data).expect("permitted");
        assert!(before_start(&paths, &data).is_err(), "it was used up");
        // What a log leaves behind is no empty directory.
        allow_first_start(&paths).expect("written");
        fs::create_dir_all(data.join("member/snap")).expect("a directory");
        assert!(before_start(&paths, &data).is_err());
        // And what cannot be read is not nothing.
        fs::write(data.join("member/wal"), "").expect("written");
        let error = before_start(&paths, &data).expect_err("unreadable");
        let is_unreadable = matches!(error, WorkloadError::NotItsData(NotItsData::Unreadable(_)));
        assert!(is_unreadable, "{error}");
    }
}
