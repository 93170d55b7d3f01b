//! `health`: what is going on in the cluster, the assessment first.

use super::ActionError;
use super::parameters::Parameters;
use super::session::Session;
use crate::context::Context;
use crate::explain::{self, health::figures};
use crate::facts::RefusalNote;
use crate::juju::ActionResults;
use crate::observe;
use crate::plan::serving;

/// Tells how every member is.
///
/// # Errors
/// See [`ActionError`]; that members are unreachable, or quorum is lost, is none.
pub(crate) async fn run(context: &Context, results: &mut ActionResults) -> Result<(), ActionError> {
    Parameters::read(context)?.finish()?;
    let session = Session::begin(context).await?;
    let Session {
        application,
        members,
        ..
    } = session;
    let machine = observe::machine(context, &application)?;
    let health = observe::health(context, application.peers.read(), members).await?;
    figures(results, &health);
    let mut lines = vec![health.assessment().sentence];
    let own = application.refused_options.iter().map(RefusalNote::as_str);
    let details = context.unit_state.status_details.iter();
    let own = own.chain(details.map(String::as_str));
    lines.extend(own.map(|text| format!("{}: {text}", context.hook.unit)));
    lines.extend(health.advice());
    if let Some((signer, end)) = serving::shown(&machine, context.now) {
        let signer = explain::health::signer(&signer);
        results.set(&["status", "certificate", "signed-by"], signer);
        results.set(&["status", "certificate", "valid-until"], end.to_string());
        // What is as it always was is no news.
        if machine.served != machine.own_pair {
            lines.push(format!(
                "{} shows clients a certificate of {signer}, valid until {}",
                context.hook.unit,
                end.date()
            ));
        }
    }
    results.set(&["output"], lines.join("\n"));
    Ok(())
}
