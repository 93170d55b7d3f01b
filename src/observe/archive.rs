//! Where credentials are handed to an operator.

use std::path::PathBuf;

use super::ObserveError;
use crate::context::Context;
use crate::facts::{ArchivePlace, MemberName};
use crate::workload::sha256;

/// Where `juju scp` looks for files without a directory.
const HOME: &str = "/home/ubuntu";

/// Where an archive of this name lies: in the home of the user whom `juju scp` logs
/// in as; where there is none, beside what else belongs to the unit.
///
/// # Errors
/// What lies there cannot be read.
pub fn archive_place(context: &Context, archive: &str) -> Result<ArchivePlace, ObserveError> {
    let home = PathBuf::from(HOME);
    let is_fetched = context.paths.named(&home).is_dir();
    let directory = if is_fetched {
        home
    } else {
        let member = MemberName::of(&context.hook.unit);
        PathBuf::from("/etc/etcd-charm").join(member.as_str())
    };
    let path = directory.join(archive);
    let there = context.paths.named(&path);
    let found = there.exists().then(|| sha256(&there)).transpose()?;
    Ok(ArchivePlace {
        path,
        is_fetched,
        found,
    })
}
