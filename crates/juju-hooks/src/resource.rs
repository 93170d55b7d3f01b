//! Files that the operator attached to the application.

use std::path::PathBuf;
use std::time::Duration;

use super::{ToolError, Tools};

/// How long a download from the controller may take: an archive of etcd has
/// about 25 MB.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(15 * 60);

/// A resource of `metadata.yaml`, as far as the operator attached one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Resource {
    /// There is nothing to use; the text says why.
    Absent(String),
    /// Whether there is one is not known: the download failed. The text says why.
    Unavailable(String),
    /// The file, downloaded to this machine.
    File(PathBuf),
}

impl Tools {
    /// Downloads a resource, unless it is here already, and says where it is
    /// (`jujuc/resource-get.go`). Immediate.
    ///
    /// It is decided here that an empty file is no resource: Juju 3.6 refuses to
    /// deploy a charm from a local directory without a file for each resource,
    /// and an empty one is what operators and stores put in its place. 4.0 takes
    /// it without, and then there is nothing to download.
    ///
    /// # Errors
    /// [`ToolError::Failed`] for anything but a failed download, and
    /// [`ToolError::Parse`] if there is no file where Juju says.
    pub fn resource_get(&self, name: &str) -> Result<Resource, ToolError> {
        const TOOL: &str = "resource-get";
        // Without a `--format`: the tool has none, nor a newline after the path.
        let path = match self.call(TOOL).arg(name).within(DOWNLOAD_LIMIT).output() {
            Ok(path) => PathBuf::from(path),
            Err(error) if error.says(&["could not download resource"]) => {
                return Ok(match error.says(&["not found"]) {
                    true => Resource::Absent(error.to_string()),
                    false => Resource::Unavailable(error.to_string()),
                });
            }
            Err(error) => return Err(error),
        };
        let size = path
            .metadata()
            .map_err(|source| ToolError::parse(TOOL, source))?
            .len();
        Ok(match size {
            0 => Resource::Absent(format!("the attached file of resource {name} is empty")),
            _ => Resource::File(path),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    #[test]
    fn a_resource_is_a_file_that_is_not_empty() {
        let fake = Fake::new(&["resource-get"]);
        let file = fake.path("etcd.tar.gz");
        let answer = file.to_str().expect("a path of ours");
        // No newline, as the tool does it.
        std::fs::write(fake.path("resource-get.stdout"), answer).expect("a file");

        std::fs::write(&file, "content").expect("a file");
        let resource = fake.tools().resource_get("etcd").expect("an answer");
        assert_eq!(resource, Resource::File(file.clone()));
        assert_eq!(fake.argv("resource-get"), ["etcd"]);

        std::fs::write(&file, "").expect("a file");
        let resource = fake.tools().resource_get("etcd").expect("an answer");
        assert!(matches!(resource, Resource::Absent(why) if why.contains("is empty")));

        std::fs::remove_file(&file).expect("it is there");
        assert!(fake.tools().resource_get("etcd").is_err());
    }

    #[test]
    fn only_what_is_not_found_is_absent() {
        let text = "ERROR could not download resource: resource#etcd/etcd not found\n";
        let fake = Fake::failing("resource-get", 1, text);
        let resource = fake.tools().resource_get("etcd").expect("an answer");
        assert!(matches!(resource, Resource::Absent(why) if why.contains("not found")));

        let text = "ERROR could not download resource: connection reset by peer\n";
        let fake = Fake::failing("resource-get", 1, text);
        let resource = fake.tools().resource_get("etcd").expect("an answer");
        assert!(matches!(resource, Resource::Unavailable(why) if why.contains("reset")));

        let fake = Fake::failing("resource-get", 1, "ERROR connection is shut down\n");
        assert!(fake.tools().resource_get("etcd").is_err());
    }
}
