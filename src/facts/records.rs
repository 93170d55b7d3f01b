//! Records by key, of which most are noted as bytes and only those are read that
//! somebody asks for. There is one for each client, and a hook is about one of them.
//!
//! What was noted stays as it is; what is changed since stands beside it and counts. So a
//! copy costs what was changed, and a record that nobody touched is noted again as the
//! bytes that it was.

mod noted;
pub(super) mod packed;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::btree_map;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::iter::Peekable;
use std::ops::Index;
use std::sync::Arc;

use noted::Noted;

/// A key whose bytes are in the order of the keys themselves.
pub trait RecordKey: Clone + fmt::Debug + Ord {
    /// Adds its bytes.
    fn write(&self, bytes: &mut Vec<u8>);

    /// The key of these bytes, if they are those of one.
    fn read(bytes: &[u8]) -> Option<Self>;

    /// Whether the bytes have the parts of a key, which is less than to read it.
    fn is_whole(bytes: &[u8]) -> bool;
}

/// A record that can be looked at without reading all of it.
pub trait Record: Clone + fmt::Debug + PartialEq {
    /// What it says, as it lies there.
    type View<'a>
    where
        Self: 'a;

    /// Adds its bytes.
    fn write(&self, bytes: &mut Vec<u8>);

    /// The record of these bytes, if they are those of one.
    fn read(bytes: &[u8]) -> Option<Self>;

    /// What it says.
    fn view(&self) -> Self::View<'_>;

    /// What the record of these bytes says; `None` where they cannot be those of one.
    fn view_of(bytes: &[u8]) -> Option<Self::View<'_>>;
}

/// Records by key.
#[derive(Clone)]
pub struct Records<K, V> {
    noted: Arc<Noted<K, V>>,
    /// What counts instead of what was noted: another record, or that there is none.
    changed: BTreeMap<K, Option<V>>,
}

/// Which keys there were.
#[derive(Clone, Debug)]
pub struct Keys<K, V> {
    noted: Arc<Noted<K, V>>,
    changed: BTreeMap<K, bool>,
}

/// A record in its place.
#[derive(Debug)]
pub enum Entry<'a, K, V> {
    /// As it was noted; which one.
    Noted(&'a Noted<K, V>, usize),
    /// As it was written since.
    Changed(&'a K, &'a V),
}

impl<'a, K: RecordKey, V: Record> Entry<'a, K, V> {
    /// Its key.
    pub fn key(&self) -> &'a K {
        match *self {
            Self::Noted(noted, at) => &noted.record(at).0,
            Self::Changed(key, _) => key,
        }
    }

    /// All of it.
    pub fn record(&self) -> &'a V {
        match *self {
            Self::Noted(noted, at) => &noted.record(at).1,
            Self::Changed(_, record) => record,
        }
    }

    /// What it says. This costs next to nothing.
    pub fn view(&self) -> V::View<'a> {
        match *self {
            Self::Noted(noted, at) => noted.view(at),
            Self::Changed(_, record) => record.view(),
        }
    }
}

/// The records in the order of their keys.
struct Entries<'a, K, V> {
    noted: &'a Noted<K, V>,
    at: usize,
    changed: Peekable<btree_map::Iter<'a, K, Option<V>>>,
    /// The bytes of the key that is the next of those that were changed, once they are
    /// needed.
    next: Vec<u8>,
}

impl<'a, K: RecordKey, V: Record> Iterator for Entries<'a, K, V> {
    type Item = Entry<'a, K, V>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let key = self.noted.key(self.at);
            let order = match (key, self.changed.peek()) {
                (None, None) => return None,
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(key), Some((changed, _))) => {
                    if self.next.is_empty() {
                        changed.write(&mut self.next);
                    }
                    key.cmp(&self.next)
                }
            };
            if order.is_le() {
                self.at += 1;
            }
            if order.is_lt() {
                return Some(Entry::Noted(self.noted, self.at - 1));
            }
            self.next.clear();
            if let (key, Some(record)) = self.changed.next()? {
                return Some(Entry::Changed(key, record));
            }
        }
    }
}

impl<K: RecordKey, V: Record> Records<K, V> {
    /// The records in the order of their keys, none of them read yet.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_, K, V>> {
        Entries {
            noted: &self.noted,
            at: 0,
            changed: self.changed.iter().peekable(),
            next: Vec::new(),
        }
    }

    /// The records in the order of their keys. All of them are read, which is too much in
    /// a pass over one relation: see [`Records::entries`].
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries().map(|entry| (entry.key(), entry.record()))
    }

    /// All keys; see [`Records::iter`].
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries().map(|entry| entry.key())
    }

    /// All records; see [`Records::iter`].
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.entries().map(|entry| entry.record())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries().count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries().next().is_none()
    }

    /// The record of this key.
    pub fn get(&self, key: &K) -> Option<&V> {
        match self.changed.get(key) {
            Some(changed) => changed.as_ref(),
            None => {
                let at = self.noted.find(key)?;
                Some(&self.noted.record(at).1)
            }
        }
    }

    /// Whether there is a record of this key.
    pub fn contains_key(&self, key: &K) -> bool {
        match self.changed.get(key) {
            Some(changed) => changed.is_some(),
            None => self.noted.find(key).is_some(),
        }
    }

    /// Puts a record there, in place of the one that is.
    pub fn insert(&mut self, key: K, record: V) {
        self.changed.insert(key, Some(record));
    }

    /// Takes a record away, if there is one.
    pub fn remove(&mut self, key: &K) {
        match self.noted.find(key) {
            Some(_) => drop(self.changed.insert(key.clone(), None)),
            None => drop(self.changed.remove(key)),
        }
    }

    /// Takes all away.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Which keys there are.
    pub fn known(&self) -> Keys<K, V> {
        let changed = self.changed.iter();
        Keys {
            noted: Arc::clone(&self.noted),
            changed: changed
                .map(|(key, record)| (key.clone(), record.is_some()))
                .collect(),
        }
    }

    /// The keys that are there now and were not then.
    pub fn added_since(&self, then: &Keys<K, V>) -> BTreeSet<K> {
        let is_new = |key: &K| match then.changed.get(key) {
            Some(was_there) => !was_there,
            None => then.noted.find(key).is_none(),
        };
        if Arc::ptr_eq(&self.noted, &then.noted) {
            // All others were there then.
            let there = self.changed.iter().filter(|(_, record)| record.is_some());
            let there = there.map(|(key, _)| key);
            return there.filter(|key| is_new(key)).cloned().collect();
        }
        self.keys().filter(|key| is_new(key)).cloned().collect()
    }

    /// How many of those that were noted have been read so far, and how many were not
    /// noted: what does not grow with the records that there are.
    pub fn read(&self) -> (usize, usize) {
        (self.noted.count_read(), self.changed.len())
    }
}

impl<K, V> Default for Records<K, V> {
    fn default() -> Self {
        Self {
            noted: Arc::default(),
            changed: BTreeMap::new(),
        }
    }
}

impl<K: RecordKey, V: Record> PartialEq for Records<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<K: RecordKey, V: Record> Eq for Records<K, V> {}

impl<K: RecordKey, V: Record> fmt::Debug for Records<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: RecordKey, V: Record, Q: Borrow<K>> Index<Q> for Records<K, V> {
    type Output = V;

    fn index(&self, key: Q) -> &V {
        self.get(key.borrow()).expect("a record of this key")
    }
}

impl<K: RecordKey, V: Record> FromIterator<(K, V)> for Records<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(records: I) -> Self {
        let records = records.into_iter();
        Self {
            noted: Arc::default(),
            changed: records.map(|(key, record)| (key, Some(record))).collect(),
        }
    }
}

impl<K: RecordKey, V: Record, const N: usize> From<[(K, V); N]> for Records<K, V> {
    fn from(records: [(K, V); N]) -> Self {
        records.into_iter().collect()
    }
}
