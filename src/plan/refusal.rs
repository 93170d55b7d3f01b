//! Why an action does not do what it is asked for, as things are. The words stand
//! in `explain::reasons`.

use std::path::PathBuf;

use super::Report;
use super::safety::Unsafe;
use crate::facts::authorities::AuthorityKind;
use crate::facts::{
    AlarmKind, Cause, CommonName, NameRefusal, PrefixRefusal, RelationId, UnitName,
};

/// Why an action is refused: it would do harm, or make no sense, as things are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// A newer revision of the charm has written what this one does not know.
    NewerFormat,
    /// The certificate authorities cannot be read yet.
    NoAuthorities,
    /// Nobody can be issued credentials in this name.
    Name(CommonName, NameRefusal),
    /// What is on record of this name has changed since it was decided on.
    Superseded(CommonName),
    /// The archive that lies there would be lost.
    Archive {
        /// On which machine.
        unit: UnitName,
        /// Where, as an operator names it.
        path: PathBuf,
        /// What lies there.
        holds: ArchiveHolds,
    },
    /// This identity is that of a relation, and is not revoked before that is gone.
    OfRelation(CommonName),
    /// No credentials of this name are on record.
    NotIssued(CommonName),
    /// The rights of this name were taken, and etcd lets nobody write that down
    /// while the alarm is raised.
    Unrecorded(CommonName, AlarmKind),
    /// This authority is being replaced already.
    Rotating(AuthorityKind),
    /// There is no authority of clients yet.
    NoClientAuthority,
    /// The keys of the member could not be replaced in this run; what is waited for.
    KeysStay(Box<Report>),
    /// These alarms are raised still, or again, each with its unit.
    AlarmsStay(Vec<String>),
    /// It is not safe to make this member busy.
    Unsafe(String, Unsafe),
    /// Another unit restarts its member.
    RestartLocked,
    /// Leadership has moved, to another member than this one.
    LeaderMoved(String),
    /// A cluster cannot be recreated.
    Recreation(RecreationRefusal),
    /// A file of this name exists already.
    Exists(PathBuf),
}

/// Why a cluster is not recreated from a snapshot, or from what is left of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RecreationRefusal {
    /// This unit is not set up.
    NotSetUp,
    /// An earlier run was cut short and was gone on with instead; what is waited for.
    Resumed(Box<Report>),
    /// The cluster has its majority.
    HasMajority,
    /// No member answers.
    NobodyAnswers,
    /// An operator has not confirmed that the old cluster ends.
    Unconfirmed,
    /// This unit has no data of a member.
    NoData,
    /// The member of this unit does not serve: why, and whether others do.
    NotServed(OwnFault, bool),
    /// Another unit restores a snapshot.
    Locked,
    /// The snapshot was tried out, and failed with this.
    Useless(Cause),
    /// The new cluster is not there yet; what is waited for.
    Unfinished(Box<Report>),
}

/// Why the member of a unit does not serve.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OwnFault {
    /// This unit has no address.
    NoAddress,
    /// It follows without a vote.
    NoVote,
    /// It fails a call with this.
    Fails(Cause),
}

/// What lies where an archive should be written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ArchiveHolds {
    /// The last archive of these credentials, which may not have been fetched.
    CredentialsOf(CommonName),
    /// Nothing that the charm knows.
    Unknown,
}

impl From<RecreationRefusal> for Refusal {
    fn from(refusal: RecreationRefusal) -> Self {
        Self::Recreation(refusal)
    }
}

/// Why a member cannot be defragmented.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unfit {
    /// etcd lets nobody defragment a learner.
    Learner,
    /// It does not answer.
    Silent,
}

/// Why the member that was named is not defragmented.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DefragRefusal {
    /// There is none of this name; the names that there are.
    NotAMember(Vec<String>),
    /// It cannot be.
    Unfit(Unfit),
}

/// What is wrong with a parameter of an action.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ParameterFault {
    /// The action does not know it.
    Unknown,
    /// It is no text.
    NotText,
    /// It is no whole number.
    NotANumber,
    /// It is neither true nor false.
    NotAFlag,
    /// It does not say whose credentials end.
    NoName,
    /// It is no common name.
    NotACommonName,
    /// It names keys where all are asked for.
    BesideFullAccess,
    /// It refuses all keys where none are named.
    NoKeys,
    /// Nobody can be granted this prefix.
    Prefix(PrefixRefusal),
    /// So many days are none, or more than this.
    Days(u64, u64),
    /// It is longer than makes sense.
    GraceTooLong,
    /// There is no relation of this number with a client; those that there are.
    NotAClient(Vec<RelationId>),
    /// The member cannot be defragmented.
    Member(DefragRefusal),
    /// It is no revision.
    NotARevision,
    /// This revision is compacted already; the latest one.
    Compacted(u64, u64),
    /// It is a revision that is not there yet; the latest one.
    Future(u64),
    /// It is no absolute path.
    NotAbsolute,
    /// What should be a directory is a file.
    NotADirectory(PathBuf),
    /// Nothing can be written to the directory, because of this.
    Unwritable(Cause),
    /// The directory cannot be made, because of this.
    Unusable(Cause),
    /// It does not say what to restore.
    NoFile,
    /// There is no such file on the machine of this unit.
    NotAFile(UnitName),
    /// The file is no whole snapshot, because of this.
    NotASnapshot(Cause),
}
