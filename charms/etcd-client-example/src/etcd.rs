//! etcd itself, with what the relation has brought.

use std::time::{Duration, Instant};

use data_requirer::{Access, Identity};
use etcd_client::{
    Certificate, Client, ConnectOptions, Identity as TlsIdentity, TlsOptions, WatchStream,
};
use thiserror::Error;

/// The longest that one attempt may take. etcd elects a leader in about a second.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Why etcd could not be used.
#[derive(Debug, Error)]
pub(crate) enum EtcdError {
    /// etcd or the connection to it.
    #[error("etcd cannot be used")]
    Client(#[from] etcd_client::Error),
    /// It took too long.
    #[error("no answer within {} s", ATTEMPT.as_secs())]
    Timeout,
    /// A watch ended or brought what was not written.
    #[error("a watch did not bring what was written")]
    Watch,
}

/// How long the three things took that a client does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoundTrips {
    pub(crate) put: Duration,
    pub(crate) get: Duration,
    /// From the start of the write until the watch brought it.
    pub(crate) watch: Duration,
}

/// A connection that has proved that its key can be written, read and watched.
pub(crate) struct Session {
    client: Client,
    watch: WatchStream,
    key: String,
}

impl Session {
    /// Writes `value` to `key` and sees it again. The certificate before is tried as
    /// well: servers trust a renewed one each at its own time.
    pub(crate) async fn open(
        access: &Access,
        identity: &Identity,
        key: &str,
        value: &str,
    ) -> Result<Self, EtcdError> {
        let mut outcome = Err(EtcdError::Timeout);
        for (certificate, secret) in identity.pairs() {
            let tls = TlsOptions::new()
                .ca_certificate(Certificate::from_pem(
                    access.tls_ca.as_deref().unwrap_or(""),
                ))
                .identity(TlsIdentity::from_pem(certificate, secret.expose()));
            let attempt = async {
                let mut session = Self::connect(access, tls, key).await?;
                session.round_trips(value).await?;
                Ok(session)
            };
            outcome = within(attempt).await;
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    async fn connect(access: &Access, tls: TlsOptions, key: &str) -> Result<Self, EtcdError> {
        let options = ConnectOptions::new()
            .with_tls(tls)
            .with_connect_timeout(ATTEMPT);
        let mut client = Client::connect(access.uris(), Some(options)).await?;
        let mut watch = client.watch(key, None).await?;
        match watch.message().await? {
            Some(answer) if answer.created() && !answer.canceled() => {}
            _ => return Err(EtcdError::Watch),
        }
        Ok(Self {
            client,
            watch,
            key: key.to_owned(),
        })
    }

    /// Writes, reads and watches once.
    pub(crate) async fn round_trips(&mut self, value: &str) -> Result<RoundTrips, EtcdError> {
        let begun = Instant::now();
        self.client.put(self.key.as_str(), value, None).await?;
        let put = begun.elapsed();
        loop {
            let seen = self.watch.message().await?.ok_or(EtcdError::Watch)?;
            if seen.canceled() {
                return Err(EtcdError::Watch);
            }
            let mut written = seen.events().iter().filter_map(|event| event.kv());
            if written.any(|kv| kv.value() == value.as_bytes()) {
                break;
            }
        }
        let watch = begun.elapsed();
        let begun = Instant::now();
        let read = self.client.get(self.key.as_str(), None).await?;
        let get = begun.elapsed();
        match read.kvs() {
            [kv] if kv.value() == value.as_bytes() => Ok(RoundTrips { put, get, watch }),
            _ => Err(EtcdError::Watch),
        }
    }
}

/// The outcome of an attempt, or that there was none in time.
pub(crate) async fn within<T>(
    attempt: impl Future<Output = Result<T, EtcdError>>,
) -> Result<T, EtcdError> {
    let outcome = tokio::time::timeout(ATTEMPT, attempt).await;
    outcome.unwrap_or(Err(EtcdError::Timeout))
}
