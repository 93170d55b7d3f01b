//! Certificates that are made byte by byte: a good one with one thing changed.

use etcd_charm::facts::Timestamp;

use super::recipe::{Recipe, name};
use super::{Entry, Outcome, extensions, keys, names, others, pem};

/// Certificates, made byte by byte.
pub(super) fn entries(now: Timestamp) -> Vec<Entry> {
    let mut list = List {
        good: Recipe::good(now),
        entries: Vec::new(),
    };
    names::add(&mut list);
    extensions::add(&mut list);
    keys::add(&mut list);
    others::add(&mut list, now);
    list.entries
}

/// Entries, and the certificate that they differ from.
pub(super) struct List {
    good: Recipe,
    entries: Vec<Entry>,
}

impl List {
    /// Adds the good certificate with one thing changed.
    pub(super) fn add(&mut self, name: &str, expected: Outcome, change: impl FnOnce(&mut Recipe)) {
        let mut recipe = self.good.clone();
        change(&mut recipe);
        self.entries.push(Entry {
            name: format!("field: {name}"),
            text: pem("CERTIFICATE", &recipe.der()).into_bytes(),
            expected,
            key: None,
        });
    }

    pub(super) fn accepted(&mut self, name: &str, change: impl FnOnce(&mut Recipe)) {
        self.add(name, Outcome::accepted(), change);
    }

    pub(super) fn refused(&mut self, name: &str, reason: &str, change: impl FnOnce(&mut Recipe)) {
        self.add(name, Outcome::refused(reason), change);
    }

    pub(super) fn subject(&mut self, what: &str, reason: &str, attributes: &[(&[u8], u8, &[u8])]) {
        self.refused(what, reason, |r| r.subject = name(attributes));
    }

    pub(super) fn with(&mut self, what: &str, reason: &str, added: Vec<u8>) {
        self.refused(what, reason, |r| {
            r.extensions.get_or_insert_default().push(added)
        });
    }

    pub(super) fn may_have(&mut self, what: &str, added: Vec<u8>) {
        self.accepted(what, |r| r.extensions.get_or_insert_default().push(added));
    }
}
