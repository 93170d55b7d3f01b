//! Which keys of the ledger were deleted lately. etcd tells what was written since a
//! revision and not what was deleted, so the leader leaves that in the value of the fence,
//! which it raises with each of its writes.

use serde::{Deserialize, Serialize};

/// How many keys are remembered: the ends of several relations at once. More of them
/// cost each write more than it costs to read the ledger anew once.
const MAX_KEYS: usize = 32;

/// The keys that were deleted by writes which raised the fence, since it had a certain
/// revision. A write is carried out only where the fence is what its writer has seen, so
/// none is missing in between.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Deletions {
    /// What the fence was when this begins.
    since: i64,
    /// The keys, without what all of them begin with, and what the fence was right before
    /// each was deleted; the latest stand last.
    keys: Vec<(i64, String)>,
}

impl Deletions {
    /// None since this revision of the fence.
    pub const fn since(fence: i64) -> Self {
        Self {
            since: fence,
            keys: Vec::new(),
        }
    }

    /// What the value of the fence at this revision says. Where it says nothing, which is
    /// what other revisions of the charm write, nothing is known of what was before.
    pub fn read(value: &[u8], fence: i64) -> Self {
        serde_json::from_slice(value).unwrap_or_else(|_| Self::since(fence))
    }

    /// The value of a fence that says so.
    pub fn value(&self) -> String {
        serde_json::to_string(self).expect("deletions have no failing serializer")
    }

    /// The same after a write that deletes these keys where the fence has this revision;
    /// `None` where they are too many to be remembered.
    pub fn and(&self, fence: i64, deleted: impl IntoIterator<Item = String>) -> Option<Self> {
        let mut after = self.clone();
        let deleted = deleted.into_iter().map(|key| (fence, key));
        after.keys.extend(deleted);
        let surplus = after.keys.len().saturating_sub(MAX_KEYS);
        let Some((last, _)) = surplus.checked_sub(1).map(|at| &after.keys[at]) else {
            return Some(after);
        };
        // All of one write, or none of it.
        let last = *last;
        after.keys.retain(|(before, _)| *before > last);
        after.since = after.keys.first()?.0;
        Some(after)
    }

    /// The keys that were deleted after the fence had this revision; `None` where that is
    /// not known.
    pub fn after(&self, fence: i64) -> Option<impl Iterator<Item = &str>> {
        let keys = self.keys.iter();
        let keys = keys.filter(move |(before, _)| *before >= fence);
        (fence >= self.since).then(|| keys.map(|(_, key)| key.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(deletions: &Deletions, fence: i64) -> Option<Vec<&str>> {
        deletions.after(fence).map(Iterator::collect)
    }

    #[test]
    fn what_was_deleted_is_known_to_whoever_has_seen_what_was_before() {
        let deletions = Deletions::since(10);
        assert_eq!(after(&deletions, 9), None);
        assert_eq!(after(&deletions, 10), Some(vec![]));
        let deletions = deletions.and(10, ["a".to_owned(), "b".to_owned()]);
        let deletions = deletions.and_then(|known| known.and(12, []));
        let deletions = deletions.and_then(|known| known.and(15, ["c".to_owned()]));
        let deletions = deletions.expect("they are few");
        let read = Deletions::read(deletions.value().as_bytes(), 16);
        assert_eq!(read, deletions);
        assert_eq!(after(&read, 9), None);
        assert_eq!(after(&read, 10), Some(vec!["a", "b", "c"]));
        for fence in [12, 15] {
            assert_eq!(after(&read, fence), Some(vec!["c"]), "{fence}");
        }
        assert_eq!(after(&read, 16), Some(vec![]));
    }

    #[test]
    fn what_says_nothing_begins_anew() {
        for value in ["", "{}", "junk"] {
            assert_eq!(Deletions::read(value.as_bytes(), 7), Deletions::since(7));
        }
    }

    #[test]
    fn what_is_too_much_is_forgotten_write_by_write() {
        let keys = |count: usize| (0..count).map(|at| format!("key/{at}"));
        let known = Deletions::since(1).and(1, keys(2));
        let known = known.and_then(|known| known.and(2, keys(MAX_KEYS - 2)));
        let known = known.expect("they fit");
        assert_eq!(after(&known, 1).map(|keys| keys.len()), Some(MAX_KEYS));
        let known = known.and(5, keys(1)).expect("it fits");
        assert_eq!(after(&known, 1), None);
        assert_eq!(after(&known, 2).map(|keys| keys.len()), Some(MAX_KEYS - 1));
        assert_eq!(known.and(6, keys(MAX_KEYS + 1)), None);
    }
}
