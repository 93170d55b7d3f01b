//! What a hook leaves in memory for the next one: the ledger and who is trusted, as the
//! last round has read them. What is written from now on the next hook reads; and what
//! cannot be kept is read as a whole.

use crate::context::Context;
use crate::etcd::Client;
use crate::facts::Known;
use crate::facts::observed::Observed;
use crate::log::chain;
use crate::workload::{MachineError, kept_ledger, kept_trust};

/// Keeps what a pass over one relation need not read again.
pub(super) fn keep(context: &Context, observed: &Observed, client: Option<&Client>) {
    if context.is_preview {
        return;
    }
    let kept = keep_trust(context).and_then(|()| keep_ledger(context, observed, client));
    if let Err(error) = kept {
        tracing::debug!("{}", chain(&error));
    }
}

fn keep_trust(context: &Context) -> Result<(), MachineError> {
    match &*context.trust_files.borrow() {
        Some((stamp, files)) if !context.keeps_trust.replace(true) => {
            kept_trust::note(&context.paths, stamp, files)
        }
        _ => Ok(()),
    }
}

fn keep_ledger(
    context: &Context,
    observed: &Observed,
    client: Option<&Client>,
) -> Result<(), MachineError> {
    let point = client.and_then(Client::ledger_point);
    let run = context.etcd_run.borrow();
    let (Known::Known(cluster), Some(point), Some(run)) = (&observed.cluster, point, &*run) else {
        return Ok(());
    };
    if context.kept_point.get() == Some(point) {
        return Ok(());
    }
    let (paths, ledger) = (&context.paths, &cluster.ledger);
    kept_ledger::note(paths, run, ledger, &point, &context.recalled)
}
