//! The records of the ledger as bytes, and what they say of themselves without being read:
//! all that a decision needs of the clients that it is not about.

mod claim;
mod client;

use std::fmt;
use std::str::FromStr;

use super::records::packed::{Reader, parsed};
use super::records::{Entry, Record, RecordKey};
use super::{CommonName, Fingerprint, KnownLeaf, RelationId, RequestKey};
pub use claim::ClaimView;
pub use client::{ClientView, GrantView};

impl RecordKey for RequestKey {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.relation.0.to_be_bytes());
        if let Some(request) = &self.request {
            bytes.extend_from_slice(request.as_str().as_bytes());
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (relation, request) = parts_of(bytes)?;
        Some(Self {
            relation,
            request: match request {
                [] => None,
                id => Some(parsed(id)?),
            },
        })
    }

    fn is_whole(bytes: &[u8]) -> bool {
        parts_of(bytes).is_some()
    }
}

/// The relation and the request of a key; empty where that has no identifier.
fn parts(key: &RequestKey) -> (RelationId, &[u8]) {
    let request = key.request.as_ref();
    let request = request.map_or(&[][..], |id| id.as_str().as_bytes());
    (key.relation, request)
}

/// The same of the bytes of a key.
fn parts_of(key: &[u8]) -> Option<(RelationId, &[u8])> {
    let (relation, request) = key.split_first_chunk()?;
    Some((RelationId(u32::from_be_bytes(*relation)), request))
}

/// A key that is a text.
pub trait TextKey: Clone + fmt::Debug + FromStr + Ord {
    /// The text.
    fn text(&self) -> &str;
}

impl TextKey for CommonName {
    fn text(&self) -> &str {
        self.as_str()
    }
}

impl TextKey for Fingerprint {
    fn text(&self) -> &str {
        self.as_str()
    }
}

impl<K: TextKey> RecordKey for K {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.text().as_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        parsed(bytes)
    }

    fn is_whole(bytes: &[u8]) -> bool {
        !bytes.is_empty()
    }
}

impl<'a, V: Record> Entry<'a, RequestKey, V> {
    /// The relation and the request of its key, which need not be read for that; empty
    /// where the request has no identifier.
    pub fn parts(&self) -> (RelationId, &'a [u8]) {
        match *self {
            Self::Noted(noted, at) => {
                let parts = noted.key(at).and_then(parts_of);
                parts.expect("a request is noted with its relation")
            }
            Self::Changed(key, _) => parts(key),
        }
    }

    /// The relation of its key.
    pub fn relation(&self) -> RelationId {
        self.parts().0
    }
}

impl<'a, K: TextKey, V: Record> Entry<'a, K, V> {
    /// The text of its key, which need not be read for that.
    pub fn text(&self) -> &'a [u8] {
        match *self {
            Self::Noted(noted, at) => noted.key(at).unwrap_or_default(),
            Self::Changed(key, _) => key.text().as_bytes(),
        }
    }
}

impl Record for KnownLeaf {
    type View<'a> = Self;

    fn write(&self, bytes: &mut Vec<u8>) {
        let Self { text, named_bytes } = self;
        bytes.extend_from_slice(&text.to_le_bytes());
        bytes.extend_from_slice(&named_bytes.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Self::view_of(bytes)
    }

    fn view(&self) -> Self {
        *self
    }

    fn view_of(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let text = u32::from_le_bytes(reader.array()?);
        let named_bytes = usize::from_le_bytes(reader.array()?);
        reader.end(Self { text, named_bytes })
    }
}
