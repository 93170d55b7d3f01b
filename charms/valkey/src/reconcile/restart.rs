//! Another program: one unit after the other restarts with it.

use super::Run;
use crate::apply::{leave, machine, restart};
use crate::explain::chain;
use crate::facts::{Known, OwnSecret};
use crate::observe;
use crate::plan::{Problem, cluster, restart as turns};
use crate::program::{self, Chosen};
use crate::valkey::ValkeyError;

impl Run {
    /// Restarts the nodes of this unit if they run another program than the chosen
    /// one, and it is this unit's turn.
    pub(super) async fn renew_program(
        &mut self,
        own: &OwnSecret,
        chosen: &Chosen,
    ) -> Result<(), ValkeyError> {
        let due = restart::is_due(&self.juju, own, &self.paths, chosen).await?;
        self.note_due(due.then_some(chosen));
        if due && self.juju.ledger.turn.as_ref() == Some(&self.juju.unit) {
            match turns::waits_for(&self.juju, &self.nodes) {
                Some(reason) => self.report.problems.push(Problem::Restart(reason)),
                None => self.restart(own, chosen).await?,
            }
        }
        if !due {
            // What cannot be removed stays there until the next hook.
            let _ = program::remove_other_programs(&self.paths, &chosen.path);
        }
        if self.report.progress.is_none()
            && let Some(turn) = &self.juju.ledger.turn
        {
            self.report.progress = Some(format!("restarting {turn} with another program"));
        }
        Ok(())
    }

    fn note_due(&mut self, due: Option<&Chosen>) {
        if let Some(member) = self.juju.members.get_mut(&self.juju.unit) {
            member.restart = due.map(|chosen| chosen.version.clone());
        }
        if self.juju.leader {
            self.juju.ledger.turn = turns::turn(&self.juju, &self.nodes);
        }
    }

    async fn restart(&mut self, own: &OwnSecret, chosen: &Chosen) -> Result<(), ValkeyError> {
        let unit = self.juju.unit.clone();
        let others = self.juju.members.iter();
        let alone = others
            .filter(|(name, member)| **name != unit && member.joined)
            .count()
            == 0;
        let is_primary = cluster::primary(&self.juju, &self.nodes) == Known::Known(unit.clone());
        if is_primary
            && !alone
            && let Err(reason) = leave::switch(&self.juju, own, &self.paths, &unit).await
        {
            let reason = format!("no other unit takes over: {reason}");
            self.report.problems.push(Problem::Restart(reason));
            return Ok(());
        }
        leave::wait_until_quiet(&self.juju, own, &self.paths).await?;
        let storage = self.juju.storage.clone().unwrap_or_default();
        let restarted = machine::restart(&unit, &storage, &self.paths, &chosen.path);
        if let Err(error) = restarted {
            self.report.problems.push(Problem::Server(chain(&error)));
            return Ok(());
        }
        if let Err(reason) = machine::wait_until_ready(own, &self.paths).await {
            self.report.problems.push(Problem::Server(reason));
            return Ok(());
        }
        self.converge(own).await?;
        self.nodes = observe::nodes(&self.juju, &self.paths).await;
        let due = restart::is_due(&self.juju, own, &self.paths, chosen).await?;
        self.note_due(due.then_some(chosen));
        if self.juju.ledger.turn.is_some() || due {
            self.ask_again();
        }
        Ok(())
    }
}
