//! `reconcile`: a full pass on demand, or what it would do.

use super::ActionError;
use super::parameters::Parameters;
use crate::context::Context;
use crate::explain::preview::{show_rest, show_steps};
use crate::explain::reasons;
use crate::juju::ActionResults;
use crate::{observe, reconcile};

/// Shows the plan of a full pass, or carries it out.
///
/// # Errors
/// See [`ActionError`].
pub(crate) async fn run(
    context: &mut Context,
    results: &mut ActionResults,
) -> Result<(), ActionError> {
    let mut given = Parameters::read(context)?;
    // Whoever does not say gets the one that changes nothing.
    let dry_run = given.flag_or("dry-run", true)?;
    given.finish()?;
    results.set(&["dry-run"], dry_run.to_string());
    let mut lines = Vec::new();
    if dry_run {
        let preview = reconcile::preview(context).await?;
        match preview.steps.len() {
            // What is waited for is said instead.
            0 if preview.report.wait.is_some() => {}
            0 => lines.push("nothing to do".to_owned()),
            count => lines.push(format!("{count} to do:")),
        }
        show_steps(results, "steps", &preview.steps, &mut lines);
        show_rest(results, &preview, &mut lines);
    } else {
        context.is_preview = false;
        let (done, report) = reconcile::full_pass(context).await?;
        lines.push(match done.len() {
            0 => "nothing was to do".to_owned(),
            count => format!("{count} done:"),
        });
        show_steps(results, "steps", &done, &mut lines);
        context.is_preview = true;
        let left = reconcile::preview(context).await?;
        let changes: Vec<_> = left.changes().cloned().collect();
        if changes.is_empty() && report.wait.is_none() {
            lines.push("nothing is left".to_owned());
        } else if !changes.is_empty() {
            lines.push(format!("{} left:", changes.len()));
        }
        show_steps(results, "left", &changes, &mut lines);
        show_rest(results, &left, &mut lines);
    }
    if !observe::leads(context)? {
        lines.push(format!(
            "this unit does not lead, so this was about its own machine and member alone; for \
             clients, run it on {}",
            reasons::on_leader(None, context.hook.unit.app(), "reconcile")
        ));
    }
    results.set(&["output"], lines.join("\n"));
    Ok(())
}
