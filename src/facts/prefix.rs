//! What a client may reach: prefixes as asked for, ranges as etcd grants them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest prefix that is granted, in bytes. etcd itself has no limit short of
/// its request size; a prefix is part of every key and of every permission
/// check, so a longer one is a mistake or an attack.
const MAX_PREFIX_BYTES: usize = 1024;

/// Keys below this byte belong to the charm: its ledger begins with 0x00, so
/// that no range of a client, that of the prefix `/` included, reaches it.
pub(crate) const FIRST_CLIENT_BYTE: u8 = 0x01;

/// A key prefix, exactly the bytes that were asked for: never empty, nothing
/// trimmed or added (`/test` also covers `/testing`, as etcd means it).
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix(String);

/// Why a prefix is not granted.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum PrefixRefusal {
    /// etcdctl takes an empty prefix for the whole key space; here it is none.
    #[error("the prefix is empty")]
    Empty,
    /// The range would reach the keys of the charm itself.
    #[error("the prefix reaches keys that are reserved for the charm")]
    Reserved,
    /// Longer than any key of reasonable use.
    #[error("the prefix is longer than {MAX_PREFIX_BYTES} bytes")]
    TooLong,
}

impl Prefix {
    /// Takes the prefix of a request as it stands.
    ///
    /// # Errors
    /// The requirer is at fault: see [`PrefixRefusal`].
    pub fn new(text: impl Into<String>) -> Result<Self, PrefixRefusal> {
        let text = text.into();
        match text.as_bytes() {
            [] => Err(PrefixRefusal::Empty),
            [first, ..] if *first < FIRST_CLIENT_BYTE => Err(PrefixRefusal::Reserved),
            bytes if bytes.len() > MAX_PREFIX_BYTES => Err(PrefixRefusal::TooLong),
            _ => Ok(Self(text)),
        }
    }

    /// The prefix as text, as it was asked for.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether some key begins with this prefix and with the other one, that is to say
    /// one of them begins with the other: what [`KeyRange::overlaps`] says of their
    /// ranges.
    pub fn overlaps(&self, other: &[u8]) -> bool {
        let own = self.0.as_bytes();
        own.starts_with(other) || other.starts_with(own)
    }

    /// The keys that begin with this prefix.
    pub fn range(&self) -> KeyRange {
        KeyRange::of_prefix(self.0.as_bytes())
    }
}

impl FromStr for Prefix {
    type Err = PrefixRefusal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<String> for Prefix {
    type Error = PrefixRefusal;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.0
    }
}

impl fmt::Display for Prefix {
    /// Control characters are escaped, so that a status stays one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_debug())
    }
}

/// A half-open range of keys `[key, range_end)` in etcd's own form: an empty
/// `range_end` is the single key, `"\0"` is "to the end of the key space".
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct KeyRange {
    /// The first key.
    pub key: Vec<u8>,
    /// The first key that is no longer in the range.
    pub range_end: Vec<u8>,
}

impl KeyRange {
    /// All keys that begin with `prefix`: the end is the prefix with its last
    /// byte below 0xff incremented and what follows it cut, as etcd's own
    /// clients compute it.
    pub fn of_prefix(prefix: &[u8]) -> Self {
        let mut range_end = prefix.to_vec();
        while let Some(last) = range_end.pop() {
            if last < 0xff {
                range_end.push(last + 1);
                break;
            }
        }
        if range_end.is_empty() {
            range_end.push(0);
        }
        Self {
            key: prefix.to_vec(),
            range_end,
        }
    }

    /// All keys that a client can have: the whole key space without the range
    /// that is reserved for the charm.
    pub fn of_clients() -> Self {
        Self {
            key: vec![FIRST_CLIENT_BYTE],
            range_end: vec![0],
        }
    }

    /// Whether some key is in both ranges.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.starts_before_end_of(other) && other.starts_before_end_of(self)
    }

    fn starts_before_end_of(&self, other: &Self) -> bool {
        match other.range_end.as_slice() {
            [] => self.key <= other.key,
            [0] => true,
            end => self.key.as_slice() < end,
        }
    }
}

impl fmt::Display for KeyRange {
    /// For example `[/test/, /test0)`, bytes outside ASCII escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.range_end.as_slice() {
            [] => write!(f, "[{}]", self.key.escape_ascii()),
            [0] => write!(f, "[{}, ∞)", self.key.escape_ascii()),
            end => write!(f, "[{}, {})", self.key.escape_ascii(), end.escape_ascii()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(prefix: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let range = KeyRange::of_prefix(prefix);
        (range.key, range.range_end)
    }

    #[test]
    fn ranges_end_where_etcdctl_ends_them() {
        for (prefix, end) in [
            (&b"/test/"[..], &b"/test0"[..]),
            (b"/test", b"/tesu"),
            (b"/", b"0"),
            (b"a\xff", b"b"),
            (b"\xff\xff", b"\0"),
            (b"-x/", b"-x0"),
            ("ü".as_bytes(), b"\xc3\xbd"),
        ] {
            assert_eq!(range(prefix), (prefix.to_vec(), end.to_vec()));
        }
    }

    #[test]
    fn a_prefix_is_kept_byte_for_byte() {
        for text in ["123", "true", "-x/", " a ", "\"q\"", "/", "ü/"] {
            assert_eq!(Prefix::new(text).map(String::from), Ok(text.to_owned()));
        }
    }

    #[test]
    fn empty_reserved_and_endless_prefixes_are_refused() {
        assert_eq!(Prefix::new(""), Err(PrefixRefusal::Empty));
        assert_eq!(Prefix::new("\0etcd"), Err(PrefixRefusal::Reserved));
        assert_eq!(Prefix::new("x".repeat(1025)), Err(PrefixRefusal::TooLong));
    }

    #[test]
    fn overlap_is_mutual_and_half_open() {
        let of = |text: &str| KeyRange::of_prefix(text.as_bytes());
        assert!(of("/a/").overlaps(&of("/a/b/")));
        assert!(of("/a/b/").overlaps(&of("/a/")));
        assert!(!of("/a/").overlaps(&of("/b/")));
        assert!(!of("/a/").overlaps(&of("/a0")));
        let open = KeyRange::of_prefix(b"\xff");
        assert!(open.overlaps(&open));
        assert!(!of("/a").overlaps(&open));
    }
}
