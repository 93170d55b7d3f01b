//! `rotate-server-key`: other keys for the member of this unit.

use super::ActionError;
use super::parameters::Parameters;
use crate::context::Context;
use crate::facts::Known;
use crate::juju::ActionResults;
use crate::plan::refusal::Refusal;
use crate::{apply, observe, reconcile};

/// Has the charm issue another certificate, with a new key, and ask the provider
/// for another, if there is one, with a new key as well. etcd takes both up without
/// a restart.
///
/// # Errors
/// See [`ActionError`].
pub(crate) async fn server(
    context: &mut Context,
    results: &mut ActionResults,
) -> Result<(), ActionError> {
    Parameters::read(context)?.finish()?;
    let application = observe::application(context)?;
    let before = observe::machine(context, &application)?.server_certificate;
    // A run that is killed is finished by the next hook.
    apply::order_new_keys(context)?;
    context.is_preview = false;
    let report = reconcile::pass(context).await?;
    let after = observe::machine(context, &application)?.server_certificate;
    let changed = after.filter(|after| before.as_ref() != Some(after));
    let Some(certificate) = changed else {
        return Err(Refusal::KeysStay(Box::new(report)).into());
    };
    results.set(&["fingerprint"], certificate.fingerprint.as_str());
    results.set(&["valid-until"], certificate.not_after.to_string());
    let mut lines = vec!["This unit's member has a new key and a new certificate.".to_owned()];
    if let Known::Known(Some(provider)) = &application.provider {
        lines.push(format!(
            "{} was asked for another one, for what clients are shown; until it answers they are \
             shown what they were.",
            provider.app
        ));
    }
    results.set(&["output"], lines.join(" "));
    Ok(())
}
