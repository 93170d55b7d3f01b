//! What this unit asks of whoever signs for its member instead of the charm.

use tls_certificates::requests::{self, Request};

use crate::facts::Relation;
use crate::facts::observed::Observed;
use crate::relation::CLIENT_CERTIFICATES;

/// The request of this unit, unless it stands where the provider reads it.
pub(super) fn request(observed: &Observed) -> Option<(Relation, String)> {
    let provider = observed.provider.known()?.as_ref()?;
    let pending = observed.machine.pending_request.as_ref()?;
    let csr = pending.csr.clone();
    let wanted = requests::write(&[Request { csr, is_ca: false }])?;
    let (endpoint, id) = (CLIENT_CERTIFICATES, provider.relation);
    let stands = provider.published.as_ref() == Some(&wanted);
    (pending.relation == id && !stands).then_some((Relation { endpoint, id }, wanted))
}
