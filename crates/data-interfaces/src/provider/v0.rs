//! What a requirer asks for in version 0 (`RequirerData` and its kind in
//! `data_interfaces` v0).

use std::str::FromStr;

use juju_hooks::Databag;

use super::{Correlation, Entry, Request, RequestRefusal, Requests, offered};
use crate::{CERTIFICATE, Dialect, ENCRYPTION_SECRET, Interface, filled};

/// Reads a databag without a `version`. The resource is plain text: `123` and
/// `true` are resources, and white space is part of one.
///
/// `requested-secrets` is not looked at. Where it is missing, the library's
/// provider writes the user in clear; a provider of this crate always answers
/// with secrets, as the interfaces demand.
pub(super) fn read<R: FromStr>(interface: &Interface, bag: &Databag) -> Option<Requests<R>> {
    let resource = filled(bag, interface.resource_key)?;
    Some(Requests {
        dialect: Dialect::V0,
        encryption_secret_copied: filled(bag, ENCRYPTION_SECRET).is_some(),
        requests: vec![Entry {
            request: None,
            outcome: request(interface, bag, resource),
        }],
        unnamed: Vec::new(),
    })
}

fn request<R: FromStr>(
    interface: &Interface,
    bag: &Databag,
    resource: &str,
) -> Result<Request<R>, RequestRefusal<R::Err>> {
    let of_certificate = |key| filled(bag, key).filter(|_| interface.has_client_certificate);
    let secret_mtls = of_certificate("secret-mtls");
    Ok(Request {
        resource: resource.parse().map_err(RequestRefusal::Resource)?,
        certificate: offered(secret_mtls, of_certificate(CERTIFICATE))?,
        has_entity_type: filled(bag, "entity-type").is_some(),
        correlation: Correlation {
            resource: resource.to_owned(),
            salt: String::new(),
            secret_mtls: secret_mtls.map(str::to_owned),
        },
    })
}
