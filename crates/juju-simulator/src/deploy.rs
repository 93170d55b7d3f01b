//! Deploying applications and adding units.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::charm::{Charm, Role};
use crate::model::Model;
use crate::name::{RelationId, UnitName};
use crate::relation::End;
use crate::unit::{Agent, Application, Remote, RemoteSide, Status, Storage, StorageState, Unit};

/// What `deploy` may be told besides the charm.
#[derive(Clone, Debug)]
pub struct Deployment {
    units: u32,
    config: BTreeMap<String, Value>,
    resources: BTreeMap<String, PathBuf>,
    addresses: Vec<String>,
    environment: Vec<(String, String)>,
    path: Vec<PathBuf>,
}

impl Deployment {
    /// This many units.
    #[must_use]
    pub const fn units(units: u32) -> Self {
        Self {
            units,
            config: BTreeMap::new(),
            resources: BTreeMap::new(),
            addresses: Vec::new(),
            environment: Vec::new(),
            path: Vec::new(),
        }
    }

    /// Sets a config option.
    #[must_use]
    pub fn config(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.config.insert(key.to_owned(), value.into());
        self
    }

    /// Sets a config option unless it is set already.
    #[must_use]
    pub fn config_or(mut self, key: &str, value: impl Into<Value>) -> Self {
        let option = self.config.entry(key.to_owned());
        option.or_insert_with(|| value.into());
        self
    }

    /// Attaches a file as a resource.
    #[must_use]
    pub fn resource(mut self, name: &str, file: impl Into<PathBuf>) -> Self {
        self.resources.insert(name.to_owned(), file.into());
        self
    }

    /// The address of the next unit; units without one get a free loopback address.
    #[must_use]
    pub fn address(mut self, address: &str) -> Self {
        self.addresses.push(address.to_owned());
        self
    }

    /// An environment variable for the hooks of all units of the application.
    #[must_use]
    pub fn environment(mut self, key: &str, value: impl Into<String>) -> Self {
        self.environment.push((key.to_owned(), value.into()));
        self
    }

    /// A directory on PATH, after the hook tools and before the system's own,
    /// for stand-ins of programs.
    #[must_use]
    pub fn path(mut self, directory: impl Into<PathBuf>) -> Self {
        self.path.push(directory.into());
        self
    }
}

impl Model {
    /// Deploys one unit of a charm.
    pub fn deploy(&mut self, name: &str, charm: Charm) -> UnitName {
        self.deploy_with(name, charm, Deployment::units(1))
            .remove(0)
    }

    /// Deploys a charm with options and gives its units.
    ///
    /// # Panics
    /// Panics if the name is taken, or an option is not one of the charm.
    pub fn deploy_with(
        &mut self,
        name: &str,
        charm: Charm,
        deployment: Deployment,
    ) -> Vec<UnitName> {
        assert!(
            crate::name::is_application_name(name),
            "{name:?} is no application name"
        );
        assert!(
            !self.applications.contains_key(name),
            "there is an application {name:?} already"
        );
        let Deployment {
            units,
            config,
            resources,
            addresses,
            environment,
            path,
        } = deployment;
        let mut application = Application::new(name, charm);
        application.resources = resources;
        application.environment = environment;
        application.path = path;
        let peers: Vec<String> = application
            .charm
            .metadata
            .endpoints
            .iter()
            .filter(|(_, endpoint)| endpoint.role == Role::Peer)
            .map(|(name, _)| name.clone())
            .collect();
        self.applications.insert(name.to_owned(), application);
        for (key, value) in config {
            self.set_config(name, &key, value);
        }
        for endpoint in peers {
            self.add_relation(vec![End {
                application: name.to_owned(),
                endpoint,
                role: Role::Peer,
            }]);
        }
        let mut addresses = addresses.into_iter();
        (0..units)
            .map(|_| self.new_unit(name, addresses.next()))
            .collect()
    }

    /// Makes an application of another model known here and gives its name in
    /// this model.
    pub fn deploy_remote(
        &mut self,
        name: &str,
        charm: Charm,
        side: RemoteSide,
        units: u32,
    ) -> String {
        self.deploy_remote_with(name, charm, side, Deployment::units(units))
    }

    /// Makes an application of another model known here, deployed there with
    /// options, and gives its name in this model.
    ///
    /// Its hooks see the other model's UUID, and this model as the remote one.
    /// Two things they see as they are here and not as they would be there: the
    /// application's own name, and the number of the relation, neither of which
    /// a charm can compare with anything.
    pub fn deploy_remote_with(
        &mut self,
        name: &str,
        charm: Charm,
        side: RemoteSide,
        deployment: Deployment,
    ) -> String {
        let local = match side {
            RemoteSide::Consumer => format!("remote-{}", self.random.hex(32)),
            RemoteSide::Offerer => name.to_owned(),
        };
        self.deploy_with(&local, charm, deployment);
        let model_uuid = self.random.uuid();
        self.application_mut(&local).remote = Some(Remote { side, model_uuid });
        local
    }

    /// Adds a unit with a free loopback address.
    pub fn add_unit(&mut self, application: &str) -> UnitName {
        self.new_unit(application, None)
    }

    /// Adds a unit at a given address.
    pub fn add_unit_at(&mut self, application: &str, address: &str) -> UnitName {
        self.new_unit(application, Some(address.to_owned()))
    }

    /// Adds a unit that gets storage which another has left behind, as
    /// `juju add-unit --attach-storage` does.
    ///
    /// # Panics
    /// Panics if there is no such storage, or a unit has it.
    pub fn add_unit_attaching(&mut self, application: &str, storage: &str) -> UnitName {
        let unit = self.new_unit(application, None);
        self.attach_storage(&unit, storage);
        unit
    }

    fn new_unit(&mut self, application: &str, address: Option<String>) -> UnitName {
        assert!(
            !self.application(application).dying,
            "{application} is being removed"
        );
        let (address, lease) = match address {
            Some(address) => (address, None),
            None => {
                let lease = crate::address::lease().expect("a free loopback address");
                (lease.address.clone(), Some(lease))
            }
        };
        let machine = self.next_machine;
        self.next_machine += 1;
        let owner = self.application_mut(application);
        let name = UnitName::new(application, owner.next_unit);
        owner.next_unit += 1;
        // Juju shows what the unit set whose version is the newest, and that of a
        // new unit begins empty (`apiserver/facades/client/client/status.go`).
        owner.version.clear();
        owner.leader.get_or_insert_with(|| name.clone());
        let puppet = owner.is_puppet();
        let counts = owner.charm.metadata.storage.clone();
        let (environment, path) = (owner.environment.clone(), owner.path.clone());
        let agent = Agent {
            charm_seen: owner.charm_version,
            ..Agent::default()
        };
        let directory = self
            .options
            .directory
            .join("agents")
            .join(format!("unit-{}", name.with_dash()));
        let storage = match puppet {
            true => BTreeMap::new(),
            false => self.storages(counts),
        };
        let unit = Unit {
            name: name.clone(),
            machine,
            address,
            lease,
            directory,
            environment,
            path,
            dying: false,
            status: Status::new("waiting", "waiting for machine"),
            ports: Default::default(),
            ports_of_neighbours: Default::default(),
            storage,
            state: BTreeMap::new(),
            agent,
            faults: Vec::new(),
        };
        self.units.insert(name.clone(), unit);
        self.install_charm(&name);
        if puppet {
            self.enter_all_scopes(&name);
        }
        name
    }

    /// So many storages of these names, with their identifiers.
    fn storages(&mut self, counts: BTreeMap<String, u32>) -> BTreeMap<String, Storage> {
        let mut storages = BTreeMap::new();
        for (name, count) in counts {
            for _ in 0..count {
                let id = format!("{name}/{}", self.next_storage);
                storages.insert(id, self.new_storage(&name));
            }
        }
        storages
    }

    /// A puppet has no agent that would enter the scopes of its relations.
    fn enter_all_scopes(&mut self, name: &UnitName) {
        let application = name.application();
        let related: Vec<RelationId> = self
            .relations
            .values()
            .filter(|r| r.is_alive() && !r.suspended && r.end(application).is_some())
            .map(|r| r.id)
            .collect();
        for id in related {
            self.enter_scope(id, name);
        }
    }

    pub(crate) fn new_storage(&mut self, name: &str) -> Storage {
        let location = self
            .options
            .directory
            .join("storage")
            .join(format!("{name}-{}", self.next_storage));
        self.next_storage += 1;
        std::fs::create_dir_all(&location).expect("the storage's directory can be made");
        Storage {
            location,
            state: StorageState::Attaching,
        }
    }
}
