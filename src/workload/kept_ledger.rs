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

use std::path::{Path, PathBuf};

use super::MachineError;
use super::file_stamp::FileStamp;
use super::files::{PRIVATE_FILE, ensure_absent, read, write_note};
use super::paths::Paths;
use crate::facts::note_bytes::NoteWriter;
use crate::facts::{Ledger, LedgerKeys, LedgerPoint, MemberIdentity, RecalledLeaves, ledger_note};

/// One run of this unit's etcd, as this program sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EtcdRun(Vec<u8>);

impl EtcdRun {
    /// The run that there is now; `None` where it cannot be told from another.
    pub fn now(
        paths: &Paths,
        program: &Path,
        identity: MemberIdentity,
        keys: &LedgerKeys,
    ) -> Option<Self> {
        // The service makes these files anew at each start, whoever starts it.
        let loaded = [paths.loaded_config(), paths.loaded_trust()];
        let mut run = NoteWriter::default();
        for path in loaded.iter().map(PathBuf::as_path).chain([program]) {
            let stamp = FileStamp::of(path).ok().filter(FileStamp::is_there)?;
            stamp.write(&mut run);
        }
        run.number(identity.cluster);
        run.number(identity.member.0);
        run.text(keys.root());
        Some(Self(run.finish()))
    }
}

/// The ledger that was noted in this run, and where; `None` where none was. What is known
/// of certificates is added to what was `recalled`.
pub fn recall(
    paths: &Paths,
    run: &EtcdRun,
    recalled: &RecalledLeaves,
) -> Option<(Ledger, LedgerPoint)> {
    let content = read(&paths.kept_ledger()).ok().flatten()?;
    ledger_note::read(content.strip_prefix(run.0.as_slice())?, recalled)
}

/// Notes a ledger as it was at this point, if all of it can be.
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
    if !ledger_note::is_for_a_note(ledger) {
        return Ok(());
    }
    let note = ledger_note::write(ledger, point, recalled);
    write_note(&paths.kept_ledger(), &[&run.0, &note], PRIVATE_FILE)
}

/// Forgets it.
///
/// # Errors
/// The note is there and could not be removed.
pub fn forget(paths: &Paths) -> Result<(), MachineError> {
    ensure_absent(&paths.kept_ledger())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::super::layout::ensure_layout;
    use super::super::testing::Machine;
    use super::*;
    use crate::facts::MemberId;

    const POINT: LedgerPoint = LedgerPoint {
        cluster: 1,
        revision: 2,
        keys: 3,
        fence: 4,
    };

    const OWN: MemberIdentity = MemberIdentity {
        member: MemberId(1),
        cluster: 1,
    };

    fn keys(app: &str) -> LedgerKeys {
        let model = "9d39bbbe-d95a-405d-8573-6835864daf92";
        let (model, app) = (model.parse().expect("a UUID"), app.parse().expect("a name"));
        LedgerKeys::new(&model, &app)
    }

    /// A machine on which etcd has loaded its files.
    fn machine() -> (Machine, Paths, PathBuf) {
        let machine = Machine::new();
        let paths = machine.paths();
        ensure_layout(&paths).expect("directories");
        fs::create_dir_all(paths.loaded_dir()).expect("a directory");
        let program = machine.root().join("program");
        for path in [&paths.loaded_config(), &paths.loaded_trust(), &program] {
            fs::write(path, "loaded").expect("writable");
        }
        (machine, paths, program)
    }

    fn noted(paths: &Paths, run: &EtcdRun) -> Option<LedgerPoint> {
        let found = recall(paths, run, &RecalledLeaves::default());
        found.map(|(_, point)| point)
    }

    #[test]
    fn a_note_is_of_one_run_of_one_member_and_one_program() {
        let (_machine, paths, program) = machine();
        let now = |own, app| EtcdRun::now(&paths, &program, own, &keys(app));
        let run = now(OWN, "etcd").expect("a run");
        assert_eq!(noted(&paths, &run), None);
        let recalled = RecalledLeaves::default();
        note(&paths, &run, &Ledger::default(), &POINT, &recalled).expect("written");
        assert_eq!(now(OWN, "etcd"), Some(run.clone()));
        assert_eq!(noted(&paths, &run), Some(POINT));
        let mode = fs::metadata(paths.kept_ledger()).expect("there");
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        let other_member = MemberIdentity {
            member: MemberId(2),
            ..OWN
        };
        let other_cluster = MemberIdentity { cluster: 2, ..OWN };
        for other in [
            now(other_member, "etcd"),
            now(other_cluster, "etcd"),
            now(OWN, "etcd-2"),
        ] {
            assert_eq!(noted(&paths, &other.expect("a run")), None);
        }
        // As the service does at its next start, and an upgrade of the charm.
        for path in [&paths.loaded_config(), &paths.loaded_trust(), &program] {
            let before = now(OWN, "etcd").expect("a run");
            assert!(noted(&paths, &before).is_some());
            let new = path.with_extension("new");
            fs::write(&new, "loaded").expect("writable");
            fs::rename(&new, path).expect("renamed");
            let after = now(OWN, "etcd").expect("a run");
            assert_eq!(noted(&paths, &after), None, "{path:?}");
            note(&paths, &after, &Ledger::default(), &POINT, &recalled).expect("written");
            fs::remove_file(path).expect("removed");
            assert_eq!(now(OWN, "etcd"), None, "{path:?}");
            fs::write(path, "loaded").expect("writable");
            let after = now(OWN, "etcd").expect("a run");
            assert_eq!(noted(&paths, &after), None, "{path:?}");
            note(&paths, &after, &Ledger::default(), &POINT, &recalled).expect("written");
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_note() {
        let (_machine, paths, program) = machine();
        let run = EtcdRun::now(&paths, &program, OWN, &keys("etcd")).expect("a run");
        let recalled = RecalledLeaves::default();
        note(&paths, &run, &Ledger::default(), &POINT, &recalled).expect("written");
        let whole = fs::read(paths.kept_ledger()).expect("there");
        for length in 0..whole.len() {
            fs::write(paths.kept_ledger(), &whole[..length]).expect("writable");
            assert_eq!(noted(&paths, &run), None, "{length}");
        }
        fs::write(paths.kept_ledger(), &whole).expect("writable");
        assert_eq!(noted(&paths, &run), Some(POINT));
        forget(&paths).expect("removed");
        assert_eq!(noted(&paths, &run), None);
        forget(&paths).expect("nothing to do");
        fs::create_dir(paths.kept_ledger()).expect("made");
        assert_eq!(noted(&paths, &run), None);
        assert!(note(&paths, &run, &Ledger::default(), &POINT, &recalled).is_err());
    }
}
