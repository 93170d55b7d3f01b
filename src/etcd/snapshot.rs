//! A snapshot of the database, as a stream: it may be as large as the quota,
//! which is more than the charm should ever hold in memory.

use std::time::Duration;

use etcd_client::{GetOptions, SnapshotStreaming};

use super::{Client, EtcdError};

/// How long the next piece of a snapshot may take. The member reads it from
/// its disk; a piece has 32 KiB.
const PIECE_SECONDS: u64 = 30;

/// A snapshot on its way.
pub struct SnapshotStream(SnapshotStreaming);

impl Client {
    /// Begins to read a snapshot of the member that answers. It is that
    /// member's own copy, for which no quorum is needed.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn snapshot(&self) -> Result<SnapshotStream, EtcdError> {
        let mut client = self.inner.maintenance_client();
        let stream = self.call("begin a snapshot", client.snapshot()).await?;
        Ok(SnapshotStream(stream))
    }

    /// The revision of the keys, which the member that answers has agreed on
    /// with the cluster: whatever was acknowledged before is in its copy.
    ///
    /// # Errors
    /// etcd failed the call, for want of a quorum among others.
    pub async fn revision(&self) -> Result<i64, EtcdError> {
        let mut client = self.inner.kv_client();
        let options = GetOptions::new().with_count_only();
        let answer = self
            .call("ask for the revision", client.get("\0", Some(options)))
            .await?;
        Ok(answer.header().map_or(0, |header| header.revision()))
    }
}

impl SnapshotStream {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// The stream broke off, or nothing came for too long.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, EtcdError> {
        let call = "read a snapshot";
        let limit = Duration::from_secs(PIECE_SECONDS);
        match tokio::time::timeout(limit, self.0.message()).await {
            Ok(Ok(piece)) => Ok(piece.map(|piece| piece.blob().to_vec())),
            Ok(Err(error)) => Err(EtcdError::new(call.to_owned(), error)),
            Err(_) => Err(EtcdError::Timeout {
                call: call.to_owned(),
                seconds: PIECE_SECONDS,
            }),
        }
    }
}
