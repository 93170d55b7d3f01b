//! Storage that outlives its unit.

use std::fs;

use crate::hook::storage_name;
use crate::model::Model;
use crate::name::UnitName;
use crate::unit::{Storage, StorageState};

impl Model {
    /// Storage that no unit has, and that can be attached.
    #[must_use]
    pub fn detached_storage(&self) -> Vec<String> {
        self.volumes.keys().cloned().collect()
    }

    /// What the machine's agent does as soon as the detaching hook has succeeded:
    /// the file system is unmounted, whoever has files open there, and the
    /// directory that it was mounted at stays, empty.
    pub(crate) fn take_storage_away(&mut self, unit: &UnitName, id: &str) {
        let volume = self.options.directory.join("volumes").join(id);
        let Some(storage) = self.unit_mut(unit).storage.get_mut(id) else {
            return;
        };
        storage.state = StorageState::Detached;
        let parent = volume.parent().expect("a directory of volumes");
        fs::create_dir_all(parent).expect("the directory of volumes can be made");
        fs::rename(&storage.location, &volume).expect("the storage can be taken away");
        fs::create_dir(&storage.location).expect("the mount point stays");
        self.volumes.insert(id.to_owned(), volume);
    }

    /// Storage of a unit whose machine is gone stays as it is.
    pub(crate) fn leave_storage(&mut self, unit: &UnitName) {
        let left = &self.unit(unit).storage;
        let left: Vec<_> = left
            .iter()
            .filter(|(_, storage)| storage.state != StorageState::Detached)
            .map(|(id, storage)| (id.clone(), storage.location.clone()))
            .collect();
        self.volumes.extend(left);
    }

    /// Gives a new unit this storage in the place of new storage of that name.
    pub(crate) fn attach_storage(&mut self, unit: &UnitName, id: &str) {
        let volume = self.volumes.remove(id);
        let volume = volume.unwrap_or_else(|| panic!("no storage {id} to attach"));
        let all = &mut self.unit_mut(unit).storage;
        let new = all.keys().find(|new| storage_name(new) == storage_name(id));
        let new = new.expect("a charm with storage of this name").clone();
        let Storage { location, state } = all.remove(&new).expect("it was there");
        fs::remove_dir(&location).expect("new storage is empty");
        fs::rename(volume, &location).expect("the storage can be mounted");
        all.insert(id.to_owned(), Storage { location, state });
    }
}
