//! Sets of fingerprints as they are noted: their digits one after the other. There is one
//! for each client in several of them, and each hook reads them all.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::records::packed::parsed;
use super::{Fingerprint, MemberName, MemberTrust};

/// How many digits a fingerprint has.
const DIGITS: usize = 64;

/// A set of fingerprints, to be noted.
#[derive(Clone, Copy, Debug)]
pub struct ToNote<'a>(pub &'a BTreeSet<Fingerprint>);

/// A set of fingerprints that was noted.
#[derive(Clone, Debug)]
pub struct NotedLeaves(pub BTreeSet<Fingerprint>);

impl Serialize for ToNote<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut digits = Vec::with_capacity(self.0.len() * DIGITS);
        for leaf in self.0 {
            digits.extend_from_slice(leaf.as_str().as_bytes());
        }
        serializer.serialize_bytes(&digits)
    }
}

impl<'de> Deserialize<'de> for NotedLeaves {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = <&[u8]>::deserialize(deserializer)?;
        let (leaves, rest) = digits.as_chunks::<DIGITS>();
        let leaves = leaves.iter().map(|digits| parsed(digits));
        let leaves: Option<_> = leaves.collect();
        leaves
            .filter(|_| rest.is_empty())
            .map(Self)
            .ok_or_else(|| D::Error::custom("these are no fingerprints"))
    }
}

/// What members trust, as it is noted.
pub(super) mod members {
    use super::*;

    pub(in crate::facts) fn serialize<S: Serializer>(
        members: &BTreeMap<MemberName, MemberTrust>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let members = members.iter().map(|(name, trust)| {
            let MemberTrust {
                loaded,
                starting,
                client_authorities,
            } = trust;
            let starting = starting.as_ref().map(ToNote);
            (name, ToNote(loaded), starting, ToNote(client_authorities))
        });
        serializer.collect_seq(members)
    }

    pub(in crate::facts) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<MemberName, MemberTrust>, D::Error> {
        type Noted = (MemberName, NotedLeaves, Option<NotedLeaves>, NotedLeaves);
        let members = Vec::<Noted>::deserialize(deserializer)?.into_iter();
        Ok(members
            .map(|(name, loaded, starting, client_authorities)| {
                let trust = MemberTrust {
                    loaded: loaded.0,
                    starting: starting.map(|leaves| leaves.0),
                    client_authorities: client_authorities.0,
                };
                (name, trust)
            })
            .collect())
    }
}
