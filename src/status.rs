//! Every text that an operator sees in `juju status`.

mod line;
#[cfg(test)]
mod tests;

use crate::context::Context;
use crate::host::LocalFacts;
use crate::juju::{StatusName, ToolError};
use crate::model::Notice;
use crate::plan::advisory::open_advisories;
use crate::plan::alarm;
use crate::plan::{Report, Wait};
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
    let (name, text) = match (&report.alarm, &report.refused_option, &report.wait) {
        // Nothing of this unit depends on anything else any more.
        (_, _, Some(wait @ (Wait::Removal | Wait::LostMember | Wait::LostCluster))) => {
            let (name, text) = told(wait);
            line.say(text);
            return Status::new(name, line, UNIT_DETAILS);
        }
        // An option can wait for the machines to come back.
        (_, _, Some(wait @ Wait::Majority(_))) => told(wait),
        (Some(alarm), ..) => (StatusName::Blocked, alarm.clone()),
        (None, Some(reason), wait) => {
            // A unit that has none yet waits for them.
            if *wait != Some(Wait::Options) {
                line.add("the options set before stay in force");
            }
            (StatusName::Blocked, reason.clone())
        }
        // Nothing is wrong with this unit, and who is silent is what it waits for.
        (None, None, Some(Wait::Restart(_))) if !report.silent.is_empty() => {
            (StatusName::Active, String::new())
        }
        (None, None, Some(wait)) => told(wait),
        (None, None, None) => match &report.refused_archive {
            // What was installed before goes on.
            Some(refusal) => (StatusName::Blocked, refusal.clone()),
            None => (StatusName::Active, String::new()),
        },
    };
    if name == StatusName::Blocked {
        line.say(&text);
    }
    if let Some(refusal) = &report.refused_upgrade {
        line.say(refusal);
    }
    say_strangers(report, &mut line);
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
        refusal.iter().for_each(|refusal| line.say(refusal));
    }
    say_strangers(report, &mut line);
    match &report.wait {
        None | Some(Wait::Majority(_) | Wait::Alarm(_) | Wait::Options) => {}
        Some(wait) => line.say(told(wait).1),
    }
    let besides = Report {
        silent: Vec::new(),
        joining: Vec::new(),
        version: None,
        ..report.clone()
    };
    say_health(&besides, &mut line);
    line.into_needed().iter().map(|text| plain(text)).collect()
}

fn say_strangers(report: &Report, line: &mut Line) {
    for stranger in &report.strangers {
        line.say(format!(
            "{stranger} belongs to no unit: remove it with etcdctl"
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
    match report.silent.as_slice() {
        [] => {}
        silent => line.say(format!(
            "no answer from {}: start what is down, or remove what is gone",
            names(silent)
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
    if report.silent.is_empty() {
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
    if waits || report.alarm.is_some() || report.refused_option.is_some() {
        return of_unit(report);
    }
    let mut line = Line::default();
    for (of, end) in &report.ending {
        let end = end.date();
        match (*of, &report.rotation) {
            // It is being replaced, which is said below.
            ("servers", Some(_)) => {}
            ("servers", None) => {
                line.say(format!("run rotate-server-ca: the servers' CA ends {end}"));
            }
            // One action after the other.
            (of, None) if report.ending.len() == 1 => {
                line.say(format!("run rotate-admin-ca: the {of}' CA ends {end}"));
            }
            (of, _) => line.say(format!("the {of}' CA ends {end}")),
        }
    }
    let (refused, waiting): (Vec<_>, Vec<_>) = report
        .notices
        .iter()
        .partition(|(_, notice)| matches!(notice, Notice::Refused(_)));
    for (requirer, notice) in refused {
        line.say(format!("{requirer} refused: {}", notice.reason()));
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
    if let Some(progress) = &report.rotation {
        line.say(progress);
    }
    for (requirer, notice) in waiting {
        line.say(format!("{requirer} waits: {}", notice.reason()));
    }
    Status::new(StatusName::Active, line, APPLICATION_DETAILS)
}

/// What a unit says that waits for this.
fn told(wait: &Wait) -> (StatusName, String) {
    let waiting = |text: &str| (StatusName::Waiting, text.to_owned());
    let blocked = |text: String| (StatusName::Blocked, text);
    match wait {
        Wait::Machine(what) => waiting(&format!("waiting for {what}")),
        Wait::Joining => waiting("waiting for its member to join the cluster"),
        Wait::PeerRelation => waiting("waiting for the peer relation"),
        Wait::Authorities => waiting("waiting for the leader to make the certificate authorities"),
        Wait::Bootstrap(unit) => waiting(&format!("waiting for {unit} to bootstrap the cluster")),
        Wait::Reach => waiting("waiting to reach the cluster"),
        Wait::Release(reason) => blocked(reason.clone()),
        Wait::OtherJoiner => waiting("waiting for another unit to join"),
        Wait::Options => waiting("waiting for an option to be corrected"),
        Wait::Promotion => waiting("waiting to catch up with the cluster"),
        Wait::Restart(reason) => waiting(&format!("waiting to restart etcd: {reason}")),
        Wait::Removal => (StatusName::Maintenance, "left the cluster".to_owned()),
        Wait::LostMember => blocked(
            "start the other units, or run rebuild-cluster if they are gone: the data of this \
             member is gone"
                .to_owned(),
        ),
        Wait::LostCluster => blocked(
            "run restore, or remove this unit and add another: the data of its member is gone"
                .to_owned(),
        ),
        Wait::OldData => blocked(
            "run rebuild-cluster use-own-data=true confirm=true to use the data of an earlier member"
                .to_owned(),
        ),
        Wait::UnreadableData => blocked(
            "repair the disk, or remove this unit and add another: the data cannot be read"
                .to_owned(),
        ),
        Wait::Address(unit) => waiting(&format!(
            "waiting for {unit} to give up this unit's address"
        )),
        Wait::Member => blocked(
            "see `journalctl -u 'etcd-charm-*'` here: etcd does not answer; the other units serve"
                .to_owned(),
        ),
        Wait::Refounding => {
            waiting("waiting to restore a snapshot: the other members cannot be stopped yet")
        }
        Wait::Majority(silent) => blocked(format!(
            "quorum lost: start {}, or run rebuild-cluster if they are gone for good",
            match silent.as_slice() {
                [] => "the other units".to_owned(),
                silent => names(silent),
            }
        )),
        Wait::Alarm(kind) => {
            let raised = [(*kind, "a member".to_owned())];
            blocked(alarm::sentence(&raised).unwrap_or_default())
        }
        Wait::Etcd(reason) => waiting(&format!(
            "waiting for etcd, see `journalctl -u 'etcd-charm-*'`: {reason}"
        )),
    }
}

/// Statuses that Juju does not show yet.
#[derive(Debug, Default)]
pub struct Changes {
    unit: Option<Status>,
    application: Option<Status>,
}

/// What has to be set. Juju keeps each status that is set in a log, so one that
/// it shows already is not set again, unless it `may_differ` from what was noted.
pub fn changes(context: &mut Context, report: &Report, leader: bool, may_differ: bool) -> Changes {
    let facts = &mut context.facts;
    if may_differ {
        facts.last_unit_status = None;
    }
    if may_differ || !leader {
        // By now another unit may have set it.
        facts.last_app_status = None;
    }
    let mut unit = of_unit(report);
    if facts.dying && matches!(report.wait, Some(Wait::Machine(_))) {
        // Its storage goes first.
        unit.name = StatusName::Maintenance;
        "leaving the cluster".clone_into(&mut unit.message);
    }
    let application = leader.then(|| of_application(report));
    // A pass over one relation does not look why this unit is not set up; what the
    // last full pass said of that stands.
    let says_less = report.wait == Some(Wait::Joining) && facts.last_unit_status.is_some();
    if !says_less {
        facts.status_details = details_of_unit(report);
    }
    let unit = (!says_less).then_some(unit);
    Changes {
        unit: unit.filter(|status| facts.last_unit_status != Some(status.noted())),
        application: application.filter(|status| facts.last_app_status != Some(status.noted())),
    }
}

impl Status {
    /// As this unit remembers it.
    fn noted(&self) -> (String, String) {
        (self.name.as_str().to_owned(), self.message.clone())
    }
}

impl Changes {
    /// Forgets what was shown before. To be written before anything is set: a
    /// status is set at once, and one that a run was killed after is set again.
    pub fn forget(&self, facts: &mut LocalFacts) {
        if self.unit.is_some() {
            facts.last_unit_status = None;
        }
        if self.application.is_some() {
            facts.last_app_status = None;
        }
    }

    /// Whether there is nothing to set.
    pub fn is_empty(&self) -> bool {
        self.unit.is_none() && self.application.is_none()
    }

    /// Sets them.
    ///
    /// # Errors
    /// A hook tool failed.
    pub fn set(self, context: &mut Context) -> Result<(), ToolError> {
        let tools = &context.tools;
        if let Some(unit) = self.unit {
            tools.status_set(unit.name, &unit.message)?;
            context.facts.last_unit_status = Some(unit.noted());
        }
        if let Some(application) = self.application {
            tools.status_set_application(application.name, &application.message)?;
            context.facts.last_app_status = Some(application.noted());
        }
        Ok(())
    }
}
