//! All policy, and nothing but policy: from what was observed to the next
//! steps and to the reasons for waiting. Nothing in here looks at a clock,
//! draws a random number, opens a file or a socket, or reads the environment.
//!
//! A plan covers one stage at a time, in this order: the machine, the cluster,
//! access, issuing, restart, publication. A stage is planned only when those before it are
//! at rest, so what it rests on is true. A hook observes and plans again after
//! each stage until the publication, which is the last thing it does.

pub mod access;
pub mod advisory;
pub mod alarm;
pub mod authorities;
mod bootstrap;
pub mod compact;
pub mod configuration;
pub mod credentials;
pub mod defrag;
mod digest;
pub mod disconnect;
pub mod issue;
pub mod machine;
pub mod members;
pub mod membership;
pub mod options;
pub mod publish;
pub mod recreate;
pub mod refusal;
mod report;
pub mod restart;
pub mod safety;
pub mod serving;
pub mod sharing;
pub mod simulate;
pub mod source;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod trusted;
pub mod upgrade;

pub use report::{MachineWait, ReleaseFault, Report, Wait};

use crate::facts::observed::Observed;
use crate::facts::{Alarm, Cluster, Known, LockName, Member, MemberName, NoAnswer, UnitName};
use access::AccessStep;
use issue::Issuance;
use machine::MachineStep;
use membership::MembershipStep;
use publish::Publication;
use restart::RestartStep;

/// What to do next, with no choice left in it, and why the rest waits.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The stage to carry out.
    pub stage: Stage,
    /// What an operator should know.
    pub report: Report,
}

/// The steps of one stage.
#[derive(Clone, Debug)]
pub enum Stage {
    /// Packages, files and the service of this machine.
    Machine(Vec<MachineStep>),
    /// A lock that nobody will give back: no other unit can take a turn before
    /// it is free.
    FreeLock(LeftLock),
    /// Ends the connections of clients to this unit's member, because of what
    /// was settled at this revision of the ledger, or is not settled yet.
    Disconnect(Option<i64>),
    /// Alarms that are raised without a cause, in a release of etcd in which that
    /// lifts the check of rights.
    Disarm(Vec<Alarm>),
    /// Who is a member, and that authentication is on.
    Membership(MembershipStep),
    /// Users, roles and the ledger.
    Access(Vec<AccessStep>),
    /// Certificates for relations that cannot bring their own.
    Issue(Vec<Issuance>),
    /// A restart of this unit's member, and what belongs to one: it is then that etcd
    /// reads whom to trust, and its configuration.
    Restart(RestartStep),
    /// Stops the service for good; its data stays.
    Stop,
    /// What others may read; the last stage of every other hook.
    Publish(Box<Publication>),
}

/// A lock, and who has left it behind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeftLock {
    /// Which one.
    pub name: LockName,
    /// Who holds it: this unit, or one that has left the application.
    pub holder: String,
}

impl Stage {
    /// What the stage is called in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Machine(_) => "machine",
            Self::FreeLock(_) => "free lock",
            Self::Disconnect(_) => "disconnect",
            Self::Disarm(_) => "disarm",
            Self::Membership(_) => "membership",
            Self::Access(_) => "access",
            Self::Issue(_) => "issue",
            Self::Restart(_) => "restart",
            Self::Stop => "stop",
            Self::Publish(_) => "publish",
        }
    }
}

/// Makes the plan for what was observed.
pub fn plan(observed: &Observed) -> Plan {
    let mut report = Report {
        refused_option: observed.refused_option.clone(),
        refused_upgrade: observed.machine.refused_upgrade.clone(),
        refused_archive: observed.machine.refused_archive.clone(),
        ..Report::default()
    };
    if let Known::Known(cluster) = &observed.cluster {
        report.alarms = alarm::raised(cluster, observed.unit.app());
        report.unmanaged_members = members::unmanaged_members(observed, cluster);
        report.lingering = disconnect::lingering(observed, cluster).cloned();
        report.read_health(observed, cluster);
    }
    report.provider = serving::note(observed);
    let stage = match observed.stopping {
        true => leave(observed, &mut report),
        false => next_stage(observed, &mut report),
    };
    Plan { stage, report }
}

fn next_stage(observed: &Observed, report: &mut Report) -> Stage {
    if let Some(step) = restart::fall_back(observed) {
        return Stage::Restart(step);
    }
    if has_newer_format(observed) {
        // Whatever is done by what this revision knows may be wrong by now.
        report.wait_for(Wait::NewerFormat);
        return Stage::Publish(Box::default());
    }
    let steps = machine::plan(observed, report);
    if !steps.is_empty() {
        return Stage::Machine(steps);
    }
    if report.wait.is_some() {
        return Stage::Publish(Box::new(publish::while_waiting(observed)));
    }
    if let Some(step) = restart::at_once(observed) {
        return Stage::Restart(step);
    }
    if let Some(lock) = lock_left_behind(observed) {
        return Stage::FreeLock(lock);
    }
    let causeless = alarm::causeless(observed);
    if !causeless.is_empty() {
        return Stage::Disarm(causeless);
    }
    if let Some(cluster) = observed.cluster.known()
        && disconnect::is_due(observed, cluster)
    {
        return Stage::Disconnect(cluster.ledger.settled);
    }
    if let Some(step) = membership::plan(observed, report) {
        return Stage::Membership(step);
    }
    let cluster = match &observed.cluster {
        Known::Known(cluster) if report.wait.is_none() => cluster,
        Known::Known(_) => return Stage::Publish(Box::new(publish::while_waiting(observed))),
        Known::Unknown(reason) => {
            report.wait_for(wait_for_etcd(observed, reason));
            return Stage::Publish(Box::new(publish::while_waiting(observed)));
        }
    };
    if observed.leader {
        let steps = access::plan(observed, cluster, report);
        if !steps.is_empty() {
            return Stage::Access(steps);
        }
        let issuances = issue::plan(observed, cluster);
        if !issuances.is_empty() {
            return Stage::Issue(issuances);
        }
    }
    if let Some(step) = restart::plan(observed, cluster, report) {
        return Stage::Restart(step);
    }
    report_rest(observed, cluster, report);
    Stage::Publish(Box::new(publish::plan(observed, cluster)))
}

/// What a unit does that goes away.
fn leave(observed: &Observed, report: &mut Report) -> Stage {
    if let Some(lock) = lock_left_behind(observed) {
        return Stage::FreeLock(lock);
    }
    report.wait_for(Wait::Removal);
    let cluster = observed.cluster.known();
    match cluster.and_then(|cluster| membership::leave(observed, cluster)) {
        Some(step) => Stage::Membership(step),
        None => Stage::Stop,
    }
}

/// What is waited for where no cluster could be asked, for this reason.
fn wait_for_etcd(observed: &Observed, reason: &NoAnswer) -> Wait {
    match reason {
        NoAnswer::Minority(unreachable) => Wait::Majority(unreachable.clone()),
        // Nobody knows more than systemd: it waits for the others too.
        _ if observed.machine.is_pending => Wait::Majority(Vec::new()),
        _ => Wait::Etcd(reason.clone()),
    }
}

/// Notes what an operator should know of a cluster at rest.
fn report_rest(observed: &Observed, cluster: &Cluster, report: &mut Report) {
    let own = members::own_member(observed, cluster);
    report.read_ledger(cluster, own, observed);
    report.read_authorities(&observed.machine, observed.now);
    report.rotations = authorities::progress(observed, cluster);
    let ending = authorities::admin::ending_credentials(observed, cluster);
    report.expiring_credentials.extend(ending);
}

/// Whether a newer revision of the charm has written what this one cannot read.
fn has_newer_format(observed: &Observed) -> bool {
    let peers = observed.peers.read();
    let cluster = observed.cluster.known();
    peers.is_some_and(|peers| peers.newer_format().is_some())
        || cluster.is_some_and(|cluster| cluster.ledger.newer_format.is_some())
}

/// A lock in this unit's name: locks are taken and given back within one step
/// and a unit runs one hook at a time, so whatever is seen here is left over.
///
/// The leader also looks for those of units that have left and whose member is
/// off the list. Their leases would end by themselves, were it not that etcd
/// lets any client renew any lease (before the fix of CVE-2026-33413).
fn lock_left_behind(observed: &Observed) -> Option<LeftLock> {
    let cluster = observed.cluster.known()?;
    let has_left = |holder: &str| {
        let Ok(unit) = holder.parse::<UnitName>() else {
            return false;
        };
        let name = MemberName::of(&unit);
        let units = observed.units.as_ref();
        let is_gone = observed.departed.contains_key(&name)
            || units.is_some_and(|units| !units.contains(&name));
        let is_member = |member: &Member| member.name.as_ref() == Some(&name);
        observed.leader && is_gone && !cluster.members.iter().any(is_member)
    };
    let own = observed.unit.to_string();
    let mut locks = cluster.ledger.locks.iter();
    let (name, holder) = locks.find(|(_, holder)| **holder == own || has_left(holder))?;
    Some(LeftLock {
        name: *name,
        holder: holder.clone(),
    })
}
