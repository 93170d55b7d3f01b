//! Steps in words and as data, for an operator who wants to know what would be
//! done, or what was.

mod publication;

use crate::facts::{Alarm, ClientRecord, CommonName, LedgerWrite, NameClaim, SignedName};
use crate::plan::access::AccessStep;
use crate::plan::issue::Issuance;
use crate::plan::machine::MachineStep;
use crate::plan::membership::MembershipStep;
use crate::plan::restart::{Restart, RestartStep};
use crate::plan::{LeftLock, Stage};
use publication::publish;

/// One step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// The stage that it belongs to, as [`Stage::name`] has it.
    pub stage: &'static str,
    /// What kind of step it is, for programs.
    pub kind: &'static str,
    /// What it is about: a user, a relation, a member; empty where that is clear.
    pub subject: String,
    /// What it does, as an order to whoever carries it out.
    pub summary: String,
}

/// The kind of step that only makes sure of what was written before; it is no
/// sign that something is wrong.
pub const VERIFY: &str = "verify-answer";

/// Words for a step, before it is known to which stage it belongs.
type Words = (&'static str, String, String);

/// What a stage does, step by step; nothing for what only reads.
pub fn steps(stage: &Stage) -> Vec<Step> {
    let words: Vec<Words> = match stage {
        Stage::Machine(steps) => steps.iter().map(machine).collect(),
        Stage::FreeLock(LeftLock { name, holder }) => vec![(
            "free-lock",
            name.to_string(),
            format!("free the lock `{name}`, which {holder} left behind"),
        )],
        Stage::Disarm(alarms) => alarms.iter().map(disarm).collect(),
        Stage::Membership(step) => vec![membership(step)],
        Stage::Access(steps) => steps.iter().flat_map(access).collect(),
        Stage::Issue(issuances) => issuances.iter().map(issue).collect(),
        Stage::Disconnect(_) => vec![(
            "disconnect",
            String::new(),
            "end the connections of clients to this unit's member: some have lost rights"
                .to_owned(),
        )],
        Stage::Restart(step) => restart(step).into_iter().collect(),
        Stage::Stop => vec![("stop", String::new(), "stop etcd for good".to_owned())],
        Stage::Publish(publication) => publish(publication),
    };
    let step = |(kind, subject, summary)| Step {
        stage: stage.name(),
        kind,
        subject,
        summary,
    };
    words.into_iter().map(step).collect()
}

fn machine(step: &MachineStep) -> Words {
    let (kind, summary) = match step {
        MachineStep::Install(_) => ("install", "install etcd"),
        MachineStep::StoreAuthorities(_) => (
            "store-authorities",
            "store the certificates of the authorities",
        ),
        MachineStep::IssueServer(..) => (
            "issue-server",
            "make a new certificate for this unit's member",
        ),
        MachineStep::IssueAdmin(..) => (
            "issue-admin",
            "make a new administrator's certificate for this unit",
        ),
        MachineStep::StoreProviderTrust(_) => (
            "store-authorities",
            "store the certificates of the provider's authorities",
        ),
        MachineStep::Request(..) => (
            "request-certificate",
            "make a key, and ask the provider for a certificate",
        ),
        MachineStep::ForgetRequest => (
            "forget-request",
            "forget what was asked of a provider that is gone",
        ),
        MachineStep::Show(_) => (
            "show-certificate",
            "show clients another certificate of this unit's member",
        ),
        MachineStep::KeysReplaced => ("note-keys", "note that the keys were replaced"),
        MachineStep::Quarantine(_) => (
            "quarantine",
            "quarantine what this unit has of a member that is no more, and join anew",
        ),
        MachineStep::Bootstrap(_) => ("bootstrap", "bootstrap the cluster"),
        MachineStep::TakeOver(..) => (
            "take-over",
            "take over the data of the cluster whose units are gone",
        ),
        MachineStep::Note(_) => ("note-member", "note which member this unit's is"),
        MachineStep::WriteTrust(_) => ("write-trust", "write the first trust file"),
        MachineStep::Configure(_) => (
            "configure",
            "write etcd's configuration and its service anew",
        ),
        MachineStep::Start => ("start", "start etcd"),
    };
    (kind, String::new(), summary.to_owned())
}

fn disarm(alarm: &Alarm) -> Words {
    let summary = format!("lower the alarm {}, which has no cause", alarm.kind);
    ("disarm", alarm.member.to_string(), summary)
}

fn membership(step: &MembershipStep) -> Words {
    let (kind, subject, summary) = match step {
        MembershipStep::EnableAuthentication => (
            "enable-authentication",
            String::new(),
            "switch authentication on".to_owned(),
        ),
        MembershipStep::AddLearner(url) => (
            "add-learner",
            url.clone(),
            format!("add this unit at {url} as a member without a vote"),
        ),
        MembershipStep::Join(_) => ("join", String::new(), "join the cluster".to_owned()),
        MembershipStep::Promote(id) => (
            "promote",
            id.to_string(),
            "give this unit's member its vote".to_owned(),
        ),
        MembershipStep::Move(id, url) => (
            "move",
            id.to_string(),
            format!("tell the others that this unit's member is at {url} now"),
        ),
        MembershipStep::MoveLeader(id) => (
            "hand-over",
            id.to_string(),
            format!("move leadership of the cluster to member {id}"),
        ),
        MembershipStep::Remove(id, _) => (
            "remove",
            id.to_string(),
            format!("take member {id}, whose unit is gone, off the member list"),
        ),
    };
    (kind, subject, summary)
}

fn access(step: &AccessStep) -> Vec<Words> {
    let (kind, name, summary) = match step {
        AccessStep::Unsettle => return Vec::new(),
        AccessStep::Ledger(writes) => {
            return writes.iter().filter_map(write).collect();
        }
        AccessStep::Claim(name, claim, record) => (
            "claim",
            name,
            format!(
                "claim the name {name} for relation {}, and {}",
                claim.holder,
                recorded(record)
            ),
        ),
        AccessStep::ClaimIssued(name, _) => (
            "claim-issued",
            name,
            format!("claim the name {name} for an identity of the charm's"),
        ),
        AccessStep::ReplaceIssued(name, _, _) => (
            "record-issued",
            name,
            format!("record the identity {name} that was issued"),
        ),
        AccessStep::AddRole(name) => ("add-role", name, format!("make role {name}")),
        AccessStep::GrantPermission(name, range) => (
            "permit",
            name,
            format!("let role {name} read and write {range}"),
        ),
        AccessStep::RevokePermission(name, range) => {
            ("forbid", name, format!("take {range} from role {name}"))
        }
        AccessStep::AddUser(name) => ("add-user", name, format!("make user {name}")),
        AccessStep::GrantRole(name) => ("grant-role", name, format!("give user {name} its role")),
        AccessStep::RevokeRole(name, role) => (
            "revoke-role",
            name,
            format!("take role {role} from user {name}"),
        ),
        AccessStep::DeleteUser(name) => ("delete-user", name, format!("delete user {name}")),
        AccessStep::DeleteRole(name) => ("delete-role", name, format!("delete role {name}")),
        AccessStep::TakeRole(user, role) => {
            let summary = format!("take role {role} from user {user:?}, which nobody here made");
            return vec![("take-role", user.clone(), summary)];
        }
        AccessStep::LockRoot => {
            let summary = "give root, which has a password, one that nobody knows".to_owned();
            return vec![("lock-root", "root".to_owned(), summary)];
        }
    };
    vec![(kind, name.to_string(), summary)]
}

fn write(write: &LedgerWrite) -> Option<Words> {
    Some(match write {
        LedgerWrite::Record(key, record) => {
            let summary = format!("{} of relation {key}", recorded(record));
            ("record-request", key.to_string(), summary)
        }
        LedgerWrite::ForgetRecord(key) => {
            let summary = format!("forget the request of relation {key}");
            ("forget-request", key.to_string(), summary)
        }
        LedgerWrite::Name(name, claim) => claimed(name, claim),
        LedgerWrite::FreeName(name) => (
            "free-name",
            name.to_string(),
            format!("free the name {name}"),
        ),
        LedgerWrite::Issued(name, _) => {
            let summary = format!("record the identity {name} that was issued");
            ("record-issued", name.to_string(), summary)
        }
        LedgerWrite::ForgetIssued(name) => {
            let summary = format!("forget the identity {name}, which is over");
            ("forget-issued", name.to_string(), summary)
        }
        LedgerWrite::Signed(name, record) => signed(name, record),
        LedgerWrite::ForgetSigned(name) => {
            let summary = format!("free the name {name}, whose certificates have ended");
            ("forget-signed", name.to_string(), summary)
        }
        LedgerWrite::Member(member, _) => {
            let summary = format!("note which certificates {member} trusts");
            ("record-trust", member.to_string(), summary)
        }
        LedgerWrite::Unsigned(relation, why) => {
            let summary = format!("note `{}` for requests of {}", why.words(), why.app);
            ("refuse-certificate", relation.to_string(), summary)
        }
        LedgerWrite::ForgetMember(member) => {
            let summary = format!("forget what {member} trusted, which is no member any more");
            ("forget-member", member.to_string(), summary)
        }
        // They only count what the step beside them does, or say how far the others
        // have come.
        LedgerWrite::Pace(..)
        | LedgerWrite::ForgetPace(_)
        | LedgerWrite::Ended(..)
        | LedgerWrite::ForgetEnded(_)
        | LedgerWrite::ForgetUnsigned(_)
        | LedgerWrite::Unsettle
        | LedgerWrite::Settle => return None,
    })
}

fn claimed(name: &CommonName, claim: &NameClaim) -> Words {
    if claim.releasing {
        let summary =
            format!("keep the name {name} back until no member trusts its old certificate");
        return ("release-name", name.to_string(), summary);
    }
    let holder = &claim.holder;
    let summary = format!("note which certificates bear the name {name} of relation {holder}");
    ("record-name", name.to_string(), summary)
}

fn signed(name: &CommonName, record: &SignedName) -> Words {
    if record.is_revoked {
        let summary =
            format!("keep the name {name} from everybody until its certificates have ended");
        return ("revoke-signed", name.to_string(), summary);
    }
    let app = &record.app;
    let summary = format!("keep the name {name} for {app}, which asks for certificates");
    ("record-signed", name.to_string(), summary)
}

fn recorded(record: &ClientRecord) -> String {
    match (&record.condition, &record.grant) {
        (Some(condition), _) => format!("note `{}` for the request", condition.words()),
        (None, Some(grant)) => format!("record the grant of {}", grant.prefix),
        (None, None) => "record the end of the request".to_owned(),
    }
}

fn issue(issuance: &Issuance) -> Words {
    let relation = issuance.relation.to_string();
    let endpoint = issuance.interface.endpoint();
    let summary = format!("issue an identity to relation {endpoint}:{relation}");
    ("issue", relation, summary)
}

fn restart(step: &RestartStep) -> Option<Words> {
    match step {
        // It only reads.
        RestartStep::ReadPending => None,
        RestartStep::Prove => Some((
            "prove-trust",
            String::new(),
            "keep the trust file with which this unit's member serves".to_owned(),
        )),
        RestartStep::FallBack => Some((
            "fall-back",
            String::new(),
            "go back to the trust file with which this unit's member served".to_owned(),
        )),
        RestartStep::Record(_) => Some((
            "record-trust",
            String::new(),
            "note which certificates this unit's member trusts".to_owned(),
        )),
        RestartStep::Restart(Restart::AtOnce) => Some((
            "restart",
            String::new(),
            "restart etcd, which serves nobody as it is".to_owned(),
        )),
        RestartStep::Restart(Restart::InTurn(restart)) => Some((
            "restart",
            String::new(),
            format!(
                "restart this unit's member, which then trusts {} client certificates",
                restart.after.loaded.len()
            ),
        )),
    }
}
