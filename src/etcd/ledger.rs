//! Reading the ledger: the whole of it, and what has changed of it since.

use etcd_client::{GetOptions, GetResponse, KeyValue};
use serde::de::DeserializeOwned;

use super::{Client, EtcdError};
use crate::facts::{Deletions, Ledger, LedgerKey, LedgerPoint, newer_format};

/// The largest ledger that is read, in bytes; gRPC's own 4 MiB are reached by
/// two thousand clients, and then no hook would know any of them. A record has
/// about 2 KiB, and 30 KiB if a requirer makes its certificate as large as is
/// let in.
pub(super) const MAX_LEDGER_BYTES: usize = 256 * 1024 * 1024;

impl Client {
    /// The whole ledger, read at one revision by one call.
    ///
    /// # Errors
    /// etcd failed the call, or a value is not what this charm writes: then
    /// nothing is known, since a record that cannot be read may be a grant.
    pub async fn ledger(&self) -> Result<Ledger, EtcdError> {
        let answer = self.entries("read the ledger", 0).await?;
        let mut ledger = Ledger::default();
        let point = self.point_of(&answer, 0);
        self.add(&mut ledger, &answer)?;
        self.now_at(point, self.deletions_of(&answer, 0));
        Ok(ledger)
    }

    /// The whole ledger as it is now, where it was `ledger` at this point: only what was
    /// written since is read, unless more has happened than that.
    ///
    /// # Errors
    /// See [`Client::ledger`].
    pub async fn ledger_since(
        &self,
        mut ledger: Ledger,
        point: LedgerPoint,
    ) -> Result<Ledger, EtcdError> {
        let call = "read what is new in the ledger";
        let answer = self.entries(call, point.revision + 1).await?;
        let now = self.point_of(&answer, point.fence);
        let deletions = self.deletions_of(&answer, point.fence);
        let deleted = deletions.after(point.fence).into_iter().flatten();
        let keys = deleted.filter_map(|key| self.keys.decode_end(key));
        let gone = keys.filter(|key| ledger.forget(key)).count();
        // Of a key that this revision does not know it cannot be told whether it was
        // there before, so one that was made anew is taken for one more.
        let is_added = |entry: &&KeyValue| {
            entry.create_revision() > point.revision
                && !self.key_of(entry).is_some_and(|key| ledger.has(&key))
        };
        let added = answer.kvs().iter().filter(is_added).count();
        // Of one of a newer format nothing was read.
        if ledger.newer_format.is_some() || !point.has_kept_all(&now, number(added), number(gone)) {
            return self.ledger().await;
        }
        self.add(&mut ledger, &answer)?;
        // Where nothing was written it is as it was at that point.
        let now = match answer.kvs() {
            [] => point,
            _ => now,
        };
        self.now_at(now, deletions);
        Ok(ledger)
    }

    /// Where this connection has read the ledger last; `None` before it has.
    pub fn ledger_point(&self) -> Option<LedgerPoint> {
        self.point.get()
    }

    /// The entries that were written at this revision or later.
    async fn entries(&self, call: &str, revision: i64) -> Result<GetResponse, EtcdError> {
        let mut client = self
            .inner
            .kv_client()
            .max_decoding_message_size(MAX_LEDGER_BYTES);
        let options = || {
            let options = GetOptions::new().with_prefix();
            Some(options.with_min_mod_revision(revision))
        };
        self.call_settled(call, async || client.get(self.keys.root(), options()).await)
            .await
    }

    /// Where the ledger is that these entries are of, with this fence unless it is
    /// among them.
    fn point_of(&self, answer: &GetResponse, fence: i64) -> LedgerPoint {
        let found = self.fence_in(answer);
        let header = answer.header();
        LedgerPoint {
            cluster: header.map_or(0, etcd_client::ResponseHeader::cluster_id),
            revision: header.map_or(0, etcd_client::ResponseHeader::revision),
            // Of all entries, whenever they were written.
            keys: answer.count(),
            // A key that was never written has revision 0, for etcd too.
            fence: found.map_or(fence, KeyValue::mod_revision),
        }
    }

    fn fence_in<'a>(&self, answer: &'a GetResponse) -> Option<&'a KeyValue> {
        let key = self.keys.fence();
        let mut entries = answer.kvs().iter();
        entries.find(|entry| entry.key() == key.as_bytes())
    }

    /// What the fence among these entries tells of deletions; none since this one, where
    /// it is not among them.
    fn deletions_of(&self, answer: &GetResponse, fence: i64) -> Deletions {
        match self.fence_in(answer) {
            Some(found) => Deletions::read(found.value(), found.mod_revision()),
            None => Deletions::since(fence),
        }
    }

    fn key_of(&self, entry: &KeyValue) -> Option<LedgerKey> {
        self.keys.decode(entry.key_str().ok()?)
    }

    fn now_at(&self, point: LedgerPoint, deletions: Deletions) {
        self.fence.set(Some(point.fence));
        self.deletions.replace(deletions);
        self.point.set(Some(point));
    }

    /// Puts entries into a ledger, in place of those that were there. One of a newer
    /// format has nothing else in it.
    fn add(&self, ledger: &mut Ledger, answer: &GetResponse) -> Result<(), EtcdError> {
        let format = self.keys.format();
        let mut entries = answer.kvs().iter();
        let format = entries.find(|entry| entry.key() == format.as_bytes());
        let format = format.map(|entry| String::from_utf8_lossy(entry.value()));
        if let Some(format) = format.as_deref().and_then(newer_format) {
            *ledger = Ledger {
                newer_format: Some(format),
                ..Ledger::default()
            };
            return Ok(());
        }
        for entry in answer.kvs() {
            let Some(key) = self.key_of(entry) else {
                continue;
            };
            match key {
                LedgerKey::Client(key) => {
                    ledger.clients.insert(key, read(entry)?);
                }
                LedgerKey::Name(name) => {
                    ledger.names.insert(name, read(entry)?);
                }
                LedgerKey::Issued(name) => {
                    ledger.issued.insert(name, read(entry)?);
                }
                LedgerKey::Unsigned(relation) => {
                    ledger.unsigned.insert(relation, read(entry)?);
                }
                LedgerKey::Signed(name) => {
                    ledger.signed.insert(name, read(entry)?);
                }
                LedgerKey::Member(member) => {
                    ledger.members.insert(member, read(entry)?);
                }
                LedgerKey::Pace(relation) => {
                    ledger.paces.insert(relation, read(entry)?);
                }
                LedgerKey::Ended(relation) => {
                    ledger.ended.insert(relation, read(entry)?);
                }
                LedgerKey::Lock(name) => {
                    let holder = String::from_utf8_lossy(entry.value()).into_owned();
                    ledger.locks.insert(name, holder);
                }
                LedgerKey::Settled => ledger.settled = Some(entry.mod_revision()),
            }
        }
        Ok(())
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn read<T: DeserializeOwned>(entry: &KeyValue) -> Result<T, EtcdError> {
    serde_json::from_slice(entry.value()).map_err(|source| EtcdError::Ledger {
        key: entry.key().escape_ascii().to_string(),
        source,
    })
}
