//! Connecting, and the one place through which every call goes.

use std::cell::{Cell, OnceCell, RefCell};
use std::future::Future;
use std::time::{Duration, Instant};

use etcd_client::{
    BalancedChannelBuilder, Certificate, Channel, ConnectOptions, Identity, TlsOptions,
};
use tokio::sync::mpsc::Sender;
use tonic::codegen::http::Uri;
use tonic::transport::Endpoint;
use tonic::transport::channel::Change;

use super::EtcdError;
use crate::facts::{Deletions, LedgerKeys, LedgerPoint, Secret};

/// The longest that one call may take. etcd itself gives up on a proposal
/// after about 7 s (5 s plus two election timeouts) and then says why, which
/// is worth more than our own time-out.
const CALL_SECONDS: u64 = 10;

/// The longest that setting up a connection may take.
const CONNECT_SECONDS: u64 = 2;

/// How long a call is made again while the cluster changes its leader: longer
/// than an election takes, which is about two seconds.
const CHANGE_SECONDS: u64 = 5;

/// How long after its first attempt a call is made again whose answer was lost:
/// once, if etcd gave up on the first only after its own 7 s, and as often as it
/// takes while a member restarts.
const LOSS_SECONDS: u64 = 10;

/// How often it is made again meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// What proves to a member that we are the administrator.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The authority that signed the members' certificates, PEM.
    pub server_ca: String,
    /// The certificate with the common name `root`, PEM.
    pub certificate: String,
    /// Its private key, PEM.
    pub key: Secret<String>,
}

/// A connection to the cluster with the administrator's rights.
pub struct Client {
    pub(super) inner: etcd_client::Client,
    /// What `inner` sends its calls over, for those that it does not know.
    pub(super) channel: tonic::transport::Channel,
    pub(super) keys: LedgerKeys,
    calls: Cell<u32>,
    limit: Duration,
    /// The revision of the ledger's fence as this connection has seen it last.
    pub(super) fence: Cell<Option<i64>>,
    /// What was deleted of the ledger until then, as far as that is known.
    pub(super) deletions: RefCell<Deletions>,
    /// Where the ledger was when this connection has read it last.
    pub(super) point: Cell<Option<LedgerPoint>>,
}

impl Client {
    /// Prepares a connection to the members at these client URLs; the first
    /// call connects. Calls are spread over the URLs by the gRPC client.
    ///
    /// # Errors
    /// A URL or a certificate that cannot be used.
    pub async fn new(
        urls: &[String],
        credentials: &Credentials,
        keys: LedgerKeys,
    ) -> Result<Self, EtcdError> {
        let tls = TlsOptions::new()
            .ca_certificate(Certificate::from_pem(&credentials.server_ca))
            .identity(Identity::from_pem(
                &credentials.certificate,
                credentials.key.expose(),
            ));
        let options = ConnectOptions::new()
            .with_tls(tls)
            .with_connect_timeout(Duration::from_secs(CONNECT_SECONDS));
        let kept = OnceCell::new();
        let inner = etcd_client::Client::connect_with_balanced_channel(
            urls,
            Some(options),
            KeepsChannel(&kept),
        )
        .await
        .map_err(|error| EtcdError::new(format!("connect to {}", urls.join(",")), error))?;
        let channel = kept.into_inner().expect("a client is built with a channel");
        Ok(Self {
            inner,
            channel,
            keys,
            calls: Cell::new(0),
            limit: Duration::from_secs(CALL_SECONDS),
            fence: Cell::new(None),
            deletions: RefCell::default(),
            point: Cell::new(None),
        })
    }

    /// The same connection, whose calls may take this long instead: longer for
    /// what etcd works on, shorter where silence is an answer.
    #[must_use]
    pub fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// How many calls were made since this was asked last.
    pub fn take_calls(&self) -> u32 {
        self.calls.take()
    }

    /// Makes one call: counted, limited in time, its error unwrapped. `what`
    /// completes the sentence "failed to …".
    pub(super) async fn call<T>(
        &self,
        what: impl Into<String>,
        call: impl Future<Output = Result<T, etcd_client::Error>>,
    ) -> Result<T, EtcdError> {
        self.calls.set(self.calls.get() + 1);
        let what = what.into();
        tracing::trace!(what, "call of etcd");
        match tokio::time::timeout(self.limit, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(EtcdError::new(what, error)),
            Err(_) => Err(EtcdError::Timeout {
                call: what,
                seconds: self.limit.as_secs(),
            }),
        }
    }

    /// Makes a call, and makes it again while etcd refuses it for the sole
    /// reason that its leader or its users are changing: nothing was done then.
    pub(super) async fn call_settled<T>(
        &self,
        what: impl Into<String>,
        mut call: impl AsyncFnMut() -> Result<T, etcd_client::Error>,
    ) -> Result<T, EtcdError> {
        let what = what.into();
        repeated(false, async || self.call(what.as_str(), call()).await).await
    }

    /// As [`Self::call_settled`], and makes a call again also where its answer was
    /// lost: for what only reads, and for what comes to the same if it is done twice.
    pub(super) async fn call_repeatable<T>(
        &self,
        what: impl Into<String>,
        mut call: impl AsyncFnMut() -> Result<T, etcd_client::Error>,
    ) -> Result<T, EtcdError> {
        let what = what.into();
        repeated(true, async || self.call(what.as_str(), call()).await).await
    }
}

/// Makes the channel of a client as the crate does by itself, and keeps a handle of it.
struct KeepsChannel<'c>(&'c OnceCell<tonic::transport::Channel>);

impl BalancedChannelBuilder for KeepsChannel<'_> {
    type Error = tonic::transport::Error;

    fn balanced_channel(
        self,
        buffer_size: usize,
    ) -> Result<(Channel, Sender<Change<Uri, Endpoint>>), Self::Error> {
        let (channel, updater) = tonic::transport::Channel::balance_channel(buffer_size);
        // A cell that was just made is empty.
        let _ = self.0.set(channel.clone());
        Ok((Channel::Tonic(channel), updater))
    }
}

async fn repeated<T>(
    is_repeatable: bool,
    mut call: impl AsyncFnMut() -> Result<T, EtcdError>,
) -> Result<T, EtcdError> {
    let begun = Instant::now();
    loop {
        let outcome = call().await;
        let seconds = begun.elapsed().as_secs();
        match &outcome {
            Err(error) if error.is_of_a_change() && seconds < CHANGE_SECONDS => {}
            Err(error)
                if is_repeatable && error.is_of_unknown_outcome() && seconds < LOSS_SECONDS => {}
            _ => return outcome,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often a call is made that fails like this at first.
    fn attempts(is_repeatable: bool, status: &str) -> usize {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let mut attempts = 0;
        let call = async || {
            attempts += 1;
            match attempts {
                1 => Err(EtcdError::Call {
                    call: "do it".to_owned(),
                    code: tonic::Code::Unavailable,
                    status: status.to_owned(),
                    source: None,
                }),
                _ => Ok(()),
            }
        };
        let _ = runtime.block_on(repeated(is_repeatable, call));
        attempts
    }

    #[test]
    fn a_call_is_repeated_where_that_is_safe() {
        let (refused, lost) = ("auth: revision in header is old", "request timed out");
        assert_eq!(attempts(false, refused), 2);
        assert_eq!(attempts(true, refused), 2);
        assert_eq!(attempts(true, lost), 2);
        // It may have been done, and twice is not the same as once.
        assert_eq!(attempts(false, lost), 1);
        assert_eq!(attempts(true, "etcdserver: unhealthy cluster"), 1);
    }
}
