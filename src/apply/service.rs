//! The service, stopped for a while.

use super::ApplyError;
use crate::context::Context;
use crate::workload::Service;

/// Stops the service until it is started again, on another thread: etcd waits
/// for its clients to hang up, and ours can only do that while the runtime goes
/// on. One that was never installed is stopped already.
///
/// # Errors
/// systemd refused.
pub(super) async fn stop_service(context: &Context) -> Result<(), ApplyError> {
    if !context.paths.service_file().exists() {
        return Ok(());
    }
    let commands = context.commands.clone();
    let name = context.paths.service();
    let stop = move || Service::new(&commands, name).stop();
    Ok(tokio::task::spawn_blocking(stop)
        .await
        .expect("the closure does not panic, and nothing cancels it")?)
}
