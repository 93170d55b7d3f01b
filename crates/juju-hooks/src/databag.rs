//! The settings that one side of a relation can write.

use std::collections::BTreeMap;

/// One databag: keys and values as Juju hands them out. Juju cannot store an
/// empty value (writing one deletes the key), so an absent key and an empty
/// value mean the same to every reader.
pub type Databag = BTreeMap<String, String>;
