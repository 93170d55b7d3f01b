//! The wire of the Juju interface `tls-certificates`, version 1, for providers
//! and requirers, and of `certificate_transfer`, for providers.
//!
//! A requirer writes certificate signing requests: each unit into its own
//! databag, or the leader into that of the application. The provider's leader
//! answers in the databag of its application. A request is known by its text, so
//! a renewal is another request, and an answer repeats the request.
//!
//! Everything here is pure. What the other side has written is limited in size,
//! and one entry that makes no sense costs only itself. Canonical's
//! own libraries are stricter when they read (one bad entry hides the whole
//! databag), so what is written here is complete for them.

pub mod answers;
pub mod requests;
pub mod transfer;

use std::collections::BTreeMap;

/// The keys and values of a databag.
pub type Databag = BTreeMap<String, String>;

/// The name of the interface, as `metadata.yaml` has it.
pub const INTERFACE: &str = "tls-certificates";

/// Most bytes of one value of a databag that are looked at: as many as a hundred
/// answers have with keys and chains as large as they come.
const MAX_VALUE_BYTES: usize = 4 * 1024 * 1024;

/// One form of a text in PEM, so that equal ones compare as equal: no white
/// space around it, and lines that end in LF only.
#[must_use]
pub fn normalized(pem: &str) -> String {
    pem.trim().replace("\r\n", "\n")
}

/// A list of a databag, its entries still to be read one by one.
fn list(bag: &Databag, key: &'static str) -> Result<Vec<serde_json::Value>, Unreadable> {
    let Some(text) = bag.get(key) else {
        return Ok(Vec::new());
    };
    if text.len() > MAX_VALUE_BYTES {
        return Err(Unreadable::TooLong(key, MAX_VALUE_BYTES));
    }
    serde_json::from_str(text).map_err(|_| Unreadable::NotAList(key))
}

/// Why nothing of a databag can be read. The value itself is left out: it may be
/// long, and anybody's.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unreadable {
    /// The value of this key is no list in JSON.
    #[error("{0} is not a list in JSON")]
    NotAList(&'static str),
    /// The value of this key has more than so many bytes.
    #[error("{0} is longer than {1} bytes")]
    TooLong(&'static str, usize),
}

/// The text of a list as it stands in a databag; `None`, which deletes the key,
/// for an empty one.
fn text(list: &[serde_json::Value]) -> Option<String> {
    (!list.is_empty()).then(|| serde_json::Value::from(list.to_vec()).to_string())
}
