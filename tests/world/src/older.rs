//! Requirers of the older interfaces `etcd` and `etcd-proxy`. They write
//! nothing, and read what each unit of the provider has written for itself.

use std::collections::{BTreeMap, BTreeSet};

use juju_simulator::{Charm, RelationId};

use crate::client::Certificate;
use crate::etcdctl::Etcdctl;
use crate::world::World;

/// The metadata of an application that knows only these interfaces.
const METADATA: &str = "
name: older
requires:
  etcd:
    interface: etcd
  proxy:
    interface: etcd-proxy
";

/// An application that is related over an older interface.
#[derive(Clone, Debug)]
pub struct Older {
    /// The application.
    pub app: String,
    /// The relation.
    pub relation: RelationId,
    /// The key that makes the relation available.
    key: &'static str,
}

impl World {
    /// Relates an application over `db`, and deploys it where it is new.
    pub fn relate_db(&mut self, app: &str) -> Older {
        self.relate_older(app, "db", "etcd", "connection_string")
    }

    /// Relates an application over `proxy`, and deploys it where it is new.
    pub fn relate_proxy(&mut self, app: &str) -> Older {
        self.relate_older(app, "proxy", "proxy", "cluster")
    }

    fn relate_older(&mut self, app: &str, ours: &str, its: &str, key: &'static str) -> Older {
        if !self.model.has_application(app) {
            self.model.deploy(app, Charm::puppet(METADATA));
        }
        let relation = self
            .model
            .integrate(&format!("etcd:{ours}"), &format!("{app}:{its}"));
        Older {
            app: app.to_owned(),
            relation,
            key,
        }
    }

    /// What each unit has written in the relation, but for what Juju writes
    /// itself; units that wrote nothing are left out.
    #[must_use]
    pub fn older_bags(&self, older: &Older) -> Vec<BTreeMap<String, String>> {
        let units = self.model.units("etcd").into_iter();
        let bags = units.map(|unit| {
            let mut bag = self.model.unit_bag(older.relation, unit);
            bag.retain(|key, _| !key.ends_with("-address") && !key.ends_with("-subnets"));
            bag
        });
        bags.filter(|bag| !bag.is_empty()).collect()
    }

    /// A value as the interface's reactive layer reads it: from the first unit
    /// that has it.
    #[must_use]
    pub fn older_get(&self, older: &Older, key: &str) -> Option<String> {
        let bags = self.older_bags(older);
        let mut values = bags.iter().filter_map(|bag| bag.get(key));
        values.find(|value| !value.is_empty()).cloned()
    }

    /// The states that the layer sets in a `changed` hook.
    #[must_use]
    pub fn older_states(&self, older: &Older) -> BTreeSet<&'static str> {
        let has = |key: &str| self.older_get(older, key).is_some();
        let mut states = BTreeSet::from(["connected"]);
        if has(older.key) {
            states.insert("available");
            if ["client_cert", "client_key", "client_ca"]
                .into_iter()
                .all(has)
            {
                states.insert("tls.available");
            }
        }
        states
    }

    /// `etcdctl` as the requirer would run it: with the files that it saves. Of
    /// `etcd-proxy`, whose URLs are not for clients, at the first unit.
    ///
    /// # Panics
    /// Panics if something is missing.
    pub fn older_client(&mut self, older: &Older) -> Etcdctl {
        let get = |key: &str| {
            let value = self.older_get(older, key);
            value.unwrap_or_else(|| panic!("{} was not given {key}", older.app))
        };
        let certificate = Certificate {
            common_name: String::new(),
            certificate: get("client_cert"),
            chain: get("client_cert"),
            key: get("client_key"),
        };
        let authority = get("client_ca");
        let urls = match older.key {
            "connection_string" => get("connection_string"),
            _ => self.url(&self.model.units("etcd")[0]),
        };
        self.client_told(&urls, &certificate, &authority)
    }
}
