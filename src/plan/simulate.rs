//! What the world will be like once a stage is carried out, as far as that can
//! be known now: with this the plan of a whole pass can be shown before any of
//! it is done.

use std::collections::BTreeSet;

use super::Stage;
use super::access::AccessStep;
use super::configuration;
use super::machine::MachineStep;
use super::membership::MembershipStep;
use super::restart::{Restart, RestartInTurn, RestartStep};
use crate::facts::machine::{Documents, Machine};
use crate::facts::observed::{Disconnection, Observed};
use crate::facts::{Access, Cluster, CommonName, Known, LedgerWrite, Permission};

/// Changes what was observed as the stage would change it. `false` if what
/// comes after cannot be known before it is carried out.
pub fn simulate(observed: &mut Observed, stage: &Stage) -> bool {
    let member = observed.member();
    let wanted = configuration::wanted(observed);
    let Known::Known(cluster) = &mut observed.cluster else {
        return false;
    };
    match stage {
        Stage::Machine(steps) => {
            let machine = &mut observed.machine;
            return steps.iter().all(|step| simulate_machine(machine, step));
        }
        Stage::FreeLock(lock) => {
            cluster.ledger.locks.remove(&lock.name);
        }
        Stage::Disconnect(revision) => {
            observed.disconnection = Disconnection::Done;
            observed.machine.disconnected = revision.or(observed.machine.disconnected);
        }
        Stage::Disarm(alarms) => {
            let raised = &mut cluster.status.alarms;
            raised.retain(|alarm| !alarms.contains(alarm));
        }
        Stage::Membership(step) => {
            observed.restarted |= matches!(step, MembershipStep::Promote(_));
            return simulate_membership(cluster, step);
        }
        Stage::Access(steps) => {
            for step in steps {
                simulate_access(cluster, step);
            }
            observed.granted = true;
        }
        Stage::Restart(RestartStep::ReadPending) => observed.clients.pending_is_read = true,
        Stage::Restart(RestartStep::Prove) => observed.machine.is_unproven = false,
        // Whether it serves with either file is seen only then.
        Stage::Restart(RestartStep::FallBack | RestartStep::Restart(Restart::AtOnce)) => {
            return false;
        }
        Stage::Restart(RestartStep::Record(trust)) => {
            cluster.ledger.members.insert(member, trust.clone());
        }
        Stage::Restart(RestartStep::Restart(Restart::InTurn(restart))) => {
            simulate_restart(&mut observed.machine, cluster, restart, wanted);
            let after = restart.after.clone();
            cluster.ledger.members.insert(member, after);
            observed.restarted = true;
        }
        // What is issued is drawn by lot.
        Stage::Issue(_) => return false,
        Stage::Stop | Stage::Publish(_) => {}
    }
    true
}

/// What its member has loaded, who leads, and where the member is looked for.
fn simulate_restart(
    machine: &mut Machine,
    cluster: &mut Cluster,
    restart: &RestartInTurn,
    wanted: Option<Documents>,
) {
    machine.restarts_paid_until = restart.paid_until;
    machine.loaded_leaves = Some(restart.after.loaded.clone());
    machine.written_leaves = Some(restart.after.loaded.clone());
    if let Some(wanted) = wanted {
        machine.loaded_configuration = Some(wanted.configuration);
    }
    if restart.transferee.is_some() {
        cluster.status.leader = restart.transferee;
    }
    if let Some((id, url)) = &restart.moves_to {
        let mut members = cluster.members.iter_mut();
        if let Some(member) = members.find(|member| member.id == *id) {
            member.peer_urls = vec![url.clone()];
        }
    }
}

fn simulate_machine(machine: &mut Machine, step: &MachineStep) -> bool {
    match step {
        MachineStep::StoreAuthorities(trust) => {
            machine.server_ca = Some(trust.server.clone());
            machine.admin_ca = Some(trust.admin.clone());
            machine.client_ca.clone_from(&trust.client);
        }
        MachineStep::Configure(documents) => machine.written = documents.clone(),
        MachineStep::Note(identity) => machine.identity = Some(*identity),
        MachineStep::StoreProviderTrust(text) => machine.provider_ca = text.clone(),
        MachineStep::ForgetRequest => machine.pending_request = None,
        MachineStep::Show(pair) => machine.served = Some(pair.clone()),
        MachineStep::KeysReplaced => machine.replaces_keys = false,
        // What it will have loaded by then is not known.
        MachineStep::Start
        | MachineStep::Install(_)
        | MachineStep::IssueServer(..)
        | MachineStep::Request(..)
        | MachineStep::IssueAdmin(..)
        | MachineStep::Quarantine(_)
        | MachineStep::Bootstrap(_)
        | MachineStep::TakeOver(..)
        | MachineStep::WriteTrust(_) => return false,
    }
    true
}

fn simulate_membership(cluster: &mut Cluster, step: &MembershipStep) -> bool {
    let mut members = cluster.members.iter_mut();
    match step {
        MembershipStep::EnableAuthentication => cluster.authentication = Some(true),
        MembershipStep::Promote(id) => {
            if let Some(member) = members.find(|member| member.id == *id) {
                member.learner = false;
            }
        }
        MembershipStep::Move(id, url) => {
            if let Some(member) = members.find(|member| member.id == *id) {
                member.peer_urls = vec![url.clone()];
            }
        }
        MembershipStep::MoveLeader(id) => cluster.status.leader = Some(*id),
        MembershipStep::Remove(id, _) => {
            cluster.members.retain(|member| member.id != *id);
            cluster.answering.remove(id);
        }
        MembershipStep::AddLearner(_) | MembershipStep::Join(_) => return false,
    }
    true
}

/// Changes users, roles and the ledger as the step does. Users and roles that
/// were not there are made, so that the order of steps does not matter here.
pub(crate) fn simulate_access(cluster: &mut Cluster, step: &AccessStep) {
    let ledger = &mut cluster.ledger;
    let mut access = |name: &CommonName, change: &dyn Fn(&mut Access)| {
        change(cluster.access.entry(name.clone()).or_default());
    };
    match step {
        AccessStep::Claim(name, claim, record) => {
            ledger.apply(&LedgerWrite::Name(name.clone(), claim.clone()));
            let record = LedgerWrite::Record(claim.holder.clone(), (**record).clone());
            ledger.apply(&record);
        }
        AccessStep::ClaimIssued(name, record) | AccessStep::ReplaceIssued(name, _, record) => {
            ledger.apply(&LedgerWrite::Issued(name.clone(), (**record).clone()));
        }
        AccessStep::Ledger(writes) => {
            for write in writes {
                ledger.apply(write);
            }
        }
        AccessStep::Unsettle => ledger.settled = None,
        AccessStep::AddRole(name) => access(name, &|access| access.role = Some(BTreeSet::new())),
        AccessStep::GrantPermission(name, range) => access(name, &|access| {
            let role = access.role.get_or_insert_default();
            role.retain(|permission| permission.range != *range);
            role.insert(Permission {
                read_write: true,
                range: range.clone(),
            });
        }),
        AccessStep::RevokePermission(name, range) => access(name, &|access| {
            let role = access.role.get_or_insert_default();
            role.retain(|permission| permission.range != *range);
        }),
        AccessStep::AddUser(name) => {
            access(name, &|access| access.user = Some(BTreeSet::new()));
            // One that was not there was taken for one with a password.
            forget_password(cluster, name);
        }
        AccessStep::GrantRole(name) => access(name, &|access| {
            access.user.get_or_insert_default().insert(name.to_string());
        }),
        AccessStep::RevokeRole(name, role) => access(name, &|access| {
            access.user.get_or_insert_default().remove(role);
        }),
        AccessStep::DeleteUser(name) => {
            access(name, &|access| access.user = None);
            forget_password(cluster, name);
        }
        AccessStep::DeleteRole(name) => access(name, &|access| access.role = None),
        AccessStep::TakeRole(user, role) => take_role(cluster, user, role),
        AccessStep::LockRoot => {
            if let Some(audit) = &mut cluster.audit {
                audit.root_has_password = false;
            }
        }
    }
}

fn take_role(cluster: &mut Cluster, user: &str, role: &str) {
    let audit = cluster.audit.as_mut();
    if let Some(roles) = audit.and_then(|audit| audit.usurpers.get_mut(user)) {
        roles.remove(role);
    }
}

fn forget_password(cluster: &mut Cluster, name: &CommonName) {
    if let Some(audit) = &mut cluster.audit {
        audit.passwords.remove(name);
    }
}
