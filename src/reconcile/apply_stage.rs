//! Applying and publishing: one stage of a plan.

use super::{Progress, ReconcileError, Run};
use crate::apply::{self, ApplyError, Proven, Readiness, Restarted};
use crate::context::Context;
use crate::etcd::Client;
use crate::facts::observed::{Disconnection, Observed};
use crate::facts::{Known, LedgerWrite, MemberName};
use crate::hook::Event;
use crate::log;
use crate::observe;
use crate::plan::access::AccessStep;
use crate::plan::membership::MembershipStep;
use crate::plan::restart::TrustStep;
use crate::plan::{self, Stage, Wait};

/// What the log says of a change of trust that was taken back.
const FELL_BACK: &str =
    "etcd does not serve with the new trust file and went back to the one before";

impl Run {
    /// Carries out one stage.
    pub(super) async fn apply_stage(
        &mut self,
        context: &mut Context,
        observed: &Observed,
        client: Option<&Client>,
        stage: &Stage,
    ) -> Result<Progress, ReconcileError> {
        let needs_client = || ApplyError::Missing("a connection to etcd");
        match stage {
            Stage::Machine(steps) => {
                // effects: packages, files, the service
                let others_serve = observed.cluster.known().is_some();
                let application = &self.application;
                let started = apply::machine(context, application, steps, others_serve).await?;
                self.started = started.or(self.started);
                // Who did not answer may have been started.
                context.unreachable.borrow_mut().clear();
            }
            Stage::FreeLock(lock) => {
                // effects: the ledger
                client
                    .ok_or_else(needs_client)?
                    .free_lock(&lock.subject, &lock.holder)
                    .await
                    .map_err(ApplyError::from)?;
            }
            Stage::Disconnect(revision) => {
                // effects: connections of clients to this member
                self.disconnection = apply::disconnect(context).await?;
                match &self.disconnection {
                    Disconnection::Done => {
                        context.unit_state.disconnected =
                            revision.or(context.unit_state.disconnected);
                        self.log
                            .push("ended the connections of clients: some lost rights".to_owned());
                    }
                    Disconnection::Failed(reason) => self.log.push(format!(
                        "what clients have open from before they lost rights stays open until \
                         etcd restarts: {reason}"
                    )),
                    Disconnection::Postponed | Disconnection::Untried => {}
                }
            }
            Stage::Disarm(alarms) => {
                // effects: etcd's alarms
                let client = client.ok_or_else(needs_client)?;
                for alarm in alarms {
                    client.disarm(*alarm).await.map_err(ApplyError::from)?;
                    let kind = alarm.kind;
                    self.log
                        .push(format!("lowered the alarm {kind}, which had no cause"));
                }
                self.repaired.alarms = true;
            }
            Stage::Membership(step) => {
                // effects: etcd's members and authentication
                let client = client.ok_or_else(needs_client)?;
                if !apply::membership(context, client, step).await? {
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
                    apply::publish(context, None, &publication).await?;
                    return Ok(Progress::Waits(match step {
                        MembershipStep::Promote(_) => Wait::Promotion,
                        _ => Wait::OtherJoiner,
                    }));
                }
                if matches!(step, MembershipStep::Promote(_)) {
                    self.restarted = true;
                }
            }
            Stage::Access(steps) => {
                // effects: etcd's users, roles and the ledger
                self.took_rights |= steps.iter().any(AccessStep::takes_rights);
                apply::access(client.ok_or_else(needs_client)?, steps).await?;
                self.granted = true;
                self.repaired.root |= steps.contains(&AccessStep::LockRoot);
                self.log
                    .extend(steps.iter().filter_map(AccessStep::summary));
            }
            Stage::Issue(issuances) => {
                // effects: the ledger, secrets
                let client = client.ok_or_else(needs_client)?;
                let read = match &self.application.authorities {
                    Some(authorities) => Some(authorities.clone()),
                    None => observe::authorities_of_application(context)?,
                };
                let Some(authorities) = read else {
                    return Ok(Progress::Waits(Wait::Authorities));
                };
                for issuance in issuances {
                    let issued = apply::issue(context, client, &authorities, *issuance);
                    let endpoint = issuance.interface.endpoint();
                    let id = issuance.relation;
                    let clients = self.clients.get_or_insert_default();
                    let relation = clients.legacy.get_mut(&id);
                    match issued.await {
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
            }
            Stage::Trust(TrustStep::ReadPending) => {
                // effects: none (reads only)
                let clients = self.clients.get_or_insert_default();
                if let Known::Known(cluster) = &observed.cluster {
                    observe::read_pending(context, clients, &cluster.ledger)?;
                }
            }
            Stage::Trust(TrustStep::Prove) => {
                // effects: a file
                apply::prove(context)?;
            }
            Stage::Trust(TrustStep::FallBack) => {
                // effects: the trust file, the service
                let others_serve = observed.cluster.known().is_some();
                match apply::prove_or_fall_back(context, others_serve).await? {
                    Proven::Serves => {}
                    Proven::FellBack => self.log.push(FELL_BACK.to_owned()),
                    Proven::Failed => self.started = Some(Readiness::Failed),
                }
                context.unreachable.borrow_mut().clear();
            }
            Stage::Trust(TrustStep::Record(trust)) => {
                // effects: the ledger
                let client = client.ok_or_else(needs_client)?;
                let member = MemberName::of(&context.hook.unit);
                let write = LedgerWrite::Member(member, trust.clone());
                client
                    .write_ledger(&[write])
                    .await
                    .map_err(ApplyError::from)?;
            }
            Stage::Trust(TrustStep::Restart(restart)) => {
                // effects: the trust file, the service, the ledger
                let client = client.ok_or_else(needs_client)?;
                match apply::trust(context, client, restart).await? {
                    Restarted::Done => {}
                    // It is looked and planned again before anything is touched.
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
                        let reason = "another member restarts".to_owned();
                        return Ok(Progress::Waits(Wait::Restart(reason)));
                    }
                }
                self.restarted = true;
                context.unreachable.borrow_mut().clear();
                if let Known::Known(cluster) = &observed.cluster {
                    let settled = cluster.ledger.settled;
                    context.unit_state.disconnected = settled.or(context.unit_state.disconnected);
                }
                self.log.push(match observed.machine.is_outdated() {
                    true => "restarted etcd with another configuration".to_owned(),
                    false => format!(
                        "restarted etcd, which now trusts {} client certificates",
                        restart.after.loaded.len()
                    ),
                });
            }
            Stage::Stop => {
                // effects: the service
                apply::stop(context)?;
                return Ok(Progress::Over);
            }
            Stage::Publish(publication) => {
                // effects: databags, secrets, the ledger
                let published = apply::publish(context, client, publication).await?;
                self.log.extend(published.log);
                self.unanswered = published.failed;
                return Ok(Progress::Over);
            }
        }
        Ok(Progress::Goes)
    }
}
