//! Records as they were noted.

use std::fmt;
use std::sync::OnceLock;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Error as _, Serialize, Serializer};

use super::packed::Reader;
use super::{Entry, Record, RecordKey, Records};

/// Records as they were noted: for each the lengths of its key and of what it says, and
/// then both. They are in the order of their keys.
pub struct Noted<K, V> {
    bytes: Vec<u8>,
    places: Vec<Place<K, V>>,
}

struct Place<K, V> {
    /// Where its key begins, where that ends and the record begins, and where that ends.
    at: [usize; 3],
    /// The record, once it was read.
    read: OnceLock<Box<(K, V)>>,
}

impl<K, V> Default for Noted<K, V> {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            places: Vec::new(),
        }
    }
}

impl<K: RecordKey, V: Record> Noted<K, V> {
    /// What these bytes are, unless they cannot be records in order.
    fn new(bytes: Vec<u8>) -> Option<Self> {
        let mut places = Vec::new();
        let mut rest = Reader(&bytes);
        let mut before: Option<&[u8]> = None;
        while !rest.0.is_empty() {
            let key = rest.text()?;
            let middle = bytes.len() - rest.0.len();
            let record = rest.text()?;
            let end = bytes.len() - rest.0.len();
            let is_next = before.is_none_or(|before| before < key);
            if !is_next || !K::is_whole(key) || V::view_of(record).is_none() {
                return None;
            }
            before = Some(key);
            places.push(Place {
                at: [middle - key.len(), middle, end],
                read: OnceLock::new(),
            });
        }
        Some(Self { bytes, places })
    }

    /// The bytes of a key, by its number.
    pub(in crate::facts) fn key(&self, at: usize) -> Option<&[u8]> {
        let [begin, middle, _] = self.places.get(at)?.at;
        Some(&self.bytes[begin..middle])
    }

    /// The bytes of a record, by its number.
    fn bytes_of(&self, at: usize) -> &[u8] {
        let [_, middle, end] = self.places[at].at;
        &self.bytes[middle + size_of::<u32>()..end]
    }

    /// Which number the record of this key has.
    pub(super) fn find(&self, key: &K) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        let mut bytes = Vec::new();
        key.write(&mut bytes);
        let key_of = |place: &Place<K, V>| &self.bytes[place.at[0]..place.at[1]];
        let found = self
            .places
            .binary_search_by(|place| key_of(place).cmp(&bytes));
        found.ok()
    }

    pub(super) fn view(&self, at: usize) -> V::View<'_> {
        V::view_of(self.bytes_of(at)).expect("all were looked at before")
    }

    /// A key and its record.
    pub(super) fn record(&self, at: usize) -> &(K, V) {
        self.places[at].read.get_or_init(|| {
            let key = self.key(at).and_then(K::read);
            let record = V::read(self.bytes_of(at));
            Box::new(key.zip(record).expect("only what can be read is noted"))
        })
    }
}

impl<K, V> Noted<K, V> {
    /// How many have been read.
    pub(super) fn count_read(&self) -> usize {
        let read = self.places.iter();
        read.filter(|place| place.read.get().is_some()).count()
    }
}

impl<K, V> fmt::Debug for Noted<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Noted").finish_non_exhaustive()
    }
}

impl<K: RecordKey, V: Record> Records<K, V> {
    /// All of them, as they are noted; `None` where one could not be read back.
    fn bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.noted.bytes.len() + 4096 * self.changed.len());
        let mut add = |text: &[u8]| super::packed::write_text(&mut bytes, text);
        let (mut key, mut record) = (Vec::new(), Vec::new());
        for entry in self.entries() {
            match entry {
                Entry::Noted(noted, at) => {
                    add(noted.key(at)?);
                    add(noted.bytes_of(at));
                }
                Entry::Changed(of, changed) => {
                    key.clear();
                    record.clear();
                    of.write(&mut key);
                    changed.write(&mut record);
                    let is_whole = K::read(&key).as_ref() == Some(of)
                        && V::read(&record).as_ref() == Some(changed);
                    if !is_whole {
                        return None;
                    }
                    add(&key);
                    add(&record);
                }
            }
        }
        Some(bytes)
    }
}

impl<K: RecordKey, V: Record> Serialize for Records<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = self.bytes();
        let bytes = bytes.ok_or_else(|| S::Error::custom("a record cannot be read back"))?;
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de, K: RecordKey, V: Record> Deserialize<'de> for Records<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        let noted =
            Noted::new(bytes.to_vec()).ok_or_else(|| D::Error::custom("these are no records"))?;
        Ok(Self {
            noted: noted.into(),
            changed: Default::default(),
        })
    }
}
