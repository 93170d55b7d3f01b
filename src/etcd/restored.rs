//! What a database that was restored from a snapshot holds and must not keep.

use std::collections::{BTreeMap, BTreeSet};

use etcd_client::{DeleteOptions, GetOptions, Txn, TxnOp};

use super::batch::{Operation, batches};
use super::kv::{MAX_LEDGER_BYTES, read};
use super::{Client, EtcdError};
use crate::facts::{
    ALL_LEDGERS, ClientRecord, CommonName, Ledger, LedgerKey, LedgerKeys, LedgerWrite, SignedName,
};

/// What was removed from a restored database.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Cleaned {
    /// Users and roles that another deployment of this charm had made.
    pub foreign_names: BTreeSet<CommonName>,
    /// The ledgers in which they stood.
    pub foreign_ledgers: usize,
    /// Names of identities that were issued or revoked since the snapshot, and
    /// are as they were before it was restored.
    pub kept: BTreeSet<CommonName>,
}

impl Client {
    /// Makes a restored database one that this application can go on with, and
    /// that lets nobody in without a certificate. It must be done while nobody
    /// else can reach the member: authentication is off for a moment.
    ///
    /// - What another deployment granted goes: its clients are not here, and
    ///   its users would be somebody else's for ever. Users that no ledger
    ///   claims stay.
    /// - Our own ledger forgets its locks, and which answers were published:
    ///   neither is true of this moment.
    /// - Our own ledger learns of what was issued, signed or revoked since, from
    ///   `before`, the ledger as it was. Nobody else can have such a name, and what
    ///   stands in the snapshot in that name is nobody's. Without it, no user of a
    ///   name that the snapshot knows certificates of is kept, and it learns of what
    ///   applications are `answered`.
    /// - `root` gets in by certificate only, whatever it had before, and
    ///   authentication is on.
    ///
    /// # Errors
    /// etcd failed a call, or the ledger cannot be read.
    pub async fn clean_restored(
        &self,
        before: Option<&Ledger>,
        answered: &BTreeMap<CommonName, SignedName>,
    ) -> Result<Cleaned, EtcdError> {
        if self.authentication_enabled().await? {
            let mut auth = self.inner.auth_client();
            self.call("disable authentication", auth.auth_disable())
                .await?;
        }
        self.ensure_no_user("root").await?;
        let mut cleaned = self.clean_ledgers().await?;
        let restored = self.ledger().await?;
        let none = Default::default();
        let issued = before.map_or(&none, |before| &before.issued);
        let (kept, mut writes) = restored.keep_issued(issued);
        let (signed, more) = restored.keep_signed(before.map(|before| &before.signed), answered);
        writes.extend(more);
        self.write_ledger(&writes).await?;
        cleaned.kept = kept;
        let names = cleaned.foreign_names.iter().chain(&cleaned.kept);
        for name in names.chain(&signed) {
            self.ensure_no_user(name.as_str()).await?;
            self.ensure_no_role(name.as_str()).await?;
        }
        self.ensure_authentication().await?;
        Ok(cleaned)
    }

    async fn clean_ledgers(&self) -> Result<Cleaned, EtcdError> {
        let mut client = self
            .inner
            .kv_client()
            .max_decoding_message_size(MAX_LEDGER_BYTES);
        let all = client.get(ALL_LEDGERS, Some(GetOptions::new().with_prefix()));
        let all = self.call("read all ledgers", all).await?;
        let (mut own_names, mut foreign_names) = (BTreeSet::new(), BTreeSet::new());
        let mut foreign = BTreeSet::new();
        let mut writes = Vec::new();
        for entry in all.kvs() {
            let Some(text) = entry.key_str().ok() else {
                continue;
            };
            match LedgerKeys::of_key(text) {
                Some(keys) if keys == self.keys => match keys.decode(text) {
                    Some(LedgerKey::Lock(_)) => writes.push(Operation::delete(text.to_owned())),
                    Some(LedgerKey::Client(request)) => {
                        let record: ClientRecord = read(entry)?;
                        if record.answer.is_some() {
                            let answer = None;
                            let record = ClientRecord { answer, ..record };
                            writes.push(self.operation(&LedgerWrite::Record(request, record)));
                        }
                    }
                    Some(
                        LedgerKey::Name(name) | LedgerKey::Issued(name) | LedgerKey::Signed(name),
                    ) => {
                        own_names.insert(name);
                    }
                    _ => {}
                },
                Some(keys) => {
                    if let Some(
                        LedgerKey::Name(name) | LedgerKey::Issued(name) | LedgerKey::Signed(name),
                    ) = keys.decode(text)
                    {
                        foreign_names.insert(name);
                    }
                    foreign.insert(keys.root().to_owned());
                }
                None => {}
            }
        }
        for root in &foreign {
            let all = DeleteOptions::new().with_prefix();
            writes.push(Operation {
                bytes: root.len(),
                operation: TxnOp::delete(root.as_str(), Some(all)),
            });
        }
        let mut client = self.inner.kv_client();
        // What is cut short here is thrown away as a whole, so they need not be
        // one transaction.
        for operations in batches(writes) {
            let transaction = Txn::new().and_then(operations);
            self.call("tidy the ledgers", client.txn(transaction))
                .await?;
        }
        Ok(Cleaned {
            foreign_names: foreign_names.difference(&own_names).cloned().collect(),
            foreign_ledgers: foreign.len(),
            kept: BTreeSet::new(),
        })
    }
}
