//! What a member shows to clients: the charm's own certificate, or that of a
//! provider that an operator has related over `client-certificates`.
//!
//! etcd reads what it shows for each connection anew, so none of this restarts
//! anything. What is needed is that everybody who checks a member knows the
//! authority before, see [`trust`]. The charm's own authority is always among
//! those that everybody is told of, so the way back to its own certificate is open
//! at any time, and is taken when a provider goes, or what it gave has ended.

pub(super) mod answer;
#[cfg(test)]
mod tests;
pub(super) mod trust;

use std::collections::BTreeSet;

use super::machine::step::MachineStep;
use crate::facts::machine::Machine;
use crate::facts::observed::{Observed, Provider};
use crate::facts::provider::{KeyPair, ProviderAnswer, ProviderNote};
use crate::facts::{Known, Timestamp};
use crate::tls::ServerCertificate;
use answer::{Answer, answer};

/// The share of its life, in percent, after which a certificate is asked for anew,
/// as Canonical's libraries have it.
const RENEWED_AFTER_PERCENT: i64 = 90;

/// The same after which an operator is told that the provider has not answered.
const LATE_AFTER_PERCENT: i64 = 95;

/// How long a request stands at least before it is replaced by another for the
/// same names, in seconds: a provider whose certificates end at once would be
/// asked in every hook otherwise.
const REQUEST_STANDS: (i64, i64) = (60, 3600);

/// The addresses and names that clients use.
pub(super) fn names(observed: &Observed, address: &str) -> BTreeSet<String> {
    let mut names = observed.machine.other_addresses.clone();
    names.insert(address.to_owned());
    names.extend(observed.options.names_of(&observed.unit));
    names
}

/// What is to be done so that the member shows what it should.
pub(super) fn steps(observed: &Observed, address: &str) -> Vec<MachineStep> {
    let machine = &observed.machine;
    let names = names(observed, address);
    let mut steps = Vec::new();
    let trusted = trust::in_force(observed).text();
    if machine.provider_ca != trusted {
        steps.push(MachineStep::StoreProviderTrust(trusted));
    }
    match &observed.provider {
        Known::Known(None) if machine.pending_request.is_some() => {
            steps.push(MachineStep::ForgetRequest);
        }
        Known::Known(Some(provider)) if needs_request(observed, provider, &names) => {
            steps.push(MachineStep::Request(provider.relation, names.clone()));
        }
        _ => {}
    }
    if steps.is_empty()
        && let Some(wanted) = wanted(observed, &names)
        && machine.served.as_ref() != Some(&wanted)
    {
        steps.push(MachineStep::Show(wanted));
    }
    steps
}

/// Whether another request is due: for other names, over another relation, or since
/// what was given comes to its end. One that waits for an answer stands, however
/// long: where people sign it may take days.
fn needs_request(observed: &Observed, provider: &Provider, names: &BTreeSet<String>) -> bool {
    let Some(pending) = &observed.machine.pending_request else {
        return true;
    };
    if pending.relation != provider.relation || pending.names != *names {
        return true;
    }
    let (begin, end) = match answer(observed, provider, pending) {
        Answer::Given(given) => (given.not_before, given.not_after),
        Answer::Ended(at) => (at, at),
        _ => return false,
    };
    let life = end.0 - begin.0;
    let stands = (life / 2).clamp(REQUEST_STANDS.0, REQUEST_STANDS.1);
    let is_due = observed.now.0 >= begin.0 + life / 100 * RENEWED_AFTER_PERCENT;
    is_due && observed.now >= pending.made_at.plus_seconds(stands)
}

/// The certificate of a provider that the member shows, if it does and that is
/// still good for all names.
pub(super) fn current(observed: &Observed, names: &BTreeSet<String>) -> Option<ServerCertificate> {
    let machine = &observed.machine;
    let served = machine.served.as_ref()?;
    if machine.own_pair.as_ref() == Some(served) {
        return None;
    }
    ServerCertificate::read_back(&served.certificates, &served.key, names, observed.now).ok()
}

/// What the provider has given for the request that stands, if it is good.
pub(super) fn given(observed: &Observed) -> Option<ServerCertificate> {
    let provider = observed.provider.known()?.as_ref()?;
    let pending = observed.machine.pending_request.as_ref()?;
    match answer(observed, provider, pending) {
        Answer::Given(given) => Some(*given),
        _ => None,
    }
}

/// What the member should show; `None` while there is nothing to choose from.
fn wanted(observed: &Observed, names: &BTreeSet<String>) -> Option<KeyPair> {
    let machine = &observed.machine;
    let current = current(observed, names);
    let is_related = !matches!(observed.provider, Known::Known(None));
    if is_related
        && let (Some(given), Some(pending)) = (given(observed), &machine.pending_request)
        && trust::may_show(observed, current.as_ref(), &given).is_ok()
    {
        return Some(KeyPair {
            certificates: given.whole(),
            key: pending.key.clone(),
        });
    }
    match &machine.served {
        Some(served) if is_related && current.is_some() => Some(served.clone()),
        _ => machine.own_pair.clone(),
    }
}

/// Who signed what clients are shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Signer {
    /// The charm's own authority.
    Charm,
    /// An authority of a provider, of this name.
    Provider(String),
}

/// Who signed what clients are shown by this machine's member, for an operator, and
/// until when it is valid; `None` where the member shows nothing yet.
pub fn shown(machine: &Machine, now: Timestamp) -> Option<(Signer, Timestamp)> {
    let served = machine.served.as_ref()?;
    if machine.own_pair.as_ref() == Some(served) {
        let own = machine.server_certificate.as_ref()?;
        return Some((Signer::Charm, own.not_after));
    }
    let any = BTreeSet::new();
    let certificate =
        ServerCertificate::read_back(&served.certificates, &served.key, &any, now).ok()?;
    Some((Signer::Provider(certificate.issuer), certificate.not_after))
}

/// How it stands with the provider, for an operator.
pub(super) fn note(observed: &Observed) -> Option<ProviderNote> {
    let provider = observed.provider.known()?.as_ref()?;
    let address = observed.machine.address.as_ref()?;
    let names = names(observed, address);
    let current = current(observed, &names);
    let answer = match &observed.machine.pending_request {
        None => ProviderAnswer::Asked,
        Some(pending) => match answer(observed, provider, pending) {
            Answer::None => ProviderAnswer::Asked,
            Answer::Revoked => ProviderAnswer::Revoked,
            Answer::Refused(error) => ProviderAnswer::Refused {
                message: error.message,
                code: error.code,
            },
            Answer::Unreadable(unreadable) => ProviderAnswer::Unreadable(unreadable),
            Answer::Unfit(refusal) => ProviderAnswer::Unfit(refusal),
            Answer::Ended(at) => ProviderAnswer::Ended(at),
            Answer::Given(given) => match trust::may_show(observed, current.as_ref(), &given) {
                Ok(()) => ProviderAnswer::Shown(given.not_after),
                Err(why) => ProviderAnswer::NotShown(why),
            },
        },
    };
    let late = current.filter(|current| {
        let life = current.not_after.0 - current.not_before.0;
        observed.now.0 >= current.not_before.0 + life / 100 * LATE_AFTER_PERCENT
    });
    Some(ProviderNote {
        app: provider.app.clone(),
        state: answer.into(),
        ending: late.map(|current| current.not_after),
    })
}
