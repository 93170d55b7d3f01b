//! Every text that an operator sees in `juju status`.

mod line;
mod provider;
#[cfg(test)]
mod tests;

use super::{alarms, reasons, rotation};
use crate::facts::ConditionKind;
use crate::facts::authorities::AuthorityKind;
use crate::juju::StatusName;
use crate::plan::advisory::open_advisories;
use crate::plan::{MachineWait, Report, Wait};
use line::{Line, names, plain};

/// Where the rest is read that one line of a unit has no room for.
const UNIT_DETAILS: &str = "run health";

/// The same for the application, whose line is about clients.
const APPLICATION_DETAILS: &str = "run list-clients";

/// A status: its name and its message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// What Juju shows in colour.
    pub name: StatusName,
    /// What an operator reads.
    pub message: String,
}

impl Status {
    fn new(name: StatusName, line: Line, details: &str) -> Self {
        Self {
            name,
            message: plain(&line.finish(details)),
        }
    }
}

/// The status of this unit: what somebody has to do comes first.
pub fn of_unit(report: &Report) -> Status {
    let mut line = Line::default();
    let alarm = alarms::sentence(&report.alarms);
    let (name, text) = match (alarm, &report.refused_option, &report.wait) {
        // Nothing of this unit depends on anything else any more.
        (_, _, Some(wait @ (Wait::Removal | Wait::LostMember | Wait::LostCluster))) => {
            let (name, text) = wait_text(wait);
            line.say(text);
            return Status::new(name, line, UNIT_DETAILS);
        }
        // An option can wait for the machines to come back.
        (_, _, Some(wait @ Wait::Majority(_))) => wait_text(wait),
        (Some(alarm), ..) => (StatusName::Blocked, alarm),
        (None, Some(reason), wait) => {
            // A unit that has none yet waits for them.
            if *wait != Some(Wait::Options) {
                line.add("the options set before stay in force");
            }
            (StatusName::Blocked, reason.to_string())
        }
        // Nothing is wrong with this unit, and who is unreachable is what it waits for.
        (None, None, Some(Wait::Restart(_))) if !report.unreachable.is_empty() => {
            (StatusName::Active, String::new())
        }
        (None, None, Some(wait)) => wait_text(wait),
        (None, None, None) => match &report.refused_archive {
            // What was installed before goes on.
            Some(refusal) => (StatusName::Blocked, refusal.to_string()),
            None => (StatusName::Active, String::new()),
        },
    };
    if name == StatusName::Blocked {
        line.say(&text);
    }
    if let Some(refusal) = &report.refused_upgrade {
        line.say(refusal.as_str());
    }
    say_unmanaged_members(report, &mut line);
    match name {
        StatusName::Blocked => {}
        StatusName::Active => say_health(report, &mut line),
        // It passes by itself, so it comes after what somebody has to do.
        StatusName::Waiting | StatusName::Maintenance => line.say(text),
    }
    Status::new(name, line, UNIT_DETAILS)
}

/// What a unit has to say besides how the cluster is, each in full: a status has
/// room for some of it. What members answer and which options are wrong is left
/// out, since whoever tells this can ask.
pub fn details_of_unit(report: &Report) -> Vec<String> {
    let mut line = Line::default();
    for refusal in [&report.refused_archive, &report.refused_upgrade] {
        refusal
            .iter()
            .for_each(|refusal| line.say(refusal.as_str()));
    }
    say_unmanaged_members(report, &mut line);
    match &report.wait {
        None | Some(Wait::Majority(_) | Wait::Alarm(_) | Wait::Options) => {}
        Some(wait) => line.say(wait_text(wait).1),
    }
    let besides = Report {
        unreachable: Vec::new(),
        joining: Vec::new(),
        version: None,
        ..report.clone()
    };
    say_health(&besides, &mut line);
    line.into_needed().iter().map(|text| plain(text)).collect()
}

fn say_unmanaged_members(report: &Report, line: &mut Line) {
    for member in &report.unmanaged_members {
        line.say(format!(
            "{member} belongs to no unit: remove it with etcdctl"
        ));
    }
}

/// What a unit says that waits for nothing.
fn say_health(report: &Report, line: &mut Line) {
    if let Some(port) = report.refused_port {
        line.say(format!(
            "set client-port: another unit on this machine uses port {port}"
        ));
    }
    match report.unreachable.as_slice() {
        [] => {}
        unreachable => line.say(format!(
            "no answer from {}: start what is down, or remove what is gone",
            names(unreachable)
        )),
    }
    if report.clients_wait {
        line.say("new clients wait");
    }
    if report.refused_trust {
        line.say("see `journalctl -u 'etcd-charm-*'`: etcd cannot serve new certificates");
    }
    match report.joining.as_slice() {
        [] => {}
        [joiner] => line.say(format!("{joiner} is joining")),
        joiners => line.say(format!("{} are joining", names(joiners))),
    }
    if let Some(note) = &report.provider {
        provider::say(note, line);
    }
    if let Some(version) = &report.version {
        match open_advisories(version).len() {
            0 => {}
            1 => line.say(format!("upgrade etcd {version}: 1 security advisory")),
            open => line.say(format!(
                "upgrade etcd {version}: {open} security advisories"
            )),
        }
    }
    if let Some(next) = &report.postponed {
        line.say(format!("new certificates wait until {next}"));
    }
    if report.lingering.is_some() {
        line.say("watches of removed clients end at update-status");
    }
    if report.unreachable.is_empty() {
        line.add("cluster is healthy");
    }
    if report.raft_leader {
        line.add("raft leader");
    }
}

/// The status of the application when its last unit goes.
pub fn without_units() -> Status {
    let mut line = Line::default();
    line.say("add a unit with --attach-storage to bring the data back: no unit is left");
    Status::new(StatusName::Blocked, line, UNIT_DETAILS)
}

/// The status of the application, which the leader sets: what concerns all of
/// it, above all the requests that are not in force. A request that is refused
/// costs nobody else anything, so the application stays active with it.
pub fn of_application(report: &Report) -> Status {
    // That the member of one unit is down concerns the application no more than
    // that of another.
    let waits = !matches!(report.wait, None | Some(Wait::Member));
    if waits || !report.alarms.is_empty() || report.refused_option.is_some() {
        return of_unit(report);
    }
    let mut line = Line::default();
    for (of, end) in &report.ending {
        let end = end.date();
        let (whose, action) = match of {
            AuthorityKind::Servers => ("servers", "rotate-server-ca"),
            AuthorityKind::Administrators => ("administrators", "rotate-admin-ca"),
            AuthorityKind::Clients => ("clients", "rotate-client-ca"),
        };
        let is_first = *of == AuthorityKind::Servers;
        match report.rotations.is_empty() {
            // It is being replaced, which is said below.
            false if is_first => {}
            // One action after the other.
            true if is_first || report.ending.len() == 1 => {
                line.say(format!("run {action}: the {whose}' CA ends {end}"));
            }
            _ => line.say(format!("the {whose}' CA ends {end}")),
        }
    }
    let (refused, waiting): (Vec<_>, Vec<_>) = report
        .conditions
        .iter()
        .partition(|(_, condition)| condition.kind() == ConditionKind::Refused);
    for (requirer, condition) in refused {
        line.say(format!("{requirer} refused: {}", condition.words()));
    }
    for (requirer, end) in &report.expiring {
        let end = end.date();
        line.say(format!(
            "{requirer} must renew its certificate: it ends {end}"
        ));
    }
    for (name, end) in &report.expiring_credentials {
        line.say(format!("credentials of {name} end {}", end.date()));
    }
    if let Some(progress) = rotation::progress(&report.rotations) {
        line.say(progress);
    }
    for (requirer, condition) in waiting {
        line.say(format!("{requirer} waits: {}", condition.words()));
    }
    Status::new(StatusName::Active, line, APPLICATION_DETAILS)
}

/// What a unit says that waits for this, and whether somebody has to do something.
pub fn wait_text(wait: &Wait) -> (StatusName, String) {
    let waiting = |text: &str| (StatusName::Waiting, text.to_owned());
    let blocked = |text: &str| (StatusName::Blocked, text.to_owned());
    match wait {
        Wait::Machine(MachineWait::Address) => waiting("waiting for an address"),
        Wait::Machine(MachineWait::Storage) => waiting("waiting for storage `data`"),
        Wait::Joining => waiting("waiting for its member to join the cluster"),
        Wait::NewerFormat => blocked(
            "refresh the charm: a newer revision has changed what units and cluster have on record",
        ),
        Wait::PeerRelation => waiting("waiting for the peer relation"),
        Wait::Authorities => waiting("waiting for the leader to make the certificate authorities"),
        Wait::Bootstrap(unit) => waiting(&format!("waiting for {unit} to bootstrap the cluster")),
        Wait::Reach => waiting("waiting to reach the cluster"),
        Wait::Release(fault) => blocked(&reasons::release(fault)),
        Wait::OtherJoiner => waiting("waiting for another unit to join"),
        Wait::Options => waiting("waiting for an option to be corrected"),
        Wait::Promotion => waiting("waiting to catch up with the cluster"),
        Wait::Restart(wait) => {
            let reason = reasons::restart(wait);
            waiting(&format!("waiting to restart etcd: {reason}"))
        }
        Wait::Removal => (StatusName::Maintenance, "left the cluster".to_owned()),
        Wait::LostMember => blocked(
            "start the other units, or run rebuild-cluster if they are gone: the data of this \
             member is gone",
        ),
        Wait::LostCluster => blocked(
            "run restore, or remove this unit and add another: the data of its member is gone",
        ),
        Wait::OldData => blocked(
            "run rebuild-cluster use-own-data=true confirm=true to use the data of an earlier member",
        ),
        Wait::UnreadableData => {
            blocked("repair the disk, or remove this unit and add another: the data cannot be read")
        }
        Wait::Address(unit) => waiting(&format!(
            "waiting for {unit} to give up this unit's address"
        )),
        Wait::Member => blocked(
            "see `journalctl -u 'etcd-charm-*'` here: etcd does not answer; the other units serve",
        ),
        Wait::Recreation => {
            waiting("waiting to restore a snapshot: the other members cannot be stopped yet")
        }
        Wait::Majority(unreachable) => blocked(&quorum_lost(unreachable)),
        Wait::Alarm(kind) => {
            let raised = [(*kind, Some("a member".to_owned()))];
            blocked(&alarms::sentence(&raised).unwrap_or_default())
        }
        Wait::Etcd(reason) => waiting(&format!(
            "waiting for etcd, see `journalctl -u 'etcd-charm-*'`: {}",
            reasons::no_answer(reason)
        )),
    }
}

/// What a unit says that is among too few, be it that the others are down or that its own
/// network is cut: they do not answer it.
fn quorum_lost(unreachable: &[String]) -> String {
    let unreachable = match unreachable {
        [] => "the other units".to_owned(),
        unreachable => names(unreachable),
    };
    format!("quorum lost: no answer from {unreachable}: start them, or run rebuild-cluster if gone")
}

impl Status {
    /// As this unit remembers it.
    pub fn noted(&self) -> (String, String) {
        (self.name.as_str().to_owned(), self.message.clone())
    }
}
