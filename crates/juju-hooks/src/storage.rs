//! The storage that Juju attached to this unit.

use std::fmt;
use std::path::PathBuf;

use super::{ToolError, Tools};

/// One attached storage instance: `data/0`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct StorageId(String);

impl fmt::Display for StorageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Tools {
    /// The attached instances of the storage `name` of `metadata.yaml`
    /// (`jujuc/storage-list.go`).
    ///
    /// # Errors
    /// Only those of every tool: see [`ToolError`].
    pub fn storage_list(&self, name: &str) -> Result<Vec<StorageId>, ToolError> {
        let ids: Option<Vec<String>> = self.call("storage-list").arg(name).json()?;
        Ok(ids.unwrap_or_default().into_iter().map(StorageId).collect())
    }

    /// Where an instance is mounted (`jujuc/storage-get.go`).
    ///
    /// # Errors
    /// [`ToolError::Failed`] if the instance is not attached (yet).
    pub fn storage_get_location(&self, id: &StorageId) -> Result<PathBuf, ToolError> {
        self.call("storage-get")
            .args(["-s", &id.0, "location"])
            .json()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    #[test]
    fn instances_are_listed_by_name() {
        let fake = Fake::printing("storage-list", "[\"data/0\"]\n");
        let ids = fake.tools().storage_list("data").expect("a list");
        assert_eq!(ids, [StorageId("data/0".to_owned())]);
        assert_eq!(fake.argv("storage-list"), ["--format=json", "data"]);

        let fake = Fake::printing("storage-list", "null\n");
        assert!(
            fake.tools()
                .storage_list("data")
                .expect("a list")
                .is_empty()
        );
    }

    #[test]
    fn an_instance_has_a_location() {
        let fake = Fake::printing("storage-get", "\"/var/lib/data\"\n");
        let id = StorageId("data/0".to_owned());
        let location = fake.tools().storage_get_location(&id).expect("a path");
        assert_eq!(location, PathBuf::from("/var/lib/data"));
        assert_eq!(
            fake.argv("storage-get"),
            ["--format=json", "-s", "data/0", "location"]
        );
    }
}
