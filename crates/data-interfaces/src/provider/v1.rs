//! What a requirer asks for in version 1 (`RequirerCommonModel` of
//! `data_interfaces` v1 and of `dpcharmlibs-interfaces`).

use std::collections::BTreeSet;
use std::str::FromStr;

use juju_hooks::Databag;
use serde_json::{Map, Value};

use super::{
    Correlation, Entry, RelationRefusal, Request, RequestRefusal, Requests, Unnamed, offered,
};
use crate::{CERTIFICATE, Dialect, ENCRYPTION_SECRET, Interface, RequestId, filled, request_id};

/// Largest list that is read, in bytes, since JSON grows manifold when it is
/// taken apart. A hundred requests whose certificates are in the databag,
/// encrypted, come to half of it.
pub(super) const MAX_LIST_BYTES: usize = 1024 * 1024;

/// Most requests of one relation. Each costs a user, its rights and two secrets;
/// requirers are known to make up to three.
pub(super) const MAX_REQUESTS: usize = 100;

/// Longest salt, in bytes; the libraries make 16.
pub(super) const MAX_SALT_BYTES: usize = 128;

/// Reads a databag whose `version` is `v1`.
pub(super) fn read<R: FromStr>(
    interface: &Interface,
    bag: &Databag,
) -> Result<Option<Requests<R>>, RelationRefusal> {
    let Some(requests) = filled(bag, "requests") else {
        return Ok(None);
    };
    let list = list(requests)?;
    if list.is_empty() {
        return Ok(None);
    }
    let mut read = Requests {
        dialect: Dialect::V1,
        encryption_secret_copied: filled(bag, ENCRYPTION_SECRET).is_some(),
        requests: Vec::new(),
        unnamed: Vec::new(),
    };
    let mut seen = BTreeSet::new();
    for (position, value) in list.iter().enumerate() {
        match identify(interface, value) {
            Ok((fields, id)) if seen.insert(id.clone()) => read.requests.push(Entry {
                request: Some(id),
                outcome: request(interface, fields),
            }),
            Ok((_, id)) => read.unnamed.push(Unnamed {
                position,
                refusal: RequestRefusal::DuplicateId(id),
            }),
            Err(refusal) => read.unnamed.push(Unnamed { position, refusal }),
        }
    }
    Ok(Some(read))
}

fn list(text: &str) -> Result<Vec<Value>, RelationRefusal> {
    if text.len() > MAX_LIST_BYTES {
        return Err(RelationRefusal::LargeRequests);
    }
    match serde_json::from_str(text) {
        Ok(Value::Array(list)) if list.len() > MAX_REQUESTS => {
            Err(RelationRefusal::TooManyRequests)
        }
        Ok(Value::Array(list)) => Ok(list),
        Ok(_) => Err(RelationRefusal::RequestsNotAList),
        Err(_) => Err(RelationRefusal::RequestsNotJson),
    }
}

/// The id of an entry: as given, or else computed, which is how a request added
/// by the libraries' `write_model` has to be read.
fn identify<'v, E>(
    interface: &Interface,
    value: &'v Value,
) -> Result<(&'v Map<String, Value>, RequestId), RequestRefusal<E>> {
    let fields = value.as_object().ok_or(RequestRefusal::NotAnObject)?;
    let id = match filled_text(fields, "request-id")? {
        Some(id) => id.parse().map_err(RequestRefusal::RequestId)?,
        None => request_id(
            resource(interface, fields)?.ok_or(RequestRefusal::NoResource)?,
            text(fields, "salt")?.unwrap_or_default(),
        ),
    };
    Ok((fields, id))
}

/// Reads the fields that all providers of this crate need. Roles and the like,
/// which the model shares with other databases, are not looked at.
fn request<R: FromStr>(
    interface: &Interface,
    fields: &Map<String, Value>,
) -> Result<Request<R>, RequestRefusal<R::Err>> {
    let resource = resource(interface, fields)?.ok_or(RequestRefusal::NoResource)?;
    let salt = text(fields, "salt")?.unwrap_or_default();
    if salt.len() > MAX_SALT_BYTES {
        return Err(RequestRefusal::LongSalt);
    }
    let [secret_mtls, certificate] = match interface.has_client_certificate {
        true => [
            filled_text(fields, "secret-mtls")?,
            filled_text(fields, CERTIFICATE)?,
        ],
        false => [None, None],
    };
    Ok(Request {
        resource: resource.parse().map_err(RequestRefusal::Resource)?,
        certificate: offered(secret_mtls, certificate)?,
        has_entity_type: !matches!(field(fields, "entity-type"), None | Some(Value::Null)),
        correlation: Correlation {
            resource: resource.to_owned(),
            salt: salt.to_owned(),
            secret_mtls: secret_mtls.map(str::to_owned),
        },
    })
}

/// The resource: the libraries write `resource` and also read the name that it
/// has in version 0.
fn resource<'f, E>(
    interface: &Interface,
    fields: &'f Map<String, Value>,
) -> Result<Option<&'f str>, RequestRefusal<E>> {
    match text(fields, "resource")? {
        Some(resource) => Ok(Some(resource)),
        None => text(fields, interface.resource_key),
    }
}

/// A field in kebab case, which the libraries write, or in snake case, which they
/// also read.
fn field<'f>(fields: &'f Map<String, Value>, name: &'static str) -> Option<&'f Value> {
    fields
        .get(name)
        .or_else(|| fields.get(&name.replace('-', "_")))
}

/// The text of a field; `null` is none.
fn text<'f, E>(
    fields: &'f Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'f str>, RequestRefusal<E>> {
    match field(fields, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(RequestRefusal::NotText(name)),
    }
}

/// As [`text`], and an empty text is none.
fn filled_text<'f, E>(
    fields: &'f Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'f str>, RequestRefusal<E>> {
    Ok(text(fields, name)?.filter(|text| !text.is_empty()))
}
