//! Applying and publishing: one stage of a plan.

use super::{Progress, ReconcileError, Run};
use crate::apply::{
    self, AccessChange, ApplyError, Missing, Proven, Published, Readiness, Restarted,
};
use crate::context::Context;
use crate::etcd::Client;
use crate::explain::{self, reasons};
use crate::facts::authorities::Authorities;
use crate::facts::observed::{Disconnection, Observed};
use crate::facts::{Alarm, Known};
use crate::hook::Event;
use crate::log;
use crate::observe;
use crate::plan::access::{AccessStep, audited};
use crate::plan::configuration::is_outdated;
use crate::plan::issue::Issuance;
use crate::plan::machine::MachineStep;
use crate::plan::membership::MembershipStep;
use crate::plan::publish::Publication;
use crate::plan::restart::{Restart, RestartInTurn, RestartStep, RestartWait};
use crate::plan::{self, Stage, Wait};

/// What the log says of a change of trust that was taken back.
const FELL_BACK: &str =
    "etcd does not serve with the new trust file and went back to the one before";

/// The connection that a stage of the cluster is applied over.
fn needed(client: Option<&Client>) -> Result<&Client, ApplyError> {
    client.ok_or(ApplyError::Missing(Missing::Connection))
}

impl Run {
    /// Applies one stage.
    pub(super) async fn apply_stage(
        &mut self,
        context: &mut Context,
        observed: &Observed,
        client: Option<&Client>,
        stage: &Stage,
    ) -> Result<Progress, ReconcileError> {
        match stage {
            // effects: packages, files, the service
            Stage::Machine(steps) => self.change_machine(context, observed, steps).await?,
            // effects: the ledger
            Stage::FreeLock(lock) => apply::free_lock(needed(client)?, lock).await?,
            // effects: connections of clients to this member
            Stage::Disconnect(revision) => self.disconnect(context, *revision).await?,
            // effects: etcd's alarms
            Stage::Disarm(alarms) => self.disarm(needed(client)?, alarms).await?,
            // effects: etcd's members and authentication
            Stage::Membership(step) => {
                let client = needed(client)?;
                return self.change_members(context, observed, client, step).await;
            }
            // effects: etcd's users, roles and the ledger
            Stage::Access(steps) => {
                self.change_access(context, observed, needed(client)?, steps)
                    .await?;
            }
            // effects: the ledger, secrets
            Stage::Issue(issuances) => {
                return self.issue(context, needed(client)?, issuances).await;
            }
            // effects: the trust file, the service, the ledger
            Stage::Restart(step) => {
                return self.restart_stage(context, observed, client, step).await;
            }
            Stage::Stop => {
                // effects: the service
                apply::stop(context)?;
                return Ok(Progress::Over);
            }
            Stage::Publish(publication) => {
                // effects: databags, secrets, the ledger
                let published = self.publish(context, client, publication).await?;
                self.log.extend(published.log);
                self.unanswered = published.failed;
                return Ok(Progress::Over);
            }
        }
        Ok(Progress::Goes)
    }

    async fn change_machine(
        &mut self,
        context: &mut Context,
        observed: &Observed,
        steps: &[MachineStep],
    ) -> Result<(), ReconcileError> {
        let others_serve = observed.cluster.known().is_some();
        let outcome = apply::machine(context, steps, others_serve).await?;
        self.started = outcome.started.or(self.started);
        if let Some(unpacked) = &outcome.unpacked {
            // reads only, pure, and writes only
            let release = observe::release(context, &unpacked.programs.etcd);
            let refused = unpacked.installation.refusal(release.known());
            apply::install(context, unpacked, refused)?;
        }
        // Who did not answer may have been started.
        context.unreachable.borrow_mut().clear();
        Ok(())
    }

    /// The certificate authorities, which an event on one relation seldom needs.
    fn authorities(&self, context: &Context) -> Result<Option<Authorities>, ReconcileError> {
        match &self.application.authorities {
            Some(authorities) => Ok(Some(authorities.clone())),
            None => Ok(observe::authorities_of_application(context)?),
        }
    }

    /// Publishes, and hands over what that takes.
    pub(super) async fn publish(
        &self,
        context: &mut Context,
        client: Option<&Client>,
        publication: &Publication,
    ) -> Result<Published, ReconcileError> {
        let authorities = match publication.needs_authorities() {
            true => self.authorities(context)?,
            false => None,
        };
        Ok(apply::publish(context, client, authorities.as_ref(), publication).await?)
    }

    /// Ends the connections of clients, because of what was settled at this revision
    /// of the ledger.
    async fn disconnect(
        &mut self,
        context: &mut Context,
        revision: Option<i64>,
    ) -> Result<(), ReconcileError> {
        self.disconnection = apply::disconnect(context).await?;
        match &self.disconnection {
            Disconnection::Done => {
                let disconnected = &mut context.unit_state.disconnected;
                *disconnected = revision.or(*disconnected);
                self.log
                    .push("ended the connections of clients: some lost rights".to_owned());
            }
            Disconnection::Failed(reason) => self.log.push(format!(
                "what clients have open from before they lost rights stays open until etcd \
                 restarts: {}",
                reasons::not_ended(reason)
            )),
            Disconnection::Postponed | Disconnection::Untried => {}
        }
        Ok(())
    }

    /// Changes users, roles and the ledger, and carries the note of the last audit on. If
    /// that is not written down, as where the hook fails, too few changes are counted and
    /// all is read again.
    async fn change_access(
        &mut self,
        context: &mut Context,
        observed: &Observed,
        client: &Client,
        steps: &[AccessStep],
    ) -> Result<(), ReconcileError> {
        self.took_rights |= steps.iter().any(AccessStep::takes_rights);
        let note = context.unit_state.audited_rights.take();
        let change = apply::access(client, steps).await?;
        self.is_access_cut_short = change == AccessChange::CutShort;
        if let (AccessChange::Made, Some(note)) = (change, note)
            && let (Some(identity), Some(cluster)) =
                (context.unit_state.identity, observed.cluster.known())
        {
            let after = audited::after(note, identity.cluster, &cluster.ledger, steps);
            context.unit_state.audited_rights = after;
        }
        self.granted = true;
        self.repaired.root |= steps.contains(&AccessStep::LockRoot);
        self.log
            .extend(steps.iter().filter_map(explain::access::logged));
        Ok(())
    }

    async fn disarm(&mut self, client: &Client, alarms: &[Alarm]) -> Result<(), ReconcileError> {
        apply::disarm(client, alarms).await?;
        let lowered = alarms.iter().map(|alarm| alarm.kind);
        self.log
            .extend(lowered.map(|kind| format!("lowered the alarm {kind}, which had no cause")));
        self.repaired.alarms = true;
        Ok(())
    }

    async fn change_members(
        &mut self,
        context: &mut Context,
        observed: &Observed,
        client: &Client,
        step: &MembershipStep,
    ) -> Result<Progress, ReconcileError> {
        if apply::membership(context, client, step).await? {
            self.restarted |= matches!(step, MembershipStep::Promote(_));
            return Ok(Progress::Goes);
        }
        if context.hook.event == Event::StorageDetaching {
            return Err(ReconcileError::Stays);
        }
        if observed.stopping {
            // The leader takes this member off the list later.
            apply::stop(context)?;
            return Ok(Progress::Over);
        }
        // It passes by itself; what can be published is published.
        let publication = plan::publish::while_waiting(observed);
        self.publish(context, None, &publication).await?;
        Ok(Progress::Waits(match step {
            MembershipStep::Promote(_) => Wait::Promotion,
            MembershipStep::EnableAuthentication
            | MembershipStep::AddLearner(_)
            | MembershipStep::Join(_)
            | MembershipStep::Move(..)
            | MembershipStep::MoveLeader(_)
            | MembershipStep::Remove(..) => Wait::OtherJoiner,
        }))
    }

    /// Issues certificates, one relation after the other: what one cannot be given
    /// costs no other anything.
    async fn issue(
        &mut self,
        context: &mut Context,
        client: &Client,
        issuances: &[Issuance],
    ) -> Result<Progress, ReconcileError> {
        let Some(authorities) = self.authorities(context)? else {
            return Ok(Progress::Waits(Wait::Authorities));
        };
        for issuance in issuances {
            let issued = apply::issue(context, client, &authorities, *issuance).await;
            let (endpoint, id) = (issuance.interface.endpoint(), issuance.relation);
            let clients = self.clients.get_or_insert_default();
            let relation = clients.legacy.get_mut(&id);
            match issued {
                Ok((name, held)) => {
                    self.log.push(format!("issued {name} to {endpoint}:{id}"));
                    if let Some(relation) = relation {
                        relation.held = Some(held);
                    }
                }
                Err(error) => {
                    let error = log::chain(&apply::for_one(error)?);
                    self.log.push(format!("{endpoint}:{id}: {error}"));
                    // A later hook goes on with it.
                    if let Some(relation) = relation {
                        (relation.own, relation.held) = (None, None);
                    }
                }
            }
        }
        self.granted = true;
        Ok(Progress::Goes)
    }

    async fn restart_stage(
        &mut self,
        context: &mut Context,
        observed: &Observed,
        client: Option<&Client>,
        step: &RestartStep,
    ) -> Result<Progress, ReconcileError> {
        match step {
            RestartStep::ReadPending => {
                // effects: none (reads only)
                let clients = self.clients.get_or_insert_default();
                if let Known::Known(cluster) = &observed.cluster {
                    observe::read_pending(context, clients, &cluster.ledger)?;
                }
            }
            // effects: a file
            RestartStep::Prove => apply::prove(context)?,
            RestartStep::FallBack => {
                // effects: the trust file, the service
                let others_serve = observed.cluster.known().is_some();
                match apply::prove_or_fall_back(context, others_serve).await? {
                    Proven::Serves => {}
                    Proven::FellBack => self.log.push(FELL_BACK.to_owned()),
                    Proven::Failed => self.started = Some(Readiness::Failed),
                }
                context.unreachable.borrow_mut().clear();
            }
            // effects: the ledger
            RestartStep::Record(trust) => {
                apply::record_trust(context, needed(client)?, trust).await?;
            }
            RestartStep::Restart(Restart::AtOnce) => {
                // effects: the service
                self.started = Some(apply::restart_at_once(context).await?);
                context.unreachable.borrow_mut().clear();
            }
            RestartStep::Restart(Restart::InTurn(restart)) => {
                // effects: the trust file, the service, the ledger
                return self
                    .restart_in_turn(context, observed, needed(client)?, restart)
                    .await;
            }
        }
        Ok(Progress::Goes)
    }

    async fn restart_in_turn(
        &mut self,
        context: &mut Context,
        observed: &Observed,
        client: &Client,
        restart: &RestartInTurn,
    ) -> Result<Progress, ReconcileError> {
        match apply::restart_in_turn(context, client, restart).await? {
            Restarted::Done => {}
            // It is observed and planned again before anything is touched.
            Restarted::Superseded if !std::mem::replace(&mut self.superseded, true) => {
                return Ok(Progress::Goes);
            }
            Restarted::FellBack => {
                self.log.push(FELL_BACK.to_owned());
                context.unreachable.borrow_mut().clear();
                return Ok(Progress::Goes);
            }
            Restarted::Failed => {
                self.started = Some(Readiness::Failed);
                context.unreachable.borrow_mut().clear();
                return Ok(Progress::Goes);
            }
            Restarted::Superseded | Restarted::Busy => {
                return Ok(Progress::Waits(Wait::Restart(RestartWait::OtherMember)));
            }
        }
        self.restarted = true;
        context.unreachable.borrow_mut().clear();
        // Who is in it was found out when it was made.
        let leaves = (restart.authorities.clone(), restart.after.loaded.clone());
        let loaded = Some((restart.trust.clone(), Some(leaves)));
        context.loaded_trust.replace(loaded);
        if let Known::Known(cluster) = &observed.cluster {
            let disconnected = &mut context.unit_state.disconnected;
            *disconnected = cluster.ledger.settled.or(*disconnected);
        }
        self.log.push(match is_outdated(observed) {
            true => "restarted etcd with another configuration".to_owned(),
            false => format!(
                "restarted etcd, which now trusts {} client certificates",
                restart.after.loaded.len()
            ),
        });
        Ok(Progress::Goes)
    }
}
