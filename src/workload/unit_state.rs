//! What one unit must remember from hook to hook, because nothing else knows
//! it: which address it serves, with which words it joined, what it last said.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::WorkloadError;
use super::files::{Owner, PUBLIC_FILE, ensure_file, read};
use super::paths::Paths;
use crate::facts::provider::ProviderNote;
use crate::facts::{
    AuditedRights, Bootstrap, MemberIdentity, MemberName, Recreation, RefusalNote, RelationId,
    Share, Timestamp, ToldEnd,
};

/// The version that this revision writes. It is raised only when a field comes
/// to mean something else; a field more or less needs no new version.
const VERSION: u32 = 1;

/// The facts that one unit keeps on its own machine. There is no secret in
/// here: an operator may read the file.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct UnitState {
    /// The address under which this unit's member was last configured.
    pub address: Option<IpAddr>,
    /// The directory of etcd's data.
    pub data_dir: Option<PathBuf>,
    /// The peer relation: a unit that is going away is not told of it in every
    /// hook.
    pub peer_relation: Option<RelationId>,
    /// The words with which the member was bootstrapped or joined.
    #[serde(rename = "founding")]
    pub bootstrap: Option<Bootstrap>,
    /// Which member this unit's is; known from the moment it is added, or, where
    /// it bootstraps the cluster, from its first start. etcd is not started with the
    /// data of another one.
    pub identity: Option<MemberIdentity>,
    /// Whether the storage is a file system of its own, as it was when the member
    /// was started first: without it the directory is there and empty.
    pub storage_is_mounted: bool,
    /// A new cluster that this unit is about to put in place.
    #[serde(rename = "refounding")]
    pub recreation: Option<Recreation>,
    /// The unit's status as last set, word and message, so that the same one
    /// is not set again.
    pub last_unit_status: Option<(String, String)>,
    /// What the last hook found that its unit's status may have had no room for:
    /// the action `health` tells it in full.
    pub status_details: Vec<String>,
    /// The application's status as last set by this unit.
    pub last_app_status: Option<(String, String)>,
    /// Client URLs of all members as last seen: where to ask when this unit's
    /// own member does not answer.
    pub client_endpoints: Vec<String>,
    /// The SHA-256 of the archive that etcd was installed from.
    pub source_digest: Option<String>,
    /// Whether an installation was begun and has not come to its end. Programs
    /// that are there then may lack what their package sets up.
    pub installing: bool,
    /// Why that archive is not used, where it is not.
    pub refused_upgrade: Option<RefusalNote>,
    /// Why that archive is no etcd for this machine, where it is none.
    pub refused_archive: Option<RefusalNote>,
    /// Whether this unit is going away: what Juju then says of relations is
    /// true of this unit, and not of the application.
    pub dying: bool,
    /// Units that have left, by the names of their members, with the addresses
    /// they had. A unit's number is never used again, so this stays true.
    pub departed: BTreeMap<MemberName, Option<String>>,
    /// Members that did not answer when they were asked last, with the number of
    /// regular passes in a row in which they did not.
    #[serde(rename = "silent")]
    pub unreachable: BTreeMap<MemberName, u32>,
    /// The options as they were when all of them were last in order: what
    /// stays in force while one is not, and what events that do not read them
    /// go by.
    pub options: Option<Map<String, Value>>,
    /// Why the options as they are now cannot be taken.
    pub refused_option: Option<RefusalNote>,
    /// The largest quota that the volume of the data was found good for. It
    /// never shrinks, so that a volume that others share does not cause one
    /// restart after the other.
    pub auto_quota: Option<u64>,
    /// The revision of the ledger for which the connections of clients to this
    /// unit's member were ended last: those of whoever lost rights before.
    pub disconnected: Option<i64>,
    /// The port for clients that Juju refused to open, if it did.
    pub refused_port: Option<u16>,
    /// Until when the restarts for certificates are paid for that were made.
    pub restarts_paid_until: Option<Timestamp>,
    /// The digest of a trust file with which this member did not serve, and when.
    pub refused_trust: Option<(String, Timestamp)>,
    /// What hooks of this unit have shared over relations for the first time, until
    /// it is seen that Juju has committed it.
    pub shares: BTreeMap<RelationId, Share>,
    /// What this unit was told of the end of relations, a short while ago.
    pub told_ends: BTreeMap<RelationId, ToldEnd>,
    /// How it stood with whoever signs for members instead of the charm.
    pub provider: Option<ProviderNote>,
    /// Whether an operator wants other keys for this unit's member, and has not got
    /// them yet.
    pub replaces_keys: bool,
    /// Where users and roles were last found to be what the ledger says, all of them.
    pub audited_rights: Option<AuditedRights>,
}

/// The facts as they stand in the file.
#[derive(Deserialize, Serialize)]
struct Versioned<State> {
    version: u32,
    #[serde(flatten)]
    state: State,
}

impl UnitState {
    /// Reads the facts of a unit. A unit without any has none yet; what another
    /// revision of the charm wrote in addition is left out, what it did not
    /// write is at its default.
    ///
    /// # Errors
    /// The file could not be read, was damaged, or is from a revision of the
    /// charm that this one cannot follow.
    pub fn read(paths: &Paths) -> Result<Self, WorkloadError> {
        let path = paths.unit_state_file();
        let Some(content) = read(&path)? else {
            return Ok(Self::default());
        };
        let damaged = |source| WorkloadError::UnitState {
            path: path.clone(),
            source,
        };
        // The version first: what follows it may not be what we think it is.
        let Versioned { version, state } =
            serde_json::from_slice::<Versioned<Value>>(&content).map_err(damaged)?;
        if version > VERSION {
            return Err(WorkloadError::UnitStateTooNew {
                path,
                found: version,
                known: VERSION,
            });
        }
        serde_json::from_value(state).map_err(damaged)
    }

    /// Writes the facts of a unit; says whether they were others before.
    ///
    /// # Errors
    /// The file could not be written.
    pub fn write(&self, paths: &Paths) -> Result<bool, WorkloadError> {
        let path = paths.unit_state_file();
        let versioned = Versioned {
            version: VERSION,
            state: self,
        };
        let mut text =
            serde_json::to_vec_pretty(&versioned).map_err(|source| WorkloadError::UnitState {
                path: path.clone(),
                source,
            })?;
        text.push(b'\n');
        Ok(ensure_file(&path, &text, PUBLIC_FILE, Owner::Charm)?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::layout::ensure_layout;
    use super::super::testing::Machine;
    use super::*;
    use crate::facts::provider::ProviderState;
    use crate::facts::{ArchiveFault, MemberId};

    const TOLD_END: ToldEnd = ToldEnd {
        at: Timestamp(5),
        is_over: true,
    };

    fn written(text: &str) -> Result<UnitState, WorkloadError> {
        let machine = Machine::new();
        ensure_layout(&machine.paths()).expect("directories");
        fs::write(machine.paths().unit_state_file(), text).expect("writable");
        UnitState::read(&machine.paths())
    }

    /// With something in every field that may be empty, but for a few.
    fn filled() -> UnitState {
        UnitState {
            address: Some("fd00::1".parse().expect("an address")),
            data_dir: Some("/srv/data".into()),
            peer_relation: Some(RelationId(3)),
            bootstrap: Some(Bootstrap {
                initial_cluster: "etcd-0=https://[fd00::1]:2380".to_owned(),
                existing: false,
                token: "token".to_owned(),
                generation: 0,
            }),
            identity: Some(MemberIdentity {
                member: MemberId(u64::MAX),
                cluster: 7,
            }),
            storage_is_mounted: true,
            recreation: Some(Recreation {
                bootstrap: Bootstrap::default(),
                removes_members: true,
            }),
            last_unit_status: Some(("active".to_owned(), String::new())),
            status_details: vec!["attach 3.6".to_owned()],
            last_app_status: None,
            client_endpoints: vec!["https://[fd00::1]:2379".to_owned()],
            source_digest: None,
            installing: true,
            refused_upgrade: None,
            refused_archive: Some(ArchiveFault::Unreadable.into()),
            dying: true,
            departed: [(MemberName::new("etcd-1"), Some("10.0.0.2".to_owned()))].into(),
            unreachable: [(MemberName::new("etcd-2"), 3)].into(),
            options: Some(
                [("client-port".to_owned(), Value::from(2379))]
                    .into_iter()
                    .collect(),
            ),
            refused_option: serde_json::from_str(r#""option client-port must be a port""#).ok(),
            auto_quota: Some(8 << 30),
            disconnected: Some(7),
            refused_port: Some(2379),
            restarts_paid_until: Some(Timestamp(1_800_000_000)),
            refused_trust: Some(("5f".to_owned(), Timestamp(1_800_000_000))),
            shares: [(
                RelationId(4),
                Share::tried(None, &Default::default(), true, Timestamp(5)),
            )]
            .into(),
            told_ends: [(RelationId(4), TOLD_END)].into(),
            provider: Some(ProviderNote {
                app: "vault".parse().expect("a name"),
                state: ProviderState::Unfit("nonsense".to_owned()),
                ending: Some(Timestamp(7)),
            }),
            replaces_keys: true,
            audited_rights: Some(AuditedRights {
                cluster: 7,
                revision: 9,
                granted: "5f".to_owned(),
                changed: ["alpha".parse().expect("a name")].into(),
            }),
        }
    }

    #[test]
    fn what_is_written_is_read_and_written_only_once() {
        let machine = Machine::new();
        let paths = machine.paths();
        ensure_layout(&paths).expect("directories");
        assert_eq!(UnitState::read(&paths).expect("none"), UnitState::default());
        let state = filled();
        assert!(state.write(&paths).expect("written"));
        assert!(!state.write(&paths).expect("the same"));
        assert_eq!(UnitState::read(&paths).expect("readable"), state);
    }

    /// As units that run today have it on their disks: a name in the file is
    /// never changed.
    #[test]
    fn the_names_in_the_file_stay() {
        let state = written(
            r#"{"version": 1, "address": "10.0.0.1", "data_dir": "/srv/data", "peer_relation": 3,
                "founding": {"initial_cluster": "etcd-0=https://10.0.0.1:2380",
                             "existing": true, "token": "token", "generation": 7},
                "identity": {"member": 5, "cluster": 6}, "storage_is_mounted": true,
                "refounding": {"founding": {"initial_cluster": "", "existing": false,
                                            "token": "next", "generation": 8},
                               "dissolves": true},
                "dying": true, "departed": {"etcd-1": "10.0.0.2"}, "silent": {"etcd-2": 3},
                "disconnected": 7, "refused_port": 2379, "refused_upgrade": "attach a release of 3.5"}"#,
        )
        .expect("readable");
        let bootstrap = state.bootstrap.expect("how it joined");
        assert_eq!((bootstrap.existing, bootstrap.generation), (true, 7));
        let recreation = state.recreation.expect("a cluster to come");
        assert!(recreation.removes_members);
        assert_eq!(recreation.bootstrap.token, "next");
        assert_eq!(state.unreachable[&MemberName::new("etcd-2")], 3);
        assert_eq!(state.departed.len(), 1);
        let refused = state.refused_upgrade.as_ref().map(RefusalNote::as_str);
        assert_eq!(refused, Some("attach a release of 3.5"));
    }

    #[test]
    fn other_fields_than_ours_do_no_harm() {
        let state = written(r#"{"version": 1, "address": "10.0.0.1", "later": {"a": [1]}}"#);
        let address = state.expect("readable").address.expect("an address");
        assert_eq!(address.to_string(), "10.0.0.1");
    }

    #[test]
    fn what_cannot_be_followed_is_not_guessed_at() {
        assert!(matches!(
            written(r#"{"version": 2, "address": {"v4": 1}}"#),
            Err(WorkloadError::UnitStateTooNew { found: 2, .. })
        ));
        for text in ["", "{}", r#"{"version": 1, "address": 7}"#] {
            assert!(
                matches!(written(text), Err(WorkloadError::UnitState { .. })),
                "{text}"
            );
        }
    }
}
