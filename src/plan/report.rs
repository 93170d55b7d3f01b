//! What a plan waits for, and what an operator should know besides.

use super::alarm::Raised;
use super::authorities::rotation::RotationProgress;
use super::members;
use super::safety::Unsafe;
use super::trusted::AuthorityFault;
use crate::facts::authorities::AuthorityKind;
use crate::facts::machine::Machine;
use crate::facts::observed::{NotEnded, Observed};
use crate::facts::provider::ProviderNote;
use crate::facts::reason::{LeftOut, Overlap};
use crate::facts::{
    AlarmKind, Cause, Cluster, CommonName, Condition, Instead, IssuedState, Member, NoAnswer,
    Purpose, Reason, RefusalNote, RequestKey, Requirer, Timestamp, UnitName, Version,
};
use crate::tls::{BundleError, OwnCertificate};

/// How long before a client's certificate expires an operator is told: a week,
/// so that it is seen on a working day.
const EXPIRY_WARNING_SECONDS: i64 = 7 * 24 * 3600;

/// How long before the end of an authority an operator is told: half a year.
/// Every certificate that it has signed ends with it, and clients need time to
/// take another one over.
const AUTHORITY_WARNING_SECONDS: i64 = 180 * 24 * 3600;

/// Why things are as they are. It is not a summary of the plan.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[must_use = "an unread report helps nobody"]
pub struct Report {
    /// What this unit waits for before it can serve.
    pub wait: Option<Wait>,
    /// Why the options are not in force as they are set now.
    pub refused_option: Option<RefusalNote>,
    /// What etcd has found wrong, and who says so.
    pub alarms: Vec<Raised>,
    /// Why the etcd that an operator has attached is not taken.
    pub refused_upgrade: Option<RefusalNote>,
    /// Why the archive that an operator has attached is no etcd for this machine.
    pub refused_archive: Option<RefusalNote>,
    /// Members that are of no unit of this application.
    pub unmanaged_members: Vec<String>,
    /// Requests that are not in force as they stand.
    pub conditions: Vec<(Requirer, Condition)>,
    /// Requests whose certificate on record no member can trust (any more), and
    /// why.
    pub left_out: Vec<(RequestKey, LeftOut)>,
    /// When this member restarts for certificates that it does not trust yet,
    /// where there were too many restarts lately.
    pub postponed: Option<Timestamp>,
    /// Whether this member does not serve with the certificates that it should
    /// trust, and so goes on with those before.
    pub refused_trust: bool,
    /// Clients whose certificate is about to expire, or has.
    pub expiring: Vec<(Requirer, Timestamp)>,
    /// Certificate authorities whose end is near, and what they are of.
    pub ending: Vec<(AuthorityKind, Timestamp)>,
    /// How far the replacement of authorities has come, of each that is being replaced.
    pub rotations: Vec<RotationProgress>,
    /// Credentials of operators that are about to expire.
    pub expiring_credentials: Vec<(CommonName, Timestamp)>,
    /// How it stands with whoever signs for members instead of the charm.
    pub provider: Option<ProviderNote>,
    /// Prefixes of requests that others have keys of, which is allowed and still worth a
    /// line in the log.
    pub overlaps: Vec<(Requirer, RequestKey, Overlap)>,
    /// The version of etcd that runs.
    pub version: Option<Version>,
    /// Why watches that were open before rights were taken away still are, where
    /// this unit's machine cannot end them.
    pub lingering: Option<NotEnded>,
    /// Members that did not answer when they were asked, if any, but for those
    /// that are joining.
    pub unreachable: Vec<String>,
    /// The port for clients that Juju refused to open, if it did.
    pub refused_port: Option<u16>,
    /// Members that are joining, as far as their names are known.
    pub joining: Vec<String>,
    /// Whether a client waits for the restart that this unit waits for.
    pub clients_wait: bool,
    /// Whether the member of this unit leads the cluster.
    pub raft_leader: bool,
}

impl Report {
    /// Notes what is waited for; the first reason stands, since those after it
    /// follow from it.
    pub fn wait_for(&mut self, wait: Wait) {
        self.wait.get_or_insert(wait);
    }

    /// Notes a prefix that others have keys of, once.
    pub(super) fn note_overlap(&mut self, who: Requirer, key: &RequestKey, overlap: Overlap) {
        let overlap = (who, key.clone(), overlap);
        if !self.overlaps.contains(&overlap) {
            self.overlaps.push(overlap);
        }
    }

    /// Notes which members are unreachable, and which are on their way: whatever else
    /// is waited for, that is the first to know.
    pub(crate) fn read_health(&mut self, observed: &Observed, cluster: &Cluster) {
        let own = observed.member();
        self.unreachable = cluster
            .members
            .iter()
            .filter(|member| !members::is_joining(member) && !cluster.answers(member.id))
            .filter(|member| member.name.as_ref() != Some(&own))
            .map(|member| member.called(observed.unit.app()))
            .collect();
        self.unreachable.sort();
        let joiners = members::joiners(observed, cluster).into_iter();
        let units = joiners
            .filter(|name| **name != own)
            .filter_map(|name| name.unit(observed.unit.app()));
        self.joining = units.map(|unit| unit.to_string()).collect();
    }

    /// Notes which of the authorities end soon.
    pub(crate) fn read_authorities(&mut self, machine: &Machine, now: Timestamp) {
        let soon = now.plus_seconds(AUTHORITY_WARNING_SECONDS);
        for (of, text) in [
            (AuthorityKind::Servers, &machine.server_ca),
            (AuthorityKind::Administrators, &machine.admin_ca),
            (AuthorityKind::Clients, &machine.client_ca),
        ] {
            let authority = text.as_deref().map(OwnCertificate::read);
            if let Some(Ok(authority)) = authority
                && authority.not_after < soon
            {
                self.ending.push((of, authority.not_after));
            }
        }
    }

    /// Notes what the ledger says of every client, those outside the scope of
    /// this pass included: a status speaks of the whole. `own` is the member of
    /// this unit, if it is on the list.
    pub(crate) fn read_ledger(
        &mut self,
        cluster: &Cluster,
        own: Option<&Member>,
        observed: &Observed,
    ) {
        let soon = observed.now.plus_seconds(EXPIRY_WARNING_SECONDS);
        for entry in cluster.ledger.clients.entries() {
            let view = entry.view();
            let is_expiring = view.grant.is_some_and(|grant| grant.not_after < soon);
            if !view.has_condition && !is_expiring && self.left_out.is_empty() {
                continue;
            }
            let (key, record) = (entry.key(), entry.record());
            let requirer = cluster.ledger.requirer(key);
            if let Some(condition) = &record.condition {
                self.conditions.push((requirer.clone(), condition.clone()));
            } else if let Some((_, reason)) = self.left_out.iter().find(|(left, _)| left == key) {
                // What it brings now says more, where it brings something else.
                let reason = Reason::LeftOut(reason.clone());
                self.conditions.push((requirer.clone(), reason.into()));
            }
            if let Some(grant) = &record.grant
                && grant.not_after < soon
            {
                self.expiring.push((requirer, grant.not_after));
            }
        }
        for unsigned in cluster.ledger.unsigned.values() {
            let requirer = Some(&unsigned.app).into();
            self.conditions.push((requirer, unsigned.into()));
        }
        for (name, record) in &cluster.ledger.issued {
            let is_used = record.state == IssuedState::InForce;
            if record.purpose == Purpose::Operator && is_used && record.not_after < soon {
                let expiring = (name.clone(), record.not_after);
                self.expiring_credentials.push(expiring);
            }
        }
        self.version = Some(cluster.status.version.clone());
        // Asked was any member, and not always this unit's.
        if let Some(own) = own {
            self.raft_leader = cluster.status.leader == Some(own.id);
            if !cluster.answers(own.id) {
                self.wait_for(Wait::Member);
            }
        }
    }
}

/// What a unit waits for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wait {
    /// A full pass, which lets this unit join.
    Joining,
    /// A newer revision of the charm has written what this one does not know.
    NewerFormat,
    /// Juju, which has not given this unit what it needs yet.
    Machine(MachineWait),
    /// The peer relation, which Juju makes right after the installation.
    PeerRelation,
    /// The leader, which makes the certificate authorities.
    Authorities,
    /// The unit that is to bootstrap the cluster.
    Bootstrap(UnitName),
    /// The cluster, which exists and does not answer this unit yet.
    Reach,
    /// An operator who attaches another etcd: with the one that is here this unit
    /// cannot join.
    Release(ReleaseFault),
    /// Another unit that is joining; they join one at a time.
    OtherJoiner,
    /// The learner to catch up with the leader.
    Promotion,
    /// An operator who corrects an option.
    Options,
    /// What stands in the way of a restart of this unit's member.
    Restart(RestartWait),
    /// Nothing any more: this unit is being removed.
    Removal,
    /// The data of this unit's member is gone, and the others cannot be asked to
    /// do without it; an operator has to decide.
    LostMember,
    /// The data of this unit's member is gone, and there is no other.
    LostCluster,
    /// The storage holds data of a cluster that is gone, and perhaps not all of it.
    OldData,
    /// The data of this unit's member cannot be read.
    UnreadableData,
    /// Another unit, whose member is still known at the address that this one has
    /// now.
    Address(UnitName),
    /// An operator who deals with what etcd has raised an alarm for.
    Alarm(AlarmKind),
    /// An operator who finds out why etcd of this unit does not answer. Others
    /// serve clients meanwhile.
    Member,
    /// etcd, which cannot be asked.
    Etcd(NoAnswer),
    /// The old cluster to be taken apart, for the one that takes its place.
    Recreation,
    /// The majority of the members, without which nothing can be read or
    /// written; those that do not answer, as far as they are known.
    Majority(Vec<String>),
}

/// What Juju gives each unit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MachineWait {
    /// An address.
    Address,
    /// The storage for etcd's data.
    Storage,
}

/// Why a unit cannot join with the etcd that it has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ReleaseFault {
    /// The archive that is attached is no etcd for this machine; what is wrong with it,
    /// as it was noted when it was tried.
    Archive(RefusalNote),
    /// It cannot join members of this release.
    CannotJoin {
        /// What the members run.
        members: Version,
        /// What this unit has.
        own: Version,
        /// What to attach.
        instead: Instead,
    },
    /// It does not say which release it is, because of this.
    Unreadable(Cause),
}

/// Why etcd of this unit is not restarted now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RestartWait {
    /// It has just been started and has not come up yet.
    Starting,
    /// Another member restarts, and they do so one at a time.
    OtherMember,
    /// Without our own authorities nobody could administer it.
    Authority(AuthorityFault),
    /// This unit is not on the member list.
    NotAMember,
    /// No trust file can be made of whom it should trust.
    TrustFile(BundleError),
    /// The cluster cannot be without it.
    Unsafe(Unsafe),
}
