//! What a requirer is told, read as it would read it: from the databag and,
//! as its unit 0, from the secrets that the databag names.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::client::Certificate;
use crate::etcdctl::Etcdctl;
use crate::requirer::{V0, V1};
use crate::world::World;

/// One answer, with everything in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// `ip:port`, joined by commas.
    pub endpoints: String,
    /// The version of etcd.
    pub version: String,
    /// The URI of the secret with the user.
    pub user_uri: String,
    /// The URI of the secret with the servers' authority.
    pub tls_uri: String,
    /// The content of the secret with the user.
    pub user: BTreeMap<String, String>,
    /// The content of the secret with the servers' authority.
    pub tls: BTreeMap<String, String>,
}

impl World {
    /// What a requirer of version 0 is told; `None` while there is no answer.
    ///
    /// # Panics
    /// Panics if there is half an answer, or a secret cannot be read.
    pub fn told(&mut self, requirer: &V0) -> Option<Told> {
        let bag = self.model.app_bag(requirer.relation, "etcd");
        let answer = |key: &str| bag.get(key).cloned();
        self.read(&requirer.app, answer)
    }

    /// What a requirer of version 1 is told for the request with this id.
    ///
    /// # Panics
    /// Panics if there is half an answer, if a secret cannot be read, or if a
    /// response is there twice.
    pub fn told_for(&mut self, requirer: &V1, id: &str) -> Option<Told> {
        let mut found = self
            .responses(requirer)
            .into_iter()
            .filter(|response| response["request-id"] == id);
        let response = found.next()?;
        assert!(found.next().is_none(), "two responses for {id}");
        let answer = |key: &str| response[key].as_str().map(str::to_owned);
        self.read(&requirer.app, answer)
    }

    /// The responses to a requirer of version 1.
    ///
    /// # Panics
    /// Panics if what is published is no list of objects.
    #[must_use]
    pub fn responses(&self, requirer: &V1) -> Vec<Value> {
        let bag = self.model.app_bag(requirer.relation, "etcd");
        let Some(text) = bag.get("requests") else {
            return Vec::new();
        };
        let Ok(Value::Array(list)) = serde_json::from_str(text) else {
            panic!("requests is no list: {text}")
        };
        assert!(list.iter().all(Value::is_object), "{text}");
        list
    }

    fn read(&mut self, app: &str, answer: impl Fn(&str) -> Option<String>) -> Option<Told> {
        let keys = ["endpoints", "version", "secret-user", "secret-tls"];
        let found: Vec<String> = keys.iter().filter_map(|key| answer(key)).collect();
        let [endpoints, version, user_uri, tls_uri] = <[String; 4]>::try_from(found).map_or_else(
            |found| {
                assert!(found.is_empty(), "half an answer to {app}: {found:?}");
                None
            },
            Some,
        )?;
        let user = self.secret_as(app, &user_uri);
        let tls = self.secret_as(app, &tls_uri);
        Some(Told {
            endpoints,
            version,
            user_uri,
            tls_uri,
            user,
            tls,
        })
    }

    /// `etcdctl` as a client that knows nothing but what it was told.
    pub fn follow(&mut self, told: &Told, certificate: &Certificate) -> Etcdctl {
        self.client_told(&told.user["uris"], certificate, &told.tls["tls-ca"])
    }
}
