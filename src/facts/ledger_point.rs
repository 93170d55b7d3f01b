//! Which of an application's ledgers was read: of which cluster, and when.

use serde::{Deserialize, Serialize};

use super::{Ledger, LedgerKey};

/// What tells one reading of the ledger from a later one, so that the later one need
/// only be of what has changed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LedgerPoint {
    /// The cluster that it was read of.
    pub cluster: u64,
    /// The revision at which it was read.
    pub revision: i64,
    /// How many keys there were, those included that this revision of the charm does
    /// not know.
    pub keys: i64,
    /// The revision of its fence; 0 where there is none.
    pub fence: i64,
}

impl LedgerPoint {
    /// Whether what was read then, without those keys that are known to be `gone`, and
    /// the keys that were written since are the whole ledger. `added` is how many of them
    /// are there now that were not there then, or were and are gone.
    ///
    /// A key that was deleted does not show among those that were written. But there can
    /// be no others than those that there were, are not gone, and those that were added:
    /// if there are as many, none of the former is gone as well. One that was deleted and
    /// made anew is among those that were written, as it is now.
    pub const fn has_kept_all(&self, now: &Self, added: i64, gone: i64) -> bool {
        now.cluster == self.cluster
            && now.revision >= self.revision
            && now.keys == self.keys + added - gone
    }
}

impl Ledger {
    /// Takes out what was read from this key. `false` if nothing was.
    pub fn forget(&mut self, key: &LedgerKey) -> bool {
        let is_there = self.has(key);
        match key {
            LedgerKey::Client(request) => self.clients.remove(request),
            LedgerKey::Name(name) => self.names.remove(name),
            LedgerKey::Issued(name) => drop(self.issued.remove(name)),
            LedgerKey::Unsigned(relation) => drop(self.unsigned.remove(relation)),
            LedgerKey::Signed(name) => drop(self.signed.remove(name)),
            LedgerKey::Member(member) => drop(self.members.remove(member)),
            LedgerKey::Pace(relation) => drop(self.paces.remove(relation)),
            LedgerKey::Ended(relation) => drop(self.ended.remove(relation)),
            LedgerKey::Lock(name) => drop(self.locks.remove(name)),
            LedgerKey::Settled => self.settled = None,
        }
        is_there
    }

    /// Whether it was read from a key like this, among others.
    pub fn has(&self, key: &LedgerKey) -> bool {
        match key {
            LedgerKey::Client(request) => self.clients.contains_key(request),
            LedgerKey::Name(name) => self.names.contains_key(name),
            LedgerKey::Issued(name) => self.issued.contains_key(name),
            LedgerKey::Signed(name) => self.signed.contains_key(name),
            LedgerKey::Unsigned(relation) => self.unsigned.contains_key(relation),
            LedgerKey::Member(member) => self.members.contains_key(member),
            LedgerKey::Pace(relation) => self.paces.contains_key(relation),
            LedgerKey::Ended(relation) => self.ended.contains_key(relation),
            LedgerKey::Lock(name) => self.locks.contains_key(name),
            LedgerKey::Settled => self.settled.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_gone_is_never_overlooked() {
        let then = LedgerPoint {
            cluster: 1,
            revision: 10,
            keys: 3,
            fence: 7,
        };
        let now = |keys| LedgerPoint {
            revision: 20,
            keys,
            ..then
        };
        assert!(then.has_kept_all(&then, 0, 0));
        assert!(then.has_kept_all(&now(3), 0, 0));
        assert!(then.has_kept_all(&now(5), 2, 0));
        // One was deleted; one was, and another was added; one was, and two were.
        for (keys, added) in [(2, 0), (3, 1), (4, 2)] {
            assert!(!then.has_kept_all(&now(keys), added, 0), "{keys} {added}");
            assert!(then.has_kept_all(&now(keys), added, 1), "{keys} {added}");
            assert!(!then.has_kept_all(&now(keys), added, 2), "{keys} {added}");
        }
        let restored = LedgerPoint {
            revision: 9,
            ..then
        };
        assert!(!then.has_kept_all(&restored, 0, 0));
        let other = LedgerPoint { cluster: 2, ..then };
        assert!(!then.has_kept_all(&other, 0, 0));
    }
}
