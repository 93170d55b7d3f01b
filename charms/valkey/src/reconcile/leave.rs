//! The end of a unit.

use juju_hooks::{Event, Hook, LogLevel, RelationChange};

use super::{ReconcileError, Run};
use crate::apply::leave;
use crate::facts::Nodes;
use crate::plan::Problem;

impl Run {
    /// Hands over, and stops.
    pub(super) async fn leave(mut self, hook: &Hook) -> Result<(), ReconcileError> {
        if self.paths.base().exists() {
            if let Some(own) = self.juju.own.clone() {
                let others = self.juju.members.iter();
                let others = others.filter(|(unit, member)| **unit != hook.unit && member.joined);
                if others.count() > 0
                    && let Err(reason) =
                        leave::switch(&self.juju, &own, &self.paths, &hook.unit).await
                {
                    // Juju gives up a unit whether or not its hooks succeed.
                    let text = format!("left without handing over: {reason}");
                    let logged = self.tools.juju_log(LogLevel::Warning, &text);
                    logged.map_err(ReconcileError::Report)?;
                }
                // A server that does not answer is stopped as it is.
                let _ = leave::wait_until_quiet(&self.juju, &own, &self.paths).await;
            }
            leave::stop(&self.paths).map_err(ReconcileError::Leave)?;
        }
        if let Some(peers) = self.juju.peers
            && !matches!(&hook.event, Event::Relation(event) if event.change == RelationChange::Broken)
        {
            let gone = ["joined", "sees", "step", "restart"]
                .map(|key| (key.to_owned(), None))
                .into();
            let told = self.tools.relation_set_unit(peers, &gone);
            told.or_else(|error| {
                if error.is_of_the_call() {
                    Ok(())
                } else {
                    Err(error)
                }
            })
            .map_err(ReconcileError::Publish)?;
        }
        self.report
            .problems
            .push(Problem::Waiting("the end of this unit"));
        self.nodes = Nodes::new();
        self.finish().map_err(ReconcileError::Report)
    }
}
