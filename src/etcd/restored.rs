//! What a database that was restored from a snapshot holds and must not keep.

use std::collections::{BTreeMap, BTreeSet};

use etcd_client::{DeleteOptions, GetOptions, KeyValue, Txn, TxnOp};

use super::batch::{Operation, batches};
use super::ledger::{MAX_LEDGER_BYTES, read};
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
    /// - Our own ledger forgets its locks, which relations have ended, and which
    ///   answers were published: none of it is true of this moment.
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
        let mut found = Found::default();
        for entry in all.kvs() {
            let Some(text) = entry.key_str().ok() else {
                continue;
            };
            match LedgerKeys::of_key(text) {
                Some(keys) if keys == self.keys => {
                    let operation = self.outdated(text, entry, &mut found.own_names)?;
                    found.outdated.extend(operation);
                }
                Some(keys) => {
                    found.foreign_names.extend(claimed(&keys, text));
                    found.foreign.insert(keys.root().to_owned());
                }
                None => {}
            }
        }
        self.tidy(found).await
    }

    /// What becomes of an entry of our own ledger that is not true any more; the
    /// name, if it is claimed there, is one of our `names`.
    fn outdated(
        &self,
        text: &str,
        entry: &KeyValue,
        names: &mut BTreeSet<CommonName>,
    ) -> Result<Option<Operation>, EtcdError> {
        Ok(match self.keys.decode(text) {
            Some(LedgerKey::Lock(_) | LedgerKey::Ended(_)) => {
                Some(Operation::delete(text.to_owned()))
            }
            Some(LedgerKey::Client(request)) => {
                let record: ClientRecord = read(entry)?;
                record.answer.is_some().then(|| {
                    let answer = None;
                    let record = ClientRecord { answer, ..record };
                    self.operation(&LedgerWrite::Record(request, record))
                })
            }
            _ => {
                names.extend(claimed(&self.keys, text));
                None
            }
        })
    }

    /// Removes foreign ledgers, and what is outdated in our own.
    async fn tidy(&self, found: Found) -> Result<Cleaned, EtcdError> {
        let mut writes = found.outdated;
        for root in &found.foreign {
            let all = DeleteOptions::new().with_prefix();
            writes.push(Operation {
                bytes: root.len(),
                deletes: None,
                operation: TxnOp::delete(root.as_str(), Some(all)),
            });
        }
        let mut client = self.inner.kv_client();
        // What is cut short here is thrown away as a whole, so they need not be
        // one transaction.
        for batch in batches(writes) {
            let transaction = Txn::new().and_then(batch.operations);
            self.call("tidy the ledgers", client.txn(transaction))
                .await?;
        }
        let foreign_names = found.foreign_names.difference(&found.own_names);
        Ok(Cleaned {
            foreign_names: foreign_names.cloned().collect(),
            foreign_ledgers: found.foreign.len(),
            kept: BTreeSet::new(),
        })
    }
}

/// What a restored database holds of ledgers.
#[derive(Default)]
struct Found {
    /// Names that our own ledger claims.
    own_names: BTreeSet<CommonName>,
    /// Names that others claim.
    foreign_names: BTreeSet<CommonName>,
    /// Where the ledgers of others lie.
    foreign: BTreeSet<String>,
    /// Changes of our own ledger.
    outdated: Vec<Operation>,
}

/// The name that a key of this ledger claims, if it claims one.
fn claimed(keys: &LedgerKeys, text: &str) -> Option<CommonName> {
    match keys.decode(text)? {
        LedgerKey::Name(name) | LedgerKey::Issued(name) | LedgerKey::Signed(name) => Some(name),
        _ => None,
    }
}
