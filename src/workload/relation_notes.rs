//! What this unit has read of relations, so that a pass over all of them need not ask
//! Juju for each again.
//!
//! Only the leader writes the databag of our own application, and only over this
//! program. So a note of it is as good as what Juju says as long as this unit has led
//! ever since and has not written itself: it is removed before that is tried, whatever
//! becomes of the hook. Which units are at the other end changes with an event of that
//! relation alone, and the note is removed when one comes. Notes lie in memory, which a
//! machine that restarts forgets, and none is believed for longer than
//! [`MAX_AGE_SECONDS`], so that nothing that goes wrong with them lasts.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::files::{PRIVATE_DIR, ensure_absent, ensure_dir};
use super::paths::Paths;
use super::{MachineError, note};
use crate::facts::{AppName, Databag, RelationId, Timestamp, UnitName};

/// A dozen of `update-status` at Juju's interval of five minutes.
const MAX_AGE_SECONDS: i64 = 3600;

/// What cannot change on one relation while this unit leads and hears nothing of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RelationNote {
    /// The application at the other end.
    pub remote_app: AppName,
    /// The databag of our own application, as it was committed.
    pub own: Databag,
    /// The units at the other end, where it matters what each of them says.
    pub units: BTreeSet<UnitName>,
    /// When Juju was asked.
    read_at: Timestamp,
}

impl RelationNote {
    /// A note of what Juju has just said.
    pub fn new(
        remote_app: AppName,
        own: Databag,
        units: BTreeSet<UnitName>,
        now: Timestamp,
    ) -> Self {
        Self {
            remote_app,
            own,
            units,
            read_at: now,
        }
    }

    /// What is noted of a relation, if that can be relied on. A note that cannot be
    /// read is none.
    pub fn read(paths: &Paths, relation: RelationId, now: Timestamp) -> Option<Self> {
        let noted: Self = note::read(&path(paths, relation))?;
        // A clock that was put back makes no note younger.
        let is_fresh = noted.read_at <= now && now <= noted.read_at.plus_seconds(MAX_AGE_SECONDS);
        is_fresh.then_some(noted)
    }

    /// Notes it.
    ///
    /// # Errors
    /// The note could not be written.
    pub fn note(&self, paths: &Paths, relation: RelationId) -> Result<(), MachineError> {
        ensure_dir(&paths.relation_notes_dir(), PRIVATE_DIR)?;
        note::write(&path(paths, relation), self)
    }
}

/// Forgets what is noted of a relation.
///
/// # Errors
/// The note is there and could not be removed.
pub fn forget(paths: &Paths, relation: RelationId) -> Result<(), MachineError> {
    ensure_absent(&path(paths, relation))
}

/// Forgets what is noted of relations other than these.
///
/// # Errors
/// Notes are there and could not be removed.
pub fn retain(paths: &Paths, relations: &BTreeSet<RelationId>) -> Result<(), MachineError> {
    let directory = paths.relation_notes_dir();
    let entries = match fs::read_dir(&directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(MachineError::file("list", &directory))?,
    };
    for entry in entries {
        let entry = entry.map_err(MachineError::file("list", &directory))?;
        let relation = entry.file_name().to_string_lossy().parse().ok();
        if relation.is_none_or(|relation| !relations.contains(&relation)) {
            ensure_absent(&entry.path())?;
        }
    }
    Ok(())
}

/// Forgets all notes.
///
/// # Errors
/// Notes are there and could not be removed.
pub fn forget_all(paths: &Paths) -> Result<(), MachineError> {
    let directory = paths.relation_notes_dir();
    match fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(MachineError::file("remove", &directory)(error))
        }
        _ => Ok(()),
    }
}

fn path(paths: &Paths, relation: RelationId) -> PathBuf {
    paths.relation_notes_dir().join(relation.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::layout::ensure_layout;
    use super::super::testing::Machine;
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn note() -> RelationNote {
        let own = [("endpoints".to_owned(), "10.0.0.1:2379".to_owned())].into();
        let units = ["app/0".parse().expect("a unit")].into();
        RelationNote::new("app".parse().expect("a name"), own, units, NOW)
    }

    #[test]
    fn a_note_is_believed_for_an_hour_until_it_is_forgotten() {
        let machine = Machine::new();
        let paths = machine.paths();
        ensure_layout(&paths).expect("directories");
        let (one, ten) = (RelationId(1), RelationId(10));
        assert_eq!(RelationNote::read(&paths, one, NOW), None);
        forget_all(&paths).expect("nothing to forget");
        for relation in [one, ten] {
            note().note(&paths, relation).expect("written");
        }
        let at = |seconds| RelationNote::read(&paths, one, NOW.plus_seconds(seconds));
        assert_eq!(at(0), Some(note()));
        assert_eq!(at(3600), Some(note()));
        assert_eq!(at(3601), None);
        assert_eq!(at(-1), None);
        retain(&paths, &[one, ten].into()).expect("both stay");
        assert_eq!(at(0), Some(note()));
        forget(&paths, one).expect("removed");
        assert_eq!(at(0), None);
        assert_eq!(RelationNote::read(&paths, ten, NOW), Some(note()));
        retain(&paths, &[one].into()).expect("removed");
        assert_eq!(RelationNote::read(&paths, ten, NOW), None);
        note().note(&paths, ten).expect("written");
        forget_all(&paths).expect("removed");
        assert_eq!(RelationNote::read(&paths, ten, NOW), None);
    }

    #[test]
    fn what_cannot_be_read_is_no_note() {
        let machine = Machine::new();
        let paths = machine.paths();
        ensure_layout(&paths).expect("directories");
        let relation = RelationId(1);
        note().note(&paths, relation).expect("written");
        for text in ["", "{}", r#"{"remote_app": "app", "own": 7}"#] {
            fs::write(path(&paths, relation), text).expect("writable");
            assert_eq!(RelationNote::read(&paths, relation, NOW), None, "{text}");
        }
    }
}
