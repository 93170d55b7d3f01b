//! When this unit's member is restarted, whatever for: for a configuration or a program
//! that is another one, or for whom it should trust.
//!
//! etcd reads its client trust file once, at start. So a leaf that is added
//! costs a restart of every member, which is done at once, since a client
//! waits for it. A leaf that is removed costs nobody anything while it waits:
//! its user and role are gone, and what it had open was ended with them (see
//! [`super::disconnect`]). It goes with the next restart, or with the next regular
//! pass (`update-status`) at the latest, which also ends what could not be ended
//! otherwise.

mod pace;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::authorities::admin::is_other_loaded;
use super::configuration::is_outdated;
use super::members::own_member;
pub use super::report::RestartWait;
use super::safety::safe_to_restart;
pub use super::trusted::AuthorityFault;
use super::trusted::{granted, trusted};
use super::{Report, Wait};
use crate::facts::observed::{Leaves, Observed, Pass};
use crate::facts::{Cluster, Known, MemberId, MemberTrust, NoAnswer, Timestamp};
use crate::tls::{TrustBundle, digest};

/// A restart of this unit's member, or what belongs to one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RestartStep {
    /// Look for other requests that wait for a restart, before it happens.
    ReadPending,
    /// Note that the member serves with the trust file that it has loaded.
    Prove,
    /// Go back to the trust file with which the member served last, unless it
    /// serves with the one that it has loaded after all.
    FallBack,
    /// Write down what the running etcd has loaded, and what it would load.
    Record(MemberTrust),
    /// Restart this member.
    Restart(Restart),
}

/// A restart of this member.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Restart {
    /// With what every member is to know of it, and in turn with the others.
    InTurn(Box<RestartInTurn>),
    /// Where nobody can be asked for a turn, and nothing can be written down.
    AtOnce,
}

/// A restart of this member in turn with the others.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RestartInTurn {
    /// The whole trust file.
    pub trust: String,
    /// The authorities in it.
    pub authorities: Leaves,
    /// Whether the member serves with the trust file that it has loaded, so that
    /// this is the one to go back to.
    pub serves: bool,
    /// What is written before anything is touched: the leaves loaded now and
    /// those that may be loaded instead.
    pub before: MemberTrust,
    /// Until when the restarts of this member are paid for, this one included.
    pub paid_until: Option<Timestamp>,
    /// What is written once the member serves again.
    pub after: MemberTrust,
    /// Whether this member leads the cluster.
    pub leads: bool,
    /// The member to which leadership is moved first, if this one leads.
    pub transferee: Option<MemberId>,
    /// The URL that the others are told of first, and the member that it is
    /// of, where it serves them under another one from then on.
    pub moves_to: Option<(MemberId, String)>,
    /// Whether there are other members, with which restarts are taken in turn.
    pub needs_lock: bool,
}

/// How long a trust file with which the member did not serve is not tried again,
/// in seconds: it may have been the machine's fault, and others wait for it.
const RETRY_AFTER: i64 = 3600;

/// The way back, where this member was restarted with another trust file and
/// lets nobody in since: a hook that was killed in between left it so. It is asked
/// first, since nothing else can be done over a member that does not answer.
pub(super) fn fall_back(observed: &Observed) -> Option<RestartStep> {
    let is_dark = match &observed.cluster {
        Known::Known(cluster) => {
            own_member(observed, cluster).is_some_and(|own| !cluster.answers(own.id))
        }
        Known::Unknown(reason) => !matches!(reason, NoAnswer::Minority(_)),
    };
    (observed.machine.is_unproven && is_dark).then_some(RestartStep::FallBack)
}

/// A restart while no member answers: most likely the address has changed, and etcd
/// listens at one that is this machine's no longer. While any member answers, restarts
/// are taken in turn instead.
pub(super) fn at_once(observed: &Observed) -> Option<RestartStep> {
    let machine = &observed.machine;
    let is_due = machine.is_up() && is_outdated(observed);
    let is_alone = observed.cluster.known().is_none();
    let may = is_due && is_alone && safe_to_restart(observed).is_ok();
    may.then_some(RestartStep::Restart(Restart::AtOnce))
}

/// The next step, or `None` when the member has loaded what it should.
pub fn plan(observed: &Observed, cluster: &Cluster, report: &mut Report) -> Option<RestartStep> {
    let loaded = observed.machine.loaded_leaves.clone()?;
    let own = own_member(observed, cluster);
    let is_unreachable = own.is_some_and(|own| !cluster.answers(own.id));
    if let Some(wait) = wait_for_member(observed, is_unreachable) {
        report.wait_for(wait);
        return None;
    }
    // Before the ledger hears of it.
    if observed.machine.is_unproven && !is_unreachable {
        return Some(RestartStep::Prove);
    }
    let wanted = match wanted(observed, cluster, &loaded, report) {
        Ok(wanted) => wanted,
        Err(fault) => {
            report.wait_for(Wait::Restart(RestartWait::Authority(fault)));
            return None;
        }
    };
    // What a run that was cut short has written, and no restart has loaded yet:
    // etcd would load it after a crash.
    let written = observed.machine.written_leaves.clone().unwrap_or_default();
    let is_added = !wanted.is_subset(&loaded);
    let is_surplus = !loaded.is_subset(&wanted) || written != loaded;
    // A full pass because another unit has said something is no reason to hurry.
    let is_time = observed.pass == Pass::Full && observed.is_regular;
    // What could not be ended in any other way ends with the member.
    let is_lingering = cluster.ledger.settled.is_some()
        && super::disconnect::lingering(observed, cluster).is_some();
    let is_removed = (is_surplus || is_lingering) && is_time;
    let is_outdated = is_outdated(observed) || is_other_loaded(observed);
    let next = pace::next(observed.machine.restarts_paid_until, observed.now);
    let is_postponed = next > observed.now && !is_outdated;
    if is_postponed && is_added {
        report.postponed = Some(next);
    }
    let is_due = is_added || is_removed || is_outdated;
    if is_due && !is_postponed {
        if observed.leader && !observed.clients.pending_is_read {
            return Some(RestartStep::ReadPending);
        }
        match in_turn(observed, cluster, loaded.clone(), &written) {
            Ok(restart) if is_refused(observed, &restart.trust) => report.refused_trust = true,
            Ok(restart) => {
                let restart = Restart::InTurn(Box::new(restart));
                return Some(RestartStep::Restart(restart));
            }
            Err(reason) => {
                report.clients_wait = is_added && !is_let_in(cluster, &wanted);
                report.wait_for(Wait::Restart(reason));
                return None;
            }
        }
    }
    record(observed, cluster, loaded, written)
}

/// What the member itself has to do first, or an operator.
fn wait_for_member(observed: &Observed, is_unreachable: bool) -> Option<Wait> {
    if observed.machine.is_pending {
        return Some(Wait::Restart(RestartWait::Starting));
    }
    // Another start would fail as well: what it takes is an operator. One that
    // listens in the wrong place may come back by it.
    let is_lost = is_unreachable && !is_outdated(observed);
    (observed.machine.has_failed || is_lost).then_some(Wait::Member)
}

/// Writes down what is loaded, where the ledger says something else.
fn record(
    observed: &Observed,
    cluster: &Cluster,
    loaded: Leaves,
    written: Leaves,
) -> Option<RestartStep> {
    let trust = MemberTrust {
        starting: (written != loaded).then_some(written),
        loaded,
        client_authorities: client_authorities(
            observed,
            observed.machine.loaded_authorities.as_ref(),
        ),
    };
    let recorded = cluster.ledger.members.get(&observed.member());
    (recorded != Some(&trust)).then_some(RestartStep::Record(trust))
}

/// Whether the member did not serve with this trust file, not long ago.
fn is_refused(observed: &Observed, trust: &str) -> bool {
    let refused = observed.machine.refused_trust.as_ref();
    refused.is_some_and(|(refused, at)| {
        let since = observed.now.0 - at.0;
        (0..RETRY_AFTER).contains(&since) && *refused == digest(trust.as_bytes())
    })
}

/// Whether for each of these leaves some member that answers lets it in.
fn is_let_in(cluster: &Cluster, leaves: &Leaves) -> bool {
    let serving: Vec<_> = cluster
        .members
        .iter()
        .filter(|member| !member.learner && cluster.answers(member.id))
        .filter_map(|member| cluster.ledger.members.get(member.name.as_ref()?))
        .collect();
    let is_in = |leaf| serving.iter().any(|trust| trust.loaded.contains(leaf));
    leaves.iter().all(is_in)
}

/// The leaves that this member should trust. Where all that were granted are
/// loaded nothing is looked into, which spares most hooks the reading of every
/// certificate; one that cannot be trusted any more goes with the next restart.
fn wanted(
    observed: &Observed,
    cluster: &Cluster,
    loaded: &Leaves,
    report: &mut Report,
) -> Result<Leaves, AuthorityFault> {
    let granted = granted(&cluster.ledger);
    if granted.is_subset(loaded) {
        return Ok(granted);
    }
    let authorities = observed.machine.client_trust();
    let trusted = trusted(authorities.as_deref(), &cluster.ledger, &observed.recalled)?;
    report.left_out = trusted.left_out;
    Ok(trusted.bundle.leaves())
}

/// Those of these authorities that sign for clients.
fn client_authorities(observed: &Observed, all: Option<&Leaves>) -> Leaves {
    let client = observed.machine.client_ca.as_deref();
    let client = client.and_then(|ca| TrustBundle::new(ca).ok());
    let client = client
        .map(|bundle| bundle.fingerprints())
        .unwrap_or_default();
    let all = all.into_iter().flatten();
    all.filter(|authority| client.contains(authority))
        .cloned()
        .collect()
}

/// Whether the member may be restarted now, or a client waits for it for whom a cluster
/// that is not well may pause.
fn may_restart(observed: &Observed, cluster: &Cluster, wanted: &Leaves) -> Result<(), RestartWait> {
    let Err(reason) = safe_to_restart(observed) else {
        return Ok(());
    };
    // A configuration or a program that is new as well could keep it down.
    let only_trusts = !is_outdated(observed);
    let is_worth_it = only_trusts && !is_let_in(cluster, wanted);
    match is_worth_it && super::membership::may_pause(observed, cluster) {
        true => Ok(()),
        false => Err(RestartWait::Unsafe(reason)),
    }
}

fn in_turn(
    observed: &Observed,
    cluster: &Cluster,
    loaded: Leaves,
    written: &Leaves,
) -> Result<RestartInTurn, RestartWait> {
    let authorities = observed.machine.client_trust();
    let bundle = trusted(authorities.as_deref(), &cluster.ledger, &observed.recalled)
        .map_err(RestartWait::Authority)?
        .bundle;
    let wanted = bundle.leaves();
    let own = own_member(observed, cluster).ok_or(RestartWait::NotAMember)?;
    let others: BTreeSet<MemberId> = cluster
        .members
        .iter()
        .filter(|member| !member.learner && member.id != own.id)
        .map(|member| member.id)
        .collect();
    may_restart(observed, cluster, &wanted)?;
    let leads = cluster.status.leader == Some(own.id);
    Ok(RestartInTurn {
        serves: cluster.answers(own.id),
        trust: bundle.render().map_err(RestartWait::TrustFile)?,
        authorities: bundle.authorities(),
        before: MemberTrust {
            loaded,
            // A crash before the new file is written would load the old one.
            starting: Some(wanted.union(written).cloned().collect()),
            client_authorities: client_authorities(
                observed,
                observed.machine.loaded_authorities.as_ref(),
            ),
        },
        paid_until: match is_outdated(observed) {
            // It is another configuration's.
            true => observed.machine.restarts_paid_until,
            false => {
                let paid_until = observed.machine.restarts_paid_until;
                Some(pace::paid_after(paid_until, observed.now))
            }
        },
        after: MemberTrust {
            client_authorities: client_authorities(observed, Some(&bundle.authorities())),
            loaded: wanted,
            starting: None,
        },
        leads,
        transferee: others
            .iter()
            .find(|id| leads && cluster.answering.contains(id))
            .copied(),
        moves_to: super::membership::new_peer_url(observed, own).map(|url| (own.id, url)),
        // One without a vote counts: it may have one before this is over.
        needs_lock: cluster.members.len() > 1,
    })
}
