//! What a member shows to clients, and what was asked for it.

use std::collections::BTreeSet;

use super::ApplyError;
use crate::context::Context;
use crate::facts::provider::{KeyPair, PendingRequest};
use crate::facts::{MemberName, RelationId};
use crate::plan::access::RESERVED_PREFIX;
use crate::tls::OwnRequest;
use crate::workload::files::{PRIVATE_FILE, PUBLIC_FILE, ensure_absent, ensure_file};
use crate::workload::request_file::write_request;
use crate::workload::{Owner, USER};

/// Stores the authorities of providers; an empty text for none.
pub(super) fn store_trust(context: &Context, text: &str) -> Result<(), ApplyError> {
    let path = context.paths.provider_ca();
    match text {
        "" => ensure_absent(&path)?,
        text => drop(ensure_file(
            &path,
            text.as_bytes(),
            PUBLIC_FILE,
            Owner::Charm,
        )?),
    }
    Ok(())
}

/// Makes a key and a request. What the member shows meanwhile has its own key.
pub(super) fn request(
    context: &Context,
    relation: RelationId,
    names: &BTreeSet<String>,
) -> Result<(), ApplyError> {
    // No user of etcd may have this name: see `RESERVED_PREFIX`.
    let name = format!("{RESERVED_PREFIX}{}", MemberName::of(&context.hook.unit));
    let made = OwnRequest::create(&name, names, None)?;
    let request = PendingRequest {
        relation,
        names: names.clone(),
        made_at: context.now,
        csr: made.csr,
        key: made.key,
    };
    Ok(write_request(&context.paths, &request)?)
}

/// Lets the member show this to clients from the next connection on.
pub(super) fn show(context: &Context, pair: &KeyPair) -> Result<(), ApplyError> {
    let text = pair.text();
    let owner = Owner::User(&context.commands, USER);
    let path = context.paths.served_pair();
    ensure_file(&path, text.expose().as_bytes(), PRIVATE_FILE, owner)?;
    Ok(())
}
