//! Every hook is the same five steps: observe, plan, apply, publish, report.
//! State is compared, never deltas, so a hook that was killed, repeated or
//! skipped is made good by the next one of any kind.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::apply::{self, ApplyError};
use crate::context::{Context, ContextError};
use crate::etcd::Client;
use crate::hook::{Event, Hook};
use crate::juju::{LogLevel, ToolError};
use crate::model::{Known, Ledger, Relation, RequestKey, UnitName};
use crate::observe::{self, Application, ObserveError};
use crate::plan::access::AccessStep;
use crate::plan::membership::MembershipStep;
use crate::plan::observed::{Clients, Observed, Pass};
use crate::plan::restart::TrustStep;
use crate::plan::{self, Plan, Report, Stage, Wait, access};
use crate::relation::CLUSTER;
use crate::status;

/// How many stages one hook may carry out. A first start takes about ten; more
/// than this means that two stages undo each other.
const MAX_ROUNDS: usize = 40;

/// Why a hook failed.
#[derive(Debug, Error)]
pub enum ReconcileError {
    /// The run could not begin.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// Something that must be known could not be read.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// A step could not be carried out.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The outcome could not be reported.
    #[error("failed to report to the model")]
    Report(#[source] ToolError),
    /// What this unit must remember could not be written.
    #[error("failed to remember what was done")]
    Facts(#[source] crate::host::HostError),
    /// The plan did not come to rest.
    #[error("failed to bring etcd to rest within {MAX_ROUNDS} rounds; last stage: {0}")]
    Restless(&'static str),
}

/// Runs one hook.
///
/// # Errors
/// See [`ReconcileError`]; Juju drops what was written to it and runs the hook
/// again.
pub async fn run(hook: Hook) -> Result<(), ReconcileError> {
    let mut context = Context::new(hook)?;
    match &context.hook.event {
        Event::Ignored | Event::Action(_) => return Ok(()),
        Event::SecretRemove(secret, revision) => {
            prune(&context, secret, *revision).map_err(ReconcileError::Report)?;
            return Ok(());
        }
        Event::StorageDetaching
        | Event::Stop
        | Event::Client { .. }
        | Event::Peer { .. }
        | Event::SecretChanged(_)
        | Event::Lifecycle { .. } => {}
    }
    notice_departures(&mut context)?;
    if context.hook.event == Event::StorageDetaching {
        return Ok(());
    }
    let application = observe::application(&context)?;
    let mut run = Run {
        application,
        clients: None,
        first_ledger: None,
        granted: false,
        restarted: false,
        log: Vec::new(),
    };
    let report = run.rounds(&mut context).await?;
    run.finish(&mut context, &report)
}

/// A revision of ours that nobody reads any more is removed, as Juju asks.
fn prune(
    context: &Context,
    secret: &crate::model::SecretId,
    revision: u32,
) -> Result<(), ToolError> {
    let uri = format!("secret:{secret}");
    let uri = uri.parse().expect("a secret's id makes a URI");
    match context.tools.secret_remove(&uri, Some(revision.into())) {
        Err(error) if error.is_not_found() => Ok(()),
        removed => removed,
    }
}

/// How a hook goes on after a stage.
enum Progress {
    /// With the next round.
    Goes,
    /// Not at all: everything is published.
    Over,
    /// Not now, for a reason that passes by itself.
    Waits(Wait),
}

/// Remembers who is leaving, be it this unit or another.
fn notice_departures(context: &mut Context) -> Result<(), ReconcileError> {
    let own = context.hook.unit.clone();
    let is_own = |departing: &Option<UnitName>| departing.as_ref() == Some(&own);
    match &context.hook.event {
        Event::StorageDetaching | Event::Stop => context.facts.dying = true,
        // Its storage was taken and given back, and the unit stays.
        Event::Lifecycle {
            proves_life: true, ..
        } => context.facts.dying = false,
        Event::Client { departing, .. } | Event::Peer { departing, .. } if is_own(departing) => {
            context.facts.dying = true;
        }
        Event::Peer {
            relation,
            departing: Some(unit),
        } => {
            let relation = Relation {
                endpoint: CLUSTER,
                id: *relation,
            };
            // The databag of a unit that has left can still be read.
            let address = match context.tools.relation_get_unit(relation, unit) {
                Ok(bag) => bag.get("address").cloned(),
                Err(error) if error.is_denied() || error.is_not_found() => None,
                Err(error) => return Err(ReconcileError::Report(error)),
            };
            context.facts.departed.insert(unit.member(), address);
        }
        _ => return Ok(()),
    }
    context
        .facts
        .write(&context.paths)
        .map_err(ReconcileError::Facts)?;
    Ok(())
}

struct Run {
    application: Application,
    /// What clients ask for; read once, as soon as etcd is known, since what
    /// clients ask cannot change within a hook.
    clients: Option<Clients>,
    /// The ledger as this hook found it.
    first_ledger: Option<Ledger>,
    granted: bool,
    restarted: bool,
    log: Vec<String>,
}

impl Run {
    async fn rounds(&mut self, context: &mut Context) -> Result<Report, ReconcileError> {
        let mut last = "";
        for _ in 0..MAX_ROUNDS {
            let (observed, client) = self.observe(context).await?;
            let Plan { stage, mut report } = plan::plan(&observed);
            last = stage.name();
            tracing::debug!(stage = last, "planned");
            for remark in &report.remarks {
                if !self.log.contains(remark) {
                    self.log.push(remark.clone());
                }
            }
            let progress = self
                .carry_out(context, &observed, client.as_ref(), &stage)
                .await;
            if let Some(client) = &client {
                context.etcd_calls += client.calls();
            }
            match progress? {
                Progress::Goes => {}
                Progress::Over => return Ok(report),
                Progress::Waits(wait) => {
                    report.wait_for(wait);
                    return Ok(report);
                }
            }
        }
        Err(ReconcileError::Restless(last))
    }

    // effects: none (reads only)
    async fn observe(
        &mut self,
        context: &mut Context,
    ) -> Result<(Observed, Option<Client>), ReconcileError> {
        let application = &self.application;
        if application.pass == Pass::Full {
            // What only a full pass asks Juju for, the others remember.
            context.facts.address = application.address.or(context.facts.address);
            context.facts.data_dir = application.storage.clone();
        }
        let machine = observe::machine(context, application)?;
        let (cluster, client) = match observe::connect(context, application.peers.as_ref()).await {
            Err(reason) => (Known::Unknown(reason), None),
            Ok((client, members)) => {
                let cluster = observe::cluster(
                    context,
                    &client,
                    members,
                    application.pass,
                    application.leader,
                );
                (Known::Known(cluster.await?), Some(client))
            }
        };
        if let Known::Known(cluster) = &cluster {
            context.facts.client_endpoints = cluster
                .members
                .iter()
                .flat_map(|member| member.client_urls.clone())
                .collect();
            self.first_ledger
                .get_or_insert_with(|| cluster.ledger.clone());
            if self.clients.is_none() {
                let clients = observe::clients(context, application, &cluster.ledger)?;
                self.clients = Some(clients);
            }
        }
        let mut clients = self.clients.clone().unwrap_or_default();
        clients.fresh = self.fresh(&cluster);
        clients.server_ca = machine.server_ca.clone();
        let mut observed = Observed {
            now: context.now,
            unit: context.hook.unit.clone(),
            leader: application.leader,
            stopping: context.hook.event == Event::Stop,
            departed: context.facts.departed.clone(),
            pass: application.pass,
            machine,
            peers: application.peers.clone(),
            cluster,
            clients,
            prefix_policy: application.prefix_policy,
            granted: self.granted,
            restarted: self.restarted,
        };
        if let (Known::Known(cluster), Some(client), true) =
            (&observed.cluster, &client, observed.leader)
        {
            let names = access::names_of_interest(&observed, &cluster.ledger);
            let mut cluster = cluster.clone();
            observe::access(client, &mut cluster, names).await?;
            observed.cluster = Known::Known(cluster);
        }
        Ok((observed, client))
    }

    /// Requests that this hook has put on record.
    fn fresh(&self, cluster: &Known<crate::model::Cluster>) -> BTreeSet<RequestKey> {
        let (Some(first), Some(cluster)) = (&self.first_ledger, cluster.known()) else {
            return BTreeSet::new();
        };
        let now = cluster.ledger.clients.keys();
        now.filter(|key| !first.clients.contains_key(key))
            .cloned()
            .collect()
    }

    /// Carries out one stage.
    async fn carry_out(
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
                apply::machine(context, &self.application, steps).await?;
            }
            Stage::Membership(step) => {
                // effects: etcd's members and authentication
                let client = client.ok_or_else(needs_client)?;
                if !apply::membership(context, client, step).await? {
                    if observed.stopping {
                        // The leader takes this member off the list later.
                        apply::stop(context)?;
                        return Ok(Progress::Over);
                    }
                    // It passes by itself; what can be published is published.
                    let publication = plan::publish::foundation(observed);
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
                apply::access(client.ok_or_else(needs_client)?, steps).await?;
                self.granted = true;
                self.log
                    .extend(steps.iter().filter_map(AccessStep::summary));
            }
            Stage::Trust(TrustStep::Widen) => {
                // effects: none (reads only)
                let clients = self.clients.get_or_insert_default();
                if let Known::Known(cluster) = &observed.cluster {
                    observe::widen(context, clients, &cluster.ledger)?;
                }
            }
            Stage::Trust(TrustStep::Record(trust)) => {
                // effects: the ledger
                let client = client.ok_or_else(needs_client)?;
                let member = context.hook.unit.member();
                let write = crate::model::LedgerWrite::Member(member, trust.clone());
                client
                    .write_ledger(&[write])
                    .await
                    .map_err(ApplyError::from)?;
            }
            Stage::Trust(TrustStep::Restart(restart)) => {
                // effects: the trust file, the service, the ledger
                let client = client.ok_or_else(needs_client)?;
                if !apply::trust(context, client, restart).await? {
                    let reason = "another member restarts".to_owned();
                    return Ok(Progress::Waits(Wait::Restart(reason)));
                }
                self.restarted = true;
                self.log.push(format!(
                    "restarted etcd, which now trusts {} client certificates",
                    restart.after.loaded.len()
                ));
            }
            Stage::Stop => {
                // effects: the service
                apply::stop(context)?;
                return Ok(Progress::Over);
            }
            Stage::Publish(publication) => {
                // effects: databags, secrets, the ledger
                let published = apply::publish(context, client, publication).await?;
                self.log.extend(published);
                return Ok(Progress::Over);
            }
        }
        Ok(Progress::Goes)
    }

    /// Reports, and remembers what the next hook need not ask for.
    fn finish(self, context: &mut Context, report: &Report) -> Result<(), ReconcileError> {
        let is_full = self.application.pass == Pass::Full;
        if is_full && report.wait.is_none() {
            apply::open_port(context)?;
        }
        if is_full {
            let policy = self.application.prefix_policy;
            context.facts.prefix_policy = Some(policy.as_str().to_owned());
            if let Some(relation) = observe::peer_relation(context)? {
                context.facts.peer_relation = Some(relation.id);
            }
        }
        status::report(context, report, self.application.leader, is_full)
            .map_err(ReconcileError::Report)?;
        if !self.log.is_empty() {
            context
                .tools
                .juju_log(LogLevel::Info, &self.log.join("; "))
                .map_err(ReconcileError::Report)?;
        }
        tracing::debug!(
            hook_tools = context.tools.calls(),
            etcd_calls = context.etcd_calls,
            "done"
        );
        context
            .facts
            .write(&context.paths)
            .map_err(ReconcileError::Facts)?;
        Ok(())
    }
}
