//! What a requirer asks for in version 0 (`EtcdRequirerData`,
//! `EtcdRequirerEventHandlers` of `data_interfaces` v0).

use super::{Asked, Dialect, Echo, Entry, Request, RequestRefusal, filled, offered};
use crate::model::{Databag, Prefix};

/// Reads a databag without a `version`. The prefix is plain text: `123` and
/// `true` are prefixes, and white space is part of one.
///
/// `requested-secrets` is not looked at. Where it is missing, the library's
/// provider writes the user in clear; we always answer with secrets, as the
/// interface demands.
pub(super) fn read(bag: &Databag) -> Option<Asked> {
    let prefix = filled(bag, "prefix")?;
    Some(Asked {
        dialect: Dialect::V0,
        encryption_secret_copied: filled(bag, super::ENCRYPTION_SECRET).is_some(),
        requests: vec![Entry {
            request: None,
            outcome: request(bag, prefix),
        }],
        set_aside: Vec::new(),
    })
}

fn request(bag: &Databag, prefix: &str) -> Result<Request, RequestRefusal> {
    let secret_mtls = filled(bag, "secret-mtls");
    Ok(Request {
        prefix: Prefix::new(prefix).map_err(RequestRefusal::Prefix)?,
        certificate: offered(secret_mtls, filled(bag, super::CERTIFICATE))?,
        echo: Echo {
            resource: prefix.to_owned(),
            salt: String::new(),
            secret_mtls: secret_mtls.map(str::to_owned),
        },
    })
}
