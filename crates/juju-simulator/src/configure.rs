//! Changing what is deployed: config, resources, charms, addresses, leaders.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::charm::{Charm, Role};
use crate::machine::Machine;
use crate::model::{JujuVersion, Model};
use crate::name::UnitName;
use crate::relation::End;

impl Model {
    /// Sets a config option; null brings the default back. Units run
    /// config-changed only if the value is another one, and in 4.0 not for a
    /// default that comes back.
    ///
    /// # Panics
    /// Panics if the charm has no such option or the value is of another type.
    pub fn set_config(&mut self, application: &str, key: &str, value: impl Into<Value>) {
        let value = value.into();
        let is_told = !(value.is_null() && self.options.version == JujuVersion::V4_0);
        let owner = self.application_mut(application);
        let Some(option) = owner.charm.metadata.config.get(key) else {
            panic!("{application} has no option {key:?}")
        };
        let right = match option.kind.as_str() {
            "int" => value.is_i64() || value.is_u64(),
            "float" => value.is_number(),
            "boolean" => value.is_boolean(),
            _ => value.is_string(),
        };
        assert!(
            right || value.is_null(),
            "option {key} of {application} is of type {}, not {value}",
            option.kind
        );
        let before = owner.option(key);
        if value.is_null() {
            owner.config.remove(key);
        } else {
            owner.config.insert(key.to_owned(), value);
        }
        if is_told && owner.option(key) != before {
            owner.config_version += 1;
        }
    }

    /// Attaches a file as a resource; units then run upgrade-charm.
    pub fn attach_resource(&mut self, application: &str, name: &str, file: impl AsRef<Path>) {
        let owner = self.application_mut(application);
        owner
            .resources
            .insert(name.to_owned(), file.as_ref().to_path_buf());
        owner.charm_version += 1;
    }

    /// Replaces the charm; units run upgrade-charm and then config-changed.
    pub fn upgrade_charm(&mut self, application: &str, charm: Charm) {
        let owner = self.application_mut(application);
        let known: Vec<String> = owner.charm.metadata.endpoints.keys().cloned().collect();
        let new_peers: Vec<String> = charm
            .metadata
            .endpoints
            .iter()
            .filter(|(name, endpoint)| endpoint.role == Role::Peer && !known.contains(name))
            .map(|(name, _)| name.clone())
            .collect();
        owner.charm = charm;
        owner.charm_version += 1;
        owner.config_version += 1;
        for endpoint in new_peers {
            self.add_relation(vec![End {
                application: application.to_owned(),
                endpoint,
                role: Role::Peer,
            }]);
        }
    }

    /// Moves a unit to another free loopback address, as
    /// [`Model::set_address`] does.
    ///
    /// # Panics
    /// Panics if no address is free.
    pub fn move_unit(&mut self, unit: impl Into<UnitName>) {
        let unit = unit.into();
        let lease = crate::address::lease().expect("a free loopback address");
        let address = lease.address.clone();
        // The old address is given back only now, so the new one is another.
        self.unit_mut(&unit).lease = Some(lease);
        self.set_address(unit, &address);
    }

    /// Gives a unit another address; it runs config-changed, and its relation
    /// data follows.
    pub fn set_address(&mut self, unit: impl Into<UnitName>, address: &str) {
        let name = unit.into();
        self.unit_mut(&name).address = address.to_owned();
        let writes = [
            ("egress-subnets".to_owned(), Some(format!("{address}/32"))),
            ("ingress-address".to_owned(), Some(address.to_owned())),
            ("private-address".to_owned(), Some(address.to_owned())),
        ];
        for relation in self
            .relations
            .values_mut()
            .filter(|relation| relation.scope.contains(&name))
        {
            if let Some(bag) = relation.units.get_mut(&name) {
                bag.apply(writes.iter().map(|(key, value)| (key, value)));
            }
        }
    }

    /// Sets an environment variable for the hooks of one unit.
    pub fn set_unit_environment(
        &mut self,
        unit: impl Into<UnitName>,
        key: &str,
        value: impl Into<String>,
    ) {
        let unit = self.unit_mut(&unit.into());
        unit.environment.retain(|(other, _)| other != key);
        unit.environment.push((key.to_owned(), value.into()));
    }

    /// Adds a directory to the PATH of one unit, before those it has.
    pub fn add_unit_path(&mut self, unit: impl Into<UnitName>, directory: impl Into<PathBuf>) {
        self.unit_mut(&unit.into()).path.insert(0, directory.into());
    }

    /// Lets the hooks of a unit run on this machine: they find its commands.
    pub fn put_on_machine(&mut self, unit: impl Into<UnitName>, machine: &Machine) {
        let unit = unit.into();
        let (key, value) = machine.environment();
        self.set_unit_environment(unit.clone(), key, value);
        self.add_unit_path(unit, machine.path_dir());
    }

    /// Gives leadership to a unit.
    ///
    /// # Panics
    /// Panics if the unit is not one of the application.
    pub fn set_leader(&mut self, application: &str, unit: impl Into<UnitName>) {
        let unit = unit.into();
        assert!(
            unit.application() == application && self.units.contains_key(&unit),
            "{unit} is not in {application}"
        );
        self.application_mut(application).leader = Some(unit);
    }

    pub(crate) fn successor(&mut self, loser: &UnitName) -> Option<UnitName> {
        let others: Vec<UnitName> = self
            .units_of(loser.application())
            .into_iter()
            .filter(|unit| unit != loser && !self.unit(unit).dying)
            .collect();
        self.random.choose(&others)
    }

    /// Takes leadership from a unit and gives it to another one, if there is one.
    pub(crate) fn elect_other(&mut self, loser: &UnitName) {
        let successor = self.successor(loser);
        self.application_mut(loser.application()).leader = successor;
    }
}
