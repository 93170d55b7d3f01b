//! What a requirer asks for in version 1 (`RequirerCommonModel` of
//! `data_interfaces` v1 and of `dpcharmlibs-interfaces`).

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{
    Asked, Dialect, Echo, Entry, RelationRefusal, Request, RequestRefusal, SetAside, filled,
    offered,
};
use crate::model::{Databag, Prefix, RequestId};

/// Largest list that is read, in bytes, since JSON grows manifold when it is
/// taken apart. A hundred requests whose certificates are in the databag,
/// encrypted, come to half of it.
pub(super) const MAX_LIST_BYTES: usize = 1024 * 1024;

/// Most requests of one relation. Each costs a user, a role and two secrets;
/// requirers are known to make up to three.
pub(super) const MAX_REQUESTS: usize = 100;

/// Longest salt, in bytes; the libraries make 16.
pub(super) const MAX_SALT_BYTES: usize = 128;

/// The id of a request that came without one: the first 16 hexadecimal digits
/// of the SHA-256 of resource and salt (`gen_hash` in the libraries).
pub fn request_id(resource: &str, salt: &str) -> RequestId {
    let digest = Sha256::digest(format!("{resource}:{salt}"));
    let digits: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
    digits.parse().expect("hexadecimal digits are an id")
}

/// Reads a databag whose `version` is `v1`.
pub(super) fn read(bag: &Databag) -> Result<Option<Asked>, RelationRefusal> {
    let Some(requests) = filled(bag, "requests") else {
        return Ok(None);
    };
    let list = list(requests)?;
    if list.is_empty() {
        return Ok(None);
    }
    let mut asked = Asked {
        dialect: Dialect::V1,
        encryption_secret_copied: filled(bag, super::ENCRYPTION_SECRET).is_some(),
        requests: Vec::new(),
        set_aside: Vec::new(),
    };
    let mut seen = BTreeSet::new();
    for (position, value) in list.iter().enumerate() {
        match identify(value) {
            Ok((fields, id)) if seen.insert(id.clone()) => asked.requests.push(Entry {
                request: Some(id),
                outcome: request(fields),
            }),
            Ok((_, id)) => asked.set_aside.push(SetAside {
                position,
                refusal: RequestRefusal::DuplicateId(id),
            }),
            Err(refusal) => asked.set_aside.push(SetAside { position, refusal }),
        }
    }
    Ok(Some(asked))
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
fn identify(value: &Value) -> Result<(&Map<String, Value>, RequestId), RequestRefusal> {
    let fields = value.as_object().ok_or(RequestRefusal::NotAnObject)?;
    let id = match filled_text(fields, "request-id")? {
        Some(id) => id.parse().map_err(RequestRefusal::RequestId)?,
        None => request_id(
            resource(fields)?.ok_or(RequestRefusal::NoResource)?,
            text(fields, "salt")?.unwrap_or_default(),
        ),
    };
    Ok((fields, id))
}

/// Reads the fields that matter to etcd. Roles, entities and the like, which the
/// model shares with other databases, are not looked at.
fn request(fields: &Map<String, Value>) -> Result<Request, RequestRefusal> {
    let resource = resource(fields)?.ok_or(RequestRefusal::NoResource)?;
    let salt = text(fields, "salt")?.unwrap_or_default();
    if salt.len() > MAX_SALT_BYTES {
        return Err(RequestRefusal::LongSalt);
    }
    let secret_mtls = filled_text(fields, "secret-mtls")?;
    Ok(Request {
        prefix: Prefix::new(resource).map_err(RequestRefusal::Prefix)?,
        certificate: offered(secret_mtls, filled_text(fields, super::CERTIFICATE)?)?,
        echo: Echo {
            resource: resource.to_owned(),
            salt: salt.to_owned(),
            secret_mtls: secret_mtls.map(str::to_owned),
        },
    })
}

/// The prefix: the libraries write `resource` and also read `prefix`.
fn resource(fields: &Map<String, Value>) -> Result<Option<&str>, RequestRefusal> {
    match text(fields, "resource")? {
        Some(resource) => Ok(Some(resource)),
        None => text(fields, "prefix"),
    }
}

/// The text of a field in kebab case, which the libraries write, or in snake
/// case, which they also read; `null` is none.
fn text<'f>(
    fields: &'f Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'f str>, RequestRefusal> {
    let value = fields
        .get(name)
        .or_else(|| fields.get(&name.replace('-', "_")));
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(RequestRefusal::NotText(name)),
    }
}

/// As [`text`], and an empty text is none.
fn filled_text<'f>(
    fields: &'f Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'f str>, RequestRefusal> {
    Ok(text(fields, name)?.filter(|text| !text.is_empty()))
}
