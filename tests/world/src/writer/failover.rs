//! A client that goes to the next endpoint where one does not answer.

use std::collections::BTreeSet;
use std::time::Duration;

use etcd_client::{Certificate as Pem, Client, ConnectOptions, GetOptions, Identity, TlsOptions};

use crate::client::Certificate;
use crate::told::Told;

/// How long one member is waited for: longer than a write takes on a machine
/// that is busy, shorter than an election.
const PATIENCE: Duration = Duration::from_millis(800);

/// With what, and where, etcd is asked.
#[derive(Clone)]
pub(super) struct Access {
    endpoints: Vec<String>,
    authority: String,
    certificate: String,
    key: String,
}

impl Access {
    pub(super) fn new(told: &Told, certificate: &Certificate) -> Self {
        let mut access = Self {
            endpoints: Vec::new(),
            authority: String::new(),
            certificate: certificate.chain.clone(),
            key: certificate.key.clone(),
        };
        access.follow(told);
        access
    }

    pub(super) fn follow(&mut self, told: &Told) {
        let endpoints = told.endpoints.split(',');
        self.endpoints = endpoints.map(|at| format!("https://{at}")).collect();
        self.authority.clone_from(&told.tls["tls-ca"]);
    }
}

/// A connection to one of the endpoints, or none.
#[derive(Default)]
pub(super) struct Failover {
    access: Option<Access>,
    at: usize,
    client: Option<(String, Client)>,
}

impl Failover {
    /// Takes over what is known now. A member that is still among the endpoints
    /// is stayed with.
    pub(super) fn take(&mut self, access: &Access) {
        if let Some((url, _)) = &self.client
            && !access.endpoints.contains(url)
        {
            self.client = None;
        }
        self.access = Some(access.clone());
    }

    pub(super) async fn put(&mut self, key: &str) -> Result<(), String> {
        self.ask(async |mut client: Client| client.put(key, key, None).await)
            .await
            .map(drop)
    }

    pub(super) async fn keys(&mut self, prefix: &str) -> Result<BTreeSet<String>, String> {
        let options = || Some(GetOptions::new().with_prefix());
        let answer = self
            .ask(async |mut client: Client| client.get(prefix, options()).await)
            .await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(answer
            .kvs()
            .iter()
            .filter(|entry| entry.key() == entry.value())
            .map(|entry| text(entry.key()))
            .collect())
    }

    /// Asks one member. Where it does not answer, the next is asked next time.
    async fn ask<T>(
        &mut self,
        call: impl AsyncFnOnce(Client) -> Result<T, etcd_client::Error>,
    ) -> Result<T, String> {
        let outcome = async {
            let client = self.connected().await.map_err(|error| error.to_string())?;
            call(client).await.map_err(|error| error.to_string())
        };
        let outcome = match tokio::time::timeout(PATIENCE, outcome).await {
            Ok(outcome) => outcome,
            Err(_) => Err("no answer in time".to_owned()),
        };
        if outcome.is_err() {
            self.client = None;
            self.at += 1;
        }
        outcome
    }

    async fn connected(&mut self) -> Result<Client, etcd_client::Error> {
        if let Some((_, client)) = &self.client {
            return Ok(client.clone());
        }
        let access = self.access.as_ref().expect("endpoints are known first");
        let url = &access.endpoints[self.at % access.endpoints.len()];
        let tls = TlsOptions::new()
            .ca_certificate(Pem::from_pem(&access.authority))
            .identity(Identity::from_pem(&access.certificate, &access.key));
        let options = ConnectOptions::new().with_tls(tls);
        let client = Client::connect([url], Some(options)).await?;
        self.client = Some((url.clone(), client.clone()));
        Ok(client)
    }
}
