//! `reconcile`: a full pass on demand, or what it would do.

use super::ActionError;
use super::parameters::Parameters;
use crate::context::Context;
use crate::explain::preview::Preview;
use crate::explain::status;
use crate::explain::steps::Step;
use crate::juju::ActionResults;
use crate::plan::Report;
use crate::reconcile;

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
        let preview = reconcile::preview(context).await.map_err(Box::new)?;
        match preview.steps.len() {
            // What is waited for is said instead.
            0 if preview.report.wait.is_some() => {}
            0 => lines.push("nothing to do".to_owned()),
            count => lines.push(format!("{count} to do:")),
        }
        show(results, "steps", &preview.steps, &mut lines);
        end(results, &preview, &mut lines);
    } else {
        context.is_preview = false;
        let (done, report) = reconcile::full_pass(context).await.map_err(Box::new)?;
        lines.push(match done.len() {
            0 => "nothing was to do".to_owned(),
            count => format!("{count} done:"),
        });
        show(results, "steps", &done, &mut lines);
        context.is_preview = true;
        let left = reconcile::preview(context).await.map_err(Box::new)?;
        let changes: Vec<_> = left.changes().cloned().collect();
        if changes.is_empty() && report.wait.is_none() {
            lines.push("nothing is left".to_owned());
        } else if !changes.is_empty() {
            lines.push(format!("{} left:", changes.len()));
        }
        show(results, "left", &changes, &mut lines);
        end(results, &left, &mut lines);
    }
    if !context.tools.is_leader()? {
        lines.push(
            "this unit does not lead, so this was about its own machine and member alone; \
             clients are the leader's"
                .to_owned(),
        );
    }
    results.set(&["output"], lines.join("\n"));
    Ok(())
}

/// Steps as data below a key, and in words as lines.
fn show(results: &mut ActionResults, key: &str, steps: &[Step], lines: &mut Vec<String>) {
    let count = match key {
        "steps" => "count",
        _ => "left-count",
    };
    results.set(&[count], steps.len().to_string());
    for (at, step) in steps.iter().enumerate() {
        let number = (at + 1).to_string();
        lines.push(format!("{number}. {}: {}", step.stage, step.summary));
        let mut set = |name, text: &str| results.set(&[key, &number, name], text);
        set("stage", step.stage);
        set("step", step.kind);
        set("summary", &step.summary);
        if !step.subject.is_empty() {
            set("subject", &step.subject);
        }
    }
}

/// What is to be said besides.
fn end(results: &mut ActionResults, preview: &Preview, lines: &mut Vec<String>) {
    results.set(&["whole"], preview.is_whole.to_string());
    if !preview.is_whole {
        lines.push("what comes after shows once this is done".to_owned());
    }
    let Report { wait, .. } = &preview.report;
    if wait.is_some() {
        let status = status::of_unit(&preview.report);
        lines.push(format!("not now: {}", status.message));
        results.set(&["waits"], status.message);
    }
}
