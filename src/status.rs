//! Every text that an operator sees in `juju status`.

#[cfg(test)]
mod tests;

use crate::context::Context;
use crate::juju::{StatusName, ToolError};
use crate::model::Notice;
use crate::plan::advisory::open_advisories;
use crate::plan::alarm;
use crate::plan::{Report, Wait};

/// How many reasons a status spells out; `juju status` is a table, and the
/// rest is counted.
const SHOWN: usize = 2;

/// The longest message, in characters: more than a terminal is wide, less than
/// what makes a table unreadable.
const LONGEST: usize = 400;

/// A status: its name and its message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// What Juju shows in colour.
    pub name: StatusName,
    /// What an operator reads.
    pub message: String,
}

impl Status {
    /// A status of one line and of bounded length, whatever the reasons in it
    /// hold: some come from requirers.
    fn new(name: StatusName, message: impl Into<String>) -> Self {
        let message: String = message.into();
        let mut shown: String = message
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(LONGEST)
            .collect();
        if message.chars().count() > LONGEST {
            shown.push('…');
        }
        Self {
            name,
            message: shown,
        }
    }
}

/// The status of this unit.
pub fn of_unit(report: &Report) -> Status {
    let blocked = |message: &str| Status::new(StatusName::Blocked, message);
    let mut status = match (&report.alarm, &report.refused_option, &report.wait) {
        // Nothing of this unit depends on anything else any more.
        (_, _, Some(wait @ (Wait::Removal | Wait::LostMember))) => return of_wait(wait),
        // An option can wait for the machines to come back.
        (_, _, Some(wait @ Wait::Majority(_))) => of_wait(wait),
        (Some(alarm), ..) => blocked(alarm),
        (None, Some(reason), Some(Wait::Options)) => blocked(reason),
        (None, Some(reason), _) => {
            blocked(&format!("{reason}; what was set before stays in force"))
        }
        (None, None, Some(wait)) => of_wait(wait),
        (None, None, None) => of_health(report),
    };
    if let Some(refusal) = &report.refused_upgrade {
        status.message.push_str(&format!("; {refusal}"));
    }
    if !report.strangers.is_empty() {
        let strangers = report.strangers.join(", ");
        status.message.push_str(&format!(
            "; of no unit: member {strangers}, to be removed with etcdctl unless it is wanted"
        ));
    }
    Status::new(status.name, status.message)
}

/// The status of a unit that waits for nothing.
fn of_health(report: &Report) -> Status {
    let mut message = String::new();
    if let Some(port) = report.refused_port {
        let message = format!(
            "port {port} cannot be opened: another unit on this machine uses it; set client-port"
        );
        return Status::new(StatusName::Active, message);
    }
    if report.raft_leader {
        message.push_str("(leader) ");
    }
    match report.silent.as_slice() {
        [] => message.push_str("cluster is healthy"),
        silent => message.push_str(&format!(
            "no answer from {}: start what is down, or remove what is gone",
            silent.join(", ")
        )),
    }
    if report.lingering.is_some() {
        message.push_str("; watches of removed clients end at the next update-status");
    }
    if let Some(version) = &report.version {
        let open = open_advisories(version);
        if let Some((first, rest)) = open.split_first() {
            let more = match rest.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            message.push_str(&format!(
                "; etcd {version} lets clients past their rights ({first}{more}): upgrade"
            ));
        }
    }
    Status::new(StatusName::Active, message)
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
    let mut reasons: Vec<String> = Vec::new();
    for (of, end) in &report.ending {
        let step = match (*of, &report.rotation) {
            // It is being replaced, which is said below.
            ("servers", Some(_)) => continue,
            ("servers", None) => ": run rotate-server-ca",
            _ => "",
        };
        reasons.push(format!("authority of {of} ends {end}{step}"));
    }
    for (key, notice) in &report.notices {
        let relation = format!("etcd-client:{key}");
        reasons.push(match notice {
            Notice::Refused(reason) => format!("{relation} refused: {reason}"),
            Notice::Waiting(reason) => format!("{relation} waits: {reason}"),
        });
    }
    for (key, end) in &report.expiring {
        reasons.push(format!(
            "etcd-client:{key}: certificate ends {end}, renew it in the application"
        ));
    }
    reasons.extend(report.rotation.clone());
    for (name, end) in &report.expiring_credentials {
        reasons.push(format!("credentials of {name} end {end}"));
    }
    let rest = reasons.len().saturating_sub(SHOWN);
    reasons.truncate(SHOWN);
    if rest > 0 {
        reasons.push(format!("{rest} more, see action list-clients"));
    }
    Status::new(StatusName::Active, reasons.join("; "))
}

fn of_wait(wait: &Wait) -> Status {
    let waiting = |message: String| Status::new(StatusName::Waiting, message);
    match wait {
        Wait::Machine(what) => waiting(format!("waiting for {what}")),
        Wait::PeerRelation => waiting("waiting for the peer relation".to_owned()),
        Wait::Authorities => {
            waiting("waiting for the leader to make the certificate authorities".to_owned())
        }
        Wait::Cluster(member) => waiting(format!("waiting for {member} to start the cluster")),
        Wait::Release(reason) => Status::new(StatusName::Blocked, reason.as_str()),
        Wait::OtherJoiner => waiting("waiting for another unit to join".to_owned()),
        Wait::Options => waiting("waiting for an option to be corrected".to_owned()),
        Wait::Promotion => waiting("waiting to catch up with the cluster".to_owned()),
        Wait::Restart(reason) => waiting(format!("waiting to restart etcd: {reason}")),
        Wait::Removal => Status::new(StatusName::Maintenance, "left the cluster"),
        Wait::LostMember => Status::new(
            StatusName::Blocked,
            "data of this member is gone: remove this unit and add another",
        ),
        Wait::Member => Status::new(
            StatusName::Blocked,
            "etcd of this unit does not answer: see `journalctl -u 'etcd-charm-*'`; the others serve",
        ),
        Wait::Refounding => waiting(
            "waiting to restore a snapshot: the other members cannot be stopped yet".to_owned(),
        ),
        Wait::Majority(silent) => {
            let who = match silent.as_slice() {
                [] => "this member waits for the others".to_owned(),
                silent => format!("no answer from {}", silent.join(", ")),
            };
            Status::new(
                StatusName::Blocked,
                format!(
                    "majority of the cluster lost: {who}; bring the machines back, or, if they \
                     are gone for good, run `rebuild-cluster` on the leader"
                ),
            )
        }
        Wait::Alarm(kind) => {
            let raised = [(*kind, "a member".to_owned())];
            let message = alarm::sentence(&raised).unwrap_or_default();
            Status::new(StatusName::Blocked, message)
        }
        Wait::Etcd(reason) => waiting(format!(
            "waiting for etcd: {reason}; see `systemctl status 'etcd-charm-*'`"
        )),
    }
}

/// Sets the statuses that are not set already. A full pass sets them in any
/// case, since Juju changes them at times by itself.
///
/// # Errors
/// A hook tool failed.
pub fn report(
    context: &mut Context,
    report: &Report,
    leader: bool,
    in_any_case: bool,
) -> Result<(), ToolError> {
    let key = |status: &Status| (status.name.as_str().to_owned(), status.message.clone());
    let unit = of_unit(report);
    if in_any_case || context.facts.last_unit_status.as_ref() != Some(&key(&unit)) {
        context.tools.status_set(unit.name, &unit.message)?;
        context.facts.last_unit_status = Some(key(&unit));
    }
    if leader {
        let app = of_application(report);
        if in_any_case || context.facts.last_app_status.as_ref() != Some(&key(&app)) {
            context
                .tools
                .status_set_application(app.name, &app.message)?;
            context.facts.last_app_status = Some(key(&app));
        }
    }
    Ok(())
}
