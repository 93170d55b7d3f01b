//! What a unit leaves behind on its machine: the data in its storage, which is
//! Juju's, and nothing else.

use super::ApplyError;
use crate::context::Context;
use crate::workload::{daemon_reload, layout};

/// Removes all files of this unit. Its keys go first: with the administrator's,
/// whoever gets the machine next would be `root` in a cluster that goes on
/// without this unit. Nothing of the unit may run any more.
///
/// # Errors
/// A file could not be removed; a later run goes on.
pub fn forget(context: &Context) -> Result<(), ApplyError> {
    let had_service = context.paths.service_file().exists();
    layout::remove(&context.paths)?;
    if had_service {
        daemon_reload(&context.commands)?;
    }
    Ok(())
}
