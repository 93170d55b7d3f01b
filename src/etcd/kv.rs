//! Writing the ledger.

use etcd_client::{Compare, CompareOp, Txn, TxnOp, TxnOpResponse};
use serde::Serialize;

use super::batch::{Operation, batches};
use super::{Client, EtcdError};
use crate::facts::{
    ClientRecord, CommonName, Deletions, IssuedRecord, LedgerKey, LedgerWrite, NameClaim,
};

impl Client {
    /// Carries out the writes in their order: a few together in one transaction,
    /// many in several of them, since etcd bounds what it takes at once. What only
    /// the leader decides is written only if the ledger still is as this connection
    /// has read it: leadership may be another unit's by now.
    ///
    /// # Errors
    /// etcd failed a call, or the ledger has changed; then that transaction and
    /// those after it were not carried out.
    pub async fn write_ledger(&self, writes: &[LedgerWrite]) -> Result<(), EtcdError> {
        let call = "write the ledger";
        let is_fenced = writes.iter().any(LedgerWrite::is_leaders);
        for batch in batches(writes.iter().map(|write| self.operation(write))) {
            let mut operations = batch.operations;
            if is_fenced {
                let is_unchanged = self.fence_stands(call)?;
                let deletions = self.deletions_with(&batch.deleted);
                operations.push(self.raise_fence(deletions.as_ref()));
                let write = Txn::new().when(vec![is_unchanged]).and_then(operations);
                if let Fenced::Else(_) = self.fenced(call, write, deletions).await? {
                    return Err(superseded(call));
                }
            } else {
                let mut client = self.inner.kv_client();
                let write = Txn::new().and_then(operations);
                self.call_repeatable(call, async || client.txn(write.clone()).await)
                    .await?;
            }
        }
        Ok(())
    }

    /// Makes sure that the ledger still is as this connection has read it, where
    /// what follows cannot be made to depend on that. A read and no transaction:
    /// see [`Client::unsettle`].
    ///
    /// # Errors
    /// etcd failed the call, or the ledger has changed.
    pub async fn ensure_unchanged(&self) -> Result<(), EtcdError> {
        let call = "look at the ledger again";
        let found = self.read_fence(call).await?;
        match self.fence.get() == Some(found) {
            true => Ok(()),
            false => Err(superseded(call)),
        }
    }

    /// Asks for what the cluster has to agree on, as little as that can be.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn ask_cluster(&self) -> Result<(), EtcdError> {
        self.read_fence("ask the cluster").await.map(drop)
    }

    /// The revision of the fence as it is now.
    async fn read_fence(&self, call: &str) -> Result<i64, EtcdError> {
        let key = self.keys.fence();
        let mut client = self.inner.kv_client();
        let answer = self
            .call_settled(call, async || client.get(key.as_str(), None).await)
            .await?;
        let found = answer.kvs().first();
        Ok(found.map_or(0, etcd_client::KeyValue::mod_revision))
    }

    /// Notes that rights are being taken away, until it is noted that all is
    /// settled: a deletion and no transaction, since etcd 3.4 takes nothing but
    /// that when its database is full.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn unsettle(&self) -> Result<(), EtcdError> {
        let mut client = self.inner.kv_client();
        let key = self.keys.encode(&LedgerKey::Settled);
        let what = "note that rights are being taken away";
        self.call_settled(what, async || client.delete(key.as_str(), None).await)
            .await
            .map(drop)
    }

    /// That nobody has raised the fence since this connection has seen it.
    fn fence_stands(&self, call: &str) -> Result<Compare, EtcdError> {
        let seen = self.fence.get().ok_or_else(|| EtcdError::Client {
            call: call.to_owned(),
            reason: "the ledger was not read".to_owned(),
        })?;
        let fence = self.keys.fence();
        Ok(Compare::mod_revision(fence, CompareOp::Equal, seen))
    }

    /// What was deleted once these keys are, by a write that is carried out only if the
    /// fence stands; `None` where that is not known.
    fn deletions_with(&self, keys: &[String]) -> Option<Deletions> {
        let keys = keys.iter().filter_map(|key| self.keys.end_of(key));
        let keys = keys.map(str::to_owned);
        self.deletions.borrow().and(self.fence.get()?, keys)
    }

    fn raise_fence(&self, deletions: Option<&Deletions>) -> TxnOp {
        let value = deletions.map(Deletions::value).unwrap_or_default();
        TxnOp::put(self.keys.fence(), value, None)
    }

    /// Carries out a transaction that raises the fence, with what it says of deletions.
    async fn fenced(
        &self,
        call: &str,
        transaction: Txn,
        deletions: Option<Deletions>,
    ) -> Result<Fenced, EtcdError> {
        let mut client = self.inner.kv_client();
        let answer = self
            .call_settled(call, async || client.txn(transaction.clone()).await)
            .await?;
        let revision = answer.header().map(etcd_client::ResponseHeader::revision);
        if answer.succeeded() {
            self.fence.set(revision);
            let unknown = || Deletions::since(revision.unwrap_or_default());
            self.deletions.replace(deletions.unwrap_or_else(unknown));
            return Ok(Fenced::Done);
        }
        let mut fence = None;
        for answer in answer.op_responses() {
            if let TxnOpResponse::Get(found) = answer {
                let found = found.kvs().first();
                fence = Some(found.map_or(0, etcd_client::KeyValue::mod_revision));
            }
        }
        Ok(Fenced::Else(fence))
    }

    /// Claims a free name for a request and writes its record, in one
    /// transaction. `false` if somebody else was first: nothing was written.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn claim_name(
        &self,
        name: &CommonName,
        claim: &NameClaim,
        record: &ClientRecord,
    ) -> Result<bool, EtcdError> {
        let writes = [
            LedgerWrite::Name(name.clone(), claim.clone()),
            LedgerWrite::Record(claim.holder.clone(), record.clone()),
        ];
        self.claim(name, &writes).await
    }

    /// Claims a free name for an identity that is being issued, in one
    /// transaction. `false` if somebody else was first: nothing was written.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn claim_issued(
        &self,
        name: &CommonName,
        record: &IssuedRecord,
    ) -> Result<bool, EtcdError> {
        let write = LedgerWrite::Issued(name.clone(), record.clone());
        self.claim(name, &[write]).await
    }

    /// A name is free if neither a client nor an issued identity has it.
    async fn claim(&self, name: &CommonName, writes: &[LedgerWrite]) -> Result<bool, EtcdError> {
        let keys = [
            LedgerKey::Name(name.clone()),
            LedgerKey::Issued(name.clone()),
        ];
        let is_free = keys
            .iter()
            .map(|key| Compare::create_revision(self.keys.encode(key), CompareOp::Equal, 0));
        let call = format!("claim name {name}");
        let conditions: Vec<_> = is_free.chain([self.fence_stands(&call)?]).collect();
        let operations = writes.iter().map(|write| self.operation(write).operation);
        let deletions = self.deletions_with(&[]);
        let raise_fence = self.raise_fence(deletions.as_ref());
        let claim = Txn::new()
            .when(conditions)
            .and_then(operations.chain([raise_fence]).collect::<Vec<_>>())
            .or_else(vec![TxnOp::get(self.keys.fence(), None)]);
        match self.fenced(&call, claim, deletions).await? {
            Fenced::Done => Ok(true),
            Fenced::Else(found) if found == self.fence.get() => Ok(false),
            Fenced::Else(_) => Err(superseded(&call)),
        }
    }

    /// Replaces the record of an issued identity if it still is what it was
    /// seen to be. `false` if it is not: nothing was written.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn replace_issued(
        &self,
        name: &CommonName,
        seen: &IssuedRecord,
        record: &IssuedRecord,
    ) -> Result<bool, EtcdError> {
        let key = self.keys.encode(&LedgerKey::Issued(name.clone()));
        let write = LedgerWrite::Issued(name.clone(), record.clone());
        let replace = Txn::new()
            .when(vec![Compare::value(key, CompareOp::Equal, json(seen))])
            // Whatever the fence is: nothing is known of what was deleted before.
            .and_then(vec![
                self.operation(&write).operation,
                self.raise_fence(None),
            ]);
        let call = format!("write the record of {name}");
        let replaced = self.fenced(&call, replace, None).await?;
        Ok(matches!(replaced, Fenced::Done))
    }

    pub(super) fn operation(&self, write: &LedgerWrite) -> Operation {
        let put = |key, value| Operation::put(self.keys.encode(&key), value);
        let delete = |key| Operation::delete(self.keys.encode(&key));
        match write {
            LedgerWrite::Record(request, record) => {
                put(LedgerKey::Client(request.clone()), json(record))
            }
            LedgerWrite::ForgetRecord(request) => delete(LedgerKey::Client(request.clone())),
            LedgerWrite::Name(name, claim) => put(LedgerKey::Name(name.clone()), json(claim)),
            LedgerWrite::FreeName(name) => delete(LedgerKey::Name(name.clone())),
            LedgerWrite::Issued(name, record) => put(LedgerKey::Issued(name.clone()), json(record)),
            LedgerWrite::ForgetIssued(name) => delete(LedgerKey::Issued(name.clone())),
            LedgerWrite::Signed(name, record) => put(LedgerKey::Signed(name.clone()), json(record)),
            LedgerWrite::ForgetSigned(name) => delete(LedgerKey::Signed(name.clone())),
            LedgerWrite::Unsigned(id, why) => put(LedgerKey::Unsigned(*id), json(why)),
            LedgerWrite::ForgetUnsigned(id) => delete(LedgerKey::Unsigned(*id)),
            LedgerWrite::Member(member, trust) => {
                put(LedgerKey::Member(member.clone()), json(trust))
            }
            LedgerWrite::ForgetMember(member) => delete(LedgerKey::Member(member.clone())),
            LedgerWrite::Settle => put(LedgerKey::Settled, Vec::new()),
            LedgerWrite::Pace(relation, pace) => put(LedgerKey::Pace(*relation), json(pace)),
            LedgerWrite::ForgetPace(relation) => delete(LedgerKey::Pace(*relation)),
            LedgerWrite::Ended(relation, ended) => put(LedgerKey::Ended(*relation), json(ended)),
            LedgerWrite::ForgetEnded(relation) => delete(LedgerKey::Ended(*relation)),
            LedgerWrite::Unsettle => delete(LedgerKey::Settled),
        }
    }
}

/// What became of a transaction that raises the fence.
enum Fenced {
    /// It was carried out.
    Done,
    /// A condition did not hold; the fence as it is, if that was asked.
    Else(Option<i64>),
}

fn superseded(call: &str) -> EtcdError {
    EtcdError::Superseded {
        call: call.to_owned(),
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("ledger values have string keys and no failing serializer")
}
