//! What this machine needs before its member can serve.

pub(super) mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::bootstrap;
use super::members::own_member;
use super::serving;
use super::trusted::trusted;
use super::{MachineWait, ReleaseFault, Report, Wait, configuration};
use crate::facts::authorities::Authorities;
use crate::facts::machine::Machine;
use crate::facts::observed::{Observed, Pass, Peers};
use crate::facts::{Known, Ledger, MemberData, Source};
use crate::tls::{OwnCertificate, TrustBundle, needs_new};
pub use step::{Installation, MachineStep, ServerIssuance, TrustTexts};

/// How long before it expires a certificate of our own is renewed at most: 30
/// days, so that a unit that is away for weeks does not miss it.
const RENEW_BEFORE_SECONDS: i64 = 30 * 24 * 3600;

/// The next steps on this machine; empty when it is as it should be, or when
/// the report says what it waits for.
pub(super) fn plan(observed: &Observed, report: &mut Report) -> Vec<MachineStep> {
    let machine = &observed.machine;
    if observed.pass == Pass::Event {
        if machine.bootstrap.is_none() {
            report.wait_for(Wait::Joining);
        }
        return Vec::new();
    }
    if !machine.is_installed {
        return install(machine, report);
    }
    let Some(address) = &machine.address else {
        report.wait_for(Wait::Machine(MachineWait::Address));
        return Vec::new();
    };
    if !machine.has_storage {
        report.wait_for(Wait::Machine(MachineWait::Storage));
        return Vec::new();
    }
    let Some(peers) = observed.peers.read() else {
        report.wait_for(Wait::PeerRelation);
        return Vec::new();
    };
    let generation = peers.generation();
    if let Some(bootstrap) = &machine.bootstrap
        && bootstrap.generation < generation
    {
        return vec![MachineStep::Quarantine(generation)];
    }
    let Some(authorities) = &machine.authorities else {
        report.wait_for(Wait::Authorities);
        return Vec::new();
    };
    // Bootstrapped or joined with other options than it should, a member could keep
    // them for good; one that is there already goes on with those it has.
    if machine.bootstrap.is_none() && observed.refused_option.is_some() {
        report.wait_for(Wait::Options);
        return Vec::new();
    }
    let steps = certificates(observed, authorities, address);
    if !steps.is_empty() {
        return steps;
    }
    if machine.bootstrap.is_none() {
        return bootstrap::begin(observed, peers, address, report);
    }
    with_member(observed, peers, address, report)
}

/// What a unit does that has a member, or had one.
fn with_member(
    observed: &Observed,
    peers: &Peers,
    address: &str,
    report: &mut Report,
) -> Vec<MachineStep> {
    let machine = &observed.machine;
    match (&machine.data, machine.identity) {
        (MemberData::Of(found), None) => return vec![MachineStep::Note(*found)],
        (MemberData::Unreadable(_), _) if machine.is_down() => {
            report.wait_for(Wait::UnreadableData);
            return Vec::new();
        }
        _ => {}
    }
    if machine.has_lost_its_data() {
        return bootstrap::lost(observed, peers, address, report);
    }
    // It was taken off the list and has not heard of it, as one whose storage was
    // away: its data is no member's any more.
    if machine.identity.is_some()
        && let Known::Known(cluster) = &observed.cluster
        && own_member(observed, cluster).is_none()
    {
        return vec![MachineStep::Quarantine(peers.generation())];
    }
    service(observed)
}

fn install(machine: &Machine, report: &mut Report) -> Vec<MachineStep> {
    // The same archive would be refused again.
    if let Some(refusal) = &machine.refused_archive
        && machine.was_tried
    {
        report.wait_for(Wait::Release(ReleaseFault::Archive(refusal.clone())));
        return Vec::new();
    }
    let source = machine.source.clone().unwrap_or(Source::Distribution);
    vec![MachineStep::Install(Installation {
        source,
        follows: machine.member_release.clone(),
    })]
}

fn certificates(observed: &Observed, authorities: &Authorities, address: &str) -> Vec<MachineStep> {
    let Observed {
        machine,
        now,
        options,
        ..
    } = observed;
    let validity = options.validity_seconds();
    let mut steps = Vec::new();
    let trust = TrustTexts {
        server: authorities.server_trust(),
        admin: authorities.admin_trust(),
        client: authorities.signing_trust(),
    };
    let is_stored = machine.server_ca.as_ref() == Some(&trust.server)
        && machine.admin_ca.as_ref() == Some(&trust.admin)
        && machine.client_ca == trust.client;
    if !is_stored {
        steps.push(MachineStep::StoreAuthorities(trust));
    }
    // A peer's connection must come from an address in its own certificate
    // (etcd's `checkCertSAN`), and what a machine sends from is not always what
    // it is reached at; on a machine's own loopback it never is.
    let local = ["127.0.0.1", "::1", "localhost"].map(str::to_owned);
    let mut san: BTreeSet<String> = machine.other_addresses.clone();
    san.insert(address.to_owned());
    san.extend(local);
    san.extend(options.names_of(&observed.unit));
    let server = machine.server_certificate.as_ref();
    let server_ca = authorities.server.own();
    let is_due = needs_new(server, &san, server_ca, *now, renew_before(server)).is_some();
    if is_due || machine.replaces_keys {
        steps.push(MachineStep::IssueServer(Box::new(ServerIssuance {
            authority: authorities.server.clone(),
            names: san,
            seconds: validity,
            is_shown: machine.own_pair.is_some() && machine.own_pair == machine.served,
        })));
    }
    let admin = machine.admin_certificate.as_ref();
    let admin_ca = authorities.admin.own();
    if needs_new(admin, &BTreeSet::new(), admin_ca, *now, renew_before(admin)).is_some() {
        let authority = Box::new(authorities.admin.clone());
        steps.push(MachineStep::IssueAdmin(authority, validity));
    }
    if machine.replaces_keys {
        if let Known::Known(Some(provider)) = &observed.provider {
            let names = serving::names(observed, address);
            steps.push(MachineStep::Request(provider.relation, names));
        }
        steps.push(MachineStep::KeysReplaced);
    }
    if steps.is_empty() {
        steps = serving::steps(observed, address);
    }
    steps
}

/// How long before its end this certificate is renewed: when a third of its own
/// life is left, whatever the option says by now.
fn renew_before(certificate: Option<&OwnCertificate>) -> i64 {
    certificate.map_or(RENEW_BEFORE_SECONDS, |certificate| {
        let life = certificate.not_after.0 - certificate.not_before.0;
        RENEW_BEFORE_SECONDS.min(life / 3)
    })
}

fn service(observed: &Observed) -> Vec<MachineStep> {
    let machine = &observed.machine;
    let mut steps = Vec::new();
    // Until the member has started once, the file is written anew whenever it is
    // not of this moment: a run that was cut short may have left one with
    // certificates of clients that are gone.
    if (machine.written_leaves.is_none() || machine.loaded_leaves.is_none())
        && let Some(trust) = first_trust(observed)
        && machine.written_leaves != Some(trust.leaves())
        && let Ok(text) = trust.render()
    {
        steps.push(MachineStep::WriteTrust(text));
    }
    if let Some(wanted) = configuration::wanted(observed)
        && wanted != machine.written
    {
        steps.push(MachineStep::Configure(wanted));
    }
    if machine.is_down() && !machine.is_pending && !machine.has_failed {
        steps.push(MachineStep::Start);
    }
    steps
}

/// The trust file of a member's first start: the admin authority, and the
/// leaves of every grant that is on record already, which spares a member that
/// joins a restart.
fn first_trust(observed: &Observed) -> Option<TrustBundle> {
    let none = Ledger::default();
    let ledger = match &observed.cluster {
        Known::Known(cluster) => &cluster.ledger,
        Known::Unknown(_) => &none,
    };
    let trusted = trusted(
        observed.machine.client_trust().as_deref(),
        ledger,
        &observed.recalled,
    );
    trusted.ok().map(|trusted| trusted.bundle)
}
