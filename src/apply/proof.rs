//! Whether a member serves with the trust file that it has loaded; and the way
//! back to the one with which it did.
//!
//! A member that lets nobody in lets its administrator in as little. So the way
//! back must not lead through etcd: the file that served last lies beside the new
//! one until the new one is seen to serve.

use std::time::Duration;

use super::ApplyError;
use super::machine::{Readiness, answers, unless_others_serve};
use crate::context::Context;
use crate::tls::digest;
use crate::workload::files::{PUBLIC_FILE, ensure_file, read_text};
use crate::workload::{MachineError, Owner, Service, Started};

/// The longest that a restart is waited for.
const RESTART_LIMIT: Duration = Duration::from_secs(60);

/// What came of a trust file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Proven {
    /// The member serves with it.
    Serves,
    /// It did not, and does with the one before.
    FellBack,
    /// It serves with neither, so something else is wrong; others serve.
    Failed,
}

/// Notes that the member serves with the file that it has loaded. It is done
/// before the ledger says what the member trusts: what is forgotten there must
/// not come back from here.
///
/// # Errors
/// A file could not be read or written.
pub fn prove(context: &Context) -> Result<(), ApplyError> {
    if let Some(loaded) = read_text(&context.paths.loaded_trust())? {
        let path = context.paths.served_trust();
        ensure_file(&path, loaded.as_bytes(), PUBLIC_FILE, Owner::Charm)?;
    }
    Ok(())
}

/// Sees whether the member serves with what it has loaded, and goes back to the
/// file before where it does not.
///
/// # Errors
/// See [`ApplyError`]; the next hook does it again.
pub async fn prove_or_fall_back(
    context: &mut Context,
    others_serve: bool,
) -> Result<Proven, ApplyError> {
    // It may have been started a moment ago.
    match answers(context).await {
        Ok(()) => prove(context).map(|()| Proven::Serves),
        Err(error) => fall_back(context, error, others_serve).await,
    }
}

/// Goes back to the trust file with which the member served last, for this
/// reason.
///
/// # Errors
/// The reason itself, where there is no such file, or where the member does not
/// serve with that one either and nobody else does.
pub(super) async fn fall_back(
    context: &mut Context,
    reason: ApplyError,
    others_serve: bool,
) -> Result<Proven, ApplyError> {
    let refused = read_text(&context.paths.loaded_trust())?.unwrap_or_default();
    let served = read_text(&context.paths.served_trust())?.filter(|served| *served != refused);
    let Some(served) = served else {
        return unless_others_serve(Err(reason), others_serve).map(|_| Proven::Failed);
    };
    let reason = crate::log::chain(&reason);
    tracing::warn!("{reason}; going back to the trust file before");
    let path = context.paths.wanted_trust();
    ensure_file(&path, served.as_bytes(), PUBLIC_FILE, Owner::Charm)?;
    let came_up = restart_service(context).await;
    if unless_others_serve(came_up, others_serve)? == Readiness::Failed {
        return Ok(Proven::Failed);
    }
    context.unit_state.refused_trust = Some((digest(refused.as_bytes()), context.now));
    context.unit_state.write(&context.paths)?;
    Ok(Proven::FellBack)
}

/// Restarts the service and waits until etcd answers.
pub(super) async fn restart_service(context: &Context) -> Result<Readiness, ApplyError> {
    // Whether it came up is asked next, whatever systemd says of it by then.
    let _started = restarted(context).await?;
    answers(context).await.map(|()| Readiness::Ready)
}

/// Restarts the service, on another thread: etcd waits for its clients to hang up, and
/// ours can only do that while the runtime goes on.
pub(super) async fn restarted(context: &Context) -> Result<Started, MachineError> {
    let commands = context.commands.clone();
    let name = context.paths.service();
    let restart = move || Service::new(&commands, name).restart(RESTART_LIMIT);
    tokio::task::spawn_blocking(restart)
        .await
        .expect("the closure does not panic, and nothing cancels it")
}
