//! Locks in etcd whose holder may die.

use etcd_client::{Compare, CompareOp, PutOptions, Txn, TxnOp};

use super::{Client, EtcdError};
use crate::facts::{LedgerKey, LockName};

impl Client {
    /// Takes a lock for at most `seconds`; `None` if another holds it. The
    /// holder's lease frees it should the holder die and not come back.
    ///
    /// # Errors
    /// etcd failed a call.
    pub async fn try_lock(
        &self,
        name: LockName,
        holder: &str,
        seconds: i64,
    ) -> Result<Option<Lock>, EtcdError> {
        let mut leases = self.inner.lease_client();
        let lease = self
            // A lease too many ends by itself.
            .call_repeatable(format!("make a lease for lock {name}"), async || {
                leases.grant(seconds, None).await
            })
            .await?
            .id();
        let key = self.keys.encode(&LedgerKey::Lock(name));
        let options = PutOptions::new().with_lease(lease);
        let take = Txn::new()
            .when(vec![Compare::create_revision(
                key.clone(),
                CompareOp::Equal,
                0,
            )])
            .and_then(vec![TxnOp::put(key, holder, Some(options))]);
        let mut client = self.inner.kv_client();
        let taken = self
            // Taken by an attempt whose answer was lost, it counts as another's, and
            // is given back with the lease.
            .call_repeatable(format!("take lock {name}"), async || {
                client.txn(take.clone()).await
            })
            .await?
            .succeeded();
        let lock = Lock { lease };
        if taken {
            Ok(Some(lock))
        } else {
            self.unlock(lock).await?;
            Ok(None)
        }
    }

    /// Frees a lock that `holder` left behind; one that is another's by now, or
    /// nobody's, is left as it is.
    ///
    /// # Errors
    /// etcd failed the call; its lease frees the lock later.
    pub async fn free_lock(&self, name: LockName, holder: &str) -> Result<(), EtcdError> {
        let key = self.keys.encode(&LedgerKey::Lock(name));
        let free = Txn::new()
            .when(vec![Compare::value(key.clone(), CompareOp::Equal, holder)])
            .and_then(vec![TxnOp::delete(key, None)]);
        let mut client = self.inner.kv_client();
        self.call_repeatable(format!("free lock {name}"), async || {
            client.txn(free.clone()).await
        })
        .await
        .map(drop)
    }

    /// Gives a lock back.
    ///
    /// # Errors
    /// etcd failed the call; the lease frees the lock later.
    pub async fn unlock(&self, lock: Lock) -> Result<(), EtcdError> {
        let mut leases = self.inner.lease_client();
        let given_back = self
            .call_repeatable("give a lock back", async || leases.revoke(lock.lease).await)
            .await;
        match given_back {
            Err(error) if error.is_not_there() => Ok(()),
            given_back => given_back.map(drop),
        }
    }
}

/// A lock that is held; it is given back by [`Client::unlock`].
#[derive(Debug)]
#[must_use = "a lock that is not given back blocks others until its lease ends"]
pub struct Lock {
    lease: i64,
}
