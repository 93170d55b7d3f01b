//! Certificates for relations that cannot bring their own.

use super::{ApplyError, Missing};
use crate::context::Context;
use crate::etcd::Client;
use crate::facts::authorities::Authorities;
use crate::facts::observed::HeldIdentity;
use crate::facts::{CommonName, Fingerprint, IssuedRecord, IssuedState, Purpose, Relation};
use crate::juju::{SecretContent, SecretOwner};
use crate::plan::access::RESERVED_PREFIX;
use crate::plan::issue::{Issuance, VALIDITY_SECONDS};
use crate::relation::{fernet, legacy};
use crate::tls::OwnCertificate;

/// Issues an identity to a relation: its record is written first, then
/// certificate and key go into the secret that all units read. If this hook
/// fails, that never comes to exist, and the next one sees an identity on record
/// that nobody holds. Gives what was issued, and its name.
///
/// # Errors
/// See [`ApplyError`].
pub async fn issue(
    context: &Context,
    client: &Client,
    authorities: &Authorities,
    issuance: Issuance,
) -> Result<(CommonName, HeldIdentity), ApplyError> {
    let Issuance {
        interface,
        relation,
    } = issuance;
    let name = new_name(interface.endpoint().0, relation.0);
    let issued = authorities
        .admin
        .issue_client(name.as_str(), context.now, VALIDITY_SECONDS)?;
    let own = OwnCertificate::read(&issued.certificate).map_err(crate::tls::IssueError::from)?;
    let record = IssuedRecord {
        purpose: Purpose::Relation(interface, relation),
        prefix: None,
        fingerprint: Some(own.fingerprint.clone()),
        issuer: Some(authorities.admin_issuer()),
        issued_at: context.now,
        not_after: own.not_after,
        ended_at: None,
        state: IssuedState::InForce,
        archive: None,
    };
    if !client.claim_issued(&name, &record).await? {
        return Err(ApplyError::Missing(Missing::FreeName));
    }
    let tools = &context.tools;
    let label = legacy::identity_label(interface, relation);
    let content: SecretContent = legacy::identity_secret(&issued.certificate, &issued.key).into();
    match tools.secret_info(&label)? {
        Some(info) => tools.secret_set(&super::secrets::uri(context, &info.id), None, &content)?,
        None => {
            let relation = Relation {
                endpoint: interface.endpoint(),
                id: relation,
            };
            let description = format!("Access to etcd over {relation}");
            let owner = SecretOwner::Application;
            tools.secret_add(&label, &description, &content, owner)?;
        }
    }
    let held = HeldIdentity {
        certificate: issued.certificate,
        key: issued.key,
        fingerprint: own.fingerprint,
    };
    Ok((name, held))
}

/// A common name that was never given and never will be again: an old
/// certificate in it would be somebody else. Nobody can ask for one that begins
/// like this.
fn new_name(endpoint: &str, relation: u32) -> CommonName {
    let chance = Fingerprint::of_der(fernet::new_key().expose().as_bytes());
    let name = format!(
        "{RESERVED_PREFIX}{endpoint}-{relation}-{}",
        &chance.as_str()[..16]
    );
    name.parse()
        .expect("an endpoint, a number and 16 digits have less than 64 characters")
}
